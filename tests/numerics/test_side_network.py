"""The network behind the predictors of one side."""

from __future__ import annotations

import numpy as np
import pytest

from face_mirror_au.numerics.side_network import SideNetwork

CODES, HIDDEN, AUS = 3, 5, 4


@pytest.fixture
def network():
    random = np.random.default_rng(0)
    shapes = ((HIDDEN, 2 * CODES), (HIDDEN,), (HIDDEN, HIDDEN), (HIDDEN,), (AUS, HIDDEN))
    return SideNetwork(*(random.normal(size=shape) for shape in shapes))


def by_hand(network, own, other):
    hidden = np.maximum(network.first @ np.concatenate([own, other]) + network.first_bias, 0)
    return network.last @ np.maximum(network.second @ hidden + network.second_bias, 0)


def test_it_adds_two_layers_of_rectified_units_less_those_of_rest(network):
    left, right = np.random.default_rng(1).normal(size=(2, CODES))
    rest = by_hand(network, np.zeros(CODES), np.zeros(CODES))
    found = network(np.concatenate([left, right]))
    np.testing.assert_allclose(found[0], by_hand(network, left, right) - rest)
    np.testing.assert_allclose(found[1], by_hand(network, right, left) - rest)
    assert np.abs(found[0] - found[1]).max() > 0.1


def test_nothing_is_added_to_the_neutral_face(network):
    for side in network(np.zeros((2, 2 * CODES))):
        np.testing.assert_allclose(side, np.zeros((2, AUS)), atol=1e-12)


def test_a_mirrored_face_has_the_sides_exchanged_to_the_bit(network):
    codes = np.random.default_rng(1).normal(size=(6, 2 * CODES))
    left, right = network(codes)
    of_mirror = network(np.concatenate([codes[:, CODES:], codes[:, :CODES]], axis=1))
    np.testing.assert_array_equal(of_mirror, (right, left))
