"""The Python API: whole videos and single frames, action units from given landmarks, left against right in results."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from face_mirror_au.errors import FaceMirrorAUError, UsageError, WeightsError
from face_mirror_au.media.source import SourceInfo
from face_mirror_au.pipeline.model_set import ModelPlan, plan_models
from face_mirror_au.pipeline.online import OnlineValues
from face_mirror_au.pipeline.track import TrackState
from face_mirror_au.records import Frame, Image, View, check_image
from face_mirror_au.results.asymmetry import asymmetry_of, compare_visits
from face_mirror_au.results.names import ONLINE
from face_mirror_au.results.work_folder import WorkFolder
from face_mirror_au.run.landmarks import LandmarkAUs, aus_from_landmarks
from face_mirror_au.run.outputs import OutputPlan, points_in_3d, write_table
from face_mirror_au.run.runner import RunSettings, VideoRunner
from face_mirror_au.tables.columns import GROUPS
from face_mirror_au.tables.formats import MINIMAL, to_dataframe
from face_mirror_au.tables.raw_log import OnlineLog
from face_mirror_hooks.records import FrameResult, ViewResult
from face_mirror_weights import Store

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AUPipeline", "FullPythonAUPipeline", "LandmarkAUs", "asymmetry_of", "aus_from_landmarks", "compare_visits"]


@dataclass(frozen=True)
class ExplicitModels:
    """Model files that the caller names, instead of a profile.

    Attributes
    ----------
    retinaface, pfld : path
        The two networks.
    pdm, triangles : path
    au_models : path
        Folder with AU_all_best.txt and the predictors that it names.
    """

    retinaface: Path | str
    pfld: Path | str
    pdm: Path | str
    triangles: Path | str
    au_models: Path | str

    def plan(self, models: str) -> ModelPlan:
        """The model plan of these files. Raises WeightsError when one of them is not there."""
        for field in fields(self):
            path = Path(getattr(self, field.name))
            if not path.exists():
                raise WeightsError(f"{field.name}: '{path}' does not exist; give the path of that model file")
        return ModelPlan(
            profile="explicit",
            reason="the caller named the files",
            detector=("retinaface", Path(self.retinaface)),
            landmarks=("pfld", Path(self.pfld)),
            pdm=("openface", Path(self.pdm)),
            triangles=Path(self.triangles),
            bank_kind="openface",
            models=models,
            predictors=Path(self.au_models),
        )


class AUPipeline:
    """Action units of videos and frames.

    Parameters
    ----------
    profile : str
        "auto", "openface", "open" or "hybrid".
    weights_dir : path, optional
        Folder with model files, searched before the usual ones.
    models : str
        "dynamic": compared with the recording's own neutral face; "static": not; "auto": static for a single image, else dynamic.
    explicit : ExplicitModels, optional
        Model files to use instead of a profile.
    au_bank : path, optional
        Another open AU bank than the one that comes with this package; profile "open".
    detect_every : int
        Frames between two scheduled detections.
    strict : bool
        Read failed frames as OpenFace does, instead of leaving them empty.
    flipped_input : bool
        The recordings are mirror images (selfie camera).

    Raises
    ------
    WeightsError, ModelFileError, UsageError

    Examples
    --------
    >>> pipeline = AUPipeline()                                   # doctest: +SKIP
    >>> table = pipeline.process_video("smile.mp4", "smile.csv")  # doctest: +SKIP
    >>> table[["timestamp", "AU12_r"]].max()                      # doctest: +SKIP
    """

    def __init__(
        self,
        profile: str = "auto",
        *,
        weights_dir: Path | str | None = None,
        models: str = "auto",
        explicit: ExplicitModels | None = None,
        au_bank: Path | str | None = None,
        detect_every: int = 30,
        strict: bool = False,
        flipped_input: bool = False,
    ) -> None:
        if explicit is not None:
            plan = explicit.plan(models)
        else:
            store = Store.default(Path(weights_dir) if weights_dir is not None else None)
            plan = plan_models(store, profile, models, Path(au_bank) if au_bank is not None else None)
        self._settings = RunSettings(detect_every=detect_every, strict=strict, flipped_input=flipped_input)
        self._runner = VideoRunner(plan, self._settings)
        self._state = TrackState()

    @property
    def plan(self) -> ModelPlan:
        """Which models are in use, and why."""
        return self._runner.plan

    def process_video(
        self,
        path: Path | str,
        output_csv: Path | str | None = None,
        max_frames: int | None = None,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> pd.DataFrame:
        """Run a video, an image, or a folder of images (one recording of one person, in order of the names).

        Parameters
        ----------
        path : path
        output_csv : path, optional
            Write the OpenFace-style table there, and `<stem>.online.csv` beside it. While the run lasts, its raw rows are in the folder
            `<stem>.unfinished`, where they stay when it fails. An earlier result of that name is replaced as a whole, by a whole one.
        max_frames : int, optional
            Stop after so many frames.
        progress : callable, optional
            Called after each frame with the number of frames done and how many the container claims (None when it does not say).

        Returns
        -------
        pandas.DataFrame
            One row for each decoded frame, columns as in the OpenFace-style table, full precision; NaN where there is no measurement.
            `attrs` holds "problems", "warnings" and "failures".

        Raises
        ------
        VideoError, OutputError, UsageError
        """
        self._runner.settings = replace(self._settings, max_frames=max_frames)
        return _video_table(self._runner, Path(path), Path(output_csv) if output_csv is not None else None, "openface", progress)

    def process_frame(self, image: Image, *, time_s: float = 0.0, detect: bool = False) -> FrameResult:
        """Find and describe the face of one frame; frames given one after the other are tracked. `reset` starts anew.

        Action units of a frame need its video: give what `face_mirror_au.pipeline.own_descriptor.descriptor_of` finds in a view of the
        result to `face_mirror_au.pipeline.sequence.AUSequence`.

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
        """
        frame = Frame(0, time_s, check_image(image))
        processor = self._runner.loop.processor
        result, self._state, _ = processor.process(frame, self._state, detect=detect)
        return result

    def reset(self) -> None:
        """Forget the face that `process_frame` followed."""
        self._state = TrackState()


def _video_table(
    runner: VideoRunner,
    path: Path,
    output: Path | None,
    format_: str,
    progress: Callable[[int, int | None], None] | None,
) -> pd.DataFrame:
    """Run one video into a DataFrame, and into a CSV when `output` is given."""
    if output is None:
        with tempfile.TemporaryDirectory(prefix="face-mirror-au-") as folder:
            return _measured(runner, path, OutputPlan(Path(folder) / "result.csv", format_), None, progress)
    plan = OutputPlan(output, format_)
    plan.check()
    work = WorkFolder(plan.place)
    try:
        with work:
            return _measured(runner, path, plan, work, progress)
    except FaceMirrorAUError as error:
        if work.kept:
            error.args = (f"{error}; {work.kept}",)
        raise


def _measured(
    runner: VideoRunner, path: Path, plan: OutputPlan, work: WorkFolder | None, progress: Callable[[int, int | None], None] | None
) -> pd.DataFrame:
    """Run one video into a DataFrame, and into files in the work folder when there is one."""
    expected: list[int | None] = [None]
    made = plan if work is None else plan.inside(work.path)
    with ExitStack() as stack:
        logs: list[OnlineLog] = []

        def on_start(info: SourceInfo) -> None:
            expected[0] = runner.settings.max_frames or info.expected_frames
            if work is not None:
                plan.check_input(path)
                work.begin()
                logs.append(stack.enter_context(OnlineLog(made.beside(ONLINE))))

        def on_row(index: int, time_s: float, result: ViewResult, values: OnlineValues) -> None:
            for log in logs:
                log.append_result(index, time_s, result, values.raw)
            if progress is not None and result.view is View.ORIGINAL:
                progress(index + 1, expected[0])

        result = stack.enter_context(runner.run(path, made.csv.parent, on_row=on_row, on_start=on_start))
        points3d = points_in_3d(runner, result, result.table)
        if work is not None:
            write_table(result.table, made, points3d, strict=runner.settings.strict)
        frame = to_dataframe(result.table, groups=GROUPS, points3d=points3d)
        frame.attrs.update(
            problems=list(result.problems), warnings=[*result.warnings, *result.empty_tables], failures=dict(result.failures[View.ORIGINAL])
        )
        return frame


class FullPythonAUPipeline:
    """The call of the design that this project starts from, as a thin face of `AUPipeline`.

    Parameters
    ----------
    retinaface_model, pfld_model, pdm_file, au_models_dir, triangulation_file : path
        Model files.
    use_calc_params : bool
        Must be True: pose and shape always come from CalcParams.
    verbose : bool
        Log what is done.
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
        explicit = ExplicitModels(retinaface_model, pfld_model, pdm_file, triangulation_file, au_models_dir)
        self._runner = VideoRunner(explicit.plan("auto"), RunSettings())

    def process_video(self, video_path: Path | str, output_csv: Path | str | None = None, max_frames: int | None = None) -> pd.DataFrame:
        """Run a video.

        Returns
        -------
        pandas.DataFrame
            Exactly 19 columns: frame (from 0), success (bool), AU01_r .. AU45_r. `output_csv` gets the same.
        """
        self._runner.settings = RunSettings(max_frames=max_frames)
        table = _video_table(self._runner, Path(video_path), Path(output_csv) if output_csv is not None else None, "minimal", None)
        table["frame"] -= 1
        table["success"] = table["success"].astype(bool)
        minimal: pd.DataFrame = table[list(MINIMAL.names)].copy()
        minimal.attrs = table.attrs
        return minimal
