"""Pictures of the peak frames, from the mirrored videos of the run: the halves that they keep make the unmirrored face."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from face_mirror_au.asymmetry.comparison import ZoneComparison
from face_mirror_au.errors import ResultError, UsageError, VideoError
from face_mirror_au.media.video import open_source
from face_mirror_au.numerics.reflection import join_halves, midline_of_landmarks
from face_mirror_au.opencv import opencv
from face_mirror_au.records import FloatArray, Image, View
from face_mirror_au.report.quality import VIEW_WORDS
from face_mirror_au.results.names import VIDEOS
from face_mirror_au.results.result import RunResult
from face_mirror_au.results.result_landmarks import read_points

SHOWN_ZONES = ("mouth", "eye")
MAX_MOMENTS = 12  # three pictures each: some 100 kB
_MAX_WIDTH = 480  # px: what a column of the page shows
_JPEG_QUALITY = 88
_ROOM = 0.3  # around the landmarks, as a share of their extent
_KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def zone_moments(zones: Mapping[str, ZoneComparison | None]) -> dict[str, int]:
    """The rows of the largest movement of mouth and eyes, by the zones' names."""
    moments: dict[str, int] = {}
    for key in SHOWN_ZONES:
        zone = zones.get(key)
        if zone is not None:
            moments[zone.zone.subject] = zone.sides.larger.row
    return moments


def face_pictures(result: RunResult, rows: Collection[int]) -> dict[int, dict[View, Image]]:
    """Some frames as the run's mirrored videos show them, cut to the face: the unmirrored face, the left half twice, the right half twice.

    By row; empty where the run wrote no mirrored videos, or they are not there any more. Where its tables have no landmarks, there is no
    unmirrored face, and nothing is cut. Raises ResultError when a video is damaged.
    """
    # Other programs of the trade write videos of the same names: only what the run lists is the run's.
    if not rows or not all(ending in result.files and result.file(ending).is_file() for ending in VIDEOS):
        return {}
    points = read_points(result)
    left, right = (_frames(result.file(f"_{view.value}.mp4"), rows) for view in (View.LEFT_MIRRORED, View.RIGHT_MIRRORED))
    found = {}
    for row in rows:
        if row not in left or row not in right or left[row].shape != right[row].shape:
            continue
        halves = {View.LEFT_MIRRORED: left[row], View.RIGHT_MIRRORED: right[row]}
        if points is None or not np.isfinite(points[row]).all():
            found[row] = halves
            continue
        midline = midline_of_landmarks(points[row].astype(np.float32))
        whole = {View.ORIGINAL: join_halves(left[row], right[row], midline)} | halves
        box = _face_box(points[row], left[row].shape)
        found[row] = {view: np.ascontiguousarray(image[box]) for view, image in whole.items()}
    return found


def moment_pictures(
    result: RunResult, moments: Mapping[str, int], found: Mapping[int, Mapping[View, Image]], *, views: bool
) -> dict[str, bytes]:
    """Caption to JPEG of what frames show and their rows: with `views` all pictures of a frame, else the unmirrored face."""
    shown = {}
    for name, row in moments.items():
        for view, image in found.get(row, {}).items():
            if views or view is View.ORIGINAL:
                shown[f"{name}, {result.time_s[row]:.2f} s" + (f": {VIEW_WORDS[view.value]}" if views else "")] = jpeg(image)
    return shown


def _face_box(points: FloatArray, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of the face with some room."""
    low, high = points.min(axis=0), points.max(axis=0)
    room = _ROOM * (high - low)
    (left, top), (right, bottom) = (low - room * (1.0, 1.4)).astype(int), (high + room * (1.0, 0.6)).astype(int)
    return slice(max(0, top), min(shape[0], max(bottom, top + 2))), slice(max(0, left), min(shape[1], max(right, left + 2)))


def _frames(path: Path, rows: Collection[int]) -> dict[int, Image]:
    found: dict[int, Image] = {}
    try:
        with open_source(path) as source:
            for index, frame in enumerate(source):
                if index in rows:
                    found[index] = frame.image
                if index >= max(rows):
                    break
    except VideoError as error:
        raise ResultError(f"{error}; or make the report without pictures: --no-faces") from error
    return found


def jpeg(image: Image) -> bytes:
    """A picture (H, W, 3) uint8 BGR, made narrow enough for the page."""
    cv2 = opencv()
    height, width = image.shape[:2]
    if width > _MAX_WIDTH:
        image = cv2.resize(image, (_MAX_WIDTH, max(1, round(height * _MAX_WIDTH / width))), interpolation=cv2.INTER_AREA)
    written, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not written:  # it never happens to a picture in memory
        raise ResultError("a picture could not be encoded; make the report without pictures: --no-faces")
    return np.asarray(data).tobytes()


def data_uri(picture: bytes) -> str:
    """A picture as part of the page itself.

    Raises
    ------
    UsageError
        When it is neither PNG nor JPEG.
    """
    kind = next((kind for start, kind in _KINDS.items() if picture.startswith(start)), None)
    if kind is None:
        raise UsageError("a picture of the report must be PNG or JPEG")
    return f"data:{kind};base64,{b64encode(picture).decode('ascii')}"
