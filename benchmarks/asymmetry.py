"""How well left minus right survives in the mirrored views, on rendered faces with known one-sided expressions. Needs ../shared.

For each landmark model: the subject's left is measured in left_mirrored and the right in right_mirrored, with landmarks either reflected
from the original view (which gives what the original view gives) or located on the mirrored picture. The truth is the same measure on the
rendered face's own landmarks. Printed are the correlation and the slope of the line through them, 1 where movements keep their size.

And for the action units: the raw value of OpenFace's static predictor in left_mirrored minus that in right_mirrored, against the weight of
the shape on the left minus that on the right.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks import ROOT
from face_mirror_au.models.attention_mesh import AttentionMesh
from face_mirror_au.models.blazeface import BlazeFace
from face_mirror_au.models.openface_bank import OpenFaceBank
from face_mirror_au.models.pfld import PFLD
from face_mirror_au.models.protocols import FaceDetector, LandmarkModel
from face_mirror_au.models.retinaface import RetinaFace
from face_mirror_au.numerics.reflection import (
    LEFT_POINTS,
    RIGHT_POINTS,
    Midline,
    midline_of_landmarks,
    mirror_views,
    reflect_landmarks,
)
from face_mirror_au.pipeline.clnf_tracker import grey
from face_mirror_au.pipeline.model_set import load_openface_describer
from face_mirror_au.pipeline.openface_landmarks import OpenFaceLandmarks
from face_mirror_au.records import INTENSITY_AUS, Detection, Float32Array, FloatArray, Image, Located, Region, View
from face_mirror_weights import Store
from face_mirror_weights.openface_landmarks import landmark_files
from training.render.clips import sample_person
from training.render.ict import FaceModel
from training.render.renderer import Pose, Scene, Studio, render

SHARED = ROOT.parent / "shared"
WEIGHTS = SHARED / "weights"
MIRRORED = (View.LEFT_MIRRORED, View.RIGHT_MIRRORED)

# Shapes of the mesh that make asymmetry, and their full strength.
SHAPES = {
    "mouthSmile": 1.0,
    "mouthFrown": 0.9,
    "mouthStretch": 0.9,
    "mouthUpperUp": 0.8,
    "noseSneer": 0.9,
    "eyeBlink": 1.0,
    "eyeWide": 0.8,
    "browInnerUp": 1.0,
    "browOuterUp": 1.0,
    "browDown": 0.8,
}
SHAPES_A_FACE = 4
# The shape whose weight is the truth of an action unit.
AU_SHAPES = {"AU12": "mouthSmile", "AU45": "eyeBlink", "AU01": "browInnerUp", "AU02": "browOuterUp"}

MEASURES = ("mouth corner", "eye opening", "brow height")
# For the subject's right side; the left one has their partners.
MOUTH_CORNER = 48
UPPER_LID, LOWER_LID, EYE_CORNERS = [37, 38], [41, 40], [36, 39]
BROW = [17, 18, 19, 20, 21]
_PARTNER = np.arange(68)
_PARTNER[RIGHT_POINTS], _PARTNER[LEFT_POINTS] = LEFT_POINTS, RIGHT_POINTS


@dataclass(frozen=True, slots=True)
class RenderedFace:
    """A picture (480, 640, 3) uint8 BGR, its true landmarks (68, 2) float32, and the weights of its shapes."""

    image: Image
    landmarks: Float32Array
    weights: Mapping[str, float]


def rendered_faces(count: int, seed: int) -> Iterator[RenderedFace]:
    """Different people, each with some expressions on the left, on the right or on both sides, who look nearly straight ahead."""
    studio = Studio(FaceModel.load(SHARED / "faces3d" / "ict.npz"))
    generator = np.random.default_rng(seed)
    for index in range(count):
        identity, appearance = sample_person(generator)
        weights: dict[str, float] = {}
        for name in generator.choice(sorted(SHAPES), SHAPES_A_FACE, replace=False):
            strength = float(generator.uniform(0.3, 1.0)) * SHAPES[str(name)]
            sides = ("L", "R", "LR")[int(generator.integers(3))]
            weights.update({f"{name}_{side}": strength for side in sides})
        yaw, pitch, roll = (float(angle) for angle in generator.normal(0.0, 4.0, 3))
        pose = Pose(yaw, pitch, roll, distance=float(generator.uniform(50, 70)))
        person = studio.subject(studio.model.vertices(identity, weights), appearance, pose)
        image, (landmarks,) = render(Scene([person], noise=1.5, seed=seed + index))
        yield RenderedFace(image, landmarks, weights)


def side_measures(landmarks: Float32Array, midline: Midline, *, left: bool) -> FloatArray:
    """The three `MEASURES` of one side along the midline, (3,) float64 px: lids apart, corner and brow above the eye."""
    height = landmarks.astype(np.float64) @ -np.array([midline.down_x, midline.down_y])
    if left:
        height = height[_PARTNER]
    return np.array(
        [
            # Against the eye of its own side: little of a midline's tilt gets in.
            height[MOUTH_CORNER] - height[EYE_CORNERS].mean(),
            height[UPPER_LID].mean() - height[LOWER_LID].mean(),
            height[BROW].mean() - height[EYE_CORNERS].mean(),
        ]
    )


def left_minus_right(landmarks: dict[View, Float32Array], midline: Midline) -> FloatArray:
    """From the mirrored views, (3,) float64 px: in each, both sides show the kept half, and their mean is taken."""
    left, right = (np.mean([side_measures(landmarks[view], midline, left=side) for side in (True, False)], axis=0) for view in MIRRORED)
    return np.asarray(left - right)


def difference_within(landmarks: Float32Array, midline: Midline) -> FloatArray:
    """Left minus right within one picture, (3,) float64 px."""
    return side_measures(landmarks, midline, left=True) - side_measures(landmarks, midline, left=False)


def locate_original(model: LandmarkModel, detector: FaceDetector, image: Image) -> Located | None:
    """Detect, then locate twice, as the tracker does; None when the detector finds nothing."""
    detections = detector.detect(image)
    if not detections:
        return None
    first = model.locate(image, model.region_from_detection(detections[0]))
    return model.locate(image, model.region_from_landmarks(first))


class Clnf:
    """OpenFace's CLNF as a `LandmarkModel`: as in single images, from the detected box that is nearest."""

    name = "clnf"
    scores_presence = False

    def __init__(self) -> None:
        self._openface = OpenFaceLandmarks.read(landmark_files(Store([WEIGHTS])))
        self.detector = self._openface.detector

    def region_from_detection(self, detection: Detection) -> Region:
        """See `LandmarkModel`."""
        x1, y1, x2, y2 = detection.box.tolist()
        return Region((x1 + x2) / 2, (y1 + y2) / 2, max(x2 - x1, y2 - y1))

    def region_from_landmarks(self, located: Located) -> Region:
        """See `LandmarkModel`."""
        low, high = located.landmarks.min(axis=0), located.landmarks.max(axis=0)
        return Region(*((low + high) / 2).tolist(), side=float((high - low).max()))

    def locate(self, image: Image, region: Region) -> Located:
        """See `LandmarkModel`."""
        boxes = self.detector.find(image)[0]
        if not len(boxes):
            boxes = np.array([[region.x - region.side / 2, region.y - region.side / 2, region.side, region.side]], np.float32)
        away = np.linalg.norm(boxes[:, :2] + boxes[:, 2:4] / 2 - [region.x, region.y], axis=1)
        face, _ = self._openface.model.find(grey(image), boxes[int(np.argmin(away))], several=False)
        return Located(face.landmarks, face.certainty)


