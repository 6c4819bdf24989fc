"""One recording from its first frame to its tables: source, loop, measurement. The one path that command line, API and host share."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

import numpy as np

from face_mirror_au.loop.launch import StartMethod
from face_mirror_au.loop.nursery import Nursery
from face_mirror_au.loop.runner import FrameLoop
from face_mirror_au.media.planes import DecodedFrame
from face_mirror_au.media.source import FrameSource, SourceInfo
from face_mirror_au.models.mtcnn import MTCNN
from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.numerics.pdm import PDM
from face_mirror_au.pipeline.answered import Answered
from face_mirror_au.pipeline.model_set import ModelPlan
from face_mirror_au.pipeline.own_descriptor import AU_PLUGIN
from face_mirror_au.pipeline.signals import SIGNALS
from face_mirror_au.records import NO_PICTURE, Frame, View
from face_mirror_au.results.metadata import CHANGED
from face_mirror_au.run.measuring import Measurement
from face_mirror_au.run.plugins import gather_plugins
from face_mirror_au.run.protocols import Drawing, Sink
from face_mirror_au.run.recordings import FileRecording, Recording
from face_mirror_au.run.rest import described_rest, rest_warning, rest_words, with_other_rest
from face_mirror_au.run.settings import RunSettings
from face_mirror_au.run.video_result import VideoResult
from face_mirror_au.wording import counted
from face_mirror_hooks.records import SessionInfo, VideoInfo, VideoSummary

logger = logging.getLogger(__name__)

# Of a neutral reference there is little in fewer frames: it is the median of every second one, and OpenFace's own offset is a low quantile.
SHORT_RECORDING = 10
CROWD_WARNING = "more than one face was seen: the largest at the start is the one that is followed"
BY_FACE_NOTE = "with one view every face of the image has a row, whatever its confidence; face_id counts them"
SINGLE_IMAGE_NOTE = "a single image: static AU models, no neutral face, nothing smoothed"


def other_person_warning(time_s: float) -> str:
    """What is said when the followed face becomes another one's."""
    told = f"from {time_s:.1f} s on the followed face looks like another person's: two people may be in one result"
    return f"{told}; measure each by itself, with --start and --end"


@dataclass(slots=True)
class _Seen:
    """What is known of a recording after its last frame, beside its numbers."""

    frames: int = 0
    crowd: bool = False
    answered: Answered = field(default_factory=Answered)


