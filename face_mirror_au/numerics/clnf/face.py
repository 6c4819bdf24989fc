"""A face in a picture: the main fit, its parts, the final shape, and whether it is a face (OpenFace 2.2 `LandmarkDetectorFunc`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from face_mirror_au.errors import LandmarksError
from face_mirror_au.numerics.clnf.experts import Grey
from face_mirror_au.numerics.clnf.fit import Fitted, LandmarkModel, fit
from face_mirror_au.numerics.clnf.parts import FittedPart, Part, merge
from face_mirror_au.numerics.pose import PoseFitter
from face_mirror_au.records import Float32Array

Validator = Callable[[Grey, Float32Array, Float32Array], float]
"""Says how certain it is that landmarks (68, 2) px, pose (6,) belong to a face in a grey picture: 0 to 1."""

# OpenFace 2.2: the face is believed above this certainty.
MIN_CERTAINTY = 0.725
# OpenFace 2.2: how a face may be turned that has just been found; rx, ry, rz in rad.
_ROTATIONS = np.array(
    [
        (0, 0, 0), (0, -0.5236, 0), (0, 0.5236, 0), (0, -0.96, 0), (0, 0.96, 0), (0, 0, 0.5236), (0, 0, -0.5236),
        (0, -1.57, 0), (0, 1.57, 0), (0, -1.22, 0.698), (0, 1.22, -0.698),
    ],
    np.float32,
)  # fmt: skip
# OpenFace 2.2 with early termination: so many of the hypotheses are fitted at all scales when none is good enough at once.
_CONTINUED = 3
# OpenFace 2.2: of a face that has not been fitted yet.
_NO_LIKELIHOOD = -10.0
# Pixels: no picture is so large.
_MAX_PLACE = 1e6


@dataclass(frozen=True)
class EarlyTermination:
    """When a hypothesis is good enough after its first scale, by view: likelihood * weight + bias > cutoff.

    Attributes
    ----------
    weights, biases, cutoffs : tuple of float
    """

    weights: tuple[float, ...]
    biases: tuple[float, ...]
    cutoffs: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class FittedFace:
    """A face in a picture.

    Attributes
    ----------
    pose : ndarray, (6,) float32
        scale (px/mm), rx, ry, rz (rad), tx, ty (px).
    local : ndarray, (m,) float32
        Local shape parameters.
    landmarks : ndarray, (68, 2) float32
        Pixels: the shape model at `pose` and `local`.
    parts : mapping of str to FittedPart
        By OpenFace's name, in whose words left is at the left of the picture.
    success : bool
        Whether it is believed to be a face.
    certainty : float
        0 to 1.
    likelihood : float
        Of the main fit; compares hypotheses.
    """

    pose: Float32Array
    local: Float32Array
    landmarks: Float32Array
    parts: Mapping[str, FittedPart]
    success: bool
    certainty: float
    likelihood: float


@dataclass(frozen=True)
class FaceModel:
    """OpenFace's landmark detector.

    Attributes
    ----------
    main : LandmarkModel
        Of the 68 landmarks.
    pose_fitter : PoseFitter
        With the same shape model.
    parts : tuple of Part
    validator : callable
        See `Validator`.
    first_windows, next_windows : tuple of int
        Sides of the response maps by scale, for a face that was found by a detector or lost, and for one that is followed.
    early : EarlyTermination or None
        Of CE-CLM.
    """

    main: LandmarkModel
    pose_fitter: PoseFitter
    parts: tuple[Part, ...]
    validator: Validator
    first_windows: tuple[int, ...]
    next_windows: tuple[int, ...]
    early: EarlyTermination | None = None

    def follow(self, image: Grey, face: FittedFace) -> FittedFace:
        """Fit from where the face was in the frame before.

        Parameters
        ----------
        image : ndarray, (height, width) uint8
        face : FittedFace
        """
        windows = self.next_windows if face.success else self.first_windows
        return self._finish(image, fit(image, self.main, windows, face.pose, face.local), face.likelihood)

    def find(self, image: Grey, box: Float32Array, *, several: bool, likelihood: float = _NO_LIKELIHOOD) -> tuple[FittedFace, bool]:
        """Fit from a detection.

        Parameters
        ----------
        image : ndarray, (height, width) uint8
        box : ndarray, (4,)
            x, y, width, height in px.
        several : bool
            Try several rotations, as for the first frame of a video.
        likelihood : float
            Of the last fit: that of a fit which ends before it has one of its own.

        Returns
        -------
        FittedFace
        bool
            What OpenFace returns: `success`, except where an early termination is read but no hypothesis passes it.
        """
        rotations = _ROTATIONS if several else _ROTATIONS[:1]
        none = np.zeros(self.main.shape.n_modes, np.float32)
        starts = [self.main.shape.pose_in_box(box, rotation) for rotation in rotations]
        if self.early is not None:
            return self._find_early(image, starts, likelihood, self.early)
        best: tuple[Fitted, float] | None = None
        for start in starts:
            found = fit(image, self.main, self.first_windows, start, none)
            likelihood = likelihood if found.likelihood is None else found.likelihood
            if best is None or likelihood > best[1]:
                best = found, likelihood
        assert best is not None  # noqa: S101 - there is always a first hypothesis
        face = self._finish(image, *best)
        return face, face.success

    def _find_early(
        self, image: Grey, starts: Sequence[Float32Array], likelihood: float, early: EarlyTermination
    ) -> tuple[FittedFace, bool]:
        none = np.zeros(self.main.shape.n_modes, np.float32)
        first, rest = (self.first_windows[0], *[0] * (len(self.first_windows) - 1)), (0, *self.first_windows[1:])
        tried: list[tuple[float, Fitted]] = []
        for start in starts:
            found = fit(image, self.main, first, start, none)
            likelihood = likelihood if found.likelihood is None else found.likelihood
            score = likelihood * early.weights[found.view] + early.biases[found.view]
            if score > early.cutoffs[found.view]:
                face = self._finish(image, fit(image, self.main, rest, found.pose, found.local), likelihood)
                return face, face.success
            # OpenFace 2.2 keeps a reference to the local parameters, which the next hypothesis sets to 0: only the last one has its own.
            if tried:
                tried[-1] = tried[-1][0], replace(tried[-1][1], local=none)
            tried.append((score, found))
        best: FittedFace | None = None
        for _, found in sorted(tried, key=lambda each: -each[0])[:_CONTINUED]:
            last = self._finish(image, fit(image, self.main, rest, found.pose, found.local), likelihood)
            likelihood = last.likelihood
            if best is None or likelihood > best.likelihood:
                best = last
        assert best is not None  # noqa: S101 - there is always a first hypothesis
        # OpenFace 2.2 returns the success of the one that was tried last, and keeps its certainty.
        return replace(best, certainty=last.certainty), last.success

    def _finish(self, image: Grey, found: Fitted, likelihood: float) -> FittedFace:
        """Parts, final shape and validation of a main fit."""
        pose, local = found.pose, found.local
        landmarks = np.ascontiguousarray(self.main.shape.project(pose, local).T)
        likelihood = likelihood if found.likelihood is None else found.likelihood
        parts: dict[str, FittedPart] = {}
        success = found.success
        for part in self.parts:
            fitted = part.fit(image, landmarks, float(pose[0]))
            if fitted is not None:
                parts[part.name] = fitted
        if any(part.fitted for part in parts.values()):
            try:
                final = self.pose_fitter.fit(merge(landmarks, self.parts, parts).astype(np.float64))
            except LandmarksError:
                success = False
            else:
                pose, local = final.pose.astype(np.float32), final.local.astype(np.float32)
                landmarks = np.ascontiguousarray(self.main.shape.project(pose, local).T)
        success = success and bool((np.abs(landmarks) < _MAX_PLACE).all())
        certainty = float(self.validator(image, landmarks, pose)) if success else 0.0
        return FittedFace(pose, local, landmarks, parts, certainty > MIN_CERTAINTY, certainty, likelihood)
