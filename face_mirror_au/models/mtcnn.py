"""MTCNN: the face detector of OpenFace 2.2, in its own way of cutting, rounding and correcting boxes.

Zhang et al., Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks, 2016. All figures are OpenFace 2.2's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.models import layer_files
from face_mirror_au.models.binary_file import BinaryFile, damaged, read_bytes
from face_mirror_au.models.layer_network import LayerNetwork
from face_mirror_au.numerics.resampling import resample
from face_mirror_au.records import Detection, Float32Array, Image

LIST = "mtcnn_detector/MTCNN_detector.txt"
# Side of what each network sees, and how many values it gives for that: 2 of probability, 4 corrections, ONet also 5 points.
NETWORKS = {"PNet": (12, 6), "RNet": (24, 6), "ONet": (48, 16)}

MIN_FACE = 60  # px
PYRAMID_FACTOR = 0.709
THRESHOLDS = (0.6, 0.7, 0.7)
# Overlap from which the weaker of two boxes goes: within a scale, among all scales and in RNet, in ONet (there a share of the smaller box).
SCALE_OVERLAP, UNION_OVERLAP, SMALLER_OVERLAP = 0.5, 0.7, 0.7
CELL, STRIDE = 12, 2  # PNet's cell and step, px
# The final box is made to fit the landmarks: shift of x, y and factor of width, height, in the box's own size.
TO_LANDMARKS = (-0.0075, 0.2459, 1.0323, 0.7751)

_MAX_BYTES = 16_000_000
_MAX_LIST_BYTES = 4096
_BAND = 96  # output rows of PNet that are computed at once: memory does not grow with the picture
_BATCH = 64  # boxes that RNet and ONet see at once
_MAX_PLACE = 1e6  # px; no box lies farther away


@dataclass(frozen=True)
class Boxes:
    """Boxes of one stage.

    Attributes
    ----------
    places : ndarray, (N, 4) float32
        x, y, width, height in px.
    scores : ndarray, (N,) float32
        0 to 1.
    corrections : ndarray, (N, 4) float32
        Of the edges left, top, right, bottom, in sizes of the box.
    """

    places: Float32Array
    scores: Float32Array
    corrections: Float32Array

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Boxes:
        """Some of them."""
        return Boxes(self.places[chosen], self.scores[chosen], self.corrections[chosen])


class MTCNN:
    """Detect faces.

    Parameters
    ----------
    networks : sequence of LayerNetwork
        PNet, RNet, ONet.
    """

    name = "mtcnn"

    def __init__(self, networks: Sequence[LayerNetwork]) -> None:
        self._propose, self._refine, self._decide = networks

    @classmethod
    def read(cls, resolve: Callable[[str], Path]) -> MTCNN:
        """Read OpenFace's files.

        Parameters
        ----------
        resolve : callable
            Gives the path of a file of OpenFace's folder ``model`` by its relative name; raises when it is missing.

        Raises
        ------
        ModelFileError
        """
        return cls([read_network(resolve(relative), name) for name, relative in read_list(resolve(LIST)).items()])

    def detect(self, image: Image) -> list[Detection]:
        """Return the faces of one (H, W, 3) uint8 BGR frame, best score first. Boxes may leave the frame; there are no keypoints."""
        places, scores = self.find(image)
        corners = np.concatenate([places[:, :2], places[:, :2] + places[:, 2:]], axis=1)
        no_points = np.zeros((0, 2), np.float32)
        return [Detection(box, float(score), no_points) for box, score in zip(corners, scores, strict=True)]

    def find(self, image: Image) -> tuple[Float32Array, Float32Array]:
        """As `detect`, in the form that OpenFace's landmarks start from: a box is not its corners, to the last bit.

        Returns
        -------
        places : ndarray, (N, 4) float32
            x, y, width, height in px; a box that fits 68 landmarks.
        scores : ndarray, (N,) float32
        """
        decided = decide(self._decide, image, refine(self._refine, image, propose(self._propose, image)))
        return fitted_to_landmarks(decided.places), decided.scores


# --- stages


def propose(network: LayerNetwork, image: Image) -> Boxes:
    """Stage 1: PNet on a pyramid of the picture; boxes (N, 4) after suppression, neither corrected nor squared."""
    found = [suppress(at_scale(network, image, scale), SCALE_OVERLAP) for scale in scales(*image.shape[:2])]
    return suppress(joined(found), UNION_OVERLAP)


def refine(network: LayerNetwork, image: Image, proposed: Boxes) -> Boxes:
    """Stage 2: RNet on each corrected and squared box."""
    return suppress(judge(network, image, squared(corrected(proposed)), "RNet", THRESHOLDS[1]), UNION_OVERLAP)


def decide(network: LayerNetwork, image: Image, refined: Boxes) -> Boxes:
    """Stage 3: ONet on each corrected and squared box; what stays is corrected."""
    judged = judge(network, image, squared(corrected(refined)), "ONet", THRESHOLDS[2])
    return suppress(Boxes(corrected(judged, larger=1), judged.scores, judged.corrections), SMALLER_OVERLAP, of_smaller=True)


def scales(height: int, width: int) -> list[float]:
    """How much smaller than the picture each level of the pyramid is; none for a picture with a side below `MIN_FACE`."""
    smallest = min(height, width)
    if smallest < MIN_FACE:
        return []
    count = math.floor(math.log(MIN_FACE / smallest) / math.log(PYRAMID_FACTOR)) + 1
    return [CELL / MIN_FACE * PYRAMID_FACTOR**level for level in range(count)]


def at_scale(network: LayerNetwork, image: Image, scale: float) -> Boxes:
    """PNet at one level of the pyramid: all cells that may be a face, column by column."""
    height, width = (math.ceil(side * scale) for side in image.shape[:2])
    maps = _over_bands(network, image, height, width)
    probabilities = face_probability(maps[0], maps[1])
    x, y = np.nonzero((probabilities >= THRESHOLDS[0]).T)
    place = np.stack([x, y], axis=1).astype(np.float32)
    small = np.float32(scale)
    low, high = (np.trunc((STRIDE * place + offset) / small) for offset in (np.float32(1), np.float32(CELL)))
    return Boxes(np.concatenate([low, high - low], axis=1), probabilities[y, x], maps[2:6, y, x].T)


def judge(network: LayerNetwork, image: Image, places: Float32Array, name: str, threshold: float) -> Boxes:
    """What RNet or ONet say of boxes (N, 4) of whole numbers: those that may be a face, in their order."""
    side, outputs = NETWORKS[name]
    # Boxes count from 1, and a box of width w has w + 1 columns.
    crops = (places + np.array([-1, -1, 1, 1], np.float32)).astype(np.int64)
    told = [network(normalised(resample(image, crops[i : i + _BATCH], side, side))) for i in range(0, len(crops), _BATCH)]
    values = np.concatenate([np.zeros((0, outputs), np.float32), *(each.reshape(-1, outputs) for each in told)])
    probabilities = face_probability(values[:, 0], values[:, 1])
    return Boxes(places, probabilities, values[:, 2:6])[probabilities >= np.float32(threshold)]


def fitted_to_landmarks(places: Float32Array) -> Float32Array:
    """OpenFace's last step: from MTCNN's idea of a face to that of 68 landmarks."""
    x, y, width, height = places.T
    left, down, wide, tall = (np.float32(value) for value in TO_LANDMARKS)
    return np.stack([x + left * width, y + down * height, wide * width, tall * height], axis=1)


# --- steps of a stage


def face_probability(no: Float32Array, yes: Float32Array) -> Float32Array:
    """Probability of a face, from the networks' first two values."""
    with np.errstate(over="ignore"):
        return np.asarray(np.float32(1) / (np.float32(1) + np.exp(no - yes)))


