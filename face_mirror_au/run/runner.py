"""One video from its first frame to its tables: source, loop, plugins. The one path that command line, API and plugin share."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

import numpy as np

from face_mirror_au.errors import UsageError
from face_mirror_au.loop.launch import StartMethod
from face_mirror_au.loop.nursery import Nursery
from face_mirror_au.loop.runner import FrameLoop
from face_mirror_au.media.images import left_out
from face_mirror_au.media.source import FrameSource, SourceInfo
from face_mirror_au.media.video import open_source
from face_mirror_au.models.retinaface import MAX_SIDE
from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.numerics.pdm import PDM
from face_mirror_au.overlay.drawing import Drawing
from face_mirror_au.pipeline.answered import Answered
from face_mirror_au.pipeline.baseline import Baseline
from face_mirror_au.pipeline.model_set import ModelPlan
from face_mirror_au.pipeline.own_descriptor import AU_PLUGIN
from face_mirror_au.pipeline.track import BAD_LANDMARKS, NO_FACE
from face_mirror_au.pipeline.views import REFLECT, MirrorSettings
from face_mirror_au.records import Frame, Image, View, ViewTable
from face_mirror_au.results.metadata import CHANGED, InputStamp, stamp_input
from face_mirror_au.run.own_plugins import ActionUnitPlugin, OnRow
from face_mirror_au.run.plugins import gather_plugins
from face_mirror_au.run.rest import described_rest, rest_warning, rest_words, with_other_rest
from face_mirror_au.wording import counted
from face_mirror_hooks.records import FrameResult, SessionInfo, VideoInfo, VideoSummary, WorkerLoss

logger = logging.getLogger(__name__)

# Of a neutral reference there is little in fewer frames: it is the median of every second one, and OpenFace's own offset is a low quantile.
SHORT_RECORDING = 10
CROWD_WARNING = "more than one face was seen: the largest at the start is the one that is followed"
SINGLE_IMAGE_NOTE = "a single image: static AU models, no neutral face, nothing smoothed"

OnFrame = Callable[[Image, FrameResult], None]
"""Called with each frame's original picture and its result, in order."""


@dataclass(frozen=True)
class RunSettings:
    """How videos are run.

    Attributes
    ----------
    detect_every : int
        Frames between two scheduled detections.
    max_frames : int or None
        Stop after so many frames.
    strict : bool
        Read failed frames as OpenFace does.
    flipped_input : bool
        The recording is a mirror image (selfie camera): turn it back first, so that left and right are the subject's again.
    max_side : int
        Detection sees frames scaled down to at most this long side, px.
    views : tuple of View
        Original first.
    mirror : MirrorSettings
    baseline : Baseline
    workers : int
        Processes beside this one; 0: none.
    start_method : "fork", "spawn" or None
        None: fork where there is one.
    device : str
        What was asked for: "auto", "cpu", "coreml" or "cuda".
    plugins : tuple of str
        More plugins, by import name.
    blocked : tuple of str
        Plugins that shall not run.
    """

    detect_every: int = 30
    max_frames: int | None = None
    strict: bool = False
    flipped_input: bool = False
    max_side: int = MAX_SIDE
    views: tuple[View, ...] = (View.ORIGINAL,)
    mirror: MirrorSettings = field(default_factory=MirrorSettings)
    baseline: Baseline = field(default_factory=Baseline)
    workers: int = 0
    start_method: StartMethod | None = None
    device: str = "cpu"
    plugins: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.detect_every < 1:
            raise UsageError(f"must be 1 or more, not {self.detect_every}", "detect_every")
        if self.max_frames is not None and self.max_frames < 1:
            raise UsageError(f"must be 1 or more, not {self.max_frames}", "max_frames")
        if self.max_side < 64:
            raise UsageError(f"must be 64 or more pixels, not {self.max_side}", "max_side")
        if self.workers < 0:
            raise UsageError(f"must be 0 or more, not {self.workers}", "workers")
        if not self.views or self.views[0] is not View.ORIGINAL or len(set(self.views)) != len(self.views):
            raise UsageError("must begin with original and name each view once: original,left,right", "views")


