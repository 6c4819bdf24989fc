"""For authors of plugins: a tiny frame loop in one process, a stand-in for the models, and synthetic pictures.

It calls every hook where a real loop would, but for `on_worker_lost`; the values and the result of `after_values` and `after_result` are
made up. The fixtures are in `face_mirror_hooks.pytest_plugin`.
"""

from __future__ import annotations

import os
import pickle
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from face_mirror_hooks.errors import HookError
from face_mirror_hooks.manager import PluginManager
from face_mirror_hooks.markers import hookimpl
from face_mirror_hooks.records import (
    INTENSITY_AUS,
    N_LANDMARKS,
    PRESENCE_AUS,
    Detection,
    Face,
    Float32Array,
    Frame,
    FrameResult,
    Image,
    Located,
    OnlineValues,
    PluginFailure,
    SessionInfo,
    VideoInfo,
    VideoSummary,
    View,
    ViewResult,
    WorkerInfo,
)

NO_FACE = "no face found"


def sample_images(count: int = 3, *, width: int = 160, height: int = 120) -> list[Image]:
    """Make pictures of a bright oval with two dark eyes that moves right by 1 px a frame.

    Parameters
    ----------
    count : int
    width, height : int
        px.

    Returns
    -------
    list of ndarray, (height, width, 3) uint8 BGR
    """
    y, x = np.mgrid[:height, :width]
    images = []
    for index in range(count):
        left, top = (x - width / 2 - index) / (height / 4), (y - height / 2) / (height / 3)
        image = np.full((height, width, 3), 40, np.uint8)
        image[left**2 + top**2 < 1] = (130, 160, 200)
        image[(np.abs(left) - 0.4) ** 2 + (top + 0.2) ** 2 < 0.02] = (30, 30, 30)
        images.append(image)
    return images


def sample_landmarks(x: float, y: float, size: float) -> Float32Array:
    """68 different points around a centre; no face, but of the right shape.

    Parameters
    ----------
    x, y : float
        Centre, px.
    size : float
        Width and height of what they cover, px.

    Returns
    -------
    ndarray, (68, 2) float32
        Pixels.
    """
    angle = np.linspace(0.0, 2.0 * np.pi, N_LANDMARKS, endpoint=False)
    points = np.array([x, y]) + size / 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points.astype(np.float32)


class StandInModels:
    """Finds the bright oval of `sample_images`, after all other plugins."""

    @hookimpl(trylast=True)
    def detect_faces(self, frame: Frame) -> list[Detection]:
        """Box around what is bright."""
        rows, columns = np.nonzero(frame.image.max(axis=2) > 100)
        if rows.size == 0:
            return []
        box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float32)
        return [Detection(box, 0.9, np.zeros((0, 2), np.float32))]

    @hookimpl(trylast=True)
    def locate_landmarks(self, near: Detection | Located) -> Located:
        """Points around the middle of the box, or of the points before."""
        box = near.box if isinstance(near, Detection) else bounding_box(near.landmarks)
        x1, y1, x2, y2 = (float(value) for value in box)
        return Located(sample_landmarks((x1 + x2) / 2, (y1 + y2) / 2, y2 - y1), 1.0)


def bounding_box(landmarks: Float32Array) -> Float32Array:
    """x1, y1, x2, y2 of landmarks, (4,) float32 px."""
    return np.concatenate([landmarks.min(axis=0), landmarks.max(axis=0)])


@dataclass(frozen=True, slots=True)
class LoopRun:
    """What a run of the tiny loop gave.

    Attributes
    ----------
    results : tuple of FrameResult
        One for each frame, in order, as the parent's hooks saw them.
    overlays : tuple of ndarray, (H, W, 3) uint8 BGR
        One for each frame, drawn on by the plugins.
    failures : tuple of PluginFailure
        What plugins raised in the parent's hooks or while getting ready in the worker; assert that it is empty.
    """

    results: tuple[FrameResult, ...]
    overlays: tuple[Image, ...]
    failures: tuple[PluginFailure, ...]


