"""Which face is followed, and when it is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from face_mirror_au.errors import UsageError
from face_mirror_au.loop.frames import process_frames
from face_mirror_au.media.video import open_source
from face_mirror_au.models.openface_files import read_pdm, read_triangles
from face_mirror_au.numerics.pose import PoseFitter
from face_mirror_au.pipeline.confidence import landmark_confidence
from face_mirror_au.pipeline.describer import FaceDescriber
from face_mirror_au.pipeline.finder import ModelFinder
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.pipeline.own_descriptor import AU_PLUGIN, descriptor_of
from face_mirror_au.pipeline.process import ChunkResult, FrameProcessor
from face_mirror_au.pipeline.track import BAD_LANDMARKS, FaceTracker, Tracked, TrackState, choose_face, same_start
from face_mirror_au.records import Detection, Frame, Located, View
from face_mirror_hooks.records import FrameResult
from face_mirror_weights import Store, open_models

CLIPS = Path(__file__).resolve().parents[1] / "clips"


def detection(x, side, score=0.9):
    return Detection(
        np.array([x - side / 2, 100 - side / 2, x + side / 2, 100 + side / 2], np.float32), score, np.zeros((0, 2), np.float32)
    )


def state_at(x, side, **flags):
    corners = np.array([[x - side / 2, 100 - side / 2], [x + side / 2, 100 + side / 2]], np.float32)
    return TrackState(Located(np.repeat(corners, 34, axis=0), 1.0), **flags)


def choose(state, *faces):
    return choose_face([detection(*face) for face in faces], state)


def test_the_largest_face_at_the_start():
    assert choose(TrackState(), (50, 40), (200, 90), (400, 60)) == 1
    assert choose(TrackState()) is None


def test_later_the_one_that_overlaps_however_large_another_is():
    state = state_at(200, 90, lost=False)
    assert choose(state, (500, 300), (215, 85)) == 1


def test_alone_it_may_return_anywhere():
    state = state_at(200, 90, lost=True, crowd=False)
    assert choose(state, (600, 60)) == 0


@pytest.mark.parametrize(("x", "side", "found"), [(290, 80, True), (330, 80, False), (290, 45, False)])
def test_where_others_are_about_it_must_return_near_and_alike(x, side, found):
    state = state_at(200, 90, lost=True, crowd=True)
    assert (choose(state, (x, side)) == 0) is found


def test_confidence_grows_with_the_score_and_falls_with_the_error():
    pdm = read_pdm(open_models.PDM, name="open")
    random = np.random.default_rng(7)
    clean = pdm.project(np.array([2.0, 0.0, 0.0, 0.0, 300.0, 200.0]), np.zeros(pdm.n_modes))
    fitter = PoseFitter(pdm)

    def confidence(model, noise, score=0.99, scale=1.0):
        points = scale * (clean + noise)
        return landmark_confidence(model, fitter, Located(points.astype(np.float32), score), fitter.fit(points))

    noises = [random.normal(scale=scale, size=clean.shape) for scale in (1.0, 6.0, 20.0)]
    for model in ("pfld", "attention_mesh"):
        good, fair, bad = (confidence(model, noise) for noise in noises)
        assert 1.0 >= good > fair > bad >= 0.0
        assert confidence(model, noises[0], score=0.0) < 0.15 < confidence(model, noises[0])
    assert bad < 0.01
    sizes = [confidence("attention_mesh", noises[1], scale=scale) for scale in (0.15, 1.0, 3.0)]
    assert np.ptp(sizes) < 0.01, "a small face is as sure as a large one"


def test_landmarks_that_fit_no_face_are_looked_for_in_squares_of_other_sizes():
    pdm = read_pdm(open_models.PDM, name="open")
    right = (pdm.mean[:2].T + 200.0).astype(np.float32)
    wrong = (200.0 + 60.0 * np.random.default_rng(1).normal(size=right.shape)).astype(np.float32)

    class OnlyInALargerSquare:
        """Finds the face where the detector's box was made larger, and keeps to what it found."""

        widths: ClassVar[list[float]] = []

        def detect(self, frame):
            return [Detection(np.array([150, 150, 250, 250], np.float32), 0.99, np.zeros((0, 2), np.float32))]

        def locate(self, frame, view, near):
            if isinstance(near, Located):
                return near, "attention_mesh"
            self.widths.append(float(near.box[2] - near.box[0]))
            return Located(right if self.widths[-1] > 110 else wrong, 1.0), "attention_mesh"

    finder = OnlyInALargerSquare()
    tracked, state = FaceTracker(finder, PoseFitter(pdm)).track(Frame(0, 0.0, np.zeros((400, 400, 3), np.uint8)), TrackState())
    assert isinstance(tracked, Tracked)
    assert not state.lost
    assert finder.widths == [100.0, 130.0]
    # OpenFace's PDM: what failed always fails.
    refused, _ = FaceTracker(finder, PoseFitter(replace(pdm, name="openface"))).track(
        Frame(0, 0.0, np.zeros((400, 400, 3), np.uint8)), TrackState()
    )
    assert refused == BAD_LANDMARKS
    assert finder.widths[2:] == [100.0]