class ActionUnits:
    """The AUs of a face in one picture, with OpenFace's static predictors."""

    def __init__(self) -> None:
        store = Store([WEIGHTS])
        self._describer = load_openface_describer(store)
        self._bank = OpenFaceBank(store).au_bank("static")
        self._offsets = self._bank.offsets(np.zeros(self._bank.n_features))

    def left_minus_right(self, pictures: Mapping[View, Image], landmarks: Mapping[View, Float32Array]) -> FloatArray:
        """Raw intensities of `AU_SHAPES` in left_mirrored minus those in right_mirrored."""
        values = []
        for view in MIRRORED:
            found = self._describer.describe(pictures[view], landmarks[view])
            raw, _ = self._bank.predict(np.concatenate([found.hog, found.geometry], dtype=np.float64), self._offsets)
            values.append(raw[[INTENSITY_AUS.index(name) for name in AU_SHAPES]])
        return np.asarray(values[0] - values[1])


def weight_differences(face: RenderedFace) -> FloatArray:
    """Weight on the left minus weight on the right, for the shape of each of `AU_SHAPES`."""
    return np.array([face.weights.get(f"{shape}_L", 0.0) - face.weights.get(f"{shape}_R", 0.0) for shape in AU_SHAPES.values()])


def differences(
    model: LandmarkModel, detector: FaceDetector, face: RenderedFace, action_units: ActionUnits
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]] | None:
    """Left minus right of one face by every way: measures (3,) in units of the true eye distance, and AUs; None when no face is found."""
    located = locate_original(model, detector, face.image)
    if located is None:
        return None
    midline = midline_of_landmarks(located.landmarks)
    reflected = {view: reflect_landmarks(located.landmarks, midline, view) for view in MIRRORED}
    regions = [model.region_from_landmarks(Located(reflected[view], located.score)) for view in MIRRORED]
    pictures = mirror_views(face.image, midline, MIRRORED)
    found = [model.locate(pictures[view], region) for view, region in zip(MIRRORED, regions, strict=True)]
    landmarks = {
        "reflected from the original": reflected,
        "run on the mirrored picture": {view: one.landmarks for view, one in zip(MIRRORED, found, strict=True)},
    }
    ways = {way: left_minus_right(points, midline) for way, points in landmarks.items()}
    ways["truth"] = difference_within(face.landmarks, midline_of_landmarks(face.landmarks))
    eye_distance = float(np.linalg.norm(face.landmarks[36] - face.landmarks[45]))
    units = {way: action_units.left_minus_right(pictures, points) for way, points in landmarks.items()}
    return {way: value / eye_distance for way, value in ways.items()}, units | {"truth": weight_differences(face)}


