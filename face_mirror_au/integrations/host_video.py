"""One video of the application, measured beside its loop: frames in from its threads, tables in a folder of our own at its end."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from face_mirror_au.files import result_stem
from face_mirror_au.integrations.host_runner import HostRunner
from face_mirror_au.integrations.ordering import HostFrame, OrderedFrames
from face_mirror_au.integrations.timestamps import FrameTimes, read_frame_times
from face_mirror_au.pipeline.online import OnlineValues
from face_mirror_au.records import Image, View, ViewTable
from face_mirror_au.results.metadata import hash_input, write_metadata
from face_mirror_au.results.names import ONLINE
from face_mirror_au.results.work_folder import WorkFolder
from face_mirror_au.run.outputs import OutputPlan, points_in_3d, run_metadata, write_dictionary, write_sides, write_table
from face_mirror_au.run.runner import VideoResult
from face_mirror_au.tables.formats import FACE_MIRROR, RAW, SIDES
from face_mirror_au.tables.raw_log import OnlineLog
from face_mirror_au.tables.table_format import TableFormat
from face_mirror_hooks.records import ViewResult

logger = logging.getLogger(__name__)

# Beside the application's own folders, not in them: what reads those takes any CSV for a patient.
OWN_FOLDER = "Face Mirror AU"
APPLICATION_FOLDER = "Combined Data"
# No "_left", "_right" or "mirrored" in our own names: the next programs go by these words.
SIDE_NAMES: Mapping[View, str] = {View.LEFT_MIRRORED: "left", View.RIGHT_MIRRORED: "right"}
# With more frames lost on our side than this share, the application's own AU stage is asked instead.
MAX_LOST_SHARE = 0.02
# Longer than the workers' own limits: after this long without a frame done, something is wrong with us.
STALL_S = 360.0
_TICK_S = 0.5
_END_S = 5.0


@dataclass(frozen=True, slots=True)
class SideTable:
    """A finished table of a mirrored view.

    Attributes
    ----------
    path : Path
        In our own folder.
    rows : int
    """

    path: Path
    rows: int


@dataclass(slots=True)
class HostVideoReport:
    """What came of a video.

    Attributes
    ----------
    label : str
    frames : int
        Rows of each table.
    lines : list of str
        For a person.
    tables : dict of View to SideTable
        Those that are complete.
    error : str
        Why there are none; empty when there are.
    """

    label: str
    frames: int = 0
    lines: list[str] = field(default_factory=list)
    tables: dict[View, SideTable] = field(default_factory=dict)
    error: str = ""


class HostVideo:
    """A video under way.

    Parameters
    ----------
    runner : HostRunner
    input_path, output_dir : str or PathLike
        As the application's `process_video` got them.
    host_wait_s : float
        How long a thread of the application waits for a place.
    places : int, optional
        See `OrderedFrames`.
    """

    def __init__(
        self, runner: HostRunner, input_path: str | Path, output_dir: str | Path, host_wait_s: float, places: int | None = None
    ) -> None:
        # The application may leave the working directory changed.
        self.input_path = Path(os.path.abspath(input_path))  # noqa: PTH100  (resolve() would follow links)
        self.output_dir = Path(os.path.abspath(output_dir))  # noqa: PTH100
        self.label = result_stem(self.input_path)
        self.folder = self.output_dir.parent / OWN_FOLDER / self.label
        self.frames = OrderedFrames(host_wait_s, places)
        self.report = HostVideoReport(self.label)
        self._runner = runner
        self._began = time.time()
        self._seen = time.monotonic()
        self._thread = threading.Thread(target=self._work, name="face-mirror-au", daemon=True)
        self._thread.start()

    def begin_frame(self, index: int, image: Image) -> HostFrame | None:
        """Take a copy of a frame, before the application draws on it; None when the frame is not wanted."""
        if not self.frames.begin(index, image):
            return None
        try:
            return HostFrame(index, image.copy())
        except BaseException:
            self.frames.put(HostFrame(index, None, problem="no memory for a copy of this frame"))
            raise

    def end(self, error: str | None) -> HostVideoReport:
        """Wait for the rest, after the application's last frame.

        Parameters
        ----------
        error : str or None
            What the application's `process_video` raised, if it did.
        """
        if error is not None:
            self.frames.give_up(f"the application ended the video with an error ({error})")
        self.frames.close()
        self._seen = time.monotonic()
        while self._thread.is_alive():
            self._thread.join(_TICK_S)
            if time.monotonic() - self._seen > STALL_S:
                self.frames.give_up("the workers do not answer")
                self.report.error = "the workers do not answer"
                break
        return self.report

    def abandon(self, reason: str) -> None:
        """Stop measuring: the application ends."""
        self.frames.give_up(reason)
        self._thread.join(_END_S)

    @property
    def stuck(self) -> bool:
        """True when the thread that owns the workers did not end."""
        return self._thread.is_alive()

    # In our own thread, which is the only one that uses the workers

    def _work(self) -> None:
        try:
            size = self.frames.wait_for_size()
            if size is None:
                self.report.error = "no frame came"
                return
            self._measure(size)
        except BaseException as error:
            # No name in logs: the error's own text, which may hold one, is told in the report.
            logger.error("a video could not be measured beside the application's loop: %s", type(error).__name__)  # noqa: TRY400
            logger.debug("a video could not be measured", exc_info=True)
            self.report.error = str(error) or type(error).__name__
            self.report.tables.clear()
            self.frames.give_up(self.report.error)

    def _times(self) -> FrameTimes:
        """Of the file that the loop reads: the one that the application turned upright, when it made one for this run."""
        source = self.output_dir.parent / APPLICATION_FOLDER / f"{self.label}_source{self.input_path.suffix}"
        if source.is_file() and source.stat().st_mtime >= self._began - 2.0:
            return read_frame_times(source)
        return read_frame_times(self.input_path)

    def _measure(self, size: tuple[int, int]) -> None:
        plan = OutputPlan(self.folder / f"{self.label}.csv", own_folder=True)
        plan.check()
        with WorkFolder(plan.place) as work:
            work.begin()
            self._fill(work.path, plan.inside(work.path), size)

    def _fill(self, folder: Path, plan: OutputPlan, size: tuple[int, int]) -> None:
        """Write all files of the result into a folder."""
        with ExitStack() as stack:
            log = stack.enter_context(OnlineLog(plan.beside(ONLINE)))

            def on_row(index: int, time_s: float, result: ViewResult, values: OnlineValues) -> None:
                self._seen = time.monotonic()
                log.append_result(index, time_s, result, values.raw)

            result = stack.enter_context(
                self._runner.run_frames(self.frames, self._times(), size, self.label, folder, on_row),
            )
            self._write(result, plan)

    def _write(self, result: VideoResult, plan: OutputPlan) -> None:
        runner, report = self._runner, self.report
        report.frames = result.decoded
        report.lines = [f"{view.value}: {result.reconciliation(view)}" for view in result.tables]
        sides: dict[View, SideTable] = {}
        held: list[tuple[str, TableFormat]] = []
        for view, table in result.tables.items():
            if view is View.ORIGINAL:
                _, made = write_table(table, plan, points_in_3d(runner, result, table), strict=runner.settings.strict)
                held += [("", made), ("", RAW), *(("", SIDES) for _ in write_sides(table, plan))]
            else:
                path = plan.beside(f".{SIDE_NAMES[view]}.csv")
                FACE_MIRROR.write_view(table, path)
                sides[view] = SideTable(self.folder / path.name, len(table.success))
        if result.tables:
            RAW.write_views(list(result.tables.values()), plan.beside(".raw.csv"))
            write_dictionary(held, plan, runner, result.models)
        report.error = self._why_incomplete(result.tables)
        counts = self.frames.counts
        if counts.waits:
            report.lines.append(f"{counts.waits} times the application waited for the workers, {counts.waited_s:.1f} s in all threads")
        metadata = run_metadata(result, plan, runner, hash_input(self.input_path), report.lines)
        metadata["application"] = {**asdict(counts), "own_au_stage": report.error}
        write_metadata(plan.beside(".metadata.json"), metadata)
        if not report.error:
            report.tables = sides

    def _why_incomplete(self, tables: Mapping[View, ViewTable]) -> str:
        """Why the application should measure the mirrored videos itself; empty when it need not."""
        if not tables:
            return "the action units are blocked"
        counts, frames = self.frames.counts, self.report.frames
        lost = counts.timed_out + counts.never_came
        if lost > MAX_LOST_SHARE * frames:
            return f"{lost} of {frames} frames were lost"
        empty = [view.value for view, table in tables.items() if view is not View.ORIGINAL and not np.asarray(table.success).any()]
        return f"no frame of {' and '.join(empty)} could be measured" if empty else ""
