"""Folds of the skin that deepen with a movement: what a smooth mesh does not have, and what a descriptor of edges sees on real faces.

Where they lie follows the anatomy of the face (nasolabial, forehead, glabella, nose root, lower lid, marionette lines, chin), as lines
on the mean face. How deep they are differs between people: in the young hardly at all. On a paralysed side they do not deepen, as in
patients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.render.ict import FaceModel

Float = NDArray[np.float32]
Point = tuple[float, float]
# Nothing behind this depth of the mean face has folds, cm.
FRONT_CM = 4.0
DEEPEST = 0.75


@dataclass(frozen=True)
class Line:
    """A fold: where it lies, and which movements deepen it.

    Attributes
    ----------
    points
        Of the subject's left half of the mean face, x and y in cm.
    width : float
        Standard deviation of its dark flank, cm.
    depth : float
        Share of the light that the deepest fold takes away.
    shapes : mapping of str to float
        How much of it a full weight of a shape of that side makes.
    at_rest : float
        How much of it a face at rest has.
    """

    points: tuple[Point, ...]
    width: float
    depth: float
    shapes: Mapping[str, float]
    at_rest: float = 0.0


_BROW = {"browInnerUp": 0.5, "browOuterUp": 0.6}
LINES: Mapping[str, Line] = {
    "nasolabial": Line(
        ((1.55, -0.4), (2.1, -1.3), (2.75, -2.3), (3.1, -3.3), (3.15, -4.0)), 0.16, 0.6,
        {"mouthSmile": 0.9, "noseSneer": 0.6, "mouthUpperUp": 0.6, "cheekSquint": 0.3, "mouthDimple": 0.4, "mouthStretch": 0.2}, 0.12,
    ),
    "forehead 1": Line(((0.0, 7.6), (2.0, 7.7), (4.2, 7.4)), 0.12, 0.45, _BROW, 0.03),
    "forehead 2": Line(((0.0, 8.5), (2.2, 8.6), (4.4, 8.3)), 0.12, 0.45, _BROW, 0.03),
    "forehead 3": Line(((0.0, 9.4), (2.0, 9.5), (4.0, 9.3)), 0.12, 0.35, _BROW, 0.02),
    "glabella": Line(((0.45, 5.2), (0.6, 6.0), (0.65, 6.7)), 0.14, 0.55, {"browDown": 0.9}, 0.05),
    "nose root": Line(((0.0, 4.2), (0.5, 4.0), (1.0, 3.5)), 0.13, 0.5, {"noseSneer": 0.8, "browDown": 0.3}),
    "nose wing": Line(((0.5, 2.6), (1.0, 1.9), (1.3, 1.1)), 0.12, 0.4, {"noseSneer": 0.9}),
    "lower lid": Line(
        ((1.9, 2.6), (2.9, 2.2), (4.0, 2.4), (4.8, 2.9)), 0.15, 0.4, {"cheekSquint": 0.9, "eyeSquint": 0.5, "mouthSmile": 0.25}, 0.1,
    ),
    "crow's foot 1": Line(((5.0, 3.7), (5.9, 4.2)), 0.09, 0.4, {"cheekSquint": 0.7, "eyeSquint": 0.4, "mouthSmile": 0.2}),
    "crow's foot 2": Line(((5.0, 3.1), (5.9, 2.8)), 0.09, 0.4, {"cheekSquint": 0.7, "eyeSquint": 0.4, "mouthSmile": 0.2}),
    "marionette": Line(
        ((2.7, -3.7), (2.95, -4.6), (2.9, -5.4)), 0.14, 0.45, {"mouthFrown": 0.8, "mouthDimple": 0.3, "mouthStretch": 0.3}, 0.06,
    ),
    "under the lip": Line(((0.0, -5.4), (0.9, -5.3), (1.6, -5.0)), 0.2, 0.4, {"mouthShrugLower": 0.8, "mouthFrown": 0.2}, 0.05),
}  # fmt: skip


@dataclass(frozen=True)
class Folds:
    """One person's folds.

    Attributes
    ----------
    depths : mapping of str to float
        By line, 0 to 1; see `sample`.
    """

    depths: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def sample(cls, generator: np.random.Generator) -> Folds:
        """A random person: a third has none to speak of."""
        age = float(np.clip(generator.uniform(-0.5, 1.0), 0.0, 1.0))
        return cls({name: age * float(generator.uniform(0.3, 1.0)) for name in LINES})


class FoldMap:
    """Where the folds lie on the mesh: computed once."""

    def __init__(self, model: FaceModel) -> None:
        across, up, depth = model.mean.T
        skin = np.zeros(len(model.mean), np.float32)
        skin[model.material_vertices("M_Face")] = 1.0
        skin *= depth > FRONT_CM
        self._shares = {
            (name, side): skin * np.exp(-0.5 * (_distances(np.stack([sign * across, up], axis=1), line.points) / line.width) ** 2)
            for name, line in LINES.items()
            for side, sign in (("_L", 1.0), ("_R", -1.0))
        }

    def shade(self, folds: Folds, weights: Mapping[str, float]) -> Float:
        """Share of the light that the folds of an expression take away: (26719,) float32."""
        result = np.zeros(len(next(iter(self._shares.values()))), np.float32)
        for (name, side), share in self._shares.items():
            line = LINES[name]
            made = line.at_rest + sum(part * weights.get(shape + side, weights.get(shape, 0.0)) for shape, part in line.shapes.items())
            result += np.float32(folds.depths.get(name, 0.0) * line.depth * min(made, 1.0)) * share
        return np.asarray(np.minimum(result, np.float32(DEEPEST)))


def _distances(points: NDArray[np.floating], line: tuple[Point, ...]) -> Float:
    """Of points (n, 2) from a line of straight pieces, on its own side of the midline: (n,) float32."""
    nearest = np.full(len(points), np.inf)
    for start, end in zip(np.array(line[:-1]), np.array(line[1:]), strict=True):
        along = end - start
        share = np.clip((points - start) @ along / (along @ along), 0.0, 1.0)
        nearest = np.minimum(nearest, np.linalg.norm(points - start - share[:, np.newaxis] * along, axis=1))
    return np.asarray(nearest, np.float32)
