"""How good the open AU bank is, on what it was not trained on: `python -m benchmarks.open_bank`. Needs ../shared.

Held-out renders with known truth (people and expressions of another seed), how that changes with the turn of the head, real clips, real
faces made of two moments, one for each side, and real clips in which one half is frozen. OpenFace's bank is only compared with,
afterwards: nothing is chosen by it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import ROOT
from benchmarks.open_composites import composite_table
from benchmarks.open_frozen import frozen_tables
from benchmarks.open_real import agreement_table, movement_table
from benchmarks.open_renders import HeldOut, held_out
from face_mirror_au.models.open_bank import OpenBank, read_open_bank
from face_mirror_au.records import ALL_AUS, FloatArray
from face_mirror_weights import Store, open_models
from training.render.targets import ONE_PIECE

SHARED = ROOT.parent / "shared"
SEED = 4711
REACH = dict.fromkeys(("AU01", "AU12", "AU25", "AU26", "AU45"), 0.9) | dict.fromkeys(("AU02", "AU09", "AU10", "AU20"), 0.8)
REACH |= dict.fromkeys(("AU15", "AU18", "AU28"), 0.85) | {"AU22": 0.75} | dict.fromkeys(("AU07", "AU16", "AU34"), 0.7)
OTHERS_REACH = 0.6
DIFFERENCE_REACH = dict.fromkeys(("AU02", "AU12", "AU45"), 0.93) | {"AU01": 0.75, "AU25": 0.9}
DIFFERENCE_REACH |= dict.fromkeys(("AU04", "AU06", "AU09", "AU10"), 0.82)
YAW_BINS = ((0, 5), (5, 10), (10, 15), (15, 25))


def main() -> int:
    """Print the tables; 1 when something stays below its reach without being left empty."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=int, default=80, metavar="N", help="how many to render (24 frames each, 2 s on one core)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the measured renders there, for the next time")
    parser.add_argument("--bank", type=Path, default=open_models.BANK)
    arguments = parser.parse_args()
    bank = read_open_bank(arguments.bank)
    print(f"{bank.name}, version {bank.version}; left empty: {', '.join(bank.left_empty('dynamic')) or 'none'}")
    with tempfile.TemporaryDirectory() as folder:
        keep = arguments.keep or Path(folder)
        found = held_out(bank, SHARED / "faces3d" / "ict.npz", SHARED / "weights", keep, SEED, arguments.recordings)
    below = renders_table(bank, found)
    yaw_table(found)
    store = Store([SHARED / "weights"])
    print(movement_table(store))
    print(composite_table(bank, store))
    print(frozen_tables(arguments.bank, store))
    print(agreement_table(store))
    print(f"\nbelow their reach and not left empty: {', '.join(below) or 'none'}")
    return 1 if below else 0


def renders_table(bank: OpenBank, found: HeldOut) -> list[str]:
    """Print the correlations; return what stays below its reach."""
    print(f"\nheld-out renders: {len(found.truth)} frames of {found.people} people, correlation with the truth (seed {SEED})")
    print("| AU | reach | whole | left | right | left - right | reach | slope | at rest: mean | at rest: 95 % below | static, whole |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    below, still = [], bank.left_empty("static")
    left, right, whole = found.dynamic[:, 0], found.dynamic[:, 1], found.whole("dynamic")
    true_left, true_right = found.truth[:, 0], found.truth[:, 1]
    true_whole = (true_left + true_right) / 2
    static, true_static = found.whole("static"), found.absolute_truth.mean(axis=1)
    for column, name in enumerate(ALL_AUS):
        reach = REACH.get(name, OTHERS_REACH)
        of_whole = correlation(whole[:, column], true_whole[:, column])
        sided = name not in ONE_PIECE
        of_difference = correlation(left[:, column] - right[:, column], true_left[:, column] - true_right[:, column]) if sided else np.nan
        empty = name in bank.left_empty("dynamic")
        at_rest = whole[found.at_rest, column]
        cells = [
            name + (" (left empty)" if empty else ""),
            f"{reach:.2f}",
            f"{of_whole:.3f}",
            f"{correlation(left[:, column], true_left[:, column]):.3f}" if sided else "-",
            f"{correlation(right[:, column], true_right[:, column]):.3f}" if sided else "-",
            f"{of_difference:.3f}" if sided else "-",
            f"{DIFFERENCE_REACH[name]:.2f}" if name in DIFFERENCE_REACH else "",
            f"{slope(left[:, column] - right[:, column], true_left[:, column] - true_right[:, column]):.2f}" if sided else "-",
            f"{at_rest.mean():.2f}",
            f"{np.quantile(at_rest, 0.95):.2f}",
            f"{correlation(static[:, column], true_static[:, column]):.3f}" + (" (left empty)" if name in still else ""),
        ]
        print(f"| {' | '.join(cells)} |")
        if not empty and (of_whole < reach or of_difference < DIFFERENCE_REACH.get(name, -1.0)):
            below.append(name)
    return below


def yaw_table(found: HeldOut) -> None:
    """Print the correlations of the whole face by the turn of the head."""
    yaw = np.abs(found.angles[:, 0])
    whole, truth = found.whole("dynamic"), found.truth.mean(axis=1)
    print("\nheld-out renders by the turn of the head (degrees of yaw, either side), whole face")
    print(f"| yaw | frames | {' | '.join(ALL_AUS)} |")
    print("|---" * (2 + len(ALL_AUS)) + "|")
    for low, high in YAW_BINS:
        rows = (yaw >= low) & (yaw < high)
        cells = [f"{correlation(whole[rows, column], truth[rows, column]):.2f}" for column in range(len(ALL_AUS))]
        print(f"| {low} to {high} | {rows.sum()} | {' | '.join(cells)} |")


def correlation(values: FloatArray, truth: FloatArray) -> float:
    """Pearson's; NaN where one of them does not vary."""
    if min(len(values), 3) < 3 or values.std() == 0 or truth.std() == 0:
        return float("nan")
    return float(np.corrcoef(values, truth)[0, 1])


def slope(values: FloatArray, truth: FloatArray) -> float:
    """How much the values grow when the truth grows by 1; differences have no constant part."""
    return float(values @ truth / max(float(truth @ truth), 1e-9))


if __name__ == "__main__":
    sys.exit(main())
