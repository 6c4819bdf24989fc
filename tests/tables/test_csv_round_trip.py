"""Tables of any numbers and any reasons: read strictly and written again, they are the same bytes."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from face_mirror_au.records import ComputedColumn, View, ViewTable
from face_mirror_au.results.convert import convert_table
from face_mirror_au.tables.columns import GROUPS
from face_mirror_au.tables.formats import FACE_MIRROR, MINIMAL, RAW, SIDES, openface, with_points_3d

# In a row all columns of one kind have the same number: it is numbers that are tried, not their places.
numbers = st.one_of(st.floats(-1e15, 1e15), st.sampled_from([0.0, -0.0, 0.005, 2.675, -0.0049, 5e-324, float("nan")]))
anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
reasons = st.one_of(anything, st.sampled_from(["two\nlines", "two\r\nlines", 'said "no", and\rwent']))


@st.composite
def tables(draw):
    n = draw(st.integers(1, 4))
    success = draw(arrays.arrays(np.bool_, n))

    def column(*shape):
        found = np.array([draw(numbers) for _ in range(n)])
        found[~success] = np.nan
        return np.broadcast_to(found.reshape(n, *[1] * len(shape)), (n, *shape))

    texts = ("", *(draw(reasons) for _ in range(2)))
    return ViewTable(
        view=View.ORIGINAL, frame=np.arange(n), time_s=np.cumsum([draw(st.floats(0, 1e6)) for _ in range(n)]), success=success,
        confidence=column(), intensity=column(17), presence=column(18), raw=column(17),
        signals={"landmarks": column(68, 2).astype(np.float32), "pose": column(6), "shape": column(34), "head_pose": column(6)},
        sides=column(2, 17), raw_sides=column(2, 17),
        reason=np.where(success, 0, draw(st.integers(1, 2))), reasons=texts,
    )  # fmt: skip


def write_openface(table, path, *, groups=("pose", "landmarks", "shape", "aus"), points3d=None, strict=False):
    whole = table if points3d is None else with_points_3d(table, ComputedColumn(len(table.frame), points3d))
    openface(groups, whole).write_view(whole, path, strict=strict)


@settings(max_examples=25)
@given(tables())
def test_read_and_written_again_they_are_the_same_bytes(table):
    points = np.zeros((len(table.frame), 68, 3))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_openface(table, folder / "openface.csv", groups=GROUPS, points3d=lambda rows: points[rows])
        write_openface(table, folder / "strict.csv", groups=("pose", "aus"), strict=True)
        MINIMAL.write_view(table, folder / "minimal.csv")
        FACE_MIRROR.write_view(table, folder / "face-mirror.csv")
        SIDES.write_view(table, folder / "sides.csv")
        RAW.write_views([table], folder / "raw.csv")
        for path in sorted(folder.iterdir()):
            assert convert_table(path, folder / "again.csv").read_bytes() == path.read_bytes(), path.name
        with (folder / "raw.csv").open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
        assert len(rows) == len(table.frame)
        assert (folder / "raw.csv").read_bytes().count(b"\n") == len(rows) + 1, "one line for each row, whatever a reason holds"
        assert [row["success"] for row in rows] == [str(int(each)) for each in table.success]
