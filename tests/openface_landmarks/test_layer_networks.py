"""Layer lists of OpenFace's networks: read as they are written, run as they say, refused when they are damaged."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from face_mirror_au.errors import ModelFileError
from face_mirror_au.models import mtcnn
from face_mirror_au.models.binary_file import BinaryFile
from face_mirror_au.models.layer_files import read_network
from face_mirror_au.models.layer_network import LayerNetwork
from face_mirror_au.models.validator import read_validator
from fuzz.openface_stand_ins import convolution, fully_connected, layers, matrix, mtcnn_network, pool, prelu, validator


def read(tmp_path: Path, content: bytes, shape=(2, 9, 8), outputs=0, *, mtcnn=True) -> LayerNetwork:
    path = tmp_path / "network.dat"
    path.write_bytes(content)
    file = BinaryFile(path, 1 << 20)
    network = read_network(file, shape, outputs, mtcnn=mtcnn)
    file.finish()
    return network


def by_hand(picture, kernels, bias, slopes, weights, last_bias):
    """Convolution, PReLU, pooling of 3 x 2 with stride 2, fully connected: as the formats' description says, one number after another."""
    maps, height, width = picture.shape
    tall, wide = kernels.shape[2:]
    folded = np.zeros((kernels.shape[1], height - tall + 1, width - wide + 1))
    for k, y, x in np.ndindex(*folded.shape):
        folded[k, y, x] = bias[k] + sum((picture[i, y : y + tall, x : x + wide] * kernels[i, k]).sum() for i in range(maps))
        if folded[k, y, x] < 0:
            folded[k, y, x] *= slopes[k]
    rows, columns = (int(np.floor((length - size) / 2 + 0.5)) + 1 for length, size in zip(folded.shape[1:], (2, 3), strict=True))
    small = np.zeros((folded.shape[0], rows, columns))
    for k, y, x in np.ndindex(*small.shape):
        small[k, y, x] = folded[k, 2 * y : 2 * y + 2, 2 * x : 2 * x + 3].max()
    flat = np.zeros(small.size)
    for k, y, x in np.ndindex(*small.shape):
        flat[k * rows * columns + x * rows + y] = small[k, y, x]
    return flat @ weights + last_bias


def test_a_network_computes_what_its_file_says(tmp_path):
    random = np.random.default_rng(1)
    kernels, bias, slopes = random.normal(size=(2, 3, 3, 2)), random.normal(size=3), random.normal(size=3)
    weights, last_bias = random.normal(size=(3 * 4 * 3, 5)), random.normal(size=5)
    pictures = random.normal(size=(4, 2, 9, 8)).astype(np.float32)
    network = read(
        tmp_path, layers(convolution(kernels, bias), prelu(slopes), pool(3, 2, 2, 2), fully_connected(weights, last_bias)), outputs=5
    )
    found = network(pictures)
    assert found.shape == (4, 5, 1, 1)
    for each, picture in zip(found, pictures, strict=True):
        assert np.allclose(each.ravel(), by_hand(picture, kernels, bias, slopes, weights, last_bias), atol=1e-4)


def test_a_validators_list_pools_and_rectifies_without_numbers(tmp_path):
    content = layers(struct.pack("<i", 3), struct.pack("<i", 1), convolution(np.ones((1, 1, 2, 2)), [0.5]))
    found = read(tmp_path, content, (1, 4, 4), 1, mtcnn=False)(
        np.array([[[[1, 2, -3, -4], [0, 1, -1, -2], [5, 0, 0, 0], [0, 0, 0, 7]]]], np.float32)
    )
    assert found.ravel().tolist() == [2 + 0 + 5 + 7 + 0.5]


def test_a_larger_picture_is_looked_at_all_over(tmp_path):
    network = read(tmp_path, layers(convolution(np.ones((2, 1, 2, 2)), [0.0])), (2, 2, 2), 1)
    assert network(np.ones((1, 2, 5, 7), np.float32)).shape == (1, 1, 4, 6)


SMALL = layers(
    convolution(np.ones((2, 2, 2, 2)), np.zeros(2)), prelu([0.1, 0.2]), pool(2, 2, 2, 2), fully_connected(np.ones((2 * 4 * 4, 2)), [0, 0])
)


def test_a_file_cut_short_anywhere_is_one_line(tmp_path):
    assert read(tmp_path, SMALL) is not None
    for end in range(len(SMALL)):
        with pytest.raises(ModelFileError, match="is not a usable model file: it is cut short"):
            read(tmp_path, SMALL[:end])


