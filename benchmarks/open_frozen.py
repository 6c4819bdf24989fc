"""Real clips in which one half of the face is frozen at rest, and healthy ones: how much of the difference of the sides the bank finds.

The truth of a frozen clip is what the bank says of the same frames with both halves moving. Both ways of telling sides apart are judged:
the sides of the unmirrored face, and the two mirrored views.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks import ROOT
from benchmarks.open_real import MEDIA, demo_clip
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.records import ALL_AUS, FloatArray, View
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings
from face_mirror_weights import Store

COMPOSITES = ROOT.parent / "shared" / "composites"
CLIPS = {"def_smile": ("AU06", "AU12", "AU25"), "sf": ("AU06", "AU12", "AU25"), "def_blink": ("AU45",)}
# s6_*: frames (from 0) in which the subject's left moves alone, and the right.
LEFT_ALONE, RIGHT_ALONE, BOTH = slice(31, 37), slice(47, 53), slice(15, 21)
S6 = {"s6_brow": ("AU01", "AU02"), "s6_pucker": ("AU18",)}
# Where the moving half moves by less, a share says nothing.
MOVES = 1.0


def frozen_tables(bank: Path, store: Store) -> str:
    """Two tables: shares of the true difference, and 95 % of the differences of healthy faces."""
    reader = _Reader(bank, store)
    lines = [
        "\nreal faces with one half frozen: share of the true difference, median over the frames in which the other half moves by 1 or more"
    ]
    lines += ["| clip | AU | moves | frames | sides | mirrored views |", "|---" * 6 + "|"]
    for name, aus in CLIPS.items():
        whole = reader.read(COMPOSITES / f"{name}_orig.mp4")
        for side, row in (("L", 0), ("R", 1)):
            lines += _shares(reader.read(COMPOSITES / f"{name}_{side}.mp4"), whole, f"{name}_{side}", aus, row)
    for name, aus in S6.items():
        found = reader.read(COMPOSITES / f"{name}.mp4")
        for au in aus:
            for words, rows, sign in (("left", LEFT_ALONE, 1), ("right", RIGHT_ALONE, -1)):
                cells = [_share(sign * _difference(way, au)[rows], _both(way, au)[BOTH]) for way in found]
                lines.append(f"| {name} | {au} | {words} | {rows.stop - rows.start} | {' | '.join(cells)} |")
    lines += ["\nhealthy faces: 95 % of the differences between the sides are below this", f"| clip | way | {' | '.join(ALL_AUS)} |"]
    lines.append("|---" * (2 + len(ALL_AUS)) + "|")
    healthy = [MEDIA / "default.wmv", MEDIA / "changeLighting.wmv", *(COMPOSITES / f"{name}_orig.mp4" for name in CLIPS), demo_clip()]
    for path in healthy:
        if path is None:
            continue
        for words, way in zip(("sides", "mirrored views"), reader.read(path), strict=True):
            apart = np.abs(way[:, 0] - way[:, 1])
            cells = [f"{np.nanquantile(column, 0.95):.2f}" if np.isfinite(column).any() else "-" for column in apart.T]
            lines.append(f"| {path.stem} | {words} | {' | '.join(cells)} |")
    return "\n".join(lines)


class _Reader:
    def __init__(self, bank: Path, store: Store) -> None:
        self._plan = plan_models(store, "open", bank=bank)

    def read(self, clip: Path) -> tuple[FloatArray, FloatArray]:
        """Final values of a clip, (N, 2, 22): the sides of the unmirrored face, and the two mirrored views."""
        settings = RunSettings(views=tuple(View))
        with (
            tempfile.TemporaryDirectory() as folder,
            VideoRunner(self._plan, settings) as runner,
            runner.run(clip, Path(folder)) as result,
        ):
            views = [np.array(result.tables[view].intensity) for view in (View.LEFT_MIRRORED, View.RIGHT_MIRRORED)]
            return np.array(result.table.sides), np.stack(views, axis=1)


def _difference(values: FloatArray, au: str) -> FloatArray:
    """Left minus right, (N,)."""
    column = ALL_AUS.index(au)
    return values[:, 0, column] - values[:, 1, column]


def _share(found: FloatArray, whole: FloatArray) -> str:
    """Medians as a share; "-" where the bank does not tell the sides apart."""
    return f"{np.median(found) / np.median(whole):.0%}" if np.isfinite(found).all() and np.isfinite(whole).all() else "-"


def _both(values: FloatArray, au: str) -> FloatArray:
    return np.asarray(values[:, :, ALL_AUS.index(au)].mean(axis=1))


def _shares(
    frozen: tuple[FloatArray, FloatArray], whole: tuple[FloatArray, FloatArray], name: str, aus: tuple[str, ...], row: int
) -> list[str]:
    lines = []
    for au in aus:
        # What the moving half does by itself: the mirrored view of that half, with the whole face moving.
        truth = whole[1][:, row, ALL_AUS.index(au)]
        moving = truth >= MOVES
        sign = 1 if row == 0 else -1
        cells = [f"{np.nanmedian(sign * _difference(way, au)[moving] / truth[moving]):.0%}" if moving.any() else "-" for way in frozen]
        lines.append(f"| {name} | {au} | {('left', 'right')[row]} | {moving.sum()} | {' | '.join(cells)} |")
    return lines
