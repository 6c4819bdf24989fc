"""One video of the application, measured beside its loop: frames in from its threads, tables in a folder of our own at its end."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from face_mirror_au.files import result_stem
from face_mirror_au.integrations.host_runner import HostRecording, HostRunner, HostSource
from face_mirror_au.integrations.mirrored_files import SIDES, FileStamp, file_stamp, mirrored_files, what_is_missing
from face_mirror_au.integrations.ordering import HostFrame, OrderedFrames
from face_mirror_au.integrations.points import DetectorAnswers
from face_mirror_au.integrations.serving import APPLICATION
from face_mirror_au.integrations.timestamps import FrameTimes, read_frame_times
from face_mirror_au.records import Image, View, ViewTable
from face_mirror_au.results.names import SOURCES_OF_HOST
from face_mirror_au.run.delivery import RecordingReport, Wanted, deliver
from face_mirror_au.run.outputs import OutputPlan
from face_mirror_au.run.video_result import VideoResult
from face_mirror_au.tables.formats import SOURCES
from face_mirror_au.tables.table_format import TableFormat
from face_mirror_au.wording import counted

logger = logging.getLogger(__name__)

# Beside the application's own folders, not in them: what reads those takes any CSV for a patient.
OWN_FOLDER = "Face Mirror AU"
APPLICATION_FOLDER = "Combined Data"
# With more empty rows than this share, the application's own AU stage is asked instead.
MAX_EMPTY_SHARE = 0.02
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
    measured : int
        Rows without an empty cell, see `_complete_rows`.
    video : Path
        The application's mirrored video that it belongs to.
    stamp : FileStamp
        Of that video, when its frames were counted.
    """

    path: Path
    rows: int
    measured: int
    video: Path
    stamp: FileStamp


@dataclass(slots=True)
class HostVideoReport:
    """What came of a video.

    Attributes
    ----------
    label : str
    turn : int
        Which video of the session it is, from 1: the same name may come twice.
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
    turn: int = 1
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
    turn : int
        Which video of the session it is, from 1.
    """

    def __init__(
        self,
        runner: HostRunner,
        input_path: str | Path,
        output_dir: str | Path,
        host_wait_s: float,
        places: int | None = None,
        turn: int = 1,
    ) -> None:
        # The application may leave the working directory changed.
        self.input_path = Path(os.path.abspath(input_path))  # noqa: PTH100  (resolve() would follow links)
        self.output_dir = Path(os.path.abspath(output_dir))  # noqa: PTH100
        self.label = result_stem(self.input_path)
        self.folder = self.output_dir.parent / OWN_FOLDER / self.label
        self.frames = OrderedFrames(host_wait_s, places)
        self.answers = DetectorAnswers()
        self.report = HostVideoReport(self.label, turn)
        self._abandoned = False
        self._mirrored: dict[View, Path] = {}
        self._stamps: dict[View, FileStamp] = {}
        self._measured: dict[View, int] = {}
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

    def end(self, outputs: object, error: str | None) -> HostVideoReport:
        """Wait for the rest, after the application's last frame.

        Parameters
        ----------
        outputs : list of str
            What the application's `process_video` returned: the files that it wrote.
        error : str or None
            What the application's `process_video` raised, if it did.
        """
        if error is not None:
            self.frames.give_up(f"the application ended the video with an error ({error})")
        self._mirrored = mirrored_files(outputs, self.output_dir, self.input_path.stem)
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
        self._abandoned = True
        self.report.error = reason
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
            if not self._abandoned:
                # No name in logs: the error's own text, which may hold one, is told in the report.
                logger.error("a video could not be measured beside the application's loop: %s", type(error).__name__)  # noqa: TRY400
                logger.debug("a video could not be measured", exc_info=True)
                self.report.error = str(error) or type(error).__name__
            self.report.tables.clear()
            self.frames.give_up(self.report.error)

    def _times(self) -> FrameTimes:
        """Of the file that the loop reads: the one that the application turned upright, when it made one for this run."""
        source = self.output_dir.parent / APPLICATION_FOLDER / f"{self.input_path.stem}_source{self.input_path.suffix}"
        if source.is_file() and source.stat().st_mtime >= self._began - 2.0:
            return read_frame_times(source)
        return read_frame_times(self.input_path)

    def _measure(self, size: tuple[int, int]) -> None:
        source = HostSource(self.frames, self._times(), size, self._runner.loop.store)
        recording = HostRecording(self.input_path, self.label, source)
        plan = OutputPlan(self.folder / f"{self.label}.csv", own_folder=True, for_host=True)
        wanted = Wanted(more_tables=self._write_sources, on_advance=self._advanced, on_result=self._told)
        try:
            deliver(self._runner, recording, plan, RecordingReport(self.label), wanted)
        except BaseException:
            # Half of a video that the application measures itself is of no use, and `recover` could not finish it.
            shutil.rmtree(plan.place.unfinished, ignore_errors=True)
            raise
        if not self.report.error:
            self.report.tables = {
                side: SideTable(plan.table(side), self.report.frames, self._measured[side], self._mirrored[side], self._stamps[side])
                for side in SIDES
            }

    def _advanced(self) -> None:
        self._seen = time.monotonic()

    def _write_sources(self, plan: OutputPlan) -> list[tuple[Path, TableFormat]]:
        """Whose landmarks each row of the original view rests on."""
        path = plan.beside(SOURCES_OF_HOST)
        SOURCES.write_cells(path, list(enumerate(self._runner.loop.sources, start=1)))
        return [(path, SOURCES)]

    def _told(self, result: VideoResult) -> dict[str, object]:
        """Put what came out into the report; returns more for the metadata."""
        report, counts = self.report, self.frames.counts
        report.frames = result.decoded
        report.lines = [f"{view.value}: {result.reconciliation(view)}" for view in result.tables]
        self._measured = {side: _complete_rows(result.tables[side]) for side in SIDES if side in result.tables}
        self._stamps = {side: stamp for side, path in self._mirrored.items() if (stamp := file_stamp(path)) is not None}
        report.error = self._why_incomplete()
        sources = Counter(self._runner.loop.sources)
        ours = sources.total() - sources[APPLICATION] - sources[""]
        if ours:
            report.lines.append(f"{counted(ours, 'row')} with landmarks of our own models: the application's failed there")
        if counts.waits:
            report.lines.append(f"{counts.waits} times the application waited for the workers, {counts.waited_s:.1f} s in all threads")
        measured_by = {"measured_by": "the application" if report.error else "face-mirror-au", "why": report.error}
        application = {**asdict(counts), **measured_by, "turn": report.turn, "rows_by_landmarks": dict(sources)}
        return {"application": application, "notes": [*result.notes, *report.lines]}

    def _why_incomplete(self) -> str:
        """Why the application should measure the mirrored videos itself; empty when it need not."""
        if not self._measured:
            return "the action units are blocked"
        frames = self.report.frames
        for side, measured in self._measured.items():
            if not measured:
                return f"no frame of {side.value} could be measured"
            if frames - measured > MAX_EMPTY_SHARE * frames:  # whatever the reason: who reads the table takes an empty cell for 0
                return f"{frames - measured} of {frames} rows of {side.value} have empty cells"
        return what_is_missing(self._mirrored, frames)


def _complete_rows(table: ViewTable) -> int:
    """Rows that were measured whole: a cell of a region that was not seen is empty, too, and is read as 0 by the application's analysis."""
    left_out = np.isnan(np.asarray(table.intensity)) & np.isfinite(np.asarray(table.raw))
    return int(np.count_nonzero(np.asarray(table.success) & ~left_out.any(axis=1)))