def normalised(pictures: Float32Array) -> Float32Array:
    """Pictures (N, H, W, 3) BGR 0..255 as the networks want them: (N, 3, H, W) RGB, -1 to 1."""
    return np.ascontiguousarray(((pictures - np.float32(127.5)) * np.float32(0.0078125))[..., ::-1].transpose(0, 3, 1, 2))


def corrected(boxes: Boxes, *, larger: int = 0) -> Float32Array:
    """Boxes (N, 4) moved as the network says. They are taken as whole numbers; in ONet width and height are `larger` by 1 then."""
    x, y, width, height = np.rint(boxes.places).T
    width, height = width + np.float32(larger), height + np.float32(larger)
    left, top, right, bottom = boxes.corrections.T
    new_x, new_y = x + left * width, y + top * height
    return np.stack([new_x, new_y, x + width + width * right - new_x, y + height + height * bottom - new_y], axis=1)


def squared(places: Float32Array) -> Float32Array:
    """Boxes (N, 4) with the longer side for both, about the same centre, cut to whole numbers. What no crop can be taken of goes."""
    x, y, width, height = places.T
    side = np.maximum(width, height)
    half = np.float32(0.5)
    with np.errstate(invalid="ignore"):
        squares = np.trunc(np.stack([x + half * (width - side), y + half * (height - side), side, side], axis=1))
    return np.asarray(squares[(np.abs(squares) <= _MAX_PLACE).all(axis=1) & (squares[:, 2] >= 0)])