@dataclass(frozen=True)
class VideoResult:
    """What a run gave.

    Attributes
    ----------
    info : SourceInfo
    models : str
        "dynamic" or "static": the AU models that it was measured with.
    tables : mapping of View to ViewTable
        Valid inside the `with` block of `VideoRunner.run` only: their rows lie on disk. Empty when the action units are blocked.
    decoded : int
        Number of decoded frames: every table has as many rows.
    failures : mapping of View to mapping
        For each view, reason to number of frames without a measurement.
    problems : tuple of str
        What the source could not deliver; not empty means that the result is partial.
    notes : tuple of str
        What was unusual about the source but harmless.
    warnings : tuple of str
    losses : tuple of WorkerLoss
        Workers that were lost on the way; their frames were done again.
    changed : bool
        The input was another one at the end: its hash would not be that of what was measured.
    answered : Answered
        Which plugins detected the face and located its landmarks.
    rest : mapping or None
        What metadata say of the rest, see `described_rest`; None where none was looked for.
    """

    info: SourceInfo
    models: str
    tables: Mapping[View, ViewTable]
    decoded: int
    failures: Mapping[View, Mapping[str, int]]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    losses: tuple[WorkerLoss, ...]
    changed: bool = False
    answered: Answered = field(default_factory=Answered)
    rest: Mapping[str, object] | None = None

    @property
    def table(self) -> ViewTable:
        """The original view's."""
        return self.tables[View.ORIGINAL]

    def reconciliation(self, view: View = View.ORIGINAL) -> str:
        """One line for a view: decoded, rows, failed and why."""
        failures = Counter(self.failures.get(view, {}))
        reasons = "; ".join(f"{count} x {reason}" for reason, count in failures.most_common())
        rows = len(self.tables[view].success) if view in self.tables else 0
        line = f"{counted(self.decoded, 'frame')} decoded, {counted(rows, 'row')}, {failures.total()} failed"
        return f"{line} ({reasons})" if reasons else line

    @property
    def empty_tables(self) -> tuple[str, ...]:
        """One line for each view without a single measurement."""
        found = []
        for view, table in self.tables.items():
            if np.asarray(table.success).any():
                continue
            no_face = set(self.failures[view]) <= {NO_FACE, BAD_LANDMARKS}
            why = "no face was found in any frame" if no_face else "no frame could be measured"
            place = "the table" if view is View.ORIGINAL else f"the table of view {view.value}"
            found.append(f"{why}: {place} has no measurement")
        return tuple(found)


