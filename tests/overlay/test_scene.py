"""What an overlay says of a frame."""

from __future__ import annotations

import numpy as np
import pytest
from overlay_frames import failed, frame, measured, nothing, values

from face_mirror_au.overlay.scene import HALVES, PROVISIONAL, SHOWN_AUS, SIDES, WHOLE, Part, scene_of
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.records import INTENSITY_AUS, View
from face_mirror_weights import Store

ALL = (measured(), measured(View.LEFT_MIRRORED), measured(View.RIGHT_MIRRORED))


def found(scene):
    return {bars.part: dict(bars.values) for bars in scene.bars}


def test_bars_are_those_of_the_mirrored_views_where_there_are_any():
    sides = np.full((2, 17), 4.0)
    scene = scene_of(
        frame(*ALL),
        {View.ORIGINAL: values(sides, AU12=1.0), View.LEFT_MIRRORED: values(AU12=2.5), View.RIGHT_MIRRORED: values(AU12=0.25)},
    )
    assert found(scene)[Part.LEFT]["AU12"] == 2.5
    assert found(scene)[Part.RIGHT]["AU12"] == 0.25
    assert scene.origin == HALVES


def test_without_mirrored_views_bars_are_the_sides_of_the_original():
    sides = np.zeros((2, 17))
    sides[0, INTENSITY_AUS.index("AU45")] = 3.0
    sides[:, INTENSITY_AUS.index("AU07")] = np.nan
    scene = scene_of(frame(measured()), {View.ORIGINAL: values(sides, AU45=1.5)})
    assert (found(scene)[Part.LEFT]["AU45"], found(scene)[Part.RIGHT]["AU45"]) == (3.0, 0.0)
    assert "AU07" not in found(scene)[Part.LEFT], "what the AU models do not measure takes no line"
    assert scene.origin == SIDES


def test_without_either_bars_are_the_whole_face_and_say_so():
    scene = scene_of(frame(measured()), {View.ORIGINAL: values(AU06=1.5)})
    assert found(scene)[Part.WHOLE]["AU06"] == 1.5
    assert scene.origin == WHOLE
    assert list(found(scene)[Part.WHOLE]) == list(SHOWN_AUS)


def test_values_are_called_provisional():
    assert "PROVISIONAL" in scene_of(frame(measured()), {View.ORIGINAL: values()}).heading == PROVISIONAL


def test_a_failed_frame_says_why_and_has_no_values_even_where_some_lie_about():
    scene = scene_of(frame(failed(reason="no face\nfound")), {View.ORIGINAL: values(AU12=3.0)})
    assert scene.failed == "no face found"
    assert scene.bars == ()
    assert scene.angles == ""


def test_a_side_that_was_not_measured_keeps_its_place_without_values():
    scene = scene_of(
        frame(measured(), measured(View.LEFT_MIRRORED), failed(View.RIGHT_MIRRORED)),
        {View.ORIGINAL: values(), View.LEFT_MIRRORED: values(AU12=1.0), View.RIGHT_MIRRORED: nothing()},
    )
    left, right = scene.bars
    assert left.measured
    assert not right.measured
    assert len(left.values) == len(right.values)


@pytest.mark.parametrize(("yaw", "said"), [(4.9, ""), (-4.9, ""), (12.0, "right"), (-12.0, "left")])
def test_a_head_turned_too_far_is_told_with_its_side(yaw, said):
    scene = scene_of(frame(measured(angles_deg=(3.0, yaw, -2.0))), {View.ORIGINAL: values()})
    assert scene.turned == (f"Head turned 12.0° to the subject's {said}: sides not comparable" if said else "")
    assert scene.angles == f"yaw {yaw:+.0f}°  pitch +3°  roll -2°"


def test_positive_yaw_is_a_turn_to_the_subjects_right(shared_file):
    """The nose of a face model that is turned so goes to the left of the picture, where the subject's right is."""
    from face_mirror_au.numerics.head_pose import Camera, estimate_head_pose
    from face_mirror_au.numerics.pdm import rotation_from_euler

    pdm = plan_models(Store([shared_file("weights")]), "open").load_pdm()
    local = np.zeros(pdm.n_modes)
    turn = np.array([0.0, np.radians(15.0), 0.0])
    shape = rotation_from_euler(turn) @ pdm.shape(local)
    camera = Camera.for_size(640, 480)
    points = (shape[:2] + np.array([[320.0], [240.0]])).T
    assert points[30, 0] < points[[0, 16], 0].mean() - 10
    pose = estimate_head_pose(pdm, points, np.array([1.0, *turn, 320.0, 240.0]), local, camera)
    assert np.degrees(pose[4]) == pytest.approx(15.0, abs=2.0)
    assert "subject's right" in scene_of(frame(measured(angles_deg=np.degrees(pose[3:]))), {}).turned
