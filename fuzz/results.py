"""Targets: the files of an earlier run, as `report` and `compare` read them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from face_mirror_au.asymmetry.change import compare_recordings
from face_mirror_au.asymmetry.comparison import compare_units, compare_zones
from face_mirror_au.asymmetry.landmarks import POSITIONS
from face_mirror_au.asymmetry.measures import Asymmetry, measure_asymmetry
from face_mirror_au.asymmetry.movements import propose_movements
from face_mirror_au.asymmetry.recording import TwoSides
from face_mirror_au.batch.done import Finished, settings_of
from face_mirror_au.errors import ResultError
from face_mirror_au.records import INTENSITY_AUS
from face_mirror_au.report.page import render
from face_mirror_au.results.asymmetry import MeasuredResult
from face_mirror_au.results.comparable import must_not_be_compared, quality_doubts, to_be_known
from face_mirror_au.results.convert import metadata_beside
from face_mirror_au.results.earlier import earlier_files, read_metadata
from face_mirror_au.results.publish import Place
from face_mirror_au.results.result import (
    RunResult,
    _read_metadata,
    _read_original,
    _read_raw,
    _read_sides,
    _read_times,
    read_result,
)
from face_mirror_au.results.result_landmarks import read_landmarks
from face_mirror_au.results.result_table import ResultTable
from face_mirror_au.run.recovery import _said_by_run
from face_mirror_au.tables import columns
from fuzz.contract import folder, written
from fuzz.run_files import ENDINGS, METADATA, N_FRAMES, header_line, run_files


@cache
def _good() -> tuple[RunResult, Asymmetry]:
    """A run with nothing wrong, and the asymmetry of its page, as of sides that were never measured: figures take seconds."""
    place = folder() / "good"
    place.mkdir(mode=0o700)
    for ending, content in run_files().items():
        (place / f"p{ending}").write_bytes(content)
    result = read_result(place, "p")
    blank, failed = np.full((N_FRAMES, len(INTENSITY_AUS)), np.nan), np.zeros(N_FRAMES, np.bool_)
    unmeasured = replace(result, sides={"unmirrored": TwoSides(blank, blank, failed, failed)}, landmarks="none")
    return unmeasured, measure_asymmetry(unmeasured, ())


def metadata(data: bytes) -> None:
    """The record of a run, where all other files of it are good."""
    good, asymmetry = _good()
    path = good.file(METADATA)
    path.write_bytes(data)
    csv = path.with_name("p.csv")
    earlier_files(csv)
    metadata_beside(csv)
    _settings(csv)
    with suppress(ResultError):
        _said_by_run(Place(csv, own_folder=False))
    result = replace(good, metadata=_read_metadata(path))
    render(MeasuredResult(replace(result, yaw_deg=None), asymmetry, ""), {})  # its curve takes half a second to draw
    found = replace(asymmetry, recording=result)
    for runs, both in (((good, result), (asymmetry, found)), ((result, good), (found, asymmetry))):
        must_not_be_compared(runs)
        to_be_known(runs)
        quality_doubts(compare_recordings(both), [run.time_s for run in runs])


def _settings(csv: Path) -> None:
    content = read_metadata(csv)
    if content is not None:
        with suppress(KeyError, TypeError, AttributeError):  # as it says
            settings_of(content)
        with suppress(KeyError, TypeError, ValueError, ArithmeticError):  # as it says
            Finished.told(content)


def result_table(data: bytes) -> None:
    """One table of a run, where all other files are good; then all that is computed without drawing.

    The first byte says which table, and whether its header is already there.
    """
    kind = data[0] if data else 0
    ending = ENDINGS[kind % len(ENDINGS)]
    changed = (b"" if kind // len(ENDINGS) % 2 else header_line(ending)) + data[1:]
    good, asymmetry = _good()
    written(changed, f"r{ending}")
    # The reader of this table alone: a whole result takes 50 ms.
    if ending == ".csv":
        yaw, closures = _read_original(folder() / "r.csv", N_FRAMES, good.metadata)
        compare_recordings((asymmetry, replace(asymmetry, recording=replace(good, yaw_deg=yaw, closures=closures))))
        landmarks = read_landmarks(folder(), "r", N_FRAMES, good.metadata, mirrored=False)
        assert isinstance(landmarks, str) or landmarks.left.shape == (N_FRAMES, len(POSITIONS))
    elif ending == ".raw.csv":
        time_s, measured = _read_times(folder() / "r.raw.csv")
        compare_recordings((asymmetry, replace(asymmetry, recording=replace(good, time_s=time_s, measured=measured))))
        _read_raw(folder() / "r.raw.csv", N_FRAMES)
    elif ending == ".sides.csv":
        _measure(good, _read_sides(folder() / "r.sides.csv", N_FRAMES))
    else:
        table = ResultTable(folder() / f"r{ending}", ("success", *columns.INTENSITY))
        _measure(
            good, TwoSides(table.intensities(columns.INTENSITY), table.intensities(columns.INTENSITY), table.success(), table.success())
        )


def _measure(good: RunResult, sides: TwoSides | None) -> None:
    assert sides is not None
    if len(sides.left) == N_FRAMES:
        compare_units(good.time_s, sides.left, sides.right)
        compare_zones(good.time_s, sides.left, sides.right)
        propose_movements(good.time_s, sides.left, sides.right)
