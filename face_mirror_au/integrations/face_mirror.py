"""The plugin inside the Face Mirror application: starts it with its frame loop and AU stage bound, editing none of its files.

The command is `face-mirror-au host APP_DIR`. See docs/face-mirror.md.
"""

from __future__ import annotations

import inspect
import logging
import os
import runpy
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from face_mirror_au.errors import LandmarksError
from face_mirror_au.files import atomic_binary
from face_mirror_au.integrations.binding import bound, wrap_detector
from face_mirror_au.integrations.forms import MAIN
from face_mirror_au.integrations.host_runner import HostRunner
from face_mirror_au.integrations.host_video import HostVideo, HostVideoReport, SideTable
from face_mirror_au.integrations.ordering import HostFrame
from face_mirror_au.integrations.points import ibug_points
from face_mirror_au.records import check_image
from face_mirror_au.run.outputs import HOST_TABLES

logger = logging.getLogger(__name__)

HOST_WAIT_S = 10.0
_AU_STAGE = "openface"

Result = TypeVar("Result")


@dataclass(slots=True)
class _Video:
    """A video that is followed."""

    video: HostVideo
    processor: object
    silence: Callable[[], None]


@dataclass(slots=True)
class _Passing:
    """A frame in the thread that does it."""

    video: HostVideo
    original: object
    frame: HostFrame
    found: bool = False


class HostPlugin:
    """Listens to the application; see `binding.Listener`. Nothing of it raises, and nothing that the application made is changed.

    Parameters
    ----------
    runner : HostRunner
        Its workers started.
    host_wait_s : float
        How long a thread of the application waits for a place before its frame becomes an empty row.
    places : int, optional
        See `OrderedFrames`.

    Attributes
    ----------
    reports : list of HostVideoReport
        One for each video that was followed.
    problems : Counter of str
        What went wrong on our side, and how often.
    """

    def __init__(self, runner: HostRunner, host_wait_s: float = HOST_WAIT_S, places: int | None = None) -> None:
        self.reports: list[HostVideoReport] = []
        self.problems: Counter[str] = Counter()
        self._runner = runner
        self._host_wait_s = host_wait_s
        self._places = places
        self._lock = threading.Lock()
        self._video: _Video | None = None
        self._here = threading.local()
        self._tables: dict[str, SideTable] = {}
        self._off = ""

    # Called by the application's threads

    def video_begins(self, processor: object, input_path: Any, output_dir: Any) -> object:
        """Follow the video, unless another one is still followed."""
        return self._guarded("begin a video", lambda: self._begin(processor, input_path, output_dir))

    def video_ends(self, token: object, error: BaseException | None) -> None:
        """Wait for its tables."""
        if isinstance(token, _Video):
            self._guarded("end a video", lambda: self._end(token, error))

    def frame_begins(self, processor: object, frame_data: Any) -> object:
        """Take a copy of the frame."""
        return self._guarded("take a frame", lambda: self._begin_frame(processor, frame_data))

    def landmarks_found(self, frame: Any, found: Any) -> None:
        """Keep the landmarks, when they are those of the frame that this thread does."""
        self._guarded("read landmarks", lambda: self._read_landmarks(frame, found))

    def frame_ends(self, token: object) -> None:
        """Hand the frame in; waits when there is no place."""
        if isinstance(token, _Passing):
            self._here.passing = None
            self._guarded("hand a frame in", lambda: token.video.frames.put(token.frame))

    def action_units_wanted(self, video_path: Any, csv_path: Any, progress: Any) -> int | None:
        """Put the finished table where the application wants it."""
        return self._guarded("put a table in place", lambda: self._deliver(video_path, csv_path, progress))

    def not_bound(self, what: str) -> None:
        """Remember it: the application goes on without us."""
        self._note(f"the application has no {what}; it runs without the plugin")

    # Called by who started it

    def close(self) -> None:
        """Give up the video that is followed, if there is one: the application has ended. The runner may be closed then."""
        with self._lock:
            followed, self._off = self._video, "the application has ended"
        if followed is not None:
            self._guarded("give up a video", lambda: followed.video.abandon(self._off))

    # Inside the guard

    def _begin(self, processor: object, input_path: Any, output_dir: Any) -> _Video | None:
        with self._lock:
            if self._off:
                self._note(f"a video is not followed: {self._off}")
                return None
            if self._video is not None:
                self._note("two videos at a time: the second is not followed")
                return None
            silence = wrap_detector(processor, self)
            if silence is None:
                self._note("the application's loop has no detector with get_face_mesh; the video is not followed")
                return None
            video = HostVideo(self._runner, input_path, output_dir, self._host_wait_s, self._places)
            for side in HOST_TABLES:  # of an earlier run of the same video
                self._tables.pop(_mirrored_key(video, side.value), None)
            self._video = _Video(video, processor, silence)
            return self._video

    def _end(self, token: _Video, error: BaseException | None) -> None:
        try:
            report = token.video.end(None if error is None else type(error).__name__)
        finally:
            token.silence()
            with self._lock:
                self._video = None
        self.reports.append(report)
        for side, table in report.tables.items():
            self._tables[_mirrored_key(token.video, side.value)] = table
        if token.video.stuck:
            self._off = report.error
        elif report.error:
            self._note(
                f"'{report.label}' is left to the application's own AU stage: {report.error}",
                "a video is left to the application's own AU stage",
            )
            self._renew_workers()

    def _renew_workers(self) -> None:
        """After an error the pool is closed. The nursery makes new workers; without one, forking or spawning now is not safe."""
        if not self._runner.loop.closed:
            return
        self._runner.drop_workers()
        if not self._runner.can_start_again:
            self._off = "the workers have ended"

    def _begin_frame(self, processor: object, frame_data: Any) -> _Passing | None:
        followed = self._video
        if followed is None or followed.processor is not processor:
            return None
        index, image = frame_data
        copied = followed.video.begin_frame(int(index), check_image(image))
        if copied is None:
            return None
        passing = _Passing(followed.video, image, copied)
        self._here.passing = passing
        return passing

    def _read_landmarks(self, frame: Any, found: Any) -> None:
        passing: _Passing | None = getattr(self._here, "passing", None)
        if passing is None or passing.found or not _same_picture(passing.original, frame):
            return
        passing.found = True
        points, details = found[0], found[1]
        # Where it finds no face, form E mirrors with the landmarks of another frame: good for a picture, no measurement.
        if points is None or (isinstance(details, dict) and details.get("reused")):
            return
        try:
            passing.frame = replace(passing.frame, points=ibug_points(points))
        except LandmarksError as error:
            passing.frame = replace(passing.frame, problem=str(error))
            self._note(str(error))

    def _deliver(self, video_path: Any, csv_path: Any, progress: Any) -> int | None:
        if video_path is None or csv_path is None:
            return None
        table = self._tables.get(_key(video_path))
        if table is None:
            return None
        with atomic_binary(Path(csv_path)) as handle:
            handle.write(table.path.read_bytes())
        if callable(progress):
            self._guarded("report progress", lambda: _report_progress(progress, table.rows))
        return table.rows

    # How nothing is raised

    def _guarded(self, doing: str, step: Callable[[], Result]) -> Result | None:
        try:
            return step()
        except Exception as error:
            problem = f"could not {doing}: {type(error).__name__}: {error}"
            if not self.problems[problem]:  # one traceback of a kind, not one for each frame
                logger.debug("%s", problem, exc_info=True)
            # The error's own text may name a file.
            self._note(problem, f"could not {doing}: {type(error).__name__}")
            return None

    def _note(self, problem: str, logged: str = "") -> None:
        if not self.problems[problem]:
            logger.warning("%s", logged or problem)
        self.problems[problem] += 1


