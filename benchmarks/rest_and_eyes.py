"""Rest, refused faces and eyelids on what nothing was chosen by: `python -m benchmarks.rest_and_eyes`. Needs ../shared.

Renders of people of a seed of their own (head motion, palsy, eyes that roll up, three encodings, faces of 30 to 400 px outer-eye distance),
composites of real faces, and healthy clips. What was measured is kept in the folder, so that a second run takes seconds.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from platformdirs import user_cache_path

from benchmarks.gate_renders import EXPRESSIONS, SIZES, Faces, gate_faces
from benchmarks.rest_renders import BEYOND, ENCODINGS, RATE, SCRIPTS, SHARED, OpenModels, Recorder, Recording
from face_mirror_au.errors import LandmarksError
from face_mirror_au.media.video import open_source
from face_mirror_au.models.attention_mesh import AttentionMesh
from face_mirror_au.models.mesh_points import MESH_EYES
from face_mirror_au.models.openface_files import read_pdm
from face_mirror_au.numerics.eyelids import eye_closures, eye_openings, lids_allow
from face_mirror_au.numerics.final_values import final_intensities
from face_mirror_au.numerics.pose import PoseFitter
from face_mirror_au.numerics.rest import Rest, RestRows, find_rest, weighed_rows, weighted_medians
from face_mirror_au.pipeline.confidence import MIN_NEW_CONFIDENCE, MIN_SCORE, landmark_confidence
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.records import INTENSITY_AUS, Float32Array, FloatArray, Located
from face_mirror_weights import Store, open_models

SEED = 3
WITHOUT_REST = ("none", "closed")
BAD_LEVEL = 0.3
BLINK = INTENSITY_AUS.index("AU45")
# Frames of default.wmv from 0; the fifth is partial.
BLINKS = ((19, 20), (78, 80), (113, 114), (152, 153), (184, 184), (250, 251), (281, 282))
BLINK_FROM = 0.2
# Composites: frames at rest, the side that is frozen, and where.
FROZEN = (
    ("def_blink_L", (0, 8), 1, (0, 99)),
    ("def_blink_R", (0, 8), 0, (0, 99)),
    ("def_smile_L", (0, 8), 1, (0, 99)),
    ("def_smile_R", (0, 8), 0, (0, 99)),
    ("sf_L", (0, 10), 1, (0, 99)),
    ("sf_R", (0, 10), 0, (0, 99)),
    ("s6_brow", (0, 14), 1, (30, 38)),
    ("s6_brow", (0, 14), 0, (46, 54)),
    ("s6_pucker", (0, 14), 1, (30, 38)),
    ("s6_pucker", (0, 14), 0, (46, 54)),
)
REAL_RESTS = {
    "def_smile_orig": (0, 10), "def_smile_L": (0, 10), "def_smile_R": (0, 10), "sf_orig": (0, 16), "sf_L": (0, 16), "sf_R": (0, 16),
    "def_blink_orig": (0, 10), "def_blink_L": (0, 10), "def_blink_R": (0, 10), "bell_orig": (2, 24), "bell_R": (2, 24),
    "s6_brow": (1, 14), "s6_pucker": (1, 14), "default": (0, 18),
}  # fmt: skip


@dataclass(frozen=True)
class _Clip:
    """A measured clip: raw values (N, 51), landmarks, mesh, times."""

    raw: FloatArray
    landmarks: Float32Array
    mesh: Float32Array
    time_s: FloatArray

    def rest(self) -> Rest:
        def read(start: int, stop: int) -> RestRows:
            rows = slice(start, stop)
            measured = np.ones(len(self.time_s[rows]), bool)
            return RestRows(measured, self.time_s[rows], self.raw[rows, len(INTENSITY_AUS) : 3 * len(INTENSITY_AUS)], self.landmarks[rows])

        found = find_rest(read, len(self.raw), _PDM.mean[:2].T)
        if found is None:
            raise ValueError("a clip without frames")
        return found

    def at_rest(self, rest: Rest, values: FloatArray) -> FloatArray:
        rows = weighed_rows(rest.weights)
        return weighted_medians(values[rows], rest.weights[rows])

    def openings(self) -> FloatArray:
        scale = np.array([_FITTER.fit(points.astype(np.float64)).pose[0] for points in self.landmarks])
        return eye_openings(self.mesh, scale, MESH_EYES)

    def final_blinks(self, rest: Rest) -> FloatArray:
        """Final AU45 of each side, (N, 2)."""
        openings = self.openings()
        closures = eye_closures(openings, self.at_rest(rest, openings))
        columns = [len(INTENSITY_AUS) * (side + 1) + BLINK for side in range(2)]
        moved = np.minimum((self.raw - self.at_rest(rest, self.raw))[:, columns], lids_allow(closures))
        return final_intensities(moved, np.ones(len(moved), bool), np.zeros(2))


_PDM = read_pdm(open_models.PDM, name="open")
_FITTER = PoseFitter(_PDM)


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=user_cache_path("face-mirror-au") / "rest_and_eyes", help="what was measured")
    parser.add_argument("--people", type=int, default=2, metavar="N", help=f"for each of the {len(SCRIPTS)} scripts (half a minute each)")
    parser.add_argument("--faces", type=int, default=20, metavar="N", help="people of the table of refused faces (20 s each)")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    recorder = Recorder(arguments.folder)
    recordings = {
        (script, number): recorder.recordings(script, arguments.seed, number) for number in range(arguments.people) for script in SCRIPTS
    }
    real = dict(_real_clips(arguments.folder))
    rest_table(recordings, real)
    encodings_table(recordings)
    gate_table(gate_faces(arguments.folder, arguments.seed, arguments.faces))
    closure_table(recordings)
    composites_table(real)
    return 0


def rest_table(recordings: Mapping[tuple[str, int], Mapping[str, Recording]], real: Mapping[str, _Clip]) -> None:
    """Error of the levels, and warnings."""
    rows: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for (script, _), encodings in recordings.items():
        for recording in encodings.values():
            clip = _clip(recording)
            rest = clip.rest()
            error = float(np.nanmean(np.abs(clip.at_rest(rest, clip.raw) - _true_level(recording))))
            rows[script].append((error, bool(rest.warning)))
    for name, (start, stop) in REAL_RESTS.items():
        clip = real[name]
        rest = clip.rest()
        error = float(np.nanmean(np.abs(clip.at_rest(rest, clip.raw) - np.median(clip.raw[start:stop], axis=0))))
        rows["real clips"].append((error, bool(rest.warning)))
    print("\nrest: mean error of the level, AU units, against the true rest")
    print("| recordings | clips | mean error | worst | above 0.3 | warned |\n|---|---|---|---|---|---|")
    for name, found in rows.items():
        errors = np.array([error for error, _ in found])
        warned = sum(warned for _, warned in found)
        print(f"| {name} | {len(found)} | {errors.mean():.2f} | {errors.max():.2f} | {(errors > BAD_LEVEL).sum()} | {warned} |")
    with_rest = [pair for name, found in rows.items() if name not in WITHOUT_REST for pair in found]
    everything = [pair for found in rows.values() for pair in found]
    errors = np.array([error for error, _ in with_rest])
    wrong, right = ([warned for error, warned in everything if (error > BAD_LEVEL) is bad] for bad in (True, False))
    above = (errors > BAD_LEVEL).sum()
    print(f"with a rest: {len(errors)} clips, mean error {errors.mean():.3f}, worst {errors.max():.2f}, above 0.3: {above}")
    print(f"warned: {sum(wrong)} of {len(wrong)} wrong rests, {sum(right)} of {len(right)} right ones")


def encodings_table(recordings: Mapping[tuple[str, int], Mapping[str, Recording]]) -> None:
    """How far final values of one clip's encodings lie apart."""
    means, frames = [], []
    for (script, _), encodings in recordings.items():
        if script in WITHOUT_REST:
            continue
        finals = []
        for recording in encodings.values():
            clip = _clip(recording)
            level = clip.at_rest(clip.rest(), clip.raw)
            finals.append(final_intensities(clip.raw, np.ones(len(clip.raw), bool), level)[:, : len(INTENSITY_AUS)])
        spread = np.ptp(np.array(finals), axis=0)
        means.append(np.ptp(np.array(finals).mean(axis=1), axis=0))
        frames.append(spread.ravel())
    each, apart = np.array(means), np.concatenate(frames)
    apart = apart[np.isfinite(apart)]
    print(f"\nthree encodings of a clip ({', '.join(ENCODINGS)}): final values of the whole face")
    print("| AU | mean differs by, median of clips | worst clip |\n|---|---|---|")
    for column, au in enumerate(INTENSITY_AUS):
        if np.isfinite(each[:, column]).all():
            print(f"| {au} | {np.median(each[:, column]):.2f} | {each[:, column].max():.2f} |")
    print(f"frames within 1 unit: {100 * (apart <= 1.0).mean():.1f} %; 99 % within {np.quantile(apart, 0.99):.2f}")


