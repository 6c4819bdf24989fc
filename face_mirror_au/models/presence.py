"""Whether a face is where a landmark model looked: the detector, asked about that square only."""

from __future__ import annotations

import numpy as np

from face_mirror_au.models.pixels import crop_square
from face_mirror_au.models.protocols import FaceDetector
from face_mirror_au.records import Image, Region

# The detector sees the landmark model's square with some surroundings, scaled down: 75 times fewer pixels than a 640 x 480 frame.
# Measured on default.wmv with RetinaFace: scores on the face 0.998 to 1.000, on squares of background 0.000.
CONTEXT = 1.6
SIDE = 64
# A face counts when its centre is this near to the middle, in sides of the scaled square.
MAX_OFFSET = 0.2


def presence_score(detector: FaceDetector, image: Image, region: Region) -> float:
    """Best score of a face in the middle of a region.

    Parameters
    ----------
    detector : FaceDetector
    image : ndarray, (H, W, 3) uint8
    region : Region
        The square that a landmark model looked at.

    Returns
    -------
    float
        0 to 1; 0 when the detector finds nothing there.
    """
    crop = crop_square(image, Region(region.x, region.y, CONTEXT * region.side, region.roll), SIDE)
    scores = [0.0]
    for detection in detector.detect(np.ascontiguousarray(crop)):
        centre = (detection.box[:2] + detection.box[2:]) / 2.0
        if np.linalg.norm(centre - SIDE / 2.0) <= MAX_OFFSET * SIDE:
            scores.append(detection.score)
    return max(scores)
