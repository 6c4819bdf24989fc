"""When the images of a folder were taken: from their EXIF data, or from their names."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path

from face_mirror_au.media.stills import HEADERS

_EXIF_PART, _TAKEN, _TAKEN_FRACTION = 0x8769, 0x9003, 0x9291  # of the EXIF standard: DateTimeOriginal, SubSecTimeOriginal
_DATE = re.compile(r"(?<!\d)((?:19|20)\d{6})[T_.-]?(\d{6})(?:[_.-]?(\d{1,6}))?(?!\d)")  # IMG_20240131_101500_040
_UNIT = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)(ms|s|sec)(?![a-z])", re.IGNORECASE)  # frame_40ms, t0.040s
_EPOCH = re.compile(r"(?<!\d)(1\d{12}|1\d{15}|1\d{18})(?!\d)")  # ms, us or ns since 1970
_EPOCH_TICKS = {13: 1e3, 16: 1e6, 19: 1e9}


def times_of_names(paths: Sequence[Path]) -> list[float] | None:
    """Seconds from the first image, where all names hold a time in the same form and it grows; a running number is none."""
    for read in (_date_in, _unit_in, _epoch_in):
        times = _growing([path.stem for path in paths], read)
        if times is not None:
            return times
    return None


def times_of_exif(paths: Sequence[Path]) -> list[float] | None:
    """Seconds from the first image, where all have the time at which they were taken and it grows."""
    return _growing(paths, _exif_time)


def _growing(things: Sequence[object], read: Callable[..., float | None]) -> list[float] | None:
    times: list[float] = []
    for thing in things:
        time = read(thing)
        if time is None or (times and time <= times[-1]):
            return None
        times.append(time)
    if len(times) < 2 or any(later <= earlier for earlier, later in pairwise(times)):
        return None
    return [time - times[0] for time in times]


def _date_in(name: str) -> float | None:
    found = _DATE.search(name)
    if found is None:
        return None
    day, clock, fraction = found.groups()
    return _seconds(f"{day}{clock}", "%Y%m%d%H%M%S", fraction)


def _unit_in(name: str) -> float | None:
    found = _UNIT.search(name)
    return None if found is None else float(found[1]) / (1000 if found[2].lower() == "ms" else 1)


def _epoch_in(name: str) -> float | None:
    found = _EPOCH.search(name)
    return None if found is None else int(found[1]) / _EPOCH_TICKS[len(found[1])]


def _exif_time(path: Path) -> float | None:
    from PIL import Image as Pillow

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Pillow.open(path, formats=HEADERS) as picture:
                part = picture.getexif().get_ifd(_EXIF_PART)
    except Exception:  # noqa: BLE001  (Pillow raises a dozen kinds on damaged files: they have no time)
        return None
    taken = part.get(_TAKEN)
    return None if not isinstance(taken, str) else _seconds(taken.strip("\0 "), "%Y:%m:%d %H:%M:%S", part.get(_TAKEN_FRACTION))


def _seconds(text: str, form: str, fraction: object) -> float | None:
    try:
        moment = datetime.strptime(text, form).replace(tzinfo=timezone.utc).timestamp()
        digits = str(fraction or "").strip("\0 ")
        return moment + (float(f"0.{digits}") if digits else 0.0)
    except ValueError:
        return None
