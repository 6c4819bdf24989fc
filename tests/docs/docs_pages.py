"""The documentation's pages, and the code and commands on them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
}


def python_blocks(page: str) -> list[str]:
    """The page's Python code, block by block."""
    return re.findall(r"^```python\n(.*?)^```", PAGES[page], re.MULTILINE | re.DOTALL)


def command_lines(page: str) -> list[list[str]]:
    """Arguments of each line of a code block that calls the program."""
    lines = re.findall(r"^ *(?:\S*/)?face-mirror-au (.+)$", PAGES[page], re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


def mentioned_commands(page: str) -> Iterator[list[str]]:
    """Arguments of each command that the text mentions; `COMMAND` stands for any of them."""
    for line in re.findall(r"`face-mirror-au\s([^`]+)`", PAGES[page]):
        yield ["run" if word == "COMMAND" else word for word in shlex.split(line)]


def mentioned_options(page: str) -> set[str]:
    """Options that the text mentions by themselves."""
    return set(re.findall(r"`(--[a-z][a-z-]*)", PAGES[page]))
