"""Rendered, measured and stored: the same again however it is cut into files, and nothing is made twice."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from training import dataset
from training.dataset import Dataset, load_shards, make_dataset
from training.render.ict import FaceModel
from training.render.recordings import MOVING_FRAMES, RESTING_FRAMES, recording
from training.render.renderer import Studio

SEED, RECORDINGS = 5, 2
FRAMES = RESTING_FRAMES + MOVING_FRAMES


def make(shared_file, folder, per_shard):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "RECORDINGS_PER_SHARD", per_shard)
        return make_dataset(shared_file("faces3d/ict.npz"), shared_file("weights"), folder, SEED, RECORDINGS, workers=1)


def equal(first, second):
    return all(np.array_equal(getattr(first, field.name), getattr(second, field.name)) for field in fields(Dataset))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("shards") / "made for it"


@pytest.fixture(scope="module")
def made(shared_file, folder):
    return make(shared_file, folder, per_shard=1)


@pytest.mark.release
@pytest.mark.timeout(300)
def test_a_second_run_measures_the_same_in_other_files(shared_file, made, tmp_path):
    assert equal(make(shared_file, tmp_path, per_shard=10), made)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.release
@pytest.mark.timeout(300)
def test_nearly_every_frame_is_measured_and_has_its_own_truth(shared_file, made):
    assert 0.9 * RECORDINGS * FRAMES <= len(made) <= RECORDINGS * FRAMES
    assert made.mesh.shape[1:] == (478, 3)
    assert made.hog.shape[1:] == (4464,)
    assert made.intensities.shape[1:] == (2, 22)
    assert (made.mesh.dtype, made.hog.dtype, made.recording.dtype) == (np.float32, np.float32, np.int64)
    studio = Studio(FaceModel.load(shared_file("faces3d/ict.npz")))
    frames = list(recording(studio, SEED, 1))
    of_second = made.select(made.recording == 1)
    assert len(of_second) == FRAMES, "choose a seed whose second recording is found throughout"
    np.testing.assert_array_equal(of_second.intensities, [frame.intensities for frame in frames])
    np.testing.assert_array_equal(of_second.at_rest, [frame.at_rest for frame in frames])
    np.testing.assert_array_equal(of_second.angles[:, 0], [frame.pose.yaw for frame in frames])
    true = np.array([frame.landmarks[[36, 45, 8]] for frame in frames])
    found = of_second.mesh[:, [33, 263, 152], :2]
    assert np.median(np.linalg.norm(found - true, axis=2)) < 0.15 * np.linalg.norm(true[0, 0] - true[0, 1])


@pytest.mark.release
@pytest.mark.timeout(300)
def test_a_stopped_run_goes_on_where_it_was(shared_file, made, folder):
    first, second = sorted(folder.glob("*.npz"))
    assert not list(folder.glob("*.part"))
    # A mark in the first file shows that it is not made again; the second was cut off while it was written.
    with np.load(first) as archive:
        arrays = dict(archive)
    np.savez(first, **arrays | {"angles": arrays["angles"] + 1000.0})
    marked = first.read_bytes()
    whole = second.read_bytes()
    second.unlink()
    second.with_suffix(".part").write_bytes(whole[:5000])
    again = make(shared_file, folder, per_shard=1)
    assert first.read_bytes() == marked
    assert second.read_bytes() == whole
    assert not list(folder.glob("*.part"))
    np.testing.assert_array_equal(again.angles, made.angles + 1000.0 * (made.recording == 0)[:, None])
    np.testing.assert_array_equal(again.mesh, made.mesh)


def shard(path, numbers):
    count = len(numbers)
    random = np.random.default_rng(count)
    arrays = {
        "recording": np.array(numbers), "at_rest": np.zeros(count, bool), "mesh": random.normal(size=(count, 478, 3)).astype(np.float32),
        "hog": random.normal(size=(count, 4464)).astype(np.float32), "intensities": random.normal(size=(count, 2, 22)),
        "angles": random.normal(size=(count, 3)),
    }  # fmt: skip
    np.savez(path, **arrays)
    return arrays


def test_shards_are_put_together_in_the_given_order(tmp_path):
    paths = [tmp_path / "b.npz", tmp_path / "a.npz"]
    arrays = [shard(path, numbers) for path, numbers in zip(paths, ([7, 7, 8], [9]), strict=True)]
    loaded = load_shards(paths)
    assert loaded.recording.tolist() == [7, 7, 8, 9]
    assert len(loaded) == 4
    np.testing.assert_array_equal(loaded.hog[3], arrays[1]["hog"][0])
    chosen = loaded.select(loaded.recording == 7)
    np.testing.assert_array_equal(chosen.mesh, arrays[0]["mesh"][:2])
    np.testing.assert_array_equal(loaded.select(np.array([3, 0])).recording, [9, 7])
