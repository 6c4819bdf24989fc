"""`<stem>.descriptors`: all that the ordered half of the method takes of each frame, so that final values can be made anew.

A line that says what it is, the length of a JSON header (8 bytes, little-endian), the header, then records of one fixed type, one for each
frame and view, in order. Only numbers and text are read back; no pickle.
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import ResultError
from face_mirror_au.files import FILE_MODE, display_name, output_error, write_whole
from face_mirror_au.numerics.fhog import HOG_SIZE
from face_mirror_au.pipeline.own_descriptor import AU_PLUGIN, descriptor_of, failure_reason
from face_mirror_au.pipeline.signals import SIGNALS
from face_mirror_au.records import N_LANDMARKS, Face, FaceDescriptor, View
from face_mirror_au.results.metadata import as_read
from face_mirror_hooks.records import FrameResult, ViewResult

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing from Python 3.11 on

_MAGIC = b"face-mirror-au descriptors 3\n"
_LENGTH_BYTES = 8
# Far above what any header or geometry of ours has: a damaged file must not make us ask for the memory it names.
_MAX_HEADER = 1 << 24
_MAX_GEOMETRY = 4096
_REASON_BYTES = 240
_NAME_BYTES = 120
# Frames read at a time.
_PIECE = 32


# Names and shapes of signals that were measured beside what every descriptor holds.
Stored = tuple[tuple[str, tuple[int, ...]], ...]


def record_type(geometry: int, signals: Stored = (), given: Stored = ()) -> np.dtype[Any]:
    """The type of a record, little-endian and packed; `geometry` is how many values that has, `given` came with the landmarks."""
    return np.dtype(
        [
            ("frame", "<i8"),
            ("time_s", "<f8"),
            ("view", "u1"),
            ("success", "u1"),
            ("located", "u1"),
            ("described", "u1"),
            ("confidence", "<f8"),
            ("landmarks", "<f4", (N_LANDMARKS, 2)),
            ("hog", "<f4", (HOG_SIZE,)),
            ("geometry", "<f8", (geometry,)),
            ("pose", "<f8", (6,)),
            ("head_pose", "<f8", (6,)),
            ("reason", f"S{_REASON_BYTES}"),
            ("source", f"S{_NAME_BYTES}"),
            ("detector", f"S{_NAME_BYTES}"),
            *((_field(name), "<f8", shape) for name, shape in signals),
            *((f"has_{_field(name)}", "u1") for name, _ in signals),
            *((_given(name), "<f8", shape) for name, shape in given),
            *((f"has_{_given(name)}", "u1") for name, _ in given),
        ]
    )


def _field(signal: str) -> str:
    return f"signal_{signal}"


def _given(signal: str) -> str:
    return f"given_{signal}"


class DescriptorLog:
    """Writes the file (0600); every record is handed to the system at once. It appears with its first record.

    Parameters
    ----------
    path : Path
    header : mapping
        What is needed beside the records; `geometry`, the number of values, is added.
    views : tuple of View
    geometry : int
    given : bool
        Whether signals may come with the landmarks.

    Raises
    ------
    OutputError
        From `append` and at the block's end, when the file cannot be written.
    """

    def __init__(self, path: Path, header: Mapping[str, object], views: tuple[View, ...], geometry: int, *, given: bool = False) -> None:
        self._path = path
        self._signals: Stored = tuple((signal.name, signal.shape) for signal in SIGNALS if signal.measure is not None)
        self._given: Stored = tuple((signal.name, signal.shape) for signal in SIGNALS if given and signal.given)
        self._header = {**header, "views": [view.value for view in views], "geometry": geometry}
        if self._signals:
            self._header["signals"] = self._signals
        if self._given:
            self._header["given"] = self._given
        self._places = {view: place for place, view in enumerate(views)}
        self._type = record_type(geometry, self._signals, self._given)
        self._file: io.FileIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._file is None:
            return
        try:
            if kind is None:
                os.fsync(self._file.fileno())
        except OSError as failure:
            raise output_error(failure, self._path) from failure
        finally:
            with suppress(OSError):
                self._file.close()

    def append(self, index: int, time_s: float, result: ViewResult) -> None:
        """Add one view of one frame, as `ViewLog` gets it."""
        record = np.zeros((), self._type)
        record["frame"], record["time_s"], record["view"] = index, time_s, self._places[result.view]
        record["success"], record["confidence"] = result.success, result.confidence
        record["reason"] = failure_reason(result).encode("utf-8", "replace")[:_REASON_BYTES]
        if result.face is not None:
            self._put_face(record, result.face)
        descriptor = descriptor_of(result)
        if descriptor is not None:
            record["described"] = 1
            for name in ("hog", "geometry", "pose", "head_pose"):
                record[name] = getattr(descriptor, name)
            for name, _ in self._signals:
                if name in descriptor.signals:
                    record[_field(name)], record[f"has_{_field(name)}"] = descriptor.signals[name], 1
        try:
            if self._file is None:
                self._file = self._begin()
            write_whole(self._file, record.tobytes())
        except OSError as error:
            raise output_error(error, self._path) from error

    def _put_face(self, record: NDArray[Any], face: Face) -> None:
        record["located"], record["landmarks"] = 1, face.landmarks
        for name in ("source", "detector"):
            record[name] = getattr(face, name).encode("utf-8", "replace")[:_NAME_BYTES]
        for name, _ in self._given:
            if name in face.signals:
                record[_given(name)], record[f"has_{_given(name)}"] = face.signals[name], 1

    def _begin(self) -> io.FileIO:
        text = json.dumps(as_read(self._header)).encode("ascii")
        file = io.FileIO(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), FILE_MODE), "w")
        write_whole(file, _MAGIC + len(text).to_bytes(_LENGTH_BYTES, "little") + text)
        return file


@dataclass(frozen=True)
class StoredDescriptors:
    """A file of descriptors, its header read and its size checked.

    Attributes
    ----------
    path : Path
    header : mapping
    views : tuple of View
    geometry : int
    signals, given : tuple of str and tuple of int
        Names and shapes of the further signals, and of those that came with the landmarks.
    count : int
        Frames of which all views are stored.
    """

    path: Path
    header: Mapping[str, Any]
    views: tuple[View, ...]
    geometry: int
    signals: Stored
    given: Stored
    count: int
    _start: int

    @classmethod
    def open(cls, path: Path) -> StoredDescriptors:
        """Read the header.

        Raises
        ------
        ResultError
            When it is no such file, or damaged.
        """
        try:
            with path.open("rb") as file:
                header, start = _read_header(file, path)
                size = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise ResultError(f"'{display_name(path)}' cannot be read: {error.strerror or type(error).__name__}") from error
        try:
            views, geometry = tuple(View(view) for view in header["views"]), int(header["geometry"])
            signals, given = (
                tuple((str(name), tuple(map(int, shape))) for name, shape in header.get(key, ())) for key in ("signals", "given")
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise _damaged(path, "its header does not say which views and how many values there are") from error
        if not views or len(set(views)) != len(views) or not 1 <= geometry <= _MAX_GEOMETRY:
            raise _damaged(path, f"its header names {len(views)} views and {geometry} values of geometry")
        for each in (signals, given):
            if len(dict(each)) != len(each) or not all(1 <= math.prod(shape) <= _MAX_GEOMETRY and min(shape) > 0 for _, shape in each):
                raise _damaged(path, "its header names signals that cannot be")
        record = record_type(geometry, signals, given).itemsize
        return cls(path, header, views, geometry, signals, given, (size - start) // (record * len(views)), start)

    def frames(self) -> Iterator[FrameResult]:
        """The frames in order, as the run had them. Ends before a frame that a power cut has left empty.

        Raises
        ------
        ResultError
            When a record is not what must be there.
        """
        dtype, each = record_type(self.geometry, self.signals, self.given), len(self.views)
        try:
            with self.path.open("rb") as file:
                file.seek(self._start)
                for first in range(0, self.count, _PIECE):
                    frames = min(_PIECE, self.count - first)
                    data = file.read(frames * each * dtype.itemsize)
                    if len(data) < frames * each * dtype.itemsize:
                        raise _damaged(self.path, "it became shorter while it was read")
                    records = np.frombuffer(data, dtype).reshape(frames, each)
                    for index, row in enumerate(records, first):
                        if not any(record.tobytes().strip(b"\0") for record in row):
                            return
                        yield self._frame(index, row)
        except OSError as error:
            raise ResultError(f"'{display_name(self.path)}' cannot be read: {error.strerror or type(error).__name__}") from error

    def _frame(self, index: int, row: NDArray[Any]) -> FrameResult:
        time_s = float(row["time_s"][0])
        expected = (row["frame"] == index).all() and (row["view"] == np.arange(len(self.views))).all() and (row["time_s"] == time_s).all()
        if not expected or not all(_is_sound(record) for record in row):
            raise _damaged(self.path, f"the record of frame {index + 1} is not one")
        return FrameResult(index, time_s, tuple(self._view(view, record) for view, record in zip(self.views, row, strict=True)))

    def _view(self, view: View, record: np.void) -> ViewResult:
        face = None
        if record["located"]:
            # Of the face, the ordered half looks at the landmarks, and at who found them.
            source, detector = (record[name].decode("utf-8", "ignore") for name in ("source", "detector"))
            given = {name: record[_given(name)].astype(np.float64) for name, _ in self.given if record[f"has_{_given(name)}"]}
            face = Face(np.zeros(4, np.float32), 0.0, record["landmarks"].astype(np.float32), source, detector=detector, signals=given)
        descriptions: dict[str, object] = {}
        if record["described"]:
            descriptions[AU_PLUGIN] = FaceDescriptor(
                hog=record["hog"].astype(np.float32),
                geometry=record["geometry"].astype(np.float64),
                pose=record["pose"].astype(np.float64),
                head_pose=record["head_pose"].astype(np.float64),
                signals={name: record[_field(name)].astype(np.float64) for name, _ in self.signals if record[f"has_{_field(name)}"]},
            )
        reason = record["reason"].decode("utf-8", "ignore")
        return ViewResult(view, face, bool(record["success"]), float(record["confidence"]), reason, descriptions)


def _read_header(file: io.BufferedReader, path: Path) -> tuple[Mapping[str, Any], int]:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise ResultError(f"'{display_name(path)}' holds no descriptors of this version of face-mirror-au")
    length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
    if length > _MAX_HEADER:
        raise _damaged(path, "its header cannot be so long")
    text = file.read(length)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "its header is no JSON") from error
    if len(text) < length or not isinstance(header, dict):
        raise _damaged(path, "its header is cut off")
    return header, file.tell()


def _damaged(path: Path, why: str) -> ResultError:
    return ResultError(f"'{display_name(path)}' is damaged: {why}; nothing can be recovered from it")


def _is_sound(record: np.void) -> bool:
    numbers = [record["time_s"], record["confidence"]]
    if record["located"]:
        numbers.append(record["landmarks"])
    if record["described"]:
        numbers += [record[name] for name in ("hog", "geometry", "pose", "head_pose")]
    flags = (record["success"], record["located"], record["described"])
    return max(flags) <= 1 and all(np.isfinite(each).all() for each in numbers)
