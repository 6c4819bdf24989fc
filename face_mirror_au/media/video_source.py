"""The frames of a video file through PyAV: each once, as it is shown, with the container's time."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from face_mirror_au.errors import UsageError, VideoError
from face_mirror_au.files import display_name
from face_mirror_au.media.clock import Clock
from face_mirror_au.media.colours import TRANSFERS, tone_mapped
from face_mirror_au.media.completeness import Announced
from face_mirror_au.media.geometry import Geometry, geometry_of, usable_aspect
from face_mirror_au.media.interlaced import Deinterlacer
from face_mirror_au.media.planes import DecodedFrame, Planes, planes_of
from face_mirror_au.media.source import MAX_PIXELS, WHOLE, Reading, SourceInfo
from face_mirror_au.records import Frame, Image
from face_mirror_au.wording import counted

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

# Slices, not frames, are decoded in parallel: with frame threads a damaged file gives other pixels for another number of threads, an error
# takes intact frames with it, and the gain is small (1080p H.264, 2 cores: 203 against 232 frames/s; one thread 165).
DECODER_THREADS = 2
# Where pixels are not square and pictures are scaled: FFmpeg's SWS_LANCZOS, SWS_ACCURATE_RND and SWS_FULL_CHR_H_INT. Of what FFmpeg offers,
# action units come out nearest to those of a square-pixel recording (AU45 0.06 apart on average, bicubic 0.11).
_SCALING = 0x200 | 0x40000 | 0x2000


class VideoSource:
    """The frames of the best video stream of an open container; see `FrameSource`.

    The first two pictures are decoded at once: a file without any fails here, and one of a single frame is an image.
    """

    def __init__(self, path: Path, container: InputContainer, reading: Reading = WHOLE) -> None:
        self._path = path
        self._name = display_name(path)
        self._reading = reading
        self._container = container
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self._stream = self._choose_stream()
        self._stream.thread_type = "SLICE"
        self._stream.thread_count = DECODER_THREADS
        self._stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        self._packets = 0
        self._failed: list[float | None] = []  # seconds of the packets that could not be decoded
        self._cut_short = False
        self._pictures = self._decode()
        begun = next(self._pictures, None)
        if begun is None:
            raise VideoError(f"'{self._name}' has a video stream ({self._codec}) but no frame that can be decoded; check that it plays")
        self._container_aspect = self._own_aspect()
        self._transfer = 0
        self._geometry = self._geometry_now(begun[0])
        second = next(self._pictures, None)
        self._ahead = [begun] if second is None else [begun, second]
        self._colours = begun[0].colorspace
        self.info = self._describe(begun[0])

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
        if len(streams) > 1:
            taken = f"number {streams.index(stream) + 1} was read; if the face is in another, copy that one to a file of its own"
            self.warnings.append(f"the file has {len(streams)} video streams: {taken}")
        return stream

    @property
    def _codec(self) -> str:
        return self._stream.codec_context.name

    def _own_aspect(self) -> Fraction | None:
        """The pixel aspect that the container gives beside that of the video data, which it overrules; None where it gives none."""
        said, coded = (_fraction(each.sample_aspect_ratio) for each in (self._stream, self._stream.codec_context))
        return said if said and said != coded else None

    def _geometry_now(self, picture: VideoFrame) -> Geometry:
        """How a picture that was just decoded is shown; also notes its brightness curve."""
        context = self._stream.codec_context
        self._transfer = context.color_trc if context.color_trc in TRANSFERS else 0
        aspect = self._container_aspect or _fraction(context.sample_aspect_ratio)
        return geometry_of(picture, usable_aspect(aspect, picture.width, picture.height))

    def _describe(self, first: VideoFrame) -> SourceInfo:
        rate = _fraction(self._stream.average_rate or self._stream.guessed_rate)
        geometry, base = self._geometry, _fraction(self._stream.time_base)
        width, height = geometry.shown_size
        if not geometry.exact:
            self.notes.append(f"the display rotation is not a quarter turn; the nearest, {geometry.rotation} degrees, was applied")
        if geometry.aspect is not None:
            shape = f"{geometry.aspect.numerator}:{geometry.aspect.denominator}"
            sizes = f"pictures of {first.width} x {first.height} were scaled to {width} x {height}"
            self.notes.append(f"pixels are not square ({shape}): {sizes}")
        if self._transfer:
            self.notes.append(f"the video is HDR ({TRANSFERS[self._transfer]}): its brightness was mapped to that of an ordinary screen")
        return SourceInfo(
            kind="video" if len(self._ahead) > 1 else "image",
            width=width,
            height=height,
            rotation=geometry.rotation,
            mirrored=geometry.mirrored,
            rate=rate,
            expected_frames=self._stream.frames or None,
            timestamps="container" if first.pts is not None else "frame rate",
            pixel_aspect=geometry.aspect,
            time_base=base,
            codec=self._codec,
            start_time=None if first.pts is None or base is None else float(first.pts * base),
            duration_s=self._duration_s(first),
        )

    def _duration_s(self, first: VideoFrame) -> float | None:
        """How long the recording is by its container; Matroska's ends count from the file's zero, and may be those of the sound."""
        base, begun_s = _fraction(self._stream.time_base), 0.0
        if base and self._stream.duration:
            return float(self._stream.duration * base)
        if base and first.pts is not None:
            begun_s = float(first.pts * base)
        end_s = (self._container.duration or 0) / 1e6
        return end_s - begun_s if end_s > begun_s else end_s or None

    def _decode(self) -> Iterator[tuple[VideoFrame, int]]:
        """Yield what the decoder gives, going on after a damaged packet, and how many failed so far; the decoder is emptied at the end."""
        import av

        for packet in self._packets_of_stream():
            try:
                pictures = self._stream.decode(packet if packet.size else None)
            except EOFError:  # the decoder was emptied already, by a packet of no bytes in the middle
                continue
            except (av.FFmpegError, OSError, ValueError, LookupError, RuntimeError):  # damaged data, no decoder, or one that cannot
                self._failed.append(self._seconds(packet.pts))
                continue
            yield from ((picture, len(self._failed)) for picture in pictures)

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
    def _announced(self) -> Announced:
        base, seconds = _fraction(self._stream.time_base), 0.0
        if base and self._stream.duration:
            seconds = float(self._stream.duration * base)
        elif all(stream.type == "video" for stream in self._container.streams):  # else it is perhaps a sound track's
            seconds = (self._container.duration or 0) / 1e6
        return Announced(self._stream.frames, seconds, self.info.start_time or 0.0)

    def _seconds(self, pts: int | None) -> float | None:
        if pts is None or self._stream.time_base is None:
            return None
        return float((pts - (self._stream.start_time or 0)) * self._stream.time_base)

    def __iter__(self) -> Iterator[Frame]:
        """Yield every decoded frame once, in display order. Raises VideoError at a picture that cannot be converted."""
        from av.video.reformatter import VideoReformatter

        reformatter = VideoReformatter()  # kept: it reuses its tables for all frames
        reading, geometry = self._reading, self._geometry
        offset = (self.info.start_time or 0.0) if reading.timestamps == "container" else 0.0
        clock = Clock(self._stream, self.info.rate)
        halves = Deinterlacer(self.info.time_base)
        index = marked = seen = changed = 0
        shape, over = None, False
        for picture, damaged in halves.process(self._all_pictures(clock)):
            time_s = clock.time(picture)
            over = reading.is_over(time_s)
            if over:
                break
            if not reading.begins_by(time_s):
                continue
            seen += 1
            marked += damaged
            # All of a picture's geometry is looked at only where it can have changed.
            now = (picture.width, picture.height, picture.rotation)
            if now != shape or picture.key_frame:
                shape, before = now, geometry
                geometry = self._geometry_now(picture)
                changed += geometry.shown_size != before.shown_size or geometry.rotation != before.rotation
            if (seen - 1) % reading.every:
                continue
            image = self._converted(picture, geometry, reformatter)
            problem = "the video data are damaged here" if damaged else None
            yield DecodedFrame(index, time_s + offset, image, problem, self._planes(picture, geometry))
            index += 1
        if not index:
            raise UsageError(f"no frame of '{self._name}' lies in the part that was asked for", "start")
        self._report(seen, marked, clock, whole=reading.start_s == 0.0 and not over)
        self.notes.extend(self._changes(changed, halves, seen))

    def _converted(self, picture: VideoFrame, geometry: Geometry, reformatter: VideoReformatter) -> Image:
        import av

        width, height = geometry.width, geometry.height
        try:
            if self._transfer:
                return np.ascontiguousarray(geometry.turn(tone_mapped(picture, reformatter, width, height, self._transfer)))
            how = None if width == picture.width else _SCALING
            converted = reformatter.reformat(picture, width=width, height=height, format="bgr24", interpolation=how)
        except (av.FFmpegError, OSError, ValueError) as error:
            kind = f"{picture.width} x {picture.height} pixels ({picture.format.name})"
            raise VideoError(f"'{self._name}' has pictures of {kind} that cannot be read here; convert it to H.264") from error
        return np.ascontiguousarray(geometry.turn(converted.to_ndarray()))  # type: ignore[arg-type]  # bgr24 is uint8

    def _planes(self, picture: VideoFrame, geometry: Geometry) -> Planes | None:
        """What is stored of a picture, where it is as that of the video's first picture."""
        if self._transfer or geometry.shown_size != (self.info.width, self.info.height):
            return None
        return planes_of(picture, geometry) if picture.colorspace == self._colours else None

    def _all_pictures(self, clock: Clock) -> Iterator[tuple[VideoFrame, bool]]:
        """Every picture from the start of the part that is read, or from before it, and whether it is damaged."""
        damaged, failures = False, 0
        for picture, failed in self._wound_to_start(clock):
            # What a damaged frame leaves behind is copied from frame to frame until the next key frame draws everything anew.
            hit = picture.is_corrupt or failed > failures
            failures = failed
            damaged = hit or (damaged and not picture.key_frame)
            yield picture, damaged

    def _wound_to_start(self, clock: Clock) -> Iterator[tuple[VideoFrame, int]]:
        first, start = self._ahead[0][0], self._reading.start_s
        base = first.time_base or self._stream.time_base
        if start > 0.0 and first.pts is not None and base is not None:
            clock.time(first)  # times count from here
            clock.jump()
            wanted = first.pts + int(start / float(base))
            for target in (wanted, first.pts):
                found = self._wind(target)
                # A file without an index may be wound to a place behind the wanted one.
                if found is not None and found[0].pts is not None and (found[0].pts <= wanted or target == first.pts):
                    yield found
                    yield from self._pictures
                    return
            raise VideoError(f"'{self._name}' cannot be read from a place within it; convert it to H.264, or leave the start out")
        yield from self._ahead
        yield from self._pictures

    def _wind(self, pts: int) -> tuple[VideoFrame, int] | None:
        """Go to the key frame before a timestamp; the first picture there."""
        import av

        try:
            self._container.seek(pts, stream=self._stream, backward=True)
        except (av.FFmpegError, OSError, ValueError):
            return None
        self._failed.clear()
        self._cut_short = False
        self._pictures = self._decode()
        return next(self._pictures, None)

    def _report(self, frames: int, marked: int, clock: Clock, *, whole: bool) -> None:
        if self._failed:
            seconds = [time for time in self._failed if time is not None]
            where = f" near {max(0.0, min(seconds)):.1f} s" if seconds else ""
            packets = "1 packet" if len(self._failed) == 1 else f"{len(self._failed)} packets"
            self.problems.append(f"{packets} could not be decoded{where}")
        if marked:
            self.problems.append(f"{marked} of {frames} frames show damaged data, up to the next key frame")
        claimed = self._stream.frames
        missing = self._announced.missing(self._path, self._packets, frames, clock.end, clock.step) if whole else ""
        if self._cut_short:
            self.problems.append(f"the file ends in the middle of a frame after {frames} frames")
        elif missing:
            self.problems.append(f"the file is cut short: {missing}")
        elif whole and self._failed and claimed and frames < claimed:
            self.problems.append(f"{frames} of {claimed} announced frames could be decoded")
        self.notes.extend(clock.notes())

    def _changes(self, changed: int, halves: Deinterlacer, frames: int) -> Iterator[str]:
        if changed:
            times = "once" if changed == 1 else f"{changed} times"
            yield f"the video changes its size or rotation {times}: each part was measured as it is shown"
        if halves.frames:
            done = "could not be made one: moving edges are combed" if halves.failed else "were made one (bwdif)"
            yield f"{counted(min(halves.frames, frames), 'frame')} of {frames} were interlaced; their two half pictures {done}"


def _flush_packet() -> Packet[VideoStream]:
    from av.packet import Packet

    return Packet()  # type: ignore[return-value]  # of no stream


def _fraction(value: object) -> Fraction | None:
    """What PyAV gives for a ratio (a Fraction before version 19, an AVRational from there on) as a Fraction; None for none, 0/0 and 0."""
    if not value or not value.denominator:  # type: ignore[attr-defined]
        return None
    return Fraction(value.numerator, value.denominator) or None  # type: ignore[attr-defined]
