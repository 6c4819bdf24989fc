"""Training on faces made by hand: it finds the movements, on their side, and leaves out what cannot be seen."""

from __future__ import annotations

from dataclasses import replace

import faces_by_hand
import numpy as np
import pytest

from face_mirror_au.errors import UsageError
from face_mirror_au.models.open_bank import PDM_FEATURES, read_open_bank, write_open_bank
from face_mirror_au.numerics.fhog import HOG_SIZE
from face_mirror_au.pipeline.sequence import AUSequence
from face_mirror_au.records import ALL_AUS
from training.fit import correlate, fit_bank, fit_mesh_shape, mirror_matrix, relative_to_rest
from training.render.targets import ONE_PIECE
from training.symmetry import RIGID_POINTS, hog_order

PLAIN, STILL = (ALL_AUS.index(name) for name in (faces_by_hand.PLAIN, faces_by_hand.STILL))
PIECES = [ALL_AUS.index(name) for name in ONE_PIECE]
SEEN = [column for column in range(22) if column not in (PLAIN, STILL)]
SIDED = [column for column in SEEN if column not in PIECES]
DESCRIPTION = {"name": "by hand", "version": "0"}

# Solves for 4560 weights, eight times.
pytestmark = [pytest.mark.release, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def made():
    return faces_by_hand.invented()


@pytest.fixture(scope="module")
def data(made):
    return made[0]


@pytest.fixture(scope="module")
def mesh_shape(data):
    """And each point's partner."""
    return fit_mesh_shape(data)


@pytest.fixture(scope="module", autouse=True)
def fewer_folds():
    """Each takes seconds, and these faces are alike."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.fit.FOLDS", 2)
        yield


@pytest.fixture(scope="module")
def fitted(data):
    return fit_bank(data)


@pytest.fixture(scope="module")
def bank_file(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("bank") / "bank.npz"
    write_open_bank(path, DESCRIPTION, fitted.arrays)
    return path


@pytest.fixture(scope="module")
def bank(bank_file):
    return read_open_bank(bank_file)


@pytest.fixture(scope="module")
def unseen(made):
    """Two recordings more of the same face, and the same as in a mirror: descriptors can be made of both."""
    other, partner = faces_by_hand.invented(recordings=32)
    other = other.select(other.recording >= 30)
    mirrored = replace(
        other,
        mesh=faces_by_hand.mirrored(other.mesh, partner).astype(np.float32),
        hog=np.ascontiguousarray(other.hog[:, hog_order()]),
        intensities=other.intensities[:, ::-1],
    )
    return other, mirrored


def geometries(bank, data):
    """As the describer makes them; what the PDM says is anything, since the bank does not look at it."""
    of_pdm = np.random.default_rng(0).normal(size=(len(data), PDM_FEATURES))
    return np.concatenate([of_pdm, bank.mesh_shape.parameters(data.mesh)], axis=1)


def predicted(bank, form, data):
    """(N, 3, 22): whole, left, right; against the true rest of each recording."""
    descriptors = np.concatenate([data.hog, geometries(bank, data)], axis=1)
    au_bank = bank.au_bank(form)
    result = []
    for row, number in enumerate(data.recording):
        neutral = np.median(descriptors[(data.recording == number) & data.at_rest], axis=0)
        result.append(au_bank.predict(descriptors[row], au_bank.offsets(neutral))[0])
    columns = np.concatenate([au_bank.whole_columns[np.newaxis], au_bank.side_columns])
    return np.array(result)[:, columns]


def correlation(a, b):
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


@pytest.mark.parametrize("form", ["dynamic", "static"])
def test_it_finds_the_movements_of_faces_that_it_has_not_seen(bank, unseen, form):
    other = unseen[0]
    found = predicted(bank, form, other)
    for column in SIDED:
        for side in (0, 1):
            truth = other.intensities[:, side, column]
            assert correlation(found[:, 1 + side, column], truth) > 0.9, (ALL_AUS[column], side)
    for column in SEEN:
        assert correlation(found[:, 0, column], other.intensities[:, :, column].mean(axis=1)) > 0.9


def test_movements_have_the_size_of_the_truth(bank, unseen):
    other = unseen[0]
    found = predicted(bank, "dynamic", other)[:, 1:, SIDED]
    truth = other.intensities[:, :, SIDED]
    assert np.polyfit(truth.ravel(), found.ravel(), 1)[0] == pytest.approx(1.0, abs=0.15)
    assert np.abs(found[other.at_rest]).mean() < 0.3


def test_a_movement_of_one_side_does_not_show_on_the_other(bank, unseen):
    other = unseen[0]
    found = predicted(bank, "dynamic", other)
    for side in (0, 1):
        alone = (other.intensities[:, side] > 2.0) & (other.intensities[:, 1 - side] == 0.0)
        alone[:, [column for column in range(22) if column not in SIDED]] = False
        assert alone.sum() > 20
        moving, resting = found[:, 1 + side][alone], found[:, 2 - side][alone]
        assert moving.mean() > 2.5
        assert abs(resting.mean()) < 0.1 * moving.mean()


@pytest.mark.parametrize("form", ["dynamic", "static"])
def test_a_mirrored_face_gets_the_same_with_the_sides_exchanged(bank, unseen, form):
    """Whatever was learned."""
    of_face, of_mirror = (predicted(bank, form, data) for data in unseen)
    np.testing.assert_allclose(of_mirror[:, 0], of_face[:, 0], atol=1e-3)
    np.testing.assert_allclose(of_mirror[:, 1], of_face[:, 2], atol=1e-3)
    np.testing.assert_allclose(of_mirror[:, 2], of_face[:, 1], atol=1e-3)
    assert np.nanmax(np.abs(of_face[:, 1] - of_face[:, 2])) > 2.0


def test_a_mirrored_sequence_has_its_sides_exchanged(bank, unseen):
    finals = []
    for data in unseen:
        sequence = AUSequence(bank.au_bank("dynamic"))
        one = data.select(data.recording == data.recording[0])
        for hog, geometry in zip(one.hog, geometries(bank, one), strict=True):
            sequence.append(hog, geometry)
        finals.append(sequence.finish())
    face, mirror = finals
    assert face.sides.shape == (faces_by_hand.RESTING + faces_by_hand.MOVING, 2, 22)
    # The running median stands in the middle of bins, which are not those of the mirror image.
    np.testing.assert_allclose(mirror.sides, face.sides[:, ::-1], atol=0.06)
    np.testing.assert_allclose(mirror.intensity, face.intensity, atol=0.06)
    assert np.nanmax(np.abs(face.sides[:, 0] - face.sides[:, 1])) > 1.0


def test_what_cannot_be_seen_is_left_empty(bank, fitted):
    for form in ("dynamic", "static"):
        known = fitted.arrays[f"{form}_known"]
        assert known.dtype == np.float32
        assert known[0].tolist() == [float(column in SEEN) for column in range(22)]
        assert known[1].tolist() == [float(column in SIDED) for column in range(22)]
        assert bank.left_empty(form) == tuple(ALL_AUS[column] for column in sorted((PLAIN, STILL)))
        assert np.abs(fitted.correlations[form][:, PLAIN]).max() < 0.5
        assert fitted.correlations[form][:, SIDED].min() > 0.9


def test_an_action_unit_that_never_moves_has_no_correlation(fitted):
    """And no warning of a division by zero; the description must be JSON."""
    for form in ("dynamic", "static"):
        assert fitted.correlations[form][:, STILL].tolist() == [0.0, 0.0]
        assert np.isfinite(fitted.correlations[form]).all()


def test_what_is_in_one_piece_has_no_sides(bank, unseen):
    found = predicted(bank, "dynamic", unseen[0])
    assert np.isnan(found[:, 1:, PIECES]).all()
    assert not np.isnan(found[:, 0, PIECES]).any()


def test_the_bank_does_not_look_at_the_pdm(fitted):
    for form in ("dynamic", "static"):
        assert not fitted.arrays[form][:, :, HOG_SIZE : HOG_SIZE + PDM_FEATURES].any()
        assert fitted.arrays[form][:, SIDED, :HOG_SIZE].any(axis=2).all()
        assert fitted.arrays[form][:, SIDED, HOG_SIZE + PDM_FEATURES :].any(axis=2).all()


def test_the_means_are_those_of_the_faces_and_their_mirror_images(data, fitted, bank, mesh_shape):
    """Of what is learned from; in the units of the descriptor."""
    learned = data.select(data.recording % 10 != 9)
    hog = (learned.hog.mean(axis=0) + learned.hog[:, hog_order()].mean(axis=0)) / 2
    np.testing.assert_allclose(fitted.arrays["means"][:HOG_SIZE], hog, atol=1e-5)
    parameters = bank.mesh_shape.parameters(learned.mesh)
    _, partner = mesh_shape
    mirrored = bank.mesh_shape.parameters(faces_by_hand.mirrored(learned.mesh, partner))
    wanted = (parameters.mean(axis=0) + mirrored.mean(axis=0)) / 2
    assert np.abs(wanted).max() > 0.01
    np.testing.assert_allclose(fitted.arrays["means"][HOG_SIZE + PDM_FEATURES :], wanted, atol=1e-4)
    level = learned.intensities.mean(axis=(0, 1))
    np.testing.assert_allclose(fitted.arrays["static_bias"], [level, level], rtol=1e-6)


def test_the_same_data_give_the_same_file(data, bank_file, tmp_path):
    again = tmp_path / "again.npz"
    write_open_bank(again, DESCRIPTION, fit_bank(data.select(np.arange(len(data)))).arrays)
    assert again.read_bytes() == bank_file.read_bytes()


def test_the_mesh_shape_keeps_left_and_right_apart(made, mesh_shape):
    data, partner = made
    shape, found = mesh_shape
    np.testing.assert_array_equal(found, partner)
    np.testing.assert_array_equal(shape.rigid, RIGID_POINTS)
    np.testing.assert_allclose(shape.basis @ shape.basis.T, np.eye(len(shape.basis)), atol=1e-9)
    matrix = mirror_matrix(shape, partner)
    np.testing.assert_allclose(matrix @ matrix, np.eye(len(matrix)), atol=1e-6)
    mesh = data.mesh[-5:]
    mirrored = faces_by_hand.mirrored(mesh, partner)
    np.testing.assert_allclose(shape.parameters(mirrored), shape.parameters(mesh) @ matrix, atol=1e-5)
    largest = shape.basis[np.arange(len(shape.basis)), np.abs(shape.basis).argmax(axis=1)]
    assert (largest > 0).all()


def test_the_rest_of_each_recording_is_its_own(data):
    values = np.arange(len(data))[:, None] * 1.0
    relative = relative_to_rest(values, data)
    first = data.recording == 0
    assert relative[first].ravel().tolist() == (values[first] - np.median(values[first & data.at_rest])).ravel().tolist()
    shifted = values + 100.0 * data.recording[:, None]
    np.testing.assert_allclose(relative_to_rest(shifted, data), relative)
    never = replace(data, at_rest=np.zeros(len(data), bool))
    assert np.median(relative_to_rest(values, never)[first]) == 0.0, "without rest, the median of all"


def test_correlations_are_of_what_the_tables_show():
    random = np.random.default_rng(0)
    truth = random.uniform(0, 5, (200, 2, 22))
    assert correlate(truth, truth) == pytest.approx(np.ones((2, 22)))
    quiet = truth < 1.0
    shown = np.where(quiet, 0.0, truth)
    assert correlate(np.where(quiet, -50.0, truth), shown)[1] == pytest.approx(np.ones(22)), "what is below 0 is 0"
    assert correlate(np.where(truth > 4, 50.0, truth), np.where(truth > 4, 5.0, truth))[1] == pytest.approx(np.ones(22))
    exchanged = correlate(truth[:, ::-1], truth)
    assert exchanged[0] == pytest.approx(np.ones(22)), "the whole face does not see it"
    assert np.abs(exchanged[1]).max() < 0.3


def test_the_whole_face_is_the_mean_of_the_sides_before_either_is_cut():
    """As the bank's columns are: a side that is taken for negative lowers the whole face."""
    strength = np.random.default_rng(0).uniform(0, 2, (200, 1, 22))
    predicted = np.concatenate([3 * strength, -strength], axis=1)
    truth = np.concatenate([2 * strength, 0 * strength], axis=1)
    assert correlate(predicted, truth)[0] == pytest.approx(np.ones(22))


def test_without_a_recording_for_validation_nothing_is_trained(data):
    with pytest.raises(UsageError, match="recordings every 10th recording is for validation"):
        fit_bank(data.select(data.recording < 9))
