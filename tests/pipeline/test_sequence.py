"""One view's sequence with a bank that tells the sides apart, on descriptors made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from face_mirror_au.errors import UsageError
from face_mirror_au.numerics.au_bank import AUBank, Predictor
from face_mirror_au.numerics.fhog import HOG_SIZE
from face_mirror_au.numerics.final_values import final_intensities
from face_mirror_au.pipeline import sequence as sequence_module
from face_mirror_au.pipeline.baseline import Baseline
from face_mirror_au.pipeline.sequence import AUSequence, predict_image
from face_mirror_au.records import INTENSITY_AUS, PRESENCE_AUS

SMILE, BLINK, EMPTY = (INTENSITY_AUS.index(name) for name in ("AU12", "AU45", "AU17"))
SMILE_PRESENT = PRESENCE_AUS.index("AU12")
FEATURES = HOG_SIZE + 4  # of the geometry: smile left and right, blink left and right


def bank(dynamic=True, bias=0.0):
    def predictors(side):
        for name, feature in (("AU12", 0), ("AU45", 2)):
            weights = np.zeros(FEATURES)
            weights[HOG_SIZE + feature + side] = 1.0
            yield Predictor(name, classifier=False, dynamic=dynamic, weights=weights, bias=bias)

    sides = list(predictors(0)), list(predictors(1))
    return AUBank.build_sided("test", sides, np.zeros(FEATURES), presence_above=1.0)


def feed(sequence, geometry, rate=10.0):
    """Rows of the geometry; a row of NaN is a failed frame."""
    online = []
    for number, row in enumerate(np.asarray(geometry, float)):
        failed = np.isnan(row).any()
        hog = np.full(HOG_SIZE, 0.1, np.float32)
        online.append(sequence.append(None if failed else hog, None if failed else row, number / rate))
    return online


@pytest.fixture
def smile_of_the_left():
    """Rest, then the left corner of the mouth rises for longer than the rest lasted; noise on everything."""
    geometry = np.random.default_rng(1).normal(0, 0.05, (60, 4))
    geometry[24:, 0] += 3.0
    return geometry


def test_each_side_has_its_own_movement_and_the_whole_face_half(smile_of_the_left):
    sequence = AUSequence(bank())
    feed(sequence, smile_of_the_left)
    final = sequence.finish()
    assert final.sides.shape == final.raw_sides.shape == (60, 2, 17)
    assert final.intensity.shape == final.raw.shape == (60, 17)
    moving = slice(30, 60)
    assert np.median(final.sides[moving, 0, SMILE]) == pytest.approx(3.0, abs=0.1)
    assert np.median(final.sides[moving, 1, SMILE]) < 0.1
    assert np.median(final.intensity[moving, SMILE]) == pytest.approx(1.5, abs=0.1)
    assert np.nanmax(final.intensity[:20]) < 0.2
    np.testing.assert_allclose(final.raw[:, SMILE], final.raw_sides[:, :, SMILE].mean(axis=1))


def test_sides_are_offset_clipped_and_smoothed_as_the_whole_face(smile_of_the_left):
    smile_of_the_left[40, 1] = 99.0
    sequence = AUSequence(bank())
    feed(sequence, smile_of_the_left)
    final = sequence.finish()
    for side, part in enumerate((slice(17, 34), slice(34, 51))):
        wanted = final_intensities(final.raw_sides[:, side], np.ones(60, bool), sequence.levels[part])
        np.testing.assert_array_equal(final.sides[:, side], wanted)
    np.testing.assert_array_equal(final.intensity, final_intensities(final.raw, np.ones(60, bool), sequence.levels[:17]))
    assert final.sides[40, 1, SMILE] == pytest.approx(5 / 3, abs=0.1), "clipped at 5, then the mean of 3"


def test_online_values_are_of_the_whole_face(smile_of_the_left):
    online = feed(AUSequence(bank()), smile_of_the_left)
    last = online[30]  # later on, the running median takes the smile for the neutral face
    assert (last.raw.shape, last.corrected.shape, last.presence.shape) == ((17,), (17,), (18,))
    assert last.raw[SMILE] - online[20].raw[SMILE] == pytest.approx(1.5, abs=0.2)
    assert abs(last.raw[BLINK]) < 0.3
    assert np.isnan(last.raw[EMPTY])
    assert [bool(values.presence[SMILE_PRESENT]) for values in (online[20], online[30])] == [False, True]


def test_action_units_without_a_predictor_are_empty_everywhere(smile_of_the_left):
    sequence = AUSequence(bank())
    feed(sequence, smile_of_the_left)
    final = sequence.finish()
    assert np.isnan(final.intensity[:, EMPTY]).all()
    assert np.isnan(final.sides[:, :, EMPTY]).all()
    assert np.isnan(final.presence[:, PRESENCE_AUS.index("AU17")]).all()
    assert not np.isnan(final.sides[:, :, [SMILE, BLINK]]).any()


@pytest.mark.parametrize("strict", [False, True])
def test_failed_frames_are_empty_or_0_on_the_sides_too(smile_of_the_left, strict):
    smile_of_the_left[[0, 35]] = np.nan
    sequence = AUSequence(bank(), strict=strict)
    online = feed(sequence, smile_of_the_left)
    assert np.isnan(online[35].raw).all()
    assert np.isnan(online[35].presence).all()
    final = sequence.finish()
    assert np.isnan(final.raw_sides[35]).all()
    if strict:
        assert final.sides[0, 0, SMILE] == 0.0
        assert final.sides[35, 0, SMILE] == pytest.approx(2.0, abs=0.1), "two of three frames"
    else:
        assert np.isnan(final.sides[[0, 35]]).all()
        assert final.sides[34, 0, SMILE] == pytest.approx(3.0, abs=0.2)


def test_presence_is_judged_after_the_neutral_level_is_known():
    """Every raw value is 4 too high: nothing is present at rest all the same."""
    geometry = np.zeros((40, 4))
    geometry[25:, :2] = 2.5
    sequence = AUSequence(bank(bias=4.0))
    online = feed(sequence, geometry)
    assert online[5].presence[SMILE_PRESENT] == 1.0, "live, nobody knows yet"
    final = sequence.finish()
    assert final.presence[:, SMILE_PRESENT].tolist() == [0.0] * 25 + [1.0] * 15
    assert final.intensity[30, SMILE] == pytest.approx(2.5)
    assert np.isnan(final.presence[:, PRESENCE_AUS.index("AU28")]).all()


def test_a_marked_segment_is_the_neutral_face_of_both_sides():
    geometry = np.zeros((30, 4))
    geometry[:10, 1] = 2.0  # at rest in the segment, the right corner stands higher
    sequence = AUSequence(bank(), baseline=Baseline.parse("neutral:0-0.9"))
    feed(sequence, geometry)
    final = sequence.finish()
    np.testing.assert_allclose(final.sides[2:8, :, SMILE], 0.0, atol=0.02)
    assert final.raw_sides[20, 1, SMILE] == pytest.approx(-2.0, abs=0.02)
    assert (final.sides[20, :, SMILE] == 0.0).all()


def test_a_shared_baseline_is_that_of_the_original_on_both_sides(smile_of_the_left):
    original = AUSequence(bank(), baseline=Baseline.parse("shared"))
    mirrored = AUSequence(bank(), baseline=Baseline.parse("shared"), original=original)
    raised = smile_of_the_left + np.array([0.0, 1.0, 0.0, 0.0])
    for sequence, geometry in ((original, smile_of_the_left), (mirrored, raised)):
        feed(sequence, geometry)
    original.finish()
    final = mirrored.finish()
    assert mirrored.levels.shape == (51,)
    np.testing.assert_array_equal(mirrored.levels, original.levels)
    assert np.median(final.sides[:20, 1, SMILE]) == pytest.approx(1.0, abs=0.1)
    own = AUSequence(bank())
    feed(own, raised)
    assert np.median(own.finish().sides[:20, 1, SMILE]) < 0.1


def test_an_eye_whose_lids_are_apart_has_no_blink_however_closed_it_looks():
    """Both eyes look closed to the bank; the lids of the left one have closed, those of the right one have not."""
    geometry = np.zeros((40, 4))
    geometry[25:35, 2:] = 3.0
    openings = np.full((40, 2), 0.3)
    openings[25:35, 0] = 0.02
    sequence = AUSequence(bank())
    for number, (row, opened) in enumerate(zip(geometry, openings, strict=True)):
        sequence.append(np.full(HOG_SIZE, 0.1, np.float32), row, number / 10, opened)
    final = sequence.finish()
    assert final.sides[30, :, BLINK] == pytest.approx([3.0, 0.0], abs=0.05)
    assert final.raw_sides[30, :, BLINK] == pytest.approx([3.0, 3.0], abs=0.05), "raw values are what the bank says"
    assert final.intensity[30, BLINK] == pytest.approx(1.5, abs=0.05), "the mean of the sides"
    np.testing.assert_allclose(final.closures[30], [1.0 - 0.02 / 0.3, 0.0], atol=1e-6)
    np.testing.assert_allclose(final.closures[:20], 0.0, atol=1e-6)


def test_lids_that_nobody_measured_change_nothing():
    geometry = np.zeros((40, 4))
    geometry[25:35, 2:] = 3.0
    sequence = AUSequence(bank())
    feed(sequence, geometry)
    final = sequence.finish()
    assert final.sides[30, :, BLINK] == pytest.approx([3.0, 3.0], abs=0.05)
    assert final.closures is None


def test_the_rest_that_is_given_is_that_of_every_view():
    geometry = np.zeros((30, 4))
    geometry[:10, :2] = 2.0
    weights = np.zeros(30, np.float32)
    weights[:10] = 1.0
    sequence = AUSequence(bank())
    feed(sequence, geometry)
    final = sequence.finish(weights)
    assert (final.sides[:, :, SMILE] < 0.05).all(), "what is at rest is 0, what lies below it too"
    assert sequence.levels[SMILE] - final.raw[20, SMILE] == pytest.approx(2.0, abs=0.05)


def test_a_segment_that_passes_without_a_measured_frame_ends_the_run_at_once():
    sequence = AUSequence(bank(), baseline=Baseline.parse("neutral:0-1"))
    rows = np.zeros((20, 4))
    rows[:11] = np.nan
    with pytest.raises(UsageError, match="no frame was measured in the baseline segment neutral:0-1"):
        feed(sequence, rows)
    assert len(sequence) == 11, "not after the whole measurement"


def test_a_bank_without_sides_has_none():
    weights = np.zeros(FEATURES)
    weights[HOG_SIZE] = 1.0
    predictors = [Predictor("AU12", classifier=False, dynamic=True, weights=weights, bias=0.0, cutoff=0.5)]
    sequence = AUSequence(AUBank.build("OpenFace-like", predictors, np.zeros(FEATURES)))
    geometry = np.zeros((30, 4))
    geometry[20:, 0] = 2.0
    online = feed(sequence, geometry)
    final = sequence.finish()
    assert final.sides is None
    assert final.raw_sides is None
    assert online[-1].raw.shape == (17,)
    assert final.intensity[25, SMILE] == pytest.approx(2.0)
    assert np.isnan(final.presence).all()


def test_a_single_image_gives_the_whole_face():
    hog = np.zeros(HOG_SIZE, np.float32)
    intensity, presence = predict_image(bank(dynamic=False), hog, np.array([4.0, 1.0, 9.0, 9.0]))
    assert intensity.shape == (17,)
    assert (intensity[SMILE], intensity[BLINK]) == (2.5, 5.0)
    assert np.isnan(intensity[EMPTY])
    assert presence[SMILE_PRESENT] == 1.0
    assert predict_image(bank(dynamic=False), hog, np.zeros(4))[1][SMILE_PRESENT] == 0.0
    with pytest.raises(UsageError, match="static"):
        predict_image(bank(), hog, np.zeros(4))


def openface_like():
    """Each side's smile and blink with a bias and a cutoff of its own, dynamic and static, and a classifier."""
    weights = np.zeros((3, FEATURES))
    weights[[0, 1, 2], [HOG_SIZE, HOG_SIZE + 2, HOG_SIZE + 1]] = 1.0
    predictors = [
        Predictor("AU12", classifier=False, dynamic=True, weights=weights[0], bias=0.4, cutoff=0.3),
        Predictor("AU45", classifier=False, dynamic=False, weights=weights[1], bias=1.0),
        Predictor("AU12", classifier=True, dynamic=True, weights=weights[2], bias=-0.2),
    ]
    return AUBank.build("OpenFace-like", predictors, np.zeros(FEATURES))


