"""Recordings: the same number gives the same pixels, rest comes first, and the truth belongs to the picture."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from training.render import recordings
from training.render.camera import Camera
from training.render.expressions import Person
from training.render.recordings import MOVING_FRAMES, RESTING_FRAMES, SIZES, RecordedFrame, recording
from training.render.renderer import Pose, Studio
from training.render.targets import intensities

FIRST = 3


def frames(studio: Studio, seed: int, number: int, count: int = FIRST) -> list[RecordedFrame]:
    return list(islice(recording(studio, seed, number), count))


def same(first: list[RecordedFrame], second: list[RecordedFrame]) -> bool:
    return all(
        np.array_equal(a.image, b.image)
        and np.array_equal(a.landmarks, b.landmarks)
        and np.array_equal(a.intensities, b.intensities)
        and (a.weights, a.at_rest, a.pose) == (b.weights, b.at_rest, b.pose)
        for a, b in zip(first, second, strict=True)
    )


@pytest.mark.release
def test_a_number_gives_the_same_recording_whatever_was_made_before(studio: Studio) -> None:
    first = frames(studio, 7, 0)
    other = frames(studio, 7, 1)
    assert same(frames(studio, 7, 1), other)
    assert same(frames(studio, 7, 0), first)
    assert not same(first, other)
    assert not same(first, frames(studio, 8, 0))


@pytest.fixture(scope="module")
def whole(studio: Studio) -> list[RecordedFrame]:
    return list(recording(studio, 7, 2))


@pytest.mark.release
def test_rest_comes_first_and_is_of_one_person(whole: list[RecordedFrame]) -> None:
    assert [frame.at_rest for frame in whole] == [True] * RESTING_FRAMES + [False] * MOVING_FRAMES

    def still(frame: RecordedFrame) -> dict[str, float]:
        return {name: weight for name, weight in frame.weights.items() if not name.startswith("eye")}

    resting = whole[:RESTING_FRAMES]
    assert all(still(frame) == still(resting[0]) for frame in resting)
    moved = [np.abs(frame.intensities - resting[0].intensities).max() for frame in whole[RESTING_FRAMES:]]
    assert np.median(moved) > 1.0
    assert {frame.image.shape for frame in whole} == {whole[0].image.shape}
    assert whole[0].image.shape[1::-1] in SIZES
    assert whole[0].image.dtype == np.uint8


def test_the_truth_is_that_of_the_weights_and_the_head_sways(studio: Studio, whole: list[RecordedFrame]) -> None:
    for frame in whole:
        np.testing.assert_array_equal(frame.intensities, intensities(studio.model, frame.weights))
    yaw = np.array([frame.pose.yaw for frame in whole])
    assert len(set(yaw)) == len(whole)
    assert 1.0 < yaw.std() < 8.0


@pytest.mark.release
def test_faces_lie_inside_the_picture(studio: Studio) -> None:
    for number in range(6):
        for frame in frames(studio, 3, number, count=1):
            height, width = frame.image.shape[:2]
            points = frame.landmarks[17:]
            assert ((points > 0) & (points < (width, height))).all()
            assert 0.15 * height < np.ptp(frame.landmarks[:, 1]) < 0.75 * height


@pytest.mark.parametrize(("shape", "to_the_images_right"), [("mouthSmile_L", True), ("mouthSmile_R", False)])
def test_the_subjects_left_is_at_the_images_right(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, shape: str, to_the_images_right: bool
) -> None:
    """The same recording with and without one movement: the pixels that differ, and the column of the truth."""
    monkeypatch.setattr(recordings, "_swayed", lambda pose, _: Pose(distance=pose.distance))
    monkeypatch.setattr(recordings, "SHARE_GLASSES", 0.0)
    monkeypatch.setattr(recordings, "SHARE_COVERED", 0.0)
    monkeypatch.setattr(Camera, "record", lambda self, image, generator: image)
    made = {}
    for name, weights in (("rest", {}), ("smile", {shape: 1.0})):
        monkeypatch.setattr(Person, "keep_still", lambda self, generator, weights=weights: weights)
        (made[name],) = frames(studio, 1, 1, count=1)
    changed = np.abs(made["smile"].image.astype(int) - made["rest"].image).sum(axis=2).sum(axis=0)
    assert changed.any()
    centre = (changed * np.arange(len(changed))).sum() / changed.sum()
    nose = made["rest"].landmarks[27:31, 0].mean()
    assert (centre > nose + 5) if to_the_images_right else (centre < nose - 5)
    rise = made["rest"].landmarks[:, 1] - made["smile"].landmarks[:, 1]
    moving, still = (54, 48) if to_the_images_right else (48, 54)
    assert rise[moving] > 2 > abs(rise[still])
    assert made["smile"].intensities[:, 8].tolist() == ([5.0, 0.0] if to_the_images_right else [0.0, 5.0])
