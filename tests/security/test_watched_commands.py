"""All commands, watched: in a network namespace without any interface, with an audit hook in each of their processes, and a telling name.

The command `weights fetch` is the only one that may use the network, and `batch --scheduler` connects to the scheduler that it is given.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import cv2
import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
CLIPS = HERE.parent / "clips"


class Watched(NamedTuple):
    """What came of the commands: exit codes, interfaces there were, what the hook wrote down, and stderr."""

    root: Path
    ended: dict[str, int]
    interfaces: list[str]
    events: list[list]
    stderr: str


pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are of Linux"),
    pytest.mark.slow,
    pytest.mark.timeout(300),
]


def without_a_network():
    """The command before a command that leaves it without any network interface."""
    unshare = shutil.which("unshare")
    wrapper = [unshare, "--user", "--map-root-user", "--net"]
    if unshare is None or subprocess.run([*wrapper, "true"], check=False, capture_output=True).returncode != 0:
        message = "this system does not let us make a network namespace (unshare --user --net)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return wrapper


def inputs(root):
    """A recording, a longer one, a damaged one and a folder of photos whose names, and whose container's title, tell who it is."""
    import av
    from batch_clips import trim, with_unreadable_stream

    folder = root / "Jane-Roe-1962"
    plain = trim(CLIPS / "smile_left.mp4", root / "plain.mp4", 3)
    trim(CLIPS / "smile_left.mp4", folder / "Jane Roe longer.mp4", 14)
    with av.open(str(plain)) as clip, av.open(str(folder / "Jane Roe smile.mp4"), "w") as container:
        container.metadata["title"] = container.metadata["artist"] = "Jane Roe"
        stream = clip.streams.video[0]
        copy = container.add_stream_from_template(stream)
        for packet in clip.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                container.mux(packet)
        photo = next(av.open(str(plain)).decode(video=0)).to_ndarray(format="bgr24")
    with_unreadable_stream(plain, folder / "Jane Roe damaged.mp4")
    photos = folder / "Jane Roe photos"
    photos.mkdir()
    (photos / "Jane Roe 1.png").write_bytes(cv2.imencode(".png", np.asarray(photo))[1].tobytes())
    (photos / "Jane Roe 2.png").write_bytes(b"\x89PNG, cut")
    plain.unlink()


