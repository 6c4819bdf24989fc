"""MTCNN, validator, head pose and gaze equal the C++ program's from its own inputs; everything together from the pictures alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import openface_cases
import pytest


@pytest.mark.truth
@pytest.mark.parametrize("stage", openface_cases.STAGES, ids=lambda each: each.__name__)
def test_each_stage_is_within_its_limit(
    stage: Callable[[Path], Iterator[openface_cases.Figure]], shared_file: Callable[[str], Path]
) -> None:
    for needed in ("weights/openface-2.2.0/model", "media/default.wmv", "truth/images/landmarks_clnf"):
        shared_file(needed)
    figures = list(stage(shared_file("truth").parent))
    assert len(figures) >= 3
    assert [figure for figure in figures if not figure.good] == []
