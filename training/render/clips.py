"""Short rendered videos with known truth: one-sided expressions that rise and fall, and a second face that passes close to the first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from training.render.appearance import Appearance, smooth_step
from training.render.ict import IDENTITY_COUNT, expression
from training.render.renderer import Float, Image, Light, Pose, Scene, Studio, moved, render

RATE = 30
# Frames of rest, rise, hold, fall, rest.
TIMELINE = (12, 12, 8, 12, 12)
# A series: rest, rise, hold, fall, again for each of its expressions; rest at the end.
SERIES_TIMELINE = (14, 10, 12, 10)
FRONTAL_LIGHT = (Light((0.0, 0.5, 0.85), (0.8, 0.8, 0.8)),)
IDENTITY_SPREAD = 0.8  # standard deviations; larger ones give caricatures

_SMILE = {"mouthSmile": 0.9, "cheekSquint": 0.5, "mouthDimple": 0.2}
_BLINK = {"eyeBlink": 1.0}
_SNEER = {"noseSneer": 0.9, "mouthUpperUp": 0.6}
_BROW = {"browInnerUp": 0.8, "browOuterUp": 1.0}
_FROWN = {"mouthFrown": 0.9}
_STRETCH = {"mouthStretch": 0.9}
_BASES = {"smile": _SMILE, "blink": _BLINK, "sneer": _SNEER, "brow": _BROW, "frown": _FROWN, "stretch": _STRETCH}

EXPRESSIONS: Mapping[str, Mapping[str, float]] = {
    "rest": {},
    **{f"{name}_left": expression(left=base) for name, base in _BASES.items()},
    **{f"{name}_right": expression(right=base) for name, base in _BASES.items()},
    **{f"{name}_both": expression(left=base, right=base) for name, base in _BASES.items()},
    "jaw_open": {"jawOpen": 0.6},
}
SERIES = ("smile_left", "smile_right", "smile_both")


@dataclass(frozen=True)
class ClipFrame:
    """One picture and its truth.

    Attributes
    ----------
    image : (H, W, 3) uint8 BGR
    landmarks : list of (68, 2) float32
        Per person, px, iBUG order; also for points outside the picture.
    expressions
        Weights of the first person's shapes in this frame.
    """

    image: Image = field(repr=False)
    landmarks: list[Float] = field(repr=False)
    expressions: Mapping[str, float]


def timeline() -> NDArray[np.float64]:
    """Strength of the expression in each frame of an expression clip: (56,) float64, 0 to 1."""
    rest, rise, hold, fall, end = TIMELINE
    rising = smooth_step(np.arange(1, rise + 1) / (rise + 1), 0, 1)
    falling = smooth_step(np.arange(fall, 0, -1) / (fall + 1), 0, 1)
    return np.concatenate([np.zeros(rest), rising, np.ones(hold), falling, np.zeros(end)])


def sample_person(generator: np.random.Generator) -> tuple[NDArray[np.float64], Appearance]:
    """Identity coefficients, (20,) float64 in standard deviations, and an appearance."""
    return generator.normal(0, IDENTITY_SPREAD, IDENTITY_COUNT), Appearance.sample(generator)


def sway(count: int, generator: np.random.Generator, pose: Pose, size: float = 1.0) -> list[Pose]:
    """A person who tries to sit still: slow turns of about a degree and shifts of about two millimetres around the pose."""
    time = np.arange(count) / RATE
    amplitudes = {"yaw": 1.2, "pitch": 0.8, "roll": 0.6, "x": 0.2, "y": 0.15, "distance": 0.3}
    offsets = {}
    for name, amplitude in amplitudes.items():
        slow, fast = generator.uniform(0.15, 0.35), generator.uniform(0.5, 0.9)
        phases = generator.uniform(0, 2 * np.pi, 2)
        wave = 0.75 * np.sin(2 * np.pi * slow * time + phases[0]) + 0.25 * np.sin(2 * np.pi * fast * time + phases[1])
        offsets[name] = getattr(pose, name) + size * amplitude * wave
    return [Pose(**{name: float(values[frame]) for name, values in offsets.items()}) for frame in range(count)]


def expression_clip(
    studio: Studio,
    name: str,
    seed: int = 0,
    size: tuple[int, int] = (640, 480),
    pose: Pose | None = None,
    noise: float = 1.5,
    *,
    frontal: bool = False,
) -> Iterator[ClipFrame]:
    """A person makes one expression: rest, rise, hold, fall, rest; 56 frames.

    Parameters
    ----------
    studio
    name
        A key of `EXPRESSIONS`; left and right are the SUBJECT's.
    seed
        Chooses person, background and sway: the same for every expression of a seed.
    size
        Width and height, px.
    pose
        Around which the head sways; 60 cm in front of the camera by default.
    noise
        Of the sensor, grey levels.
    frontal
        The head faces the camera and keeps still, and the light comes from straight ahead: left and right look alike.
    """
    weights = EXPRESSIONS[name]
    generator = np.random.default_rng(seed)
    identity, appearance = sample_person(generator)
    rest = studio.model.identity(identity)
    person = studio.subject(rest, appearance)
    strengths = timeline()
    poses = sway(len(strengths), generator, pose or Pose(distance=60), 0.0 if frontal else 1.0)
    lights = FRONTAL_LIGHT if frontal else Scene.lights
    background = render(Scene([], seed=seed), size)[0]
    for frame, strength in enumerate(strengths):
        now = {shape: float(weight * strength) for shape, weight in weights.items()}
        subject = moved(person, studio.model.express(rest, now), poses[frame])
        image, landmarks = render(Scene([subject], lights=lights, background=background, noise=noise, seed=seed * 1000 + frame), size)
        yield ClipFrame(image, landmarks, now)


def series_timeline() -> NDArray[np.float64]:
    """Strength of each expression of `SERIES` in each frame of a series clip: (frames, 3) float64, 0 to 1."""
    rest, rise, hold, fall = SERIES_TIMELINE
    rising = smooth_step(np.arange(1, rise + 1) / (rise + 1), 0, 1)
    falling = smooth_step(np.arange(fall, 0, -1) / (fall + 1), 0, 1)
    once = np.concatenate([np.zeros(rest), rising, np.ones(hold), falling])
    strengths = np.zeros((len(once) * len(SERIES) + rest, len(SERIES)))
    for number in range(len(SERIES)):
        strengths[number * len(once) : (number + 1) * len(once), number] = once
    return strengths


def series_clip(studio: Studio, seed: int = 0, size: tuple[int, int] = (640, 480), noise: float = 1.5) -> Iterator[ClipFrame]:
    """A person smiles with the left side, then with the right one, then with both; head and light are straight ahead.

    Nothing but the smile differs between the sides. Parameters as for `expression_clip`.
    """
    identity, appearance = sample_person(np.random.default_rng(seed))
    rest = studio.model.identity(identity)
    person = studio.subject(rest, appearance, Pose(distance=60))
    background = render(Scene([], seed=seed), size)[0]
    for frame, strengths in enumerate(series_timeline()):
        number = int(strengths.argmax())
        now = {shape: float(weight * strengths[number]) for shape, weight in EXPRESSIONS[SERIES[number]].items()}
        subject = moved(person, studio.model.express(rest, now), Pose(distance=60))
        image, landmarks = render(
            Scene([subject], lights=FRONTAL_LIGHT, background=background, noise=noise, seed=seed * 1000 + frame), size
        )
        yield ClipFrame(image, landmarks, now)


def two_faces_scenes(
    studio: Studio, seed: int = 0, count: int = 120, size: tuple[int, int] = (640, 480), noise: float = 1.5
) -> Iterator[tuple[Scene, Mapping[str, float]]]:
    """What `two_faces_clip` renders: per frame the scene, first person first, and the first person's expression."""
    generator = np.random.default_rng(seed)
    first_identity, first_look = sample_person(generator)
    second_identity, second_look = sample_person(generator)
    first_rest, second_rest = studio.model.identity(first_identity), studio.model.identity(second_identity)
    first, second = studio.subject(first_rest, first_look), studio.subject(second_rest, second_look)
    first_poses = sway(count, generator, Pose(x=-4.0, y=13.0, distance=82))
    second_sway = sway(count, generator, Pose())
    progress = np.linspace(0, 1, count)
    nearer = smooth_step(progress, 0.0, 0.55)
    distance = 96 - 34 * nearer
    # From outside the picture at the right to its left third; the height keeps the second head's top near the first one's chin.
    across = (60 - 82 * smooth_step(progress, -0.1, 1.0)) * distance / 96
    height = 1.0 - 10.5 * nearer
    background = render(Scene([], seed=seed), size)[0]
    smile = EXPRESSIONS["smile_both"]
    for frame in range(count):
        now = {shape: float(weight * max(0.0, np.sin(2 * np.pi * progress[frame]))) for shape, weight in smile.items()}
        drift = second_sway[frame]
        pose = Pose(drift.yaw - 8, drift.pitch, drift.roll, float(across[frame]), float(height[frame]), float(distance[frame]))
        subjects = [moved(first, studio.model.express(first_rest, now), first_poses[frame]), moved(second, second_rest, pose)]
        yield Scene(subjects, background=background, noise=noise, seed=seed * 1000 + frame), now


