"""Landmarks that are right and landmarks that are wrong, of rendered faces of many sizes and asymmetries, as profile open locates them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.rest_renders import SHARED, OpenModels, scaled
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.records import Float32Array, FloatArray, Image, Located
from face_mirror_weights import Store
from training.render.camera import Camera
from training.render.clips import sample_person
from training.render.expressions import LEFT, RIGHT, Person
from training.render.ict import FaceModel
from training.render.renderer import Float, Pose, Scene, Studio, render

SIZES = (30, 40, 60, 100, 200, 400)
"""Outer-eye distance, px."""
EXPRESSIONS: dict[str, dict[str, float]] = {
    "rest": {},
    "droop": {"mouthFrown": 0.6, "browDown": 0.5, "eyeWide": 0.3},
    "half smile": {"mouthSmile": 0.95, "mouthUpperUp": 0.5, "cheekSquint": 0.6, "mouthDimple": 0.3},
    "one eye, one brow": {"browInnerUp": 0.8, "browOuterUp": 0.9, "mouthStretch": 0.6},
}
RIGHT_WITHIN = 0.1
"""Mean distance to the true landmarks, in outer-eye distances, up to which landmarks are right."""
PICTURE = (560, 560)
DISTURBED_A_FACE = 6


@dataclass(frozen=True)
class Faces:
    """N sets of landmarks.

    Attributes
    ----------
    kind : ndarray, (N,) int64
        Row of `EXPRESSIONS`; -1 of a disturbed square, -2 of background.
    size : ndarray, (N,) int64
        Of `SIZES`.
    score : ndarray, (N,) float64
    landmarks : ndarray, (N, 68, 2) float32
    error : ndarray, (N,) float64
        Mean distance to the truth, outer-eye distances; infinite on background.
    """

    kind: NDArray[np.int64]
    size: NDArray[np.int64]
    score: FloatArray
    landmarks: Float32Array
    error: FloatArray

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which landmarks are right."""
        return self.error < RIGHT_WITHIN


def gate_faces(folder: Path, seed: int, people: int) -> Faces:
    """Render, locate, keep."""
    path = folder / f"gate_{seed}_{people}.npz"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        rows = list(_rows(seed, people))
        arrays = {one.name: np.array([row[place] for row in rows]) for place, one in enumerate(fields(Faces))}
        with path.with_suffix(".part").open("wb") as file:
            np.savez(file, **arrays)
        path.with_suffix(".part").replace(path)
    with np.load(path) as archive:
        return Faces(**{one.name: archive[one.name] for one in fields(Faces)})


def _rows(seed: int, people: int) -> Iterator[tuple[int, int, float, Float32Array, float]]:
    models = OpenModels(plan_models(Store([SHARED / "weights"]), "open"))
    studio = Studio(FaceModel.load(SHARED / "faces3d" / "ict.npz"))
    for number in range(people):
        generator = np.random.default_rng([seed, number, 99])
        for kind, (image, truth) in enumerate(_pictures(studio, generator)):
            across = float(np.linalg.norm(truth[36] - truth[45]))
            for size in SIZES:
                factor = size / across
                small, there = scaled(image, factor), ((truth + 0.5) * factor - 0.5).astype(np.float32)
                for label, located in _located(models, small, there, kind, generator):
                    error = float(np.mean(np.linalg.norm(located.landmarks - there, axis=1))) / size
                    yield label, size, located.score, located.landmarks, error if label != -2 else np.inf


def _pictures(studio: Studio, generator: np.random.Generator) -> Iterator[tuple[Image, Float]]:
    """The expressions of one person, on one side, through one camera."""
    identity, appearance = sample_person(generator)
    camera = replace(Camera.sample(generator), scale=1.0)
    person, side = Person.sample(generator), (LEFT, RIGHT)[int(generator.integers(2))]
    subject = None
    for weights in EXPRESSIONS.values():
        all_weights = {**person.rest, **{base + side: weight for base, weight in weights.items()}}
        yaw, pitch, roll = (float(angle) for angle in generator.normal(0.0, (8.0, 5.0, 5.0)))
        pose = Pose(yaw, pitch, roll, distance=float(generator.uniform(40.0, 52.0)))
        vertices = studio.model.vertices(identity, all_weights)
        subject = studio.subject(vertices, appearance, pose) if subject is None else replace(subject, vertices=vertices, pose=pose)
        background = render(Scene([], seed=int(generator.integers(2**31))), PICTURE)[0]
        image, (landmarks,) = render(Scene([subject], background=background), PICTURE)
        yield camera.record(image, generator), landmarks


def _located(models: OpenModels, image: Image, truth: Float, kind: int, generator: np.random.Generator) -> Iterator[tuple[int, Located]]:
    found = models.locate(image, None)
    if found is not None:
        yield kind, found
    for _ in range(DISTURBED_A_FACE // 3):
        centre = truth.mean(axis=0)
        turn, grow = generator.normal(0.0, 0.5), np.exp(generator.normal(0.0, 0.45))
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        extent = np.ptp(truth, axis=0).max()
        moved = (truth - centre) @ rotation.T * grow + centre + generator.normal(0.0, 0.35, 2) * extent
        near = models.locate(image, Located(moved.astype(np.float32), 1.0))
        if near is not None:
            yield -1, near
    corner = np.array([0.12, 0.12]) * image.shape[1]
    on_wall = (truth - truth.mean(axis=0)) * 0.35 + corner
    nothing = models.locate(image, Located(on_wall.astype(np.float32), 1.0))
    if nothing is not None:
        yield -2, nothing
