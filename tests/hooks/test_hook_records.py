"""The records travel between processes."""

from __future__ import annotations

import dataclasses
import inspect
import multiprocessing
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hook_records import LOSS, ONE_OF_EACH, RESULT

from face_mirror_hooks import records
from face_mirror_hooks.errors import PluginError
from face_mirror_hooks.records import PluginFailure, View


def _same(first: object, second: object) -> bool:
    if isinstance(first, np.ndarray):
        return isinstance(second, np.ndarray) and first.dtype == second.dtype and np.array_equal(first, second)
    if dataclasses.is_dataclass(first):
        return type(first) is type(second) and all(
            _same(getattr(first, field.name), getattr(second, field.name)) for field in dataclasses.fields(first)
        )
    if isinstance(first, tuple) and isinstance(second, tuple):
        return len(first) == len(second) and all(_same(*pair) for pair in zip(first, second, strict=True))
    return first == second


def test_there_is_one_of_each_record():
    classes = {value for _, value in inspect.getmembers(records, inspect.isclass) if dataclasses.is_dataclass(value)}
    assert {type(record) for record in ONE_OF_EACH} == classes


@pytest.mark.parametrize("record", ONE_OF_EACH, ids=lambda record: type(record).__name__)
def test_records_are_frozen_and_pickled_whole(record):
    assert _same(record, pickle.loads(pickle.dumps(record)))  # noqa: S301 - made in this line
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, dataclasses.fields(record)[0].name, None)
    assert not hasattr(record, "__dict__")


def test_a_record_comes_back_from_a_spawned_process():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert _same(pool.apply(dataclasses.replace, (LOSS,)), LOSS)


def test_a_view_is_found_by_its_name():
    assert RESULT.view(View.LEFT_MIRRORED) is RESULT.views[1]
    assert RESULT.view(View.RIGHT_MIRRORED) is None


def test_a_plugin_error_is_pickled_with_its_failure():
    error = pickle.loads(pickle.dumps(PluginError(PluginFailure("p", "detect_faces", "ValueError: no"))))  # noqa: S301 - made in this line
    assert error.failure == PluginFailure("p", "detect_faces", "ValueError: no")
    assert str(error) == "plugin p failed in detect_faces: ValueError: no"


def test_hooks_need_pluggy_and_numpy_only():
    code = (
        "import sys, numpy, pluggy; before = set(sys.modules)\n"
        "import face_mirror_hooks.testing\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(new - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"face_mirror_hooks", "numpy", "pluggy"}
