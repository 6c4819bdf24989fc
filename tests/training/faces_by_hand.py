"""Measured recordings without a picture: 478 points and FHOG as sums of movements, symmetric by construction."""

from __future__ import annotations

import numpy as np

from face_mirror_au.numerics.pdm import rotation_from_euler
from face_mirror_au.records import ALL_AUS
from training import symmetry
from training.dataset import Dataset
from training.render.targets import ONE_PIECE
from training.symmetry import RIGID_POINTS, hog_order

MIRROR = np.array([-1.0, 1.0, 1.0])
N_POINTS = 478
RESTING, MOVING = 3, 9
PLAIN, STILL = "AU15", "AU05"
"""Nothing in mesh or FHOG tells of the first; the second never moves."""


def symmetric_points(random):
    """A symmetric cloud, mm, in which the points that `symmetry` names lie where it says; and each point's partner."""
    partner = np.full(N_POINTS, -1)
    rigid_midline, rigid_right, rigid_left = RIGID_POINTS[:10], RIGID_POINTS[10:21], RIGID_POINTS[21:]
    midline = [*symmetry._MIDLINE, *rigid_midline]
    partner[midline] = midline
    for right, left in zip((*symmetry._RIGHT, *rigid_right), (*symmetry._LEFT, *rigid_left), strict=True):
        partner[right], partner[left] = left, right
    others = np.flatnonzero(partner < 0)
    assert len(others) % 2 == 0
    partner[others[::2]], partner[others[1::2]] = others[1::2], others[::2]
    points = np.zeros((N_POINTS, 3))
    of_midline = partner == np.arange(N_POINTS)
    points[of_midline] = random.uniform(-1, 1, (of_midline.sum(), 3)) * (0, 70, 40)
    points[10], points[152] = (0, -80, 0), (0, 80, 0)
    right = np.union1d([*symmetry._RIGHT, *rigid_right], others[::2])
    # A grid, shaken: no two points are so near that noise could exchange them.
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(10), np.arange(4), indexing="ij"), axis=-1).reshape(-1, 3)
    chosen = grid[random.permutation(len(grid))[: len(right)]]
    points[right] = (chosen + random.uniform(-0.3, 0.3, chosen.shape)) * (-12, 16, 14) + (-8, -72, -20)
    points[partner[right]] = points[right] * MIRROR
    return points, partner


def mirrored(points, partner):
    return (points * MIRROR)[..., partner, :]


def seen(points, random):
    """Somewhere in a picture: turned, scaled to pixels, shifted."""
    turn = rotation_from_euler(random.normal(0, 0.15, 3))
    return (random.uniform(1.5, 3.0) * points @ turn + random.uniform(100, 300, 3)).astype(np.float32)


def invented(recordings=30, seed=0):
    """Frames of random faces whose movements have a strength of their own on each side."""
    random = np.random.default_rng(seed)
    points, partner = symmetric_points(random)
    order, n_aus = hog_order(), len(ALL_AUS)
    of_mesh = random.normal(0, 0.5, (n_aus, N_POINTS, 3))
    of_mesh[:, RIGID_POINTS] = 0.0
    of_hog = random.normal(0, 0.004, (n_aus, len(order)))
    without = ALL_AUS.index(PLAIN)
    of_mesh[without], of_hog[without] = 0.0, 0.0
    rows = []
    for number in range(recordings):
        person, texture = points + random.normal(0, 0.2, points.shape), random.uniform(0.1, 0.3, len(order))
        for frame in range(RESTING + MOVING):
            truth = np.zeros((2, n_aus)) if frame < RESTING else random.uniform(0, 5, (2, n_aus)) * (random.random((2, n_aus)) < 0.4)
            for name in ONE_PIECE:
                truth[1, ALL_AUS.index(name)] = truth[0, ALL_AUS.index(name)]
            truth[:, ALL_AUS.index(STILL)] = 0.0
            left = np.tensordot(truth[0], of_mesh, axes=1)
            right = np.tensordot(truth[1], mirrored(of_mesh, partner), axes=1)
            hog = texture + truth[0] @ of_hog + truth[1] @ of_hog[:, order] + random.normal(0, 0.002, len(order))
            rows.append((number, frame < RESTING, seen(person + left + right, random), hog.astype(np.float32), truth, np.zeros(3)))
    return Dataset(*(np.array(column) for column in zip(*rows, strict=True))), partner
