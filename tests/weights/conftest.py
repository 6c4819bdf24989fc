"""Fixtures of the model store's tests: nothing outside the temporary folder is touched, the network is a server of our own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from store_site import Site, SmallWorld, sha256

from face_mirror_weights import download, folders, manifest

PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No folder or proxy of the machine plays a part; retries do not wait. Returns the stand-in for our own data folder."""
    home = tmp_path_factory.mktemp("home")
    for variable in (folders.WEIGHTS_VARIABLE, folders.OPENFACE_VARIABLE, "FACE_MIRROR_AU_MIRROR", *PROXY_VARIABLES):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    monkeypatch.setattr(folders, "own_folder", lambda: home / "own")
    monkeypatch.setattr(folders, "openface_default_folder", lambda: home / "OpenFaceModels")
    monkeypatch.setattr(download, "FIRST_WAIT_S", 0.0)
    return home / "own"


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers["Range"]
            site.requests.append((self.path, asked))
            if site.failures:
                self.send_error(site.failures.pop(0))
                return
            path = self.path.removeprefix("http://models.invalid")  # a proxy is asked for whole addresses
            content = site.files.get(path)
            if content is None:
                self.send_error(404)
                return
            start = 0
            if asked and not site.ignores_range:
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            body = content[start:]
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: site.cuts.pop(0)] if site.cuts else body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server on this machine."""
    site = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(site))
    site.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def small_world(site: Site, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> SmallWorld:
    """The small manifest stands in for the real one everywhere."""
    contents = {
        "models/one.dat": bytes(range(256)) * 400,
        "models/two.dat": b"two" * 5000,
        "free.onnx": b"free" * 300,
        "notes.txt": b"optional\n" * 20,
    }
    other = b"another export" * 70
    text = """
format = 1
[licences.strict]
name = "for research only"
summary = "You must ask."
url = "https://example.org/strict"
ask = true
[licences.free]
name = "MIT"
summary = "Do as you like."
url = "https://example.org/free"
ask = false
[sets.all]
title = "everything"
sets = ["strict", "free"]
[sets.strict]
title = "asks"
licence = "strict"
[sets.free]
title = "does not ask"
licence = "free"
"""
    for path, content in contents.items():
        owner = "free" if path == "free.onnx" else "strict"
        text += f'[[files]]\nkey = "{path}"\nset = "{owner}"\npath = "{path}"\nrequired = {str(path != "notes.txt").lower()}\n'
        text += f'[[files.versions]]\nsize = {len(content)}\nsha256 = "{sha256(content)}"\nurls = ["{site.address}/{path}"]\n'
        site.files[f"/{path}"] = content
    text += (
        f'[[files]]\nkey = "two-exports"\nset = "free"\npath = "export.onnx"\nrequired = false\n[[files.versions]]\nsize = {len(other)}\n'
    )
    text += f'sha256 = "{sha256(other)}"\n[[files.versions]]\nsize = {len(other[:-7])}\nsha256 = "{sha256(other[:-7])}"\n'
    file = tmp_path_factory.mktemp("manifest") / "manifest.toml"
    file.write_text(text)
    monkeypatch.setattr(manifest, "MANIFEST_FILE", file)
    return SmallWorld(manifest.load_manifest(), contents | {"two-exports": other})
