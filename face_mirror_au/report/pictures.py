"""Pictures of the peak frames, from the mirrored videos of the run."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Mapping

import numpy as np

from face_mirror_au.asymmetry.measures import ZoneComparison
from face_mirror_au.errors import ResultError, UsageError, VideoError
from face_mirror_au.io.earlier import VIDEOS
from face_mirror_au.io.video import open_source
from face_mirror_au.opencv import opencv
from face_mirror_au.records import Image, View
from face_mirror_au.report.quality import VIEW_WORDS
from face_mirror_au.report.result import RunResult

SHOWN_ZONES = ("mouth", "eye")
_MAX_WIDTH = 480  # px: what a column of the page shows
_JPEG_QUALITY = 88
_KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def peak_pictures(result: RunResult, zones: Mapping[str, ZoneComparison | None]) -> dict[str, bytes]:
    """For the largest movement of mouth and eyes, that frame of both mirrored videos: caption to JPEG.

    Empty where the run wrote no mirrored videos, or they are not there any more.

    Raises
    ------
    ResultError
        When a video is damaged.
    """
    # Other programs of the trade write videos of the same names: only what the run lists is the run's.
    if not all(ending in result.files and result.file(ending).is_file() for ending in VIDEOS):
        return {}
    rows: dict[str, int] = {}
    for key in SHOWN_ZONES:
        zone = zones.get(key)
        if zone is not None:
            larger = max(zone.sides.left, zone.sides.right, key=lambda side: side.peak)
            rows[zone.zone.name] = larger.row
    pictures = {view: _frames(result, view, set(rows.values())) for view in (View.LEFT_MIRRORED, View.RIGHT_MIRRORED)}
    return {
        f"{name[0].upper()}{name[1:]}, {result.time_s[row]:.2f} s: {VIEW_WORDS[view.value]}": _jpeg(found[row])
        for name, row in rows.items()
        for view, found in pictures.items()
        if row in found
    }


def _frames(result: RunResult, view: View, rows: Collection[int]) -> dict[int, Image]:
    found: dict[int, Image] = {}
    if not rows:
        return found
    try:
        with open_source(result.file(f"_{view.value}.mp4")) as source:
            for index, frame in enumerate(source):
                if index in rows:
                    found[index] = frame.image
                if index >= max(rows):
                    break
    except VideoError as error:
        raise ResultError(f"{error}; or make the report without pictures: --no-faces") from error
    return found


def _jpeg(image: Image) -> bytes:
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
