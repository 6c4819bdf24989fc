"""The data that travel between a frame loop and its plugins: frozen records, arrays with shape, dtype and unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

N_LANDMARKS = 68

# OpenFace 2.2: the 17 action units with an intensity (AUxx_r) and the 18 with a presence (AUxx_c; AU28 has no intensity), in CSV order.
INTENSITY_AUS = (
    "AU01", "AU02", "AU04", "AU05", "AU06", "AU07", "AU09", "AU10", "AU12", "AU14", "AU15", "AU17", "AU20", "AU23", "AU25", "AU26", "AU45",
)  # fmt: skip
PRESENCE_AUS = (*INTENSITY_AUS[:-1], "AU28", "AU45")

Float32Array = NDArray[np.float32]
FloatArray = NDArray[np.float64]
Image = NDArray[np.uint8]


class View(Enum):
    """Which picture of the face. Left and right are always the subject's: `LEFT_MIRRORED` shows the subject's left half twice."""

    ORIGINAL = "original"
    LEFT_MIRRORED = "left_mirrored"
    RIGHT_MIRRORED = "right_mirrored"


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture.

    Attributes
    ----------
    index : int
        0-based position among the decoded frames of its video.
    time_s : float
        Seconds, from the container's timestamps (not index / fps).
    image : ndarray, (H, W, 3) uint8
        BGR, C-contiguous, in display orientation.
    problem : str or None
        Why this picture must not be measured (the decoder marked it as damaged), else None.
    """

    index: int
    time_s: float
    image: Image
    problem: str | None = None


class BoxSpan(Enum):
    """What of a face a detector's box holds, from its upper edge to its lower one."""

    FOREHEAD = "forehead to chin"
    BROWS = "brows to chin"


@dataclass(frozen=True, slots=True)
class Detection:
    """A face box from a detector.

    Attributes
    ----------
    box : ndarray, (4,) float32
        x1, y1, x2, y2 in pixels of the full frame; may reach beyond the frame's edges.
    score : float
        0 to 1, the detector's own.
    keypoints : ndarray, (K, 2) float32
        The detector's few points in frame pixels, the subject's right and left eye first; empty (0, 2) where it has none.
    span : BoxSpan
        Most detectors draw a face from the forehead to the chin.
    source : str
        Name of the plugin that gave it; filled in by the loop.
    """

    box: Float32Array
    score: float
    keypoints: Float32Array
    span: BoxSpan = BoxSpan.FOREHEAD
    source: str = ""


@dataclass(frozen=True, slots=True)
class Located:
    """What a landmark model returns for one region.

    Attributes
    ----------
    landmarks : ndarray, (68, 2) float32
        Frame pixels, iBUG order.
    score : float
        The model's own probability that there is a face in the region; 1.0 where the model has no such output. 0.0 says that there
        is none: the landmarks are not looked at then.
    mesh : ndarray, (478, 3) float32, or None
        All points of a mesh model in frame pixels (z in the same unit), else None.
    """

    landmarks: Float32Array
    score: float
    mesh: Float32Array | None = None


@dataclass(frozen=True, slots=True)
class Face:
    """A located face.

    Attributes
    ----------
    box : ndarray, (4,) float32
        Bounding box of the landmarks, x1, y1, x2, y2 in frame pixels.
    score : float
        Score of the detection that it was tracked from, 0 to 1.
    landmarks : ndarray, (68, 2) float32
        Frame pixels, iBUG order.
    source : str
        Name of the plugin that located the landmarks, e.g. ``"pfld"``.
    mesh : ndarray, (478, 3) float32, or None
        All points of a mesh model, see `Located`.
    detector : str
        Name of the plugin that detected it in this very frame; empty where it was tracked.
    signals : mapping of str to ndarray
        What else of the frame's signals came with the landmarks, by their names, e.g. "gaze": they count instead of our own.
    """

    box: Float32Array
    score: float
    landmarks: Float32Array
    source: str
    mesh: Float32Array | None = None
    detector: str = ""
    signals: Mapping[str, FloatArray] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What one run does.

    Attributes
    ----------
    views : tuple of View
        The pictures of the face that are measured, original first.
    labels : tuple of str
        One short name for each video, in order.
    workers : int
        Number of worker processes; 0 when the frames are processed in the parent.
    start_method : str
        ``"fork"`` or ``"spawn"``; ``"none"`` without workers.
    """

    views: tuple[View, ...]
    labels: tuple[str, ...]
    workers: int
    start_method: str


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """One video of a session.

    Attributes
    ----------
    number : int
        0-based position in the session.
    path : Path or None
        None where the frames come from no file.
    label : str
        Its short name: the file's stem, or what the user called the subject.
    width, height : int
        Of the pictures in display orientation, px.
    rate : Fraction or None
        Frames per second as the container states them; None where it does not.
    expected_frames : int or None
        As the container states them. There may be more or fewer.
    faces_of_image : bool
        It is a single image, whose frames are that image, once for each of its faces (profile openface).
    """

    number: int
    path: Path | None
    label: str
    width: int
    height: int
    rate: Fraction | None = None
    expected_frames: int | None = None
    faces_of_image: bool = False


@dataclass(frozen=True, slots=True)
class VideoSummary:
    """What came of a video.

    Attributes
    ----------
    frames : int
        Number of decoded frames.
    failed : mapping of str to int
        How many frames of the original view have no measurement, by reason.
    problems : tuple of str
        What a person should know: losses of workers, damaged frames, plugins that raised.
    """

    frames: int
    failed: Mapping[str, int]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker process.

    Attributes
    ----------
    number : int
        0-based; a replacement has the number of the worker that it replaces.
    pid : int
    device : str
        Where its models run: ``"cpu"``, ``"coreml"`` or ``"cuda"``.
    """

    number: int
    pid: int
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class WorkerLoss:
    """A worker process that was lost.

    Attributes
    ----------
    worker : WorkerInfo
    reason : str
        ``"died"`` or ``"hung"``.
    exit_code : int or None
        Of the process; negative: the signal that ended it (-11: a segmentation fault). None when it is not known.
    frames : (int, int) or None
        First and last index of the frames that are done again; None when it had none.
    next_step : str
        ``"replaced"``, ``"replaced on CPU"`` or ``"frame failed"``.
    """

    worker: WorkerInfo
    reason: Literal["died", "hung"]
    exit_code: int | None
    frames: tuple[int, int] | None
    next_step: Literal["replaced", "replaced on CPU", "frame failed"]


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """An exception of a plugin, as data.

    Attributes
    ----------
    plugin : str
        Its name.
    hook : str
        Where it happened.
    message : str
        Class and text of the exception.
    """

    plugin: str
    hook: str
    message: str

    def __str__(self) -> str:
        return f"plugin {self.plugin} failed in {self.hook}: {self.message}"


