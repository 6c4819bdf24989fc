"""A face brought to a small picture of fixed shape, triangle by triangle (OpenFace 2.2 `PAW`, piecewise affine warping)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.opencv import opencv
from face_mirror_au.records import Float32Array

SIDE = 60  # px of the small picture
MARGIN = 3  # px around the landmarks, of what is looked at
_MAX_SIDE = 32_000  # px; OpenCV samples no larger picture


@dataclass(frozen=True)
class FaceWarp:
    """Where each pixel of the small picture comes from.

    Attributes
    ----------
    triangles : ndarray, (T, 3) int32
        Landmarks at the corners.
    alpha, beta : ndarray, (T, 3) float32
        Shares of the second and the third corner as a plane over the small picture: at 0, for each column, for each row.
    columns, rows : ndarray, (P,) intp
        The pixels that show a face, column by column.
    owner : ndarray, (P,) intp
        Their triangles.
    low_x, low_y : float
        Where the small picture begins in the coordinates of alpha and beta.
    """

    triangles: NDArray[np.int32]
    alpha: Float32Array
    beta: Float32Array
    columns: NDArray[np.intp]
    rows: NDArray[np.intp]
    owner: NDArray[np.intp]
    low_x: float
    low_y: float

    def pixels(self, grey: NDArray[np.uint8], landmarks: Float32Array) -> Float32Array | None:
        """The pixels that show a face.

        Parameters
        ----------
        grey : ndarray, (H, W) uint8
        landmarks : ndarray, (68, 2) float32
            Pixels.

        Returns
        -------
        ndarray, (P,) float32
            0 to 255; None where no face can be: too small, outside the picture, or no numbers.
        """
        if not np.isfinite(landmarks).all():
            return None
        size = np.array(grey.shape[::-1])
        low = np.trunc(np.clip(landmarks.min(axis=0) - np.float32(MARGIN), 0, size - 1)).astype(np.intp)
        high = np.trunc(np.clip(landmarks.max(axis=0) + np.float32(MARGIN), 0, size - 1)).astype(np.intp)
        if not ((high - low > 1) & (high - low <= _MAX_SIDE)).all():
            return None
        part = grey[low[1] : high[1], low[0] : high[0]].astype(np.float32)
        return self._sampled(part, landmarks - low.astype(np.float32))

    def _sampled(self, part: Float32Array, landmarks: Float32Array) -> Float32Array:
        cv2 = opencv()
        x = self.columns.astype(np.float32) + np.float32(self.low_x)
        y = self.rows.astype(np.float32) + np.float32(self.low_y)
        first, second, third = (landmarks[self.triangles[:, corner]] for corner in range(3))
        # (3, T, 2): at 0, for each column, for each row. In float32 and in this order: sampling cells are 1/32 px.
        planes = (second - first) * self.alpha.T[:, :, None] + (third - first) * self.beta.T[:, :, None]
        planes[0] = first + (second - first) * self.alpha[:, 0, None] + (third - first) * self.beta[:, 0, None]
        offset, across, down = planes[:, self.owner]
        place = offset + across * x[:, None] + down * y[:, None]
        place = np.clip(place, -4, np.float32(_MAX_SIDE))  # far outside is as black as just outside
        sampled = cv2.remap(part, place[:, 0], place[:, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
        return np.asarray(sampled, np.float32).ravel()