def print_table(title: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[Mapping[str, FloatArray]]]]) -> None:
    """Correlation (slope) of each way of each model with the truth."""
    print(f"\n| {title} | {' | '.join(columns)} |")
    print("|---" * (1 + len(columns)) + "|")
    for name, faces in rows:
        truth = np.array([face["truth"] for face in faces])
        for way in [way for way in faces[0] if way != "truth"]:
            values = np.array([face[way] for face in faces])
            cells = [
                f"{np.corrcoef(values[:, i], truth[:, i])[0, 1]:.2f} ({np.polyfit(truth[:, i], values[:, i], 1)[0]:.2f})"
                for i in range(len(columns))
            ]
            print(f"| {name}, {way} | {' | '.join(cells)} |")


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=96, metavar="N", help="how many faces to render (0.6 s each)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    faces = list(rendered_faces(arguments.faces, arguments.seed))
    pairs: dict[str, tuple[LandmarkModel, FaceDetector]] = {
        "PFLD": (
            PFLD(WEIGHTS / "retinaface-pfld" / "pfld_cunjian.onnx"),
            RetinaFace(WEIGHTS / "retinaface-pfld" / "retinaface_mobilenet025.onnx"),
        ),
        "attention mesh": (
            AttentionMesh(WEIGHTS / "mediapipe-open" / "face_landmark_attention_fp16w.onnx"),
            BlazeFace(WEIGHTS / "mediapipe-open" / "blazeface_short_fp16w.onnx"),
        ),
    }
    clnf = Clnf()
    pairs["CLNF"] = clnf, clnf.detector
    print(f"left minus right against the truth on {len(faces)} rendered faces, seed {arguments.seed}: correlation (slope)\n")
    action_units = ActionUnits()
    missed, measures, units = [], [], []
    for name, (model, detector) in pairs.items():
        rows = [row for row in (differences(model, detector, face, action_units) for face in faces) if row is not None]
        if len(rows) < len(faces):
            missed.append(f"{name}: no face found in {len(faces) - len(rows)} pictures; they are left out")
        measures.append((name, [row[0] for row in rows]))
        units.append((name, [row[1] for row in rows]))
    print_table("landmarks of the mirrored views", MEASURES, measures)
    print_table("action units of the mirrored views", list(AU_SHAPES), units)
    truth = np.array([face["truth"] for face in measures[0][1]])
    print("\nsize of the true differences (standard deviation, eye distances): " + ", ".join(f"{value:.3f}" for value in truth.std(axis=0)))
    for line in missed:
        print(line)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
