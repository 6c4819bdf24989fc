"""Which frames are the face at rest: on made recordings whose rest is known."""

from __future__ import annotations

import numpy as np
import pytest
from made_faces import FACE

from face_mirror_au.numerics import rest as rest_module
from face_mirror_au.numerics.rest import PIECE, Rest, RestRows, find_rest, weighed_rows, weighted_medians

RATE = 15.0
N_AUS = 17
AU01, AU02, AU04, AU12, AU25, AU45 = 0, 1, 2, 8, 14, 16


class _Recording:
    """Frames that rest, raise the brows, smile or close the eyes, with noise; 0 to 1 each."""

    def __init__(self, *segments: tuple[str, int], seed: int = 0, noise: float = 0.08) -> None:
        self.names = [name for name, length in segments for _ in range(length)]
        self.generator = np.random.default_rng(seed)
        n = len(self.names)
        self.at_rest = np.array([name == "rest" for name in self.names])
        strength = {
            name: np.convolve(np.pad([float(one == name) for one in self.names], 2, mode="edge"), np.ones(5) / 5, "valid")
            for name in set(self.names)
        }
        brow, smile, closed = (strength.get(name, np.zeros(n)) for name in ("brow", "smile", "closed"))
        raw = self.generator.normal(0.0, noise, (n, 2, N_AUS)) + self.generator.normal(0.0, 0.5, N_AUS)
        # What pulls other units below their level, as the bank does: raised brows look like less of AU04 and AU45.
        for au, by in (
            (AU01, 2.5 * brow),
            (AU02, 3.0 * brow),
            (AU04, -2.5 * brow),
            (AU45, -1.0 * brow),
            (AU12, 3.5 * smile),
            (AU25, 2.5 * smile),
        ):
            raw[:, :, au] += by[:, np.newaxis]
        raw[:, :, AU45] += 3.0 * closed[:, np.newaxis]
        self.raw = raw.reshape(n, -1)
        points = np.repeat(FACE[np.newaxis], n, axis=0)
        points[:, 17:27, 1] -= 8.0 * brow[:, np.newaxis]
        points[:, [48, 54], 1] -= 8.0 * smile[:, np.newaxis]
        points[:, [65, 66, 67], 1] += 8.0 * smile[:, np.newaxis]
        for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
            points[:, upper, 1] += 9.6 * closed
            points[:, lower, 1] += 0.0
        self.landmarks = (points + self.generator.normal(0.0, 0.3, points.shape) + 200.0).astype(np.float32)
        self.success = np.ones(n, bool)
        self.time_s = np.arange(n) / RATE
        self.longest = 0

    def read(self, start: int, stop: int) -> RestRows:
        self.longest = max(self.longest, stop - start)
        rows = slice(start, stop)
        return RestRows(self.success[rows], self.time_s[rows], self.raw[rows], self.landmarks[rows])

    def rest(self) -> Rest:
        found = find_rest(self.read, len(self.names), FACE)
        assert found is not None
        return found

    def level_error(self, found: Rest) -> float:
        rows = weighed_rows(found.weights)
        level = weighted_medians(self.raw[rows], found.weights[rows])
        return float(np.abs(level - np.median(self.raw[self.at_rest], axis=0)).max())


@pytest.mark.parametrize(
    "segments",
    [
        [("rest", 20), ("smile", 20), ("rest", 10), ("brow", 20)],
        [("smile", 20), ("brow", 20), ("rest", 25), ("smile", 15)],
        [("brow", 25), ("rest", 24), ("brow", 20)],
        [("closed", 10), ("smile", 25), ("brow", 20), ("rest", 22)],
    ],
    ids=["first", "middle", "brows raised most of the time", "last"],
)
def test_rest_is_found_wherever_it_lies(segments: list[tuple[str, int]]) -> None:
    recording = _Recording(*segments)
    found = recording.rest()
    assert recording.level_error(found) < 0.3
    inside = (recording.time_s >= found.start_s) & (recording.time_s <= found.end_s)
    assert recording.at_rest[inside].mean() > 0.8
    assert found.warning == ""


def test_noise_flips_nothing() -> None:
    segments = [("smile", 20), ("rest", 20), ("brow", 25), ("rest", 12)]
    levels = []
    for noise in (0.05, 0.08, 0.12):
        recording = _Recording(*segments, seed=3, noise=noise)
        found = recording.rest()
        rows = weighed_rows(found.weights)
        levels.append(weighted_medians(recording.raw[rows], found.weights[rows]) - np.median(recording.raw[recording.at_rest], axis=0))
    assert np.abs(np.ptp(levels, axis=0)).mean() < 0.1


def test_eyes_closed_throughout_are_warned_of() -> None:
    found = _Recording(("closed", 60), ("smile", 0)).rest()
    assert "closed" in found.warning


def test_a_face_that_never_rests_is_warned_of() -> None:
    recording = _Recording(*[("smile", 10), ("brow", 10), ("closed", 10)] * 3)
    recording.raw[:, 3:9] += recording.generator.uniform(0.0, 4.0, (len(recording.names), 6))
    assert "never at rest" in recording.rest().warning


def test_a_recording_without_a_face_has_no_rest() -> None:
    recording = _Recording(("rest", 20))
    recording.success[:] = False
    assert find_rest(recording.read, 20, FACE) is None


def test_failed_frames_have_no_weight() -> None:
    recording = _Recording(("rest", 30), ("smile", 20))
    recording.success[5:12] = False
    recording.raw[5:12], recording.landmarks[5:12] = np.nan, np.nan
    found = recording.rest()
    assert (found.weights[5:12] == 0.0).all()
    assert np.isfinite(found.weights).all()
    assert found.weights[12:28].max() > 0.5


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5])
def test_few_frames_are_all_there_is(frames: int) -> None:
    found = _Recording(("rest", frames)).rest()
    assert found.weights.max() == pytest.approx(1.0, abs=1e-3)


def test_pieces_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = _Recording(("smile", 20), ("rest", 30), ("brow", 30))
    whole = recording.rest()
    monkeypatch.setattr(rest_module, "PIECE", 7)
    in_pieces = recording.rest()
    np.testing.assert_allclose(in_pieces.weights, whole.weights, rtol=0, atol=1e-6)
    assert (in_pieces.start_s, in_pieces.end_s) == (whole.start_s, whole.end_s)


def test_a_long_recording_is_read_in_pieces_and_compared_in_part() -> None:
    recording = _Recording(*[("rest", 300), ("smile", 200), ("brow", 250)] * 20)
    found = recording.rest()
    assert recording.longest <= PIECE + 4
    assert recording.level_error(found) < 0.3
    assert len(weighed_rows(found.weights)) <= rest_module.MAX_WEIGHED


def test_weighted_medians_are_medians_of_repeated_values() -> None:
    values = np.array([[1.0, np.nan], [5.0, 2.0], [9.0, 3.0]])
    np.testing.assert_array_equal(weighted_medians(values, np.array([1.0, 1.0, 3.0])), [9.0, np.nan])
    np.testing.assert_array_equal(weighted_medians(values[:, :1], np.array([1.0, 1.0, 1.0])), [5.0])
