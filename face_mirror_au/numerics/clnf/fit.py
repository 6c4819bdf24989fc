"""The fit of one model: at each scale the experts answer, then pose and shape move to where they say (OpenFace 2.2 `CLNF::Fit`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

import numpy as np

from face_mirror_au.numerics import _kernels
from face_mirror_au.numerics.clnf.experts import Experts, Grey, nearest_view
from face_mirror_au.numerics.clnf.shape import ShapeModel, similarity
from face_mirror_au.records import Float32Array

# OpenFace 2.2: below this scale (px a mm) a face is too small to be fitted; below the second one the next scale is the last.
MIN_SCALE = 0.25
_LAST_SCALE = 0.30
# OpenFace 2.2: settings change with the experts' scale up to that of the third file, counted from this one.
_BASE_SCALING = 0.25
_LAST_REFINED = 2
_LEAST_REGULARISATION = 0.001
# Pixels: no picture is so large, and far beyond it places in the picture overflow.
_MAX_PLACE = 1e6
_LIKELIHOOD_FLOOR = 1e-8


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How a model is fitted.

    Attributes
    ----------
    sigma : float
        Of the mean shift's kernel, cells.
    regularisation : float
        Weight of the shape model's prior.
    weight_factor : float
        0: all landmarks count alike. Else each counts by its expert's confidence times this.
    iterations : int
        Of each stage, at most.
    refined : bool
        Whether the first three change with the scale, as OpenFace has it for the main model.
    """

    sigma: float
    regularisation: float
    weight_factor: float
    iterations: int
    refined: bool

    def at(self, scalings: Sequence[float], scale: int) -> FitSettings:
        """The settings of one scale."""
        if not self.refined:
            return self
        steps = log2(scalings[min(scale, _LAST_REFINED)] / _BASE_SCALING)
        regularisation = self.regularisation - 15.0 * steps
        return FitSettings(
            self.sigma + 0.25 * steps,
            regularisation if regularisation > 0.0 else _LEAST_REGULARISATION,
            self.weight_factor + 2.0 * self.weight_factor * steps,
            self.iterations,
            refined=False,
        )


@dataclass(frozen=True)
class LandmarkModel:
    """A shape model and its experts, coarse to fine."""

    shape: ShapeModel
    scales: tuple[Experts, ...]
    settings: FitSettings


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a fit found.

    Attributes
    ----------
    pose : ndarray, (6,) float32
        scale (px/mm), rx, ry, rz (rad), tx, ty (px).
    local : ndarray, (m,) float32
    success : bool
        False when the face became too small, or the numbers were none.
    likelihood : float or None
        Mean logarithm of the responses at the landmarks; None when the fit ended before it was taken.
    view : int
        Of the last scale.
    """

    pose: Float32Array
    local: Float32Array
    success: bool
    likelihood: float | None
    view: int


def fit(image: Grey, model: LandmarkModel, windows: Sequence[int], pose: Float32Array, local: Float32Array) -> Fitted:
    """Fit a model to a picture.

    Parameters
    ----------
    image : ndarray, (height, width) uint8
    model : LandmarkModel
    windows : sequence of int
        Side of the response maps by scale; 0 passes a scale over.
    pose : ndarray, (6,) float32
        Where to start.
    local : ndarray, (m,) float32
    """
    found = _fit(image, model, windows, pose.copy(), local.copy())
    if np.isfinite(found.pose).all() and np.isfinite(found.local).all():
        return found
    # OpenFace goes on with what is no number; here the next frame starts from numbers.
    return Fitted(pose, local, success=False, likelihood=None, view=found.view)


def _fit(image: Grey, model: LandmarkModel, windows: Sequence[int], pose: Float32Array, local: Float32Array) -> Fitted:
    likelihood, view = None, 0
    scalings = [experts.scaling for experts in model.scales]
    sides = [*windows[: len(scalings)], 0]
    for scale, experts in enumerate(model.scales):
        if not sides[scale]:
            continue
        view = nearest_view(experts.views, pose[1:4])
        stages = Stages.prepare(image, model.shape, experts, view, sides[scale], pose, local)
        if stages is None:
            return Fitted(pose, local, success=False, likelihood=likelihood, view=view)
        settings = model.settings.at(scalings, scale)
        stages.run(settings, pose, local, rigid=True)
        last = not sides[scale + 1] or pose[0] < _LAST_SCALE
        offsets = stages.run(settings, pose, local, rigid=False)
        if last:
            likelihood = stages.likelihood(offsets, settings.sigma)
        if not pose[0] >= MIN_SCALE:
            return Fitted(pose, local, success=False, likelihood=likelihood, view=view)
    return Fitted(pose, local, success=True, likelihood=likelihood, view=view)


@dataclass(frozen=True)
class Stages:
    """What the two stages of one scale share: the experts' answers, and the place at which they were asked."""

    model: ShapeModel
    base: Float32Array
    responses: Float32Array
    visible: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    confidence: Float32Array
    to_reference: Float32Array
    to_image: Float32Array

    @classmethod
    def prepare(
        cls, image: Grey, model: ShapeModel, experts: Experts, view: int, window: int, pose: Float32Array, local: Float32Array
    ) -> Stages | None:
        """Ask the experts; None when pose and shape are no places in a picture."""
        base = model.project(pose, local)
        if not (np.abs(base) < _MAX_PLACE).all():  # nor is NaN
            return None
        to_reference = similarity(base, model.upright(experts.scaling, local))
        with np.errstate(all="ignore"):
            determinant = to_reference[0, 0] ** 2 + to_reference[1, 0] ** 2
            to_image = np.ascontiguousarray(to_reference.T / determinant)
        if not (np.abs(to_image) < _MAX_PLACE).all():
            return None
        responses = experts.respond(image, base, to_image, view, window)
        return cls(model, base, responses, experts.visible[view] != 0, experts.confidence[view], to_reference, to_image)

    def run(self, settings: FitSettings, pose: Float32Array, local: Float32Array, *, rigid: bool) -> Float32Array:
        """Move pose, and shape unless `rigid`, in place.

        Returns
        -------
        ndarray, (2, n) float32
            Places in the response maps at the start of the last iteration.
        """
        offsets = np.zeros_like(self.base)
        _kernels.stage.run(
            self.model.mean, self.model.components, self.model.modes, self.model.limits,
            np.float32(settings.regularisation) / self.model.eigenvalues, self.base, self.responses, self._weights(settings),
            self.to_reference, self.to_image, settings.sigma, rigid, settings.iterations, pose, local, offsets,
        )  # fmt: skip
        return offsets

    def _weights(self, settings: FitSettings) -> Float32Array:
        weights = self.visible.astype(np.float32)
        if settings.weight_factor > 0.0:
            weights *= np.float32(settings.weight_factor) * self.confidence
        return weights

    def likelihood(self, offsets: Float32Array, sigma: float) -> float:
        """Mean logarithm of the answers around places (2, n) in the maps, weighted with the kernel."""
        return float(np.log(self.answers(offsets, sigma)[self.visible].astype(np.float64) + _LIKELIHOOD_FLOOR).mean())

    def answers(self, offsets: Float32Array, sigma: float) -> Float32Array:
        """Sums of the answers around places (2, n) in the maps, weighted with the kernel: (n,) float32; 0 without an expert."""
        distances = offsets[:, :, None].astype(np.float64) - np.arange(self.responses.shape[1])
        across, down = np.exp(-0.5 / sigma**2 * distances * distances)
        return np.asarray(np.einsum("nyx,ny,nx->n", self.responses, down, across).astype(np.float32))
