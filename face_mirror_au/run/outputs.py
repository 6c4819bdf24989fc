"""The files of a run: where they go, and writing them when the last frame is done."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from face_mirror_au.errors import OutputError, UsageError, VideoError
from face_mirror_au.files import check_output_file, check_output_folder, check_output_name, display_name
from face_mirror_au.media.source import SourceInfo
from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics.head_pose import Camera, landmarks_3d
from face_mirror_au.pipeline.signals import POSE, SHAPE, SIGNALS
from face_mirror_au.records import Column, ComputedColumn, FloatArray, View, ViewTable
from face_mirror_au.results import names
from face_mirror_au.results.earlier import earlier_files
from face_mirror_au.results.metadata import SCHEMA, metadata_text, versions, write_metadata
from face_mirror_au.results.names import LONGEST_ENDING, LONGEST_PARQUET, METADATA, ONLINE, SIDES_OF_HOST
from face_mirror_au.results.publish import Place
from face_mirror_au.run.recordings import Recording
from face_mirror_au.run.rest import stored_rests
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings
from face_mirror_au.run.video_result import VideoResult
from face_mirror_au.tables import columns, dictionary
from face_mirror_au.tables.asymmetry_csv import ASYMMETRY
from face_mirror_au.tables.formats import (
    FACE_MIRROR,
    IMAGES,
    RAW,
    RUN_FORMATS,
    raw_format,
    run_format,
    sides_format,
    with_points_3d,
    write_image_names,
)
from face_mirror_au.tables.gaps import fill_single_gaps, single_gaps
from face_mirror_au.tables.table_files import is_parquet, parquet
from face_mirror_au.tables.table_format import TableFormat

FORMATS = tuple(RUN_FORMATS)
# Beside an application's loop, whose next programs go by the words "left", "right" and "mirrored" between underscores.
HOST_TABLES: Mapping[View, str] = dict(zip((View.LEFT_MIRRORED, View.RIGHT_MIRRORED), SIDES_OF_HOST, strict=True))


def table_ending(format_: str) -> str:
    """What the final table's file ends with. Raises UsageError for a format that does not exist."""
    if format_ not in RUN_FORMATS:
        raise UsageError(f"unknown format {format_!r}; choose one of {', '.join(FORMATS)}")
    return RUN_FORMATS[format_]


def check_format(format_: str) -> None:
    """Raise UsageError for a format that does not exist, ParquetMissingError for one that cannot be written here."""
    if table_ending(format_) == ".parquet":
        parquet()


@dataclass(frozen=True)
class OutputPlan:
    """Where a run's files go and what they hold.

    Attributes
    ----------
    csv : Path
        The final table; all other files lie beside it and begin with its stem.
    format : str
        One of `FORMATS`.
    groups : collection of str
        Column groups of the formats openface and parquet.
    typed_folder : Path or None
        The folder that the user gave, for messages; None: the table's own.
    own_folder : bool
        Whether the table's folder is there for this result alone.
    nameless : bool
        No name of an input file may be in the outputs (`--subject`).
    for_host : bool
        The mirrored views' tables are those that the Face Mirror application reads, `<stem>.left.csv` and `<stem>.right.csv`.
    """

    csv: Path
    format: str = "openface"
    groups: Collection[str] = columns.GROUPS
    typed_folder: Path | None = None
    own_folder: bool = False
    nameless: bool = False
    for_host: bool = False

    def __post_init__(self) -> None:
        ending = table_ending(self.format)
        if is_parquet(self.csv) != (ending == ".parquet"):
            raise UsageError(f"'{self.csv.name}' does not end as a table of --format {self.format} does: in {ending}; change one of them")

    @classmethod
    def in_folder(cls, folder: Path, stem: str, format_: str, groups: Collection[str], *, nameless: bool = False) -> OutputPlan:
        """Files of one video in `<folder>/<stem>/`."""
        return cls(folder / stem / f"{stem}{table_ending(format_)}", format_, groups, folder, own_folder=True, nameless=nameless)

    def beside(self, ending: str) -> Path:
        """A file beside the table, e.g. ``beside(".online.csv")``."""
        return self.csv.with_name(self.csv.stem + ending)

    def table(self, view: View) -> Path:
        """The final table of a view: the plan's own for the original, `<stem>_left_mirrored.csv` beside it for a mirrored one."""
        if self.for_host and view in HOST_TABLES:
            return self.beside(HOST_TABLES[view])
        return self.csv if view is View.ORIGINAL else self.beside(f"_{view.value}{self.csv.suffix}")

    def check(self) -> None:
        """Try whether the files can be written, and leave nothing behind. Raises OutputError, or ParquetMissingError."""
        check_format(self.format)
        check_output_name(self.csv.stem, LONGEST_PARQUET if is_parquet(self.csv) else LONGEST_ENDING)
        for folder in (self.csv.parent, self.place.unfinished.parent):
            check_output_folder(folder, self.typed_folder)
        check_output_file(self.csv)

    @property
    def place(self) -> Place:
        """Where the result goes, for `WorkFolder`."""
        return Place(self.csv, self.own_folder)

    def inside(self, folder: Path) -> OutputPlan:
        """The same files in another folder, in which they are made."""
        return replace(self, csv=folder / self.csv.name)

    def check_input(self, source: Path | None, others: Iterable[Path] = ()) -> bool:
        """Whether there is an earlier result, which this one will replace.

        Parameters
        ----------
        source : Path or None
            The input; None where it is no file.
        others : iterable of Path
            Further files that will be written.

        Raises
        ------
        OutputError
            When the input itself would be removed or overwritten.
        """
        earlier = earlier_files(self.csv)
        for path in (self.csv, *others, *earlier):
            if source is not None and path.exists() and path.samefile(source):
                raise OutputError(f"'{path}' is the input and would be replaced; choose another output folder")
        return bool(earlier)

    def format_of(self, view: View) -> str:
        """The format of a view's table."""
        return "face-mirror" if self.for_host and view in HOST_TABLES else self.format


