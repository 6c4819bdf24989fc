"""Opening a recording: a video, an animation, an image or a folder of images, by what the file holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from face_mirror_au.errors import UsageError, VideoError
from face_mirror_au.files import display_name
from face_mirror_au.media.animation import AnimationSource, open_animation
from face_mirror_au.media.formats import DEMUXERS, SNIFF_BYTES, Content, content_of, is_image
from face_mirror_au.media.images import ImageSource
from face_mirror_au.media.source import WHOLE, FrameSource, Reading, SourceInfo
from face_mirror_au.media.video_source import VideoSource

if TYPE_CHECKING:
    from av.container import InputContainer

__all__ = ["FrameSource", "SourceInfo", "open_container", "open_source"]


@contextmanager
def open_source(path: Path, reading: Reading = WHOLE) -> Iterator[FrameSource]:
    """Open a video, an animation, an image or a folder of images.

    The first picture is decoded at once, so that a file without any fails here and not in the middle of a run.

    Parameters
    ----------
    path : Path
        What it holds decides how it is read, not its name.
    reading : Reading, optional
        Which part of it.

    Yields
    ------
    FrameSource

    Raises
    ------
    VideoError
        When the file is missing, empty, no video, has no video stream, an unknown codec, or no picture that can be decoded: one line with
        its name.
    UsageError
        When the part begins after the end, or frames per second are given for a file.
    """
    path = Path(path)
    content = _checked_content(path)
    if reading.fps is not None and not path.is_dir():
        raise UsageError("is for folders of images and for frames; a file says itself how fast it is", "fps")
    if content == "animation":
        with open_animation(path) as picture:
            yield _begun(ImageSource(path, reading) if picture is None else AnimationSource(path, picture, reading), reading)
    elif path.is_dir() or content in {"picture", "heif"} or (content == "unknown" and is_image(path)):
        yield ImageSource(path, reading)
    else:
        with open_container(path) as container:
            yield _begun(VideoSource(path, container, reading), reading)


def _begun(source: FrameSource, reading: Reading) -> FrameSource:
    """The source. Raises UsageError when the part that is to be read begins after its end, as far as that is known."""
    length = source.info.announced_s
    if source.info.kind == "video" and length and reading.start_s >= length:
        raise UsageError(f"must be before the end of the recording, which lasts {length:.1f} s", "start")
    return source


def _checked_content(path: Path) -> Content:
    name = display_name(path)
    try:
        if path.is_dir():
            return "unknown"
        if not path.exists():
            raise VideoError(f"'{name}' does not exist; check the name and the folder")
        if not path.is_file():
            raise VideoError(f"'{name}' is not an ordinary file; give a video, an image or a folder of images")
        with path.open("rb") as handle:
            start = handle.read(SNIFF_BYTES)
    except OSError as error:
        raise VideoError(f"'{name}' cannot be read: {error.strerror or type(error).__name__}") from error
    if not start:
        raise VideoError(f"'{name}' is an empty file; copy it again from where it came")
    content = content_of(start, path.suffix.lower())
    if content == "text":
        # Among them play lists, which FFmpeg would follow to the network: a file must never cause a request.
        raise VideoError(f"'{name}' is a text file, not a video; give a video, an image or a folder of images")
    return content


@contextmanager
def open_container(path: Path) -> Iterator[InputContainer]:
    """Open a file as a video container that FFmpeg may read no other file or address for.

    Raises
    ------
    VideoError
    """
    import av  # not at start-up: on macOS it must not be loaded before the workers are forked

    try:
        # "file:" keeps FFmpeg from reading a protocol into a name such as "pipe:0".
        container = av.open(f"file:{path.absolute()}", options={"protocol_whitelist": "file", "format_whitelist": DEMUXERS})
    except av.FFmpegError as error:
        raise VideoError(
            f"'{display_name(path)}' is not a video, or it is cut short and its index is missing; check that it plays, or copy it again"
        ) from error
    except (OSError, ValueError) as error:  # not its text: that holds the whole path
        raise VideoError(f"'{display_name(path)}' cannot be opened ({type(error).__name__}); check its name and permissions") from error
    with container:
        yield container
