"""The fit of the network behind the dynamic predictors: its gradients, and that it learns what no linear predictor can."""

from __future__ import annotations

import numpy as np
import pytest

from training import network

FRAMES, FEATURES, AUS = 6, 7, 3


@pytest.fixture
def whole(monkeypatch):
    """Nothing is dropped, and what is added counts whole."""
    for name, value in {"DROP_INPUT": 0.0, "DROP_HIDDEN": 0.0, "TRUST": 1.0}.items():
        monkeypatch.setattr(network, name, value)


def test_gradients_are_those_of_the_squared_error(whole):
    random = np.random.default_rng(0)
    weights = network._start(random, FEATURES, AUS)
    weights["last"] = random.normal(size=weights["last"].shape)
    weights = {name: value.astype(np.float64) for name, value in weights.items()}
    plain, mirrored = random.normal(size=(2, 2 * FRAMES, FEATURES))
    truth = random.normal(size=(FRAMES, 2, AUS))

    def error(changed):
        def of(own, other):
            hidden = np.concatenate([own @ changed["codes"], other @ changed["codes"]], axis=1)
            for layer in ("first", "second"):
                hidden = np.maximum(hidden @ changed[layer].T + changed[f"{layer}_bias"], 0.0)
            found = hidden @ changed["last"].T
            return found[:FRAMES] - found[FRAMES:]

        left, right = of(plain, mirrored) - truth[:, 0], of(mirrored, plain) - truth[:, 1]
        return (left**2 + right**2 + network.OF_DIFFERENCE * (left - right) ** 2).mean()

    for name, gradient in network._gradients(weights, plain, mirrored, truth, random).items():
        along = random.normal(size=gradient.shape)
        step = 1e-6
        ends = [error(weights | {name: weights[name] + sign * step * along}) for sign in (1, -1)]
        assert (gradient * along).sum() == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-3), name


def test_it_learns_a_product_of_both_sides(whole, monkeypatch):
    monkeypatch.setattr(network, "EPOCHS", 30)
    monkeypatch.setattr(network, "BATCH", 128)
    random = np.random.default_rng(1)
    plain, mirrored = random.normal(size=(2, 1500, FEATURES)).astype(np.float32)
    truth = np.stack([plain[:, 0] * mirrored[:, 1], mirrored[:, 0] * plain[:, 1]], axis=1)[:, :, np.newaxis].astype(float)
    recording = np.arange(1500) // 15
    learned = recording < 80
    fitted = network.fit_network(plain[learned], mirrored[learned], truth[learned], recording[learned])
    found = fitted.predict(plain[~learned], mirrored[~learned])
    assert np.corrcoef(found.ravel(), truth[~learned].ravel())[0, 1] > 0.8
    np.testing.assert_array_equal(fitted.predict(mirrored, plain), fitted.predict(plain, mirrored)[:, ::-1])
