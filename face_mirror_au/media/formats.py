"""What a file is: the endings that are taken, one list for all commands, and what its first bytes say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

Content = Literal["picture", "heif", "heif sequence", "animation", "video", "text", "unknown"]
"""What the first bytes say. "picture": a still one that OpenCV or Pillow reads. "animation": GIF, or an animated WebP, PNG or AVIF."""

IMAGE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".heic", ".heif", ".hif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
)  # fmt: skip
ANIMATION_SUFFIXES = frozenset({".apng", ".gif"})
# Cameras, phones, camcorders (.mod, .tod, .mts), DVDs, editing programs, calls and screen recorders; all are read by the demuxers below.
VIDEO_SUFFIXES = ANIMATION_SUFFIXES | frozenset(
    {
        ".264", ".265", ".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".h264", ".h265", ".hevc", ".ivf", ".m1v", ".m2t",
        ".m2ts", ".m2v", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mod", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogm",
        ".ogv", ".qt", ".rm", ".rmvb", ".tod", ".ts", ".vob", ".webm", ".wmv", ".wtv", ".y4m",
    }
)  # fmt: skip
# A row of JPEG pictures without a container begins as one JPEG does.
_MOTION_JPEG = frozenset({".mjpeg", ".mjpg"})

# FFmpeg's names of the containers of cameras, phones and editing programs. Not its play lists (hls, dash, concat, imf) and numbered
# pictures (image2), which open further files, nor its games and oddities: each of them is code that an unknown file would reach.
DEMUXERS = (
    "3gp,aac,amr,asf,avi,dv,flac,flv,gif,h264,hevc,ivf,m4v,matroska,mjpeg,mov,mp3,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,swf,vc1,wav,webm,"
    "wtv,yuv4mpegpipe"
)

SNIFF_BYTES = 4096
_TEXT = frozenset(range(32, 256)) | {9, 10, 12, 13, 27}  # with ESC: FFmpeg would draw ANSI art as a video
# ISO/IEC 23008-12: brands of files whose main item is a still picture, and of those that hold a sequence.
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2"})
_HEIF_SEQUENCES = frozenset({b"hevc", b"hevx", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_VIDEO_STARTS = (
    b"\x1aE\xdf\xa3",  # Matroska, WebM
    b"FLV\x01",
    b"0&\xb2u\x8ef\xcf\x11",  # ASF, WMV
    b"OggS",
    b"\x00\x00\x01\xba",  # MPEG program stream
    b"\x00\x00\x01\xb3",  # MPEG video
    b"\x06\x0e+4\x02\x05\x01\x01",  # MXF
    b".RMF",
    b"YUV4MPEG2",
)
_RIFF_VIDEOS = frozenset({b"AVI ", b"AVIX"})
_WEBP_FLAGS, _WEBP_ANIMATED = 20, 2  # of its VP8X chunk
_TS_SYNC, _TS_LENGTHS = 0x47, ((0, 188), (4, 192))  # MPEG transport stream: .ts, and .m2ts with four bytes before each packet


def content_of(start: bytes, suffix: str = "") -> Content:
    """What a file is, by its first `SNIFF_BYTES`; the suffix (in lower case) only tells a JPEG from a row of JPEGs."""
    picture = _picture_content(start, suffix)
    if picture is not None:
        return picture
    # Before text: a transport stream or YUV4MPEG may begin with letters alone.
    if start.startswith(_VIDEO_STARTS) or (start.startswith(b"RIFF") and start[8:12] in _RIFF_VIDEOS) or _is_transport_stream(start):
        return "video"
    return "text" if start and _TEXT.issuperset(start) else "unknown"


def _picture_content(start: bytes, suffix: str) -> Content | None:
    """What a file of pictures, or an ISO container, is; None for others."""
    if start[4:8] == b"ftyp":
        return _iso_content(start[8:12])
    if start.startswith(b"\xff\xd8\xff") and suffix not in _MOTION_JPEG:
        return "picture"
    if start.startswith((b"II*\0", b"MM\0*")) or re.match(rb"BM.{4}\0\0\0\0", start, re.DOTALL):
        return "picture"
    animated = start.startswith(b"GIF8")
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        animated = start[12:16] == b"VP8X" and len(start) > _WEBP_FLAGS and bool(start[_WEBP_FLAGS] & _WEBP_ANIMATED)
    elif start.startswith(b"\x89PNG\r\n\x1a\n"):
        animated = b"acTL" in start.partition(b"IDAT")[0]
    elif not animated:
        return None
    return "animation" if animated else "picture"


def _iso_content(brand: bytes) -> Content:
    if brand in _HEIF_BRANDS:
        return "heif"
    if brand in _HEIF_SEQUENCES:
        return "heif sequence"
    if brand in _AVIF_BRANDS:
        return "animation" if brand == b"avis" else "picture"
    return "video"


def _is_transport_stream(start: bytes) -> bool:
    return any(len(start) > at + 4 * step and all(start[at + i * step] == _TS_SYNC for i in range(5)) for at, step in _TS_LENGTHS)


def sniff(path: Path) -> Content:
    """What a file is, by its content. Raises OSError."""
    with path.open("rb") as handle:
        return content_of(handle.read(SNIFF_BYTES), path.suffix.lower())


def is_image(path: Path) -> bool:
    """Whether the name says that the file is a still image. Hidden files are not (macOS leaves `._photo.jpg` beside `photo.jpg`)."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def why_left_out(path: Path) -> str:
    """Why a search for videos leaves a file out; empty for a video. Names are asked first, the content where they say nothing."""
    suffix = path.suffix.lower()
    if path.name.startswith("."):
        return "a hidden file"
    if suffix in VIDEO_SUFFIXES:
        return ""
    try:
        content = sniff(path) if path.is_file() else "unknown"
    except OSError as error:
        return f"it cannot be read ({error.strerror or type(error).__name__})"
    if content in {"video", "animation", "heif sequence"}:
        return ""
    if suffix in IMAGE_SUFFIXES or content in {"picture", "heif"}:
        return "a still image; a folder of images is one recording, which `run FOLDER` measures"
    return "a text file" if content == "text" else "not a known kind of video"
