"""Collects one view of one video: online values as they come, small per-frame numbers on disk, the whole table at the end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import TracebackType

import numpy as np

from face_mirror_au.io.spool import Spool
from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.pipeline.process import FrameRecord
from face_mirror_au.pipeline.sequence import AUSequence, OnlineValues
from face_mirror_au.records import N_LANDMARKS, View, ViewTable

_DISPLACEMENTS = 3 * N_LANDMARKS


class ViewLog:
    """One view of one video, from its first frame to its final values.

    Parameters
    ----------
    view : View
    bank : AUBank
    n_modes : int
        Local shape parameters of the PDM.
    folder : Path
        Where the per-frame numbers are spooled; they are deleted at the end.
    strict : bool
        See `AUSequence`.
    """

    def __init__(self, view: View, bank: AUBank, n_modes: int, folder: Path, *, strict: bool = False) -> None:
        self.view = view
        self.failures: Counter[str] = Counter()
        self._sequence = AUSequence(bank, strict=strict)
        self._dtype = np.dtype(
            [
                ("frame", np.int64),
                ("time_s", np.float64),
                ("success", np.bool_),
                ("confidence", np.float64),
                ("landmarks", np.float32, (N_LANDMARKS, 2)),
                ("pose", np.float64, (6,)),
                ("shape", np.float64, (n_modes,)),
                ("head_pose", np.float64, (6,)),
            ]
        )
        self._spool = Spool(self._dtype, folder)

    def __enter__(self) -> ViewLog:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._spool.close()

    def append(self, record: FrameRecord) -> OnlineValues:
        """Take the next frame, in order."""
        row = np.zeros((), self._dtype)
        row["frame"], row["time_s"], row["confidence"] = record.index, record.time_s, record.confidence
        for name in ("landmarks", "pose", "shape", "head_pose"):
            row[name] = np.nan
        descriptor = record.descriptor
        if record.face is not None:
            row["landmarks"] = record.face.landmarks
        if descriptor is None:
            self.failures[record.reason] += 1
        else:
            row["success"] = True
            row["pose"], row["shape"], row["head_pose"] = descriptor.pose, descriptor.geometry[_DISPLACEMENTS:], descriptor.head_pose
        self._spool.append(row)
        if descriptor is None:
            return self._sequence.append(None, None)
        return self._sequence.append(descriptor.hog, descriptor.geometry)

    def finish(self) -> ViewTable:
        """All rows, with final values. The arrays read from the spool: use the table before this log is closed."""
        final = self._sequence.finish()
        rows = self._spool.view()
        return ViewTable(
            view=self.view,
            frame=rows["frame"],
            time_s=rows["time_s"],
            success=rows["success"],
            confidence=rows["confidence"],
            intensity=final.intensity,
            presence=final.presence,
            raw=final.raw,
            landmarks=rows["landmarks"],
            pose=rows["pose"],
            shape=rows["shape"],
            head_pose=rows["head_pose"],
        )
