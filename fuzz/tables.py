"""Targets: tables and lists that a person, or another program, has written."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from face_mirror_au.batch.inputs import read_list
from face_mirror_au.batch.state import STATE_FILE, BatchState
from face_mirror_au.results.convert import TARGETS, convert_table
from face_mirror_au.results.tidy import write_tidy
from face_mirror_au.tables.formats import AUS, FACE_MIRROR, MINIMAL, RAW, SIDES, openface
from face_mirror_au.tables.landmarks_csv import LANDMARK_COLUMNS, PARAMETER_COLUMNS, read_landmarks, read_pdm_params
from face_mirror_au.tables.movements_csv import movements_text, parse_movements, read_movements
from fuzz.contract import folder, written
from fuzz.run_files import run_files


def _line(columns: Iterable[str]) -> bytes:
    return (",".join(columns) + "\n").encode()


# What the first byte of an input stands for: a header, so that changes hit the rows, too; or nothing, then the input is the whole file.
LANDMARK_HEADERS = (_line(LANDMARK_COLUMNS), _line(PARAMETER_COLUMNS), b"", b"")
TABLE_HEADERS = (
    *(_line(table.names) for table in (MINIMAL, FACE_MIRROR, RAW, SIDES, AUS, openface(("pose", "aus")), openface())),
    b"",
)


def landmarks_csv(data: bytes) -> None:
    """Landmarks that a user brings, and fitted face models."""
    kind = data[0] % len(LANDMARK_HEADERS) if data else 2
    path = written(LANDMARK_HEADERS[kind] + data[1:], "landmarks.csv")
    if kind % 2:
        pose, local = read_pdm_params(path, 2)
        assert pose.shape == (2, 6)
        assert local.shape == (2, 34)
        return
    table = read_landmarks(path)
    assert table.points.shape == (len(table.frame), 68, 2)
    assert np.isfinite(table.points[table.success]).all()
    assert (table.frame[1:] > table.frame[:-1]).all()


def movements_csv(data: bytes) -> None:
    """A table of movements; written again it says the same."""
    movements = read_movements(written(data, "p.movements.csv"))
    assert all(0.0 <= movement.start_s < movement.end_s for movement in movements)
    text = movements_text(movements)
    if all(round(movement.start_s, 3) < round(movement.end_s, 3) for movement in movements):
        # Times that differ by less than is written may change places.
        assert sorted(movements_text(parse_movements(text, "again")).splitlines()) == sorted(text.splitlines())


def table_csv(data: bytes) -> None:
    """A table that `convert` reads; the first byte also says what it is to become. What comes out is read again, and stays as it is."""
    kind = data[0] if data else 0
    source = written(TABLE_HEADERS[kind % 8] + data[1:], "p.csv")
    wanted = (None, *TARGETS)[kind // 8 % 4]
    again = convert_table(source, folder() / "again.csv", wanted, drop=True)
    if wanted is None:
        assert convert_table(again, folder() / "third.csv").read_bytes() == again.read_bytes()


def table_parquet(data: bytes) -> None:
    """A Parquet table that `convert` reads."""
    convert_table(written(data, "p.parquet"), folder() / "again.csv")


def tidy(data: bytes) -> None:
    """A run that becomes tidy Parquet: its table of raw values, or, where the first byte is odd, its main table beside good raw values."""
    kind = data[0] if data else 0
    written(data[-3:], "t.metadata.json")
    content = (TABLE_HEADERS[kind // 2 % len(TABLE_HEADERS)]) + data[1:]
    written(run_files()[".raw.csv"] if kind % 2 else content, "t.raw.csv")
    if kind % 2:
        written(content, "t.csv")
    else:
        (folder() / "t.csv").unlink(missing_ok=True)
    write_tidy(folder(), "t", folder() / "tidy.parquet")


def batch_list(data: bytes) -> None:
    """A list of videos, and the state of an output folder."""
    written(data, STATE_FILE)
    BatchState(folder()).save()
    for name, label in read_list(written(data, "list.txt")):
        assert name
        assert "\n" not in label
