"""Rendered recordings whose rest, eyelids and landmarks are known, as the open models measure them; kept on disk for the next time.

People, movements and cameras come from a seed of their own: nothing was trained on them, and no constant may be chosen on the seed that
the tables are printed for.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import ROOT
from face_mirror_au.numerics.fhog import HOG_SIZE
from face_mirror_au.pipeline.finder import ModelFinder
from face_mirror_au.pipeline.model_set import ModelPlan, plan_models
from face_mirror_au.pipeline.sequence import AUSequence
from face_mirror_au.records import Detection, Float32Array, FloatArray, Frame, Image, Located, View
from face_mirror_weights import Store
from training.render.camera import Camera
from training.render.clips import sample_person, sway
from training.render.expressions import MOVEMENTS, ZONE_OF, Person, Weights, gaze, possible
from training.render.ict import LANDMARK_VERTICES, FaceModel
from training.render.lashes import draw_lashes
from training.render.renderer import Float, Pose, Scene, Studio, moved, render, roll_eyes
from training.render.targets import intensities

SHARED = ROOT.parent / "shared"
RATE = 15
SIZE = (384, 384)
BEYOND = 6
"""Frames at rest after the recording's end, which are not part of it: what the levels of a recording without rest should be."""

Segment = tuple[str, int]
# What the person does, frames at 15 per second. "rest", a movement of `MOVEMENTS`, or one of `_closures`.
SCRIPTS: dict[str, tuple[Segment, ...]] = {
    "first": (("rest", 18), ("brow raise", 12), ("rest", 6), ("full blink", 10), ("rest", 6), ("toothy smile", 12), ("pucker", 10)),
    "middle": (("smile", 14), ("brow raise", 12), ("rest", 26), ("snarl", 12), ("rest", 4), ("smile", 10)),
    "last": (("surprise", 14), ("tight eyes", 12), ("rest", 5), ("pucker", 14), ("rest", 22)),
    "brow": (("brow raise", 30), ("rest", 12), ("wide eyes", 20), ("brow raise", 16)),
    "pucker": (("rest", 12), ("pucker", 30), ("rest", 8), ("pucker", 25)),
    "mouth": (("jaw", 20), ("rest", 12), ("toothy smile", 24), ("speech", 10), ("rest", 6)),
    "half": (("rest", 20), ("smile", 14), ("rest", 16), ("sadness", 12), ("rest", 12)),
    "none": (("smile", 14), ("brow raise", 12), ("toothy smile", 14), ("tight eyes", 12), ("pucker", 12), ("surprise", 12)),
    "closed": (("closed", 24), ("closed smile", 24), ("closed", 24)),
    "bell": (("rest", 16), ("bell", 14), ("rest", 8), ("bell", 14), ("rest", 8), ("full blink", 8)),
    "back": (("rest", 12), ("thrown back", 24), ("full blink", 8), ("looking down", 14), ("rest", 8), ("squint", 10)),
}
ENCODINGS: dict[str, tuple[str, dict[str, str]]] = {
    "good": ("libx264", {"crf": "12", "threads": "1"}),
    "small": ("libx264", {"crf": "27", "threads": "1"}),
    "old": ("mpeg4", {"q": "6", "threads": "1"}),
}
ONSET = 4
BLINK = (0.5, 1.0, 0.4)
EYELIDS = (((43, 47), (44, 46)), ((37, 41), (38, 40)))
"""Upper and lower lid of the 68 points, the subject's left eye first."""

LIDS = ("eyeBlink_L", "eyeBlink_R")


@dataclass(frozen=True)
class Recording:
    """One clip as one encoding of it was measured: N frames, then `BEYOND` more.

    Attributes
    ----------
    at_rest : ndarray, (N + b,) bool
    closure : ndarray, (N + b, 2) float64
        Truth: by which share of its opening at rest an eye has closed, the subject's left first.
    intensities : ndarray, (N + b, 2, 17) float64
        Truth, see `training.render.targets`.
    angles : ndarray, (N + b, 3) float64
        True yaw, pitch, roll, degrees.
    true_landmarks, landmarks : ndarray, (N + b, 68, 2) float32
        px.
    mesh : ndarray, (N + b, 478, 3) float32
        px.
    score : ndarray, (N + b,) float64
        The landmark model's.
    raw : ndarray, (N + b, 51) float64
        Of the dynamic bank against the running median of the N frames.
    hog : ndarray, (N + b, 4464) float16
    """

    at_rest: NDArray[np.bool_]
    closure: FloatArray
    intensities: FloatArray
    angles: FloatArray
    true_landmarks: Float32Array
    landmarks: Float32Array
    mesh: Float32Array
    score: FloatArray
    raw: FloatArray
    hog: NDArray[np.float16]

    @property
    def count(self) -> int:
        """N."""
        return len(self.at_rest) - BEYOND


