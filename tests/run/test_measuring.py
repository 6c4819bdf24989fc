"""The measuring object: values as frames come, failures by reason, tables while its spool is there."""

from __future__ import annotations

import numpy as np
import pytest

from face_mirror_au.errors import UsageError
from face_mirror_au.pipeline.baseline import Baseline
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.pipeline.own_descriptor import described_frame
from face_mirror_au.records import FaceDescriptor, View
from face_mirror_au.run.measuring import LiveMeasurement, Measurement
from face_mirror_weights import Store


@pytest.fixture(scope="module")
def bank(shared_file):
    return plan_models(Store([shared_file("weights")]), "hybrid").load_bank()


@pytest.fixture(scope="module")
def frames():
    """Twelve frames of a face that is made up; the fourth and fifth failed."""
    random = np.random.default_rng(3)

    def descriptor():
        hog, geometry = random.random(4464, np.float32) * np.float32(0.2), random.normal(0.0, 3.0, 238)
        return FaceDescriptor(hog, geometry, random.random(6), random.random(6))

    return [described_frame(index, None if index in {3, 4} else descriptor(), index / 30) for index in range(12)]


def test_values_come_at_once_and_tables_at_the_end(bank, frames, tmp_path):
    with Measurement(bank, (View.ORIGINAL,), tmp_path) as measurement:
        values = [measurement.append(frame)[View.ORIGINAL] for frame in frames]
        table = measurement.finish()[View.ORIGINAL]
        assert table.success[:].tolist() == [index not in {3, 4} for index in range(12)]
        assert table.reason_of(slice(3, 6)) == ["no landmarks", "no landmarks", ""]
        np.testing.assert_array_equal(np.isnan(table.intensity[:]).any(axis=1), ~table.success[:])
        np.testing.assert_array_equal(table.intensity[:], measurement.final_values().intensity)
    assert np.isfinite(values[2].raw).all()
    assert np.isnan(values[3].raw).all()
    assert measurement.failures == {View.ORIGINAL: {"no landmarks": 2}}
    with pytest.raises(ValueError, match="closed"):
        table.frame[:1]  # the rows went with the measurement


def test_a_live_measurement_has_the_same_values_and_keeps_nothing(bank, frames, tmp_path):
    live = LiveMeasurement(bank, (View.ORIGINAL,))
    with Measurement(bank, (View.ORIGINAL,), tmp_path) as measurement:
        for frame in frames:
            one, other = live.append(frame)[View.ORIGINAL], measurement.append(frame)[View.ORIGINAL]
            np.testing.assert_array_equal(one.all_corrected, other.all_corrected)
            np.testing.assert_array_equal(one.presence, other.presence)


def test_where_action_units_are_blocked_nothing_is_measured(frames, tmp_path):
    with Measurement(None, (View.ORIGINAL,), tmp_path) as measurement:
        assert measurement.append(frames[0]) == {}
        assert measurement.finish() == {}
        assert measurement.failures == {}
    assert LiveMeasurement(None, (View.ORIGINAL,)).append(frames[0]) == {}


def test_without_a_frame_in_the_baselines_segment_there_is_no_end(bank, frames, tmp_path):
    with Measurement(bank, (View.ORIGINAL,), tmp_path, baseline=Baseline.parse("neutral:5-6")) as measurement:
        measurement.append(frames[0])
        with pytest.raises(UsageError, match="no frame was measured in the baseline segment"):
            measurement.finish()


@pytest.mark.parametrize(
    ("faces", "says"), [(True, "neutral:0.05-0.06; choose another one"), (False, "neutral:0.05-0.06, nor any other until then: check that")]
)
def test_a_baseline_without_a_face_is_told_from_one_that_is_badly_chosen(bank, frames, tmp_path, faces, says):
    given = frames if faces else [described_frame(index, None, index / 30) for index in range(12)]
    with Measurement(bank, (View.ORIGINAL,), tmp_path, baseline=Baseline.parse("neutral:0.05-0.06")) as measurement:
        measurement.append(given[0])
        measurement.append(given[1])
        with pytest.raises(UsageError, match=f"in the baseline segment {says}"):
            measurement.append(given[2])
