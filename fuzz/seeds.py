"""`python -m fuzz.seeds`: the inputs to begin with, all made here, in the form of the real files and with nothing of them."""

from __future__ import annotations

import hashlib
import json
import struct
import sys
from collections.abc import Iterable
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np

from fuzz.contract import CORPUS, folder
from fuzz.expert_stand_ins import ccnf, cen
from fuzz.heif_file import heic
from fuzz.landmark_models import LISTS, good_detector
from fuzz.model_files import BANK_MEMBERS, MEMBER, MEMBER_CONTENT, good_bank
from fuzz.openface_landmarks import good_networks
from fuzz.openface_stand_ins import LIST, convolution, layers
from fuzz.recovering import MAGIC
from fuzz.recovering import header as descriptors_header
from fuzz.run_files import ENDINGS, METADATA, run_files, table_rows
from fuzz.tables import LANDMARK_HEADERS, TABLE_HEADERS


def _matrix(*shape: int, kind: int = 6) -> bytes:
    return struct.pack("<iii", *shape, kind) + np.arange(np.prod(shape), dtype="<f8").tobytes()


def dat(kind: int) -> bytes:
    """A predictor of two features."""
    cutoff = struct.pack("<d", 0.5) if kind == 1 else b""
    classes = struct.pack("<dd", 0.0, 1.0) if kind in {4, 5} else b""
    return struct.pack("<i", kind) + cutoff + _matrix(1, 2) + _matrix(2, 1) + struct.pack("<d", 0.25) + classes


def pdm(modes: int) -> bytes:
    """A PDM of any numbers."""
    random = np.random.default_rng(modes)
    parts = []
    for name, rows, columns in (("mean", 204, 1), ("components", 204, modes), ("eigenvalues", 1, modes)):
        numbers = random.integers(1, 9, rows * columns).astype(str)
        parts.append(f"# {name}\n{rows}\n{columns}\n6\n{' '.join(numbers)}\n")
    return "".join(parts).encode()


_MANIFEST = """format = 1
[licences.free]
name = "Free"
summary = "As you like."
url = "https://example.org/licence"
ask = false
[sets.small]
title = "A small set"
licence = "free"
[sets.all]
title = "Everything"
sets = ["small"]
[[files]]
key = "model"
set = "small"
path = "models/model.bin"
convert = true
[[files.versions]]
size = 3
sha256 = "HASH"
urls = ["https://example.org/model.bin"]
[files.package]
requirement = "package==1"
member = "model.bin"
size = 3
sha256 = "HASH"
"""


def _wheel(method: int, name: str = MEMBER.member, content: bytes = MEMBER_CONTENT) -> bytes:
    stream = BytesIO()
    with ZipFile(stream, "w", method) as archive:
        archive.writestr(ZipInfo(name), content, method)  # with a date of its own: the same bytes each time
    return stream.getvalue()


def _rows(header: bytes, cells: Iterable[str] = ("1", "2", "3.25", "", "nan")) -> bytes:
    """Two rows under a header, of which only frame and success make sense."""
    names = header.decode().strip().split(",")
    words = list(cells)
    lines = []
    for frame in (1, 2):
        keys = {"frame": str(frame), "success": str(frame - 1), "view": "original", "reason": "no face found", "face_id": "0"}
        lines.append(
            ",".join(keys.get(name, words[place % len(words)] if frame == 1 else "0.5") for place, name in enumerate(names)) + "\n"
        )
    return "".join(lines).encode()


def _text_targets() -> dict[str, list[bytes]]:
    small = _rows(TABLE_HEADERS[0])
    remembered = {"name": "a", "stamp": [1, 2, 3, 4], "sha256": "ab", "sizes": {".csv": 5}}
    landmarks = [bytes([0]) + _rows(LANDMARK_HEADERS[0]), bytes([1]) + _rows(LANDMARK_HEADERS[1], ("1", "2.5"))]
    return {
        "movements_csv": [
            b"start_s,end_s,action\n0.000,2.500,BL\n3.000,4.000,\n", b"\xef\xbb\xbfaction;start_s;end_s\nBS;1,5;2,5\n", b"",
        ],
        "landmarks_csv": [*landmarks, bytes([2]) + LANDMARK_HEADERS[0] + _rows(LANDMARK_HEADERS[0])],
        "table_csv": [
            *(bytes([kind]) + _rows(header) for kind, header in enumerate(TABLE_HEADERS[:6])),
            *(bytes([kind + 8 * target]) + _rows(TABLE_HEADERS[kind]) for kind, target in ((1, 2), (5, 2), (5, 3))),
            bytes([7]) + TABLE_HEADERS[0] + small,
        ],
        "tidy": [
            *(bytes([2 * kind + is_main]) + _rows(TABLE_HEADERS[kind]) for kind, is_main in ((2, 0), (0, 1), (5, 1))),
            bytes([2 * 7]) + TABLE_HEADERS[2],
        ],
        "batch_list": [
            b"a.mp4\tone\nb/c.mp4\n", b"a.mp4\0b.mp4\0",
json.dumps({"version": 1, "inputs": {"a.mp4": remembered}}).encode(),
        ],
        "metadata": [run_files()[METADATA], b'{"versions": {"face-mirror-au": "1"}}'],
        "result_table": [
            *(bytes([place]) + table_rows(ending) for place, ending in enumerate(ENDINGS)),
            bytes([5]) + b"frame,timestamp,success\n" + b"1,0.04,1\n2,0.08,0\n3,0.12,1\n",
        ],
        "manifest": [_MANIFEST.replace("HASH", hashlib.sha256(b"abc").hexdigest()).encode(), b"format = 2\n"],
        "au_list": [b"a.dat AU01\r\nb.dat AU28\r\n", b"a.dat AU45", b"sub/a.dat AU02\n"],
        "mtcnn_list": [LIST, LIST.replace(b"PNet.dat", b"sub\\PNet.dat"), LIST.replace(b"PNet.dat", b"../PNet.dat"), b"PNet\n"],
        "triangles": [b"2\n3\n4\n0 1 2\n2 3 4\n", b"1 3 4 0 36 45"],
        "pdm": [pdm(1), pdm(2)],
    }  # fmt: skip


