"""Sessions of the host double with random names, failures and cancellations: whose table is whose, and what is left behind.

Every delivered table must be the one of the clip that its mirrored video shows; no process and no half-made file may outlive a session; the
double's own outputs must be those that it makes without the plugin. Writes one line for each kind of session, and every breach.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "integrations"))

from host_fixtures import SIDES, Double, leftovers  # noqa: E402  (lies among the tests)

CLIPS = ("smile_left", "smile_right", "blink_left", "sneer_right")
NAMES = ("a.mkv", "a b.mkv", "2024.05.12 P.mkv", "IMG_1.5.v2.mkv", "x_left_mirrored.mkv", "Zoë Ü.mkv", "..mkv.mkv", "debug.mkv", "日本.mkv")
FRAMES, FIRST = 6, 24
# What happens to a video, how often, and what the double is told.
MISHAPS: dict[str, tuple[int, Any]] = {
    "nothing": (6, None),
    "the encoder writes nothing": (1, ("encoder_ends", 0)),
    "the encoder ends early": (1, ("encoder_ends", 3)),
    "the loop fails": (1, ("fails_at", None)),
    "a frame is left out": (1, ("left_out", None)),
    "the window is closed": (1, ("close_at", None)),
}


@dataclass
class Tally:
    """What came of the sessions."""

    delivered: int = 0
    left: int = 0
    sessions: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)


def job_of(random_: random.Random, videos: int) -> tuple[dict[str, Any], list[str]]:
    """What the double shall do, and in words what happens to each video."""
    job: dict[str, Any] = {"unsmoothed": True, "shuffled": random_.random() < 0.5, "lives_on": random_.random() < 0.3}
    happens = random_.choices(list(MISHAPS), [weight for weight, _ in MISHAPS.values()], k=videos)
    for video, what in enumerate(happens):
        told = MISHAPS[what][1]
        if told is not None:
            key, value = told
            job.setdefault(key, []).append([video, random_.randrange(1, FRAMES - 1) if value is None else value])
    return job, happens


def shown(video: Path) -> int | None:
    """The number of the video that a mirrored one shows; None when it cannot be read."""
    capture = cv2.VideoCapture(str(video))
    got, frame = capture.read()
    capture.release()
    return round(float(frame[4:12, 4:12].mean()) / 16) if got else None


def outputs_of_the_application(double: Double) -> dict[str, object]:
    """All that it makes itself: videos byte for byte, and what its AU stage counted."""
    files = {path.name: path.read_bytes() for path in double.output.rglob("*.mp4") if "Face Mirror AU" not in path.parts}
    return {**files, "counts": [(each.get("csv"), each.get("count")) for each in double.result["au"]]}


class Expected:
    """The tables of each clip in each form, from a session in which nothing happens; made when a form is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: dict[str, dict[tuple[str, str], str]] = {}

    def tables(self, form: str) -> dict[tuple[str, str], str]:
        """By clip and side."""
        if form not in self._found:
            double = Double(self._folder / form, form, CLIPS, FRAMES, job={"unsmoothed": True}, first=FIRST)
            done = double.start()
            if done.returncode:
                raise RuntimeError(done.stderr)
            found = {(clip, side): double.table(side, number) for number, clip in enumerate(CLIPS) for side in SIDES}
            if len(set(found.values())) != len(found):
                raise RuntimeError("two clips have the same table: nothing could be told apart")
            self._found[form] = found
        return self._found[form]


def check_tables(
    double: Double, clips: tuple[str, ...], expected: dict[tuple[str, str], str], tally: Tally, breach: Callable[[str], None]
) -> None:
    """Compare each delivered table with that of the clip which its video shows."""
    for table in double.combined.glob("*.csv") if double.combined.exists() else ():
        content = table.read_text()
        if content.startswith("by the application"):
            tally.left += 1
            continue
        tally.delivered += 1
        video = shown(double.output / "Face Mirror 1.0 Output" / f"{table.stem}.mp4")
        side = next(side for side in SIDES if table.stem.endswith(side))
        if video is None or content != expected[clips[video], side]:
            breach(f"{table.name} is not the table of its video ({video})")


def try_session(folder: Path, number: int, seed: int, expected: Expected, tally: Tally) -> None:
    """One session with the plugin, and the same without it."""
    random_ = random.Random(1000 * seed + number)  # noqa: S311
    form, videos = random_.choice("CDE"), random_.randint(1, 3)
    clips = tuple(random_.choices(CLIPS, k=videos))
    names = tuple(random_.choices(NAMES, k=videos))
    job, happens = job_of(random_, videos)
    double = Double(folder / "with", form, clips, FRAMES, names, job, FIRST)
    done = double.start()
    tally.sessions.update(happens)

    def breach(what: str) -> None:
        tally.breaches.append(f"session {number}, form {form}, {names}, {happens}: {what}")

    # Python that ends while a thread is inside of OpenCV may abort, with the plugin or without.
    closed = "the window is closed" in happens
    if done.returncode not in ({0, -signal.SIGABRT} if closed else {0}) or "Traceback" in done.stderr:
        breach(f"ended with {done.returncode}: {done.stderr[-500:]}")
    for what in leftovers(double):
        breach(f"left behind: {what}")
    check_tables(double, clips, expected.tables(form), tally, breach)
    if closed:
        return  # how far a closed application came is chance
    alone = Double(folder / "without", form, clips, FRAMES, names, job, FIRST)
    alone.start(plugin=False)
    with_plugin, without = outputs_of_the_application(double), outputs_of_the_application(alone)
    differ = [name for name in with_plugin | without if with_plugin.get(name) != without.get(name)]
    if differ:
        breach(f"the application's outputs differ: {differ}")


def main(arguments: list[str] | None = None) -> int:
    """Run them; 1 when there was a breach."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no session after that")
    given = parser.parse_args(arguments)
    tally, began = Tally(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sessions-") as made:
        expected = Expected(Path(made) / "expected")
        done = 0
        for number in range(given.sessions):
            if time.monotonic() - began > given.seconds:
                break
            with tempfile.TemporaryDirectory(dir=made) as folder:
                try_session(Path(folder), number, given.seed, expected, tally)
            done += 1
    print(f"{done} sessions, {tally.sessions.total()} videos, {time.monotonic() - began:.0f} s")
    for what, count in tally.sessions.most_common():
        print(f"  {count} videos: {what}")
    print(f"{tally.delivered} tables delivered, {tally.left} left to the application, {len(tally.breaches)} breaches")
    for line in tally.breaches:
        print(f"  {line}")
    return bool(tally.breaches)


if __name__ == "__main__":
    sys.exit(main())