class VideoRunner:
    """Runs recordings with one set of models and plugins. Nothing is carried from one recording to the next.

    A context manager: the workers end with it.

    Parameters
    ----------
    plan : ModelPlan
    settings : RunSettings
    nursery : Nursery, optional
        Forks the workers; started before anything heavy was imported. Closed by who started it.
    must_start : "fork" or "spawn", optional
        How workers must start for the device that was chosen.
    device_metadata : mapping, optional
        How the device was chosen.
    drawing : Drawing, optional
        What is drawn on the pictures, and where they go.
    plugins : sequence of object
        Further plugins, as objects.

    Raises
    ------
    PluginProblemError
        When a plugin cannot be loaded, or a blocked name is nobody's.
    UsageError
    """

    def __init__(
        self,
        plan: ModelPlan,
        settings: RunSettings,
        *,
        nursery: Nursery | None = None,
        must_start: StartMethod | None = None,
        device_metadata: Mapping[str, object] | None = None,
        drawing: Drawing | None = None,
        plugins: Sequence[object] = (),
    ) -> None:
        plan.check_mirror(settings.mirror)
        self.plan = plan
        settings = replace(settings, baseline=with_other_rest(settings.baseline, plan, settings.views))
        self.settings = settings
        self.device_metadata = dict(device_metadata or {"request": "cpu"})
        self.drawing = drawing
        self.manager, self._processing = gather_plugins(plan, settings, drawing, plugins)
        self._nursery = nursery
        self._start_method = must_start or settings.start_method
        self._measures = AU_PLUGIN in self._processing.required
        self._banks: dict[str, AUBank] = {}
        self._loop: FrameLoop | None = None
        self._session: SessionInfo | None = None
        self._image_detector: MTCNN | None = None
        self._videos = 0

    def __enter__(self) -> VideoRunner:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the workers and the session."""
        if self._session is not None:
            self.manager.after_session(self._session)
            self._session = None
        if self._loop is not None:
            self._loop.close()
            self._loop = None

    def models_for(self, info: SourceInfo) -> str:
        """The AU models that a source is measured with: "dynamic" or "static"."""
        return self.plan.models_for(single_image=info.kind == "image")

    def by_face(self, info: SourceInfo) -> bool:
        """Whether a source is an image of which every face is measured: a row is a face, then, and no frame."""
        return info.kind == "image" and self.plan.follower is not None and self.models_for(info) == "static"

    def bank(self, models: str) -> AUBank:
        """The AU bank of "dynamic" or "static" models; read when it is first asked for."""
        if models not in self._banks:
            self._banks[models] = self.plan.load_bank(single_image=models == "static")
        return self._banks[models]

    @property
    def pdm(self) -> PDM:
        """The point distribution model in use."""
        return self.plan.load_pose_fitter().pdm

    @property
    def loop(self) -> FrameLoop:
        """The frame loop; its workers start at first use, before any video is opened."""
        if self._loop is None:
            self._loop = FrameLoop(
                self._processing,
                0 if self.plan.in_order else self.settings.workers,
                self._start_method,
                device=next((device for device in self.plan.devices.values() if device != "cpu"), "cpu"),
                nursery=self._nursery,
            )
        return self._loop

    def measurement(self, info: SourceInfo, spool: Path) -> Measurement:
        """The ordered half of the method for the next recording.

        Parameters
        ----------
        info : SourceInfo
        spool : Path
            The folder in which per-frame numbers lie while the measurement lasts.
        """
        bank = self.bank(self.models_for(info)) if self._measures else None
        settings = self.settings
        static = self.bank("static") if self._measures and settings.static_columns else None
        reference = self.pdm.mean[:2].T
        return Measurement(
            bank,
            settings.views,
            spool,
            strict=settings.strict,
            baseline=settings.baseline,
            static_bank=static,
            reference=reference,
            by_face=self.by_face(info),
            given=[signal.name for signal in SIGNALS if signal.given and self.plan.follower is not None],
        )

    @contextmanager
    def run(self, recording: Recording | Path, spool: Path, sink: Sink | None = None) -> Iterator[VideoResult]:
        """Run one recording.

        Parameters
        ----------
        recording : Recording or Path
            A path is that of a video, an image or an image folder.
        spool : Path
            See `measurement`.
        sink : Sink, optional
            Gets each frame as it is done.

        Yields
        ------
        VideoResult

        Raises
        ------
        VideoError
            When the source cannot be opened or holds no frame.
        """
        recording = FileRecording(recording, reading=self.settings.reading) if isinstance(recording, Path) else recording
        sink = sink or Sink()
        loop = self.loop  # workers start before a source is open
        if self._session is None:
            self._session = SessionInfo(self.settings.views, (recording.label,), self.settings.workers, loop.start_method)
            self.manager.before_session(self._session)
        stamp, losses = recording.stamp(), len(loop.losses)
        with recording.open() as source:
            info = source.info
            sink.start(info)
            size, frames = (info.width, info.height), (info.rate, info.expected_frames)
            video = VideoInfo(self._videos, recording.path, recording.label, *size, *frames, faces_of_image=self.by_face(info))
            self._videos += 1
            self.manager.before_video(video)
            try:
                with self.measurement(info, spool) as measurement:
                    seen = self._feed(loop, video, source, measurement, sink)
                    changed = stamp is not None and stamp != recording.stamp()
                    result = self._result(recording, source, measurement, seen, changed=changed)
                    result = replace(result, losses=tuple(loop.losses[losses:]))
                    yield result
                    failed = result.failures.get(View.ORIGINAL, {})
                    self.manager.after_video(video, VideoSummary(result.decoded, failed, result.problems))
            except BaseException as error:
                self.manager.on_video_error(video, str(error) or type(error).__name__)
                raise

    def _feed(self, loop: FrameLoop, video: VideoInfo, source: FrameSource, measurement: Measurement, sink: Sink) -> _Seen:
        """All frames through the loop, and each frame, in order, past the plugins, the measurement and the sink."""
        seen = _Seen()
        keep = self._kept if sink.wants_pictures or self._draws else None
        for frame, result in loop.process(self._frames(source), video, self.settings.detect_every, keep=keep):
            seen.frames += 1
            seen.answered.count(result)
            if result.error:
                self.manager.on_frame_error(result.index, result.time_s, result.error)
            self.manager.after_frame(result)
            values = measurement.append(result)
            self.manager.after_values(result, values)
            for loss in loop.take_news():
                self.manager.on_worker_lost(loss)
            sink.append(frame, result, values)
            if frame is not None and self._draws and not (video.faces_of_image and result.index):  # an image is drawn once
                self.manager.draw_overlay(frame.image.copy(), result)
            if result.crowd and not seen.crowd:
                seen.crowd = True
                logger.warning("frame %d: %s", result.index, CROWD_WARNING)
        return seen

    def _result(self, recording: Recording, source: FrameSource, measurement: Measurement, seen: _Seen, *, changed: bool) -> VideoResult:
        failures = measurement.failures
        plugin_failures = sorted({str(failure) for failure in self.manager.take_failures()})
        models = self.models_for(source.info)
        single_image = source.info.kind == "image" and models == "static" and self._measures
        tables, rest = measurement.finish(), measurement.rest
        return VideoResult(
            info=source.info,
            models=models,
            tables=tables,
            decoded=seen.frames,
            failures=failures,
            problems=(*source.problems, *((CHANGED,) if changed else ())),
            notes=(
                *source.notes,
                *((SINGLE_IMAGE_NOTE,) if single_image else ()),
                *((BY_FACE_NOTE,) if self.by_face(source.info) else ()),
                *(() if rest is None else (rest_words(rest),)),
            ),
            warnings=(
                *self.plan.warnings,
                *source.warnings,
                *((CROWD_WARNING,) if seen.crowd else ()),
                *((other_person_warning(measurement.changed_s),) if measurement.changed_s is not None else ()),
                *self._source_warnings(recording, models, seen.frames, sum(failures.get(View.ORIGINAL, {}).values())),
                *([rest_warning(rest)] if rest is not None and rest.warning else ()),
                *plugin_failures,
            ),
            losses=(),
            changed=changed,
            answered=seen.answered,
            rest=None if rest is None else described_rest(rest, measurement.rests),
        )

    def _source_warnings(self, recording: Recording, models: str, decoded: int, failed: int) -> Iterator[str]:
        """What the user should know about this recording as a recording."""
        if self._measures and models == "dynamic" and self.bank(models).dynamic.any() and decoded < SHORT_RECORDING:
            yield (
                f"{counted(decoded, 'frame')} only: the neutral face that action units are compared with has little to stand on below "
                f"{SHORT_RECORDING} frames; take a longer recording, or static models"
            )
        others = recording.left_out()
        if others is not None:
            yield others
        if recording.path is not None and recording.path.is_dir() and 2 * failed > decoded:
            yield (
                "more than half of the images have no face that could be followed: a folder is read as one recording of one person; "
                "measure unrelated images one by one with `run FOLDER/*.jpg`"
            )

    @property
    def _draws(self) -> bool:
        return self.drawing is not None and self.drawing.wanted

    def _frames(self, source: FrameSource) -> Iterator[Frame]:
        for frame in source:
            if self.settings.max_frames is not None and frame.index >= self.settings.max_frames:
                return
            shown = frame
            if self.settings.flipped_input:
                shown = Frame(frame.index, frame.time_s, np.ascontiguousarray(frame.image[:, ::-1]), frame.problem)
            for number in range(self._faces(shown) if self.by_face(source.info) else 1):
                yield replace(shown, index=shown.index + number)

    def _kept(self, frame: Frame) -> Frame:
        """What is needed of a frame when its result is there: where nobody draws, what the file holds of it is enough."""
        if isinstance(frame, DecodedFrame) and frame.planes is not None and not self._draws:
            return replace(frame, image=NO_PICTURE)
        return frame

    def _faces(self, frame: Frame) -> int:
        """How often an image is looked at: once for each of its faces; once where it has none, or mirrored views show one person."""
        if frame.problem is not None or len(self.settings.views) > 1:
            return 1
        self._image_detector = self._image_detector or self.plan.load_follower().detector
        return max(1, len(self._image_detector.find(frame.image)[0]))
