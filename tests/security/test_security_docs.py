"""docs/security.md promises nothing that is not tested: each row of its table names tests that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
# Of other parts of the same issue: their figures are in benchmarks/RESULTS.md.
ELSEWHERE = "benchmarks/RESULTS.md"


def rows():
    table = TEXT[TEXT.index("| promise |") :]
    return [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in table.splitlines()[2:] if line.startswith("|")]


def test_every_test_in_the_table_is_there():
    named = re.findall(r"`(tests/[\w/.-]+\.py)(?:::(\w+))?`", TEXT)
    assert len(named) > 30
    missing = []
    for path, name in named:
        file = ROOT / path
        functions = {node.name for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
                     if isinstance(node, ast.FunctionDef)} if file.is_file() else set()  # fmt: skip
        if not file.is_file() or (name and name not in functions):
            missing.append(f"{path}::{name}")
    assert missing == []


def test_every_promise_names_how_it_is_tested_and_what_came_out():
    found = rows()
    assert len(found) > 25
    for row in found:
        assert len(row) == 3, row
        assert all(row), row
        assert "tests/" in row[1] or ELSEWHERE in row[1] or "`make " in row[1], row


def test_every_part_of_the_package_that_opens_something_from_outside_is_named():
    for word in ("video", "image", "landmarks", "movements", "model file", "plugin", "page", "log", "network", "Dask", "--subject"):
        assert word in TEXT
