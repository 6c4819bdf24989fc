"""Animated WebP, PNG, GIF and AVIF as videos with times of their own, through Pillow."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from face_mirror_au.errors import VideoError
from face_mirror_au.files import display_name
from face_mirror_au.media.source import MAX_PIXELS, WHOLE, Reading, SourceInfo
from face_mirror_au.media.stills import as_bgr
from face_mirror_au.records import Frame, Image

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

_FORMATS = ("WEBP", "PNG", "GIF", "AVIF")
_NO_TIME_MS = 100.0  # what browsers show a frame for whose time is 0 or missing


@contextmanager
def open_animation(path: Path) -> Iterator[PillowImage | None]:
    """Open a file that may be an animation; None when it holds one picture.

    Raises
    ------
    VideoError
    """
    from PIL import Image as Pillow  # only where there are animations

    name = display_name(path)
    with ExitStack() as closing:
        try:
            # Pillow does not close what it opened where it fails later on.
            handle = closing.enter_context(path.open("rb"))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                picture = closing.enter_context(Pillow.open(handle, formats=_FORMATS))
                frames = getattr(picture, "n_frames", 1)
        except Pillow.DecompressionBombError as error:
            raise VideoError(_too_large(name)) from error
        except Exception as error:  # Pillow raises a dozen kinds on damaged files
            raise VideoError(f"'{name}' is an animation that cannot be read ({type(error).__name__}); convert it to H.264") from error
        if picture.width * picture.height > MAX_PIXELS:
            raise VideoError(_too_large(name))
        yield picture if frames > 1 else None


def _too_large(name: str) -> str:
    return f"'{name}' has more than {MAX_PIXELS // 1_000_000} million pixels; make it smaller"


class AnimationSource:
    """The frames of an open animation; see `FrameSource`.

    Raises
    ------
    VideoError
        When the first frame cannot be decoded.
    """

    def __init__(self, path: Path, picture: PillowImage, reading: Reading = WHOLE) -> None:
        self._picture = picture
        self._reading = reading
        self._untimed = 0
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.warnings: list[str] = []
        # A PNG's plain picture, for programs that know no animations, need not be one of its frames.
        self._places = range(int(bool(getattr(picture, "default_image", False))), getattr(picture, "n_frames", 1))
        try:
            self._first = self._decoded(self._places[0])
        except Exception as error:
            what = f"has no frame that can be decoded ({type(error).__name__})"
            raise VideoError(f"'{display_name(path)}' {what}; copy it again, or convert it to H.264") from error
        height, width = self._first[0].shape[:2]
        self.info = SourceInfo(
            kind="video",
            width=width,
            height=height,
            rate=1000 / Fraction(self._first[1]).limit_denominator(1000),
            expected_frames=len(self._places),
            time_base=Fraction(1, 1000),
            codec=(picture.format or "").lower(),
            start_time=0.0,
        )

    def _decoded(self, place: int) -> tuple[Image, float]:
        """A frame and how long it is shown, ms."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._picture.seek(place)
            self._picture.load()  # a WebP says how long a frame is shown when it is decoded
            image = as_bgr(self._picture)
        shown = float(self._picture.info.get("duration") or 0.0)
        if shown <= 0.0:
            self._untimed += 1
            shown = _NO_TIME_MS
        return image, shown

    def __iter__(self) -> Iterator[Frame]:
        """Yield every frame once."""
        yield from self._reading.select(self._frames())
        if self._untimed:
            self.notes.append(f"{self._untimed} frames had no time; each was taken to be shown for {_NO_TIME_MS / 1000} s, as browsers do")

    def _frames(self) -> Iterator[Frame]:
        time_ms = 0.0
        image, shown = self._first
        for index, place in enumerate(self._places):
            if index:
                try:
                    image, shown = self._decoded(place)
                except Exception as error:  # noqa: BLE001  (Pillow raises a dozen kinds on damaged files)
                    broken = f"frame {index + 1} of {len(self._places)} cannot be decoded ({type(error).__name__})"
                    self.problems.append(f"{broken}: the file ends there")
                    return
            yield Frame(index, time_ms / 1000, image)
            time_ms += shown