def suppress(boxes: Boxes, limit: float, *, of_smaller: bool = False) -> Boxes:
    """Of boxes that overlap, keep the best: best first, of equal scores the later one.

    Parameters
    ----------
    boxes : Boxes
    limit : float
        A box goes when its overlap with a better one is greater.
    of_smaller : bool
        Overlap is the intersection as a share of the smaller box, not of both together.
    """
    x, y, width, height = np.rint(boxes.places).T.astype(np.float64)
    area = width * height
    rest = np.argsort(boxes.scores, kind="stable")[::-1]
    kept = []
    while rest.size:
        best, rest = rest[0], rest[1:]
        kept.append(best)
        wide = np.minimum(x[best] + width[best], x[rest] + width[rest]) - np.maximum(x[best], x[rest])
        tall = np.minimum(y[best] + height[best], y[rest] + height[rest]) - np.maximum(y[best], y[rest])
        common = np.where((wide > 0) & (tall > 0), wide * tall, 0).astype(np.float32)
        whole = np.minimum(area[best], area[rest]) if of_smaller else area[best] + area[rest] - common
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = rest[~(common / whole.astype(np.float32) > np.float32(limit))]
    return boxes[np.array(kept, np.intp)]


def joined(boxes: Sequence[Boxes]) -> Boxes:
    """Boxes of several scales as one."""
    empty = Boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 4), np.float32))
    every = (empty, *boxes)
    return Boxes(*(np.concatenate([getattr(each, part) for each in every]) for part in ("places", "scores", "corrections")))


def _over_bands(network: LayerNetwork, image: Image, height: int, width: int) -> Float32Array:
    """PNet's maps of the picture at one size, band by band: (6, rows, columns)."""
    whole = np.array([[0, 0, image.shape[1], image.shape[0]]])
    bands = []
    for first in range(0, height - CELL + 1, STRIDE * _BAND):
        rows = slice(first, min(height, first + STRIDE * (_BAND - 1) + CELL))
        bands.append(network(normalised(resample(image, whole, height, width, rows=rows)))[0])
    return np.concatenate(bands, axis=1)


# --- files


def read_list(path: Path) -> dict[str, str]:
    """Names of the files of PNet, RNet and ONet, relative to the folder ``model``, from their list.

    Raises
    ------
    ModelFileError
    """
    found: dict[str, str] = {}
    for line in read_bytes(path, _MAX_LIST_BYTES).decode("ascii", "replace").splitlines():
        name, _, file = line.strip().partition(" ")
        if name in NETWORKS:
            relative = PurePosixPath(file.strip().replace("\\", "/"))
            if not file.isprintable() or relative.is_absolute() or ".." in relative.parts or not relative.name:
                raise damaged(path, f"it names no file for {name}")
            found[name] = str(PurePosixPath(LIST).parent / relative)
    if missing := [name for name in NETWORKS if name not in found]:
        raise damaged(path, f"it does not name {', '.join(missing)}")
    return {name: found[name] for name in NETWORKS}


def read_network(path: Path, name: str) -> LayerNetwork:
    """One of the three networks.

    Raises
    ------
    ModelFileError
    """
    side, outputs = NETWORKS[name]
    file = BinaryFile(path, _MAX_BYTES)
    network = layer_files.read_network(file, (3, side, side), outputs, mtcnn=True)
    file.finish()
    return network
