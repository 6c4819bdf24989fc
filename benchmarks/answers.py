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
from numpy.typing import NDArray
from platformdirs import user_cache_path

from benchmarks.open_real import MEDIA, demo_clip
from benchmarks.rest_renders import ENCODINGS, SHARED, Recorder, encode
from face_mirror_au.api import AUPipeline
from face_mirror_au.asymmetry.answers import Answer
from face_mirror_au.asymmetry.landmarks import LANDMARK_MEASURES, LandmarkMeasure, excursions, eye_distance, rest_positions, side_positions
from face_mirror_au.asymmetry.whole import Lengths
from face_mirror_au.records import ALL_AUS, FloatArray
from face_mirror_au.results.asymmetry import MeasuredResult, asymmetry_of
from training.render.recordings import IRIS_SPREAD
from training.render.targets import ONE_PIECE

SEED = 90210
# What people are asked to do, one after the other; `BEYOND` frames of rest follow.
SCRIPTS = ("first", "middle", "last", "half", "bell", "mouth")
# A true difference of the peaks beyond this, or this share of the larger one, is to be found; below `NONE` there is none.
FOUND, FOUND_SHARE, NONE = 1.0, 0.3, 0.5
# As `FOUND` and `NONE`, mm.
MM = (3.0, 1.5)
OF_LENGTH = {measure.key: measure.aus for measure in LANDMARK_MEASURES}
COMPOSITES = {"def_smile_L": ("mouth", "right"), "def_smile_R": ("mouth", "left"), "sf_L": ("mouth", "right"), "sf_R": ("mouth", "left"),
              "def_blink_L": ("eye", "right"), "def_blink_R": ("eye", "left"), "bell_R": ("eye", "right")}  # fmt: skip