@dataclass(frozen=True)
class Picture:
    """One frame and its truth, as in `Recording`."""

    image: Image = field(repr=False)
    landmarks: Float = field(repr=False)
    at_rest: bool
    closure: FloatArray
    intensities: FloatArray
    pose: Pose
    in_face: Float = field(repr=False)
    """The landmarks of the face that looks straight ahead, (68, 3) cm: x to the subject's left, y up."""


class Recorder:
    """Renders recordings and measures them with the models of profile open.

    Parameters
    ----------
    folder : Path
        What was measured is kept there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._studio: Studio | None = None
        self._models: OpenModels | None = None

    @property
    def studio(self) -> Studio:
        """The mesh, loaded when something is rendered."""
        if self._studio is None:
            self._studio = Studio(FaceModel.load(SHARED / "faces3d" / "ict.npz"), eyes_roll=True)
        return self._studio

    @property
    def models(self) -> OpenModels:
        """The models, opened when something is measured."""
        if self._models is None:
            self._models = OpenModels(plan_models(Store([SHARED / "weights"]), "open"))
        return self._models

    def recordings(self, script: str, seed: int, number: int) -> dict[str, Recording]:
        """All encodings of a clip, by their name."""
        paths = {name: self._folder / f"{script}_{seed}_{number}_{name}.npz" for name in ENCODINGS}
        if not all(path.exists() for path in paths.values()):
            pictures = list(self.pictures(script, seed, number))
            for name, path in paths.items():
                _save(path, self._measure(pictures, *ENCODINGS[name]))
        return {name: _load(path) for name, path in paths.items()}

    def pictures(self, script: str, seed: int, number: int, iris_size: float = 1.0) -> Iterator[Picture]:
        """The frames of a recording, with their truth; those beyond its end, too. `iris_size`: of the visible iris, a share of its mean."""
        generator = np.random.default_rng([seed, number, sorted(SCRIPTS).index(script)])
        identity, appearance = sample_person(generator)
        appearance = replace(appearance, iris_size=iris_size)
        model = self.studio.model
        neutral = model.identity(identity)
        subject = self.studio.subject(neutral, appearance)
        person, camera = Person.sample(generator), Camera.sample(generator)
        moments = _moments(script, person, generator)
        angles = generator.normal(0.0, (6.0, 4.0, 3.0))
        around = Pose(*(float(angle) for angle in angles), distance=float(generator.uniform(36.0, 62.0)))
        poses = sway(len(moments), generator, around, float(generator.uniform(0.5, 4.0)))
        background = render(Scene([], seed=int(generator.integers(2**31))), SIZE)[0]
        resting = _openings(model.express(neutral, possible(dict(person.rest))))
        lashes = float(generator.uniform(0.3, 1.0))
        for moment, pose in zip(moments, poses, strict=True):
            vertices = model.express(neutral, moment.weights)
            in_face = vertices[LANDMARK_VERTICES]
            closure = 1.0 - _openings(vertices) / resting
            roll_eyes(self.studio, vertices, moment.rolled_up)
            placed = Pose(pose.yaw, pose.pitch + moment.back, pose.roll, pose.x, pose.y, pose.distance)
            image, (landmarks,) = render(Scene([moved(subject, vertices, placed)], background=background), SIZE)
            draw_lashes(image, landmarks, lashes)
            truth = intensities(model, moment.weights)
            yield Picture(camera.record(image, generator), landmarks, moment.at_rest, closure, truth, placed, in_face)

    def _measure(self, pictures: Sequence[Picture], codec: str, options: dict[str, str]) -> Recording:
        located, raw, hog = self.models.measure(encoded([picture.image for picture in pictures], codec, options), len(pictures) - BEYOND)
        return Recording(
            at_rest=np.array([picture.at_rest for picture in pictures]),
            closure=np.array([picture.closure for picture in pictures]),
            intensities=np.array([picture.intensities for picture in pictures]),
            angles=np.array([(picture.pose.yaw, picture.pose.pitch, picture.pose.roll) for picture in pictures]),
            true_landmarks=np.array([picture.landmarks for picture in pictures], np.float32),
            landmarks=np.array([one.landmarks for one in located], np.float32),
            mesh=np.array([one.mesh for one in located], np.float32),
            score=np.array([one.score for one in located]),
            raw=raw,
            hog=hog,
        )


class OpenModels:
    """Detector, landmark model and bank of profile open, without refusing anything."""

    def __init__(self, plan: ModelPlan) -> None:
        self._finder = ModelFinder(plan.load_detector(), plan.load_landmark_model())
        self._describer = plan.load_describer()
        self._bank = plan.load_bank()

    def locate(self, image: Image, near: Detection | Located | None) -> Located | None:
        """Landmarks near a place; without one, of the largest detection after some passes."""
        frame = Frame(0, 0.0, image)
        passes = 1
        if near is None:
            found = self._finder.detect(frame)
            if not found:
                return None
            near, passes = max(found, key=lambda one: float(one.box[2] - one.box[0])), 4
        for _ in range(passes):
            near, _ = self._finder.locate(frame, View.ORIGINAL, near)
        return near if isinstance(near, Located) else None

    def measure(self, images: Sequence[Image], count: int) -> tuple[list[Located], FloatArray, NDArray[np.float16]]:
        """Landmarks of all pictures, raw values against the running median of the first `count`, (len(images), m) float64, and FHOG."""
        sequence, located, descriptors = AUSequence(self._bank), [], []
        near: Located | None = None
        for index, image in enumerate(images):
            near = self.locate(image, near)
            if near is None or near.mesh is None:
                raise ValueError(f"no face in picture {index}")
            located.append(near)
            descriptor = self._describer.describe(image, near.landmarks, None, near.mesh)
            descriptors.append(np.concatenate([descriptor.hog, descriptor.geometry], dtype=np.float64))
            if index < count:
                sequence.append(descriptor.hog, descriptor.geometry)
        raw, _ = self._bank.predict(np.array(descriptors), sequence.online.offsets)
        return located, raw, np.array([descriptor[:HOG_SIZE] for descriptor in descriptors], np.float16)


@dataclass(frozen=True)
class _Moment:
    weights: Weights
    at_rest: bool
    rolled_up: float = 0.0
    back: float = 0.0


def _moments(script: str, person: Person, generator: np.random.Generator) -> list[_Moment]:
    """What the face does in each frame, eased from one to the next."""
    segments = (*SCRIPTS[script], ("rest", BEYOND + ONSET))
    targets = [_target(name, person, generator) for name, _ in segments]
    moments: list[_Moment] = []
    before = targets[0]
    for (name, length), target in zip(segments, targets, strict=True):
        strong = name == "rest" or generator.random() < 0.7
        for step in range(length):
            share = min(1.0, (step + 1) / ONSET) if moments or step >= ONSET else 1.0
            share *= 1.0 if strong else 0.8
            now = _mixed(before, target, share)
            weights = {name: weight * float(generator.normal(1.0, 0.01)) for name, weight in now.weights.items()}
            resting = name == "rest" and (share >= 1.0)
            moments.append(_Moment(possible(weights), resting, now.rolled_up, now.back))
        before = _mixed(before, target, 1.0 if strong else 0.8)
    return _with_blinks(moments, generator)[: sum(length for _, length in SCRIPTS[script])] + moments[-BEYOND:]


def _with_blinks(moments: list[_Moment], generator: np.random.Generator) -> list[_Moment]:
    """A blink about every two seconds, wherever it falls."""
    result = list(moments)
    for start in range(int(generator.integers(8, 30)), len(moments) - len(BLINK), int(generator.integers(24, 40))):
        for step, strength in enumerate(BLINK):
            old = result[start + step]
            lids = {f"eyeBlink_{side}": max(strength, old.weights.get(f"eyeBlink_{side}", 0.0)) for side in "LR"}
            result[start + step] = _Moment(possible(old.weights | lids), False, old.rolled_up, old.back)
    return result


def _target(name: str, person: Person, generator: np.random.Generator) -> _Moment:
    """The end of a movement, with the strength that each side of this person has."""
    look = gaze(generator, large=0.0)
    if name == "rest":
        return _Moment(person.rest | look, True)
    rolled_up = back = 0.0
    weights: Weights = {}
    match name:
        case "closed":
            weights = dict.fromkeys(LIDS, 0.95)
        case "closed smile":
            weights = dict.fromkeys(LIDS, 0.95) | {"mouthSmile_L": 0.8, "mouthSmile_R": 0.8}
        case "bell":
            weak = LIDS[int(generator.integers(2))]
            weights = {lid: float(generator.uniform(0.0, 0.45)) if lid == weak else 1.0 for lid in LIDS}
            rolled_up = float(generator.uniform(18.0, 32.0))
        case "thrown back":
            back = float(generator.uniform(14.0, 22.0))
        case "looking down":
            weights, look = {f"eyeLookDown_{side}": float(generator.uniform(0.5, 0.9)) for side in "LR"}, {}
        case _:
            weights = _asked_for(name, person, generator)
    total = dict(person.rest)
    for shape, weight in (weights | look).items():
        total[shape] = total.get(shape, 0.0) + weight
    return _Moment(total, False, rolled_up, back)


def _asked_for(name: str, person: Person, generator: np.random.Generator) -> Weights:
    """A movement of `MOVEMENTS`, in its upper half."""
    weights: Weights = {}
    for base, (low, high) in MOVEMENTS[name].items():
        weight = max(0.0, float(generator.uniform((low + high) / 2, high)))
        if base not in ZONE_OF:
            weights[base] = weight
            continue
        for side in "LR":
            weights[f"{base}_{side}"] = weight * person.strength.get((f"_{side}", ZONE_OF[base]), 1.0)
    return weights


def _mixed(first: _Moment, second: _Moment, share: float) -> _Moment:
    names = {*first.weights, *second.weights}
    weights = {name: (1 - share) * first.weights.get(name, 0.0) + share * second.weights.get(name, 0.0) for name in sorted(names)}
    return _Moment(weights, False, (1 - share) * first.rolled_up + share * second.rolled_up, (1 - share) * first.back + share * second.back)


def _openings(vertices: Float) -> FloatArray:
    """How far the lids are apart, (2,) float64 cm, the subject's left eye first."""
    points = vertices[LANDMARK_VERTICES].astype(np.float64)
    return np.array([np.mean([points[upper, 1] - points[lower, 1] for upper, lower in eye]) for eye in EYELIDS])


