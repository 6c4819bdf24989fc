"""A HEIC picture made here: one HEVC frame in the boxes of ISO/IEC 23008-12, for there is no encoder that a dependency brings."""

from __future__ import annotations

import struct
from fractions import Fraction
from io import BytesIO

import numpy as np
from numpy.typing import NDArray


def heic(picture: NDArray[np.uint8], quarter_turns: int = 0) -> bytes:
    """A picture, (H, W, 3) uint8 BGR, as a HEIC file; readers turn it counter-clockwise by so many quarters.

    Raises
    ------
    av.FFmpegError
        Where there is no HEVC encoder.
    """
    configuration, frame = _encoded(picture)
    height, width = picture.shape[:2]
    properties = [_box("ispe", bytes(4) + struct.pack(">II", width, height)), configuration, _box("irot", bytes([quarter_turns]))]
    links = bytes(4) + struct.pack(">IHB", 1, 1, len(properties)) + bytes([1, 0x82, 3])
    reader = _box("hdlr", bytes(8) + b"pict" + bytes(13))
    items = _box("iinf", bytes(4) + struct.pack(">H", 1) + _box("infe", b"\2" + bytes(3) + struct.pack(">HH", 1, 0) + b"hvc1\0"))
    start = _box("ftyp", b"heic" + bytes(4) + b"mif1heic")

    def meta(place: int) -> bytes:
        where = bytes(4) + b"\x44\0" + struct.pack(">HHHHII", 1, 1, 0, 1, place, len(frame))
        description = _box("iprp", _box("ipco", b"".join(properties)) + _box("ipma", links))
        main = _box("pitm", bytes(4) + struct.pack(">H", 1))
        return _box("meta", bytes(4) + reader + main + items + _box("iloc", where) + description)

    return start + meta(len(start) + len(meta(0)) + 8) + _box("mdat", frame)


def _box(name: str, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + name.encode() + content


def _encoded(picture: NDArray[np.uint8]) -> tuple[bytes, bytes]:
    """The box that configures the decoder, and the frame."""
    import av

    written = BytesIO()
    with av.open(written, "w", format="mp4") as container:
        stream = container.add_stream(
            "libx265", rate=Fraction(1), options={"x265-params": "log-level=none:keyint=1", "tag": "hvc1", "crf": "4"}
        )
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
    movie = written.getvalue()
    at = movie.index(b"hvcC") - 4
    with av.open(BytesIO(movie)) as container:
        frame = next(bytes(packet) for packet in container.demux(video=0) if packet.size)
    return movie[at : at + int.from_bytes(movie[at : at + 4], "big")], frame
