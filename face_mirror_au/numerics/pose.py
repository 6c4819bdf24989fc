"""CalcParams: weak-perspective fit of the PDM to 68 landmarks (OpenFace 2.2 `PDM::CalcParams`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_mirror_au.errors import LandmarksError
from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics.pdm import PDM
from face_mirror_au.records import Float32Array, FloatArray

# Pixels: no picture is so large, and far beyond it sums of squares overflow.
MAX_PLACE = 1e6
# iBUG.
OUTER_CORNERS = (36, 45)
# Index pairs of the six distinct products V_a' V_b.
_PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))


@dataclass(frozen=True, slots=True)
class PoseFit:
    """Result of a fit.

    Attributes
    ----------
    pose : ndarray, (6,) float64
        scale (px/mm), rx, ry, rz (rad), tx, ty (px).
    local : ndarray, (m,) float64
        Local shape parameters, not clamped.
    error : float
        Root mean square distance of the visible landmarks to the projected model, px.
    """

    pose: FloatArray
    local: FloatArray
    error: float
    iterations: int


class PoseFitter:
    """Fits pose and shape, each time from scratch.

    The normal matrix of the local parameters is `scale^2 * sum_ab (R'R)_ab V_a' V_b`: the six products V_a' V_b depend on the PDM only and
    are made once, here.
    """

    def __init__(self, pdm: PDM) -> None:
        self.pdm = pdm
        self._regularisation = 1.0 / pdm.eigenvalues
        self._all_visible = _Points(pdm.mean, pdm.components)
        # The tracker fits the landmarks to see whether they are a face; describing the face asks for the same fit again.
        self._last: tuple[FloatArray, PoseFit] | None = None

    def fit(self, landmarks: FloatArray) -> PoseFit:
        """Fit to landmarks.

        Parameters
        ----------
        landmarks : ndarray, (n, 2)
            Pixels. A point whose x is exactly 0 is invisible and drops out (OpenFace's convention).

        Returns
        -------
        PoseFit

        Raises
        ------
        LandmarksError
            When points are not finite or lie beyond `MAX_PLACE`, fewer than 3 are visible, or the visible ones have no extent.
        """
        given = np.asarray(landmarks, dtype=np.float64)
        last = self._last
        if last is not None and np.array_equal(last[0], given):
            return last[1]
        fit = self._fit(np.ascontiguousarray(given.T))
        self._last = given.copy(), fit
        return fit

    def fit_as_large(self, landmarks: FloatArray | Float32Array, across: float) -> PoseFit:
        """Fit to landmarks, (68, 2) px, scaled to an outer-eye distance: its error does not depend on how large the face was.

        Raises
        ------
        LandmarksError
            As `fit`.
        """
        given = np.asarray(landmarks, dtype=np.float64)
        centred = given - given.mean(axis=0)
        distance = float(np.linalg.norm(centred[OUTER_CORNERS[0]] - centred[OUTER_CORNERS[1]]))
        # Away from x = 0, which means invisible.
        return self._fit(np.ascontiguousarray((centred * (across / max(distance, 1e-6))).T + 10.0 * across))

    def _fit(self, target: FloatArray) -> PoseFit:
        # Invisible ones too: they have no part in the fit, but in the mask of the aligned face.
        if not (np.isfinite(target).all() and np.abs(target).max() <= MAX_PLACE):
            raise LandmarksError(f"the landmarks are not finite, or farther than {MAX_PLACE:,.0f} pixels from the picture's corner")
        visible = target[0] != 0.0
        points = self._all_visible
        if not visible.all():
            if np.count_nonzero(visible) < 3:
                raise LandmarksError("fewer than 3 landmarks are visible (x is not 0); a pose needs more")
            points = _Points(np.ascontiguousarray(self.pdm.mean[:, visible]), np.ascontiguousarray(self.pdm.components[:, visible]))
            target = np.ascontiguousarray(target[:, visible])

        low, high = target.min(axis=1), target.max(axis=1)
        extent = high - low
        if not (extent > 0.0).all():
            raise LandmarksError("the landmarks have no extent in x or y; a pose cannot be fitted")
        pose = np.array([np.mean(extent / points.extent), 0.0, 0.0, 0.0, *((low + high) / 2.0)])
        local = np.zeros(self.pdm.n_modes)
        try:
            iterations = _kernels.pose.fit(
                points.mean, points.components, points.gram, points.column_sums, self._regularisation, target, pose, local
            )
        except (ValueError, np.linalg.LinAlgError) as error:
            raise LandmarksError(f"no pose fits these landmarks ({error})") from error
        difference = self.pdm.project(pose, local).T[:, visible] - target
        return PoseFit(pose, local, float(np.sqrt(np.mean(np.sum(difference * difference, axis=0)))), int(iterations))


class _Points:
    """Mean, modes and their products for the visible points."""

    def __init__(self, mean: FloatArray, components: FloatArray) -> None:
        self.mean = mean
        self.components = components
        self.extent = mean[:2].max(axis=1) - mean[:2].min(axis=1)
        self.column_sums = np.ascontiguousarray(components.sum(axis=1))
        products = np.einsum("aij,bik->abjk", components, components, optimize=True)
        self.gram = np.ascontiguousarray([products[a, b] if a == b else products[a, b] + products[b, a] for a, b in _PAIRS])
