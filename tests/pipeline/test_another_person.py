"""Another person is told: one who comes, one who changes place, one whom the detector misses at first; one person alone is not."""

from __future__ import annotations

import numpy as np
import pytest

from face_mirror_au.api import AUPipeline
from face_mirror_au.pipeline.person import MAX_DISTANCE, WINDOW, PersonWatch
from face_mirror_au.records import FaceDescriptor


@pytest.fixture(scope="module")
def pipeline(shared_file):
    return AUPipeline("open", weights_dir=shared_file("weights"))


def told(pipeline, path, **more):
    warnings = pipeline.process_video(path, **more).attrs["warnings"]
    return [warning for warning in warnings if "more than one face" in warning or "another person" in warning]


@pytest.mark.parametrize(("name", "said"), [("enter", "another person"), ("gallery", "more than one face"), ("swap", "more than one face")])
def test_a_second_person_is_told(pipeline, shared_file, name, said):
    assert any(said in warning for warning in told(pipeline, shared_file(f"cases/two_people/{name}.mp4")))


@pytest.mark.parametrize(
    "name",
    [
        "cases/anamorphic/square.mp4",
        "cases/baseline_jump/C_h264.mp4",
        "composites/def_smile_orig.mp4",
        "media/changeLighting.wmv",
    ],
)
def test_one_person_is_not(pipeline, shared_file, name):
    assert told(pipeline, shared_file(name), end=3) == []


def described(look, turn=0.0):
    hog = np.zeros(4464, np.float32)
    hog[:] = look
    return FaceDescriptor(hog, np.zeros(238), np.array([1.0, turn, 0, 0, 0, 0]), np.zeros(6))


def fed(parts):
    watch, time = PersonWatch(), 0.0
    for look, windows, turn in parts:
        for _ in range(windows * WINDOW):
            watch.append(None if look is None else described(look, turn), time)
            time += 0.1
    return watch.changed_s


@pytest.mark.parametrize(
    ("parts", "changed_s"),
    [
        ([(0.0, 9, 0.0)], None),
        ([(0.0, 3, 0.0), (None, 1, 0.0), (0.2, 2, 0.0)], 4.0),
        ([(0.0, 3, 0.0), (0.2, 2, 0.0)], 3.0),  # in place, without a gap
        ([(0.0, 3, 0.0), (0.2, 1, 0.0), (0.0, 3, 0.0)], None),  # a moment
        ([(0.0, 3, 0.0), (0.2, 3, 0.5)], None),  # a turned head is not compared
    ],
)
def test_windows_are_compared_with_earlier_ones(parts, changed_s):
    assert 0.2 * np.sqrt(60 * 31) > MAX_DISTANCE
    found = fed(parts)
    assert found == (None if changed_s is None else pytest.approx(changed_s))
