"""Mirrored views: which half is kept, how symmetric the picture is, and where points and squares go."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from face_mirror_au.errors import LandmarksError
from face_mirror_au.models.attention_mesh import AttentionMesh
from face_mirror_au.models.pixels import crop_square
from face_mirror_au.numerics.reflection import (
    BLEND,
    LEFT_POINTS,
    RIGHT_POINTS,
    Midline,
    Mirror,
    Part,
    join_halves,
    midline_of_landmarks,
    mirror_views,
    reflect_landmarks,
    reflect_points,
)
from face_mirror_au.records import Located, Region, View
from training.render.clips import EXPRESSIONS
from training.render.ict import FaceModel
from training.render.renderer import Pose, Scene, Studio, moved, render

SharedFile = Callable[[str], Path]
ORIGINAL, LEFT, RIGHT = View.ORIGINAL, View.LEFT_MIRRORED, View.RIGHT_MIRRORED
RIGHT_CORNER, LEFT_CORNER, NOSE = 48, 54, 33


def leaning(degrees: float, x: float = 50.0, y: float = 40.0, length: float = 100.0) -> Midline:
    """A midline that leans by an angle clockwise in the picture: the roll of its face."""
    angle = np.radians(degrees)
    return Midline(x, y, float(-np.sin(angle)), float(np.cos(angle)), length)


def noise(height: int = 90, width: int = 121):
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(height: int = 240, width: int = 320):
    """A picture whose bilinear samples are nearly exact, every place another colour."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 / width, y * 255 / height, 127 + 120 * np.sin(x / 40.0) * np.cos(y / 50.0)], axis=-1).astype(np.uint8)


@pytest.fixture(scope="module")
def studio(shared_file: SharedFile) -> Studio:
    return Studio(FaceModel.load(shared_file("faces3d/ict.npz")))


@pytest.fixture(scope="module")
def rendered(studio: Studio):
    """Call it with an expression and a roll: returns a picture of the mean person and its true landmarks."""
    from training.render.appearance import Appearance

    person = studio.subject(studio.model.identity(), Appearance())

    def picture(expression: str, roll: float = 0.0):
        subject = moved(person, studio.model.vertices(None, EXPRESSIONS[expression]), Pose(roll=roll, distance=55))
        image, (landmarks,) = render(Scene([subject]), (400, 400))
        return image, landmarks

    return picture


def test_the_midline_goes_from_the_glabella_to_the_chin():
    landmarks = np.zeros((68, 2), np.float32)
    landmarks[21], landmarks[22], landmarks[8] = (90, 48), (110, 52), (130, 90)
    midline = midline_of_landmarks(landmarks)
    assert (midline.x, midline.y, midline.down_x, midline.down_y, midline.length) == pytest.approx((100, 50, 0.6, 0.8, 50))


@pytest.mark.parametrize("chin", [(100, 50), (np.nan, 90), (np.inf, 90)])
def test_a_face_without_a_midline_is_refused(chin):
    landmarks = np.zeros((68, 2), np.float32)
    landmarks[21], landmarks[22], landmarks[8] = (90, 48), (110, 52), chin
    with pytest.raises(LandmarksError, match="no midline"):
        midline_of_landmarks(landmarks)


def test_left_of_the_midline_is_the_subjects_left():
    midline = leaning(0)
    assert midline.to_left(np.array([[60.0, 0.0], [50.0, 9.0], [47.0, 40.0]])) == pytest.approx([10, 0, -3])
    # The subject's left is also the right of the picture for a head that lies on its side, seen from its own upright.
    assert leaning(90).to_left(np.array([50.0, 60.0])) == pytest.approx(20)


@pytest.mark.parametrize("degrees", [0, 10, -25, 80, 170])
def test_roll_is_that_of_the_axis_to_the_left(degrees):
    midline = leaning(degrees)
    assert midline.roll == pytest.approx(np.radians(degrees))
    axis = np.array([np.cos(midline.roll), np.sin(midline.roll)])
    assert midline.to_left(np.array([50.0, 40.0]) + 7 * axis) == pytest.approx(7)


