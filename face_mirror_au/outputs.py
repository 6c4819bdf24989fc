"""The files of a run: where they go, and writing them when the last frame is done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from face_mirror_au.errors import UsageError
from face_mirror_au.io import columns
from face_mirror_au.io.csv_tables import (
    Points3D,
    face_mirror_columns,
    minimal_columns,
    openface_columns,
    write_face_mirror_csv,
    write_minimal_csv,
    write_openface_csv,
)
from face_mirror_au.io.files import make_output_folder
from face_mirror_au.io.metadata import hash_input, versions, write_metadata
from face_mirror_au.io.raw_log import RAW_COLUMNS, write_raw_csv
from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics.head_pose import Camera, landmarks_3d
from face_mirror_au.pipeline.confidence import MIN_CONFIDENCE
from face_mirror_au.records import FloatArray, ViewTable
from face_mirror_au.video_run import RunSettings, VideoResult, VideoRunner

FORMATS = ("openface", "minimal", "face-mirror")


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
        Column groups of the OpenFace format.
    """

    csv: Path
    format: str = "openface"
    groups: Collection[columns.Group] = columns.GROUPS

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise UsageError(f"unknown format {self.format!r}; choose one of {', '.join(FORMATS)}")

    @classmethod
    def in_folder(cls, folder: Path, stem: str, format_: str, groups: Collection[columns.Group]) -> OutputPlan:
        """Files of one video in `<folder>/<stem>/`."""
        return cls(folder / stem / f"{stem}.csv", format_, groups)

    def beside(self, ending: str) -> Path:
        """A file beside the table, e.g. ``beside(".online.csv")``."""
        return self.csv.with_name(self.csv.stem + ending)

    def prepare(self) -> Path:
        """Make the folder and try whether it can be written to; return it."""
        return make_output_folder(self.csv.parent)

    @property
    def columns(self) -> tuple[str, ...]:
        """Header of the table."""
        if self.format == "minimal":
            return minimal_columns()
        return face_mirror_columns() if self.format == "face-mirror" else openface_columns(self.groups)


def write_table(table: ViewTable, plan: OutputPlan, points3d: Points3D, *, strict: bool) -> None:
    """Write the final table in the plan's format."""
    if plan.format == "minimal":
        write_minimal_csv(table, plan.csv)
    elif plan.format == "face-mirror":
        write_face_mirror_csv(table, plan.csv)
    else:
        write_openface_csv(table, plan.csv, groups=plan.groups, points3d=points3d, strict=strict)


def points_in_3d(runner: VideoRunner, result: VideoResult) -> Points3D:
    """The 3D landmarks of a slice of rows, computed when they are asked for."""
    camera = Camera.for_size(result.info.width, result.info.height)

    def give(rows: slice) -> FloatArray:
        return landmarks_3d(runner.pdm, np.asarray(result.table.pose[rows]), np.asarray(result.table.shape[rows]), camera)

    return give


def write_all(result: VideoResult, plan: OutputPlan, runner: VideoRunner, source: Path, reasons: Mapping[int, str]) -> list[Path]:
    """Write table, raw values, column dictionary and metadata.

    Parameters
    ----------
    result : VideoResult
    plan : OutputPlan
    runner : VideoRunner
    source : Path
        The input; its hash goes into the metadata, its name does not.
    reasons : mapping
        Frame (from 0) to why it was not measured.

    Returns
    -------
    list of Path
        What was written, the table first.
    """
    write_table(result.table, plan, points_in_3d(runner, result), strict=runner.settings.strict)
    raw, dictionary, metadata = plan.beside(".raw.csv"), plan.beside(".columns.csv"), plan.beside(".metadata.json")
    write_raw_csv([result.table], raw, {result.table.view: reasons})
    columns.write_columns_dictionary(dictionary, (*plan.columns, *RAW_COLUMNS), runner.bank.name)
    write_metadata(metadata, run_metadata(result, plan, runner, hash_input(source)))
    return [plan.csv, raw, dictionary, metadata]


def run_metadata(result: VideoResult, plan: OutputPlan, runner: VideoRunner, input_hash: str) -> dict[str, object]:
    """What the metadata file says of a run."""
    models = runner.plan
    return {
        "input": {"sha256": input_hash, **asdict(result.info), "flipped_input": runner.settings.flipped_input},
        "versions": versions(),
        "kernels": _kernels.loaded,
        "models": {
            "profile": models.profile,
            "reason": models.reason,
            "detector": models.detector[0],
            "landmarks": models.landmarks[0],
            "au_bank": models.bank,
            "au_models": models.models,
            "sha256": dict(models.hashes),
            "provider": "CPUExecutionProvider",
        },
        "settings": _settings(runner.settings) | {"format": plan.format, "success_above_confidence": MIN_CONFIDENCE},
        "baseline": "own",
        "frames": {
            "decoded": result.decoded,
            "rows": len(result.table.success),
            "failed": sum(result.failures.values()),
            "reasons": dict(result.failures),
        },
        "problems": list(result.problems),
        "notes": list(result.notes),
        "warnings": list(result.warnings),
    }


def _settings(settings: RunSettings) -> dict[str, object]:
    found = asdict(settings)
    del found["flipped_input"]  # said with the input
    return found
