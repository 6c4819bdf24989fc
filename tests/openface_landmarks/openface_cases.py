"""OpenFace's detector, validator, head pose and gaze against the C++ program, stage by stage, each from the C++ program's own inputs.

Used by the tests and by `python -m benchmarks.landmarks_truth`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from benchmarks.figure import Figure
from face_mirror_au.models import mtcnn, validator
from face_mirror_au.models.openface_files import read_pdm
from face_mirror_au.numerics.gaze import EYE_NAMES, N_EYE_POINTS, gaze_angles, gaze_directions
from face_mirror_au.numerics.head_pose import Camera, estimate_head_pose, landmarks_3d
from face_mirror_au.pipeline.clnf_tracker import CLNFState, widest
from face_mirror_au.pipeline.openface_landmarks import OpenFaceLandmarks

PDM_FILE = "pdms/In-the-wild_aligned_PDM_68.txt"
EYE_PDMS = ("model_eye/pdms/pdm_28_l_eye_3D_closed.txt", "model_eye/pdms/pdm_28_eye_3D_closed.txt")
VIDEOS = ("default", "changeLighting")
IMAGES = tuple(f"sample{number}" for number in range(1, 7))
# Worst landmark of a frame, px: median and 95 %. The C++ program against itself on another CPU: 0.061 and 0.148, 0.106 and 0.227.
WORST_LANDMARK = {"default": (0.10, 0.20), "changeLighting": (0.13, 0.28)}
GAZE_LIMIT = 0.01  # rad, in the median
# mm. The C++ program meets eyeballs in float32: of eyes farther away its own gaze is no better than 1e-3.
NEAR = 600.0


def model_path(shared: Path, relative: str) -> Path:
    """A file of OpenFace's folder `model`."""
    return shared / "weights/openface-2.2.0/model" / relative


def truth(shared: Path, name: str) -> dict[str, np.ndarray]:
    """A dump of the C++ program, e.g. "default/frames"."""
    folder, file = name.split("/")
    with np.load(shared / "truth" / folder / "landmarks_clnf" / f"{file}.npz") as found:
        return dict(found)


def pictures(shared: Path, clip: str) -> Iterator[np.ndarray]:
    """Frames (H, W, 3) of a video, or the pictures of all images when `clip` is "images"."""
    if clip == "images":
        yield from (np.asarray(cv2.imread(str(shared / "media" / f"{name}.jpg"))) for name in IMAGES)
        return
    video = cv2.VideoCapture(str(shared / "media" / f"{clip}.wmv"))
    while (read := video.read())[0]:
        yield np.asarray(read[1])