def _binary_targets() -> dict[str, list[bytes]]:
    plain = np.random.default_rng(0)
    text = json.dumps(descriptors_header()).encode()
    return {
        "mtcnn_files": [
            *(bytes([place]) + network for place, network in enumerate(good_networks())),
            b"\0" + layers(convolution(np.zeros((3, 2, 1, 1)), np.zeros(2))),
        ],
        # Nothing changed; the type; the number of layers of the first view; a mask without a pixel; cut short.
        "validating": [bytes(3) + b"\3", bytes(3) + b"\2", *(place.to_bytes(3, "little") + bytes(4) for place in (12912, 48000, 40001))],
        "ccnf_experts": [ccnf(), ccnf(window=1, neurons=1), ccnf(scaling=1.5)],
        "cen_experts": [cen(), cen(second=(1,)), cen(mirror_views=(0, 1, 2))],
        "landmark_lists": [bytes([place]) + good_detector()[name] for place, name in enumerate(LISTS)],
        "predictor": [dat(kind) for kind in (0, 1, 4, 5)],
        "open_bank": [bytes([place]) + good_bank()[name] for place, name in enumerate(BANK_MEMBERS) if len(good_bank()[name]) < 2000],
        "descriptors": [
            *(bytes([2]) + text + b"\0" + change for change in (b"", bytes([9, 0, 0, 0]) + b"\xff" * 8)),
            b"\0" + MAGIC,
            b"\1" + bytes(9),
        ],
        "wheel": [_wheel(ZIP_STORED), _wheel(ZIP_DEFLATED), _wheel(ZIP_DEFLATED, content=bytes(100)), _wheel(ZIP_STORED, "../model.bin")],
        "table_parquet": [_parquet(kind) for kind in (0, 2)],
        "image": [_image(suffix) for suffix in (".png", ".jpg", ".bmp", ".tiff", ".webp")],
        "heif": [heic(np.full((32, 32, 3), 90, np.uint8), turns) for turns in (0, 1)],
        "animation": [_animation(kind) for kind in ("webp", "png", "gif")],
        "image_times": [
            _image(".jpg"),
            b"a_40ms\na_80ms",
            b"IMG_20240131_101500_040\nIMG_20240131_101501_000",
            b"1706692500100\n1706692500140",
        ],
        "completeness": [_image(".jpg"), *(_video(*each)[:2000] for each in (("p.mp4", "mpeg4"), ("p.mkv", "mpeg4"), ("p.avi", "mjpeg")))],
        "video": [_video(*each) for each in (("p.mp4", "mpeg4"), ("p.mkv", "mpeg4"), ("p.avi", "mjpeg"), ("p.mp4", "h264"))],
        **{
            name: [b"", bytes(1), *(plain.integers(0, 256, 200, dtype=np.uint8).tobytes() for _ in range(3)), bytes([0x0F]) * 60]
            for name in ("retinaface", "blazeface", "pfld", "attention_mesh", "describing")
        },
        "tracking": [bytes([kind]) + rest for kind in range(4) for rest in (b"", bytes(200), bytes([0, 0, 3, 9, 2]) * 60)],
    }


def _parquet(kind: int) -> bytes:
    from face_mirror_au.results.convert import convert_table

    source = folder() / "seed.csv"
    source.write_bytes(TABLE_HEADERS[kind] + _rows(TABLE_HEADERS[kind]))
    return convert_table(source, folder() / "seed.parquet").read_bytes()


def _image(suffix: str) -> bytes:
    import cv2

    picture = np.random.default_rng(1).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    return bytes(cv2.imencode(suffix, picture)[1].tobytes())


def _animation(kind: str) -> bytes:
    from PIL import Image

    first, *others = (Image.new("RGB", (6, 5), (shade, 0, 0)) for shade in (20, 120, 220))
    written = BytesIO()
    first.save(written, format=kind, save_all=True, append_images=others, duration=40)
    return written.getvalue()


def _video(name: str, codec: str) -> bytes:
    import av

    path = folder() / name
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for shade in (20, 120, 220):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((32, 32, 3), shade, np.uint8), format="bgr24")))
        container.mux(stream.encode())
    return path.read_bytes()


def main() -> None:
    """Write the seeds; what else lies in the corpus stays."""
    for name, inputs in (_text_targets() | _binary_targets()).items():
        place = CORPUS / name
        place.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(inputs):
            (place / f"seed-{number:02}").write_bytes(data)


if __name__ == "__main__":
    sys.exit(main())
