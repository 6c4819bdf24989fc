"""Which expressions people make: random movements of a face, whole or of one side, as weights of ICT-FaceKit's shapes.

A `Person` is drawn once for a recording: how the face rests, and how well each side moves (facial palsy, synkinesis). Each frame is then
one movement of that person. Left and right are the SUBJECT's. Where one side moves less, so do its halves of the shapes of the whole mouth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

Weights = dict[str, float]
Range = tuple[float, float]

LEFT, RIGHT = "_L", "_R"

# Base names of the shapes with a left and a right form, by the part of the face that a branch of the facial nerve moves.
ZONES: Mapping[str, tuple[str, ...]] = {
    "brow": ("browInnerUp", "browOuterUp", "browDown"),
    "eye": ("eyeBlink", "eyeSquint", "eyeWide", "cheekSquint"),
    "nose": ("noseSneer", "mouthUpperUp"),
    "mouth": ("mouthSmile", "mouthDimple", "mouthFrown", "mouthStretch", "mouthPress", "mouthLowerDown", "cheekPuff"),
}
ZONE_OF = {base: zone for zone, bases in ZONES.items() for base in bases}
TWO_SIDED = tuple(ZONE_OF)
# Shapes of the whole mouth or jaw.
ONE_PIECE = ("jawOpen", "mouthShrugLower", "mouthShrugUpper", "mouthPucker", "mouthFunnel", "mouthRollLower", "mouthRollUpper")
SHIFTS = ("mouthLeft", "mouthRight", "jawLeft", "jawRight", "jawForward")

# Movements as people make them: shape to the range of its weight. What begins at 0 or below is often left out.
MOVEMENTS: Mapping[str, Mapping[str, Range]] = {
    "smile": {
        "mouthSmile": (0.3, 1.0), "cheekSquint": (-0.2, 0.8), "eyeSquint": (-0.3, 0.4), "mouthDimple": (-0.3, 0.3),
        "mouthUpperUp": (-0.3, 0.4), "mouthLowerDown": (-0.3, 0.3), "jawOpen": (-0.15, 0.15),
    },
    "toothy smile": {"mouthSmile": (0.4, 1.0), "cheekSquint": (-0.1, 0.8), "eyeSquint": (-0.3, 0.4), "jawOpen": (-0.15, 0.25)},
    "brow raise": {"browInnerUp": (0.3, 1.0), "browOuterUp": (0.3, 1.0), "eyeWide": (-0.4, 0.4)},
    "inner brow": {"browInnerUp": (0.3, 1.0)},
    "outer brow": {"browOuterUp": (0.3, 1.0)},
    "brow lowering": {"browDown": (0.3, 1.0), "eyeSquint": (-0.5, 0.5), "noseSneer": (-0.3, 0.2)},
    "surprise": {"browInnerUp": (0.3, 1.0), "browOuterUp": (0.3, 1.0), "eyeWide": (0.3, 1.0), "jawOpen": (0.1, 0.6)},
    "wide eyes": {"eyeWide": (0.3, 1.0)},
    "disgust": {
        "noseSneer": (0.4, 1.0), "mouthUpperUp": (0.2, 0.9), "browDown": (-0.3, 0.6), "eyeSquint": (-0.3, 0.5), "cheekSquint": (-0.3, 0.5),
    },
    "sadness": {"browInnerUp": (0.3, 1.0), "browDown": (-0.3, 0.4), "mouthFrown": (0.3, 1.0), "mouthShrugLower": (-0.4, 0.8)},
    "frown": {"mouthFrown": (0.3, 1.0), "mouthStretch": (-0.4, 0.3)},
    "blink": {"eyeBlink": (0.3, 1.0)},
    "full blink": {"eyeBlink": (0.85, 1.0)},
    "tight eyes": {
        "eyeBlink": (0.8, 1.0), "eyeSquint": (0.1, 0.6), "cheekSquint": (0.3, 1.0), "browDown": (0.1, 0.8), "noseSneer": (-0.3, 0.4),
    },
    "squint": {"eyeSquint": (0.3, 1.0), "cheekSquint": (-0.4, 0.5)},
    "cheek raise": {"cheekSquint": (0.3, 1.0), "eyeSquint": (-0.4, 0.5)},
    "snarl": {"noseSneer": (0.3, 1.0), "mouthUpperUp": (-0.3, 0.8)},
    "upper lip": {"mouthUpperUp": (0.3, 1.0)},
    "pucker": {"mouthPucker": (0.3, 1.0)},
    "say o": {"mouthFunnel": (0.2, 0.9), "jawOpen": (-0.1, 0.3)},
    "say e": {"mouthStretch": (0.2, 0.8), "mouthLowerDown": (0.1, 0.6), "mouthUpperUp": (-0.2, 0.4), "mouthSmile": (-0.3, 0.3)},
    "dimple": {"mouthDimple": (0.3, 1.0), "mouthPress": (-0.4, 0.5)},
    "stretch": {"mouthStretch": (0.3, 1.0), "mouthLowerDown": (-0.4, 0.6), "mouthFrown": (-0.4, 0.4), "jawOpen": (-0.2, 0.2)},
    "press": {"mouthPress": (0.3, 1.0), "mouthRollLower": (-0.3, 0.4), "mouthRollUpper": (-0.3, 0.4)},
    "chin raise": {"mouthShrugLower": (0.3, 1.0), "mouthShrugUpper": (-0.4, 0.6), "mouthFrown": (-0.4, 0.4)},
    "jaw": {"jawOpen": (0.1, 0.8)},
    "speech": {
        "jawOpen": (-0.1, 0.35), "mouthFunnel": (-0.4, 0.3), "mouthPucker": (-0.4, 0.3), "mouthLowerDown": (-0.4, 0.4),
        "mouthUpperUp": (-0.4, 0.3), "mouthPress": (-0.5, 0.3), "mouthStretch": (-0.5, 0.3), "mouthSmile": (-0.5, 0.3),
    },
    "suck": {"mouthRollLower": (0.4, 1.0), "mouthRollUpper": (0.4, 1.0)},
    "puff": {"cheekPuff": (0.3, 1.0), "mouthPress": (-0.4, 0.4)},
    "bared teeth": {"mouthUpperUp": (0.4, 1.0), "mouthLowerDown": (0.4, 1.0), "mouthStretch": (-0.4, 0.5)},
    "lower lip": {"mouthLowerDown": (0.3, 1.0)},
}  # fmt: skip
# What a smile that shows the teeth brings along, in shares of its own weight.
WITH_TEETH: Mapping[str, Range] = {
    "mouthUpperUp": (0.3, 1.0), "mouthLowerDown": (0.1, 0.8), "mouthStretch": (-0.1, 1.0), "mouthDimple": (-0.2, 0.4),
    "noseSneer": (-0.1, 0.25),
}  # fmt: skip
# Drawn more often: the movements that people make most, and those that are the hardest to see.
OFTEN: Mapping[str, int] = {
    "smile": 2, "toothy smile": 5, "blink": 2, "full blink": 2, "wide eyes": 3, "squint": 3, "press": 3, "brow lowering": 2, "frown": 2,
    "dimple": 2, "stretch": 2, "chin raise": 2, "brow raise": 2, "inner brow": 2, "snarl": 2, "pucker": 3, "say o": 2, "suck": 2, "puff": 2,
    "lower lip": 2, "jaw": 2,
}  # fmt: skip
SHARE_SINGLE, SHARE_PAIR = 0.45, 0.3  # of the frames: one movement, two at once; the others are shapes at random
SHARE_SHIFTED = 0.06
# Of the frames: one side of the face does nothing at all, not even what mouth and jaw do as one piece.
SHARE_FROZEN = 0.15

# What a face at rest may show of these, on both sides alike but for a little.
RESTING: Mapping[str, float] = {
    "mouthFrown": 0.12, "mouthSmile": 0.10, "mouthPress": 0.12, "mouthDimple": 0.10, "browDown": 0.15, "browInnerUp": 0.12,
    "eyeSquint": 0.15, "eyeWide": 0.12, "eyeBlink": 0.10, "mouthShrugLower": 0.12, "jawOpen": 0.04,
}  # fmt: skip
# What hangs or stands open on a paralysed side at rest.
PALSY_RESTING: Mapping[str, float] = {"mouthFrown": 0.25, "browDown": 0.2, "eyeWide": 0.25}
SHARE_PALSY = 0.4
# Of them: no movement arrives on that side.
SHARE_COMPLETE = 0.25


@dataclass(frozen=True)
class Person:
    """How one face moves during a recording.

    Attributes
    ----------
    rest : dict
        Full shape name to weight, of the face at rest.
    strength : mapping of (side, zone) to float
        Share of a movement that arrives there, 0 to 1.
    eye_with_mouth, mouth_with_eye : mapping of side to float
        Synkinesis: how much the eye closes with the mouth, and the mouth moves with the eye.
    whole_mouth : mapping of side to float
        Share of the movements of the whole mouth and jaw that arrives on that side.
    """

    rest: Weights = field(default_factory=dict)
    strength: Mapping[tuple[str, str], float] = field(default_factory=dict)
    eye_with_mouth: Mapping[str, float] = field(default_factory=dict)
    mouth_with_eye: Mapping[str, float] = field(default_factory=dict)
    whole_mouth: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def sample(cls, generator: np.random.Generator) -> Person:
        """A healthy face, or one with a palsy of one side."""
        rest: Weights = {}
        for base, most in RESTING.items():
            if generator.random() < 0.3:
                weight = generator.uniform(0.0, most)
                for name in _sided(base):
                    rest[name] = float(weight * generator.uniform(0.8, 1.0))
        if generator.random() >= SHARE_PALSY:
            return cls(rest)
        side = (LEFT, RIGHT)[int(generator.integers(2))]
        for base, most in PALSY_RESTING.items():
            if generator.random() < 0.6:
                rest[base + side] = rest.get(base + side, 0.0) + float(generator.uniform(0.0, most))
        most = 0.0 if generator.random() < SHARE_COMPLETE else 0.7
        strength = {(side, zone): float(generator.uniform(0.0, most)) for zone in ZONES}
        whole_mouth = {side: float(generator.uniform(0.2, 1.0))}
        if generator.random() < 0.5:
            return cls(rest, strength, whole_mouth=whole_mouth)
        eye, mouth = {side: float(generator.uniform(0.1, 0.6))}, {side: float(generator.uniform(0.1, 0.4))}
        return cls(rest, strength, eye, mouth, whole_mouth)

    def move(self, generator: np.random.Generator) -> Weights:
        """One frame's shapes: a random movement on top of the rest, and a direction of gaze; weights 0 to 1."""
        moved = _movement(generator)
        for base in list(moved):
            if base in ZONE_OF:
                left, right = _two_sides(generator)
                weight = moved.pop(base)
                moved[base + LEFT] = weight * left * self.strength.get((LEFT, ZONE_OF[base]), 1.0)
                moved[base + RIGHT] = weight * right * self.strength.get((RIGHT, ZONE_OF[base]), 1.0)
            elif base in ONE_PIECE and self.whole_mouth:
                weight = moved.pop(base)
                for side in (LEFT, RIGHT):
                    moved[base + side] = weight * self.whole_mouth.get(side, 1.0)
        for side, share in self.eye_with_mouth.items():
            _raise(moved, "eyeSquint" + side, share * max(moved.get(base + _other(side), 0.0) for base in ZONES["mouth"]))
        for side, share in self.mouth_with_eye.items():
            _raise(moved, "mouthSmile" + side, share * moved.get("eyeBlink" + _other(side), 0.0))
        if generator.random() < SHARE_FROZEN:
            moved = _without(moved, (LEFT, RIGHT)[int(generator.integers(2))])
        return possible(_sum(_sum(self.rest, moved), gaze(generator, large=0.15)))

    def keep_still(self, generator: np.random.Generator) -> Weights:
        """A frame at rest: the resting face, a small direction of gaze."""
        return possible(_sum(self.rest, gaze(generator, large=0.0)))


