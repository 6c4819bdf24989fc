"""Confidence: the probability that the landmarks are right."""

from __future__ import annotations

import math

from face_mirror_au.models.catalogue import LANDMARKS, Calibration
from face_mirror_au.numerics.pose import PoseFit, PoseFitter
from face_mirror_au.records import Located

# Of landmark models and PDMs whose entry in the catalogue has no calibration, and of plugins.
OTHER_MODEL = Calibration(4.0, 0.33, -3.0)
# A perfect score says little more than a good one; a score of 0 says a lot.
SCORE_RANGE = (1e-6, 0.999)
# A frame is a success when its confidence is above this: it keeps strong one-sided expressions (0.25 and more), background has 0.1 and
# less.
MIN_CONFIDENCE = 0.15
# Below this presence score there is no face, however well the landmarks form one: a landmark model draws a perfect face on an empty wall
# (0.002 and less on grey, black, white and noise).
MIN_SCORE = 0.1
# On a mirrored picture of a face that was seen in the frame itself, landmarks of this confidence and more are a face without a second look:
# of 2,106 sets of PFLD on multi_face.avi the detector refuses 10, all on mirrored pictures; without it theirs would be 0.77 at most.
MIN_SURE_CONFIDENCE = 0.8
# To take up a face that was not followed in the frame before asks for more, of the landmarks and of the detection: now and then a cloud
# or a cartoon passes for a face (on a cartoon clip without people, up to 0.82 and 0.56, or 0.75 and 0.73).
MIN_NEW_CONFIDENCE = 0.8
MIN_NEW_SCORE = 0.6


def calibration_of(model: str, pdm: str) -> Calibration:
    """How sure landmarks of a model are, by a PDM."""
    return LANDMARKS[model].calibration.get(pdm, OTHER_MODEL) if model in LANDMARKS else OTHER_MODEL


def landmark_confidence(model: str, fitter: PoseFitter, located: Located, fit: PoseFit) -> float:
    """Probability that landmarks are right: a logistic regression on the logit of the presence score and the PDM fit error in mm.

    Parameters
    ----------
    model : str
        Name of the landmark model.
    fitter : PoseFitter
        Of the PDM that was fitted.
    located : Located
        The landmarks. Score: 0 to 1, that a face is there: from the landmark model where it scores presence, else from the detector on the
        same square.
    fit : PoseFit
        Of the landmarks.

    Returns
    -------
    float
        0 to 1.
    """
    if fit.pose[0] <= 0.0:
        return 0.0  # the model seen from behind, upside down: no face
    calibration = calibration_of(model, fitter.pdm.name)
    if calibration.across is not None:
        fit = fitter.fit_as_large(located.landmarks, calibration.across)
        if fit.pose[0] <= 0.0:
            return 0.0
    score = min(max(located.score, SCORE_RANGE[0]), SCORE_RANGE[1])
    by_score = calibration.by_score * math.log(score / (1.0 - score))
    exponent = calibration.intercept + by_score + calibration.by_error * fit.error / fit.pose[0]
    # exp overflows beyond 700; a fit that bad has a probability of 0 anyway.
    return 1.0 / (1.0 + math.exp(min(-exponent, 700.0)))
