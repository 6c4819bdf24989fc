"""How videos are run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from face_mirror_au.errors import UsageError
from face_mirror_au.loop.launch import StartMethod
from face_mirror_au.media.source import WHOLE, Reading
from face_mirror_au.models.retinaface import MAX_SIDE
from face_mirror_au.pipeline.baseline import Baseline
from face_mirror_au.pipeline.views import MirrorSettings
from face_mirror_au.records import View


@dataclass(frozen=True)
class RunSettings:
    """How videos are run.

    Attributes
    ----------
    detect_every : int
        Frames between two scheduled detections.
    max_frames : int or None
        Stop after so many frames.
    reading : Reading
        Which part of a recording is read, and how its times are counted.
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
    static_columns : bool
        Measure with static models, too; the format face-mirror has columns for them.
    fill_gaps : int
        In that format, so many missing frames between two measured ones get their mean: 0 or 1.
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
    reading: Reading = WHOLE
    strict: bool = False
    flipped_input: bool = False
    max_side: int = MAX_SIDE
    views: tuple[View, ...] = (View.ORIGINAL,)
    mirror: MirrorSettings = field(default_factory=MirrorSettings)
    baseline: Baseline = field(default_factory=Baseline)
    static_columns: bool = False
    fill_gaps: int = 0
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
        if self.fill_gaps not in {0, 1}:
            raise UsageError(f"must be 0 or 1, not {self.fill_gaps}", "fill_gaps")
        if not self.views or self.views[0] is not View.ORIGINAL or len(set(self.views)) != len(self.views):
            raise UsageError("must begin with original and name each view once: original,left,right", "views")
        if self.reading.timestamps == "zero" and not self.baseline.meets(self.reading.start_s, self.reading.end_s):
            raise UsageError(f"the segment {self.baseline} lies outside the part of the recording that is read", "baseline")


def views_of(names: Iterable[str]) -> tuple[View, ...]:
    """Views by their short names: original, left, right. Raises UsageError."""
    known = {"original": View.ORIGINAL, "left": View.LEFT_MIRRORED, "right": View.RIGHT_MIRRORED}
    names = list(names)
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        raise UsageError(f"unknown view {unknown!r}; choose from original,left,right")
    return tuple(known[name] for name in names)