@pytest.mark.parametrize("degrees", [0, 7, -40, 90, 130])
def test_one_red_half_gives_a_red_and_a_black_picture(degrees):
    midline = leaning(degrees, 80, 60, 90)
    y, x = np.mgrid[:121, :161].astype(float)
    side = midline.to_left(np.stack([x, y], axis=-1))
    picture = np.zeros((121, 161, 3), np.uint8)
    picture[side > 0] = (0, 0, 255)
    views = mirror_views(picture, midline, (LEFT, RIGHT))
    there = reflect_points(np.stack([x.ravel(), y.ravel()], axis=-1), midline).reshape(121, 161, 2)
    has_source = ((there > 1) & (there < (159, 119))).all(axis=-1)
    clear = (np.abs(side) > BLEND * 90 + 2) & has_source
    assert clear.sum() > 5000
    assert (views[LEFT][clear] == (0, 0, 255)).all()
    assert (views[RIGHT][clear] == 0).all()


@pytest.mark.parametrize(("column", "size"), [(60.0, 121), (59.5, 120), (47.0, 121), (70.5, 120)])
@pytest.mark.parametrize("view", [LEFT, RIGHT])
def test_a_vertical_midline_on_a_pixel_gives_exact_symmetry(column, size, view):
    picture = noise(90, size)
    mirrored = mirror_views(picture, leaning(0, column, 20, 100), (view,))[view]
    columns = np.arange(size)
    partner = (2 * column - columns).astype(int)
    there = (partner >= 0) & (partner < size)
    # In the strip of the blend too.
    assert (mirrored[:, columns[there]] == mirrored[:, partner[there]]).all()
    kept = columns > column + 2 if view is LEFT else columns < column - 2
    assert (mirrored[:, kept] == picture[:, kept]).all()
    replaced = ~kept & (np.abs(columns - column) > 2)
    assert (mirrored[:, replaced & there] == picture[:, partner[replaced & there]]).all()
    assert (mirrored[:, replaced & ~there] == 0).all()


@pytest.mark.parametrize("degrees", [0.0, 4.0, -13.0, 44.0, 46.0, 85.0, -90.0, 160.0])
def test_any_midline_gives_a_symmetric_picture(degrees):
    picture = smooth()
    midline = leaning(degrees, 161.3, 117.8, 130)
    y, x = np.mgrid[:240, :320].astype(float)
    here = np.stack([x.ravel(), y.ravel()], axis=-1)
    there = reflect_points(here, midline)
    # At the frame's edge, and where its reflection is, colours run into black.
    inside = np.all([(places >= 2) & (places <= (317, 237)) for places in (here, there)], axis=(0, 2))
    assert inside.sum() > 20_000
    for view, mirrored in mirror_views(picture, midline, (LEFT, RIGHT)).items():
        # One square of one pixel: an independent sampling at the reflected places.
        sampled = np.array([crop_square(mirrored, Region(px, py, 1.0), 1)[0, 0] for px, py in there[inside][::97]])
        values = mirrored.reshape(-1, 3)[inside][::97]
        assert np.abs(sampled.astype(int) - values).max() <= 3, view
        kept = np.abs(midline.to_left(here)) > BLEND * 130 + 1
        kept &= (midline.to_left(here) > 0) == (view is LEFT)
        assert (mirrored.reshape(-1, 3)[kept] == picture.reshape(-1, 3)[kept]).all()


def test_the_blend_leaves_no_step_and_is_short():
    picture = np.zeros((100, 200, 3), np.uint8)
    picture[:, 100:] = 200  # the worst case: the two halves differ in everything
    left = mirror_views(picture, leaning(0, 99.5, 10, 200), (LEFT,))[LEFT][50, :, 0].astype(int)
    reach = BLEND * 200
    outside = np.abs(np.arange(200) - 99.5) > reach
    assert (left[outside & (np.arange(200) > 0)] == 200).all()
    assert left[98:102].tolist() == [138, 113, 113, 138]


@pytest.mark.parametrize("degrees", [0, 20, 44])
def test_a_head_that_lies_on_its_side_is_mirrored_as_an_upright_one(degrees):
    picture, midline = noise(100, 100), leaning(degrees, 47.0, 52.0)
    # A quarter turn clockwise takes (x, y) to (99 - y, x).
    turned = Midline(99.0 - midline.y, midline.x, -midline.down_y, midline.down_x, midline.length)
    upright = mirror_views(picture, midline, (LEFT, RIGHT))
    lying = mirror_views(np.ascontiguousarray(np.rot90(picture, -1)), turned, (LEFT, RIGHT))
    for view in (LEFT, RIGHT):
        # One grey level and seldom more: OpenCV places samples to 1/32 of a pixel.
        difference = np.abs(np.rot90(lying[view]).astype(int) - upright[view])
        assert np.percentile(difference, 99) <= 5, view
        assert difference.max() <= 20, view


