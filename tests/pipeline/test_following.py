"""Profile openface in the frame loop: what a lost face leaves, mirrored views, what is refused."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from face_mirror_au import AUPipeline
from face_mirror_au.errors import PluginProblemError, UsageError, WeightsError
from face_mirror_au.integrations.host_runner import HostRunner
from face_mirror_au.pipeline.clnf_tracker import CLNFState
from face_mirror_au.pipeline.following import NOT_BELIEVED, FollowingProcessor
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.pipeline.openface_landmarks import OpenFaceLandmarks
from face_mirror_au.pipeline.own_descriptor import descriptor_of
from face_mirror_au.pipeline.signals import GAZE, HEAD_POSE, LANDMARKS, SHAPE
from face_mirror_au.pipeline.track import NO_FACE, TrackState
from face_mirror_au.pipeline.views import REFLECT, MirrorSettings
from face_mirror_au.records import Frame, View
from face_mirror_au.run.placing import place
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings
from face_mirror_hooks import hookimpl
from face_mirror_weights import Store


@pytest.fixture(scope="module")
def plan(shared_file):
    return plan_models(Store([shared_file("weights")]), "openface")


@pytest.fixture(scope="module")
def landmarks(plan):
    return plan.load_follower()


@pytest.fixture(scope="module")
def pictures(shared_file):
    video = cv2.VideoCapture(str(shared_file("media/default.wmv")))
    return [video.read()[1] for _ in range(6)]


def followed(landmarks, describer, pictures, views=(View.ORIGINAL,)):
    def describe(frame, face, view):
        return {"action-units": describer.describe(frame.image, face.landmarks, view=view)}

    processor = FollowingProcessor(landmarks, "clnf", "mtcnn", describe, views)
    frames = (Frame(index, index / 15, image) for index, image in enumerate(pictures))
    return processor.process_chunk(frames, TrackState()).results


def test_a_frame_that_fails_keeps_openfaces_confidence_and_landmarks(plan, landmarks, pictures):
    black = np.zeros_like(pictures[0])
    results = followed(landmarks, plan.load_describer(), [black, *[black] * 11, *pictures[:2], black])
    (first,), (found,), (lost,) = (results[index].views for index in (0, 12, 14))
    assert (first.success, first.face, first.confidence, first.reason) == (False, None, 0.0, NO_FACE)
    assert found.success
    assert found.confidence == pytest.approx(0.9833, abs=1e-4)
    assert (found.face.source, found.face.detector) == ("clnf", "mtcnn")
    assert results[13].views[0].face.detector == "", "followed, not detected"
    assert (lost.success, lost.reason) == (False, NOT_BELIEVED)
    assert lost.confidence < 0.725
    assert descriptor_of(lost) is None
    assert LANDMARKS.value(lost).shape == (68, 2)
    assert HEAD_POSE.value(lost).shape == (6,)
    assert GAZE.value(lost) is None, "OpenFace has no gaze of a face that it does not believe"


def test_tables_get_the_shape_that_was_followed_and_action_units_the_one_of_its_landmarks(plan, landmarks, pictures):
    (result,) = followed(landmarks, plan.load_describer(), pictures[:1])[0].views
    of_landmarks = descriptor_of(result).geometry[-34:]
    assert not np.allclose(SHAPE.value(result), of_landmarks, atol=0.01)
    assert descriptor_of(result).signals == {}, "nothing that OpenFace does not have"


def test_each_mirrored_view_is_followed_as_a_video_of_its_own(plan, landmarks, pictures):
    views = tuple(View)
    results = followed(landmarks, plan.load_describer(), pictures, views)
    for view in views:
        found = [result.view(view) for result in results]
        assert all(each.success for each in found)
        assert [each.face.detector for each in found] == ["mtcnn", *[""] * 5], "detected once, then followed"
    original, left = (results[3].view(view).face.landmarks for view in views[:2])
    assert not np.array_equal(original, left)


def test_three_views_of_a_run_that_starts_without_a_face(plan, landmarks, pictures):
    result = followed(landmarks, plan.load_describer(), [np.zeros_like(pictures[0])], tuple(View))[0]
    assert [each.reason for each in result.views] == [NO_FACE] * 3


def test_the_state_says_nothing_of_other_profiles():
    assert TrackState().followed == {}
    assert CLNFState().face is None


def test_auto_never_takes_it(shared_file, monkeypatch):
    store, find = Store([shared_file("weights")]), Store.find
    gone = set()
    monkeypatch.setattr(Store, "find", lambda self, key: None if key in gone else find(self, key))
    assert plan_models(store).profile == "hybrid"
    gone.add("attention_mesh")
    assert plan_models(store).profile == "openface-pfld"
    gone.add("pfld")
    with pytest.raises(WeightsError, match="no model set is complete"):
        plan_models(store)
    assert plan_models(store, "openface").profile == "openface", "all of its files are here"


def test_ce_clm_serves_where_its_files_are(shared_file, monkeypatch):
    store = Store([shared_file("weights")])
    assert plan_models(store, "openface").landmarks[0] == "clnf"
    has_set, set_sha256 = Store.has_set, Store.set_sha256
    monkeypatch.setattr(Store, "has_set", lambda self, name: name == "openface-ceclm" or has_set(self, name))
    monkeypatch.setattr(Store, "require_set", lambda *_: None)
    monkeypatch.setattr(Store, "set_sha256", lambda self, name: "00" if name == "openface-ceclm" else set_sha256(self, name))
    plan = plan_models(store, "openface")
    assert (plan.landmarks[0], plan.landmarks[1].name) == ("ceclm", "main_ceclm_general.txt")
    assert set(plan.hashes) == {"openface-landmarks", "openface-ceclm", "openface-au"}
    opened = []
    monkeypatch.setattr(OpenFaceLandmarks, "read", lambda _, file_list: opened.append(file_list))
    plan.load_follower()
    assert opened == ["main_ceclm_general.txt"]


class Finder:
    """A plugin that would find landmarks."""

    @hookimpl
    def locate_landmarks(self, frame, view, near):
        return None


def test_what_would_be_without_effect_is_refused(plan):
    with pytest.raises(PluginProblemError, match=r"plugin Finder has locate_landmarks, which profile openface asks nobody"):
        VideoRunner(plan, RunSettings(), plugins=[Finder()])
    with pytest.raises(UsageError, match="not for OpenFace's CLNF, which follows each mirrored view"):
        VideoRunner(plan, RunSettings(mirror=MirrorSettings(redetect=True)))
    with pytest.raises(UsageError, match="not for OpenFace's CLNF, which pulls faces towards symmetry"):
        VideoRunner(plan, RunSettings(mirror=MirrorSettings(REFLECT)))
    with pytest.raises(UsageError, match="here the application does"):
        HostRunner(plan, RunSettings(workers=1))


def test_no_device_is_tried_for_it(plan):
    placed = place(plan, "auto")
    assert (placed.plan, placed.must_start, placed.messages) == (plan, None, ())
    assert place(plan, "cuda").messages == ("device cuda: OpenFace's CLNF and its detector run on the CPU",)
    assert replace(plan, devices={}).follower.title == "OpenFace's CLNF"


def test_frames_one_by_one_are_followed(shared_file, pictures):
    with AUPipeline("openface", weights_dir=shared_file("weights")) as pipeline:
        first, second = (pipeline.process_frame(image) for image in pictures[:2])
        assert (first.views[0].face.detector, second.views[0].face.detector) == ("mtcnn", "")
        pipeline.reset()
        assert pipeline.process_frame(pictures[0]).views[0].face.detector == "mtcnn"


def test_an_image_with_mirrored_views_is_one_face(shared_file, tmp_path):
    with AUPipeline("openface", weights_dir=shared_file("weights"), views=("original", "left", "right")) as pipeline:
        result = pipeline.measure(shared_file("media/sample2.jpg"), tmp_path)
    one = [table["confidence"].tolist() for table in result.tables.values()]
    assert [len(each) for each in one] == [1, 1, 1]
    assert one[0] == [pytest.approx(0.8833, abs=1e-4)], "of three, the one that the detector is surest of"


def test_the_columns_are_there_where_no_frame_has_a_face(shared_file, tmp_path):
    image = tmp_path / "wall.png"
    cv2.imwrite(str(image), np.full((120, 120, 3), 90, np.uint8))
    with AUPipeline("openface", weights_dir=shared_file("weights")) as pipeline:
        table = pipeline.process_video(image)
    assert len(table) == 1
    assert {"gaze_0_x", "eye_lmk_Z_55", "p_33"} <= set(table.columns)
    assert table["gaze_0_x"].isna().all()