def encode(target: Path | io.BytesIO, images: Sequence[Image], codec: str, options: dict[str, str]) -> None:
    """Write the pictures as a video of that codec."""
    with av.open(target, "w", format="mp4") as container:
        options = dict(options)
        quality = options.pop("q", None)
        stream = container.add_stream(codec, rate=Fraction(RATE), options=options)
        stream.pix_fmt = "yuv420p"
        stream.height, stream.width = images[0].shape[:2]
        if quality is not None:
            stream.codec_context.qmin = stream.codec_context.qmax = int(quality)
            stream.codec_context.bit_rate = 20_000_000
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")))
        container.mux(stream.encode())


def encoded(images: Sequence[Image], codec: str, options: dict[str, str]) -> list[Image]:
    """The pictures as a video of that codec gives them back."""
    buffer = io.BytesIO()
    encode(buffer, images, codec, options)
    buffer.seek(0)
    with av.open(buffer) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def _save(path: Path, recording: Recording) -> None:
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        np.savez(file, **{one.name: getattr(recording, one.name) for one in fields(Recording)})
    partial.replace(path)


def _load(path: Path) -> Recording:
    with np.load(path) as archive:
        return Recording(**{one.name: archive[one.name] for one in fields(Recording)})


def scaled(image: Image, factor: float) -> Image:
    """A picture made smaller or larger."""
    height, width = image.shape[:2]
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (round(width * factor), round(height * factor)), interpolation=how), np.uint8)
