"""The example notebooks lie in the repository clean. (They are run when the site is built: `make docs`.)"""

from __future__ import annotations

import ast
import importlib
import json
import re

import pytest
from docs_pages import ROOT

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_no_outputs_and_no_place_of_a_machine(path):
    notebook = json.loads(path.read_text("utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(code) >= 5
    assert [cell["outputs"] for cell in code] == [[]] * len(code)
    assert {cell["execution_count"] for cell in code} == {None}
    assert notebook["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    texts = ["".join(cell["source"]) for cell in notebook["cells"]]
    assert not [text for text in texts if re.search(r"(?<![.\w])/(home|root|Users|work|tmp)\b|[A-Z]:\\", text)]
    for cell in code:
        ast.parse("".join(cell["source"]))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_recordings_that_a_notebook_names_are_in_the_repository(path):
    names = re.findall(r'Path\(\\"(\.\./[^"\\]+)\\"\)', path.read_text("utf-8"))
    assert names
    assert [name for name in names if not (path.parent / name).exists()] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_notebook_imports_is_there_and_no_command_line_is_called(path):
    notebook = json.loads(path.read_text("utf-8"))
    trees = [ast.parse("".join(cell["source"])) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    assert not [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names if alias.name == "subprocess"]
    taken = [(node.module, alias.name) for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names]
    ours = [(module, name) for module, name in taken if module.startswith("face_mirror_au")]
    assert ours
    assert [each for each in ours if not hasattr(importlib.import_module(each[0]), each[1])] == []