def write_table(
    table: ViewTable,
    plan: OutputPlan,
    points3d: Column[np.float64],
    *,
    strict: bool,
    fill_gaps: bool = False,
    metadata: Mapping[str, object] | None = None,
) -> tuple[Path, TableFormat]:
    """Write a view's final table in the plan's format; return where it is, and what. A Parquet file keeps the metadata of its run.

    With `fill_gaps`, single missing frames of a table for Face Mirror's next programs get the mean of their neighbours.
    """
    path, whole = plan.table(table.view), with_points_3d(table, points3d)
    wanted = run_format(plan.format_of(table.view), plan.groups, whole)
    if fill_gaps and wanted.name == FACE_MIRROR.name:
        whole = fill_single_gaps(whole)
    wanted.write_view(whole, path, strict=strict, metadata="" if metadata is None else metadata_text(metadata))
    return path, wanted


def write_dictionary(held: Sequence[tuple[str, TableFormat]], plan: OutputPlan, runner: VideoRunner, models: str) -> Path:
    """Write `<stem>.columns.csv`; return where it is."""
    bank, path = runner.bank(models), plan.beside(".columns.csv")
    dictionary.write_dictionary(path, held, bank.name, presence_above=bank.presence_above, empty=runner.plan.left_empty(models))
    return path


def write_sides(table: ViewTable, plan: OutputPlan) -> list[tuple[Path, TableFormat]]:
    """Write `<stem>.sides.csv` from the original view's table, where the AU models tell sides apart; return where and what it is."""
    if table.sides is None or plan.format == "face-mirror":
        return []
    path = plan.beside(".sides.csv")
    wanted = sides_format(table)
    wanted.write_view(table, path)
    return [(path, wanted)]


def points_in_3d(runner: VideoRunner, result: VideoResult, table: ViewTable) -> Column[np.float64]:
    """The 3D landmarks of a table's rows, (N, 68, 3) mm, computed when they are asked for."""
    camera = Camera.for_size(result.info.width, result.info.height)

    def give(rows: slice) -> FloatArray:
        return landmarks_3d(runner.pdm, table.signals[POSE.name][rows], table.signals[SHAPE.name][rows], camera)

    return ComputedColumn(len(table.frame), give)


def write_all(
    result: VideoResult,
    plan: OutputPlan,
    runner: VideoRunner,
    recording: Recording,
    notes: Sequence[str] = (),
    others: Sequence[Path] = (),
    more_tables: Sequence[tuple[Path, TableFormat]] = (),
    more: Mapping[str, object] | None = None,
) -> list[Path]:
    """Write the files of a run that has its input at hand; see `write_result`.

    Parameters
    ----------
    result : VideoResult
    plan : OutputPlan
    runner : VideoRunner
    recording : Recording
        The input; its hash goes into the metadata, its name does not.
    notes : sequence of str
        More notes for the metadata.
    others : sequence of Path
        Files of this run that were written already.
    more_tables : sequence of (Path, TableFormat)
        Tables of this run that were written already.
    more : mapping, optional
        More entries for the metadata.
    """
    if result.info.kind == "image folder" and result.changed:  # which row is which image is not certain
        name = display_name(recording.path) if recording.path is not None else recording.label
        raise VideoError(f"images were added to '{name}', changed or removed while it was read; run it again")
    metadata = run_metadata(result, plan, runner, None if result.changed else recording.sha256(), notes)
    return write_result(result, plan, runner, {**metadata, **(more or {})}, others, recording.image_names(), more_tables)