def test_absurd_counts_are_refused_before_memory_is_asked_for(tmp_path):
    tracemalloc.start()
    for place in range(0, len(SMALL), 4):
        for value in (0x7FFFFFFF, -1, 50_000):
            content = SMALL[:place] + struct.pack("<i", value) + SMALL[place + 4 :]
            try:
                read(tmp_path, content)
            except ModelFileError as error:
                assert "\n" not in str(error)  # noqa: PT017 - some places hold a weight, which may have any value
    assert tracemalloc.get_traced_memory()[1] < 4_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (layers(convolution(np.ones((3, 1, 2, 2)), [0.0])), "layer 1 does not take 2 maps of 9 x 8"),
        (layers(convolution(np.ones((2, 1, 10, 2)), [0.0])), "layer 1 does not take"),
        (layers(convolution(np.ones((2, 1, 2, 2)), [0.0]), prelu([0.1, 0.2])), "layer 2 does not take"),
        (layers(convolution(np.ones((2, 1, 2, 2)), [0.0])), "end in 1 maps of 8 x 7"),
        (layers(convolution(np.ones((2, 1, 9, 8)), [0.0])), "not in 5 values"),
        (layers(convolution(np.ones((2, 1, 32, 2)), [0.0])), "claim 32 x 2"),
        (layers(convolution(np.full((2, 1, 9, 8), np.nan), [0.0])), "not finite"),
        (layers(convolution(np.full((2, 1, 9, 8), 1e9), [0.0])), "beyond 10000"),
        (layers(pool(10, 2, 2, 2)), "layer 1 does not take"),
        (layers(pool(2, 2, 3, 2)), "stride"),
        (layers(convolution(np.ones((2, 1, 2, 2)), [0.0]))[:-28] + matrix(np.ones((1, 4))), "kernels are not all of 2 x 2"),
        (layers(fully_connected(np.ones((7, 1)), [0.0])), "weights"),
        (layers(prelu([0.1, 0.2])), "end in 2 maps"),
        (layers(convolution(np.ones((2, 5, 9, 8)), np.zeros(5))) + b"\0", "1 bytes follow its end"),
        (b"\x08\0\0\0onnx model, another network", "kind of layer"),
        (b"version https://git-lfs.github.com/spec/v1", "number of layers"),
        (b"", "cut short at its number of layers"),
    ],
)  # fmt: skip
def test_layers_that_do_not_fit_are_told(tmp_path, content, message):
    with pytest.raises(ModelFileError, match=message):
        read(tmp_path, content, outputs=5)


def test_a_missing_file_and_one_that_is_too_large(tmp_path):
    with pytest.raises(ModelFileError, match=r"PNet\.dat cannot be read"):
        mtcnn.read_network(tmp_path / "PNet.dat", "PNet")
    (tmp_path / "PNet.dat").write_bytes(bytes(17_000_000))
    with pytest.raises(ModelFileError, match="larger than"):
        mtcnn.read_network(tmp_path / "PNet.dat", "PNet")


def test_one_network_is_not_taken_for_another(tmp_path):
    (tmp_path / "ONet.dat").write_bytes(mtcnn_network("RNet"))
    with pytest.raises(ModelFileError, match="is not a usable model file"):
        mtcnn.read_network(tmp_path / "ONet.dat", "ONet")


def test_a_validator_cut_short_anywhere_is_one_line(tmp_path):
    good, path = validator(), tmp_path / "validator_cnn.txt"
    for end in (*range(200), *range(200, len(good), 997)):
        path.write_bytes(good[:end])
        with pytest.raises(ModelFileError, match="cut short"):
            read_validator(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (struct.pack("<ii", 3, 2), struct.pack("<ii", 2, 2), "type"),
        (struct.pack("<ii", 3, 2), struct.pack("<ii", 3, 9999), "number of views"),
        (struct.pack("<idd", 800, -10, -5), struct.pack("<idd", 801, -10, -5), "number of pixels"),
        (struct.pack("<idd", 800, -10, -5), struct.pack("<idd", 800, np.nan, -5), "left border"),
        (struct.pack("<iii", 36, 45, 57), struct.pack("<iii", 36, 45, 68), "outside 0..67"),
        (struct.pack("<iiii", -1, 0, 0, 0), struct.pack("<iiii", -1, 9, 0, 0), "does not fit"),
        (struct.pack("<iiii", 0, 1, 1, 1), struct.pack("<iiii", 0, 0, 1, 1), "mask of 799 pixels"),
        (struct.pack("<dd", 1, 1), struct.pack("<dd", 1, 0), "standard deviation of it is 0"),
    ],
)
def test_a_validator_that_contradicts_itself_is_refused(tmp_path, old, new, message):
    good, path = validator(), tmp_path / "validator_cnn.txt"
    assert old in good
    path.write_bytes(good.replace(old, new, 1))
    with pytest.raises(ModelFileError, match=message):
        read_validator(path)
