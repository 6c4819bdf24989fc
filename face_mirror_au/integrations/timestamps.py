"""When the frames of a video are shown, from its container, without decoding it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from face_mirror_au.media.video import open_container

# As in `face_mirror_au.media.video`, for files without a rate.
_DEFAULT_RATE = Fraction(25)


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """Times of a video's frames.

    Attributes
    ----------
    seconds : tuple of float
        In frame order, from the first frame; may be shorter than the video.
    rate : Fraction or None
        Frames per second as the container states them.
    problem : str
        Why times are made from the rate; empty when they are the container's.
    packets : int or None
        Frames in the container; None when it cannot be read.
    """

    seconds: tuple[float, ...] = ()
    rate: Fraction | None = None
    problem: str = ""
    packets: int | None = None

    def of(self, index: int) -> float:
        """Seconds of a frame."""
        if index < len(self.seconds):
            return self.seconds[index]
        step = float(1 / (self.rate or _DEFAULT_RATE))
        last = self.seconds[-1] if self.seconds else -step
        return last + (index - len(self.seconds) + 1) * step


def read_frame_times(path: Path) -> FrameTimes:
    """Read the timestamps of a video's packets and put them in the order in which the frames are shown. Never raises."""
    rate: Fraction | None = None
    try:
        with open_container(path) as container:
            stream = container.streams.best("video")
            if stream is None or stream.time_base is None:
                return FrameTimes(problem="the container has no timestamps")
            average = container.streams.video[0].average_rate or container.streams.video[0].guessed_rate
            rate = Fraction(average.numerator, average.denominator) if average else None
            base = stream.time_base
            stamps = [packet.pts for packet in container.demux(stream) if packet.size]
            ticks = sorted(stamp for stamp in stamps if stamp is not None)
    except Exception as error:  # noqa: BLE001  (PyAV's errors are many, and the frame rate will do)
        return FrameTimes(rate=rate, problem=f"its timestamps cannot be read ({type(error).__name__})")
    if not ticks or len(set(ticks)) != len(ticks):
        return FrameTimes(rate=rate, problem="the container's timestamps do not grow", packets=len(stamps))
    return FrameTimes(tuple(float((tick - ticks[0]) * base) for tick in ticks), rate, packets=len(stamps))