@pytest.fixture(scope="module", params=["openface-pfld", "hybrid"])
def processor(request, shared_file):
    shared_file("weights")
    plan = plan_models(Store([shared_file("weights")]), request.param)
    describer = plan.load_describer()
    tracker = FaceTracker(ModelFinder(plan.load_detector(), plan.load_landmark_model()), describer.pose_fitter)
    return FrameProcessor(tracker, lambda frame, face, view: {AU_PLUGIN: describer.describe(frame.image, face.landmarks, mesh=face.mesh)})


@pytest.fixture(scope="module")
def two_faces():
    with open_source(CLIPS / "two_faces.mp4") as source:
        frames = list(source)
    return frames, np.load(CLIPS / "two_faces.npz")["landmarks"]


def test_does_not_flip_when_a_second_face_grows_larger_and_passes(processor, two_faces):
    frames, truth = two_faces
    widths = np.ptp(truth[..., 0], axis=2)
    assert widths[-1, 1] > 1.3 * widths[-1, 0], "the clip must have a second face that ends larger"
    records = list(process_frames(frames, processor, detect_every=10))
    assert all(record.views[0].face is not None for record in records)
    assert records[-1].crowd
    points = np.array([record.views[0].face.landmarks for record in records])
    eyes = np.linalg.norm(truth[:, 0, 36] - truth[:, 0, 45], axis=1)
    distance = np.linalg.norm(points - truth[:, 0], axis=2).mean(axis=1) / eyes
    assert distance.max() < 0.08
    # Chunk starts: the frame with a fresh detection joins the tracked ones without a step.
    steps = np.linalg.norm(np.diff(points, axis=0), axis=2).mean(axis=1) / eyes[1:]
    at_start = np.arange(1, len(points)) % 10 == 0
    assert np.median(steps[at_start]) <= 1.5 * np.median(steps[~at_start])


def test_a_face_that_goes_is_lost_at_once_and_found_again(processor, two_faces):
    frames, _ = two_faces
    empty = np.full_like(frames[0].image, 90)
    pictures = [frames[0].image] * 4 + [empty] * 5 + [frames[1].image] * 4
    records = list(process_frames([Frame(i, i / 30, picture) for i, picture in enumerate(pictures)], processor, detect_every=30))
    assert [record.views[0].face is not None for record in records] == [True] * 4 + [False] * 5 + [True] * 4
    assert {record.views[0].reason for record in records[4:9]} == {"no face found"}
    assert not any(record.error for record in records), "a frame without a face is no error"
    assert all(record.views[0].confidence == 0.0 for record in records[4:9])


