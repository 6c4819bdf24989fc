"""One still picture from a file: JPEG, PNG, TIFF, BMP and WebP through OpenCV, HEIC through pi-heif, AVIF and GIF through Pillow."""

from __future__ import annotations

import warnings
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from face_mirror_au.errors import VideoError
from face_mirror_au.files import display_name
from face_mirror_au.media.formats import SNIFF_BYTES, content_of
from face_mirror_au.media.geometry import usable_aspect, widened
from face_mirror_au.media.source import MAX_PIXELS
from face_mirror_au.opencv import opencv
from face_mirror_au.records import Image

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

# Pillow's names of what it may look into: each more is code that an unknown file would reach.
HEADERS = ("BMP", "JPEG", "PNG", "TIFF", "WEBP", "GIF", "AVIF", "MPO")
_PILLOW_READS = ("GIF", "AVIF")
_JPEG_START, _JPEG_SCAN, _JPEG_END = b"\xff\xd8", 0xDA, b"\xff\xd9"
_ORIENTATION, _TURNED_ON_ITS_SIDE = 0x0112, {5, 6, 7, 8}  # EXIF


def read_image(path: Path, called: str = "") -> Image:
    """Read one image as it is shown: EXIF orientation and pixel aspect applied, grey and 16 bit turned into 8-bit BGR, alpha dropped.

    Parameters
    ----------
    path : Path
    called : str
        What errors call it; its name in quotes when not given.

    Returns
    -------
    ndarray, (H, W, 3) uint8
        BGR, contiguous.

    Raises
    ------
    VideoError
        When it cannot be read or decoded, is cut short (half a picture is none), or is an animation.
    """
    name = called or f"'{display_name(path)}'"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise VideoError(f"{name} cannot be read: {error.strerror or type(error).__name__}") from error
    if not content:
        raise VideoError(f"{name} is an empty file; copy it again from where it came")
    kind = content_of(content[:SNIFF_BYTES], path.suffix.lower())
    if kind == "heif":
        return _read_heif(content, name)
    if kind in {"video", "heif sequence"}:
        raise VideoError(f"{name} is a video, not an image; measure it by itself")
    if not _is_complete(content):
        raise VideoError(f"{name} is cut short; copy it again from where it came")
    header = _Header.of(content)
    _check_pixels(header.pixels, name)
    if header.frames > 1:
        raise VideoError(f"{name} is an animation of {header.frames} frames; measure it by itself, as a video")
    image = _read_with_pillow(content, name) if header.format in _PILLOW_READS else _read_with_opencv(content, name)
    height, width = image.shape[:2]
    aspect = usable_aspect(header.aspect, width, height)
    return image if aspect is None else widened(image, aspect)


def _check_pixels(pixels: int, name: str) -> None:
    if pixels > MAX_PIXELS:
        raise VideoError(f"{name} has more than {MAX_PIXELS // 1_000_000} million pixels; make it smaller")


def _read_with_opencv(content: bytes, name: str) -> Image:
    cv2 = opencv()  # not cv2.imread: that fails on non-ASCII names on Windows
    try:
        image = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise VideoError(f"{name} cannot be decoded ({error.err}); save it again as PNG or JPEG") from error
    if image is None:
        raise VideoError(f"{name} is not a readable image; save it again as PNG or JPEG")
    return np.ascontiguousarray(image)


def _read_with_pillow(content: bytes, name: str) -> Image:
    from PIL import Image as Pillow
    from PIL import ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Pillow.open(BytesIO(content), formats=_PILLOW_READS) as picture:
                return as_bgr(ImageOps.exif_transpose(picture))
    except Exception as error:  # Pillow raises a dozen kinds on damaged files
        raise VideoError(f"{name} cannot be decoded ({type(error).__name__}); save it again as PNG or JPEG") from error