class VideoRunner:
    """Runs videos with one set of models and plugins. Nothing is carried from one video to the next.

    A context manager: the workers end with it.

    Parameters
    ----------
    plan : ModelPlan
    settings : RunSettings
    nursery : Nursery, optional
        Forks the workers; started before anything heavy was imported. Closed by who started it.
    must_start : "fork" or "spawn", optional
        How workers must start for the device that was chosen.
    device_metadata : mapping, optional
        How the device was chosen.
    drawing : Drawing, optional
        What is drawn on the pictures, and where they go.

    Raises
    ------
    PluginProblemError
        When a plugin cannot be loaded, or a blocked name is nobody's.
    UsageError
    """

    def __init__(
        self,
        plan: ModelPlan,
        settings: RunSettings,
        *,
        nursery: Nursery | None = None,
        must_start: StartMethod | None = None,
        device_metadata: Mapping[str, object] | None = None,
        drawing: Drawing | None = None,
    ) -> None:
        if settings.mirror.landmarks == REFLECT:
            plan.check_reflect()
        self.plan = plan
        settings = replace(settings, baseline=with_other_rest(settings.baseline, plan, settings.views))
        self.settings = settings
        self.device_metadata = dict(device_metadata or {"request": "cpu"})
        self._nursery = nursery
        self._start_method = must_start or settings.start_method
        self.drawing = drawing or Drawing()
        self.action_units = ActionUnitPlugin(plan, settings.views, strict=settings.strict, baseline=settings.baseline)
        self.manager, self._processing = gather_plugins(plan, settings, self.action_units, self.drawing)
        self._measures = AU_PLUGIN in self._processing.required
        self._loop: FrameLoop | None = None
        self._session: SessionInfo | None = None
        self._videos = 0
        self._stamp: InputStamp = None

    def __enter__(self) -> VideoRunner:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the workers and the session."""
        if self._session is not None:
            self.manager.after_session(self._session)
            self._session = None
        if self._loop is not None:
            self._loop.close()
            self._loop = None

    @property
    def bank(self) -> AUBank:
        """The AU bank in use."""
        return self.action_units.bank

    @property
    def pdm(self) -> PDM:
        """The point distribution model in use."""
        return self.plan.load_pose_fitter().pdm

    @property
    def loop(self) -> FrameLoop:
        """The frame loop; its workers start at first use, before any video is opened."""
        if self._loop is None:
            self._loop = FrameLoop(
                self._processing,
                0 if self.plan.landmark_entry.in_order else self.settings.workers,
                self._start_method,
                device=next((device for device in self.plan.devices.values() if device != "cpu"), "cpu"),
                nursery=self._nursery,
            )
        return self._loop

    @contextmanager
    def run(
        self,
        path: Path,
        spool_folder: Path,
        *,
        label: str | None = None,
        on_row: OnRow | None = None,
        on_start: Callable[[SourceInfo], None] | None = None,
        on_frame: OnFrame | None = None,
    ) -> Iterator[VideoResult]:
        """Run one video, image or image folder.

        Parameters
        ----------
        path : Path
        spool_folder : Path
            Where per-frame numbers lie while the run lasts.
        label : str, optional
            What plugins hear as the video's name; its stem when not given.
        on_row : callable, optional
            Called with each view's result and its online values, in order.
        on_start : callable, optional
            Called once with what is known about the source.
        on_frame : callable, optional
            Called with each frame's picture and result, in order.

        Yields
        ------
        VideoResult

        Raises
        ------
        VideoError
            When the source cannot be opened or holds no frame.
        """
        loop = self.loop
        if self._session is None:
            self._session = SessionInfo(self.settings.views, (label or path.stem,), self.settings.workers, loop.start_method)
            self.manager.before_session(self._session)
        self.action_units.on_row, self.action_units.spool_folder = on_row, spool_folder
        self._stamp = stamp_input(path)
        with open_source(path) as source:
            info = source.info
            self.action_units.single_image = info.kind == "image"
            if on_start is not None:
                on_start(info)
            video = VideoInfo(self._videos, path, label or path.stem, info.width, info.height, info.rate, info.expected_frames)
            self._videos += 1
            self.manager.before_video(video)
            self._raise_own_error()
            try:
                yield from self._measure(loop, video, source, on_frame)
            except BaseException as error:
                self.manager.on_video_error(video, str(error) or type(error).__name__)
                raise
            finally:
                self.action_units.close()

    def _measure(self, loop: FrameLoop, video: VideoInfo, source: FrameSource, on_frame: OnFrame | None) -> Iterator[VideoResult]:
        decoded, crowd, losses, answered = 0, False, len(loop.losses), Answered()
        keep = on_frame is not None or self.drawing.wanted
        for image, result in loop.process(self._frames(source), video, self.settings.detect_every, keep_images=keep):
            decoded += 1
            answered.count(result)
            if result.error:
                self.manager.on_frame_error(result.index, result.time_s, result.error)
            self.manager.after_frame(result)
            self._raise_own_error()
            for loss in loop.take_news():
                self.manager.on_worker_lost(loss)
            if on_frame is not None and image is not None:
                on_frame(image, result)
            if image is not None and self.drawing.wanted:
                self.manager.draw_overlay(image.copy(), result)
            if result.crowd and not crowd:
                crowd = True
                logger.warning("frame %d: %s", result.index, CROWD_WARNING)
        failures = self.action_units.failures if self._measures else {}
        plugin_failures = sorted({str(failure) for failure in self.manager.take_failures()})
        changed = video.path is not None and self._stamp not in {None, stamp_input(video.path)}
        single_image = source.info.kind == "image"
        models = self.plan.models_for(single_image=single_image)
        tables = self.action_units.finish() if self._measures else {}
        rest = self.action_units.rest
        outcome = VideoResult(
            info=source.info,
            models=models,
            tables=tables,
            decoded=decoded,
            failures=failures,
            problems=(*source.problems, *((CHANGED,) if changed else ())),
            notes=(
                *source.notes,
                *((SINGLE_IMAGE_NOTE,) if single_image and models == "static" and self._measures else ()),
                *(() if rest is None else (rest_words(rest),)),
            ),
            warnings=(
                *self.plan.warnings,
                *((CROWD_WARNING,) if crowd else ()),
                *self._source_warnings(source, video.path, decoded, sum(failures.get(View.ORIGINAL, {}).values())),
                *([rest_warning(rest)] if rest is not None and rest.warning else ()),
                *plugin_failures,
            ),
            losses=tuple(loop.losses[losses:]),
            changed=changed,
            answered=answered,
            rest=None if rest is None else described_rest(rest, self.action_units.rests),
        )
        yield outcome
        self.manager.after_video(video, VideoSummary(decoded, failures.get(View.ORIGINAL, {}), outcome.problems))

    def _source_warnings(self, source: FrameSource, path: Path | None, decoded: int, failed: int) -> Iterator[str]:
        """What the user should know about this recording as a recording."""
        dynamic = self.plan.models_for(single_image=source.info.kind == "image") == "dynamic"
        if self._measures and self.bank.dynamic.any() and dynamic and decoded < SHORT_RECORDING:
            yield (
                f"{counted(decoded, 'frame')} only: the neutral face that action units are compared with has little to stand on below "
                f"{SHORT_RECORDING} frames; take a longer recording, or static models"
            )
        if source.info.kind == "image folder" and path is not None:
            others = left_out(path)
            if others is not None:
                yield others
            if 2 * failed > decoded:
                yield (
                    "more than half of the images have no face that could be followed: a folder is read as one recording of one person; "
                    "measure unrelated images one by one with `run FOLDER/*.jpg`"
                )

    def _raise_own_error(self) -> None:
        if self._measures and self.action_units.error is not None:
            raise self.action_units.error

    def _frames(self, source: FrameSource) -> Iterator[Frame]:
        for frame in source:
            if self.settings.max_frames is not None and frame.index >= self.settings.max_frames:
                return
            yield replace(frame, image=np.ascontiguousarray(frame.image[:, ::-1])) if self.settings.flipped_input else frame
