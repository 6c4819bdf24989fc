"""Collects one view of one video: online values as they come, small per-frame numbers on disk, the whole table at the end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import TracebackType

import numpy as np

from face_mirror_au.io.spool import Spool
from face_mirror_au.pipeline.description import descriptor_of, failure_reason
from face_mirror_au.pipeline.sequence import AUSequence, OnlineValues
from face_mirror_au.records import N_LANDMARKS, View, ViewTable
from face_mirror_hooks.records import ViewResult

_DISPLACEMENTS = 3 * N_LANDMARKS


class ViewLog:
    """One view of one video, from its first frame to its final values.

    Parameters
    ----------
    view : View
    sequence : AUSequence
        Of this view and video.
    n_modes : int
        Local shape parameters of the PDM.
    folder : Path
        Where the per-frame numbers are spooled; they are deleted at the end.
    """

    def __init__(self, view: View, sequence: AUSequence, n_modes: int, folder: Path) -> None:
        self.view = view
        self.failures: Counter[str] = Counter()
        self._sequence = sequence
        self._local = slice(_DISPLACEMENTS, _DISPLACEMENTS + n_modes)
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

    def append(self, index: int, time_s: float, result: ViewResult) -> OnlineValues:
        """Take the next frame's result for this view, in order."""
        row = np.zeros((), self._dtype)
        row["frame"], row["time_s"], row["confidence"] = index, time_s, result.confidence
        for name in ("landmarks", "pose", "shape", "head_pose"):
            row[name] = np.nan
        descriptor = descriptor_of(result)
        if result.face is not None:
            row["landmarks"] = result.face.landmarks
        if descriptor is None:
            self.failures[failure_reason(result)] += 1
        else:
            row["success"] = True
            row["pose"], row["shape"], row["head_pose"] = descriptor.pose, descriptor.geometry[self._local], descriptor.head_pose
        self._spool.append(row)
        if descriptor is None:
            return self._sequence.append(None, None, time_s)
        return self._sequence.append(descriptor.hog, descriptor.geometry, time_s)

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
            sides=final.sides,
            raw_sides=final.raw_sides,
        )
