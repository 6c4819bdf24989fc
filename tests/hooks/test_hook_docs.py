"""docs/hooks.md says the same as the specs; its example runs; each hook has a typed call and a test."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from face_mirror_hooks import specs
from face_mirror_hooks.manager import PluginManager

HERE = Path(__file__).parent
DOC = (HERE.parents[1] / "docs" / "hooks.md").read_text("utf-8")
HOOKS = {name: value for name, value in vars(specs).items() if hasattr(value, "face_mirror_spec")}
ROWS = ["Arguments", "Returns", "Process", "Order", "Rate", "Errors"]


def _documented() -> dict[str, tuple[list[str], dict[str, str]]]:
    """Hook's name to its documented arguments and the rows of its table."""
    found = {}
    for section in DOC.split("\n### ")[1:]:
        heading, _, body = section.partition("\n")
        name, arguments = re.fullmatch(r"(\w+)\((.*)\)", heading).groups()
        found[name] = (arguments.split(", "), dict(re.findall(r"^\| (\w+) \| (.+) \|$", body, re.MULTILINE)))
    return found


def test_the_documentation_has_the_hooks_in_the_order_of_the_specs():
    assert list(_documented()) == list(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_documented_as_it_is(name):
    arguments, rows = _documented()[name]
    parameters = inspect.signature(HOOKS[name]).parameters
    assert arguments == list(parameters)
    assert list(rows) == ROWS
    for parameter in parameters.values():
        assert f"`{parameter.name}: {parameter.annotation}`" in rows["Arguments"].replace("\\|", "|")
    assert len(re.findall(r"`\w+: ", rows["Arguments"])) == len(parameters)
    returns = inspect.signature(HOOKS[name]).return_annotation
    assert rows["Returns"].replace("\\|", "|").startswith("nothing" if returns == "None" else f"`{returns}`")
    assert ("first result wins" in rows["Returns"]) == bool(HOOKS[name].face_mirror_spec["firstresult"])
    assert rows["Process"] == HOOKS[name].__doc__.partition(":")[0].lower()
    assert rows["Process"] in {"parent", "worker"}


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_has_a_typed_call_with_its_arguments(name):
    called = inspect.signature(getattr(PluginManager, name)).parameters
    asked = inspect.signature(HOOKS[name]).parameters
    assert [(p.name, p.annotation) for p in called.values()][1:] == [(p.name, p.annotation) for p in asked.values()]


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_has_a_test(name):
    tests = [node.name for node in ast.parse((HERE / "test_hook_calls.py").read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]
    assert any(test == f"test_{name}" or test.startswith(f"test_{name}__") for test in tests)


def test_the_example_runs():
    blocks = re.findall(r"```python\n(.*?)```", DOC, re.DOTALL)
    assert len(blocks) == 2
    namespace = {"__name__": "example"}
    for block in blocks:
        exec(compile(block, "docs/hooks.md", "exec"), namespace)  # noqa: S102 - our own documentation
    assert all(40 < row < 255 for row in namespace["plugin"].rows)