@dataclass(frozen=True, slots=True)
class ViewResult:
    """What one frame gave in one view.

    Attributes
    ----------
    view : View
    face : Face or None
        In pixels of that view's picture; None when none was found.
    success : bool
        True when the face can be measured.
    confidence : float
        0 to 1: the probability that the landmarks are right; 0 where there is no face.
    reason : str
        Why there is no measurement; empty on success.
    descriptions : mapping of str to object
        Plugin's name to what its `describe_face` returned in the worker, or to a `PluginFailure` when it raised.
        A plugin that returned None is not in it.
    """

    view: View
    face: Face | None
    success: bool
    confidence: float
    reason: str = ""
    descriptions: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What one frame gave.

    Attributes
    ----------
    index : int
        0-based position among the decoded frames of its video.
    time_s : float
        Seconds, from the container's timestamps.
    views : tuple of ViewResult
        Every view of the session, original first.
    crowd : bool
        True when a second face was seen in this frame or before.
    error : str
        Why the frame could not be processed; empty when it was, with a face or without.
    """

    index: int
    time_s: float
    views: tuple[ViewResult, ...]
    crowd: bool = False
    error: str = ""

    @classmethod
    def without_face(cls, frame: Frame, views: Sequence[View], reason: str, *, crowd: bool = False, error: str = "") -> FrameResult:
        """The result of a frame that has no measurement in any view, for one reason."""
        empty = tuple(ViewResult(view, None, success=False, confidence=0.0, reason=reason) for view in views)
        return cls(frame.index, frame.time_s, empty, crowd, error)

    def view(self, view: View) -> ViewResult | None:
        """What this frame gave in `view`; None when that view is not part of the session."""
        return next((result for result in self.views if result.view is view), None)


@dataclass(frozen=True, slots=True)
class OnlineValues:
    """Action units of one view of one frame, as they come: compared with the neutral face known by then. All NaN when the frame failed.

    These are not the values of the final tables, which are compared with the neutral face of the whole video and smoothed.

    Attributes
    ----------
    columns : ndarray, (m,) float64
        Unclipped intensities. The first 17 are those of the whole face; AU models that tell the sides of one picture apart give
        2 x 17 more, of the subject's left and right. What AU models measure besides (`MORE_AUS`) stands behind these.
    presence : ndarray, (18,) float64
        0 or 1, in the order of `PRESENCE_AUS`.
    all_corrected : ndarray, (m,) float64
        OpenFace's webcam values: `columns` minus their own running 10 % quantiles, clipped to [0, 5].
    """

    columns: FloatArray
    presence: FloatArray
    all_corrected: FloatArray

    @property
    def raw(self) -> FloatArray:
        """Unclipped intensities of the whole face, (17,) float64, in the order of `INTENSITY_AUS`."""
        return self.columns[: len(INTENSITY_AUS)]

    @property
    def corrected(self) -> FloatArray:
        """Webcam values of the whole face, (17,) float64."""
        return self.all_corrected[: len(INTENSITY_AUS)]

    @property
    def sides(self) -> FloatArray | None:
        """Webcam values of the subject's left and right, (2, 17) float64; None when the AU models cannot tell them apart in one picture."""
        both = self.all_corrected[len(INTENSITY_AUS) : 3 * len(INTENSITY_AUS)]
        return both.reshape(2, len(INTENSITY_AUS)) if both.size else None
