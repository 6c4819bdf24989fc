"""Rendered recordings with known action units: what the open AU bank is trained on.

A recording is one person before one camera: some frames at rest, some of movements, the head turning a little in between. Recording number
`n` of a seed is always the same, so that they can be made in any order and in any number of processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from training.render.appearance import Appearance
from training.render.camera import Camera, Glasses, Image, cover
from training.render.clips import sample_person
from training.render.expressions import Person, Weights
from training.render.folds import Folds
from training.render.lashes import draw_lashes
from training.render.renderer import Float, Light, Pose, Scene, Studio, moved, render, roll_eyes
from training.render.targets import intensities

RESTING_FRAMES, MOVING_FRAMES = 4, 20
SIZES = ((400, 400), (480, 360), (360, 480))
SHARE_GLASSES, SHARE_COVERED = 0.2, 0.04
# Standard deviations, degrees: of the pose of a recording, and of the frames around it.
POSE_SPREAD = (7.0, 5.0, 4.0)
SWAY = (4.0, 3.0, 2.5)
# Of the visible iris's diameter, as a share of its mean.
IRIS_SPREAD = 0.045
SHARE_BEARDS, MOST_STUBBLE = 0.15, 0.9
# An eye that closes, or tries to, rolls up more often than not (Bell's phenomenon); degrees.
CLOSING, SHARE_ROLLED_CLOSING, SHARE_ROLLED = 0.5, 0.35, 0.04
ROLLED = (10.0, 32.0)
# Of the frames: the head thrown back or bent forward, degrees.
SHARE_NODDING, NODDING = 0.06, (8.0, 22.0)


@dataclass(frozen=True)
class RecordedFrame:
    """One picture and its truth.

    Attributes
    ----------
    image : (H, W, 3) uint8 BGR
    landmarks : (68, 2) float32
        px, iBUG order.
    weights : dict
        Of the mesh's shapes.
    intensities : (2, 22) float64
        The subject's left, then right; see `targets`.
    at_rest : bool
    pose : Pose
    """

    image: Image = field(repr=False)
    landmarks: Float = field(repr=False)
    weights: Weights
    intensities: NDArray[np.float64]
    at_rest: bool
    pose: Pose


def recording(studio: Studio, seed: int, number: int) -> Iterator[RecordedFrame]:
    """Frames of one recording, those at rest first: `RESTING_FRAMES` + `MOVING_FRAMES`.

    Parameters
    ----------
    studio : Studio
        With eyes that roll.
    seed, number : int
        The two together choose everything.
    """
    generator = np.random.default_rng([seed, number])
    identity, appearance = sample_person(generator)
    appearance = _varied(appearance, generator)
    rest = studio.model.identity(identity)
    subject = studio.subject(rest, appearance)
    folds = Folds.sample(generator)
    person, camera = Person.sample(generator), Camera.sample(generator)
    glasses = Glasses.sample(generator) if generator.random() < SHARE_GLASSES else None
    size = SIZES[int(generator.integers(len(SIZES)))]
    focal = float(generator.uniform(1.0, 2.2))
    lights, ambient = _light(generator)
    around = _pose(generator, focal)
    background = render(Scene([], seed=int(generator.integers(2**31))), size)[0]
    for frame in range(RESTING_FRAMES + MOVING_FRAMES):
        at_rest = frame < RESTING_FRAMES
        weights = person.keep_still(generator) if at_rest else person.move(generator)
        pose = _swayed(around, generator)
        vertices = studio.model.express(rest, weights)
        if not at_rest:
            pose = _nodding(pose, generator)
            roll_eyes(studio, vertices, _rolled(weights, generator))
        shown = moved(subject, vertices, pose, studio.folds.shade(folds, weights))
        image, (landmarks,) = render(Scene([shown], focal=focal, lights=lights, ambient=ambient, background=background), size)
        draw_lashes(image, landmarks, appearance.lashes)
        if glasses is not None:
            glasses.draw(image, landmarks)
        if generator.random() < SHARE_COVERED:
            cover(image, landmarks, generator)
        yield RecordedFrame(
            camera.record(image, generator), landmarks, weights, intensities(studio.model, weights), at_rest=at_rest, pose=pose
        )


def _varied(appearance: Appearance, generator: np.random.Generator) -> Appearance:
    """What `Appearance.sample` leaves alike in all people: size of the iris, beards, lashes with and without mascara."""
    size = float(np.clip(generator.normal(1.0, IRIS_SPREAD), 0.88, 1.12))
    stubble = float(generator.uniform(0.0, MOST_STUBBLE)) if generator.random() < SHARE_BEARDS else appearance.stubble
    return replace(appearance, iris_size=size, stubble=stubble, lashes=float(generator.uniform(0.15, 1.0)))


def _rolled(weights: Weights, generator: np.random.Generator) -> float:
    """How far the eyes have rolled up, degrees."""
    closing = max(weights.get("eyeBlink_L", 0.0), weights.get("eyeBlink_R", 0.0)) > CLOSING
    degrees, drawn = float(generator.uniform(*ROLLED)), float(generator.random())
    return degrees if drawn < (SHARE_ROLLED_CLOSING if closing else SHARE_ROLLED) else 0.0


def _nodding(pose: Pose, generator: np.random.Generator) -> Pose:
    """Now and then the head thrown back or bent forward."""
    degrees, drawn = float(generator.choice((-1.0, 1.0)) * generator.uniform(*NODDING)), float(generator.random())
    return replace(pose, pitch=pose.pitch + degrees) if drawn < SHARE_NODDING else pose


def _light(generator: np.random.Generator) -> tuple[list[Light], tuple[float, float, float]]:
    """From the front or the side, warm or cool, hard or soft."""
    lights = []
    for strength in (generator.uniform(0.4, 0.95), generator.uniform(0.0, 0.4)):
        direction = (generator.uniform(-0.9, 0.9), generator.uniform(-0.1, 0.9), generator.uniform(0.4, 1.0))
        warmth = generator.uniform(-0.08, 0.08)
        colour = strength * np.array([1 - warmth, 1.0, 1 + warmth])
        lights.append(Light((float(direction[0]), float(direction[1]), float(direction[2])), _triple(colour)))
    return lights, _triple(generator.uniform(0.15, 0.45) * generator.uniform(0.95, 1.05, 3))


def _pose(generator: np.random.Generator, focal: float) -> Pose:
    """Around which the head sways. The face is 0.3 to 0.6 of the picture high, whatever the focal length."""
    yaw, pitch, roll = (float(np.clip(value, -20, 20)) for value in generator.normal(0.0, POSE_SPREAD))
    distance = focal * 20.0 / float(generator.uniform(0.40, 0.64))
    x, y = (float(value) for value in generator.normal(0.0, 1.0, 2))
    return Pose(yaw, pitch, roll, x, y, distance)


def _swayed(pose: Pose, generator: np.random.Generator) -> Pose:
    yaw, pitch, roll = (float(value) for value in generator.normal(0.0, SWAY))
    x, y, distance = (float(value) for value in generator.normal(0.0, (0.7, 0.5, 1.0)))
    return replace(
        pose,
        yaw=pose.yaw + yaw,
        pitch=pose.pitch + pitch,
        roll=pose.roll + roll,
        x=pose.x + x,
        y=pose.y + y,
        distance=pose.distance + distance,
    )


def _triple(values: NDArray[np.floating]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