def _mirrored_key(video: HostVideo, view: str) -> str:
    return _key(video.output_dir / f"{video.label}_{view}")


def _key(path: str | Path) -> str:
    """A mirrored video without its ending, which differs between forms."""
    return os.path.normcase(os.path.splitext(os.path.abspath(path))[0])  # noqa: PTH100, PTH122


def _same_picture(one: object, other: object) -> bool:
    """The detector is asked for the frame itself; a copy of it will do, a picture of another size is another one."""
    return one is other or (isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and one.shape == other.shape)


def _report_progress(progress: Callable[..., object], rows: int) -> None:
    """The AU stage's callback takes three numbers; the loop's own begins with a stage, and knows this one."""
    first = next(iter(inspect.signature(progress).parameters), "")
    if first == "stage":
        progress(_AU_STAGE, rows, rows, "Action units were logged while mirroring", 0.0)
    else:
        progress(rows, rows, 0.0)


def run_application(folder: Path, plugin: HostPlugin) -> None:
    """Run the application's main.py in this process, as `python main.py` in its folder would.

    Parameters
    ----------
    folder : Path
    plugin : HostPlugin

    Raises
    ------
    SystemExit
        As the application raises it.
    """
    folder = folder.resolve()
    main = folder / MAIN
    arguments, path, cwd = sys.argv, list(sys.path), Path.cwd()
    with ExitStack() as stack:
        stack.callback(os.chdir, cwd)
        stack.callback(sys.path.__setitem__, slice(None), path)
        stack.callback(setattr, sys, "argv", arguments)
        sys.argv = [str(main)]
        sys.path.insert(0, str(folder))
        os.chdir(folder)
        stack.enter_context(bound(plugin))
        runpy.run_path(str(main), run_name="__main__")


def report_lines(plugin: HostPlugin) -> list[str]:
    """What a person should know at the end."""
    lines = []
    for report in plugin.reports:
        what = f"left to the application's own AU stage: {report.error}" if report.error else f"{report.frames} rows in each table"
        lines.append(f"{report.label}: {what}")
        lines += [f"  {line}" for line in report.lines]
    lines += [f"{count} times: {problem}" if count > 1 else problem for problem, count in plugin.problems.items()]
    return lines
