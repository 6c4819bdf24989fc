"""Another person is told: one who comes, one who changes place, one whom the detector misses at first; one person alone is not."""

from __future__ import annotations

import re

import av
import cv2
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


@pytest.mark.parametrize("backwards", [False, True])
def test_the_rest_is_that_of_the_longer_part(pipeline, shared_file, tmp_path, backwards):
    """Of the first person there are 2.4 seconds, of the second 1.6; backwards 4.8 follow 1.6."""
    path = shared_file("cases/two_people/enter.mp4")
    with av.open(path) as container:
        pictures = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    for number, picture in enumerate([*pictures[::-1], *pictures[:60]] if backwards else pictures):
        cv2.imwrite(str(tmp_path / f"{number:03d}.jpg"), picture)
    result = pipeline.measure(tmp_path, fps=25)
    found = [re.match(r"from (\S+) s on the followed face", warning) for warning in result.warnings]
    (changed,) = (float(each[1]) for each in found if each)
    stretches = result.metadata["rest"]["stretches"]
    assert stretches
    assert not [warning for warning in result.warnings if "never at rest" in warning]
    assert all(start >= changed - 0.1 if backwards else stop <= changed for start, stop in stretches)


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
