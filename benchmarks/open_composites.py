"""Real faces made of two moments: the subject's left from one frame of a clip, the right from another.

The truth of such a face is what the bank says of each moment alone. The sides of the unmirrored face and the mirrored views must both find
it: the left's value as in the frame that the left came from, and the right's likewise.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.open_real import MEDIA, demo_clip
from face_mirror_au.media.video import open_source
from face_mirror_au.models.open_bank import OpenBank
from face_mirror_au.numerics.alignment import RIGID_POINTS
from face_mirror_au.numerics.reflection import midline_of_landmarks, mirror_views
from face_mirror_au.pipeline.finder import ModelFinder
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.pipeline.sequence import AUSequence
from face_mirror_au.pipeline.track import FaceTracker, Tracked, TrackState
from face_mirror_au.records import INTENSITY_AUS, FaceDescriptor, FloatArray, Frame, Image, View
from face_mirror_weights import Store

BLEND = 0.03  # of the way from glabella to chin: width of the seam


@dataclass(frozen=True)
class Case:
    """Two moments of a clip (frames from 0) and the action units that differ between them."""

    clip: str
    what: str
    moving: int
    resting: int
    aus: tuple[str, ...]


CASES = (
    Case("neutral to smile", "broad smile", 45, 8, ("AU12", "AU06", "AU25")),
    Case("default.wmv", "smile", 240, 272, ("AU12", "AU25")),
    Case("default.wmv", "closed eye", 114, 106, ("AU45",)),
)


def composite_table(bank: OpenBank, store: Store) -> str:
    """Left minus right of both ways of telling sides apart, where the left moves alone and where the right does."""
    head = "| clip | AU | the moment alone | left moves: sides | mirrored views | right moves: sides | mirrored views |"
    lines = ["\nreal faces of two moments: intensity on the subject's left minus that on the right", head, "|---" * 7 + "|"]
    measurer = _Measurer(store)
    for case in CASES:
        path = demo_clip() if case.clip == "neutral to smile" else MEDIA / case.clip
        if path is None:
            continue
        lines += measurer.rows(bank, case, path)
    return "\n".join(lines)


class _Measurer:
    def __init__(self, store: Store) -> None:
        plan = plan_models(store, "open")
        self._describer = plan.load_describer()
        self._tracker = FaceTracker(ModelFinder(plan.load_detector(), plan.load_landmark_model()), plan.load_pose_fitter())

    def rows(self, bank: OpenBank, case: Case, path: Path) -> list[str]:
        """One line for each action unit of a case."""
        frames, descriptors = self._clip(path)
        moving, resting = frames[case.moving], frames[case.resting]
        made = {"left": self._join(moving, resting), "right": self._join(resting, moving)}
        alone = self._values(bank, descriptors, [self._measure(moving[0]), self._measure(resting[0])])
        found: dict[str, tuple[FloatArray, FloatArray]] = {}
        for side, image in made.items():
            (sides,) = self._values(bank, descriptors, [self._measure(image)])
            midline = midline_of_landmarks(self._locate(image).face.landmarks)
            pictures = mirror_views(image, midline, (View.LEFT_MIRRORED, View.RIGHT_MIRRORED))
            mirrored = self._values(bank, descriptors, [self._measure(pictures[view]) for view in pictures])
            found[side] = sides[0] - sides[1], mirrored[0].mean(axis=0) - mirrored[1].mean(axis=0)
        lines = []
        for name in case.aus:
            column = INTENSITY_AUS.index(name)
            size = (alone[0] - alone[1]).mean(axis=0)[column]
            cells = [f"{found[side][way][column]:+.2f}" for side in ("left", "right") for way in (0, 1)]
            lines.append(f"| {case.clip}: {case.what} | {name} | {size:+.2f} | {' | '.join(cells)} |")
        return lines

    def _clip(self, path: Path) -> tuple[list[tuple[Image, Tracked]], list[FaceDescriptor]]:
        state, frames, descriptors = TrackState(), [], []
        with open_source(path) as source:
            for frame in source:
                tracked, state = self._tracker.track(frame, state)
                if not isinstance(tracked, Tracked):
                    raise TypeError(f"no face in frame {frame.index} of {path.name}")
                frames.append((frame.image, tracked))
                descriptors.append(self._describe(frame.image, tracked))
        return frames, descriptors

    def _locate(self, image: Image) -> Tracked:
        tracked, _ = self._tracker.track(Frame(0, 0.0, image), TrackState())
        if not isinstance(tracked, Tracked):
            raise TypeError("no face in a made picture")
        return tracked

    def _measure(self, image: Image) -> FaceDescriptor:
        return self._describe(image, self._locate(image))

    def _describe(self, image: Image, tracked: Tracked) -> FaceDescriptor:
        return self._describer.describe(image, tracked.face.landmarks, tracked.fit, tracked.face.mesh)

    def _values(self, bank: OpenBank, clip: list[FaceDescriptor], made: list[FaceDescriptor]) -> list[FloatArray]:
        """Raw intensities minus the clip's neutral levels of some faces, (2, 22) each, compared with the neutral face of their clip."""
        sequence = AUSequence(bank.au_bank("dynamic"))
        for descriptor in (*clip, *made):
            sequence.append(descriptor.hog, descriptor.geometry)
        final = sequence.finish()
        if final.raw_sides is None:
            raise TypeError("the bank has no sides")
        levels = sequence.levels[bank.au_bank("dynamic").side_columns]
        return [np.clip(values - levels, 0.0, 5.0) for values in final.raw_sides[len(clip) :]]

    def _join(self, left: tuple[Image, Tracked], right: tuple[Image, Tracked]) -> Image:
        """The subject's left half of one frame and the right half of another, which is laid onto the first by the rigid landmarks."""
        (image, here), (other, there) = left, right
        matrix, _ = cv2.estimateAffinePartial2D(there.face.landmarks[RIGID_POINTS], here.face.landmarks[RIGID_POINTS], method=cv2.LMEDS)
        laid = cv2.warpAffine(other, matrix, (image.shape[1], image.shape[0]), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        midline = midline_of_landmarks(here.face.landmarks)
        rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
        to_left = midline.to_left(np.stack([columns, rows], axis=-1).astype(np.float64))
        share = np.clip(0.5 + to_left / (BLEND * midline.length), 0.0, 1.0)[..., np.newaxis]
        return np.ascontiguousarray(np.rint(share * image + (1.0 - share) * laid).astype(np.uint8))
