"""Pictures into an H.264 video with the timestamps of their source, through PyAV. No sound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from fractions import Fraction
from math import isfinite, lcm
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from face_mirror_au.errors import FrameError, OutputError, UsageError
from face_mirror_au.files import atomic_binary, display_name, output_error
from face_mirror_au.media.planes import BT601, FORMAT, Planes
from face_mirror_au.records import Image, check_image

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

ENCODER, FALLBACK = "libx264", "mpeg4"
CRF = 19  # x264's scale, 0 to 51
# Beside preset veryfast at 18 ("visually lossless" in x264's documentation): at least its PSNR on every clip that was tried, in about half
# the time, 1.4 to 1.9 times the size (benchmarks/RESULTS.md).
_QUALITY = {"preset": "ultrafast", "x264-params": "cabac=1:me=dia:subme=1"}
ENCODER_THREADS = 2
_ACCURATE_ROUNDING = 0x40000  # FFmpeg's SWS_ACCURATE_RND, which PyAV names from version 18 on
# MPEG-4's own scale, 1 to 31: lower is better.
_FALLBACK_QUALITY = {"qmin": "2", "qmax": "3"}

# Ticks a second where the source's are not known: MPEG's clock, of which 1/25, 1001/30000 and 1 ms are multiples.
_CLOCK = 90_000
_MAX_TICKS = 2**31 - 1  # mp4 and FFmpeg store them in 32 bits
# MPEG-4 stores them in 16 bits; 1 ms and the frame times of the usual rates are multiples of this one.
_FALLBACK_MAX_TICKS = 2**16 - 1
_FALLBACK_CLOCK = 60_000
# Seconds: what `Frame.time_s`, a float64, may lie beside a tick after hours of video, and far below any tick.
_EXACT = 1e-7


class VideoWriter:
    """Writes an mp4 that appears under its name only when the `with` block ends without an error; otherwise nothing is left.

    Every timestamp of the source is carried over: exactly with the source's `time_base`, else to the nearest tick of a clock that holds
    multiples of the frame time and of 1/90000 s. There are no B-frames: programs that ignore an mp4's edit list read the same times, and
    each frame comes out in the order in which it went in.

    Parameters
    ----------
    path : Path
    width, height : int
        Of the pictures, px. 4:2:0 video has even sizes: an odd one grows by one repeated column or row at the right or bottom.
    rate : Fraction or None
        Frames per second of the source (`SourceInfo.rate`); None where it has none.
    time_base : Fraction or None
        Seconds that one tick of the source's timestamps takes; None where it is not known.
    crf : int
        Quality, 0 to 51, lower is better.

    Attributes
    ----------
    frames : int
        How many were added.
    notes : list of str
        Complete after the block. What is not as in the source, one line each, for the metadata.

    Raises
    ------
    OutputError
        When the file cannot be written: one line with its name. Also from `append` and at the block's end.
    UsageError
        For a size, rate, time base or quality that cannot be.
    """

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        *,
        rate: Fraction | None,
        time_base: Fraction | None = None,
        crf: int = CRF,
    ) -> None:
        if width < 1 or height < 1:
            raise UsageError(f"a video of {width} x {height} pixels cannot be written")
        for name, value in (("frame rate", rate), ("time base", time_base)):
            if value is not None and value <= 0:
                raise UsageError(f"a {name} of {value} cannot be; give a number above 0")
        if not 0 <= crf <= 51:
            raise UsageError(f"a quality (crf) of {crf} cannot be; give 0 to 51, lower is better")
        self.notes: list[str] = []
        self._path = path
        self._size = (width, height)
        self._padded = (width + width % 2, height + height % 2)
        self._rate = rate
        self._encoder, options = _choose_encoder(crf)
        if self._encoder != ENCODER:
            self.notes.append(f"this PyAV has no {ENCODER}: the video is {self._encoder}, larger and less sharp than H.264")
        self._options = options
        self._base = _tick(rate, time_base, _MAX_TICKS if self._encoder == ENCODER else _FALLBACK_MAX_TICKS)
        self._last_time: float | None = None
        self._last_pts = -1
        self._duration = max(1, round(1 / (rate or Fraction(25)) / self._base))
        self.frames = 0
        self._rounded = 0
        self._file: AbstractContextManager[BinaryIO] | None = None
        if self._padded != self._size:
            grown = [name for name, odd in (("column at the right", width % 2), ("row at the bottom", height % 2)) if odd]
            self.notes.append(f"H.264 needs even sizes: {width} x {height} was extended by one repeated {' and one '.join(grown)}")

    def __enter__(self) -> VideoWriter:  # noqa: PYI034 - Self needs Python 3.11
        import av  # not at start-up: on macOS it must not be loaded before the workers are forked
        from av.video.reformatter import VideoReformatter

        self._reformatter: VideoReformatter = VideoReformatter()  # kept: it reuses its tables for all frames
        self._file = atomic_binary(self._path)
        handle = self._file.__enter__()  # left again in __exit__ or _abandon
        try:
            with self._explaining():
                self._container: OutputContainer = av.open(handle, "w", format="mp4")
                self._stream = self._add_stream(self._container)
        except BaseException:
            self._abandon()
            raise
        return self

    def _add_stream(self, container: OutputContainer) -> VideoStream:
        stream = cast("VideoStream", container.add_stream(self._encoder, rate=self._rate or Fraction(25), options=dict(self._options)))
        stream.width, stream.height = self._padded
        stream.pix_fmt = FORMAT
        stream.time_base = self._base
        context = stream.codec_context
        context.time_base = self._base
        context.thread_count = ENCODER_THREADS
        context.max_b_frames = 0
        return stream

    def append(self, picture: Image | Planes, time_s: float) -> None:
        """Add the next picture.

        Parameters
        ----------
        picture : ndarray, (height, width, 3) uint8, or Planes
            BGR, or what another video holds, which goes into this one as it is. The colour matrix of the first is the whole video's.
        time_s : float
            Seconds from the first frame (`Frame.time_s`).

        Raises
        ------
        FrameError
            When the picture has another size, or its time is negative, not finite or not after the frame before.
        OutputError
        """
        self._check_size(picture.luma if isinstance(picture, Planes) else check_image(picture))
        pts = self._ticks(time_s)
        if not self.frames:
            # Said in the file, since players guess BT.709 for large pictures: BT.601 is what every reader takes when it does not look.
            self._colours = picture.colours if isinstance(picture, Planes) else BT601
            self._stream.codec_context.colorspace = self._colours
        with self._explaining():
            frame = picture.frame() if isinstance(picture, Planes) else self._converted(self._even(picture))
            frame.pts, frame.time_base = pts, self._base
            self._mux(frame)
        self.frames += 1

    def _check_size(self, image: Image) -> None:
        height, width = image.shape[:2]
        if (width, height) != self._size:
            raise FrameError(
                f"frame {self.frames} has {width} x {height} pixels, the video {self._size[0]} x {self._size[1]}; a video has one size"
            )

    def _even(self, image: Image) -> Image:
        height, width = image.shape[:2]
        if self._padded == self._size:
            return image
        return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")

    def _ticks(self, time_s: float) -> int:
        if not isfinite(time_s) or time_s < 0:
            raise FrameError(f"frame {self.frames} has a time of {time_s} s; times count from the first frame")
        if self._last_time is not None and time_s <= self._last_time:
            raise FrameError(f"frame {self.frames} at {time_s:.6f} s does not come after the frame before, at {self._last_time:.6f} s")
        nearest = round(Fraction(time_s) / self._base)
        # Two frames within one tick: the second takes the next one, since no two frames may share a timestamp.
        pts = max(nearest, self._last_pts + 1)
        self._rounded += abs(float(pts * self._base) - time_s) > _EXACT
        self._last_time, self._last_pts = time_s, pts
        return pts

    def _converted(self, picture: Image) -> VideoFrame:
        from av import VideoFrame
        from av.video.reformatter import ColorRange, Interpolation

        frame = VideoFrame.from_ndarray(picture, format="bgr24")
        return self._reformatter.reformat(
            frame,
            format=FORMAT,
            dst_colorspace=self._colours,
            dst_color_range=ColorRange.MPEG,
            # Without it pictures come out darker by 1 grey level, and it costs no time.
            interpolation=Interpolation.BILINEAR | _ACCURATE_ROUNDING,
        )

    def _mux(self, frame: VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            packet.duration = self._duration  # an mp4 keeps that of the last one: with it, the average rate is the source's
            self._container.mux(packet)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if error is not None:
            self._abandon()
            return
        if not self.frames:
            self._abandon()
            raise OutputError(f"'{display_name(self._path)}' was not written: there was no frame for it")
        try:
            with self._explaining():
                self._mux(None)
                self._container.close()
        except BaseException:
            self._abandon()
            raise
        file, self._file = self._file, None
        if file is not None:
            file.__exit__(None, None, None)
        if self._rounded:
            self.notes.append(f"{self._rounded} of {self.frames} timestamps were rounded to multiples of {self._base} s")

    def _abandon(self) -> None:
        """Remove what was written so far."""
        # The file must be there until FFmpeg has let go of it. What it says about its half of a video is not news.
        with suppress(Exception):
            self._container.close()
        file, self._file = self._file, None
        if file is not None:
            # Not the error of the caller's block: `atomic_binary` would take an OSError from anywhere for its own.
            reason = _AbandonedError()
            with suppress(_AbandonedError, OutputError):
                file.__exit__(_AbandonedError, reason, None)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        import av

        try:
            yield
        except OSError as error:
            raise output_error(error, self._path) from error
        except av.FFmpegError as error:
            raise OutputError(
                f"'{display_name(self._path)}' cannot be written: the {self._encoder} encoder failed ({error.strerror})"
            ) from error


class _AbandonedError(Exception):
    """Tells `atomic_binary` that the file is not wanted."""


def _choose_encoder(crf: int) -> tuple[str, dict[str, str]]:
    """Name of the encoder that this PyAV has, and its options."""
    if _has_encoder(ENCODER):
        return ENCODER, {"crf": str(crf), **_QUALITY}
    return FALLBACK, dict(_FALLBACK_QUALITY)


def _has_encoder(name: str) -> bool:
    from av.codec import Codec
    from av.codec.codec import UnknownCodecError

    try:
        Codec(name, "w")
    except UnknownCodecError:
        return False
    return True


def _tick(rate: Fraction | None, time_base: Fraction | None, max_ticks: int) -> Fraction:
    """Seconds of one tick of the video's clock: the source's, else one that the times of its frames are likely to be multiples of."""
    clocks = [Fraction(1, _CLOCK if rate is None else lcm(_CLOCK, rate.numerator)), Fraction(1, _CLOCK), Fraction(1, _FALLBACK_CLOCK)]
    if time_base is not None:
        clocks.insert(0, time_base)
    return next(clock for clock in clocks if clock.denominator <= max_ticks)
