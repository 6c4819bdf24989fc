"""Fetching from a server: resume, retries, checks, and never a half-installed set."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from store_site import Site, SmallWorld, files_in, sha256

from face_mirror_weights.download import ATTEMPTS, download
from face_mirror_weights.errors import LicenceNotAcceptedError, WeightsError
from face_mirror_weights.fetch import fetch_set

CONTENT = bytes(range(256)) * 1000


def get(site: Site, destination: Path, content: bytes = CONTENT, **changes: object) -> None:
    site.files.setdefault("/file", content)
    arguments = {"size": len(content), "sha256": sha256(content)} | changes
    download([f"{site.address}/file"], destination, **arguments)  # type: ignore[arg-type]


def test_a_file_arrives_whole_and_leaves_no_part(site: Site, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    get(site, tmp_path / "deep" / "file", label="model", progress=lambda *args: seen.append(args))
    assert files_in(tmp_path) == {"deep/file": CONTENT}
    assert seen[-1] == ("model", len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)


def test_a_cut_connection_is_resumed_where_it_ended(site: Site, tmp_path: Path) -> None:
    site.cuts = [1000, 70_000]
    get(site, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert [asked for _, asked in site.requests] == [None, "bytes=1000-", "bytes=71000-"]


def test_any_number_of_cuts_is_borne_as_long_as_bytes_come(site: Site, tmp_path: Path) -> None:
    site.cuts = [1000] * (3 * ATTEMPTS)
    get(site, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_what_an_earlier_run_left_is_resumed(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT[:5000])
    get(site, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert [asked for _, asked in site.requests] == ["bytes=5000-"]


def test_a_server_that_ignores_range_starts_over(site: Site, tmp_path: Path) -> None:
    site.ignores_range = True
    site.cuts = [1000]
    get(site, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert len(site.requests) == 2


def test_a_damaged_remainder_is_thrown_away_once(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(b"x" * 5000)
    get(site, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert [asked for _, asked in site.requests] == ["bytes=5000-", None]


def test_a_remainder_longer_than_the_file_is_thrown_away(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT + b"x")
    get(site, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_wrong_hash_is_an_error_and_leaves_nothing(site: Site, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="another SHA-256"):
        get(site, tmp_path / "file", sha256="0" * 64)
    assert files_in(tmp_path) == {}
    assert len(site.requests) == 2


def test_more_bytes_than_the_file_has_are_not_written(site: Site, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="more than the 5000 bytes"):
        get(site, tmp_path / "file", size=5000)
    assert sum(map(len, files_in(tmp_path).values())) <= 5000
    assert len(site.requests) == 1


def test_a_missing_page_is_not_asked_for_again_but_elsewhere(site: Site, tmp_path: Path) -> None:
    site.files["/good"] = CONTENT
    urls = [f"{site.address}/gone", f"{site.address}/good"]
    download(urls, tmp_path / "file", size=len(CONTENT), sha256=sha256(CONTENT))
    assert [target for target, _ in site.requests] == ["/gone", "/good"]
    with pytest.raises(WeightsError, match=r"/gone: HTTP 404 .*weights import FOLDER") as caught:
        download(urls[:1], tmp_path / "other", size=len(CONTENT), sha256=sha256(CONTENT))
    assert "\n" not in str(caught.value)


def test_a_busy_server_is_asked_again_a_few_times(site: Site, tmp_path: Path) -> None:
    site.failures = [503] * (ATTEMPTS - 1)
    get(site, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    site.failures = [503] * 100
    site.requests.clear()
    with pytest.raises(WeightsError, match="HTTP 503"):
        get(site, tmp_path / "other")
    assert len(site.requests) == ATTEMPTS


def test_no_server_at_all_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"could not fetch file: http://127\.0\.0\.1:1/file: ") as caught:
        download(["http://127.0.0.1:1/file"], tmp_path / "file", size=5, sha256="0" * 64)
    assert "\n" not in str(caught.value)


def test_only_web_addresses_are_opened(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(CONTENT)
    with pytest.raises(WeightsError, match="not an http or https address"):
        download([(tmp_path / "secret").as_uri()], tmp_path / "file", size=len(CONTENT), sha256=sha256(CONTENT))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_line_and_not_retried(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file.part").symlink_to("/dev/full")
    with pytest.raises(WeightsError, match=r"cannot write .*No space left on device; make room"):
        get(site, tmp_path / "file")
    assert len(site.requests) == 1


def test_the_proxy_of_the_environment_is_used(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.files["/file"] = CONTENT
    monkeypatch.setenv("http_proxy", site.address)
    download(["http://models.invalid/file"], tmp_path / "file", size=len(CONTENT), sha256=sha256(CONTENT))
    assert site.requests == [("http://models.invalid/file", None)]


def test_a_set_is_fetched_and_a_second_fetch_asks_for_nothing(site: Site, small_world: SmallWorld, tmp_path: Path) -> None:
    result = fetch_set("strict", tmp_path / "t", licence_accepted=True)
    wanted = {path: small_world.contents[path] for path in ("models/one.dat", "models/two.dat", "notes.txt")}
    assert files_in(tmp_path / "t") == wanted
    assert set(result.installed) == set(wanted)
    site.requests.clear()
    again = fetch_set("strict", tmp_path / "t", licence_accepted=True)
    assert site.requests == []
    assert set(again.present) == set(wanted)
    assert again.installed == ()


def test_without_acceptance_nothing_is_touched(site: Site, small_world: SmallWorld, tmp_path: Path) -> None:
    for name in ("strict", "all"):
        with pytest.raises(LicenceNotAcceptedError, match=r"for research only.*nothing was changed.*--accept-license"):
            fetch_set(name, tmp_path / "t")
    assert not (tmp_path / "t").exists()
    assert site.requests == []


def test_a_set_that_does_not_ask_needs_no_acceptance(site: Site, small_world: SmallWorld, tmp_path: Path) -> None:
    site.files.pop("/export.onnx", None)
    assert fetch_set("free", tmp_path / "t").installed == ("free.onnx",)


def test_one_missing_file_installs_nothing_and_the_next_fetch_resumes(site: Site, small_world: SmallWorld, tmp_path: Path) -> None:
    two = site.files.pop("/models/two.dat")
    with pytest.raises(WeightsError, match="HTTP 404"):
        fetch_set("strict", tmp_path / "t", licence_accepted=True)
    assert not [path for path in files_in(tmp_path / "t") if not path.startswith(".incoming-")]
    site.files["/models/two.dat"] = two
    site.requests.clear()
    fetch_set("strict", tmp_path / "t", licence_accepted=True)
    assert {target for target, _ in site.requests} == {"/models/two.dat", "/notes.txt"}  # the finished first file was kept
    assert sorted(files_in(tmp_path / "t")) == ["models/one.dat", "models/two.dat", "notes.txt"]


def test_a_file_that_is_not_required_does_not_stop_a_fetch(site: Site, small_world: SmallWorld, tmp_path: Path) -> None:
    del site.files["/notes.txt"]
    result = fetch_set("strict", tmp_path / "t", licence_accepted=True)
    assert result.left_out == ("notes.txt",)
    assert sorted(files_in(tmp_path / "t")) == ["models/one.dat", "models/two.dat"]


def test_a_mirror_takes_the_place_of_the_addresses(site: Site, small_world: SmallWorld, tmp_path: Path) -> None:
    site.files = {f"/internal{path}": content for path, content in site.files.items()}
    fetch_set("strict", tmp_path / "t", licence_accepted=True, mirror=f"{site.address}/internal/")
    assert [target for target, _ in site.requests] == ["/internal/models/one.dat", "/internal/models/two.dat", "/internal/notes.txt"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs a folder that this user may not write to")
def test_a_read_only_target_is_one_line(small_world: SmallWorld, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(WeightsError, match=r"cannot write to .*--to"):
        fetch_set("strict", tmp_path / "t", licence_accepted=True)
    tmp_path.chmod(0o700)


def test_a_target_that_is_a_file_is_one_line(small_world: SmallWorld, tmp_path: Path) -> None:
    (tmp_path / "t").write_text("in the way")
    with pytest.raises(WeightsError, match=r"cannot write to .*--to"):
        fetch_set("strict", tmp_path / "t", licence_accepted=True)
