"""The overlay pixel by pixel: everything stands where it should, and nothing where it must not."""

from __future__ import annotations

import numpy as np
import pytest
from overlay_frames import failed, frame, landmarks, measured, nothing, values

from face_mirror_au.numerics.reflection import LEFT_POINTS, RIGHT_POINTS
from face_mirror_au.overlay.marks import LEFT_COLOUR, MIDDLE_COLOUR, RIGHT_COLOUR
from face_mirror_au.overlay.picture import ALERT, WARNING, draw_scene, writing_size
from face_mirror_au.overlay.scene import scene_of
from face_mirror_au.overlay.text import fitting, put_text, text_width
from face_mirror_au.records import View

GREY = 120
ALL = (measured(), measured(View.LEFT_MIRRORED), measured(View.RIGHT_MIRRORED))


def picture(width=480, height=360):
    return np.full((height, width, 3), GREY, np.uint8)


def near(image, colour, tolerance=12):
    """Where the picture has that colour, (H, W) bool."""
    return (np.abs(image.astype(int) - np.array(colour)).max(axis=2)) <= tolerance


def overlaid(image, result, values_now):
    canvas = image.copy()
    draw_scene(canvas, scene_of(result, values_now))
    return canvas


def smile(left, right):
    return {View.ORIGINAL: values(), View.LEFT_MIRRORED: values(AU12=left), View.RIGHT_MIRRORED: values(AU12=right)}


def test_every_landmark_has_its_dot_in_the_colour_of_its_side():
    points = np.round(landmarks(size=200.0, centre=(240.0, 200.0)))
    drawn = overlaid(picture(), frame(measured(points=points)), {})
    for group, colour in ((LEFT_POINTS, LEFT_COLOUR), (RIGHT_POINTS, RIGHT_COLOUR), ([8, 27, 30, 33, 51, 57, 62, 66], MIDDLE_COLOUR)):
        for point in group:
            x, y = points[point].astype(int)
            assert near(drawn[y : y + 1, x : x + 1], colour).all(), point


def test_dots_follow_the_face():
    moved = landmarks(centre=(200.0, 220.0))
    at_home, away = (overlaid(picture(), frame(measured(points=points)), {}) for points in (landmarks(), moved))
    x, y = np.round(moved[36]).astype(int)
    assert near(away[y : y + 1, x : x + 1], RIGHT_COLOUR, 60).all()
    assert not near(at_home[y : y + 1, x : x + 1], RIGHT_COLOUR, 60).any()


def test_the_bar_of_a_left_smile_stands_on_the_right_of_the_picture():
    weak, strong = (overlaid(picture(), frame(*ALL), smile(left, 0.0)) for left in (0.0, 4.0))
    changed = (weak != strong).any(axis=2)
    columns = np.flatnonzero(changed.any(axis=0))
    assert columns.size
    assert columns.min() > 360, "beyond the face, where the subject's left is"
    bar = changed & near(strong, LEFT_COLOUR)
    assert bar.sum() > 100


def test_the_bar_of_a_right_smile_stands_on_the_left_of_the_picture():
    weak, strong = (overlaid(picture(), frame(*ALL), smile(0.0, right)) for right in (0.0, 4.0))
    changed = (weak != strong).any(axis=2)
    assert np.flatnonzero(changed.any(axis=0)).max() < 120
    assert (changed & near(strong, RIGHT_COLOUR)).sum() > 100


def test_a_bar_is_as_long_as_its_value():
    def length(value):
        drawn = overlaid(picture(960, 720), frame(*ALL), smile(value, 0.0))
        return int(near(drawn[:, 720:], LEFT_COLOUR).sum(axis=1).max())

    full = length(5.0)
    assert length(2.5) == pytest.approx(full / 2, abs=2)
    assert length(9.0) == full


def test_a_failed_frame_is_marked_in_red_and_has_neither_dots_nor_bars():
    drawn = overlaid(picture(), frame(failed(), failed(View.LEFT_MIRRORED), failed(View.RIGHT_MIRRORED)), smile(4.0, 4.0))
    assert near(drawn, ALERT, 30).sum() > 480 * 10
    for colour in (LEFT_COLOUR, RIGHT_COLOUR):
        assert not near(drawn, colour).any()
    assert (drawn[120:] == GREY).all(), "below the banner the picture is as it was"


def test_a_measured_frame_has_no_red():
    assert near(overlaid(picture(), frame(*ALL), smile(1.0, 1.0)), ALERT, 30).sum() == 0


def test_a_side_that_was_not_measured_has_no_bar_while_the_other_has():
    shown = {**smile(4.0, 4.0), View.RIGHT_MIRRORED: nothing()}
    drawn = overlaid(picture(), frame(*ALL), shown)
    assert not near(drawn[:, :130], RIGHT_COLOUR)[95:].any(), "but for its title"
    assert near(drawn[:, 360:], LEFT_COLOUR)[95:].sum() > 100