@pytest.mark.parametrize("made", [bank, openface_like])
@pytest.mark.parametrize("baseline", ["own", "neutral:1-2.5"])
@pytest.mark.parametrize("strict", [False, True])
def test_a_video_in_pieces_gives_what_it_gives_at_once(monkeypatch, made, baseline, strict):
    geometry = np.random.default_rng(3).normal(0, 1.0, (61, 4))
    geometry[[0, 7, 8, 9, 30, 60]] = np.nan
    at_once, in_pieces = (AUSequence(made(), strict=strict, baseline=Baseline.parse(baseline)) for _ in range(2))
    feed(at_once, geometry)
    feed(in_pieces, geometry)
    whole = at_once.finish()
    monkeypatch.setattr(sequence_module, "_PIECE", 4)
    monkeypatch.setattr(sequence_module, "_MAX_VALUES", 100)  # so that columns come one or two at a time
    parts = list(in_pieces.final_pieces())
    assert [len(part.raw) for part in parts] == [4] * 15 + [1]
    for name in ("raw", "raw_presence", "intensity", "presence", *(("sides", "raw_sides") if whole.sides is not None else ())):
        np.testing.assert_array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(whole, name), err_msg=name)
    assert np.nanmax(whole.intensity) > 1.0


def test_only_the_first_frames_are_predicted_again_with_the_final_reference(monkeypatch):
    monkeypatch.setattr(sequence_module, "MAX_REPREDICTED", 20)
    geometry = np.zeros((41, 4))
    geometry[15:, 0] = 2.0
    sequence = AUSequence(openface_like())
    online = feed(sequence, geometry)
    raw = sequence.finish().raw[:, SMILE]
    assert raw[0] == pytest.approx(0.4 - 2.0, abs=0.01), "the final median is the smile's"
    assert raw[19] == pytest.approx(0.4, abs=0.01)
    assert raw[20] == online[20].raw[SMILE]
    assert raw[20] != pytest.approx(raw[19], abs=0.01), "its online value was measured against the rest"
