"""What three views cost against one, per frame: `python -m benchmarks.views`. Needs ../shared."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks import ROOT
from face_mirror_au.loop.nursery import Nursery
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.records import View
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings
from face_mirror_weights import Store

SHARED = ROOT.parent / "shared"
CLIP = SHARED / "media" / "2015-10-15-15-14.avi"
ROUNDS = 3


def seconds_per_frame(profile: str, views: tuple[View, ...], workers: int, nursery: Nursery) -> float:
    """Best of some rounds over one clip, workers started and models loaded."""
    best = float("inf")
    with tempfile.TemporaryDirectory() as folder:
        settings = RunSettings(views=views, workers=workers)
        with VideoRunner(plan_models(Store([SHARED / "weights"]), profile), settings, nursery=nursery) as runner:
            for _ in range(ROUNDS):
                start = time.perf_counter()
                with runner.run(CLIP, Path(folder)) as result:
                    frames = result.decoded
                best = min(best, (time.perf_counter() - start) / frames)
    return best


def main() -> None:
    """Print the table."""
    nursery = Nursery.start()  # before this process has sessions of its own
    print(f"{CLIP.name}, best of {ROUNDS}, ms per frame, no files written")
    print(f"{'profile':<10}{'workers':>8}{'one view':>10}{'three':>8}{'ratio':>7}{'frames/s, three':>17}")
    for profile in ("openface-pfld", "hybrid", "open"):
        for workers in (0, 2):
            one = seconds_per_frame(profile, (View.ORIGINAL,), workers, nursery)
            three = seconds_per_frame(profile, tuple(View), workers, nursery)
            print(f"{profile:<10}{workers:>8}{one * 1e3:>10.2f}{three * 1e3:>8.2f}{three / one:>7.2f}{1 / three:>17.0f}")
    nursery.close()


if __name__ == "__main__":
    main()