def two_faces_clip(
    studio: Studio, seed: int = 0, count: int = 120, size: tuple[int, int] = (640, 480), noise: float = 1.5
) -> Iterator[ClipFrame]:
    """One person sits in the upper half; another enters at the image's right, comes nearer until the face is larger, and passes below.

    The second person overlaps the first one's chin and neck for a moment and leaves the rest of the face in sight. The first person is
    `landmarks[0]`, the second `landmarks[1]`. Any `count` of frames takes the same path, in larger or smaller steps.
    """
    for scene, now in two_faces_scenes(studio, seed, count, size, noise):
        image, landmarks = render(scene, size)
        yield ClipFrame(image, landmarks, now)


def write_clip(frames: Iterable[Image], path: Path | str, rate: int = RATE) -> int:
    """Write an H.264 video (libx264, CRF 18, yuv420p).

    Parameters
    ----------
    frames
        (H, W, 3) uint8 BGR, all of one size, even in both directions.
    path
    rate
        Frames per second.

    Returns
    -------
    int
        Number of frames written.

    Raises
    ------
    ValueError
        A frame's size is odd, or differs from the first one's.
    """
    count = 0
    with av.open(str(path), "w") as container:
        # One thread: with more, the same pictures do not always give the same bytes.
        stream = container.add_stream("libx264", rate=Fraction(rate), options={"crf": "18", "threads": "1"})
        stream.pix_fmt = "yuv420p"
        for image in frames:
            height, width = image.shape[:2]
            if height % 2 or width % 2:
                raise ValueError(f"H.264 needs even sizes, this frame is {width}x{height}")
            if not count:
                stream.width, stream.height = width, height
            elif (stream.width, stream.height) != (width, height):
                raise ValueError(f"frame {count} is {width}x{height}, the first was {stream.width}x{stream.height}")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")))
            count += 1
        container.mux(stream.encode())
    return count
