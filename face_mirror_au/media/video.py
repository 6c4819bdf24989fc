"""Pictures from a video file through PyAV: every decoded frame once, upright, with the container's time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from face_mirror_au.errors import VideoError
from face_mirror_au.files import display_name
from face_mirror_au.media.images import ImageSource, is_image
from face_mirror_au.media.source import MAX_PIXELS, FrameSource, SourceInfo
from face_mirror_au.opencv import opencv
from face_mirror_au.records import Frame, Image

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["FrameSource", "SourceInfo", "open_source"]

# Slices, not frames, are decoded in parallel: with frame threads a damaged file gives other pixels for another number of threads, an error
# takes intact frames with it, and the gain is small (1080p H.264, 2 cores: 203 against 232 frames/s; one thread 165).
DECODER_THREADS = 2
# What may be missing at the end of what a container without a frame count announces: it need not be exact.
_END_MISSING_S, _END_MISSING_SHARE = 0.5, 0.05
_SNIFF_BYTES = 4096
_TEXT = frozenset(range(32, 256)) | {9, 10, 12, 13, 27}  # with ESC: FFmpeg would draw ANSI art as a video
# FFmpeg's names of the containers of cameras, phones and editing programs. Not its play lists (hls, dash, concat, imf) and numbered
# pictures (image2), which open further files, nor its games and oddities: each of them is code that an unknown file would reach.
_FORMATS = (
    "3gp,aac,amr,asf,avi,dv,flac,flv,gif,h264,hevc,ivf,m4v,matroska,mjpeg,mov,mp3,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,swf,vc1,wav,webm,"
    "wtv,yuv4mpegpipe"
)
_DEFAULT_RATE = Fraction(25)  # FFmpeg's own assumption for raw streams


@contextmanager
def open_source(path: Path) -> Iterator[FrameSource]:
    """Open a video, an image or a folder of images.

    The first picture is decoded at once, so that a file without any fails here and not in the middle of a run.

    Parameters
    ----------
    path : Path
        Images are known by their suffix; everything else is given to FFmpeg.

    Yields
    ------
    FrameSource

    Raises
    ------
    VideoError
        When the file is missing, empty, no video, has no video stream, an unknown codec, or no picture that can be decoded: one line with
        its name.
    """
    path = Path(path)
    _check_readable(path)
    if path.is_dir() or is_image(path):
        yield ImageSource(path)
        return
    with open_container(path) as container:
        yield _VideoSource(path, container)


def _check_readable(path: Path) -> None:
    name = display_name(path)
    try:
        if path.is_dir():
            return
        if not path.exists():
            raise VideoError(f"'{name}' does not exist; check the name and the folder")
        if not path.is_file():
            raise VideoError(f"'{name}' is not an ordinary file; give a video, an image or a folder of images")
        with path.open("rb") as handle:
            start = handle.read(_SNIFF_BYTES)
    except OSError as error:
        raise VideoError(f"'{name}' cannot be read: {error.strerror or type(error).__name__}") from error
    if not start:
        raise VideoError(f"'{name}' is an empty file; copy it again from where it came")
    if _TEXT.issuperset(start):
        # Among them play lists, which FFmpeg would follow to the network: a file must never cause a request.
        raise VideoError(f"'{name}' is a text file, not a video; give a video, an image or a folder of images")


@contextmanager
def open_container(path: Path) -> Iterator[InputContainer]:
    """Open a file as a video container that FFmpeg may read no other file or address for.

    Raises
    ------
    VideoError
    """
    import av  # not at start-up: on macOS it must not be loaded before the workers are forked

    try:
        # "file:" keeps FFmpeg from reading a protocol into a name such as "pipe:0".
        container = av.open(f"file:{path.absolute()}", options={"protocol_whitelist": "file", "format_whitelist": _FORMATS})
    except av.FFmpegError as error:
        raise VideoError(
            f"'{display_name(path)}' is not a video, or it is cut short and its index is missing; check that it plays, or copy it again"
        ) from error
    except (OSError, ValueError) as error:  # not its text: that holds the whole path
        raise VideoError(f"'{display_name(path)}' cannot be opened ({type(error).__name__}); check its name and permissions") from error
    with container:
        yield container


@dataclass(frozen=True, slots=True)
class _Orientation:
    """How stored pixels become display pixels: quarter turns, then a left-right flip where `mirrored`."""

    rotation: Literal[0, 90, 180, 270] = 0  # degrees clockwise
    mirrored: bool = False
    exact: bool = True

    def apply(self, image: Image) -> Image:
        """Return the picture upright, (H, W, 3) uint8, contiguous."""
        if self.rotation == 0 and not self.mirrored:
            return np.ascontiguousarray(image)
        cv2 = opencv()  # 1.5 ms for 1080p, NumPy 12 ms
        upright: Any = image
        if self.rotation:
            turn = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}[self.rotation]
            upright = cv2.rotate(upright, turn)
        if self.mirrored:
            upright = cv2.flip(upright, 1)
        return np.ascontiguousarray(upright)


def _orientation(frame: VideoFrame) -> _Orientation:
    """Read the display matrix (libavutil/display.h) that the container or the stream attaches to its frames."""
    try:
        matrix = np.frombuffer(bytes(frame.side_data["DISPLAYMATRIX"]), dtype=np.int32)  # type: ignore[typeddict-item]
        a, b, c, d = (float(matrix[i]) for i in (0, 1, 3, 4))  # x' = a x + c y, y' = b x + d y, with y pointing down
    except KeyError:
        return _Orientation()
    except ValueError:
        # PyAV cannot list the side data when one is of a type newer than itself; the turn alone it always knows, counter-clockwise.
        a, b, c, d = _turn(-frame.rotation)
    mirrored = a * d - b * c < 0
    if mirrored:
        a, c = -a, -c
    clockwise = math.degrees(math.atan2(b, a)) % 360
    nearest = round(clockwise / 90) % 4
    rotation: tuple[Literal[0, 90, 180, 270], ...] = (0, 90, 180, 270)
    return _Orientation(rotation[nearest], mirrored, exact=abs((clockwise - 90 * nearest + 180) % 360 - 180) < 1)


def _turn(clockwise_degrees: float) -> tuple[float, float, float, float]:
    cos, sin = math.cos(math.radians(clockwise_degrees)), math.sin(math.radians(clockwise_degrees))
    return cos, sin, -sin, cos


class _VideoSource:
    """The frames of the best video stream of an open container; see `FrameSource`."""

    def __init__(self, path: Path, container: InputContainer) -> None:
        self._name = display_name(path)
        self._container = container
        self._stream = self._choose_stream()
        self._stream.thread_type = "SLICE"
        self._stream.thread_count = DECODER_THREADS
        self._stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        self.problems: list[str] = []
        self.notes: list[str] = []
        self._packets = 0
        self._failed: list[float | None] = []  # seconds of the packets that could not be decoded
        self._cut_short = False
        self._pictures = self._decode()
        first = next(self._pictures, None)
        if first is None:
            raise VideoError(f"'{self._name}' has a video stream ({self._codec}) but no frame that can be decoded; check that it plays")
        self._first = first
        self._orientation = _orientation(first)
        self.info = self._describe(first)

    def _choose_stream(self) -> VideoStream:
        from av.stream import Disposition

        streams = [stream for stream in self._container.streams.video if not stream.disposition & Disposition.attached_pic]
        if self._container.format.name == "tty" or not streams:
            others = sorted({stream.type for stream in self._container.streams} - {"video"})
            found = f"only {' and '.join(others)}" if others else "only a cover picture" if self._container.streams.video else "nothing"
            raise VideoError(f"'{self._name}' has no video stream ({found}); give the file that holds the picture")
        best = self._container.streams.best("video")
        stream = next((stream for stream in streams if best is not None and stream.index == best.index), streams[0])
        if stream.codec_context is None:
            raise VideoError(f"'{self._name}' is in a video format without a decoder here; convert it to H.264")
        return stream

    @property
    def _codec(self) -> str:
        return self._stream.codec_context.name

    def _describe(self, first: VideoFrame) -> SourceInfo:
        rate = self._stream.average_rate or self._stream.guessed_rate
        width, height = first.width, first.height
        if self._orientation.rotation in (90, 270):
            width, height = height, width
        if not self._orientation.exact:
            self.notes.append(f"the display rotation is not a quarter turn; the nearest, {self._orientation.rotation} degrees, was applied")
        aspect = _fraction(self._stream.sample_aspect_ratio) if self._stream.sample_aspect_ratio else None
        if aspect in (0, 1):
            aspect = None
        if aspect is not None:
            self.notes.append(f"pixels are not square ({aspect.numerator}:{aspect.denominator}); they were left as they are")
        return SourceInfo(
            kind="video",
            width=width,
            height=height,
            rotation=self._orientation.rotation,
            mirrored=self._orientation.mirrored,
            rate=_fraction(rate) if rate else None,
            expected_frames=self._stream.frames or None,
            timestamps="container" if first.pts is not None else "frame rate",
            pixel_aspect=aspect,
            time_base=_fraction(self._stream.time_base) if self._stream.time_base else None,
            codec=self._codec,
        )

    def _decode(self) -> Iterator[VideoFrame]:
        """Yield what the decoder gives, going on after a damaged packet; the decoder is emptied at the end."""
        import av

        for packet in self._packets_of_stream():
            try:
                pictures = self._stream.decode(packet if packet.size else None)
            except EOFError:  # the decoder was emptied already, by a packet of no bytes in the middle
                continue
            except (av.FFmpegError, OSError, ValueError, LookupError, RuntimeError):  # damaged data, no decoder, or one that cannot
                self._failed.append(self._seconds(packet.pts))
                continue
            yield from pictures

    def _packets_of_stream(self) -> Iterator[Packet[VideoStream]]:
        import av

        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.FFmpegError, OSError):
                # The container itself is damaged here: what the decoder still holds are the last frames to be had.
                self._cut_short = True
                yield _flush_packet()
                return
            if packet.size:
                self._packets += 1
                self._cut_short |= packet.is_corrupt
                yield packet
            elif packet.pts is None and packet.dts is None:
                yield packet  # PyAV's last packet, which empties the decoder

    @property
    def _shortest_s(self) -> float:
        return self._announced_s - max(_END_MISSING_S, _END_MISSING_SHARE * self._announced_s)

    @property
    def _announced_s(self) -> float:
        """How long the video should be, where the container says so of the video and not of a sound track; else 0."""
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        alone = all(stream.type == "video" for stream in self._container.streams)
        return (self._container.duration or 0) / 1e6 if alone else 0.0

    def _seconds(self, pts: int | None) -> float | None:
        if pts is None or self._stream.time_base is None:
            return None
        return float((pts - (self._stream.start_time or 0)) * self._stream.time_base)

    def __iter__(self) -> Iterator[Frame]:
        """Yield every decoded frame once, in display order. Raises VideoError at a picture that cannot be converted."""
        import av
        from av.video.reformatter import VideoReformatter

        reformatter = VideoReformatter()  # kept: it reuses its tables for all frames
        stored = (self._first.width, self._first.height)
        clock = _Clock(self._stream, self.info.rate)
        index, damaged, marked, resized = 0, False, 0, 0
        for picture in self._all_pictures():
            # What a damaged frame leaves behind is copied from frame to frame until the next key frame draws everything anew.
            hit = picture.is_corrupt or self._new_failures()
            damaged = hit or (damaged and not picture.key_frame)
            marked += damaged
            resized += (picture.width, picture.height) != stored
            try:
                converted = reformatter.reformat(picture, width=stored[0], height=stored[1], format="bgr24")
            except (av.FFmpegError, OSError, ValueError) as error:
                kind = f"{picture.width} x {picture.height} pixels ({picture.format.name})"
                raise VideoError(f"'{self._name}' has pictures of {kind} that cannot be read here; convert it to H.264") from error
            image = self._orientation.apply(converted.to_ndarray())  # type: ignore[arg-type]  # bgr24 is uint8
            yield Frame(index, clock.time(picture), image, "the video data are damaged here" if damaged else None)
            index += 1
        self._report(index, marked, resized, clock)

    def _all_pictures(self) -> Iterator[VideoFrame]:
        self._seen_failures = 0
        yield self._first
        yield from self._pictures

    def _new_failures(self) -> bool:
        new = len(self._failed) > self._seen_failures
        self._seen_failures = len(self._failed)
        return new

    def _report(self, frames: int, marked: int, resized: int, clock: _Clock) -> None:
        if self._failed:
            seconds = [time for time in self._failed if time is not None]
            where = f" near {max(0.0, min(seconds)):.1f} s" if seconds else ""
            packets = "1 packet" if len(self._failed) == 1 else f"{len(self._failed)} packets"
            self.problems.append(f"{packets} could not be decoded{where}")
        if marked:
            self.problems.append(f"{marked} of {frames} frames show damaged data, up to the next key frame")
        claimed = self._stream.frames
        if self._cut_short:
            self.problems.append(f"the file ends in the middle of a frame after {frames} frames")
        elif claimed and self._packets < claimed:
            # Fewer packets than announced is certain; fewer frames than packets is usual with hidden and dropped frames.
            self.problems.append(f"the file is cut short: {claimed} frames are announced, {frames} could be decoded")
        elif self._failed and claimed and frames < claimed:
            self.problems.append(f"{frames} of {claimed} announced frames could be decoded")
        elif not claimed and clock.end < self._shortest_s:
            announced = f"{self._announced_s:.1f} s are announced"
            self.problems.append(f"the file is cut short: {announced}, the last frame ends at {clock.end:.1f} s")
        if resized:
            self.notes.append(f"{resized} frames had another size in the file and were scaled to that of the first")
        self.notes.extend(clock.notes())


def _flush_packet() -> Packet[VideoStream]:
    from av.packet import Packet

    return Packet()  # type: ignore[return-value]  # of no stream


def _fraction(value: object) -> Fraction:
    """What PyAV gives for a ratio (a Fraction before version 19, an AVRational from there on) as a Fraction."""
    return Fraction(value.numerator, value.denominator)  # type: ignore[attr-defined]


class _Clock:
    """Seconds from the first frame: the container's timestamps, and the frame rate where one is missing or does not grow."""

    def __init__(self, stream: VideoStream, rate: Fraction | None) -> None:
        self._base = stream.time_base
        self._step = float(1 / (rate or _DEFAULT_RATE))
        self._origin: int | None = None
        self._last: float | None = None
        self._missing = self._backwards = 0

    def time(self, picture: VideoFrame) -> float:
        """Return the frame's time in seconds; every call gives more than the one before."""
        base = picture.time_base or self._base
        guess = 0.0 if self._last is None else self._last + self._step
        seconds = guess
        if picture.pts is None or base is None:
            self._missing += 1
        else:
            if self._origin is None:
                # Where the first frames had no timestamp, the first that has one goes on from the guess.
                self._origin = picture.pts - round(guess / float(base))
            seconds = float((picture.pts - self._origin) * base)
            if self._last is not None and seconds <= self._last:
                self._backwards += 1
                seconds = guess
        self._last = seconds
        return seconds

    @property
    def end(self) -> float:
        """When the last frame ends, s."""
        return 0.0 if self._last is None else self._last + self._step

    def notes(self) -> list[str]:
        """Return what had to be made up, one line each."""
        notes = []
        if self._missing:
            notes.append(f"{self._missing} frames had no timestamp; theirs is the frame before plus one over the frame rate")
        if self._backwards:
            notes.append(f"{self._backwards} timestamps did not grow; theirs is the frame before plus one over the frame rate")
        return notes
