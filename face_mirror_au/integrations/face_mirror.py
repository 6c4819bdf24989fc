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

from face_mirror_au.errors import FaceMirrorAUError, LandmarksError
from face_mirror_au.files import READ_AND_WRITE, atomic_binary
from face_mirror_au.integrations.binding import bound, wrap_detector
from face_mirror_au.integrations.forms import MAIN
from face_mirror_au.integrations.host_runner import HostRunner
from face_mirror_au.integrations.host_video import HostVideo, HostVideoReport, SideTable
from face_mirror_au.integrations.mirrored_files import SIDES, FileStamp, file_stamp, same_path
from face_mirror_au.integrations.ordering import HostFrame
from face_mirror_au.integrations.points import ibug_points
from face_mirror_au.records import check_image

logger = logging.getLogger(__name__)

HOST_WAIT_S = 10.0
CLOSED = "the application was closed while it was processed"
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
        self._delivered: dict[str, tuple[Path, FileStamp | None]] = {}
        self._off = ""
        self._turn = 0

    # Called by the application's threads

    def video_begins(self, processor: object, input_path: Any, output_dir: Any) -> object:
        """Follow the video, unless another one is still followed."""
        # First, and whether this one is followed or not: it may write the same files again.
        self._guarded("forget tables", lambda: self._forget(input_path, output_dir))
        return self._guarded("begin a video", lambda: self._begin(processor, input_path, output_dir))

    def video_ends(self, token: object, outputs: Any, error: BaseException | None) -> None:
        """Wait for its tables."""
        if isinstance(token, _Video):
            self._guarded("end a video", lambda: self._end(token, outputs, error))

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
            followed, self._video, self._off = self._video, None, CLOSED
        if followed is None:
            return
        followed.silence()
        self.reports.append(followed.video.report)
        self._guarded("give up a video", lambda: followed.video.abandon(CLOSED))

    # Inside the guard

    def _forget(self, input_path: Any, output_dir: Any) -> None:
        """The tables of an earlier turn of the same name, also where they were delivered: their videos are now written over."""
        for side in SIDES:
            stem = same_path(Path(output_dir) / f"{Path(input_path).stem}_{side.value}")
            for key in [key for key in self._tables if os.path.splitext(key)[0] == stem]:  # noqa: PTH122  (keys are text)
                del self._tables[key]
                path, stamp = self._delivered.pop(key, (None, None))
                if path is not None and file_stamp(path) == stamp:
                    path.unlink()

    def _begin(self, processor: object, input_path: Any, output_dir: Any) -> _Video | None:
        with self._lock:
            self._turn += 1
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
            video = HostVideo(self._runner, input_path, output_dir, self._host_wait_s, self._places, self._turn)
            self._video = _Video(video, processor, silence)
            return self._video

    def _end(self, token: _Video, outputs: Any, error: BaseException | None) -> None:
        try:
            report = token.video.end(outputs, None if error is None else type(error).__name__)
        finally:
            with self._lock:
                followed = self._video is token
                self._video = None if followed else self._video
            if followed:
                token.silence()
        if not followed:  # the application was closed meanwhile; the report is there
            return
        self.reports.append(report)
        self._tables.update({same_path(table.video): table for table in report.tables.values()})
        if report.error:
            self._note(
                f"'{report.label}' is left to the application's own AU stage: {report.error}",
                f"video {report.turn} of this session is left to the application's own AU stage",
            )
        else:
            # For the application's own log: who measured. No name in it.
            logger.info("video %d of this session was measured by face-mirror-au: %d rows in each table", report.turn, report.frames)
        if token.video.stuck:
            self._off = report.error
        elif report.error:
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
        if not passing.video.answers.is_measurement(points, details):
            return
        try:
            passing.frame = replace(passing.frame, points=ibug_points(points))
        except LandmarksError as error:
            passing.frame = replace(passing.frame, problem=str(error))
            self._note(str(error))

    def _deliver(self, video_path: Any, csv_path: Any, progress: Any) -> int | None:
        key = None if video_path is None or csv_path is None else same_path(video_path)
        table = self._tables.get(key or "")
        if key is None or table is None:
            return None
        if file_stamp(table.video) != table.stamp:
            self._note(f"'{table.video.name}' was changed after it was measured: the application measures it")
            return None
        target = Path(os.path.abspath(csv_path))  # noqa: PTH100  (the application may leave the working directory changed)
        with atomic_binary(target) as handle:
            if hasattr(os, "fchmod"):  # as the application's own files are, for who reads them with another account
                os.fchmod(handle.fileno(), table.video.stat().st_mode & READ_AND_WRITE)
            handle.write(table.path.read_bytes())
        self._delivered[key] = target, file_stamp(target)
        if callable(progress):
            self._guarded("report progress", lambda: _report_progress(progress, table.rows))
        return table.measured

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


class WrongPythonError(FaceMirrorAUError):
    """The application runs with another Python."""


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
    WrongPythonError
        When the application imports what this Python does not have.
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
        try:
            runpy.run_path(str(main), run_name="__main__")
        except ModuleNotFoundError as error:
            raise WrongPythonError(
                f"the application imports '{error.name}', which this Python ({sys.executable}) does not have; "
                "start this command with the Python that the application runs with"
            ) from error


def report_lines(plugin: HostPlugin) -> list[str]:
    """What a person should know at the end."""
    lines = []
    for report in plugin.reports:
        what = f"left to the application: {report.error}" if report.error else f"measured by the plugin, {report.frames} rows in each table"
        lines.append(f"{report.label}: {what}")
        lines += [f"  {line}" for line in report.lines]
    lines += [f"{count} times: {problem}" if count > 1 else problem for problem, count in plugin.problems.items()]
    return lines