def grey(image: np.ndarray) -> np.ndarray:
    """As OpenFace makes it."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))


def _largest(found: np.ndarray, wanted: np.ndarray) -> float:
    if found.shape != wanted.shape:
        return np.inf
    return float(np.abs(found.astype(np.float64) - wanted).max()) if found.size else 0.0


def detector(shared: Path) -> Iterator[Figure]:
    """MTCNN on frame 1 of a video and on six images: number and order of boxes at every stage; infinite where they differ."""
    detect = mtcnn.MTCNN.read(lambda relative: model_path(shared, relative))
    networks = [mtcnn.read_network(model_path(shared, f"mtcnn_detector/{name}.dat"), name) for name in mtcnn.NETWORKS]
    dumps = [(next(pictures(shared, "default")), truth(shared, "default/mtcnn_f0001"))]
    dumps += [(image, truth(shared, f"images/mtcnn_{name}")) for image, name in zip(pictures(shared, "images"), IMAGES, strict=True)]
    proposed, refined, final, scores, probability = ([] for _ in range(5))
    for image, dump in dumps:
        boxes = mtcnn.propose(networks[0], image)
        proposed.append(_largest(boxes.places, dump["pnet_nms"][:, :4]))
        probability.append(_largest(boxes.scores, dump["pnet_nms"][:, 4]))
        refined.append(_largest(mtcnn.refine(networks[1], image, boxes).places, dump["rnet_nms"][:, :4]))
        places, certain = detect.find(image)
        final.append(_largest(places, dump["final"][:, :4]))
        scores.append(_largest(certain, dump["final"][:, 4]))
    count = sum(len(dump["final"]) for _, dump in dumps)
    yield Figure("MTCNN: boxes of PNet, 7 pictures", max(proposed), 1e-3, "px")
    yield Figure("MTCNN: their probabilities", max(probability), 1e-5)
    yield Figure("MTCNN: boxes of RNet", max(refined), 1e-3, "px")
    yield Figure(f"MTCNN: final boxes, {count}, in number and order", max(final), 1e-3, "px")
    yield Figure("MTCNN: their confidence", max(scores), 1e-5)
    first = [(clip, truth(shared, f"{clip}/frames")) for clip in VIDEOS]
    chosen = []
    for clip, frames in first:
        places, _ = detect.find(next(pictures(shared, clip)))
        chosen.append(_largest(widest(places), frames["box_used"][0, :4]))
    yield Figure("MTCNN: the box that a video starts from", max(chosen), 1e-3, "px")


def judging(shared: Path) -> Iterator[Figure]:
    """The validator: its inner values on three pictures, its certainty on every frame and face."""
    judge = validator.read_validator(model_path(shared, validator.CLNF_FILE))
    video = list(islice(pictures(shared, "default"), 100))
    dumps = [
        (video[0], truth(shared, "default/validator_f0001")),
        (video[99], truth(shared, "default/validator_f0100")),
        (next(pictures(shared, "images")), truth(shared, "images/validator_sample1_face0")),
    ]
    inputs, outputs = [], []
    for image, dump in dumps:
        view = judge.view_for(dump["orientation"])
        picture = view.network_input(view.warp.pixels(grey(image), dump["landmarks"]))
        inputs.append(_largest(picture[0, 0], dump["cnn_input"]))
        outputs.append(_largest(view.network(picture).ravel(), dump["output"]) / float(np.abs(dump["output"]).max()))
    yield Figure("validator: network input, of up to 900", max(inputs), 1.2e-4)
    yield Figure("validator: outputs, share of the largest", max(outputs), 1e-6)
    differing = total = 0
    for clip in (*VIDEOS, "images"):
        frames = truth(shared, f"{clip}/frames")
        greys = [grey(image) for image in pictures(shared, clip)]
        places = frames["image"] - 1 if clip == "images" else np.arange(len(greys))
        for row, place in enumerate(places):
            found = judge.certainty(greys[place], frames["landmarks"][row], frames["params_global"][row, 1:4])
            differing += abs(found - frames["detection_certainty"][row]) > 1e-6
            total += 1
    yield Figure(f"validator: certainties that differ, of {total}", differing, 0)


def eyes_and_pose(shared: Path) -> Iterator[Figure]:
    """Head pose, 3D points and gaze of every frame and face, from the C++ program's landmarks and parameters."""
    pdm = read_pdm(model_path(shared, PDM_FILE))
    eye_pdms = [read_pdm(model_path(shared, file), N_EYE_POINTS) for file in EYE_PDMS]
    differences: dict[str, list[float]] = {}

    def differ(what: str, found: np.ndarray, wanted: np.ndarray) -> None:
        differences.setdefault(what, []).append(_largest(found, wanted) if wanted.size else 0.0)

    for clip in (*VIDEOS, "images"):
        frames = truth(shared, f"{clip}/frames")
        cameras = [Camera(float(fx), float(x), float(y)) for fx, _, x, y in frames["camera"]]
        count, pose, local = len(cameras), frames["params_global"].astype(np.float64), frames["params_local"].astype(np.float64)
        heads = [estimate_head_pose(pdm, frames["landmarks"][i], pose[i], local[i], cameras[i]) for i in range(count)]
        head = np.array(heads)
        face = np.concatenate([landmarks_3d(pdm, pose[i : i + 1], local[i : i + 1], cameras[i]) for i in range(count)])
        eyes = np.zeros((count, 2, N_EYE_POINTS, 3))
        for eye, name in enumerate(EYE_NAMES):
            of_eye = [frames[f"{name}_params_{part}"].astype(np.float64) for part in ("global", "local")]
            for i in range(count):
                eyes[i, eye] = landmarks_3d(eye_pdms[eye], of_eye[0][i : i + 1], of_eye[1][i : i + 1], cameras[i])[0]
        directions = gaze_directions(eyes, face, head[:, 3:])
        told = np.stack([frames["gaze_0"], frames["gaze_1"]], axis=1)
        near = eyes[..., 2].max(axis=(1, 2)) < NEAR
        valid = (frames["return_value"] != 0) | (clip == "images")
        differ("pose T", head[:, :3], frames["pose"][:, :3])
        differ("pose R", head[:, 3:], frames["pose"][:, 3:])
        differ("3D points", face, frames["shape3d"])
        differ("3D points of the eyes", eyes, frames["eye3d"])
        for name, chosen in (("near", near & valid), ("far", ~near & valid)):
            differ(f"gaze {name}", directions[chosen], told[chosen])
            differ(f"angles {name}", gaze_angles(directions)[chosen], frames["gaze_angle"][chosen])
    largest = {what: max(values) for what, values in differences.items()}
    yield Figure("head pose T", largest["pose T"], 1e-3, "mm")
    yield Figure("head pose R", largest["pose R"], 1e-6, "rad")
    yield Figure("3D landmarks", largest["3D points"], 1e-3, "mm")
    yield Figure("3D points of the eyes", largest["3D points of the eyes"], 1e-3, "mm")
    yield Figure(f"gaze vectors, eyes within {NEAR:.0f} mm", largest["gaze near"], 1e-4)
    yield Figure("gaze angles, the same", largest["angles near"], 1e-4, "rad")
    yield Figure("gaze vectors, eyes farther away", largest["gaze far"], 1e-3)
    yield Figure("gaze angles, the same", largest["angles far"], 1e-3, "rad")


