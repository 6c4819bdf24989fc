"""Small clips that the tests write themselves."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from face_mirror_au.records import Image

QUARTERS = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}  # a, b, c, d of the display matrix, clockwise
MIRRORED = (-1, 0, 0, 1)

# Corner colours, BGR: upper left, upper right, lower left, lower right.
BLUE, GREEN, RED, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def corners_picture(width: int, height: int) -> Image:
    """A grey picture with another colour in each corner: every turn and flip of it is different."""
    picture = np.full((height, width, 3), 90, dtype=np.uint8)
    picture[:16, :16], picture[:16, -16:], picture[-16:, :16], picture[-16:, -16:] = BLUE, GREEN, RED, WHITE
    return picture


def corner_names(image: Image) -> list[str]:
    """The colours of the four corners as words, upper left, upper right, lower left, lower right."""
    names = {"blue": BLUE, "green": GREEN, "red": RED, "white": WHITE}
    found = []
    for y, x in ((6, 6), (6, -7), (-7, 6), (-7, -7)):
        pixel = image[y, x].astype(int)
        found.append(min(names, key=lambda name: int(np.abs(pixel - names[name]).sum())))
    return found


def moving_pictures(count: int, width: int = 64, height: int = 48) -> list[Image]:
    """Pictures with enough texture that each takes a few hundred bytes, so that damage hits something."""
    random = np.random.default_rng(7)
    base = random.integers(0, 255, (height, width * 2, 3), dtype=np.uint8)
    return [np.ascontiguousarray(base[:, i % width : i % width + width]) for i in range(count)]


def write_clip(
    path: Path,
    pictures: Sequence[Image],
    *,
    codec: str = "mpeg4",
    pixel_format: str = "yuv420p",
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 25),
    audio: bool = False,
    aspect: Fraction | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Encode BGR pictures; `pts` in units of `time_base`, by default 0, 1, 2, ..."""
    with av.open(str(path), "w", container_options=options or {}) as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = pictures[0].shape[:2] if pictures else (48, 64)
        stream.pix_fmt = pixel_format
        stream.codec_context.time_base = time_base
        stream.codec_context.gop_size = 12
        stream.codec_context.max_b_frames = 0
        if codec == "mpeg4":
            stream.codec_context.qmin, stream.codec_context.qmax = 1, 3
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        sound = container.add_stream("aac", rate=16000) if audio else None
        for i, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = i if pts is None else pts[i]
            frame.time_base = time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            write_sound(container, sound)
    return path


def write_sound(container: av.container.OutputContainer, stream: av.audio.stream.AudioStream) -> None:
    """One second of silence."""
    for start in range(0, 16000, 1000):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1000), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, start, Fraction(1, 16000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def set_display_matrix(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Write a, b, c, d into the `tkhd` box of an mp4 (version 0: the matrix is 40 bytes behind the name and flags)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path
