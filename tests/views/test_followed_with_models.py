"""Profile openface over workers: the same to the last bit as in one process, three views, also when a worker is killed."""

from __future__ import annotations

import os
import signal

import pytest
from test_loop_with_models import CLIPS

from face_mirror_au.loop.frames import process_frames, process_frames_in_workers
from face_mirror_au.loop.pool import WorkerPool
from face_mirror_au.media.video import open_source
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.pipeline.own_descriptor import descriptor_of
from face_mirror_au.records import View
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings
from face_mirror_hooks.records import WorkerInfo
from face_mirror_weights import Store

FRAMES = 36  # three chunks


@pytest.fixture(scope="module")
def processing(shared_file):
    return VideoRunner(plan_models(Store([shared_file("weights")]), "openface"), RunSettings(views=tuple(View)))._processing


@pytest.fixture(scope="module")
def clip(processing):
    """Frames, and what they must give."""
    with open_source(CLIPS / "smile_left.mp4") as source:
        frames = [frame for frame in source if frame.index < FRAMES]
    task = processing()
    task.start(WorkerInfo(0, os.getpid()))
    return frames, [essence(record) for record in process_frames(frames, task.processor, detect_every=10)]


def essence(record):
    assert record.views[0].success
    views = []
    for each in record.views:
        numbers = [] if each.face is None else [each.face.landmarks, *(each.face.signals[name] for name in sorted(each.face.signals))]
        found = descriptor_of(each)
        numbers += [] if found is None else [found.hog, found.geometry, found.pose, found.head_pose]
        views.append((each.view, each.confidence, each.reason, [array.tobytes() for array in numbers]))
    return record.index, record.time_s, record.error, record.crowd, views


@pytest.mark.parametrize(("workers", "start_method"), [(2, "fork"), (2, "spawn")])
def test_the_same_to_the_last_bit(processing, clip, workers, start_method, nursery):
    frames, wanted = clip
    with WorkerPool(processing, workers=workers, start_method=start_method, nursery=nursery if start_method == "fork" else None) as pool:
        found = process_frames_in_workers(frames, pool, detect_every=10, followed=processing.followed)
        assert [essence(record) for record in found] == wanted
        assert not pool.losses


def test_the_same_when_a_worker_is_killed(processing, clip, nursery):
    frames, wanted = clip
    records, killed = [], []
    with WorkerPool(processing, workers=2, nursery=nursery) as pool:
        for record in process_frames_in_workers(frames, pool, detect_every=10, followed=processing.followed):
            records.append(essence(record))
            if record.index == 2:
                killed.append(pool.pids[0])
                os.kill(killed[0], signal.SIGKILL)
    assert records == wanted
    assert [loss.worker.pid for loss in pool.losses] == killed


def test_it_runs_over_workers(processing, shared_file):
    plan = plan_models(Store([shared_file("weights")]), "openface")
    assert not plan.in_order
    assert processing.followed == tuple(View)
    assert VideoRunner(plan_models(Store([shared_file("weights")]), "hybrid"), RunSettings())._processing.followed == ()