@cache
def whole(shared: Path) -> OpenFaceLandmarks:
    """Detector, CLNF, validator and eyes."""
    return OpenFaceLandmarks.read(lambda relative: model_path(shared, relative))


def whole_videos(shared: Path) -> Iterator[Figure]:
    """Frame after frame from the pictures alone."""
    openface = whole(shared)
    for clip in VIDEOS:
        frames, tracker, state = truth(shared, f"{clip}/frames"), openface.tracker(), CLNFState()
        worst, angles, differing = [], [], 0
        for row, image in enumerate(pictures(shared, clip)):
            found, state = tracker.track(image, state)
            face = found.face
            assert face is not None
            worst.append(float(np.hypot(*(face.landmarks - frames["landmarks"][row]).T).max()))
            angles.append(np.abs(openface.in_space(face, Camera.for_size(640, 480)).gaze_angles - frames["gaze_angle"][row]).max())
            told = (found.returned, face.success, state.initialised, state.failures, found.detected is not None)
            kept = ("return_value", "detection_success", "tracking_initialised", "failures_in_a_row", "detector_ran")
            differing += told != tuple(frames[name][row] for name in kept)
        middle, most = WORST_LANDMARK[clip]
        yield Figure(f"{clip}, pictures alone: worst landmark of a frame, median", float(np.median(worst)), middle, "px")
        yield Figure(f"{clip}, pictures alone: the same, 95 %", float(np.percentile(worst, 95)), most, "px")
        yield Figure(f"{clip}, pictures alone: gaze angles, median", float(np.median(angles)), GAZE_LIMIT, "rad")
        yield Figure(f"{clip}, pictures alone: frames of another state", differing, 0)


def whole_images(shared: Path) -> Iterator[Figure]:
    """All faces of six images from the pictures alone."""
    openface, frames = whole(shared), truth(shared, "images/frames")
    faces = [(image, face) for image in pictures(shared, "images") for face in openface.find(image)]
    assert len(faces) == len(frames["image"])
    worst, angles, differing = [], [], 0
    for row, (image, face) in enumerate(faces):
        worst.append(float(np.hypot(*(face.landmarks - frames["landmarks"][row]).T).max()))
        space = openface.in_space(face, Camera.for_size(image.shape[1], image.shape[0]))
        angles.append(np.abs(space.gaze_angles - frames["gaze_angle"][row]).max())
        differing += face.success != frames["return_value"][row] or abs(face.certainty - frames["detection_certainty"][row]) > 1e-6
    # 0.035 on a CPU with AVX-512, 0.055 on one without; the C++ program against itself on another CPU: 0.06 to 0.11 on clips.
    yield Figure("images, pictures alone: worst landmark of a face, median", float(np.median(worst)), 0.07, "px")
    yield Figure("images, pictures alone: faces at 0.4 px or more, of 19", sum(each >= 0.4 for each in worst), 2)
    yield Figure("images, pictures alone: gaze angles, median", float(np.median(angles)), GAZE_LIMIT, "rad")
    yield Figure("images, pictures alone: faces of another certainty", differing, 0)


STAGES = (detector, judging, eyes_and_pose, whole_images, whole_videos)
