"""What the security tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
# A run's folder made by hand, and tiny clips: the report's and the batch's tests have them.
sys.path += [str(TESTS / "report"), str(TESTS / "batch")]


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory):
    """Two frames of a face."""
    from batch_clips import CLIPS, trim

    return trim(CLIPS / "smile_left.mp4", tmp_path_factory.mktemp("clip") / "clip.mp4", 2)
