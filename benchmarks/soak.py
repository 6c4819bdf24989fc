"""Many frames, many videos, many lost workers in one process, and what it holds: `python -m benchmarks.soak`. Needs ../shared; Linux only.

200,000 frames of three views in 60 videos of other sizes and lengths, each with all its files, as a batch would make them; every 1,000
frames a worker is killed. The oldest worker is spared, so that it would show what grows in a worker. One video is long: memory inside it is
looked at from its 4,000th frame on, when all descriptors that are kept have come. Between videos everything is counted when the workers are
idle. Ends with a verdict for each promise, and exit code 1 when one is broken. Ctrl-C: the video under way is the last but one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from benchmarks import ROOT
from benchmarks.census import Census, has_frames
from benchmarks.scale import looped
from face_mirror_au.cli.options import PRELOAD
from face_mirror_au.loop.nursery import Nursery
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.records import View
from face_mirror_au.report.page_writer import write_page
from face_mirror_au.run.delivery import RecordingReport, Wanted, deliver
from face_mirror_au.run.outputs import OutputPlan
from face_mirror_au.run.recordings import FileRecording
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings
from face_mirror_weights import Store

SHARED = ROOT.parent / "shared"
CLIP = "default.wmv"  # the first video and the last
LONG_CLIP = "2015-10-15-15-14.avi"
OTHER_CLIPS = (LONG_CLIP, "changeLighting.wmv", "multi_face.avi", CLIP)
SPREAD = (0.5, 1.0, 1.5)  # lengths of the others, in their mean
EARLY = 4_000
WHOSE = ("all processes", "parent", "oldest worker")


@dataclass(frozen=True)
class SoakSettings:
    """How long, and how hard.

    Attributes
    ----------
    frames, videos, workers : int
        `videos` is 4 or more.
    kill_every, sample_every : int
        Frames between two killed workers, and between two lines.
    long_share : float
        Part of all frames that is in the second video.
    slack_mb : float
        Growth over a series that is taken for none, MB.
    profile : str
    pages : bool
        Write report pages, too.
    """

    frames: int = 200_000
    videos: int = 60
    workers: int = 2
    kill_every: int = 1_000
    sample_every: int = 1_000
    long_share: float = 0.1
    slack_mb: float = 5.0
    profile: str = "openface-pfld"
    pages: bool = True

    def lengths(self) -> list[int]:
        """Frames of each video."""
        ends = min(288, self.frames // self.videos)
        long = int(self.frames * self.long_share)
        middle = self.videos - 3
        shares = np.array([SPREAD[number % len(SPREAD)] for number in range(middle)])
        others = ((self.frames - long - 2 * ends) * shares / shares.sum()).astype(int)
        long = self.frames - 2 * ends - int(others.sum())
        return [ends, long, *others.tolist(), ends]


@dataclass(frozen=True)
class Series:
    """A quantity in MB over frames.

    Attributes
    ----------
    name : str
    frames, values : list of float
    """

    name: str
    frames: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, frame: float, value: float) -> None:
        """One more point."""
        self.frames.append(frame)
        self.values.append(value)

    def slope(self) -> tuple[float, float]:
        """Least-squares slope and its standard error, MB for 100,000 frames; with fewer than three points, no error is known."""
        x, y = np.array(self.frames) / 100_000, np.array(self.values)
        if len(x) < 2:
            return 0.0, float("nan")
        away = x - x.mean()
        slope = float(away @ y / (away @ away))
        residuals = y - y.mean() - slope * away
        error = float(np.sqrt(residuals @ residuals / (len(x) - 2) / (away @ away))) if len(x) > 2 else float("nan")
        return slope, error

    def verdict(self, slack_mb: float) -> tuple[bool, str]:
        """Whether it is flat: the slope within twice its error, or what it comes to over the series within the slack."""
        if len(self.frames) < 2:
            return False, f"{self.name}: too few points"
        slope, error = self.slope()
        growth = slope * (self.frames[-1] - self.frames[0]) / 100_000
        text = (
            f"{self.name}: {self.values[0]:.1f} MB at frame {self.frames[0]:.0f}, {self.values[-1]:.1f} at {self.frames[-1]:.0f}; slope "
            f"{slope:+.2f} +- {error:.2f} MB per 100,000 frames, {growth:+.1f} MB in {len(self.frames)} points"
        )
        return growth <= slack_mb or slope <= 2 * error, text


@dataclass
class Soak:
    """What was seen. Its methods are called while videos run.

    Attributes
    ----------
    done : int
        Frames so far.
    killed : list of int
        Process ids.
    inside : list of Series
        Memory inside the long video, in the order of `WHOSE`.
    between : list of Series
        The same after each video from the second on.
    idle : dict of int to Census
        After each video.
    """

    settings: SoakSettings
    runner: VideoRunner
    done: int = 0
    killed: list[int] = field(default_factory=list)
    inside: list[Series] = field(default_factory=lambda: _series("inside the long video"))
    between: list[Series] = field(default_factory=lambda: _series("between videos"))
    idle: dict[int, Census] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.spared = self.runner.loop.worker_pids[0]
        self._processes = len(Census.take().processes)
        long = self.settings.lengths()[1]
        self._early = EARLY if long > 2 * EARLY else long // 4
        self._start = time.perf_counter()
        self._video, self._frame = 0, 0
        self._due = 0
        self._lines = 0

    def begin(self, video: int) -> None:
        """A video begins; counted from 1."""
        self._video, self._frame = video, 0

    def advance(self) -> None:
        """A frame is done."""
        self.done += 1
        self._frame += 1
        if self.done % self.settings.sample_every == 0:
            census = Census.take()
            self.tell(census)
            if self._video == 2 and self._frame >= self._early:
                self._add(self.inside, self._frame, census)
        if self.done % self.settings.kill_every == 0:
            self._due += 1
        if self._due and self._video < self.settings.videos:  # what is killed at the very end is not replaced
            self._kill()

    def end(self) -> None:
        """A video has ended."""
        census = self.idle[self._video] = Census.take_when_quiet()
        complete = self._complete(census)
        self.tell(census, "idle" if complete else "idle, a worker is missing")
        if self._video >= 2 and complete:
            self._add(self.between, self.done, census)

    def tell(self, census: Census, note: str = "") -> None:
        """One line."""
        own, workers = os.getpid(), self.runner.loop.worker_pids
        others = [each for pid, each in census.processes.items() if pid != own]
        figures = {
            "frames": self.done,
            "video": self._video,
            "frame": self._frame,
            "s": round(time.perf_counter() - self._start),
            "PSS MB": f"{census.total('pss'):.1f}",
            "own MB": f"{census.total('memory'):.1f}",
            "parent": f"{census.memory_of(own):.1f}",
            "oldest": f"{census.memory_of(self.spared):.1f}",
            "workers": f"{sum(census.memory_of(pid) for pid in workers if pid != self.spared):.1f}",
            "fds": census.processes[own].descriptors,
            "others": sum(each.descriptors for each in others),
            "threads": census.processes[own].threads,
            "others'": sum(each.threads for each in others),
            "ring": sum(each.ring_blocks for each in census.processes.values()),
            "shm": len(census.named_blocks),
            "zombies": sum(each.zombie for each in others),
            "killed": len(self.killed),
        }
        if not self._lines:
            print(*(f"{name:>8}" for name in figures))
        self._lines += 1
        print(*(f"{value!s:>8}" for value in figures.values()), note, flush=True)

    def verdicts(self, same: bool) -> Iterator[tuple[bool, str]]:
        """Each promise: kept or not, and the figures."""
        for series in (*self.inside, *self.between):
            yield series.verdict(self.settings.slack_mb)
        # A worker that is lost with the last frames of a video is replaced in the next one.
        video, first = next((video, each) for video, each in self.idle.items() if video >= 2 and self._complete(each))
        last, own = self.idle[self._video], os.getpid()
        when = f"after video {video}, {{}} after video {self._video}"
        for name, before, after in (
            ("open descriptors of the parent", first.processes[own].descriptors, last.processes[own].descriptors),
            ("open descriptors of all processes", first.total("descriptors"), last.total("descriptors")),
            ("threads", first.total("threads"), last.total("threads")),
            ("processes", len(first.processes), len(last.processes)),
        ):
            yield after <= before, f"{name}: {before:.0f} " + when.format(int(after))
        yield self._complete(last), f"processes in the end: {len(last.processes)} of {self._processes}"
        for name, what in (("pieces of the ring still mapped", "ring_blocks"), ("zombies", "zombie")):
            most = max(census.total(what) for census in self.idle.values() if self._complete(census))
            yield most == 0, f"{name} between videos: {most:.0f} at most"
        new = Census.lasting_names(self.idle[1].named_blocks)
        yield not new, f"new shared memory with a name, of any Python program: {', '.join(sorted(new)) or 'none'}"
        losses = [loss.worker.pid for loss in self.runner.loop.losses]
        yield losses == self.killed, f"workers killed: {len(self.killed)}, lost and replaced: {len(losses)}"
        yield self.done == self.settings.frames, f"frames: {self.done} of {self.settings.frames}"
        yield same, f"tables of video {self._video} and of video 1: {'equal to the byte' if same else 'different'}"

    def _complete(self, census: Census) -> bool:
        return len(census.processes) == self._processes and census.total("zombie") == 0

    def _kill(self) -> None:
        """Kill the youngest worker as soon as it is at work."""
        pids = self.runner.loop.worker_pids
        youngest = pids[-1]  # replacements come last
        if (youngest == self.spared and len(pids) > 1) or not has_frames(youngest):
            return
        os.kill(youngest, signal.SIGKILL)
        self.killed.append(youngest)
        self._due -= 1

    def _add(self, to: list[Series], frame: int, census: Census) -> None:
        everything = census.total("memory")
        for series, value in zip(to, (everything, census.memory_of(os.getpid()), census.memory_of(self.spared)), strict=True):
            series.add(frame, value)


def _series(where: str) -> list[Series]:
    return [Series(f"memory {where}, {whose}") for whose in WHOSE]


def soak(settings: SoakSettings, folder: Path, nursery: Nursery | None, stop: Event) -> tuple[Soak, list[tuple[bool, str]]]:
    """Run it, and print a line every so many frames.

    Parameters
    ----------
    settings : SoakSettings
    folder : Path
        For inputs and outputs; 10 kB for each frame of the longest video.
    nursery : Nursery or None
    stop : Event
        When it is set, the video under way is the last but one.
    """
    plan = plan_models(Store([SHARED / "weights"]), settings.profile)
    run_settings = RunSettings(views=tuple(View), workers=settings.workers)
    with VideoRunner(plan, run_settings, nursery=nursery) as runner:
        seen = Soak(settings, runner)
        for number, frames in enumerate(settings.lengths(), start=1):
            if stop.is_set() and number < settings.videos:
                continue
            first_or_last = number in {1, settings.videos}
            clip = CLIP if first_or_last else LONG_CLIP if number == 2 else OTHER_CLIPS[number % len(OTHER_CLIPS)]
            video = folder / f"{'clip' if first_or_last else number}{Path(clip).suffix}"
            if not video.exists():
                looped(SHARED / "media" / clip, frames, video)
            seen.begin(number)
            _measure(runner, video, folder / str(number), seen.advance, pages=settings.pages)
            seen.end()
            if not first_or_last:
                shutil.rmtree(folder / str(number))
                video.unlink()
        same = _equal_tables(folder / "1", folder / str(settings.videos))
        return seen, list(seen.verdicts(same))


def _measure(runner: VideoRunner, video: Path, folder: Path, on_advance: Callable[[], None], *, pages: bool) -> None:
    report = RecordingReport(video.name)
    plan = OutputPlan(folder / f"{video.stem}.csv")
    deliver(runner, FileRecording(video), plan, report, Wanted(page=write_page if pages else None, on_advance=on_advance))
    if report.problems:
        raise SystemExit(f"{video.name}: {'; '.join(report.problems)}")


def _equal_tables(one: Path, other: Path) -> bool:
    names = sorted(path.name for path in one.glob("*.csv"))
    same_names = names == sorted(path.name for path in other.glob("*.csv"))
    return bool(names) and same_names and all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def main() -> int:
    """Print lines and verdicts; the exit code."""
    parser = argparse.ArgumentParser(description="Many frames, many videos, many lost workers in one process.")
    for each in fields(SoakSettings):
        default: Any = each.default
        kind = {"action": argparse.BooleanOptionalAction} if isinstance(default, bool) else {"type": type(default)}
        parser.add_argument(f"--{each.name.replace('_', '-')}", default=default, **kind)
    parser.add_argument("--folder", type=Path, default=None, help="for inputs and outputs; the system's temporary folder when not given")
    given = vars(parser.parse_args())
    place = given.pop("folder")
    nursery, stop = Nursery.start(PRELOAD), Event()
    signal.signal(signal.SIGINT, lambda _number, _frame: stop.set())
    with tempfile.TemporaryDirectory(dir=place) as folder:
        _, verdicts = soak(SoakSettings(**given), Path(folder), nursery, stop)
    nursery.close()
    for kept, text in verdicts:
        print(f"{'ok  ' if kept else 'FAIL'} {text}")
    return 0 if all(kept for kept, _ in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
