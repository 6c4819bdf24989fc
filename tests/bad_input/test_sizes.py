"""Files that claim more than they hold: refused before memory is asked for."""

from __future__ import annotations

import gzip
import struct
import zlib

import av
import numpy as np
import pytest

from face_mirror_au.errors import LandmarksError, VideoError
from face_mirror_au.media import video_source
from face_mirror_au.media.images import read_image
from face_mirror_au.media.video import open_source
from face_mirror_au.tables.landmarks_csv import LANDMARK_COLUMNS, read_landmarks


def png(width, height, rows):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(rows * (1 + 3 * width)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (12_001, 10_000)])
def test_a_picture_that_claims_a_gigabyte(tmp_path, width, height):
    (tmp_path / "bomb.png").write_bytes(png(width, height, 1))
    with pytest.raises(VideoError, match=r"'bomb.png' has more than 120 million pixels; make it smaller"):
        read_image(tmp_path / "bomb.png")


def test_a_large_picture_is_none_of_these(tmp_path):
    (tmp_path / "large.png").write_bytes(png(3000, 2000, 2000))
    assert read_image(tmp_path / "large.png").shape == (2000, 3000, 3)


def test_a_video_of_larger_pictures(tmp_path, monkeypatch):
    with av.open(str(tmp_path / "p.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((480, 640, 3), np.uint8), format="bgr24")))
        container.mux(stream.encode())
    with open_source(tmp_path / "p.mp4") as source:
        assert len(list(source)) == 1
    monkeypatch.setattr(video_source, "MAX_PIXELS", 200_000)
    with pytest.raises(VideoError, match="no frame that can be decoded"), open_source(tmp_path / "p.mp4"):
        pass


HEADER = ",".join(LANDMARK_COLUMNS).encode() + b"\n"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b" " * 2_000_000, "a line of more than 1000000 characters"),
        (HEADER + b" " * 2_000_000, "a line of more than 1000000 characters"),
        (HEADER + b"\r\n" * 20_000, "more than 10000 empty lines"),
    ],
    ids=["header", "row", "empty"],
)
def test_a_packed_table_of_nothing(tmp_path, content, why):
    (tmp_path / "bomb.csv").write_bytes(gzip.compress(content))
    with pytest.raises(LandmarksError, match=rf"'bomb.csv' has {why}"):
        read_landmarks(tmp_path / "bomb.csv")
