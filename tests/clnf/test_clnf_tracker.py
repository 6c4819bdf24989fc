"""Following a face in a video as OpenFace does: when the detector is asked, what is kept, when the face is given up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import clnf_cases
import numpy as np
import pytest

from face_mirror_au.models.clnf import WILD
from face_mirror_au.numerics.clnf.face import FittedFace
from face_mirror_au.pipeline.clnf_tracker import CLNFState, CLNFTracker, grey, widest

PICTURE = np.zeros((8, 8, 3), np.uint8)
BOX = np.array([[1.0, 2.0, 30.0, 40.0, 0.9]], np.float32)
NONE = np.zeros((68, 2), np.float32)
FACE = FittedFace(np.ones(6, np.float32), NONE[:2, 0], NONE, {"part": None}, success=True, certainty=0.9, likelihood=1.0)


@dataclass
class ScriptedModel:
    """Finds and follows faces as it is told."""

    follows: bool = True
    finds: bool = True
    calls: list[str] = field(default_factory=list)

    def follow(self, image, face):
        self.calls.append("follow" if face.success else "search")
        return replace(face, success=self.follows, certainty=0.9 if self.follows else 0.2)

    def find(self, image, box, *, several, likelihood=None):
        self.calls.append("find")
        assert several
        return replace(FACE, pose=np.full(6, len(self.calls), np.float32), parts={}, success=self.finds, certainty=0.5), self.finds


class Followed:
    """A tracker, its state, and how often its detector was asked."""

    def __init__(self, boxes=BOX):
        self.model, self.asked, self.boxes, self.state = ScriptedModel(), [], boxes, CLNFState()
        self.frame = -1
        self._tracker = CLNFTracker(self.model, self._detect)

    def _detect(self, image):
        self.asked.append(self.frame)
        return self.boxes

    def next(self, count=1):
        for _ in range(count):
            self.frame += 1
            frame, self.state = self._tracker.track(PICTURE, self.state)
        return frame


def test_a_face_that_is_followed_needs_no_detector():
    followed = Followed()
    assert followed.next().detected == 1
    frame = followed.next(20)
    assert (frame.returned, frame.detected, followed.state.failures) == (True, None, -1)
    assert followed.asked == [0]
    assert set(followed.model.calls[1:]) == {"follow"}


def test_without_a_face_the_detector_is_asked_every_12th_frame():
    followed = Followed(boxes=np.zeros((0, 5), np.float32))
    frame = followed.next(30)
    assert followed.asked == [0, 12, 24]
    assert (frame.face, frame.returned, followed.state.initialised) == (None, False, False)
    assert followed.model.calls == []


def test_a_lost_face_is_looked_for_every_second_frame_and_given_up_after_100():
    followed = Followed()
    followed.next()
    followed.model.follows, followed.boxes = False, np.zeros((0, 5), np.float32)
    followed.next(101)
    assert followed.asked == list(range(0, 103, 2))[:1] + list(range(1, 102, 2))
    assert (followed.state.failures, followed.state.initialised) == (100, True)
    followed.next()
    assert (followed.state.failures, followed.state.initialised) == (101, False)
    before = len(followed.model.calls)
    del followed.asked[:]
    followed.next(20)
    assert len(followed.model.calls) == before, "nothing is followed any more"
    # OpenFace: at failures 107 and 119.
    assert [frame - 103 + 101 for frame in followed.asked] == [107, 119]
    followed.boxes, followed.model.finds = BOX, False
    while not followed.state.initialised:
        frame = followed.next()
    assert frame.returned, "as the first one of a video"
    assert followed.next().detected is not None, "the found face failed again: the detector is asked at once"


def test_a_first_detection_counts_though_the_validator_does_not_believe_it():
    followed = Followed()
    followed.model.finds = False
    frame = followed.next()
    assert (frame.returned, frame.face.success, followed.state.failures) == (True, False, -1)
    followed.next()
    assert followed.model.calls[-1] == "search", "the next frame looks around in wide windows"


def test_a_redetection_that_fails_leaves_the_face_where_it_was():
    followed = Followed()
    pose = followed.next().face.pose
    followed.model.follows = followed.model.finds = False
    frame = followed.next()
    assert followed.model.calls[-2:] == ["follow", "find"]
    assert np.array_equal(frame.face.pose, pose)
    assert (frame.returned, frame.face.success, frame.face.certainty, frame.face.parts) == (False, False, 0.5, {})
    assert followed.state == CLNFState(frame.face, initialised=True, failures=0)
    followed.model.finds = True
    followed.next()
    assert followed.state.failures == 1, "every second failure only"
    found = followed.next()
    assert (found.returned, followed.state.failures) == (True, -1)
    assert not np.array_equal(found.face.pose, pose)


def test_the_same_state_gives_the_same_frame():
    followed = Followed()
    followed.next()
    state = followed.state
    first, second = (CLNFTracker(ScriptedModel(), lambda image: BOX).track(PICTURE, state) for _ in range(2))
    assert np.array_equal(first[0].face.landmarks, second[0].face.landmarks)
    assert state is followed.state


def test_the_widest_face_is_followed():
    boxes = np.array([[0, 0, 10, 99, 0.9], [5, 0, 20, 9, 0.8], [9, 0, 20, 50, 0.7]], np.float32)
    assert widest(boxes).tolist() == [5.0, 0.0, 20.0, 9.0]


def test_grey_is_contiguous():
    assert grey(np.zeros((5, 7, 3), np.uint8)).shape == (5, 7)


@pytest.fixture
def model(shared_file):
    shared_file(clnf_cases.MODELS)
    return replace(clnf_cases.clnf(shared_file("weights").parent), validator=lambda *_: 0.9)


def _frames():
    random = np.random.default_rng(0)
    return {
        "black": np.zeros((120, 160, 3), np.uint8),
        "white": np.full((120, 160, 3), 255, np.uint8),
        "noise": random.integers(0, 256, (120, 160, 3), dtype=np.uint8),
        "one pixel": np.full((1, 1, 3), 90, np.uint8),
        "a line": random.integers(0, 256, (1, 400, 3), dtype=np.uint8),
    }


@pytest.mark.truth
@pytest.mark.parametrize("kind", list(_frames()))
@pytest.mark.parametrize("box", [(40.0, 30.0, 70.0, 70.0), (-900.0, 5e5, 200.0, 300.0), (10.0, 10.0, 0.0, 0.0), (3.0, 3.0, 1e5, 1e5)])
def test_no_picture_gives_what_is_no_number(model, kind, box):
    boxes, state = np.array([box], np.float32), CLNFState()
    tracker = CLNFTracker(model, lambda image: boxes)
    for _ in range(3):
        frame, state = tracker.track(_frames()[kind], state)
        for values in (frame.face.pose, frame.face.local, frame.face.landmarks, *(part.landmarks for part in frame.face.parts.values())):
            assert np.isfinite(values).all()
    assert frame.face.success == (frame.face.certainty > 0.725)


@pytest.mark.truth
def test_a_face_that_is_too_small_is_none(model):
    tracker = CLNFTracker(replace(model, validator=clnf_cases.never), lambda image: np.array([[80.0, 60.0, 12.0, 12.0]], np.float32))
    frame, state = tracker.track(_frames()["noise"], CLNFState())
    assert (frame.returned, frame.face.success, frame.face.certainty) == (True, False, 0.0), "the validator is not asked"
    assert not any(part.fitted for part in frame.face.parts.values())
    assert (state.initialised, state.failures) == (True, -1)


@pytest.mark.truth
@pytest.mark.parametrize("spoiled", [np.nan, np.inf, 1e30])
def test_a_pose_of_no_numbers_fails_and_is_replaced_by_the_next_detection(model, spoiled):
    tracker = CLNFTracker(model, lambda image: np.array([[40.0, 30.0, 70.0, 70.0]], np.float32))
    frame, state = tracker.track(_frames()["noise"], CLNFState())
    pose = frame.face.pose.copy()
    pose[4] = spoiled
    frame, state = tracker.track(_frames()["noise"], replace(state, face=replace(frame.face, pose=pose)))
    assert frame.detected == 1
    assert np.isfinite(frame.face.landmarks).all()
    assert state.failures == -1


@pytest.mark.truth
def test_in_the_wild_the_windows_are_wider(shared_file, model):
    wild = replace(clnf_cases.clnf(shared_file("weights").parent, WILD), validator=lambda *_: 0.9)
    picture = grey(_frames()["noise"])
    face, _ = wild.find(picture, np.array([40.0, 30.0, 70.0, 70.0], np.float32), several=False)
    other, _ = model.find(picture, np.array([40.0, 30.0, 70.0, 70.0], np.float32), several=False)
    assert np.isfinite(face.landmarks).all()
    assert not np.array_equal(face.landmarks, other.landmarks)
