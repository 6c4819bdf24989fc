"""A program that runs a pool until it is killed: `loop_parent.py START_METHOD KIND`. Prints the ids of all of its processes."""

from __future__ import annotations

import sys

from loop_tasks import FakeFactory, Trouble, frames_of

from face_mirror_au.loop.frames import process_frames_in_workers
from face_mirror_au.loop.pool import WorkerPool


def main():
    start_method, kind = sys.argv[1:]
    trouble = Trouble((25,), "hang") if kind == "hang" else None
    with WorkerPool(FakeFactory(trouble, frame_s=0.01), workers=2, start_method=start_method) as pool:
        for record in process_frames_in_workers(frames_of(20_000, 20, 20), pool, detect_every=8):
            if record.index == 20:
                nursery = [pool._launcher.pid] if start_method == "fork" else []
                print(*nursery, *pool.pids, flush=True)


if __name__ == "__main__":
    main()