def gaze(generator: np.random.Generator, large: float) -> Weights:
    """Weights of the shapes of a direction of gaze of both eyes; `large` is the share of gazes to the side or far up and down."""
    spread = 0.6 if generator.random() < large else 0.12
    across, up = (float(value) for value in np.clip(generator.normal(0.0, spread, 2), -0.9, 0.9))
    outward = {LEFT: across, RIGHT: -across}  # positive: to the subject's left
    weights: Weights = {}
    for side, out in outward.items():
        weights["eyeLookOut" + side], weights["eyeLookIn" + side] = max(out, 0.0), max(-out, 0.0)
        weights["eyeLookUp" + side], weights["eyeLookDown" + side] = max(up, 0.0), max(-up, 0.0)
    return weights


def possible(weights: Weights) -> Weights:
    """What a face can do at once: 0 to 1 each, lids that meet and do not cross, lips that are pressed only while they touch."""
    result = {name: min(max(weight, 0.0), 1.0) for name, weight in weights.items()}
    for side in (LEFT, RIGHT):
        open_ = 1.0 - result.get("eyeBlink" + side, 0.0)
        for base, floor in (("eyeSquint", 0.35), ("eyeLookDown", 0.0), ("eyeWide", 0.0)):
            if base + side in result:
                result[base + side] *= max(open_, floor)
        if "mouthPress" + side in result:
            result["mouthPress" + side] *= max(0.0, 1.0 - 3.0 * result.get("jawOpen" + side, result.get("jawOpen", 0.0)))
    for side in ("", LEFT, RIGHT):
        for base in ("mouthRollLower", "mouthRollUpper", "mouthShrugLower"):
            if base + side in result:
                result[base + side] *= max(0.0, 1.0 - 2.0 * result.get("jawOpen" + side, 0.0))
    return {name: weight for name, weight in result.items() if weight > 0.0}


