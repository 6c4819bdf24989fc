"""One video from its first frame to its table: source, loop, view log. The one path that command line, API and plugin share."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from face_mirror_au.errors import UsageError
from face_mirror_au.io.source import FrameSource, SourceInfo
from face_mirror_au.io.video import open_source
from face_mirror_au.io.view_log import ViewLog
from face_mirror_au.loop.in_process import process_frames
from face_mirror_au.models.retinaface import MAX_SIDE
from face_mirror_au.numerics.pdm import PDM
from face_mirror_au.pipeline.finder import ModelFinder
from face_mirror_au.pipeline.model_set import ModelPlan
from face_mirror_au.pipeline.process import FrameProcessor, FrameRecord
from face_mirror_au.pipeline.sequence import OnlineValues
from face_mirror_au.pipeline.track import FaceTracker
from face_mirror_au.records import Frame, View, ViewTable

logger = logging.getLogger(__name__)

CROWD_WARNING = "more than one face was seen: the largest at the start is the one that is followed"


@dataclass(frozen=True)
class RunSettings:
    """How a video is run.

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
    """

    detect_every: int = 30
    max_frames: int | None = None
    strict: bool = False
    flipped_input: bool = False
    max_side: int = MAX_SIDE

    def __post_init__(self) -> None:
        if self.detect_every < 1:
            raise UsageError(f"--detect-every must be 1 or more, not {self.detect_every}")
        if self.max_frames is not None and self.max_frames < 1:
            raise UsageError(f"--max-frames must be 1 or more, not {self.max_frames}")
        if self.max_side < 64:
            raise UsageError(f"--max-side must be 64 or more pixels, not {self.max_side}")


@dataclass(frozen=True)
class VideoResult:
    """What a run gave.

    Attributes
    ----------
    info : SourceInfo
    table : ViewTable
        Valid inside the `with` block of `VideoRunner.run` only: its arrays lie on disk.
    failures : Counter
        Reason to number of frames.
    problems : tuple of str
        What the source could not deliver; not empty means that the result is partial.
    notes : tuple of str
        What was unusual about the source but harmless.
    warnings : tuple of str
    """

    info: SourceInfo
    table: ViewTable
    failures: Counter[str]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def decoded(self) -> int:
        """Number of decoded frames: as many as rows."""
        return len(self.table.frame)

    @property
    def reconciliation(self) -> str:
        """One line: decoded, rows, failed and why."""
        failed = sum(self.failures.values())
        reasons = "; ".join(f"{count} x {reason}" for reason, count in self.failures.most_common())
        line = f"{self.decoded} frames decoded, {len(self.table.success)} rows, {failed} failed"
        return f"{line} ({reasons})" if reasons else line


class VideoRunner:
    """Runs videos with one set of models. Nothing is carried from one video to the next.

    Parameters
    ----------
    plan : ModelPlan
    settings : RunSettings
    """

    def __init__(self, plan: ModelPlan, settings: RunSettings) -> None:
        self.plan = plan
        self.settings = settings
        self.bank = plan.load_bank()
        describer = plan.load_describer()
        self._describer = describer
        finder = ModelFinder(plan.load_detector(settings.max_side), plan.load_landmark_model())
        tracker = FaceTracker(finder, describer.pose_fitter)
        self._processor = FrameProcessor(tracker, describer)

    @property
    def pdm(self) -> PDM:
        """The point distribution model in use."""
        return self._describer.pdm

    @property
    def processor(self) -> FrameProcessor:
        """The stateless half of the method, for single frames."""
        return self._processor

    @contextmanager
    def run(
        self,
        path: Path,
        spool_folder: Path,
        on_row: Callable[[FrameRecord, OnlineValues], None] | None = None,
        on_start: Callable[[SourceInfo], None] | None = None,
    ) -> Iterator[VideoResult]:
        """Run one video, image or image folder.

        Parameters
        ----------
        path : Path
        spool_folder : Path
            Where per-frame numbers lie while the run lasts.
        on_row : callable, optional
            Called with each frame's record and its online values, in order.
        on_start : callable, optional
            Called once with what is known about the source.

        Yields
        ------
        VideoResult

        Raises
        ------
        VideoError
            When the source cannot be opened or holds no frame.
        """
        crowd = False
        log = ViewLog(View.ORIGINAL, self.bank, self.pdm.n_modes, spool_folder, strict=self.settings.strict)
        with log, open_source(path) as source:
            if on_start is not None:
                on_start(source.info)
            for record in process_frames(self._frames(source), self._processor, detect_every=self.settings.detect_every):
                values = log.append(record)
                if record.crowd and not crowd:
                    crowd = True
                    logger.warning("frame %d: %s", record.index, CROWD_WARNING)
                if on_row is not None:
                    on_row(record, values)
            warnings = (*self.plan.warnings, *((CROWD_WARNING,) if crowd else ()))
            yield VideoResult(source.info, log.finish(), log.failures, tuple(source.problems), tuple(source.notes), warnings)

    def _frames(self, source: FrameSource) -> Iterator[Frame]:
        for frame in source:
            if self.settings.max_frames is not None and frame.index >= self.settings.max_frames:
                return
            yield replace(frame, image=np.ascontiguousarray(frame.image[:, ::-1])) if self.settings.flipped_input else frame
