"""The loop with the real models: the same to the last bit for any number of workers, and whatever becomes of them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from face_mirror_au.loop.frames import LoopCounts, process_frames, process_frames_in_workers
from face_mirror_au.loop.pool import WorkerPool
from face_mirror_au.media.video import open_source
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.pipeline.own_descriptor import descriptor_of
from face_mirror_au.records import Frame
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings
from face_mirror_hooks.records import WorkerInfo
from face_mirror_weights import Store

CLIPS = Path(__file__).resolve().parents[1] / "clips"


@pytest.fixture(scope="module")
def processing(shared_file):
    return VideoRunner(plan_models(Store([shared_file("weights")]), "openface-pfld"), RunSettings())._processing


@pytest.fixture(scope="module", params=["two_faces", "smile_left", "comes and goes"])
def clip(request, processing):
    """Frames, and what they must give."""
    with open_source(CLIPS / f"{'two_faces' if ' ' in request.param else request.param}.mp4") as source:
        frames = list(source)
    if " " in request.param:
        empty = np.full_like(frames[0].image, 90)
        gone = {*range(25, 45), *range(60, 63)}
        frames = [Frame(frame.index, frame.time_s, empty if frame.index in gone else frame.image) for frame in frames]
    task = processing()
    task.start(WorkerInfo(0, os.getpid()))
    return frames, [essence(record) for record in process_frames(frames, task.processor, detect_every=10)]


def essence(record):
    face, found = record.views[0].face, descriptor_of(record.views[0])
    numbers = () if face is None else (face.landmarks.tobytes(), face.box.tobytes())
    if found is not None:
        numbers += tuple(array.tobytes() for array in (found.hog, found.geometry, found.pose, found.head_pose))
    return record.index, record.time_s, record.error, record.crowd, [(view.confidence, view.reason) for view in record.views], numbers


@pytest.mark.parametrize(("workers", "start_method"), [(1, "fork"), (2, "fork"), (3, "fork"), (2, "spawn")])
def test_the_same_to_the_last_bit(processing, clip, workers, start_method, nursery):
    frames, wanted = clip
    counts = LoopCounts()
    with WorkerPool(processing, workers=workers, start_method=start_method, nursery=nursery if start_method == "fork" else None) as pool:
        records = [essence(record) for record in process_frames_in_workers(frames, pool, detect_every=10, counts=counts)]
    assert records == wanted
    assert not pool.losses
    assert counts.redone <= 6, "guessing must be of use"


def test_the_same_when_workers_are_killed(processing, clip, nursery):
    frames, wanted = clip
    random = np.random.default_rng(5)
    records, killed = [], set()
    with WorkerPool(processing, workers=2, nursery=nursery) as pool:
        for record in process_frames_in_workers(frames, pool, detect_every=10):
            records.append(essence(record))
            if record.index in {5, 15, 25}:
                pid = int(random.choice([pid for pid in pool.pids if pid not in killed]))
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)
    assert records == wanted
    assert {loss.worker.pid for loss in pool.losses} == killed
