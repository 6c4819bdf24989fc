"""Single images and folders of images as sources of frames."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np

from face_mirror_au.errors import VideoError
from face_mirror_au.files import display_name
from face_mirror_au.media.source import MAX_PIXELS, SourceInfo
from face_mirror_au.opencv import opencv
from face_mirror_au.records import Frame, Image
from face_mirror_au.wording import counted

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

# Only to tell people that a folder's videos are left out; what is a video when it is given itself, FFmpeg decides.
VIDEO_SUFFIXES = frozenset({".3gp", ".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".webm", ".wmv"})

_HEADERS = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")
_JPEG_START, _JPEG_SCAN, _JPEG_END = b"\xff\xd8", 0xDA, b"\xff\xd9"


def is_image(path: Path) -> bool:
    """Whether the name says that the file is a still image. Hidden files are not (macOS leaves `._photo.jpg` beside `photo.jpg`)."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def list_images(folder: Path) -> list[Path]:
    """Return the folder's images in natural order: `2.png` before `10.png`. Other files and sub-folders are left out."""
    return sorted((path for path in folder.iterdir() if is_image(path) and path.is_file()), key=_natural)


def left_out(folder: Path) -> str | None:
    """Say in one line which files of a folder of images are no images; None when all are."""
    others = [path for path in folder.iterdir() if path.is_file() and not is_image(path) and not path.name.startswith(".")]
    if not others:
        return None
    videos = sum(path.suffix.lower() in VIDEO_SUFFIXES for path in others)
    verb = "was" if len(others) == 1 else "were"
    return f"{counted(len(others), 'other file')} {verb} left out, {videos} of them {'a video' if videos == 1 else 'videos'}"


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.findall(r"[0-9]+|[^0-9]+", path.name.casefold())
    return [(int(part), "") if part[0] in "0123456789" else (-1, part) for part in parts], path.name


def read_image(path: Path, called: str = "") -> Image:
    """Read one image as OpenCV shows it: EXIF orientation applied, grey and 16 bit turned into 8-bit BGR, alpha dropped.

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
        When it cannot be read or decoded, or is cut short: half a picture is none.
    """
    cv2, name = opencv(), called or f"'{display_name(path)}'"
    try:
        data = np.fromfile(path, dtype=np.uint8)  # not cv2.imread: that fails on non-ASCII names on Windows
    except OSError as error:
        raise VideoError(f"{name} cannot be read: {error.strerror or type(error).__name__}") from error
    if not data.size:
        raise VideoError(f"{name} is an empty file; copy it again from where it came")
    content = data.tobytes()
    if not _is_complete(content):
        raise VideoError(f"{name} is cut short; copy it again from where it came")
    if _claimed_pixels(content) > MAX_PIXELS:
        raise VideoError(f"{name} has more than {MAX_PIXELS // 1_000_000} million pixels; make it smaller")
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise VideoError(f"{name} cannot be decoded ({error.err}); save it again as PNG or JPEG") from error
    if image is None:
        raise VideoError(f"{name} is not a readable image; save it again as PNG or JPEG")
    return np.ascontiguousarray(image)


def _claimed_pixels(data: bytes) -> int:
    """How many pixels a picture's header claims: a file of a kilobyte may claim what takes gigabytes. 0 where Pillow does not know."""
    from PIL import Image as Pillow  # only where there are pictures

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
            with Pillow.open(BytesIO(data), formats=_HEADERS) as header:
                return int(header.width * header.height)
    except Pillow.DecompressionBombError:
        return MAX_PIXELS + 1
    except Exception:  # noqa: BLE001  (Pillow raises a dozen kinds on damaged files, and OpenCV says of them what is to be said)
        return 0


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


class ImageSource:
    """One image, or the images of a folder, one frame each; see `FrameSource`.

    An image that cannot be read still has its row: a frame with `problem` set and a black picture of 1 x 1 pixel as a placeholder.
    Frame i has time i s.

    Raises
    ------
    VideoError
        When a folder holds no image, or none of the images can be read.
    """

    def __init__(self, path: Path) -> None:
        folder = path.is_dir()
        try:
            self._paths = list_images(path) if folder else [path]
        except OSError as error:
            raise VideoError(f"'{display_name(path)}' cannot be read: {error.strerror or type(error).__name__}") from error
        if not self._paths:
            videos = sum(each.suffix.lower() in VIDEO_SUFFIXES for each in path.iterdir()) if folder else 0
            if videos:
                many = counted(videos, "video")
                raise VideoError(f"the folder '{display_name(path)}' holds no image, but {many}; measure them with: face-mirror-au batch")
            kinds = ", ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
            raise VideoError(f"the folder '{display_name(path)}' holds no image ({kinds}); give a video, an image or a folder of images")
        first = self._first_readable(path)
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.info = SourceInfo(
            kind="image folder" if folder else "image",
            width=first.shape[1],
            height=first.shape[0],
            expected_frames=len(self._paths),
            timestamps="image index",
        )

    def _first_readable(self, folder: Path) -> Image:
        if len(self._paths) == 1:
            return read_image(self._paths[0])
        for path in self._paths:
            with suppress(VideoError):
                return read_image(path)
        raise VideoError(f"none of the {len(self._paths)} images in the folder '{display_name(folder)}' can be read; check a few of them")

    def __iter__(self) -> Iterator[Frame]:
        """Yield the images in natural order of their names."""
        for index, path in enumerate(self._paths):
            problem = None
            try:
                # By its number: what is told of it goes into the outputs, which --subject keeps free of names.
                image = read_image(path, f"image {index + 1}" if self.info.kind == "image folder" else "")
            except VideoError as error:
                image, problem = np.zeros((1, 1, 3), dtype=np.uint8), str(error)
                self.problems.append(problem)
            yield Frame(index, float(index), image, problem)