def test_views_come_as_asked_and_the_frame_is_untouched():
    picture = noise()
    before = picture.copy()
    views = mirror_views(picture, leaning(5), (RIGHT, ORIGINAL, LEFT))
    assert list(views) == [RIGHT, ORIGINAL, LEFT]
    assert views[ORIGINAL] is picture
    assert (picture == before).all()
    for view in (LEFT, RIGHT):
        assert views[view].shape == picture.shape
        assert views[view].dtype == np.uint8
        assert views[view].flags.c_contiguous
        assert (mirror_views(picture, leaning(5), (view,))[view] == views[view]).all()
    assert mirror_views(picture, leaning(5), ()) == {}


@pytest.mark.parametrize(("x", "left_is_black"), [(-400.0, False), (900.0, True)])
def test_a_midline_outside_the_frame(x, left_is_black):
    picture = noise()
    views = mirror_views(picture, leaning(0, x), (LEFT, RIGHT))
    empty, whole = (LEFT, RIGHT) if left_is_black else (RIGHT, LEFT)
    assert not views[empty].any()
    assert (views[whole] == picture).all()


def test_the_kept_halves_make_the_frame_again():
    image = np.random.default_rng(3).integers(0, 256, (80, 100, 3), dtype=np.uint8)
    midline = leaning(12.0)
    views = mirror_views(image, midline, (LEFT, RIGHT))
    joined = join_halves(views[LEFT], views[RIGHT], midline)
    rows, columns = np.mgrid[:80, :100]
    away = np.abs(midline.to_left(np.stack([columns, rows], axis=-1).astype(float))) > 2 * BLEND * midline.length
    assert (joined == image)[away].all()
    assert (join_halves(views[RIGHT], views[LEFT], midline) != image)[away].any(), "the other halves do not"


@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_part_is_that_of_the_whole_picture_and_black_beside_it(channels):
    image = np.random.default_rng(5).integers(0, 256, (90, 121, *channels), dtype=np.uint8)
    mirror = Mirror(black=16)
    for degrees, part in ((4.0, Part(10, 5, 100, 80)), (-9.0, Part(30, 20, 121, 90)), (3.0, Part(0, 0, 0, 0))):
        line = leaning(degrees, 61.3, 30.2)
        whole, found = Mirror(black=16).views(image, line, (LEFT, RIGHT)), mirror.views(image, line, (LEFT, RIGHT), part)
        for view in (LEFT, RIGHT):
            # OpenCV places samples to 1/32 of a pixel, counted from where the part begins: seldom one step apart, on noise as much as 20.
            difference = np.abs(part.of(found[view]).astype(int) - part.of(whole[view]))
            assert not difference.size or (np.percentile(difference, 95) <= 10 and difference.mean() < 1.5), (view, difference.mean())
            beside = found[view].copy()
            part.of(beside)[:] = 16
            assert (beside == 16).all()


def test_memory_that_is_kept_holds_nothing_of_the_frame_before():
    mirror, random = Mirror(), np.random.default_rng(6)
    for shape, degrees in (((80, 100, 3), 5.0), ((80, 100, 3), -12.0), ((60, 70, 3), 0.0), ((60, 70), 8.0)):
        image = random.integers(0, 256, shape, dtype=np.uint8)
        for views in ((LEFT, RIGHT), (RIGHT,), (ORIGINAL, LEFT)):
            found, anew = mirror.views(image, leaning(degrees), views), mirror_views(image, leaning(degrees), views)
            assert list(found) == list(views)
            assert all((found[view] == anew[view]).all() for view in views)


@pytest.mark.parametrize("degrees", [0, 20, -75])
def test_points_reflect_to_the_other_side(degrees):
    midline = leaning(degrees)
    points = np.random.default_rng(0).uniform(0, 100, (20, 2))
    reflected = reflect_points(points, midline)
    assert midline.to_left(reflected) == pytest.approx(-midline.to_left(points))
    along = np.array([midline.down_x, midline.down_y])
    assert reflected @ along == pytest.approx(points @ along)
    assert reflect_points(reflected, midline) == pytest.approx(points)


