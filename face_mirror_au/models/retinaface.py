"""RetinaFace MobileNet-0.25: the face detector of the `openface-pfld` profile, for frames of any size.

Deng et al., RetinaFace: Single-stage Dense Face Localisation in the Wild, 2019.
Network, priors and figures as in its public PyTorch version.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from face_mirror_au.models.session import NetworkForm, check_shape
from face_mirror_au.models.suppression import groups_by_overlap, usable
from face_mirror_au.opencv import opencv
from face_mirror_au.records import Detection, Float32Array, Image

# Of the network as trained.
MEAN_BGR = (104.0, 117.0, 123.0)
STEPS = (8, 16, 32)  # pixels between neighbouring priors, one value a feature map
PRIOR_SIDES = ((16, 32), (64, 128), (256, 512))  # pixels, for each step
CENTRE_VARIANCE, SIZE_VARIANCE = 0.1, 0.2
N_KEYPOINTS = 5  # eye, eye, nose tip, mouth corner, mouth corner; of each pair the subject's right one first

CONFIDENCE = 0.5
NMS_OVERLAP = 0.4
MAX_SIDE = 1280  # the long side of what the network sees; 8K without it takes 5.5 s and 2 GB
PRIOR_SETS = 8  # frame sizes whose priors are kept

# Probed with the size of a common video, in full precision only (CUDA).
FORM = NetworkForm(inputs={"input": (1, 3, 480, 640)}, low=-123.0, high=151.0, limits={"loc": 0.05, "conf": 0.01, "landms": 0.05})


class RetinaFace:
    """Detect faces.

    Parameters
    ----------
    path : Path
        ``retinaface_mobilenet025.onnx``.
    device : str
        See `open_session`.
    confidence : float
        Detections with a lower score are dropped, 0 to 1.
    max_side : int
        Frames with a longer side are scaled down to it for detection; boxes come back in frame pixels.

    Raises
    ------
    ModelFileError, ModelRunError
    """

    name = "retinaface"

    def __init__(self, path: Path, *, device: str = "cpu", confidence: float = CONFIDENCE, max_side: int = MAX_SIDE) -> None:
        self._session = FORM.open(path, device)
        self._confidence = confidence
        self._max_side = max_side

    def detect(self, image: Image) -> list[Detection]:
        """Return the faces of one frame, best score first.

        Parameters
        ----------
        image : ndarray, (H, W, 3) uint8
            BGR.

        Returns
        -------
        list of Detection
            Boxes are not clipped: a face that leaves the frame keeps its full box. Five keypoints each.
        """
        cv2 = opencv()
        height, width = image.shape[:2]
        scale = min(1.0, self._max_side / max(height, width))
        if scale < 1.0:
            shrunk = (max(1, round(width * scale)), max(1, round(height * scale)))
            image = cv2.resize(image, shrunk, interpolation=cv2.INTER_AREA)
        network_height, network_width = image.shape[:2]
        outputs = self._session.run(input=cv2.dnn.blobFromImage(image, mean=MEAN_BGR))
        prior_boxes = priors(network_height, network_width)
        loc, conf, landms = (
            check_shape(output, (1, len(prior_boxes), columns), self.name)
            for output, columns in zip(outputs, (4, 2, 2 * N_KEYPOINTS), strict=True)
        )
        boxes, scores, keypoints = decode(loc[0], conf[0, :, 1], landms[0], prior_boxes, self._confidence)
        # Both ratios, since rounding the shrunken size makes them differ by a little.
        to_frame = np.array([width / network_width, height / network_height], dtype=np.float32)
        return [
            Detection(boxes[best] * np.tile(to_frame, 2), float(scores[best]), keypoints[best] * to_frame)
            for best in (group[0] for group in groups_by_overlap(boxes, scores, NMS_OVERLAP))
        ]


@lru_cache(maxsize=PRIOR_SETS)
def priors(height: int, width: int) -> Float32Array:
    """Return the prior boxes of a frame size, in the order of the network's outputs.

    Returns
    -------
    ndarray, (N, 4) float32, read-only
        Centre x, y and sides w, h in pixels; N = 2 * sum over STEPS of ceil(height / step) * ceil(width / step).
    """
    levels = []
    for step, sides in zip(STEPS, PRIOR_SIDES, strict=True):
        ys, xs = np.mgrid[: -(-height // step), : -(-width // step)]
        level = np.empty((*ys.shape, len(sides), 4), dtype=np.float32)
        level[..., 0] = (xs[..., np.newaxis] + 0.5) * step
        level[..., 1] = (ys[..., np.newaxis] + 0.5) * step
        level[..., 2] = level[..., 3] = sides
        levels.append(level.reshape(-1, 4))
    table = np.concatenate(levels)
    table.flags.writeable = False
    return table


def decode(
    loc: Float32Array, scores: Float32Array, landms: Float32Array, prior_boxes: Float32Array, confidence: float
) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Turn the network's outputs into boxes; only those of sufficient score are looked at at all.

    Parameters
    ----------
    loc : ndarray, (N, 4) float32
        Offset of the centre and logarithm of the size, relative to the prior and in units of the variances.
    scores : ndarray, (N,) float32
        0 to 1.
    landms : ndarray, (N, 10) float32
        Keypoints x, y, relative to the prior.
    prior_boxes : ndarray, (N, 4) float32
    confidence : float

    Returns
    -------
    boxes : ndarray, (M, 4) float32
        x1, y1, x2, y2 in pixels. Rows that have no place or no size are dropped.
    scores : ndarray, (M,) float32
    keypoints : ndarray, (M, 5, 2) float32
    """
    chosen = np.flatnonzero((scores >= confidence) & (scores <= 1))  # a NaN is not chosen
    loc, scores, landms, prior = loc[chosen], scores[chosen], landms[chosen], prior_boxes[chosen]
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is dropped below
        centre = prior[:, :2] + loc[:, :2] * np.float32(CENTRE_VARIANCE) * prior[:, 2:]
        half = prior[:, 2:] * np.exp(loc[:, 2:] * np.float32(SIZE_VARIANCE)) / 2
        boxes = np.concatenate([centre - half, centre + half], axis=1)
        offsets = landms.reshape(-1, N_KEYPOINTS, 2) * np.float32(CENTRE_VARIANCE)
        keypoints = prior[:, np.newaxis, :2] + offsets * prior[:, np.newaxis, 2:]
    kept = usable(boxes, keypoints)
    return boxes[kept], scores[kept], keypoints[kept]
