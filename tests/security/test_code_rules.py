"""What the code of the packages may not do, read from its syntax trees: no shell, nothing executed from text, no pickle from a file."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("face_mirror_au", "hooks", "weights")
NOT_PACKAGES = {"tests", "benchmarks", "fuzz", "packaging", "examples", ".make"}
SHELLS = {"os.system", "os.popen", "os.startfile", "subprocess.getoutput", "subprocess.getstatusoutput", "pty.spawn"}
SHELL_STARTS = ("os.exec", "os.spawn", "asyncio.create_subprocess_shell")
UNSAFE_ENDINGS = (".read_pickle", ".to_pickle", "tempfile.mktemp", ".extractall", ".unpack_archive")
EXECUTING = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_IMPORTS = {"cloudpickle", "dill", "joblib", "marshal", "shelve", "yaml", "xmlrpc", "telnetlib", "ftplib"}
# Pickles go between the processes of one run (pipes that no other process has), and are made and opened in one place in tests of plugins.
PICKLING = {
    "face_mirror_au/loop/messages.py", "face_mirror_au/loop/pool.py", "face_mirror_au/loop/worker.py",
    "hooks/loading.py", "hooks/testing.py", "hooks/validation.py",
}  # fmt: skip
STARTING_PROGRAMS = {
    "face_mirror_au/devices/probe_child.py", "face_mirror_au/overlay/window.py",  # this Python
    "weights/package_files.py",  # pip of this Python
}  # fmt: skip
# Modules that open connections; Dask's are its own, and behind --scheduler.
NETWORK = {"urllib.request", "http.client", "socket", "ssl", "requests", "httpx", "aiohttp", "urllib3"}
ON_THE_NETWORK = {"weights/download.py"}
LOCAL_SOCKETS = {"face_mirror_au/loop/handle.py"}  # between our own processes, without a name


def sources():
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def name_of(node):
    """A call's dotted name, as far as it is one."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ".".join(["?", *reversed(parts)])


def _imported(node):
    """The names that an import statement imports: of modules, and of what is in them."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _wrong_imports(node, where):
    allowed = {"pickle": where in PICKLING, "subprocess": where in STARTING_PROGRAMS, **dict.fromkeys(NETWORK, where in ON_THE_NETWORK)}
    allowed["socket"] = where in LOCAL_SOCKETS
    for name in _imported(node):
        first = name.split(".")[0]
        if first in FORBIDDEN_IMPORTS or name in SHELLS or not allowed.get(name, allowed.get(first, True)):
            yield f"imports {name}"


def _wrong_calls(node):
    name = name_of(node.func)
    if name in SHELLS | EXECUTING or name.startswith(SHELL_STARTS) or name.endswith(UNSAFE_ENDINGS):
        yield f"calls {name}"
    for keyword in node.keywords:
        off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        if keyword.arg in {"shell", "allow_pickle"} and not off:
            yield f"{keyword.arg} in {name}"


def broken_rules(text, where="a.py"):
    """What a module does that no module may."""
    nodes = list(ast.walk(ast.parse(text)))
    calls = [found for node in nodes if isinstance(node, ast.Call) for found in _wrong_calls(node)]
    return calls + [found for node in nodes for found in _wrong_imports(node, where)]


@pytest.mark.parametrize(
    "line",
    [
        "os.system(x)",
        "os.popen(x)",
        "subprocess.run(x, shell=True)",
        "subprocess.run(x, shell=y)",
        "eval(x)",
        "exec(x)",
        "np.load(p, allow_pickle=True)",
        "import pickle",
        "from pickle import loads",
        "import yaml",
        "import marshal",
        "import shelve",
        "from os import system",
        "pd.read_pickle(p)",
        "os.execvp(a, b)",
        "archive.extractall(p)",
        "import subprocess",
        "from urllib import request",
        "import urllib.request",
        "import socket",
    ],
)
def test_the_rules_see_what_breaks_them(line):
    assert broken_rules(line)


def test_no_module_breaks_a_rule():
    found = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sources()}
    assert len(found) > 200
    assert {where: broken for where, text in found.items() if (broken := broken_rules(text, where))} == {}


def test_no_exception_from_the_rules_is_kept_that_nobody_needs():
    for where, module in [(each, "pickle") for each in PICKLING] + [(each, "subprocess") for each in STARTING_PROGRAMS]:
        assert f"import {module}" in (ROOT / where).read_text(encoding="utf-8"), where


def test_ruffs_security_rules_are_on_and_switched_off_for_no_package():
    if sys.version_info < (3, 11):
        pytest.skip("reads pyproject.toml with tomllib, which is in Python 3.11")
    import tomllib

    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    assert "S" in lint["select"]
    assert not [rule for rule in lint["ignore"] if rule.startswith("S") and rule[1:].isdigit()]
    for pattern, rules in lint["per-file-ignores"].items():
        off = {rule for rule in rules if rule == "S" or (rule.startswith("S") and rule[1:].isdigit())}
        assert off <= {"S101", "S603", "S607"}, pattern
        assert not off or pattern.split("/")[0] in NOT_PACKAGES, pattern