def test_a_damaged_picture_fails_with_its_reason_and_does_not_end_the_track(processor, two_faces):
    frames, _ = two_faces
    pictures = [frames[0], Frame(1, 0.1, np.zeros((1, 1, 3), np.uint8), problem="damaged"), frames[2]]
    records = list(process_frames(pictures, processor, detect_every=30))
    assert [record.views[0].reason for record in records] == ["", "damaged", ""]


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (4320, 7680)], ids=["1x1", "2x3", "8K"])
def test_any_size_of_frame(processor, size):
    (record,) = process_frames([Frame(0, 0.0, np.zeros((*size, 3), np.uint8))], processor, detect_every=30)
    assert record.views[0].face is None
    assert record.views[0].reason == "no face found"


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((10, 10), np.uint8), "shape"),
        (np.zeros((10, 10, 4), np.uint8), "shape"),
        (np.zeros((10, 10, 3), np.float32), "uint8"),
        (np.zeros((0, 10, 3), np.uint8), "empty"),
        ([[1]], "NumPy"),
    ],
    ids=["grey", "4 channels", "float", "empty", "list"],
)
def test_a_wrong_frame_fails_that_frame_only(processor, two_faces, image, message):
    frames, _ = two_faces
    records = list(process_frames([frames[0], Frame(1, 0.1, image), frames[1]], processor, detect_every=30))
    assert message in records[1].views[0].reason
    assert [bool(record.error) for record in records] == [False, True, False]
    assert records[2].views[0].face is not None


def test_a_frame_of_another_memory_order_gives_the_same_numbers(processor, two_faces):
    frames, _ = two_faces
    strided = np.asfortranarray(frames[0].image)
    first, second = (next(iter(process_frames([Frame(0, 0.0, image)], processor, detect_every=30))) for image in (frames[0].image, strided))
    assert np.array_equal(descriptor_of(first.views[0]).hog, descriptor_of(second.views[0]).hog)
    assert np.array_equal(first.views[0].face.landmarks, second.views[0].face.landmarks)


class _Failing:
    def detect(self, frame):
        return [detection(100, 80)]

    def locate(self, frame, view, near):
        return Located(np.full((68, 2), 7.0, np.float32), 1.0), "failing"


def test_landmarks_that_form_no_face_are_a_failure():
    describer = FaceDescriber(read_pdm(open_models.PDM), read_triangles(open_models.TRIANGLES))
    processor = FrameProcessor(FaceTracker(_Failing(), describer.pose_fitter), lambda frame, face, view: {})
    (record,) = process_frames([Frame(0, 0.0, np.zeros((200, 200, 3), np.uint8))], processor, detect_every=30)
    assert record.views[0].reason == "the landmarks do not fit a face"


def test_unknown_profile(shared_file):
    with pytest.raises(UsageError, match="unknown profile 'best'"):
        plan_models(Store([]), "best")


def test_a_chunk_begun_with_an_assumed_state_holds_when_it_would_choose_the_same_face():
    two = [detection(200, 90), detection(400, 90)]
    at_first, moved, at_second = (state_at(x, 90, lost=False, crowd=True) for x in (200, 215, 395))
    assert same_start(two, at_first, moved), "the same face is chosen"
    assert not same_start(two, at_first, at_second), "another face would be chosen"
    assert not same_start(two, at_first, state_at(200, 90, lost=True, crowd=True)), "other thresholds apply after a loss"
    assert not same_start(two, at_first, state_at(200, 90, lost=False, crowd=False))


def test_a_chunk_without_a_face_at_its_start_holds_only_from_the_same_place():
    at_first, moved = (state_at(x, 90, lost=False) for x in (200, 215))
    empty = FrameResult.without_face(Frame(0, 0.0, np.zeros((1, 1, 3), np.uint8)), (View.ORIGINAL,), "no face found")
    result = ChunkResult((empty,), at_first, at_first, ())
    assert result.holds_from(at_first)
    assert not result.holds_from(moved), "the place is carried on to later frames"


def test_chunks_begun_with_a_guess_and_verified_give_what_one_after_the_other_gives(processor, two_faces):
    frames, _ = two_faces
    in_order = list(process_frames(frames[:60], processor, detect_every=15))
    guess, state, records, redone = TrackState(), TrackState(), [], 0
    for start in range(0, 60, 15):
        result = processor.process_chunk(frames[start : start + 15], guess)
        if not result.holds_from(state):
            result, redone = processor.process_chunk(frames[start : start + 15], state), redone + 1
        records.extend(result.results)
        guess, state = state, result.end  # the guess is always one chunk old
    assert redone < 3, "else guessing is of no use"
    for one, other in zip(in_order, records, strict=True):
        assert np.array_equal(descriptor_of(one.views[0]).hog, descriptor_of(other.views[0]).hog)
        assert np.array_equal(descriptor_of(one.views[0]).pose, descriptor_of(other.views[0]).pose)