def gate_table(faces: Faces) -> None:
    """Right faces refused, wrong ones taken for a new face."""
    confidences = np.array([_confidence(Located(points, score)) for score, points in zip(faces.score, faces.landmarks, strict=True)])
    taken = (confidences >= MIN_NEW_CONFIDENCE) & (faces.score >= MIN_SCORE)
    located = (faces.kind >= 0) & faces.right
    print(f"\nrefused, of {located.sum()} right faces ({', '.join(EXPRESSIONS)}), by outer-eye distance")
    print("| expression | " + " | ".join(f"{size} px" for size in SIZES) + " |\n" + "|---" * (1 + len(SIZES)) + "|")
    for kind, name in enumerate(EXPRESSIONS):
        cells = [f"{100 * (~taken[located & (faces.kind == kind) & (faces.size == size)]).mean():.1f} %" for size in SIZES]
        print(f"| {name} | {' | '.join(cells)} |")
    disturbed, wall = (faces.kind == -1) & ~faces.right, faces.kind == -2
    wrong = disturbed | wall
    print(
        f"accepted: {100 * taken[wrong].mean():.1f} % of {wrong.sum()} wrong ones "
        f"(disturbed {100 * taken[disturbed].mean():.1f} %, background {100 * taken[wall].mean():.1f} %)"
    )


