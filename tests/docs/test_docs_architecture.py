"""docs/architecture.md names files, functions and layers that are there."""

from __future__ import annotations

import ast
import re
import sys

import pytest
from docs_pages import PAGES, ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGE = PAGES["docs/architecture.md"]
FUNCTIONS = re.findall(r"\| `([\w/]+\.py)` \| `([\w.]+)` \|", PAGE)
SEAMS = [
    cells
    for line in PAGE.partition("## Seams")[2].splitlines()
    if len(cells := line.split("|")) == 6 and cells[1].startswith((" a ", " an "))
]


def defined(path):
    """Functions of a file, methods with their class."""
    for node in ast.parse((ROOT / path).read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield node.name
            yield from (f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef))


@pytest.mark.parametrize(("path", "name"), FUNCTIONS)
def test_each_function_on_the_way_of_a_frame_is_there(path, name):
    assert name in set(defined(path))


def test_hops_and_types_are_as_many_as_it_says():
    hops = re.findall(r"^\| (\d+) \| `", PAGE, re.MULTILINE)
    assert hops == [str(number) for number in range(1, len(hops) + 1)]
    assert f"that pass the frame on, {len(hops)}; with those that are asked, {len(FUNCTIONS)}." in PAGE
    types, count = re.search(r"result on the way: (.*?): (\d+)\.", PAGE, re.DOTALL).groups()
    names = re.findall(r"`(\w+)`", types)
    assert len(names) == int(count)
    folders = ("hooks", "face_mirror_au/loop", "face_mirror_au/pipeline")
    there = {name for folder in folders for path in (ROOT / folder).glob("*.py") for name in defined(path.relative_to(ROOT))}
    assert set(names) <= there


def test_layers_are_those_of_the_contract():
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"][0]
    blocks = re.findall(r"^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert [layer.replace("face_mirror_au.", "") for layer in contract["layers"]] == blocks[1].splitlines()


def test_files_and_folders_that_it_names_are_there():
    assert len(SEAMS) == 5
    touched = [name for cells in SEAMS for name in re.findall(r"`([^`]+)`", cells[3])]
    named = [*touched, *re.findall(r"^\| `([\w/]+/)`", PAGE, re.MULTILINE)]
    # In the text, folders of the package go without its name.
    named += [
        f"face_mirror_au/{name}"
        for name in re.findall(r"`((?:loop|models|numerics|pipeline|report|results|run|tables|asymmetry)/[\w./]*)`", PAGE)
    ]
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert all(len(re.findall("`", cells[3])) <= 4 for cells in SEAMS), "two files at most"
