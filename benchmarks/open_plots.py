"""Plots of the model card: `python -m benchmarks.open_plots DIR` draws what `benchmarks.open_bank` measures. Needs ../shared."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np

from benchmarks.open_bank import OTHERS_REACH, REACH, SEED, SHARED, correlation
from benchmarks.open_real import demo_clip, final_intensities
from benchmarks.open_renders import HeldOut, held_out
from face_mirror_au.models.open_bank import OpenBank, read_open_bank
from face_mirror_au.records import INTENSITY_AUS
from face_mirror_weights import Store, open_models
from training.render.ict import FaceModel
from training.render.recordings import recording
from training.render.renderer import Studio
from training.render.targets import ONE_PIECE

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "open-au"
TILE = (120, 140)  # width, height px
MOVED_BY_A_SMILE = ("AU12", "AU25", "AU06")


def main() -> None:
    """Draw all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--recordings", type=int, default=80, metavar="N")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="measured renders of benchmarks.open_bank")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    bank = read_open_bank(open_models.BANK)
    with tempfile.TemporaryDirectory() as scratch:
        keep = arguments.keep or Path(scratch)
        found = held_out(bank, SHARED / "faces3d" / "ict.npz", SHARED / "weights", keep, SEED, arguments.recordings)
    draw_correlations(bank, found, arguments.folder / "open-au-correlations.svg")
    draw_smile(Store([SHARED / "weights"]), arguments.folder / "open-au-smile.svg")
    draw_faces(arguments.folder / "open-au-faces.jpg")


def draw_correlations(bank: OpenBank, found: HeldOut, path: Path) -> None:
    """Correlation with the truth on held-out renders, by action unit."""
    from matplotlib import pyplot as plt

    truth, whole = found.truth, found.whole("dynamic")
    figure, axes = plt.subplots(figsize=(9, 3.6))
    for column, name in enumerate(INTENSITY_AUS):
        of_whole = correlation(whole[:, column], truth[:, :, column].mean(axis=1))
        empty = name in bank.left_empty("dynamic")
        axes.bar(column - 0.2, of_whole, 0.38, color="#4477aa" if not empty else "#cccccc", hatch="//" if empty else "")
        if name not in ONE_PIECE:
            differences = found.dynamic[:, 0, column] - found.dynamic[:, 1, column], truth[:, 0, column] - truth[:, 1, column]
            axes.bar(column + 0.2, correlation(*differences), 0.38, color="#ee9944")
        reach = REACH.get(name, OTHERS_REACH)
        axes.plot([column - 0.45, column + 0.05], [reach, reach], color="black", linewidth=1.5)
    axes.set_xticks(range(len(INTENSITY_AUS)), INTENSITY_AUS, rotation=60)
    axes.set_ylim(0, 1)
    axes.set_ylabel("correlation with the truth")
    axes.set_title("Held-out renders: whole face (blue; line: aim; grey: left empty), left minus right (orange)", fontsize=9)
    _save(figure, path)


def draw_smile(store: Store, path: Path) -> None:
    """The real clip from neutral to a smile."""
    from matplotlib import pyplot as plt

    clip = demo_clip()
    if clip is None:
        raise SystemExit("run 'face-mirror-au weights fetch demo-clip' first")
    values = final_intensities(store, "open", clip)
    figure, axes = plt.subplots(figsize=(9, 3.2))
    for name, style in zip(MOVED_BY_A_SMILE, ("-", "--", "-."), strict=True):
        axes.plot(values[:, INTENSITY_AUS.index(name)], style, label=name)
    others = [column for column, name in enumerate(INTENSITY_AUS) if name not in MOVED_BY_A_SMILE]
    axes.plot(np.nanmax(values[:, others], axis=1), ":", color="grey", label="largest of all others")
    axes.axhline(1.0, color="black", linewidth=0.6)
    axes.set_xlabel("frame")
    axes.set_ylabel("intensity, open bank's scale")
    axes.legend(fontsize=8)
    _save(figure, path)


def draw_faces(path: Path) -> None:
    """Some of the training's faces: one row for each person, at rest and moving."""
    studio = Studio(FaceModel.load(SHARED / "faces3d" / "ict.npz"))
    rows = []
    for number in range(4):
        frames = list(recording(studio, SEED, number))
        chosen = [frames[0], *frames[4:12]]
        rows.append(np.hstack([_tile(frame.image, frame.landmarks) for frame in chosen]))
    cv2.imwrite(str(path), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 82])


def _tile(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    middle = (low + high) / 2 - np.array([0.0, 0.12 * (high - low)[1]])
    half = 0.78 * float((high - low).max()) * np.array([TILE[0] / TILE[1], 1.0])
    x1, y1 = np.maximum(middle - half, 0).astype(int)
    x2, y2 = (middle + half).astype(int)
    return cv2.resize(image[y1:y2, x1:x2], TILE, interpolation=cv2.INTER_AREA)


def _save(figure: object, path: Path) -> None:
    figure.tight_layout()  # type: ignore[attr-defined]
    figure.savefig(path, metadata={"Date": None})  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