def _confidence(located: Located) -> float:
    try:
        fit = _FITTER.fit(located.landmarks.astype(np.float64))
        return landmark_confidence(AttentionMesh.name, _FITTER, located, fit)
    except LandmarksError:
        return 0.0


def closure_table(recordings: Mapping[tuple[str, int], Mapping[str, Recording]]) -> None:
    """Closure of each eye against the truth."""
    found: dict[str, list[tuple[FloatArray, FloatArray]]] = defaultdict(list)
    for (script, _), encodings in recordings.items():
        if script not in WITHOUT_REST:
            recording = encodings["small"]
            clip = _clip(recording)
            openings = clip.openings()
            closures = eye_closures(openings, clip.at_rest(clip.rest(), openings))
            found[script].append((closures, np.clip(recording.closure[: recording.count], 0.0, 1.0)))
    found["all"] = [pair for pairs in found.values() for pair in pairs]
    print("\nclosure of each eye against the truth: correlation, slope")
    print("| recordings | frames | each eye | left minus right |\n|---|---|---|---|")
    for name, pairs in found.items():
        values, truth = (np.concatenate([pair[place] for pair in pairs]) for place in (0, 1))
        sides = _agreement(values[:, 0] - values[:, 1], truth[:, 0] - truth[:, 1]) if name in {"bell", "all"} else "-"
        print(f"| {name} | {len(values)} | {_agreement(values.ravel(), truth.ravel())} | {sides} |")


def composites_table(real: Mapping[str, _Clip]) -> None:
    """Real faces: frozen eyes, an eye that rolls up, blinks."""
    print("\nfrozen eyes of composites: opening as a share of its rest\n| clip | eye | least | most |\n|---|---|---|---|")
    for name, (start, stop), side, (first, last) in FROZEN:
        openings = real[name].openings()
        share = (openings / np.median(openings[start:stop], axis=0))[first:last, side]
        print(f"| {name} | {('left', 'right')[side]} | {share.min():.2f} | {share.max():.2f} |")
    for name in ("bell_R", "bell_orig"):
        blinks = real[name].final_blinks(real[name].rest())
        print(f"{name}: AU45 at most {blinks[:, 0].max():.2f} on the left, {blinks[:, 1].max():.2f} on the right")
    clip = real["default"]
    openings = clip.openings()
    closures = eye_closures(openings, clip.at_rest(clip.rest(), openings)).mean(axis=1)
    near = np.zeros(len(closures), bool)
    found = 0
    for first, last in BLINKS:
        near[max(0, first - 4) : last + 6] = True
        found += bool((closures[first : last + 1] >= BLINK_FROM).any())
    print(f"blinks of default.wmv: {found} of {len(BLINKS)} found, {(closures[~near] >= BLINK_FROM).sum()} frames elsewhere")


def _real_clips(folder: Path) -> Iterator[tuple[str, _Clip]]:
    """Composites and default.wmv, measured once."""
    models: OpenModels | None = None
    for path in (*sorted((SHARED / "composites").glob("*.mp4")), SHARED / "media" / "default.wmv"):
        kept = folder / f"real_{path.stem}.npz"
        if not kept.exists():
            models = models or OpenModels(plan_models(Store([SHARED / "weights"]), "open"))
            with open_source(path) as source:
                frames = list(source)
            located, raw, _ = models.measure([frame.image for frame in frames], len(frames))
            np.savez(
                kept,
                raw=raw,
                landmarks=np.array([one.landmarks for one in located]),
                mesh=np.array([one.mesh for one in located], np.float32),
                time_s=np.array([frame.time_s for frame in frames]),
            )
        with np.load(kept) as archive:
            yield path.stem, _Clip(**{name: archive[name] for name in ("raw", "landmarks", "mesh", "time_s")})


def _clip(recording: Recording) -> _Clip:
    rows = slice(0, recording.count)
    return _Clip(recording.raw[rows], recording.landmarks[rows], recording.mesh[rows], np.arange(recording.count) / RATE)


def _true_level(recording: Recording) -> FloatArray:
    """Of the frames at rest; where there are none, of those after the recording's end."""
    at_rest = recording.at_rest.copy()
    if at_rest[: recording.count].sum() >= BEYOND:
        at_rest[recording.count :] = False
    return np.asarray(np.median(recording.raw[at_rest], axis=0))


def _agreement(values: FloatArray, truth: FloatArray) -> str:
    slope = float(np.polyfit(truth, values, 1)[0])
    return f"{np.corrcoef(values, truth)[0, 1]:.2f} ({slope:.2f})"


if __name__ == "__main__":
    raise SystemExit(main())
