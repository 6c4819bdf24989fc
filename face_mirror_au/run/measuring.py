"""The ordered half of the method for one video: results go in, in frame order; values come out at once, tables at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.numerics.rest import Rest
from face_mirror_au.pipeline.baseline import Baseline, OtherRest
from face_mirror_au.pipeline.online import OnlineSequence
from face_mirror_au.pipeline.own_descriptor import descriptor_of
from face_mirror_au.pipeline.person import PersonWatch
from face_mirror_au.pipeline.sequence import FinalValues
from face_mirror_au.records import FloatArray, OnlineValues, View, ViewTable
from face_mirror_au.run.view_log import ViewLog
from face_mirror_hooks.records import FrameResult, ViewResult

OnlineOfViews = Mapping[View, OnlineValues]
"""The online values of one frame."""


class Measurement:
    """Keeps the neutral face of one video and predicts its action units. Lives in the parent; made for each video anew.

    A context manager: the tables' rows lie on disk, and go with it.

    Parameters
    ----------
    bank : AUBank or None
        None: the action units are blocked. Nothing is measured then.
    views : sequence of View
        Original first.
    spool : Path or None
        The folder in which the rows lie; None: in memory.
    strict : bool
        Read failed frames as OpenFace does.
    baseline : Baseline, optional
    static_bank : AUBank, optional
        Static models that measure beside those of `bank`.
    reference : ndarray, (68, 2), optional
        The PDM's mean face, which the rest is looked for with; from values alone when not given.
    by_face : bool
        The frames are one image, once for each of its faces.
    given : sequence of str
        Signals whose columns are there even where no frame has a value.

    Attributes
    ----------
    rest : Rest or None
        Of all views, after the tables or final values were made; None where none was looked for: with static models, and under `strict`
        where the levels are OpenFace's. Where another person's face came, it is looked for in the longer part alone.
    """

    def __init__(
        self,
        bank: AUBank | None,
        views: Sequence[View],
        spool: Path | None,
        *,
        strict: bool = False,
        baseline: Baseline | None = None,
        static_bank: AUBank | None = None,
        reference: FloatArray | None = None,
        by_face: bool = False,
        given: Sequence[str] = (),
    ) -> None:
        self.strict = strict
        self.rest: Rest | None = None
        self._reference = reference
        self._rests = bank is not None and bool(bank.dynamic.any()) and (bank.own_rest or not strict)
        self._persons = None if by_face else PersonWatch()
        self._views: dict[View, ViewLog] = {}
        self._closing = ExitStack()
        if bank is None:
            return
        with ExitStack() as opening:
            for view in views:
                original = next((log.sequence for log in self._views.values()), None)
                log = ViewLog(
                    view,
                    bank,
                    spool,
                    strict=strict,
                    baseline=baseline,
                    original=original,
                    static_bank=static_bank,
                    by_face=by_face,
                    given=given,
                )
                self._views[view] = opening.enter_context(log)
            self._closing = opening.pop_all()

    def __enter__(self) -> Measurement:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._closing.close()

    def append(self, result: FrameResult) -> OnlineOfViews:
        """Take the next frame. Returns its values as they are known by now; NaN where it failed."""
        if self._persons is not None:
            original = result.view(View.ORIGINAL)
            self._persons.append(None if original is None else descriptor_of(original), result.time_s)
        logs = ((self._views.get(each.view), each) for each in result.views)
        return {each.view: log.append(result.index, result.time_s, each) for log, each in logs if log is not None}

    @property
    def changed_s(self) -> float | None:
        """When another person's face was first seen; see `PersonWatch`."""
        return None if self._persons is None else self._persons.changed_s

    @property
    def failures(self) -> dict[View, dict[str, int]]:
        """For each view, why frames have no measurement, and how many."""
        return {view: dict(log.failures) for view, log in self._views.items()}

    def finish(self) -> dict[View, ViewTable]:
        """The tables, after the last frame. Their rows are there until the end of the block.

        Raises
        ------
        UsageError
            When no frame was measured in the baseline's segment.
        """
        original = self._views.get(View.ORIGINAL)
        if original is None:
            return {}
        self._find_rest()
        return {view: log.finish(self.rest, original.region_confidences) for view, log in self._views.items()}

    @property
    def rests(self) -> dict[View, OtherRest]:
        """The rest of each view, for other recordings of the person; after the tables were made."""
        return {view: log.sequence.rest_for_others for view, log in self._views.items()}

    def final_values(self, view: View = View.ORIGINAL) -> FinalValues:
        """All final values of a view at once, in memory. Raises UsageError as `finish`."""
        self._find_rest()
        return self._views[view].sequence.finish(None if self.rest is None else self.rest.weights)

    def _find_rest(self) -> None:
        """One rest for all views: the original's."""
        if self._rests and self.rest is None:
            self.rest = self._views[View.ORIGINAL].find_rest(self._reference, self.changed_s)


class LiveMeasurement:
    """As `Measurement`, for a camera: nothing is kept for an end that may never come, so there is nothing to finish.

    Parameters
    ----------
    bank, views, baseline
        See `Measurement`.
    """

    def __init__(self, bank: AUBank | None, views: Sequence[View], baseline: Baseline | None = None) -> None:
        self._views: dict[View, OnlineSequence] = {}
        if bank is None:
            return
        for view in views:
            self._views[view] = OnlineSequence(bank, baseline, next(iter(self._views.values()), None))

    def append(self, result: FrameResult) -> OnlineOfViews:
        """See `Measurement.append`."""
        return {each.view: self._append(each, result.time_s) for each in result.views if each.view in self._views}

    def _append(self, result: ViewResult, time_s: float) -> OnlineValues:
        descriptor = descriptor_of(result)
        hog, geometry = (None, None) if descriptor is None else (descriptor.hog, descriptor.geometry)
        return self._views[result.view].append(hog, geometry, time_s)
