"""Pictures of the peak frames: from the mirrored videos of the run, and from the recording where it is at hand."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from face_mirror_au.asymmetry.comparison import ZoneComparison
from face_mirror_au.errors import ResultError, UsageError, VideoError
from face_mirror_au.files import display_name
from face_mirror_au.media.source import WHOLE, Reading
from face_mirror_au.media.video import open_source
from face_mirror_au.opencv import opencv
from face_mirror_au.records import Image, View
from face_mirror_au.report.quality import VIEW_WORDS
from face_mirror_au.results.metadata import hash_input
from face_mirror_au.results.names import VIDEOS
from face_mirror_au.results.result import RunResult, mapping_in

SHOWN_ZONES = ("mouth", "eye")
MAX_MOMENTS = 12  # three pictures each: some 100 kB
_MAX_WIDTH = 480  # px: what a column of the page shows
_JPEG_QUALITY = 88
_KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def zone_moments(zones: Mapping[str, ZoneComparison | None]) -> dict[str, int]:
    """The rows of the largest movement of mouth and eyes, by the zones' names."""
    moments: dict[str, int] = {}
    for key in SHOWN_ZONES:
        zone = zones.get(key)
        if zone is not None:
            moments[zone.zone.subject] = zone.sides.larger.row
    return moments


def peak_pictures(result: RunResult, moments: Mapping[str, int], recording: Path | None = None) -> dict[str, bytes]:
    """Some frames of both mirrored videos, and of the recording beside them: caption to JPEG.

    Empty where the run wrote no mirrored videos, or they are not there any more.

    Parameters
    ----------
    moments : mapping of str to int
        What the frame shows, and its row; the first twelve are taken.
    recording : Path, optional
        The run's input. Without it there is no original picture: a result does not say where its recording is.

    Raises
    ------
    ResultError
        When a video is damaged.
    """
    # Other programs of the trade write videos of the same names: only what the run lists is the run's.
    if not all(ending in result.files and result.file(ending).is_file() for ending in VIDEOS):
        return {}
    rows = dict(list(moments.items())[:MAX_MOMENTS])
    shown = {view: result.file(f"_{view.value}.mp4") for view in (View.LEFT_MIRRORED, View.RIGHT_MIRRORED)}
    if recording is not None:
        shown = {View.ORIGINAL: recording} | shown
    wanted = set(rows.values())
    pictures = {view: _frames(path, wanted, _reading(result) if view is View.ORIGINAL else WHOLE) for view, path in shown.items()}
    if View.ORIGINAL in pictures and mapping_in(result.metadata, "input").get("flipped_input"):
        pictures[View.ORIGINAL] = {row: np.ascontiguousarray(image[:, ::-1]) for row, image in pictures[View.ORIGINAL].items()}
    return {
        f"{name}, {result.time_s[row]:.2f} s: {VIEW_WORDS[view.value]}": _jpeg(found[row])
        for name, row in rows.items()
        for view, found in pictures.items()
        if row in found
    }


def check_recording(result: RunResult, recording: Path) -> None:
    """Make sure that a file is the run's input: pictures of another face must not stand beside these numbers.

    Raises
    ------
    ResultError
        When it is another file, or the result does not say what it was made from.
    VideoError
        When it cannot be read.
    """
    expected = mapping_in(result.metadata, "input").get("sha256")
    if expected is None or hash_input(recording) != expected:
        raise ResultError(
            f"'{display_name(recording)}' is not the recording of '{display_name(result.folder)}'; give the file that was measured"
        )


def _reading(result: RunResult) -> Reading:
    """Which part of its recording a run read. Raises ResultError."""
    said = mapping_in(mapping_in(result.metadata, "settings"), "reading")
    try:
        return Reading(**said) if said else WHOLE
    except (TypeError, UsageError) as error:
        raise ResultError(f"'{display_name(result.folder)}' is damaged: its metadata do not say which part was measured") from error


def _frames(path: Path, rows: Collection[int], reading: Reading) -> dict[int, Image]:
    found: dict[int, Image] = {}
    if not rows:
        return found
    try:
        with open_source(path, reading) as source:
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