def write_result(
    result: VideoResult,
    plan: OutputPlan,
    runner: VideoRunner,
    metadata: Mapping[str, object],
    others: Sequence[Path] = (),
    images: Sequence[str] = (),
    more_tables: Sequence[tuple[Path, TableFormat]] = (),
) -> list[Path]:
    """Write the views' tables, raw values, column dictionary and, last, metadata.

    Parameters
    ----------
    result : VideoResult
    plan : OutputPlan
    runner : VideoRunner
    metadata : mapping
        `run_metadata`; the list of files is added.
    others : sequence of Path
        Files of this result that were written already, or will be.
    images : sequence of str
        Names of the images of a folder.
    more_tables : sequence of (Path, TableFormat)
        Tables of this result that were written already.

    Returns
    -------
    list of Path
        What was written, the table first.
    """
    known, settings = metadata if plan.format == "parquet" else None, runner.settings
    fill_gaps = bool(settings.fill_gaps)
    tables = [
        write_table(table, plan, points_in_3d(runner, result, table), strict=settings.strict, fill_gaps=fill_gaps, metadata=known)
        for view, table in result.tables.items()
        if plan.format != "face-mirror" or view is not View.ORIGINAL
    ]
    if result.tables:
        raw = plan.beside(".raw.csv"), raw_format(result.table)
        raw[1].write_views(list(result.tables.values()), raw[0])
        tables += [raw, *write_sides(result.table, plan)]
    if result.info.kind == "image folder" and not plan.nameless:
        tables.append((plan.beside(".images.csv"), IMAGES))
        write_image_names(tables[-1][0], images[: result.decoded])
    tables += more_tables
    written = [path for path, _ in tables]
    if result.tables:
        tables.insert(tables.index(raw) + 1, (plan.beside(ONLINE), RAW))
        tables += [(path, ASYMMETRY) for path in others if path.name.endswith(names.ASYMMETRY)]
        written.append(write_dictionary([(path.name, made) for path, made in tables], plan, runner, result.models))
    written.append(plan.beside(METADATA))
    endings = [path.name.removeprefix(plan.csv.stem) for path in (*written, *others)]
    write_metadata(written[-1], {**metadata, "files": endings})
    return written


def run_metadata(
    result: VideoResult, plan: OutputPlan, runner: VideoRunner, input_hash: str | None, notes: Sequence[str] = ()
) -> dict[str, object]:
    """What the metadata file says of a run."""
    known = settings_metadata(plan, runner)
    optional = [signal.name for signal in SIGNALS if signal.optional]
    given = {view.value: [name for name in optional if name in table.signals] for view, table in result.tables.items()}
    if any(given.values()):
        known["signals"] = {view: signals for view, signals in given.items() if signals}
    if runner.settings.fill_gaps:  # from 0, as in those tables
        gaps = {view.value: single_gaps(np.asarray(table.success)) for view, table in result.tables.items() if view is not View.ORIGINAL}
        known["filled_frames"] = {view: np.flatnonzero(found).tolist() for view, found in gaps.items()}
    if result.rest is not None:
        known["rest"] = result.rest
    return known | {
        "input": {"sha256": input_hash, **asdict(result.info), **known["input"]},
        "models": known["models"] | runner.plan.described_bank(result.models) | {"answered": result.answered.described()},
        "frames": {"decoded": result.decoded}
        | {view.value: _counts(table, result.failures[view]) for view, table in result.tables.items()},
        "worker_losses": [asdict(loss) for loss in result.losses],
        "problems": [*result.problems, *result.empty_tables],
        "notes": [*result.notes, *notes],
        "warnings": list(result.warnings),
    }


def settings_metadata(plan: OutputPlan, runner: VideoRunner) -> dict[str, Any]:
    """The part of the metadata that is known before a video is opened: with what, and how, it will be measured."""
    models = runner.plan
    return {
        "schema": SCHEMA,
        "input": {"flipped_input": runner.settings.flipped_input},
        "versions": dict(versions()),
        "kernels": dict(_kernels.loaded),
        "models": models.described(),
        "device": runner.device_metadata,
        "settings": _settings(runner.settings)
        | {
            "format": plan.format,
            "columns": [group for group in columns.GROUPS if group in plan.groups] if plan.format in {"openface", "parquet"} else None,
            "models": models.models,
            "success_above_confidence": models.min_confidence,
        },
        "baseline": str(runner.settings.baseline),
        "plugins": [asdict(plugin) for plugin in runner.manager.plugins()],
    }


def header_of(runner: VideoRunner, plan: OutputPlan, info: SourceInfo, recording: Recording, *, page: bool) -> dict[str, Any]:
    """What is stored beside the descriptors. Raises VideoError when the input cannot be read."""
    known, baseline = settings_metadata(plan, runner), runner.settings.baseline
    return {
        "table": {"format": plan.format, "groups": [group for group in columns.GROUPS if group in plan.groups], "page": page},
        "run": known | {"input": {"sha256": recording.sha256(), **asdict(info), **known["input"]}},
        "baseline": [baseline.kind, baseline.start_s, baseline.end_s],
        "other_rest": stored_rests(baseline.others),
        "images": recording.image_names() if not plan.nameless else [],
    }


def _counts(table: ViewTable, failures: Mapping[str, int]) -> dict[str, object]:
    return {"rows": len(table.success), "failed": sum(failures.values()), "reasons": dict(failures)}


def _settings(settings: RunSettings) -> dict[str, object]:
    found = asdict(settings)
    for name in ("flipped_input", "baseline", "device", "plugins"):  # said elsewhere
        del found[name]
    found["views"] = [view.value for view in settings.views]
    return found
