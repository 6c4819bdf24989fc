"""The Python API: recordings, frames as they come, action units from given landmarks, left against right in results."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, cast

from face_mirror_au.errors import FaceMirrorAUError, UsageError
from face_mirror_au.files import check_plain_name
from face_mirror_au.media.given import GivenFrame
from face_mirror_au.media.source import Reading, reading_of
from face_mirror_au.models.retinaface import MAX_SIDE
from face_mirror_au.overlay.drawing import Drawing
from face_mirror_au.pipeline.baseline import Baseline
from face_mirror_au.pipeline.model_set import ModelPlan, plan_models
from face_mirror_au.pipeline.track import TrackState
from face_mirror_au.pipeline.views import LOCATE, MirrorSettings
from face_mirror_au.records import Frame, Image, View, check_image
from face_mirror_au.report.page_writer import write_page
from face_mirror_au.results.asymmetry import asymmetry_of
from face_mirror_au.results.earlier import read_metadata
from face_mirror_au.results.metadata import as_read
from face_mirror_au.results.visits import compare_visits
from face_mirror_au.results.workbook import write_workbook
from face_mirror_au.run.delivery import RecordingReport, Wanted, deliver
from face_mirror_au.run.explicit import ExplicitModels
from face_mirror_au.run.in_memory import Collected, Progress, Result, Told
from face_mirror_au.run.landmarks import LandmarkAUs, aus_from_landmarks
from face_mirror_au.run.outputs import OutputPlan, run_metadata
from face_mirror_au.run.placing import place
from face_mirror_au.run.recordings import FileRecording, GivenRecording, Recording
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings, views_of
from face_mirror_au.tables.agreement import table_agreement
from face_mirror_au.tables.columns import GROUPS
from face_mirror_au.tables.formats import MINIMAL
from face_mirror_hooks.records import FrameResult
from face_mirror_weights import Store

if TYPE_CHECKING:
    import pandas as pd

    from face_mirror_au.loop.launch import StartMethod

__all__ = [
    "AUPipeline",
    "FullPythonAUPipeline",
    "LandmarkAUs",
    "Result",
    "asymmetry_of",
    "aus_from_landmarks",
    "compare_visits",
    "table_agreement",
    "write_workbook",
]


class AUPipeline:
    """Action units of recordings and frames. Goes the same way as the command line, and gives the same numbers and files.

    With workers, use it in a `with` block, or call `close`: they end with it.

    Parameters
    ----------
    profile : str
        "auto", "open", "hybrid", "openface" or "openface-pfld".
    weights_dir : path, optional
        Folder with model files, searched before the usual ones.
    models : str
        "dynamic": compared with the recording's own neutral face; "static": not; "auto": static for a single image, else dynamic.
    explicit : ExplicitModels, optional
        Model files to use instead of a profile.
    au_bank : path, optional
        Another open AU bank than the one that comes with this package; profile "open".
    views : sequence of str
        "original" first; then "left" and "right", the mirrored halves of the face.
    baseline : str
        What the action units are compared with: "own", "shared", "neutral:START-END" (seconds) or "result:FOLDER".
    detect_every, max_side, strict, flipped_input
        See `RunSettings`.
    mirror_landmarks : str
        "locate": the landmark model looks at the mirrored pictures; "reflect": the original's landmarks are reflected.
    redetect : bool
        The detector looks at the mirrored pictures, too.
    workers : int
        Processes beside this one; 0: none.
    start_method : "fork" or "spawn", optional
        How workers start. "spawn" needs a script whose work is below `if __name__ == "__main__":`.
    device : str
        Where the networks run: "cpu", "auto", "coreml" or "cuda".
    plugins : sequence of str or object
        A file ("my.py"), a module ("package.module:Class"), or a plugin itself.
    blocked : sequence of str
        Names of plugins that shall not run.
    overlay : bool
        Where files are written: also each recording with what was measured drawn on it.

    Raises
    ------
    WeightsError, ModelFileError, PluginProblemError, UsageError

    Examples
    --------
    >>> pipeline = AUPipeline()                                   # doctest: +SKIP
    >>> result = pipeline.measure("smile.mp4", "results")         # doctest: +SKIP
    >>> result.table[["timestamp", "AU12_r"]].max()               # doctest: +SKIP
    """

    def __init__(
        self,
        profile: str = "auto",
        *,
        weights_dir: Path | str | None = None,
        models: str = "auto",
        explicit: ExplicitModels | None = None,
        au_bank: Path | str | None = None,
        views: Sequence[str] = ("original",),
        baseline: str = "own",
        detect_every: int = 30,
        max_side: int = MAX_SIDE,
        strict: bool = False,
        flipped_input: bool = False,
        mirror_landmarks: str = LOCATE,
        redetect: bool = False,
        workers: int = 0,
        start_method: str | None = None,
        device: str = "cpu",
        plugins: Sequence[str | object] = (),
        blocked: Sequence[str] = (),
        overlay: bool = False,
    ) -> None:
        if explicit is not None:
            plan = explicit.plan(models)
        else:
            store = Store.default(Path(weights_dir) if weights_dir is not None else None)
            plan = plan_models(store, profile, models, Path(au_bank) if au_bank is not None else None)
        self._settings = RunSettings(
            detect_every=detect_every,
            strict=strict,
            flipped_input=flipped_input,
            max_side=max_side,
            views=views_of(views),
            mirror=MirrorSettings(mirror_landmarks, redetect),
            baseline=Baseline.parse(baseline),
            workers=workers,
            start_method=cast("StartMethod | None", start_method),
            device=device,
            plugins=tuple(plugin for plugin in plugins if isinstance(plugin, str)),
            blocked=tuple(blocked),
        )
        placed = place(plan, device, start_method)
        self._runner = VideoRunner(
            placed.plan,
            self._settings,
            must_start=placed.must_start,
            device_metadata=placed.metadata,
            drawing=Drawing(video=overlay),
            plugins=[plugin for plugin in plugins if not isinstance(plugin, str)],
        )
        self._state = TrackState()

    def __enter__(self) -> AUPipeline:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the workers and the plugins' session."""
        self._runner.close()

    @property
    def plan(self) -> ModelPlan:
        """Which models are in use, and why."""
        return self._runner.plan

    def measure(
        self,
        source: Path | str | Iterable[GivenFrame],
        output: Path | str | None = None,
        *,
        fps: float | None = None,
        start: float | str | None = None,
        end: float | str | None = None,
        every: int = 1,
        timestamps: str = "zero",
        label: str | None = None,
        format: str = "openface",  # noqa: A002 - as the command line calls it
        columns: Collection[str] = GROUPS,
        mirrored_videos: bool = False,
        page: bool = True,
        keep_descriptors: bool = False,
        max_frames: int | None = None,
        progress: Progress | None = None,
    ) -> Result:
        """Measure one recording of one person.

        Parameters
        ----------
        source : path, or frames
            A video, an image, or a folder of images (in order of their names). Or frames: an array (N, H, W, 3) uint8 in BGR order, or
            anything that gives one picture (H, W, 3) after the other, or pairs of a time in seconds and a picture.
        output : path, optional
            A folder, in which the folder `<label>/` is made, as `-o` does; or the table's name, ending in .csv or .parquet, as `--output`.
            An earlier result of that name is replaced as a whole, by a whole one. When not given, nothing is written.
        fps : float, optional
            Frames per second of frames without times, and of a folder of images.
        start, end : float or str, optional
            Measure only this part: seconds, or "h:mm:ss". The end is not part of it.
        every : int
            Measure the first frame and every so many after it.
        timestamps : str
            "zero": times count from the recording's first frame; "container": they are the file's own.
        label : str, optional
            Names the files in place of the file's name, as `--subject`.
        format : str
            Of the written tables: "openface", "minimal", "face-mirror" or "parquet".
        columns : collection of str
            Column groups of the formats openface and parquet.
        mirrored_videos : bool
            Also write the mirrored views as videos.
        page : bool
            Also write the report page, where there are both mirrored views.
        keep_descriptors : bool
            Also write what `face-mirror-au recover` can make final values from.
        max_frames : int, optional
            Stop after so many frames.
        progress : callable, optional
            See `Progress`.

        Raises
        ------
        VideoError, FrameError, OutputError, ModelRunError, WorkerError, UsageError
        """
        if label is not None:
            check_plain_name(label)
        if output is None and (mirrored_videos or keep_descriptors):
            raise UsageError("is needed for videos and descriptors: they are files", "output")
        reading = reading_of(start, end, every, fps, timestamps)
        recording = _recording(source, reading, label)
        plan = _output_plan(output, recording, format, columns, nameless=label is not None)
        wanted = Wanted(videos=mirrored_videos, page=write_page if page else None, descriptors=keep_descriptors)
        return self._measure(recording, plan, wanted, reading, max_frames, progress)

    def _measure(
        self,
        recording: Recording,
        plan: OutputPlan | None,
        wanted: Wanted,
        reading: Reading,
        max_frames: int | None,
        progress: Progress | None,
    ) -> Result:
        self._runner.settings = replace(self._settings, reading=reading, max_frames=max_frames)
        told, collected = Told(progress), Collected(self._runner, RecordingReport(recording.label))
        if plan is None:
            with TemporaryDirectory(prefix="face-mirror-au-") as folder, self._runner.run(recording, Path(folder), told) as result:
                collected.take(result)
                collected.report.tell(self._runner, result)
                input_hash = None if result.changed else recording.sha256()
                metadata = run_metadata(result, OutputPlan(Path(folder) / "result.csv"), self._runner, input_hash)
            return collected.result(recording.label, as_read(metadata))
        wanted = replace(wanted, on_open=told.begin, on_advance=told.advance, on_result=collected.take)
        try:
            deliver(self._runner, recording, plan, collected.report, wanted)
        except FaceMirrorAUError as error:
            if collected.report.kept:
                error.args = (f"{error}; {collected.report.kept}",)
            raise
        return collected.result(plan.csv.stem, read_metadata(plan.csv) or {}, plan.csv.parent)

    def process_video(
        self,
        path: Path | str,
        output_csv: Path | str | None = None,
        max_frames: int | None = None,
        progress: Progress | None = None,
        *,
        start: float | str | None = None,
        end: float | str | None = None,
        every: int = 1,
        fps: float | None = None,
    ) -> pd.DataFrame:
        """Measure a recording, and return the original view's table: `measure(...).table`.

        Parameters
        ----------
        path : path
        output_csv : path, optional
            Write the OpenFace-style table there, and the other files of a result beside it.
        max_frames : int, optional
        progress : callable, optional
        start, end, every, fps
            See `measure`.

        Returns
        -------
        pandas.DataFrame
            See `Result.tables`. `attrs` holds "problems", "warnings" and "failures".

        Raises
        ------
        VideoError, OutputError, UsageError
        """
        plan = OutputPlan(Path(output_csv)) if output_csv is not None else None
        reading = reading_of(start, end, every, fps)
        recording = FileRecording(Path(path), reading=reading)
        return _table(self._measure(recording, plan, Wanted(page=write_page), reading, max_frames, progress))

    def process_frame(self, image: Image, *, time_s: float = 0.0, detect: bool = False) -> FrameResult:
        """Find and describe the face of one frame; frames given one after the other are tracked. `reset` starts anew.

        Action units of a frame need its video: give all frames to `measure`, or what `face_mirror_au.pipeline.own_descriptor.descriptor_of`
        finds in a view of the result to `face_mirror_au.pipeline.sequence.AUSequence`.

        Parameters
        ----------
        image : ndarray, (H, W, 3) uint8
            BGR.
        time_s : float
        detect : bool
            Ask the detector even when tracking would do.

        Raises
        ------
        FrameError
            When the picture is not (H, W, 3) uint8.
        UsageError
            With workers.
        """
        if self._settings.workers:
            raise UsageError("must be 0 for single frames: they are processed in this process", "workers")
        frame = Frame(0, time_s, check_image(image))
        processor = self._runner.loop.processor
        result, self._state, _ = processor.process(frame, self._state, detect=detect)
        return result

    def reset(self) -> None:
        """Forget the face that `process_frame` followed."""
        self._state = TrackState()


