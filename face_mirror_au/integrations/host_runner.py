"""A `VideoRunner` whose frames come from the application's loop instead of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from face_mirror_au.errors import UsageError
from face_mirror_au.integrations.ordering import OrderedFrames
from face_mirror_au.integrations.serving import HOST_PLUGIN, HostLoop, HostProcessing, PointStore
from face_mirror_au.integrations.timestamps import FrameTimes
from face_mirror_au.media.source import FrameSource, SourceInfo
from face_mirror_au.records import NO_PICTURE, Frame, View
from face_mirror_au.results.metadata import hash_input
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings

if TYPE_CHECKING:
    from face_mirror_au.loop.launch import StartMethod
    from face_mirror_au.loop.nursery import Nursery
    from face_mirror_au.pipeline.model_set import ModelPlan

VIEWS = (View.ORIGINAL, View.LEFT_MIRRORED, View.RIGHT_MIRRORED)


def host_settings(settings: RunSettings) -> RunSettings:
    """The settings of a run inside the application: all views, and the application's landmarks for the original one."""
    if settings.workers < 1:
        raise UsageError("inside Face Mirror the work is done in workers; --workers must be 1 or more")
    return replace(settings, views=VIEWS, plugins=(HOST_PLUGIN, *settings.plugins))


class HostSource:
    """The frames of the application's loop, in order, as a `FrameSource`.

    Parameters
    ----------
    frames : OrderedFrames
    times : FrameTimes
    size : (int, int)
        Width, height.
    store : PointStore
        Gets the landmarks.
    """

    def __init__(self, frames: OrderedFrames, times: FrameTimes, size: tuple[int, int], store: PointStore) -> None:
        self._frames = frames
        self._times = times
        self._store = store
        stamps = "frame rate" if times.problem else "container"
        count = len(times.seconds) or None
        self.info = SourceInfo("video", size[0], size[1], rate=times.rate, expected_frames=count, timestamps=stamps)  # type: ignore[arg-type]  # a literal
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self.notes = [f"{times.problem}; the frame rate was taken"] if times.problem else []

    def __iter__(self) -> Iterator[Frame]:
        """Yield one frame for every index."""
        for frame in self._frames:
            if frame.points is not None:
                self._store.points[frame.index] = frame.points
            image = NO_PICTURE if frame.image is None else frame.image
            yield Frame(frame.index, self._times.of(frame.index), image, frame.problem)


class HostRecording:
    """A video of the application, as a `Recording`: its frames come from the application's loop, and from no file.

    Parameters
    ----------
    file : Path
        What the application was given; it is hashed for the metadata.
    label : str
    source : HostSource
    """

    path = None

    def __init__(self, file: Path, label: str, source: HostSource) -> None:
        self.label = label
        self._file = file
        self._source = source

    def open(self) -> AbstractContextManager[FrameSource]:
        """The application has opened it."""
        return nullcontext(self._source)

    def stamp(self) -> None:
        """What the application reads is its own affair."""

    def sha256(self) -> str:
        """See `Recording`."""
        return hash_input(self._file)

    def image_names(self) -> list[str]:
        """None."""
        return []

    def left_out(self) -> None:
        """Nothing is."""


class HostRunner(VideoRunner):
    """Measures the videos of one session of the application.

    Parameters
    ----------
    plan : ModelPlan
    settings : RunSettings
        See `host_settings`.
    nursery, must_start, device_metadata
        See `VideoRunner`.
    or_ours : bool
        Our own models are tried where the application's landmarks fail; otherwise such a row stays empty.
    """

    def __init__(
        self,
        plan: ModelPlan,
        settings: RunSettings,
        *,
        nursery: Nursery | None = None,
        must_start: StartMethod | None = None,
        device_metadata: Mapping[str, object] | None = None,
        or_ours: bool = True,
    ) -> None:
        if plan.follower is not None:
            raise UsageError(
                f"{plan.profile} follows the face itself, and here the application does; take hybrid or openface-pfld", "profile"
            )
        super().__init__(plan, host_settings(settings), nursery=nursery, must_start=must_start, device_metadata=device_metadata)
        common = self._processing
        self._processing = HostProcessing(**{field.name: getattr(common, field.name) for field in fields(common)}, or_ours=or_ours)

    @property
    def loop(self) -> HostLoop:
        """The loop; its workers start at first use, which must be before the application is imported."""
        if not isinstance(self._loop, HostLoop):
            assert isinstance(self._processing, HostProcessing)  # noqa: S101  (made in __init__)
            device = next((device for device in self.plan.devices.values() if device != "cpu"), "cpu")
            self._loop = HostLoop(self._processing, self.settings.workers, self._start_method, device, nursery=self._nursery)
        return self._loop

    @property
    def can_start_again(self) -> bool:
        """Whether workers can be made anew now that the application runs: only by the nursery."""
        return self._nursery is not None and self._nursery.alive

    def drop_workers(self) -> None:
        """End the workers, after an error of theirs; `loop` makes new ones."""
        if self._loop is not None:
            self._loop.close()
            self._loop = None
