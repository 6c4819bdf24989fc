"""The face mesh, loaded once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from training.render.ict import FaceModel
from training.render.renderer import Studio


@pytest.fixture(scope="session")
def model(shared_file: Callable[[str], Path]) -> FaceModel:
    return FaceModel.load(shared_file("faces3d/ict.npz"))


@pytest.fixture(scope="session")
def studio(model: FaceModel) -> Studio:
    return Studio(model)