def _read_heif(content: bytes, name: str) -> Image:
    """The main picture of a HEIC or HEIF file, all tiles, turned and cropped as the file says; its EXIF orientation says the same again."""
    try:
        import pi_heif
    except ImportError as error:
        raise VideoError(f"{name} is a HEIC picture, for which the package pi-heif is missing here: pip install pi-heif") from error
    try:
        picture = pi_heif.open_heif(BytesIO(content), convert_hdr_to_8bit=True, bgr_mode=True)
        width, height = picture.size
        _check_pixels(width * height, name)
        # Copied while the picture lives: its memory goes with it. Rows may be longer there than the picture is wide.
        pixels = np.array(picture, copy=True)[:, :width]
    except VideoError:
        raise
    except Exception as error:  # libheif's errors come as several kinds
        raise VideoError(f"{name} cannot be decoded ({type(error).__name__}); copy it again, or save it as JPEG") from error
    image = np.dstack([pixels] * 3) if pixels.ndim == 2 else pixels[:, :, :3]
    return np.ascontiguousarray(image, dtype=np.uint8)


def as_bgr(picture: PillowImage) -> Image:
    """A Pillow picture as (H, W, 3) uint8 BGR, contiguous, alpha dropped."""
    return np.ascontiguousarray(np.asarray(picture.convert("RGB"))[:, :, ::-1])


class _Header:
    """What a picture's header claims: a file of a kilobyte may claim what takes gigabytes.

    Attributes
    ----------
    format : str
        Pillow's name; empty where Pillow does not know it.
    pixels, frames : int
    aspect : Fraction or None
        Width to height of a pixel, of the picture as it is shown.
    """

    def __init__(self, format_: str = "", pixels: int = 0, frames: int = 1, aspect: Fraction | None = None) -> None:
        self.format, self.pixels, self.frames, self.aspect = format_, pixels, frames, aspect

    @classmethod
    def of(cls, content: bytes) -> _Header:
        from PIL import Image as Pillow  # only where there are pictures

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with Pillow.open(BytesIO(content), formats=HEADERS) as header:
                    # The other pictures of a TIFF are pages, those of an MPO previews.
                    frames = getattr(header, "n_frames", 1) if header.format in {"GIF", "PNG", "WEBP", "AVIF"} else 1
                    return cls(header.format or "", header.width * header.height, frames, _pixel_aspect(header))
        except Pillow.DecompressionBombError:
            return cls(pixels=MAX_PIXELS + 1)
        except Exception:  # noqa: BLE001  (Pillow raises a dozen kinds on damaged files, and OpenCV says of them what is to be said)
            return cls()


def _pixel_aspect(header: PillowImage) -> Fraction | None:
    """Width to height of a shown pixel from the header's densities; None where they say nothing.

    A bare ratio (JFIF and PNG of unit 0) is the aspect itself, as FFmpeg writes and reads it. Of densities: more in a row, narrower pixels.
    """
    x, y = header.info.get("dpi", (1, 1))
    across, down = Fraction(y).limit_denominator(1000), Fraction(x).limit_denominator(1000)
    bare = header.info.get("aspect") or (header.info.get("jfif_density") if header.info.get("jfif_unit") == 0 else None)
    if bare:
        across, down = Fraction(bare[0]), Fraction(bare[1])
    if across <= 0 or down <= 0:
        return None
    aspect = across / down
    return 1 / aspect if header.getexif().get(_ORIENTATION) in _TURNED_ON_ITS_SIDE else aspect


def _is_complete(data: bytes) -> bool:
    """Whether a JPEG has its end marker; true for other formats, which every OpenCV refuses when cut short.

    Older OpenCV versions fill the rest of a cut JPEG with grey, newer ones refuse it: the result must not depend on that.
    The end is looked for after the first scan of the main picture, because the thumbnail before it has an end marker of its own.
    """
    if not data.startswith(_JPEG_START):
        return True
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        if data[position + 1] == _JPEG_SCAN:
            return data.find(_JPEG_END, position) >= 0
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return False