def test_a_turned_head_has_a_banner():
    straight, turned = (overlaid(picture(), frame(measured(angles_deg=(0.0, yaw, 0.0))), {View.ORIGINAL: values()}) for yaw in (2.0, 20.0))
    assert near(turned, WARNING, 30).sum() > 480 * 10
    assert near(straight, WARNING, 30).sum() < 480, "but for dots of a like colour"


def test_the_bars_stay_where_they_are_when_the_banner_comes():
    straight, turned = (overlaid(picture(), frame(measured(angles_deg=(0.0, yaw, 0.0)), *ALL[1:]), smile(4.0, 1.0)) for yaw in (2.0, 20.0))
    np.testing.assert_array_equal(straight[70:], turned[70:])


def test_in_a_portrait_the_bars_stand_below_the_face_left_and_right_of_the_middle():
    points = landmarks(centre=(270.0, 420.0), size=300.0)
    views = tuple(measured(view, points=points) for view in View)
    weak, strong = (overlaid(picture(540, 960), frame(*views), smile(left, 0.0)) for left in (0.0, 5.0))
    rows, columns = np.nonzero((weak != strong).any(axis=2))
    assert columns.min() > 270
    assert rows.min() > points[:, 1].max(), "not over the chin"


@pytest.mark.parametrize("x", [90.0, 240.0, 390.0])
def test_bars_stand_beside_a_face_wherever_it_is_and_left_stays_right_of_right(x):
    points = landmarks(centre=(x, 190.0))
    views = tuple(measured(view, points=points) for view in View)
    rest = overlaid(picture(), frame(*views), smile(0.0, 0.0))
    places = []
    for values_now in (smile(5.0, 0.0), smile(0.0, 5.0)):
        columns = np.flatnonzero((rest != overlaid(picture(), frame(*views), values_now)).any(axis=(0, 2)))
        assert columns.max() < points[:, 0].min() or columns.min() > points[:, 0].max(), "not on the face"
        places.append(columns)
    left, right = places
    assert right.max() < left.min()


def test_the_bars_of_a_whole_face_stand_where_the_face_is_not():
    for x, side in ((150.0, slice(320, 480)), (330.0, slice(0, 160))):
        result = frame(measured(points=landmarks(centre=(x, 190.0))))
        weak, strong = (overlaid(picture(), result, {View.ORIGINAL: values(AU12=value)}) for value in (0.0, 5.0))
        changed = (weak != strong).any(axis=(0, 2))
        assert changed[side].sum() == changed.sum() > 0


def test_writing_goes_with_the_size_of_the_picture():
    assert writing_size(1920, 1080) == writing_size(1080, 1920) == 32
    assert writing_size(480, 360) >= 10
    assert text_width("AU12", 32) == pytest.approx(2 * text_width("AU12", 16), rel=0.1)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 3), (33, 61), (161, 97), (97, 161), (1921, 241)])
def test_any_size_can_be_drawn_on(width, height):
    views = (*ALL[:2], failed(View.RIGHT_MIRRORED))
    for result in (frame(*views), frame(failed()), frame(measured(angles_deg=(0.0, 40.0, 0.0)))):
        assert overlaid(picture(width, height), result, smile(5.0, 5.0)).shape == (height, width, 3)


def test_landmarks_far_outside_the_picture_do_no_harm():
    points = landmarks()
    points[0], points[1] = (-1e9, 50.0), (np.nan, np.inf)
    assert overlaid(picture(), frame(measured(points=points)), {}).shape == (360, 480, 3)


@pytest.mark.parametrize("ground", [0, 255])
def test_the_writing_can_be_read_on_black_and_on_white(ground):
    drawn = overlaid(np.full((360, 480, 3), ground, np.uint8), frame(*ALL), smile(2.0, 1.0))
    heading = drawn[2:18, 5:200].astype(int).mean(axis=2)
    assert heading.max() - np.median(heading) > 130


def test_text_that_is_too_wide_is_cut_short():
    assert fitting("no face found", 20, 10_000) == "no face found"
    cut = fitting("no face found", 20, 60)
    assert cut.endswith("…")
    assert text_width(cut, 20) <= 60
    assert fitting("wide", 20, 1) == ""


def test_text_that_reaches_beyond_the_picture_is_cut_off():
    canvas = picture(20, 10)
    put_text(canvas, "a long text", (-10, 5), 12, (255, 255, 255))
    put_text(canvas, "far away", (500, 500), 12, (255, 255, 255))
    assert (canvas != GREY).any()
