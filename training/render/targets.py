"""What the open AU bank learns to say: 22 intensities for the left, the right and the whole face, from the weights of the shapes.

An intensity is 5 times the weight of the shape that the action unit's muscle makes, so 5 is the strongest form that the sculptors of
ICT-FaceKit gave that movement: a scale of the model's own, not FACS's A to E and not OpenFace's. The exception is AU25, which FACS defines
by what is seen: there it is the gap between the lips.

========  ======================================  ============================================================
AU        shape                                   remark
========  ======================================  ============================================================
AU01      browInnerUp
AU02      browOuterUp
AU04      browDown
AU05      eyeWide
AU06      cheekSquint
AU07      eyeSquint
AU09      noseSneer                               beyond 0.2 of the smile's weight
AU10      mouthUpperUp                            beyond 0.8 of the smile's weight, see below
AU12      mouthSmile
AU14      mouthDimple                             beyond 0.3 of the smile's weight
AU15      mouthFrown
AU17      mouthShrugLower                         beyond 0.1 of the smile's weight; one piece: the sides have the same value
AU20      mouthStretch                            beyond 0.8 of the smile's weight
AU23      mouthPress                              rolled lips alone are AU28, not AU23
AU25      the lips' vertical distance, 3 mm to 1  from whatever shapes open them; above 5 beyond 15 mm
AU26      jawOpen                                 one piece: left and right have the same value
AU45      eyeBlink                                1 is a closed eye; a lowered gaze is none
AU16      mouthLowerDown                          beyond 0.4 of the smile's weight
AU18      mouthPucker                             one piece
AU22      mouthFunnel                             one piece
AU28      mouthRollLower, mouthRollUpper          their mean; one piece
AU34      cheekPuff
========  ======================================  ============================================================

A smile that shows the teeth lifts the upper lip, stretches the mouth, widens the nose and flattens the chin by itself; FACS scores that as
AU12 and AU25. So for AU09, AU10, AU14, AU17 and AU20 only what goes beyond the smile counts. While a smile brings more of a shape than
there is, the difference is negative: that teaches a linear predictor to take the smile away, and the tables show 0.

The whole face's intensity is the mean of left and right: a movement of one side alone counts half.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from training.render.ict import LANDMARK_VERTICES, FaceModel

INTENSITY_OF_FULL_WEIGHT = 5.0
GAP_MM_OF_ONE = 3.0
MM_PER_CM = 10.0

# In the order of the columns of every table: the 17 of OpenFace, then the bank's own. The mean of several shapes counts; none: not made
# by shapes.
SHAPES: Mapping[str, tuple[str, ...]] = {
    "AU01": ("browInnerUp",), "AU02": ("browOuterUp",), "AU04": ("browDown",), "AU05": ("eyeWide",), "AU06": ("cheekSquint",),
    "AU07": ("eyeSquint",), "AU09": ("noseSneer",), "AU10": ("mouthUpperUp",), "AU12": ("mouthSmile",), "AU14": ("mouthDimple",),
    "AU15": ("mouthFrown",), "AU17": ("mouthShrugLower",), "AU20": ("mouthStretch",), "AU23": ("mouthPress",), "AU25": (),
    "AU26": ("jawOpen",), "AU45": ("eyeBlink",),
    "AU16": ("mouthLowerDown",), "AU18": ("mouthPucker",), "AU22": ("mouthFunnel",), "AU28": ("mouthRollLower", "mouthRollUpper"),
    "AU34": ("cheekPuff",),
}  # fmt: skip
ACTION_UNITS = tuple(SHAPES)
# What a smile of weight 1 brings along of these on the same side.
SMILE = "mouthSmile"
PART_OF_SMILE: Mapping[str, float] = {
    "noseSneer": 0.2, "mouthUpperUp": 0.8, "mouthDimple": 0.3, "mouthStretch": 0.8, "mouthShrugLower": 0.1, "mouthLowerDown": 0.4,
}  # fmt: skip
ONE_PIECE = ("AU17", "AU26", "AU18", "AU22", "AU28")
"""Their shapes have no sides, so a side has an intensity of its own only where the other is held still."""

# Pairs of upper and lower inner lip, iBUG: the subject's left, then right; the middle belongs to both.
LIP_PAIRS = (((62, 66), (63, 65)), ((62, 66), (61, 67)))
# These move lips into each other or roll them in; what the vertices then say of a gap is not seen.
_NO_GAP = ("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPress", "jawForward")


def intensities(model: FaceModel, weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Intensities of an expression: (2, 22) float64, the subject's left, then right, in the order of `ACTION_UNITS`."""
    values = np.zeros((2, len(SHAPES)))
    gaps = lip_gaps(model, weights)
    smiles = {side: weights.get(SMILE + side, 0.0) for side in ("_L", "_R")}
    for column, (name, shapes) in enumerate(SHAPES.items()):
        for row, side in enumerate(smiles):
            if not shapes:
                values[row, column] = gaps[row] / GAP_MM_OF_ONE
                continue
            smile = sum(smiles.values()) / 2 if name in ONE_PIECE else smiles[side]
            beyond = [weights.get(shape + side, weights.get(shape, 0.0)) - PART_OF_SMILE.get(shape, 0.0) * smile for shape in shapes]
            values[row, column] = INTENSITY_OF_FULL_WEIGHT * np.mean(beyond)
    return values


def lip_gaps(model: FaceModel, weights: Mapping[str, float]) -> NDArray[np.float64]:
    """How far an expression parts the lips, (2,) float64 mm, left and right; 0 when they touch."""
    points = LANDMARK_VERTICES
    heights = np.zeros(len(points))
    for name, weight in weights.items():
        if not name.startswith(_NO_GAP):
            heights += weight * model.shape(name)[points, 1]
    opened = [np.mean([heights[upper] - heights[lower] for upper, lower in pairs]) for pairs in LIP_PAIRS]
    return np.maximum(np.array(opened) * MM_PER_CM, 0.0)
