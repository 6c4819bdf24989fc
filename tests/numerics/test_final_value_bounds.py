"""Whatever is predicted: final intensities lie in 0 to 5, presences are 0 or 1, and a failed frame stays empty."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from face_mirror_au.numerics.final_values import final_intensities, final_presences, neutral_offsets

few = settings(max_examples=60)
K = 3


@st.composite
def recordings(draw, elements):
    """Raw values (N, 3) and which frames were measured; a column may be one that the bank cannot predict."""
    n = draw(st.integers(0, 25))
    raw = draw(arrays.arrays(np.float64, (n, K), elements=elements))
    success = draw(arrays.arrays(np.bool_, n))
    raw[~success] = np.nan
    raw[:, draw(arrays.arrays(np.bool_, K))] = np.nan
    return raw, success


@few
@given(recordings(st.floats(-1e6, 1e6)), st.booleans(), arrays.arrays(np.float64, K, elements=st.floats(0.0, 0.999)))
def test_intensities(recording, smooth, cutoffs):
    raw, success = recording
    offsets = neutral_offsets(raw, success, cutoffs, np.ones(K, bool))
    found = final_intensities(raw, success, offsets, smooth=smooth)
    assert np.isnan(found[~success]).all()
    measured = found[success]
    assert (np.isnan(measured) == np.isnan(raw[success])).all(), "an action unit without a predictor is empty, others are not"
    assert ((measured >= 0.0) & (measured <= 5.0))[~np.isnan(measured)].all()
    strict = final_intensities(raw, success, offsets, smooth=smooth, strict=True)
    assert ((strict >= 0.0) & (strict <= 5.0))[:, ~np.isnan(raw[success]).any(axis=0)].all()


@few
@given(recordings(st.sampled_from([0.0, 1.0])), st.booleans())
def test_presences(recording, smooth):
    raw, success = recording
    found = final_presences(raw, success, smooth=smooth)
    assert np.isnan(found[~success]).all()
    measured = found[success]
    assert (np.isnan(measured) == np.isnan(raw[success])).all()
    assert np.isin(measured[~np.isnan(measured)], [0.0, 1.0]).all()


@few
@given(recordings(st.floats(-10, 10)), st.integers(0, 24), st.floats(-10, 10))
def test_what_is_written_in_a_failed_frame_plays_no_part(recording, frame, value):
    raw, success = recording
    other = raw.copy()
    if frame < len(raw) and not success[frame]:
        other[frame] = value
    cutoffs = np.full(K, 0.3)
    values = [final_intensities(each, success, neutral_offsets(each, success, cutoffs, np.ones(K, bool))) for each in (raw, other)]
    np.testing.assert_array_equal(*values)