class TinyLoop:
    """A frame loop in one process: detect, locate, describe, then the parent's hooks in order.

    Parameters
    ----------
    manager : PluginManager
        Gets the stand-in models, to be asked after all other plugins, under the name ``"stand-in"``.
    chunk : int
        The detector is asked at the first frame of each chunk of this many, and when the face was lost.
    """

    def __init__(self, manager: PluginManager, *, chunk: int = 30) -> None:
        self._manager = manager
        self._chunk = chunk
        if not any(plugin.name == "stand-in" for plugin in manager.plugins()):
            manager.register(StandInModels(), "stand-in", "face_mirror_hooks.testing")

    def run(self, images: Sequence[Image], mirrored: Mapping[View, Sequence[Image]] | None = None, *, label: str = "sample") -> LoopRun:
        """Run one session with one video.

        Parameters
        ----------
        images : sequence of ndarray, (H, W, 3) uint8
            BGR, all of one size.
        mirrored : mapping of View to sequence of ndarray, optional
            As many pictures for each mirrored view.
        label : str
            Of the video.

        Raises
        ------
        HookError
            A plugin does not fit.
        """
        mirrored = mirrored or {}
        manager = self._manager
        manager.check_pending()
        session = SessionInfo((View.ORIGINAL, *mirrored), (label,), workers=0, start_method="none")
        height, width = images[0].shape[:2]
        video = VideoInfo(0, None, label, width, height, Fraction(25), len(images))
        manager.before_session(session)
        failures = manager.after_worker_start(WorkerInfo(0, os.getpid()))
        manager.before_video(video)
        failures += manager.before_video_in_worker(video)
        results, overlays = [], []
        reasons: Counter[str] = Counter()
        last: Located | None = None
        for index, image in enumerate(images):
            frame = Frame(index, index / 25, image)
            error = ""
            try:
                views, last = self._process(
                    frame, None if index % self._chunk == 0 else last, {view: mirrored[view][index] for view in mirrored}
                )
            except HookError as failure:
                error = str(failure)
                views, last = _failed(session.views, error), None
            # As it would come from a worker.
            result: FrameResult = pickle.loads(pickle.dumps(FrameResult(index, frame.time_s, views, error=error)))  # noqa: S301 - made in this line
            if error:
                manager.on_frame_error(index, frame.time_s, error)
            if result.views[0].reason:
                reasons[result.views[0].reason] += 1
            manager.after_frame(result)
            manager.after_values(result, {view.view: _made_up(view) for view in views})
            canvas = image.copy()
            manager.draw_overlay(canvas, result)
            results.append(result)
            overlays.append(canvas)
        failures += manager.take_failures()
        manager.after_video(video, VideoSummary(len(images), dict(reasons), tuple(str(failure) for failure in failures)))
        with tempfile.TemporaryDirectory() as folder:
            manager.after_result(Path(folder), {"frames": {"decoded": len(images)}})
        manager.after_session(session)
        return LoopRun(tuple(results), tuple(overlays), failures + manager.take_failures())

    def _process(self, frame: Frame, last: Located | None, mirrored: Mapping[View, Image]) -> tuple[tuple[ViewResult, ...], Located | None]:
        located, score, source = None, 1.0, ""
        if last is not None:
            located, source = self._locate(frame, View.ORIGINAL, last)
        if located is None:
            found = self._manager.detect_faces(frame)
            if found is None or not found.value:
                return _failed((View.ORIGINAL, *mirrored), NO_FACE), None
            score = found.value[0].score
            # Twice, the second time at its own landmarks, so that this frame is located as the tracked ones are.
            located, source = self._locate(frame, View.ORIGINAL, found.value[0])
            if located is not None:
                located, source = self._locate(frame, View.ORIGINAL, located)
        if located is None:
            return _failed((View.ORIGINAL, *mirrored), NO_FACE), None
        views = [self._describe(frame, View.ORIGINAL, located, score, source)]
        for view, image in mirrored.items():
            picture = Frame(frame.index, frame.time_s, image)
            reflected, source = self._locate(picture, view, located)
            views.append(_failed((view,), NO_FACE)[0] if reflected is None else self._describe(picture, view, reflected, score, source))
        return tuple(views), located

    def _locate(self, frame: Frame, view: View, near: Detection | Located) -> tuple[Located | None, str]:
        answer = self._manager.locate_landmarks(frame, view, near)
        if answer is None or answer.value.score == 0.0:
            return None, ""
        return answer.value, answer.plugin

    def _describe(self, frame: Frame, view: View, located: Located, score: float, source: str) -> ViewResult:
        face = Face(bounding_box(located.landmarks), score, located.landmarks, source)
        return ViewResult(view, face, True, located.score, "", self._manager.describe_face(frame, face, view))


def _made_up(result: ViewResult) -> OnlineValues:
    """A face without any movement; NaN where there is no face."""
    level = 0.0 if result.success else np.nan
    intensities = np.full(len(INTENSITY_AUS), level)
    return OnlineValues(intensities, np.full(len(PRESENCE_AUS), level), intensities)


def _failed(views: Sequence[View], reason: str) -> tuple[ViewResult, ...]:
    return tuple(ViewResult(view, None, False, 0.0, reason) for view in views)