def _movement(generator: np.random.Generator) -> Weights:
    """Base name to weight."""
    kind = generator.random()
    weights: Weights = {}
    if kind < SHARE_SINGLE + SHARE_PAIR:
        names = [name for name in sorted(MOVEMENTS) for _ in range(OFTEN.get(name, 1))]
        for _ in range(1 if kind < SHARE_SINGLE else 2):
            name = names[int(generator.integers(len(names)))]
            for base, (low, high) in MOVEMENTS[name].items():
                _raise(weights, base, float(generator.uniform(low, high)))
            if name == "toothy smile":
                for base, (low, high) in WITH_TEETH.items():
                    _raise(weights, base, weights["mouthSmile"] * float(generator.uniform(low, high)))
    else:
        names = sorted((*TWO_SIDED, *ONE_PIECE))
        for base in generator.choice(names, int(generator.integers(1, 6)), replace=False):
            weights[str(base)] = float(generator.uniform(0.1, 1.0)) * (0.7 if base == "jawOpen" else 1.0)
    if generator.random() < SHARE_SHIFTED:
        weights[SHIFTS[int(generator.integers(len(SHIFTS)))]] = float(generator.uniform(0.1, 0.5))
    return weights


def _two_sides(generator: np.random.Generator) -> tuple[float, float]:
    """Shares of a movement on the left and on the right: alike, one side alone, or one weaker than the other."""
    kind = generator.random()
    if kind < 0.45:
        weaker = float(generator.uniform(0.85, 1.0))
    elif kind < 0.65:
        weaker = 0.0
    else:
        weaker = float(generator.uniform(0.0, 1.0))
    return (1.0, weaker) if generator.random() < 0.5 else (weaker, 1.0)


def _without(moved: Weights, side: str) -> Weights:
    """The movements of the other side alone."""
    other = {name: weight for name, weight in moved.items() if not name.endswith(side)}
    return {(name + _other(side) if name in ONE_PIECE else name): weight for name, weight in other.items()}


def _sided(base: str) -> tuple[str, ...]:
    return (base + LEFT, base + RIGHT) if base in ZONE_OF else (base,)


def _other(side: str) -> str:
    return RIGHT if side == LEFT else LEFT


def _raise(weights: Weights, name: str, weight: float) -> None:
    if weight > 0.0:
        weights[name] = max(weights.get(name, 0.0), weight)


def _sum(first: Mapping[str, float], second: Mapping[str, float]) -> Weights:
    return {name: first.get(name, 0.0) + second.get(name, 0.0) for name in (*first, *(name for name in second if name not in first))}
