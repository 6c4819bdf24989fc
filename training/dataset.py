"""Rendered recordings through our own detector, landmark model and describer: what the bank learns from.

Recordings are made in shards, each a file of its own, so that a stopped run goes on where it was.
"""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.models.attention_mesh import AttentionMesh
from face_mirror_au.models.blazeface import BlazeFace
from face_mirror_au.models.openface_files import read_pdm, read_triangles
from face_mirror_au.pipeline.describer import FaceDescriber
from face_mirror_au.pipeline.finder import ModelFinder
from face_mirror_au.pipeline.track import FaceTracker, Tracked, TrackState
from face_mirror_au.records import Float32Array, FloatArray, Frame
from face_mirror_weights import Store, open_models

logger = logging.getLogger(__name__)

RECORDINGS_PER_SHARD = 10


@dataclass(frozen=True)
class Dataset:
    """N measured frames.

    Attributes
    ----------
    recording : ndarray, (N,) int64
        Its number.
    at_rest : ndarray, (N,) bool
    mesh : ndarray, (N, 478, 3) float32
        Pixels, as the landmark model gave it.
    hog : ndarray, (N, 4464) float32
    intensities : ndarray, (N, 2, 22) float64
        The truth: the subject's left, then right.
    angles : ndarray, (N, 3) float64
        True yaw, pitch and roll of the head, degrees.
    """

    recording: NDArray[np.int64]
    at_rest: NDArray[np.bool_]
    mesh: Float32Array
    hog: Float32Array
    intensities: FloatArray
    angles: FloatArray

    def __len__(self) -> int:
        return len(self.recording)

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Dataset:
        """Some of the frames."""
        return Dataset(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@dataclass(frozen=True)
class ShardJob:
    """One file of recordings.

    Attributes
    ----------
    mesh : Path
        `ict.npz`.
    weights : Path or None
        Folder with the open models; None: the usual ones.
    seed : int
    numbers : tuple of int
        Of the recordings.
    target : Path
    """

    mesh: Path
    weights: Path | None
    seed: int
    numbers: tuple[int, ...]
    target: Path


def make_dataset(mesh: Path, weights: Path | None, folder: Path, seed: int, recordings: int, workers: int) -> Dataset:
    """Render, measure and load; what lies in `folder` already is not made again.

    Parameters
    ----------
    mesh : Path
        `ict.npz`, see `training.render.ict`.
    weights : Path or None
        Folder with the open models; None: the usual ones.
    folder : Path
        Gets one file for each shard.
    seed, recordings : int
        Recordings 0 .. recordings - 1 of that seed.
    workers : int
        Processes; the result does not depend on it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs = []
    for first in range(0, recordings, RECORDINGS_PER_SHARD):
        numbers = tuple(range(first, min(first + RECORDINGS_PER_SHARD, recordings)))
        jobs.append(ShardJob(mesh, weights, seed, numbers, folder / f"seed{seed}_{numbers[0]:05d}_{len(numbers)}.npz"))
    todo = [job for job in jobs if not job.target.exists()]
    # Spawned: this process may hold threads of BLAS.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        for done, future in enumerate(as_completed([pool.submit(make_shard, job) for job in todo]), 1):
            logger.info("shard %d of %d; no face in %d frames", done, len(todo), future.result())
    return load_shards([job.target for job in jobs])


def load_shards(paths: list[Path]) -> Dataset:
    """Read shards, in the given order."""
    shards = []
    for path in paths:
        with np.load(path) as archive:
            shards.append({field.name: archive[field.name] for field in fields(Dataset)})
    return Dataset(**{field.name: np.concatenate([shard[field.name] for shard in shards]) for field in fields(Dataset)})


def make_shard(job: ShardJob) -> int:
    """Make one shard, in a process of its own; the number of frames in which no face was found."""
    import cv2

    cv2.setNumThreads(1)
    rows = list(_measured(job))
    found = [row for row in rows if row is not None]
    columns = {field.name: np.array([row[column] for row in found]) for column, field in enumerate(fields(Dataset))}
    partial = job.target.with_suffix(".part")
    with partial.open("wb") as file:
        np.savez(file, **columns)  # type: ignore[arg-type]  # NumPy's stub takes the keywords for allow_pickle
    partial.replace(job.target)
    return len(rows) - len(found)


def _measured(job: ShardJob) -> Iterator[tuple[object, ...] | None]:
    """One row for each frame, in the order of `Dataset`'s fields; None where no face was found."""
    from training.render.ict import FaceModel
    from training.render.recordings import recording
    from training.render.renderer import Studio

    store = Store.default(job.weights)
    finder = ModelFinder(BlazeFace(store.require("blazeface")), AttentionMesh(store.require("attention_mesh")))
    describer = FaceDescriber(read_pdm(open_models.PDM, name="open"), read_triangles(open_models.TRIANGLES))
    tracker = FaceTracker(finder, describer.pose_fitter)
    studio = Studio(FaceModel.load(job.mesh), eyes_roll=True)
    for number in job.numbers:
        for made in recording(studio, job.seed, number):
            tracked, _ = tracker.track(Frame(0, 0.0, made.image), TrackState())
            if not isinstance(tracked, Tracked) or tracked.face.mesh is None:
                yield None
                continue
            hog = describer.describe(made.image, tracked.face.landmarks, tracked.fit).hog
            angles = (made.pose.yaw, made.pose.pitch, made.pose.roll)
            yield number, made.at_rest, tracked.face.mesh, hog, made.intensities, angles
