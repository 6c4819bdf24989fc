"""MediaPipe's BlazeFace, short range: the face detector of the `open` profile.

Bazarevsky et al., BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs, 2019.
Figures as in MediaPipe's graph `face_detection_short_range`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from face_mirror_au.models.pixels import crop_square
from face_mirror_au.models.session import NetworkForm, check_shape
from face_mirror_au.models.suppression import groups_by_overlap, usable
from face_mirror_au.records import BoxSpan, Detection, Float32Array, Image, Region

# MediaPipe's figures.
INPUT_SIDE = 128
STRIDES_AND_ANCHORS = ((8, 2), (16, 6))  # pixels between neighbouring cells, and anchors in each (three layers of two share a stride of 16)
SCORE_LIMIT = 100.0  # the score before the sigmoid is clipped to this, either side
CONFIDENCE = 0.5
NMS_OVERLAP = 0.3
N_KEYPOINTS = 6  # right eye, left eye, nose tip, mouth centre, right ear, left ear; the subject's right and left

# Where to look again when the whole frame shows no face: squares of these sides, in units of the frame's short side, each overlapping the
# next by half. Squares below the network's own input would show it nothing new.
TILE_SIDES = (1.0, 0.5)
MIN_TILE = INPUT_SIDE

# A device may move boxes by half a pixel of the input, and logits by a tenth. Rounding all weights and inputs to TF32's ten bits, tried on
# the CPU, moves them by 0.02 and 0.01.
FORM = NetworkForm(inputs={"input": (1, INPUT_SIDE, INPUT_SIDE, 3)}, low=-1.0, high=1.0, limits={"regressors": 0.5, "classificators": 0.1})


class BlazeFace:
    """Detect faces, small ones too.

    Parameters
    ----------
    path : Path
        The network as ONNX: input (1, 128, 128, 3), outputs `regressors` and `classificators`.
    device : str
        See `open_session`.
    confidence : float
        Detections with a lower score are dropped, 0 to 1.

    Raises
    ------
    ModelFileError, ModelRunError
    """

    name = "blazeface"

    def __init__(self, path: Path, *, device: str = "cpu", confidence: float = CONFIDENCE) -> None:
        self._session = FORM.open(path, device)
        self._confidence = confidence
        self._anchors = anchors()

    def detect(self, image: Image) -> list[Detection]:
        """Return the faces of one frame, best score first.

        The network sees 128 x 128 pixels, in which a face narrower than about a tenth of the frame is lost. Only when nothing is found in
        the whole frame are tiles of it searched, larger tiles first.

        Parameters
        ----------
        image : ndarray, (H, W, 3) uint8
            BGR.

        Returns
        -------
        list of Detection
            Boxes from the brows to the chin, not clipped to the frame. Six keypoints each.
        """
        height, width = image.shape[:2]
        long_side, short_side = float(max(height, width)), min(height, width)
        found = self._search(image, [Region((width - 1) / 2, (height - 1) / 2, long_side)])
        for side in (max(share * short_side, MIN_TILE) for share in TILE_SIDES):
            if found or side >= long_side:
                break
            found = self._search(image, list(tiles(height, width, side)))
        return found

    def _search(self, image: Image, regions: list[Region]) -> list[Detection]:
        """Look at each region, and join what they show of the same face."""
        parts = [self._look(image, region) for region in regions]
        boxes, scores, keypoints = (np.concatenate(column) for column in zip(*parts, strict=True))
        groups = groups_by_overlap(boxes, scores, NMS_OVERLAP)
        means = ((weighted_mean(values[group], scores[group]) for values in (boxes, keypoints)) for group in groups)
        return [Detection(box, float(scores[group[0]]), points, BoxSpan.BROWS) for group, (box, points) in zip(groups, means, strict=True)]

    def _look(self, image: Image, region: Region) -> tuple[Float32Array, Float32Array, Float32Array]:
        crop = crop_square(image, region, INPUT_SIDE)
        values = crop[np.newaxis, :, :, ::-1].astype(np.float32) / np.float32(127.5) - np.float32(1)
        outputs = self._session.run(input=values)
        regressors, logits = (
            check_shape(output, (1, len(self._anchors), columns), self.name)
            for output, columns in zip(outputs, (4 + 2 * N_KEYPOINTS, 1), strict=True)
        )
        boxes, scores, keypoints = decode(regressors[0], logits[0, :, 0], self._anchors, self._confidence)
        side = np.float32(region.side)
        corner = np.array([region.x, region.y], dtype=np.float32) - side / 2
        return boxes * side + np.tile(corner, 2), scores, keypoints * side + corner


def anchors() -> Float32Array:
    """Return the centres of the 896 anchors, (896, 2) float32, x and y from 0 to 1 across the input. All have the size of the input."""
    levels = []
    for stride, repeats in STRIDES_AND_ANCHORS:
        cells = INPUT_SIDE // stride
        ys, xs = np.mgrid[:cells, :cells]
        centres = (np.stack([xs, ys], axis=-1) + 0.5) / cells
        levels.append(np.repeat(centres.reshape(-1, 2), repeats, axis=0))
    return np.concatenate(levels).astype(np.float32)


def decode(
    regressors: Float32Array, logits: Float32Array, centres: Float32Array, confidence: float
) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Turn the network's outputs into boxes.

    Parameters
    ----------
    regressors : ndarray, (896, 16) float32
        Centre x, y, width, height, then x, y of six keypoints; input pixels, places relative to the anchor.
    logits : ndarray, (896,) float32
    centres : ndarray, (896, 2) float32
        See `anchors`.
    confidence : float

    Returns
    -------
    boxes : ndarray, (M, 4) float32
        x1, y1, x2, y2 from 0 to 1 across the input. Rows that have no place or no size are dropped.
    scores : ndarray, (M,) float32
    keypoints : ndarray, (M, 6, 2) float32
    """
    scores = sigmoid(np.clip(logits, -SCORE_LIMIT, SCORE_LIMIT))
    chosen = np.flatnonzero(scores >= confidence)  # a NaN score is not chosen
    values = regressors[chosen].reshape(-1, 2 + N_KEYPOINTS, 2) / np.float32(INPUT_SIDE)
    centre, half = values[:, 0] + centres[chosen], values[:, 1] / 2
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is dropped below
        boxes = np.concatenate([centre - half, centre + half], axis=1)
        keypoints = values[:, 2:] + centres[chosen, np.newaxis]
        kept = usable(boxes * np.float32(INPUT_SIDE), keypoints * np.float32(INPUT_SIDE))
    return boxes[kept], scores[chosen][kept], keypoints[kept]


def sigmoid(values: Float32Array) -> Float32Array:
    """Return 1 / (1 + exp(-values)); in float64, where exp does not overflow at the limits."""
    return (1 / (1 + np.exp(-values.astype(np.float64)))).astype(np.float32)


def weighted_mean(values: Float32Array, weights: Float32Array) -> Float32Array:
    """Return the mean of `values` (N, ...) weighted by `weights` (N,): MediaPipe's steadier form of non-maximum suppression."""
    share = (weights / weights.sum()).reshape(-1, *(1,) * (values.ndim - 1))
    return np.asarray((values * share).sum(axis=0), dtype=np.float32)


def tiles(height: int, width: int, side: float) -> Iterator[Region]:
    """Cover a frame with squares that overlap by half or more, in reading order."""
    for y in _centres(height, side):
        for x in _centres(width, side):
            yield Region(x, y, side)


def _centres(length: int, side: float) -> list[float]:
    steps = int(np.ceil(2 * max(length - side, 0) / side))
    return [float(place) for place in np.linspace((side - 1) / 2, length - (side + 1) / 2, steps + 1)]