def _recording(source: Path | str | Iterable[GivenFrame], reading: Reading, label: str | None) -> Recording:
    if not isinstance(source, str | os.PathLike):
        return GivenRecording(source, reading.fps, label or "frames", reading)
    return FileRecording(Path(source), label, reading)


def _output_plan(
    output: Path | str | None, recording: Recording, format_: str, columns: Collection[str], *, nameless: bool
) -> OutputPlan | None:
    if output is None:
        return None
    if Path(output).suffix in {".csv", ".parquet"}:
        return OutputPlan(Path(output), format_, columns, nameless=nameless)
    return OutputPlan.in_folder(Path(output), recording.label, format_, columns, nameless=nameless)


def _table(result: Result) -> pd.DataFrame:
    table = result.table
    failures = dict(result.failures[View.ORIGINAL.value])
    table.attrs.update(problems=list(result.problems), warnings=list(result.warnings), failures=failures)
    return table


class FullPythonAUPipeline:
    """The call of the design that this project starts from, as a thin face of `AUPipeline`.

    Parameters
    ----------
    retinaface_model, pfld_model, pdm_file, au_models_dir, triangulation_file : path
        Model files.
    use_calc_params : bool
        Must be True: pose and shape always come from CalcParams.
    """

    def __init__(
        self,
        retinaface_model: Path | str,
        pfld_model: Path | str,
        pdm_file: Path | str,
        au_models_dir: Path | str,
        triangulation_file: Path | str,
        use_calc_params: bool = True,
        verbose: bool = False,
    ) -> None:
        if not use_calc_params:
            raise UsageError("use_calc_params=False is not offered: without CalcParams the result would not be OpenFace's")
        if verbose:
            logging.getLogger("face_mirror_au").setLevel(logging.INFO)
        self._pipeline = AUPipeline(explicit=ExplicitModels(retinaface_model, pfld_model, pdm_file, triangulation_file, au_models_dir))

    def process_video(self, video_path: Path | str, output_csv: Path | str | None = None, max_frames: int | None = None) -> pd.DataFrame:
        """Run a video.

        Returns
        -------
        pandas.DataFrame
            Exactly 19 columns: frame (from 0), success (bool), AU01_r .. AU45_r. `output_csv` gets the same.
        """
        table = _table(self._pipeline.measure(Path(video_path), output_csv, format="minimal", max_frames=max_frames))
        table["frame"] -= 1
        table["success"] = table["success"].astype(bool)
        minimal: pd.DataFrame = table[list(MINIMAL.names)].copy()
        minimal.attrs = table.attrs
        return minimal
