"""A face that is lost behind black and noise, and found again, with the real detector and validator."""

from __future__ import annotations

import clnf_cases
import cv2
import numpy as np
import pytest

from face_mirror_au.pipeline.clnf_tracker import CLNFState
from face_mirror_au.pipeline.openface_landmarks import OpenFaceLandmarks


def _read(path, count):
    capture = cv2.VideoCapture(str(path))
    return [np.asarray(capture.read()[1]) for _ in range(count)]


@pytest.fixture
def openface(shared_file):
    folder = shared_file(clnf_cases.MODELS)
    return OpenFaceLandmarks.read(lambda name: folder / name)


@pytest.mark.truth
def test_a_face_is_lost_for_100_frames_and_found_again(shared_file, openface):
    face = _read(shared_file("media/default.wmv"), 20)
    known = clnf_cases.truth(shared_file("truth/default/landmarks_clnf/frames.npz"))["landmarks"]
    black, random = np.zeros_like(face[0]), np.random.default_rng(0)
    noise = [random.integers(0, 256, black.shape, dtype=np.uint8) for _ in range(3)]
    mirrored = [np.ascontiguousarray(image[:, ::-1]) for image in face[:6]]
    clip = face[:8] + [black] * 5 + mirrored + noise + [black] * 107 + face
    tracker, state = openface.tracker(), CLNFState()
    frames, states = [], []
    for image in clip:
        frame, state = tracker.track(image, state)
        frames.append(frame)
        states.append(state)
        assert np.isfinite(frame.face.landmarks).all()

    returned = [frame.returned for frame in frames]
    assert returned[:8] == [True] * 8
    assert returned[8:13] == [False] * 5
    assert [frame.detected is not None for frame in frames[8:13]] == [True, False, True, False, True], "at once, then every second frame"
    # The mirrored face is elsewhere: found by the detector, at the latest in the second of its frames.
    assert all(returned[14:19])
    assert returned[19:129] == [False] * 110
    assert (states[19].failures, states[118].failures, states[119].failures, states[120].failures) == (0, 99, 100, 101)
    assert [state.initialised for state in states[118:121]] == [True, True, False], "given up after 100 failures"
    asked = [index for index in range(121, len(clip)) if frames[index].detected is not None]
    assert [states[index - 1].failures for index in asked[:1]] == [107], "then looked for every twelfth frame"
    found = returned.index(True, 129)
    assert found - 129 < 12
    assert all(returned[found:])
    for index in range(found, len(clip)):
        # Not from the same frame before as there: a fit is not sharper than this.
        assert np.hypot(*(frames[index].face.landmarks - known[index - 129]).T).max() < 2.0
