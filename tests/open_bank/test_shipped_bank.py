"""The bank that comes with the package, on clips with known one-sided movements and on real faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from face_mirror_au.errors import UsageError
from face_mirror_au.models.open_bank import FORMS, MAX_BYTES, read_open_bank
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.pipeline.views import REFLECT, MirrorSettings
from face_mirror_au.records import ALL_AUS, View
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings
from face_mirror_weights import Store, open_models
from training.render.targets import ONE_PIECE

CLIPS = Path(__file__).resolve().parents[1] / "clips"
AT_REST, HELD = slice(0, 10), slice(25, 32)  # frames of the rendered clips
LEFT, RIGHT = 0, 1


def measured(store, clip, tmp_path, **settings):
    """Tables of a clip, copied from where they lie while it runs."""
    with VideoRunner(plan_models(store, "open"), RunSettings(**settings)) as runner, runner.run(clip, tmp_path) as result:
        tables = result.tables
        return {view: tuple(np.array(each) for each in (table.intensity, table.sides, table.raw_sides)) for view, table in tables.items()}


def column(name):
    return ALL_AUS.index(name)


@pytest.mark.parametrize(
    ("clip", "au", "moving", "least"),
    [
        ("smile_left", "AU12", LEFT, 2.0),
        ("smile_right", "AU12", RIGHT, 2.0),
        ("blink_left", "AU45", LEFT, 2.0),
        ("sneer_right", "AU09", RIGHT, 1.5),
    ],
)
def test_a_movement_of_one_side_is_seen_on_that_side(store, tmp_path, clip, au, moving, least):
    views = measured(store, CLIPS / f"{clip}.mp4", tmp_path, views=(View.ORIGINAL, View.LEFT_MIRRORED, View.RIGHT_MIRRORED))
    _, sides, _ = views[View.ORIGINAL]
    held, rest = np.nanmean(sides[HELD, :, column(au)], axis=0), np.nanmean(sides[AT_REST, :, column(au)], axis=0)
    assert held[moving] > least
    assert held[moving] > 2.5 * held[1 - moving]
    assert rest.max() < 0.5
    # The mirrored views, a way of its own, agree.
    mirrored = [views[view][0][HELD, column(au)].mean() for view in (View.LEFT_MIRRORED, View.RIGHT_MIRRORED)]
    assert mirrored[moving] > least
    assert mirrored[moving] > 2.5 * mirrored[1 - moving]


def test_a_movement_of_both_sides_is_alike_on_both(store, tmp_path):
    intensity, sides, raw = measured(store, CLIPS / "smile_both.mp4", tmp_path)[View.ORIGINAL]
    left, right = sides[HELD, :, column("AU12")].mean(axis=0)
    assert min(left, right) > 2.5
    assert abs(left - right) < 0.25 * max(left, right)
    # The whole face is the mean of its sides; raw values of one piece have no sides.
    assert intensity[HELD, column("AU12")].mean() == pytest.approx((left + right) / 2, abs=0.02)
    for name in ONE_PIECE:
        assert np.isnan(sides[:, :, column(name)]).all()
        assert np.isnan(raw[:, :, column(name)]).all()


def test_what_the_bank_leaves_empty_is_empty_everywhere(store, tmp_path):
    plan = plan_models(store, "open")
    intensity, sides, _ = measured(store, CLIPS / "smile_both.mp4", tmp_path)[View.ORIGINAL]
    empty = set(plan.left_empty("dynamic"))
    assert {name for name in ALL_AUS if np.isnan(sides[:, :, column(name)]).all()} == set(plan.au_models.without_sides("dynamic"))
    assert {name for name in ALL_AUS if np.isnan(intensity[:, column(name)]).all()} == empty
    assert {name for name in ALL_AUS if np.isnan(sides[:, :, column(name)]).all()} >= empty | set(ONE_PIECE)


def test_a_real_face_from_neutral_to_a_smile(tmp_path, store):
    clip = Store.default(None).find("demo_clip")
    if clip is None:
        pytest.skip("the demo clip was not fetched (face-mirror-au weights fetch demo-clip)")
    intensity, _, _ = measured(store, clip, tmp_path)[View.ORIGINAL]
    neutral, smile = intensity[:16].mean(axis=0), intensity[24:66].mean(axis=0)
    assert np.nanmax(neutral) < 0.5
    assert smile[column("AU12")] > 3.0
    assert smile[column("AU25")] > 2.5
    assert smile[column("AU06")] > 1.0
    # The lower teeth show.
    others = [place for place, name in enumerate(ALL_AUS) if name not in {"AU06", "AU12", "AU16", "AU25"}]
    assert np.nanmax(smile[others]) < 1.0


def test_a_face_that_keeps_still_stays_at_rest(store, tmp_path, shared_file):
    intensity, _, _ = measured(store, shared_file("media/default.wmv"), tmp_path)[View.ORIGINAL]
    assert np.nanmean(intensity[:40]) < 0.3
    assert intensity[226:256, column("AU12")].mean() > 2.0, "the smile near the end"
    assert intensity[110:118, column("AU45")].max() > 0.7, "a blink of two frames; the mean of three"


def test_left_and_right_are_treated_alike(store):
    bank = read_open_bank(open_models.BANK)
    for form in FORMS:
        left, right = bank.weights[form]
        # Mirroring only moves values about, so the sums over all FHOG weights are those of the other side.
        hog = slice(0, 4464)
        assert np.sort(left[:, hog], axis=1) == pytest.approx(np.sort(right[:, hog], axis=1))
        assert np.array_equal(bank.known[form][1], bank.known[form][1] & bank.known[form][0])
    assert open_models.BANK.stat().st_size < MAX_BYTES
    assert bank.description["seed"] == 20261126
    assert len(bank.left_empty("dynamic")) <= 3


def test_a_single_image_is_measured_with_the_static_form(store, tmp_path, shared_file):
    plan = plan_models(store, "open")
    with VideoRunner(plan, RunSettings()) as runner, runner.run(shared_file("media/sample1.jpg"), tmp_path) as result:
        assert result.models == "static"
        known = ~np.isnan(result.table.intensity[:1][0])
    assert known.tolist() == [name not in plan.left_empty("static") for name in ALL_AUS]


def test_reflected_landmarks_are_refused(store):
    with pytest.raises(UsageError, match="reflect is not for the open AU bank"):
        VideoRunner(plan_models(store, "open"), RunSettings(mirror=MirrorSettings(REFLECT)))
