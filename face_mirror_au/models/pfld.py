"""PFLD: 68 landmarks in 2 ms, the landmark model of the `openface-pfld` profile.

Guo et al., PFLD: A Practical Facial Landmark Detector, 2019.
Network and input as in its public PyTorch version (cunjian/pytorch_face_landmark).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from face_mirror_au.models.pixels import crop_square, to_frame
from face_mirror_au.models.regions import check_finite, roll_of_landmarks, square_below, square_on_detection
from face_mirror_au.models.session import DEAD_WEIGHTS, NetworkForm, check_shape
from face_mirror_au.records import N_LANDMARKS, BoxSpan, Detection, Image, Located, Region

INPUT_SIDE = 112  # of the network as trained

# The network sees faces too far to the right of the picture. Measured without any reference, by running it on pictures and their mirror
# images: half of the mean difference is 0.64, 0.68 and 0.43 pixels of the input on default.wmv, changeLighting.wmv and
# 2015-10-15-15-14.avi (OpenFace's clips).
SIDE_BIAS = 0.58 / INPUT_SIDE

# The square around the 68 landmarks, in units of their root mean square distance from their mean: steadier than their bounding box, which
# an open mouth or a raised brow changes. The network is content with sides of 3.2 to 3.9; these values gave the smallest errors on those
# clips.
SQUARE_SIDE = 3.5
SQUARE_DOWN = -0.2
# The same square from a detector's box, in units of its long side (medians on those clips).
SQUARES = {BoxSpan.FOREHEAD: (1.015, 0.03), BoxSpan.BROWS: (1.225, -0.07)}

# A device may move landmarks by the half-pixel by which they are off to one side anyway. Rounding all weights and inputs to TF32's ten
# bits, tried on the CPU, moves them by 0.003 of that.
FORM = NetworkForm(
    inputs={"input": (1, 3, INPUT_SIDE, INPUT_SIDE)}, low=0.0, high=1.0, limits={"output": SIDE_BIAS}, rewrites=(DEAD_WEIGHTS,)
)


class PFLD:
    """Locate 68 landmarks.

    Parameters
    ----------
    path : Path
        ``pfld_cunjian.onnx``.
    device : str
        See `open_session`.

    Raises
    ------
    ModelFileError, ModelRunError
    """

    name = "pfld"
    scores_presence = False

    def __init__(self, path: Path, *, device: str = "cpu") -> None:
        self._session = FORM.open(path, device)

    def region_from_detection(self, detection: Detection) -> Region:
        """Return the square on a detector's box, turned with the eyes."""
        return square_on_detection(detection, SQUARES)

    def region_from_landmarks(self, located: Located) -> Region:
        """Return the square around the landmarks, turned with the eyes."""
        points = located.landmarks.astype(np.float64)
        x, y = points.mean(axis=0)
        radius = float(np.sqrt(((points - (x, y)) ** 2).sum(axis=1).mean()))
        return square_below(float(x), float(y), roll_of_landmarks(located.landmarks), side=SQUARE_SIDE * radius, down=SQUARE_DOWN * radius)

    def locate(self, image: Image, region: Region) -> Located:
        """Return the landmarks of the face in a region. Three pictures in one call take as long as three calls.

        Raises
        ------
        ModelRunError
            When the network fails, or the region or the result is not finite.
        """
        crop = crop_square(image, region, INPUT_SIDE)
        values = np.ascontiguousarray(crop[:, :, ::-1].transpose(2, 0, 1)[np.newaxis]).astype(np.float32) / np.float32(255)
        (output,) = self._session.run(input=values)
        check_finite(check_shape(output, (1, 2 * N_LANDMARKS), self.name), self.name, region)
        points = output.reshape(N_LANDMARKS, 2) - np.array([SIDE_BIAS, 0], dtype=np.float32)
        # Scaled by the whole square, also where it leaves the frame: the black part is part of what the network saw.
        return Located(to_frame(points, region), score=1.0)
