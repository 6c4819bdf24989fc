"""Which side moves less, as the program answers it, against what is true: `python -m benchmarks.answers`. Needs ../shared.

Renders of people and movements of a seed of its own, with head motion, palsies, synkinesis and eyes that roll up; real clips with one half
frozen, and healthy ones. The renders are kept in the folder.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from benchmarks.open_real import MEDIA, demo_clip
from benchmarks.rest_renders import ENCODINGS, SHARED, Recorder, encode
from face_mirror_au.api import AUPipeline
from face_mirror_au.asymmetry.answers import Answer
from face_mirror_au.records import ALL_AUS, FloatArray
from face_mirror_au.results.asymmetry import MeasuredResult, asymmetry_of
from training.render.targets import ONE_PIECE

SEED = 90210
# What people are asked to do, one after the other; `BEYOND` frames of rest follow.
SCRIPTS = ("first", "middle", "last", "half", "bell", "mouth")
# A true difference of the peaks beyond this, or this share of the larger one, is to be found; below `NONE` there is none.
FOUND, FOUND_SHARE, NONE = 1.0, 0.3, 0.5
COMPOSITES = {"def_smile_L": ("mouth", "right"), "def_smile_R": ("mouth", "left"), "sf_L": ("mouth", "right"), "sf_R": ("mouth", "left"),
              "def_blink_L": ("eye", "right"), "def_blink_R": ("eye", "left"), "bell_R": ("eye", "right")}  # fmt: skip


@dataclass
class Tally:
    """Answers of zones, by what is true of the action unit that decided."""

    answers: Counter[str] = field(default_factory=Counter)
    errors: list[tuple[str, float, float]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, where: str, answer: Answer, truth: tuple[float, float]) -> None:
        """Judge one answer; `truth` is the left's and the right's true peak."""
        left, right = truth
        difference, larger = left - right, max(truth)
        kind = "to be found" if abs(difference) > max(FOUND, FOUND_SHARE * larger) else "none" if abs(difference) < NONE else "slight"
        said: str = "named" if answer.weaker in ("left", "right") else answer.weaker
        if said == "named" and abs(difference) >= NONE and (answer.weaker == "right") != (difference > 0):
            said = "WRONG"
            self.wrong.append(f"{where} {answer.au}: {answer.weaker} weaker, true {left:.2f} {right:.2f}")
        self.answers[f"{kind}: {said}"] += 1


def main() -> int:
    """Print the tables; 1 when a side was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=user_cache_path("face-mirror-au") / "answers", help="what was measured")
    parser.add_argument("--people", type=int, default=4, metavar="N", help=f"for each of the {len(SCRIPTS)} scripts (half a minute each)")
    parser.add_argument("--bank", type=Path, help="another open bank")
    arguments = parser.parse_args()
    zones, units = Tally(), Tally()
    inside: Counter[tuple[str, bool]] = Counter()
    views = ("original", "left", "right")
    with AUPipeline(profile="open", weights_dir=SHARED / "weights", au_bank=arguments.bank, views=views) as pipeline:
        for where, found, truth in _renders(pipeline, arguments.folder, arguments.people):
            for key, answer in found.asymmetry.answers.zones.items():
                zones.add(f"{where} {key}", answer, _pair(truth, answer.au))
            for au, answer in found.asymmetry.answers.units.items():
                if au in ONE_PIECE or answer.error is None or answer.weaker == "too little":
                    continue
                units.add(f"{where}", answer, _pair(truth, au))
                left, right = _pair(truth, au)
                off = abs((answer.sides.left.peak - answer.sides.right.peak) - (left - right))
                inside[au, bool(off <= answer.error)] += 1
        print(f"renders, seed {SEED}: answers of zones, and of action units")
        print("| true difference: answer | zones | action units |\n|---|---|---|")
        for key in sorted({*zones.answers, *units.answers}):
            print(f"| {key} | {zones.answers[key]} | {units.answers[key]} |")
        print("\nwithin the 95 % interval\n| AU | peaks | within |\n|---|---|---|")
        for au in ALL_AUS:
            total = inside[au, True] + inside[au, False]
            if total:
                print(f"| {au} | {total} | {inside[au, True] / total:.0%} |")
        for line in (*zones.wrong, *units.wrong):
            print(f"WRONG: {line}")
        wrong = _real(pipeline)
    return 1 if zones.wrong or wrong else 0


def _renders(pipeline: AUPipeline, folder: Path, people: int) -> Iterator[tuple[str, MeasuredResult, FloatArray]]:
    """Where, what was measured, and the true intensities relative to rest, (N, 2, 22)."""
    recorder = Recorder(folder)
    for script in SCRIPTS:
        for number in range(people):
            target = folder / f"{script}_{number}"
            if not (target / "truth.npy").exists():
                shutil.rmtree(target, ignore_errors=True)
                pictures = list(recorder.pictures(script, SEED, number))
                target.mkdir(parents=True)
                encode(target / "clip.mp4", [picture.image for picture in pictures], *ENCODINGS["good"])
                truth = np.array([picture.intensities for picture in pictures])
                at_rest = np.array([picture.at_rest for picture in pictures])
                np.save(target / "truth.npy", truth - np.median(truth[at_rest], axis=0))
            yield f"{script} {number}", _measured(pipeline, target / "clip.mp4"), np.load(target / "truth.npy")


def _measured(pipeline: AUPipeline, clip: Path) -> MeasuredResult:
    with tempfile.TemporaryDirectory() as folder:
        pipeline.process_video(clip, Path(folder) / "clip.csv")
        return asymmetry_of(Path(folder))


def _pair(truth: FloatArray, au: str) -> tuple[float, float]:
    """True peaks of left and right: a face at rest may have more of something than it has in movement, which is no movement."""
    peaks = np.clip(truth[:, :, ALL_AUS.index(au)], 0.0, 5.0).max(axis=0)
    return float(peaks[0]), float(peaks[1])


def _real(pipeline: AUPipeline) -> int:
    """Print what is said of real clips; how many wrong sides."""
    wrong = 0
    print(
        "\nreal clips with one half frozen\n| clip | zone | weaker in truth | answer | AU, peaks, error | why |\n|---|---|---|---|---|---|"
    )
    for name, (zone, weaker) in COMPOSITES.items():
        answer = _measured(pipeline, SHARED / "composites" / f"{name}.mp4").asymmetry.answers.zones[zone]
        wrong += answer.weaker in ("left", "right") and answer.weaker != weaker
        print(f"| {name} | {zone} | {weaker} | {answer.weaker} | {_figures(answer)} | {answer.why} |")
    print("\nhealthy clips: sides that are named\n| clip | answers | named |\n|---|---|---|")
    healthy = [MEDIA / "default.wmv", MEDIA / "changeLighting.wmv", *sorted((SHARED / "composites").glob("*_orig.mp4")), demo_clip()]
    for clip in healthy:
        if clip is not None:
            zones = _measured(pipeline, clip).asymmetry.answers.zones
            named = [f"{key}: {each.weaker} ({_figures(each)})" for key, each in zones.items() if each.weaker in ("left", "right")]
            print(f"| {clip.stem} | {dict(Counter(each.weaker for each in zones.values()))} | {'; '.join(named) or 'none'} |")
    return wrong


def _figures(answer: Answer) -> str:
    error = "" if answer.error is None else f" ± {answer.error:.2f}"
    return f"{answer.au} {answer.sides.left.peak:.2f} {answer.sides.right.peak:.2f}{error}"


if __name__ == "__main__":
    sys.exit(main())