def test_the_pairs_are_mirror_images_on_a_symmetric_face(rendered):
    _, landmarks = rendered("rest")
    middle = np.setdiff1d(np.arange(68), np.concatenate([LEFT_POINTS, RIGHT_POINTS]))
    assert middle.tolist() == [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]
    midline = midline_of_landmarks(landmarks)
    eyes = np.linalg.norm(landmarks[36] - landmarks[45])
    assert (midline.to_left(landmarks[LEFT_POINTS]) > 0).all()
    # The mesh's vertices nearest to the points are not quite symmetric.
    assert np.abs(reflect_points(landmarks[LEFT_POINTS], midline) - landmarks[RIGHT_POINTS]).max() < 0.05 * eyes


@pytest.mark.parametrize(("keep", "kept", "other"), [(LEFT, LEFT_POINTS, RIGHT_POINTS), (RIGHT, RIGHT_POINTS, LEFT_POINTS)])
def test_reflected_landmarks_are_the_kept_half_twice(rendered, keep, kept, other):
    _, landmarks = rendered("smile_left", 8.0)
    midline = midline_of_landmarks(landmarks)
    result = reflect_landmarks(landmarks, midline, keep)
    assert result.dtype == np.float32
    assert result[kept] == pytest.approx(landmarks[kept], abs=1e-3)
    assert result[other] == pytest.approx(reflect_points(landmarks[kept], midline), abs=1e-3)
    assert np.abs(midline.to_left(np.delete(result, np.concatenate([kept, other]), axis=0))).max() < 1e-3
    assert reflect_landmarks(landmarks, midline, ORIGINAL) is landmarks


def test_a_point_beyond_the_midline_goes_onto_it(rendered):
    landmarks = rendered("rest")[1].copy()
    midline = midline_of_landmarks(landmarks)
    landmarks[[50, 52]] -= (30, 0)  # the middle of the mouth is drawn to the subject's right
    left = reflect_landmarks(landmarks, midline, LEFT)
    assert midline.to_left(left[[50, 52]]) == pytest.approx([0, 0], abs=1e-3)
    right = reflect_landmarks(landmarks, midline, RIGHT)
    assert right[50] == pytest.approx(landmarks[50], abs=1e-3)


def mouth_height(landmarks, midline: Midline, corner: int) -> float:
    """How far a mouth corner lies above the nose's base along the midline, in units of the eye distance."""
    down = np.array([midline.down_x, midline.down_y])
    return float((landmarks[NOSE] - landmarks[corner]) @ down / np.linalg.norm(landmarks[36] - landmarks[45]))


@pytest.mark.parametrize("roll", [0.0, -12.0])
@pytest.mark.parametrize(("expression", "smiling", "resting"), [("smile_left", LEFT, RIGHT), ("smile_right", RIGHT, LEFT)])
def test_a_one_sided_smile_is_on_both_corners_of_its_view_only(rendered, shared_file, expression, smiling, resting, roll):
    model = AttentionMesh(shared_file("weights/mediapipe-open/face_landmark_attention_fp16w.onnx"))
    heights = {}
    for name in ("rest", expression):
        image, landmarks = rendered(name, roll)
        located = model.locate(image, model.region_from_landmarks(Located(landmarks, 1.0)))
        midline = midline_of_landmarks(located.landmarks)
        for view, picture in mirror_views(image, midline, (LEFT, RIGHT)).items():
            region = model.region_from_landmarks(Located(reflect_landmarks(located.landmarks, midline, view), located.score))
            found = model.locate(picture, region).landmarks
            reflected = reflect_landmarks(landmarks, midline_of_landmarks(landmarks), view)
            heights[name, view] = np.array([mouth_height(p, midline, c) for p in (found, reflected) for c in (RIGHT_CORNER, LEFT_CORNER)])
    raised = {view: heights[expression, view] - heights["rest", view] for view in (LEFT, RIGHT)}
    assert (raised[smiling] > 0.08).all(), raised
    assert (np.abs(raised[resting]) < 0.03).all(), raised


def test_a_parent_process_can_load_this_module_without_opencv():
    code = "import sys; import face_mirror_au.numerics.reflection; raise SystemExit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
