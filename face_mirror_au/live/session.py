"""One live session: pictures through the pipeline, one by one in this process, values to a table, a window and whoever listens."""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from face_mirror_au.errors import CameraError
from face_mirror_au.live.cameras import Camera, Clock
from face_mirror_au.live.newest import Pictures
from face_mirror_au.loop.hook_task import HookedTask
from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.overlay.drawing import Drawing
from face_mirror_au.pipeline.model_set import ModelPlan
from face_mirror_au.pipeline.own_descriptor import AU_PLUGIN, failure_reason
from face_mirror_au.pipeline.track import TrackState
from face_mirror_au.records import Frame, OnlineValues, View
from face_mirror_au.run.measuring import LiveMeasurement
from face_mirror_au.run.plugins import gather_plugins
from face_mirror_au.run.runner import CROWD_WARNING
from face_mirror_au.run.settings import RunSettings
from face_mirror_hooks.records import FrameResult, SessionInfo, VideoInfo, VideoSummary, WorkerInfo

NEWEST, EVERY = "newest frame wins", "every frame"
# A camera whose driver answers nothing at all, not even that it has no picture.
SILENT_AFTER_S = 10.0
_LOOK_UP_S = 0.1
_RATE_WINDOW_S = 2.0

OnFrame = Callable[[FrameResult, Mapping[View, OnlineValues]], None]
"""Called with each measured frame and its online values."""


@dataclass
class LiveCounts:
    """What became of the pictures. `seen` is `done` and `dropped`.

    Attributes
    ----------
    seen, done, dropped : int
        Pictures that the camera gave; those that went through the pipeline; those that were skipped.
    failed : Counter
        Of those that went through, how many have no measurement of the original view, by reason.
    seconds : float
        From the first picture that was taken to the end.
    ended : str
        Why it ended.
    warnings : list of str
    """

    seen: int = 0
    done: int = 0
    dropped: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    ended: str = ""
    warnings: list[str] = field(default_factory=list)

    @property
    def measured(self) -> int:
        """Frames with a measurement."""
        return self.done - self.failed.total()

    @property
    def rate(self) -> float:
        """Frames through the pipeline per second, over the whole session; 0 before the second one."""
        return self.done / self.seconds if self.seconds > 0.0 else 0.0


class FrameRate:
    """Frames per second over the last two seconds."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._times: deque[float] = deque()

    def tick(self) -> float:
        """A frame is done; return the rate, 0 for the first."""
        now = self._clock()
        self._times.append(now)
        while now - self._times[0] > _RATE_WINDOW_S:
            self._times.popleft()
        passed = now - self._times[0]
        return (len(self._times) - 1) / passed if passed > 0.0 else 0.0


class LiveSession:
    """Models and plugins of a live session. Everything runs in this process: a worker would only add its delay.

    Parameters
    ----------
    plan : ModelPlan
    settings : RunSettings
    drawing : Drawing, optional
    clock : callable
        Seconds, steady.

    Raises
    ------
    PluginProblemError, ModelRunError, ModelFileError
    """

    def __init__(self, plan: ModelPlan, settings: RunSettings, drawing: Drawing | None = None, clock: Clock = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._drawing = drawing or Drawing()
        self.manager, processing = gather_plugins(plan, settings, self._drawing)
        self._plan = plan
        self._measures = AU_PLUGIN in processing.required
        self._device = next((device for device in plan.devices.values() if device != "cpu"), "cpu")
        self._task: HookedTask = processing()
        self._bank: AUBank | None = None
        self.counts = LiveCounts()

    def start(self) -> None:
        """Load the models, so that the first pictures need not wait for them. Raises ModelRunError, ModelFileError."""
        self._task.start(WorkerInfo(0, os.getpid(), self._device))
        _ = self.bank

    @property
    def bank(self) -> AUBank:
        """The AU bank in use."""
        if self._bank is None:
            self._bank = self._plan.load_bank(single_image=False)
        return self._bank

    def run(self, camera: Camera, pictures: Pictures, log: OnFrame, stopped: Callable[[], str]) -> LiveCounts:
        """Measure until the pictures end, the window is closed, or `stopped` gives a reason.

        Parameters
        ----------
        camera : Camera
        pictures : Pictures
            Of that camera. Closed at the end.
        log : callable
            Called with each frame, in order. What it raises ends the session; whoever only looks on is a plugin with `after_values`.
        stopped : callable
            Why to stop; empty as long as there is no reason.

        Returns
        -------
        LiveCounts
            Also in `counts`, up to date at any time, whatever ends the session.

        Raises
        ------
        CameraError, VideoError
            When the camera has gone, or the file is damaged.
        """
        session = SessionInfo(self._settings.views, (camera.name,), workers=0, start_method="none")
        video = VideoInfo(0, None, camera.name, camera.width, camera.height, camera.rate)
        self.manager.before_session(session)
        try:
            self.manager.before_video(video)
            self._task.start_video(video)
            try:
                self._measure(pictures, log, stopped)
            except BaseException as error:
                self.counts.ended = self.counts.ended or str(error) or type(error).__name__
                self.manager.on_video_error(video, self.counts.ended)
                raise
            finally:
                pictures.close()
                self.counts.seen, self.counts.dropped = pictures.seen, pictures.dropped
            self.manager.after_video(video, VideoSummary(self.counts.done, self.counts.failed, tuple(camera.problems)))
        finally:
            self.manager.after_session(session)
            self.counts.warnings += sorted({str(failure) for failure in self.manager.take_failures()})
        return self.counts

    def _measure(self, pictures: Pictures, log: OnFrame, stopped: Callable[[], str]) -> None:
        measurement = LiveMeasurement(self.bank if self._measures else None, self._settings.views, self._settings.baseline)
        state, last = TrackState(), self._clock()
        began: float | None = None
        while not self._over(stopped):
            frame = pictures.take(_LOOK_UP_S)
            now = self._clock()
            if frame is None:
                if pictures.ended:
                    self.counts.ended = "the end of the file"
                    return
                if now - last > SILENT_AFTER_S:
                    raise CameraError(f"the camera has given no picture for {SILENT_AFTER_S:.0f} s: it hangs, or was unplugged")
                continue
            last = now
            began = now if began is None else began
            state = self._step(frame, state, measurement, log)
            self.counts.seen, self.counts.dropped = pictures.seen, pictures.dropped
            self.counts.seconds = self._clock() - began

    def _over(self, stopped: Callable[[], str]) -> bool:
        window = self._drawing.window
        self.counts.ended = stopped() or ("the window was closed" if window is not None and window.closed else "")
        return bool(self.counts.ended)

    def _step(self, frame: Frame, state: TrackState, measurement: LiveMeasurement, log: OnFrame) -> TrackState:
        """One frame, from picture to values; returns the tracker's state for the next."""
        if self._settings.flipped_input:
            frame = replace(frame, image=np.ascontiguousarray(frame.image[:, ::-1]))
        due = self.counts.done % self._settings.detect_every == 0
        result, after, _ = self._task.processor.process_next(frame, state, detect=due)
        if result.error:
            self.manager.on_frame_error(result.index, result.time_s, result.error)
        self.manager.after_frame(result)
        values = measurement.append(result)
        self.counts.done += 1
        reason = failure_reason(result.views[0])
        if reason:
            self.counts.failed[reason] += 1
        if result.crowd and CROWD_WARNING not in self.counts.warnings:
            self.counts.warnings.append(CROWD_WARNING)
        log(result, values)
        self.manager.after_values(result, values)
        if self._drawing.wanted:
            self.manager.draw_overlay(frame.image.copy(), result)
        return after
