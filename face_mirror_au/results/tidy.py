"""A whole run as one tidy Parquet table: one row for each value, for programs that group and filter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import TableError
from face_mirror_au.files import atomic_binary, display_name, make_output_folder
from face_mirror_au.pipeline.signals import SIGNALS
from face_mirror_au.records import FloatArray, View
from face_mirror_au.results.names import METADATA, ONLINE, view_table
from face_mirror_au.tables.formats import TableFile, open_table
from face_mirror_au.tables.table_files import METADATA_KEY, Piece, is_parquet, parquet, readable

TIDY_COLUMNS = ("frame", "time_s", "view", "au", "kind", "value")
# Behind the action unit in a column's name, and what the value is called in tidy form.
_FINAL = {"_r": "intensity", "_c": "presence"}
_SIDES = {"_left": "left", "_right": "right", "_left_raw": "left_raw", "_right_raw": "right_raw"}


@dataclass(frozen=True, slots=True)
class _Source:
    """One table of a run, the view that it is of (None: it says so itself), and what its columns' endings mean."""

    path: Path
    view: View | None
    kinds: Mapping[str, str]


def write_tidy(folder: Path, stem: str, path: Path) -> Path:
    """Write all action units of a run into one Parquet file.

    Columns: frame (from 1), time_s (s, from `<stem>.raw.csv`), view, au ("AU12"), kind, value (null where not measured). Kinds: intensity
    and presence (final), raw, online; left, right, left_raw and right_raw where the run has `<stem>.sides.csv`. A signal that is none of an
    action unit has a null there, and its column's name as the kind. The metadata file of the run is kept in the schema's metadata.

    Parameters
    ----------
    folder : Path
        Of the run.
    stem : str
        What the names of its files begin with.
    path : Path
        Where to; it ends in .parquet. A file of that name is replaced.

    Raises
    ------
    TableError
        When `path` is no Parquet file by its name, or a table of the run is missing or damaged.
    OutputError
        When the file cannot be written.
    ParquetMissingError
    """
    if not is_parquet(path):
        raise TableError(f"a whole run becomes one Parquet file or workbook: the output '{path.name}' must end in .parquet or .xlsx")
    pq = parquet()
    import pyarrow as pa

    raw = folder / f"{stem}.raw.csv"
    times = _times(raw)
    record = folder / (stem + METADATA)
    with readable(display_name(record)):
        metadata = record.read_text(encoding="utf-8")
    words = pa.dictionary(pa.int16(), pa.string())
    schema = pa.schema(
        [("frame", pa.int64()), ("time_s", pa.float64()), ("view", words), ("au", words), ("kind", words), ("value", pa.float64())],
        metadata={METADATA_KEY: metadata.encode("utf-8")},
    )
    make_output_folder(path.parent)
    with atomic_binary(path) as handle, pq.ParquetWriter(handle, schema) as writer:
        for source in _sources(folder, stem, raw):
            for part in _parts(source, times):
                arrays = [_array(pa, field.type, part[field.name]) for field in schema]
                writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return path


def _array(pa: ModuleType, kind: Any, values: NDArray[Any]) -> Any:
    if pa.types.is_dictionary(kind):
        return pa.array(values, type=pa.string()).dictionary_encode().cast(kind)
    return pa.array(values, type=kind, from_pandas=True)


def _sources(folder: Path, stem: str, raw: Path) -> Iterator[_Source]:
    for view in View:
        path = view_table(folder, stem, view)
        if path.exists():
            yield _Source(path, view, _FINAL)
    yield _Source(raw, None, {"_raw": "raw"})
    if (online := folder / (stem + ONLINE)).exists():
        yield _Source(online, None, {"_raw": "online"})
    if (sides := folder / f"{stem}.sides.csv").exists():
        yield _Source(sides, View.ORIGINAL, _SIDES)


def _times(raw: Path) -> FloatArray:
    """Time of each frame, s, (N,) float64; frame 1 is the first."""
    found: dict[int, float] = {}
    for piece in _open_raw(raw).pieces():
        found.update(zip(piece["frame"].tolist(), piece["timestamp"].tolist(), strict=True))
    if sorted(found) != list(range(1, len(found) + 1)):
        raise TableError(f"'{raw.name}' does not hold every frame; run the recording again")
    return np.array([found[frame] for frame in range(1, len(found) + 1)])


def _open_raw(path: Path) -> TableFile:
    table = open_table(path)
    if not {"view", "timestamp"} <= set(table.format.names):
        raise TableError(f"'{path.name}' is another table than its name says; run the recording again")
    return table


def _parts(source: _Source, times: FloatArray) -> Iterator[Piece]:
    table = open_table(source.path) if source.view else _open_raw(source.path)
    columns = [(au, kind, name) for name in table.format.names for au, kind in _meaning(name, source.kinds)]
    if not columns:  # `--columns pose`
        return
    for piece in table.pieces():
        frame = piece["frame"] + int(table.format.short)
        if len(frame) and not (frame.min() >= 1 and frame.max() <= len(times)):
            raise TableError(f"'{source.path.name}' has other frames than the run: files of two runs; run the recording again")
        n, view = len(frame), source.view
        # Row by row, so that what belongs to a frame stays together.
        yield {
            "frame": np.repeat(frame, len(columns)),
            "time_s": np.repeat(times[frame - 1], len(columns)),
            "view": np.repeat(piece["view"], len(columns)) if view is None else np.full(n * len(columns), view.value, dtype=object),
            "au": np.tile(np.array([au for au, _, _ in columns], dtype=object), n),
            "kind": np.tile(np.array([kind for _, kind, _ in columns], dtype=object), n),
            "value": np.stack([_measured(piece, name) for _, _, name in columns], axis=1).reshape(-1),
        }


def _meaning(name: str, kinds: Mapping[str, str]) -> Iterator[tuple[str | None, str]]:
    """Action unit (None: no action unit) and kind of a column; nothing for columns that a tidy table leaves out."""
    if name.startswith("AU") and name[4:] in kinds:
        yield name[:4], kinds[name[4:]]
    elif any(name == column.name for signal in SIGNALS if signal.tidy for column in signal.columns):
        yield None, name


def _measured(piece: Piece, name: str) -> FloatArray:
    # --openface-strict writes zeros where nothing was measured.
    return np.where(piece["success"], piece[name], np.nan)