@pytest.fixture(scope="module")
def watched(shared_file, tmp_path_factory):
    root = tmp_path_factory.mktemp("watched")
    inputs(root)
    home, log = root / "home", root / "events"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")} | {
        "FACE_MIRROR_AU_WEIGHTS": str(shared_file("weights")), "HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local"), "TMPDIR": str(root / "tmp"), "MPLCONFIGDIR": str(home / "mpl"), "WATCHED_LOG": str(log),
        "PYTHONPATH": str(HERE / "watched"),
    }  # fmt: skip
    (root / "tmp").mkdir()
    done = subprocess.run(
        [*without_a_network(), sys.executable, str(HERE / "all_commands.py"), str(root)],
        env=environment, cwd=root, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return Watched(root, told["ended"], told["interfaces"], events, done.stderr)


def of_kind(watched, kind):
    return [(process, *what) for process, found, *what in watched.events if found == kind]


def outputs(watched):
    return sorted(path for path in (watched.root / "out").rglob("*"))


def test_all_commands_succeed_without_a_network(watched):
    assert watched.interfaces == ["lo"], "the loop-back interface, which is down, is in every namespace"
    not_whole = {"photos": 3, "photos with subject": 3, "a damaged video": 1, "batch": 1}
    assert {name: code for name, code in watched.ended.items() if code} == not_whole, watched.stderr
    assert len(watched.ended) > 20


def test_nothing_even_tries_to_reach_a_network(watched):
    assert len({process for process, *_ in of_kind(watched, "log")}) >= 2, "a spawned worker has the hook, too"
    assert of_kind(watched, "network") == []


def test_the_hook_hears_an_attempt(tmp_path):
    code = "import urllib.request\ntry:\n    urllib.request.urlopen('http://127.0.0.1:9/')\nexcept OSError: pass"
    log = tmp_path / "events"
    environment = {**os.environ, "PYTHONPATH": str(HERE / "watched"), "WATCHED_LOG": str(log)}
    subprocess.run([*without_a_network(), sys.executable, "-c", code], env=environment, check=True)
    assert '"network"' in log.read_text()


def test_no_program_is_started_but_this_python_and_the_list_of_fonts(watched):
    started = {what[1].strip("'") for _, *what in of_kind(watched, "program")}
    assert started <= {sys.executable, "fc-list"}, "Matplotlib asks fontconfig, once for a machine"


def test_every_output_is_for_its_owner_alone_even_with_umask_0(watched):
    found = outputs(watched)
    files = {path.relative_to(watched.root).as_posix(): path.stat().st_mode & 0o777 for path in found if path.is_file()}
    folders = {
        path.relative_to(watched.root).as_posix(): path.stat().st_mode & 0o777 for path in [watched.root / "out", *found] if path.is_dir()
    }
    assert {name: oct(mode) for name, mode in files.items() if mode != 0o600} == {}
    assert {name: oct(mode) for name, mode in folders.items() if mode != 0o700} == {}
    endings = {re.sub(r"^[^._]*", "", Path(name).name) for name in files}
    assert {
        ".csv", ".online.csv", ".raw.csv", ".sides.csv", ".columns.csv", ".metadata.json", ".report.html", ".asymmetry.csv",
        ".movements.csv",        ".images.csv", ".overlay.mp4", "_left_mirrored.mp4", "_right_mirrored.csv", ".live.csv", ".live.json",
        ".html", ".parquet", ".state.json",
    } <= endings  # fmt: skip


def test_files_are_written_in_the_output_folder_only_and_none_of_them_is_a_picture(watched):
    """But the note of which device is the faster, and Matplotlib's list of fonts, which are of the machine."""
    written = {Path(os.path.abspath(what[0].strip("'\""))) for _, *what in of_kind(watched, "writing") if not what[0].isdigit()}  # noqa: PTH100
    ours = (watched.root / "out", watched.root / "home", Path("/dev"), Path("/proc"))
    # A folder: whether a file can be made in it is tried with one that has no name.
    assert {path for path in written if not path.is_dir() and not any(path.is_relative_to(folder) for folder in ours)} == set()
    assert list((watched.root / "tmp").iterdir()) == [], "no temporary file is left"
    kinds = {path.suffix for path in outputs(watched) if path.is_file()}
    assert kinds <= {".csv", ".json", ".html", ".mp4", ".parquet", ".lock"}
    left = {path.name for path in (watched.root / "home").rglob("*") if path.is_file()}
    assert {name for name in left if not name.startswith("fontlist")} <= {"devices.json"}


def test_no_log_line_from_info_on_has_a_name_or_a_path(watched):
    lines = of_kind(watched, "log")
    assert len(lines) > 2
    told = [line for _, *line in lines if re.search(r"jane|roe|1962|P0[789]", str(line), re.IGNORECASE) or str(watched.root) in str(line)]
    assert told == []
    ours = [line for _, *line in lines if line[0].strip("'").startswith(("face_mirror", "watched"))]
    assert [line for line in ours if "/" in line[2]] == []


def test_libraries_say_nothing_on_stderr(watched):
    """FFmpeg, OpenCV and ONNX Runtime would name files there: with --quiet, each line is ours and says what is wrong with a result."""
    quiet, told = False, []
    for line in watched.stderr.splitlines():
        if line.startswith("== "):
            quiet = line.endswith("--quiet")
        elif quiet:
            told.append(line)
    assert told, "a damaged video is told"
    assert [line for line in told if not line.startswith(("error: ", "partial: ", "warning: "))] == []


def spellings(name):
    """A name as it may stand in a file."""
    yield from (
        name.encode("utf-8"),
        name.encode("utf-16-le"),
        name.encode("utf-16-be"),
        quote(name).encode(),
        name.replace(" ", "_").encode(),
    )
    # Four letters come up by chance in compressed tables.
    encoded = (base64.b64encode(b" " * shift + name.encode())[4:-4] for shift in range(3))
    yield from (part for part in encoded if len(part) >= 8)


def test_with_subject_the_recordings_name_is_nowhere_in_the_outputs(watched):
    content = {path: path.read_bytes() for path in (watched.root / "out" / "subject").rglob("*") if path.is_file()}
    endings = {path.name.partition(".")[2] for path in content}
    assert {"metadata.json", "report.html", "overlay.mp4", "parquet", "live.json", "movements.csv"} <= endings
    words = {word for name in ("Jane Roe smile", "Jane Roe", "Jane-Roe-1962", "Jane Roe photos") for word in spellings(name)}
    told = {path.name: word for path, data in content.items() for word in words if word in data}
    assert told == {}
    # Four letters come up by chance in encoded pictures.
    readable = {path.name: re.sub(rb"base64,[A-Za-z0-9+/=]+", b"", data) for path, data in content.items()}
    assert {name for name, data in readable.items() if re.search(rb"jane|JANE|Jane", data)} == set()
    assert not any(path.name.endswith(".images.csv") for path in content)
    assert any("Jane" in str(path) for path in outputs(watched)), "without it, the results are called as the recording is"


def test_no_output_holds_a_path_of_the_machine(watched):
    root = str(watched.root).encode()
    keeping = {"batch.csv", "batch.state.json"}  # they say which input has which result
    told = {path.name for path in outputs(watched) if path.is_file() and root in path.read_bytes()}
    assert told <= keeping
