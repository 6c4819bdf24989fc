"""What of a face lies in the picture, and which action units can be seen there."""

from __future__ import annotations

import numpy as np
from made_faces import FACE

from face_mirror_au.numerics.face_regions import POINTS, REGIONS, of_kept_half, region_confidences, unseen_presences, unseen_units
from face_mirror_au.records import INTENSITY_AUS, PRESENCE_AUS

AU12, AU45, AU26 = (INTENSITY_AUS.index(au) for au in ("AU12", "AU45", "AU26"))


def test_every_region_has_points_of_its_own_side() -> None:
    for region, points in zip(REGIONS, POINTS, strict=True):
        outward = FACE[points, 0].mean()
        assert outward > 0 if region.endswith("left") else outward < 0, region


def test_a_face_inside_the_picture_is_seen_whole() -> None:
    found = region_confidences(FACE + 200.0, (400, 400), 0.9)
    np.testing.assert_allclose(found, 0.9)
    assert not unseen_units(found).any()


def test_the_half_outside_is_not_seen() -> None:
    # The subject's right is at the picture's left.
    found = dict(zip(REGIONS, region_confidences(FACE + np.array([0.0, 200.0]), (400, 400), 0.95), strict=True))
    assert all(value == 0.0 for region, value in found.items() if region.endswith("right") and "nose" not in region)
    assert all(found[region] == 0.95 for region in ("brow_left", "eye_left", "mouth_left"))
    unseen = unseen_units(np.array(list(found.values())))
    assert unseen[1, [AU12, AU45]].all()
    assert not unseen[0, [AU12, AU45]].any()
    assert unseen_presences(np.array(list(found.values())))[PRESENCE_AUS.index("AU12")], "of the whole face one side is missing"


def test_one_point_outside_lowers_the_confidence_and_no_more() -> None:
    x = FACE[:, 0]
    shifted = FACE + np.array([-np.sort(x[POINTS[REGIONS.index("mouth_right")]])[1] - 0.3, 200.0])
    found = region_confidences(shifted, (400, 400), 1.0)[REGIONS.index("mouth_right")]
    assert 0.15 < found < 1.0


def test_a_chin_below_the_picture_hides_the_jaw_alone() -> None:
    shifted = FACE + np.array([200.0, 100.0])
    found = region_confidences(shifted, (400, int(shifted[:, 1].max()) - 12), 0.9)
    unseen = unseen_units(found)
    assert unseen[:, AU26].all()
    assert not unseen[:, [AU12, AU45]].any()


def test_a_mirrored_picture_is_as_well_seen_as_the_half_that_it_shows() -> None:
    whole = region_confidences(FACE + np.array([0.0, 200.0]), (400, 400), 0.95)
    left, right = (of_kept_half(whole, left=left) for left in (True, False))
    assert not unseen_units(left)[:, [AU12, AU45]].any()
    assert unseen_units(right)[:, [AU12, AU45]].all()


def test_nobody_knows_of_a_frame_without_confidences() -> None:
    assert not unseen_units(np.full((3, 10), np.nan)).any()