@dataclass
class Tally:
    """Answers of zones, by what is true of the action unit that decided."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, where: str, answer: Answer, truth: tuple[float, float], limits: tuple[float, float] = (FOUND, NONE)) -> None:
        """Judge one answer; `truth` is the left's and the right's true peak."""
        left, right = truth
        to_find, none = limits
        difference, larger = left - right, max(truth)
        kind = "to be found" if abs(difference) > max(to_find, FOUND_SHARE * larger) else "none" if abs(difference) < none else "slight"
        said: str = "named" if answer.weaker in ("left", "right") else answer.weaker
        if said == "named" and abs(difference) >= none and (answer.weaker == "right") != (difference > 0):
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
    zones, units, lengths = Tally(), Tally(), Tally()
    off: dict[str, list[float]] = {}
    scales: list[float] = []
    inside: Counter[tuple[str, bool]] = Counter()
    views = ("original", "left", "right")
    with AUPipeline(profile="open", weights_dir=SHARED / "weights", au_bank=arguments.bank, views=views) as pipeline:
        for where, found, truth in _renders(pipeline, arguments.folder, arguments.people):
            answers = found.asymmetry.answers
            for key, answer in answers.zones.items():
                zones.add(f"{where} {key}", answer, truth.pair(*(OF_LENGTH.get(answer.au, (answer.au,)))))
            for au, answer in answers.units.items():
                if au in ONE_PIECE or answer.error is None or answer.weaker == "too little":
                    continue
                units.add(f"{where}", answer, truth.pair(au))
                inside[au, _holds(answer, truth.pair(au))] += 1
            for measure in LANDMARK_MEASURES:
                answer, pair = answers.lengths[measure.key], truth.length(measure)
                lengths.add(f"{where}", answer, pair, MM)
                inside[measure.key, _holds(answer, pair)] += 1
                off.setdefault(measure.name, []).extend(
                    abs(side.peak - true) for side, true in zip((answer.sides.left, answer.sides.right), pair, strict=True)
                )
            known = found.asymmetry.lengths
            if isinstance(known, Lengths):
                scales.append(known.mm / truth.eye_distance_mm)
        _print_renders(zones, units, lengths, inside)
        _print_lengths(off, scales)
        wrong = _real(pipeline)
    return 1 if zones.wrong or wrong else 0


def _print_renders(zones: Tally, units: Tally, lengths: Tally, inside: Counter[tuple[str, bool]]) -> None:
    print(f"renders, seed {SEED}: answers of zones, of action units, and of lengths (to be found: more than 3 mm; none: less than 1.5)")
    print("| true difference: answer | zones | action units | lengths |\n|---|---|---|---|")
    for key in sorted({*zones.answers, *units.answers, *lengths.answers}):
        print(f"| {key} | {zones.answers[key]} | {units.answers[key]} | {lengths.answers[key]} |")
    print("\nwithin the 95 % interval of left minus right\n| signal | peaks | within |\n|---|---|---|")
    for key in (*ALL_AUS, *OF_LENGTH):
        total = inside[key, True] + inside[key, False]
        if total:
            print(f"| {key} | {total} | {inside[key, True] / total:.0%} |")
    for line in (*zones.wrong, *units.wrong, *lengths.wrong):
        print(f"WRONG: {line}")


def _print_lengths(off: dict[str, list[float]], scales: list[float]) -> None:
    print("\nlargest movement of a side, mm, the person's scale unknown\n| length | sides | mean error |\n|---|---|---|")
    for name, errors in off.items():
        print(f"| {name} | {len(errors)} | {np.mean(errors):.2f} |")
    print(f"\nscale against truth: mean {np.mean(scales):.3f}, standard deviation {np.std(scales):.3f}")


@dataclass(frozen=True)
class Truth:
    """What a rendered recording shows. N frames.

    Attributes
    ----------
    intensities : ndarray, (N, 2, 22) float64
        The subject's left, then right.
    points : ndarray, (N, 68, 2) float64
        Landmarks of the face that looks straight ahead, mm, y down.
    at_rest : ndarray, (N,) bool
    """

    intensities: FloatArray
    points: FloatArray
    at_rest: NDArray[np.bool_]

    def pair(self, *aus: str) -> tuple[float, float]:
        """True peaks of left and right of the largest of some action units.

        A face at rest may have more of something than it has in movement, which is no movement.
        """
        moved = self.intensities - np.median(self.intensities[self.at_rest], axis=0)
        left, right = np.clip(moved[:, :, [ALL_AUS.index(au) for au in aus]], 0.0, 5.0).max(axis=(0, 2))
        return float(left), float(right)

    def length(self, measure: LandmarkMeasure) -> tuple[float, float]:
        """True peaks of left and right, mm."""
        found = []
        for left in (True, False):
            positions = side_positions(self.points, np.ones(len(self.points)), left=left)
            moved = excursions(positions, rest_positions(positions, self.at_rest))
            found.append(float(moved[:, LANDMARK_MEASURES.index(measure)].max()))
        return found[0], found[1]

    @property
    def eye_distance_mm(self) -> float:
        """Distance of the outer corners of the eyes."""
        return float(np.median(eye_distance(self.points)))


def _renders(pipeline: AUPipeline, folder: Path, people: int) -> Iterator[tuple[str, MeasuredResult, Truth]]:
    """Where, what was measured, and the truth."""
    recorder = Recorder(folder)
    for script in SCRIPTS:
        for number in range(people):
            target = folder / f"{script}_{number}"
            if not (target / "truth.npz").exists():
                shutil.rmtree(target, ignore_errors=True)
                iris = float(np.random.default_rng([SEED, number, len(script)]).normal(1.0, IRIS_SPREAD))
                pictures = list(recorder.pictures(script, SEED, number, iris))
                target.mkdir(parents=True)
                encode(target / "clip.mp4", [picture.image for picture in pictures], *ENCODINGS["good"])
                np.savez(
                    target / "truth.npz",
                    intensities=np.array([picture.intensities for picture in pictures]),
                    points=np.array([picture.in_face[:, :2] * (10.0, -10.0) for picture in pictures]),
                    at_rest=np.array([picture.at_rest for picture in pictures]),
                )
            with np.load(target / "truth.npz") as archive:
                truth = Truth(**archive)
            yield f"{script} {number}", _measured(pipeline, target / "clip.mp4"), truth


def _holds(answer: Answer, truth: tuple[float, float]) -> bool:
    """Whether the true difference lies within the error of the measured one."""
    found = answer.sides.left.peak - answer.sides.right.peak
    return answer.error is not None and abs(found - (truth[0] - truth[1])) <= answer.error


def _measured(pipeline: AUPipeline, clip: Path) -> MeasuredResult:
    with tempfile.TemporaryDirectory() as folder:
        pipeline.process_video(clip, Path(folder) / "clip.csv")
        return asymmetry_of(Path(folder))


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
