"""Recordings of every kind, written from the same pictures: what a clinic's cameras, phones and programs make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from io_clips import QUARTERS, set_display_matrix
from PIL import Image as Pillow

from face_mirror_au.records import Image

RATE = Fraction(24000, 1001)
PQ, HLG, BT2020 = 16, 18, 9
MIRROR = (-1, 0, 0, 1)

Draw = Callable[[Image], Image]


def squeezed(width: int, height: int) -> Draw:
    """The same picture with other pixels: what is shown again with the file's aspect."""
    return lambda picture: cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def letterboxed(width: int, height: int, shown: tuple[int, int]) -> Draw:
    """The picture with black above and below, as a 4:3 camcorder stores it."""

    def draw(picture: Image) -> Image:
        top = (shown[1] - picture.shape[0]) // 2
        canvas = np.zeros((shown[1], shown[0], 3), np.uint8)
        canvas[top : top + picture.shape[0]] = picture
        return cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)

    return draw


@dataclass(frozen=True)
class Kind:
    """One kind of file.

    `stored` is how the pictures are changed before they are encoded, `shift` by how much the face is moved in what is shown, in px.
    """

    codec: str
    suffix: str
    pixel_format: str = "yuv420p"
    rate: Fraction = RATE
    options: dict[str, str] = field(default_factory=dict)
    muxer: str | None = None
    aspect: Fraction | None = None
    stored: Draw | None = None
    shift: tuple[float, float] = (0.0, 0.0)
    matrix: tuple[int, int, int, int] | None = None
    colours: Colorspace | None = None
    full_range: bool = False
    transfer: int = 0
    interlaced: bool = False
    start: int = 0
    gaps: bool = False
    tolerance_px: float = 0.7
    reordered: bool = False

    def write(self, path: Path, pictures: Sequence[Image]) -> list[float]:
        """Write the file; the times of its frames, s from the first."""
        base = Fraction(1, 1000) if self.gaps else 1 / self.rate
        pts = [self.start + (i * 40 + (i % 3) * 7 if self.gaps else i) for i in range(len(pictures))]
        with av.open(str(path), "w", format=self.muxer) as container:
            stream = container.add_stream(self.codec, rate=1000 if self.gaps else self.rate, options=self.options)
            context = stream.codec_context
            drawn = [picture if self.stored is None else self.stored(picture) for picture in pictures]
            stream.height, stream.width = drawn[0].shape[:2]
            stream.pix_fmt = self.pixel_format
            context.time_base = base
            context.gop_size = 12
            if not self.reordered:
                context.max_b_frames = 0
            if self.aspect is not None:
                context.sample_aspect_ratio = self.aspect
            if self.codec in {"mpeg4", "mpeg2video", "mpeg1video", "wmv2", "flv", "mjpeg", "h263"}:
                context.qmin, context.qmax, context.bit_rate = 1, 3, 20_000_000
            if self.colours is not None:
                context.colorspace = self.colours
            if self.full_range:
                context.color_range = ColorRange.JPEG
            if self.transfer:
                context.color_trc, context.color_primaries, context.colorspace = self.transfer, BT2020, BT2020
            for picture, at in zip(drawn, pts, strict=True):
                frame = self._frame(picture)
                frame.pts, frame.time_base = at, base
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        if self.matrix is not None:
            set_display_matrix(path, self.matrix)
        return [float((at - pts[0]) * base) for at in pts]

    def _frame(self, picture: Image) -> av.VideoFrame:
        if self.transfer:
            return hdr_frame(picture, self.transfer)
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        return frame.reformat(
            format=self.pixel_format,
            dst_colorspace=self.colours,
            dst_color_range=ColorRange.JPEG if self.full_range or self.pixel_format.startswith("yuvj") else None,
        )


def hdr_frame(picture: Image, transfer: int) -> av.VideoFrame:
    """An ordinary picture as a HDR camera gives it: its white at 203 cd/m2, colours of BT.2020, ten bits."""
    to_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
    nits = 203 * (picture[:, :, ::-1] / 255.0) ** 2.2 @ to_2020.T
    if transfer == PQ:
        power = (nits / 10_000) ** (2610 / 16384)
        signal = ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    else:
        scene = (nits / 1000) ** (1 / 1.2)
        signal = np.where(scene <= 1 / 12, np.sqrt(3 * scene), 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073)
    r, g, b = np.moveaxis(np.clip(signal, 0, 1), 2, 0)
    y = 0.2627 * r + 0.6780 * g + 0.0593 * b
    planes = [64 + 876 * y, 512 + 896 * (b - y) / 1.8814, 512 + 896 * (r - y) / 1.4746]
    small = [planes[0], *(cv2.resize(plane, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for plane in planes[1:])]
    frame = av.VideoFrame(picture.shape[1], picture.shape[0], "yuv420p10le")
    for plane, values in zip(frame.planes, small, strict=True):
        rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
        rows[:, : plane.width] = np.round(values)
        plane.update(rows.tobytes())
    frame.colorspace, frame.color_range = BT2020, 1
    return frame


def x264(**options: str) -> dict[str, str]:
    return {"crf": "8", "preset": "veryfast", **{name.replace("_", "-"): value for name, value in options.items()}}


QUARTER = {
    90: lambda picture: np.ascontiguousarray(np.rot90(picture, 1)),
    180: lambda picture: np.ascontiguousarray(np.rot90(picture, 2)),
    270: lambda picture: np.ascontiguousarray(np.rot90(picture, 3)),
}
X265 = {"crf": "8", "preset": "ultrafast", "x265-params": "log-level=error"}

VIDEOS = {
    "phone": Kind("libx264", "mp4", options=x264(), reordered=True),
    "editing, 4:2:2": Kind("libx264", "mov", "yuv422p", options=x264()),
    "screen recorder, 4:4:4": Kind("libx264", "mkv", "yuv444p", options=x264()),
    "ten bits": Kind("libx264", "mp4", "yuv420p10le", options=x264()),
    "full range": Kind("libx264", "mp4", "yuvj420p", options=x264(), full_range=True),
    "BT.709": Kind("libx264", "mp4", options=x264(), colours=Colorspace.ITU709),
    "AVCHD": Kind("libx264", "mts", options=x264(), muxer="mpegts"),
    "broadcast": Kind("libx264", "ts", options=x264()),
    "Blu-ray": Kind("libx264", "m2ts", options={**x264()}, muxer="mpegts"),
    "webcam": Kind("libx264", "flv", options=x264()),
    "bare H.264": Kind("libx264", "h264", options=x264(), rate=Fraction(25)),
    "29.97 per second": Kind("libx264", "mp4", options=x264(), rate=Fraction(30000, 1001)),
    "50 per second": Kind("libx264", "mp4", options=x264(), rate=Fraction(50)),
    "120 per second": Kind("libx264", "mov", options=x264(), rate=Fraction(120)),
    "times of its own": Kind("libx264", "mkv", options=x264(), gaps=True),
    "late start": Kind("libx264", "mkv", options=x264(), start=120),
    "HEVC phone": Kind("libx265", "mp4", options=X265),
    "HEVC, ten bits": Kind("libx265", "mkv", "yuv420p10le", options=X265),
    "HDR, PQ": Kind("libx265", "mp4", "yuv420p10le", options=X265, transfer=PQ),
    "HDR, HLG": Kind("libx265", "mov", "yuv420p10le", options=X265, transfer=HLG),
    "call, VP8": Kind("libvpx", "webm", options={"crf": "4", "b": "20M", "deadline": "realtime", "cpu-used": "8"}),
    "call, VP9": Kind("libvpx-vp9", "webm", options={"crf": "8", "b": "0", "deadline": "realtime", "cpu-used": "8"}),
    "AV1": Kind("libsvtav1", "mp4", options={"crf": "10", "preset": "12"}),
    "DivX": Kind("mpeg4", "divx", muxer="avi"),
    "old phone": Kind("mpeg4", "3gp"),
    "photo camera": Kind("mjpeg", "avi", "yuvj422p"),
    "microscope": Kind("mjpeg", "mov", "yuvj420p"),
    "DVD": Kind("mpeg2video", "vob", muxer="vob"),
    "MPEG-2": Kind("mpeg2video", "mpg", rate=Fraction(25)),
    "MPEG-1": Kind("mpeg1video", "mpeg", rate=Fraction(25), muxer="mpeg"),
    "Windows": Kind("wmv2", "wmv", muxer="asf"),
    "ASF": Kind("wmv2", "asf"),
    "Flash": Kind("flv", "flv"),
    "ProRes": Kind("prores_ks", "mov", "yuv422p10le", options={"profile": "3"}),
    "DNxHR": Kind("dnxhd", "mov", "yuv422p", options={"profile": "dnxhr_hq"}),
    "archive": Kind("ffv1", "mkv", "bgr0"),
    "Huffyuv": Kind("huffyuv", "avi", "yuv422p"),
    "uncompressed": Kind("rawvideo", "avi", "bgr24"),
    "uncompressed, YUV4MPEG": Kind("wrapped_avframe", "y4m", "yuv420p"),
    "NUT": Kind("rawvideo", "nut", "yuv444p"),
    "HDV, 4:3 pixels": Kind("libx264", "mp4", options=x264(), aspect=Fraction(4, 3), stored=squeezed(480, 360)),
    "narrow pixels": Kind("libx264", "mp4", options=x264(), aspect=Fraction(8, 9), stored=squeezed(720, 360)),
    "DVD, 16:9": Kind("mpeg2video", "vob", aspect=Fraction(32, 27), stored=squeezed(540, 360), muxer="vob"),
    "DV, NTSC": Kind(
        "dvvideo", "dv", "yuv411p", rate=Fraction(30000, 1001), aspect=Fraction(8, 9), stored=letterboxed(720, 480, (640, 480)),
        shift=(0, 60),
    ),
    "lying, long pixels": Kind(
        "libx264", "mp4", options=x264(), aspect=Fraction(3, 2), stored=lambda p: squeezed(240, 640)(QUARTER[90](p)), matrix=QUARTERS[90]
    ),
    "turned by 90": Kind("libx264", "mp4", options=x264(), stored=QUARTER[90], matrix=QUARTERS[90]),
    "turned by 180": Kind("libx264", "mp4", options=x264(), stored=QUARTER[180], matrix=QUARTERS[180]),
    "turned by 270": Kind("libx264", "mov", options=x264(), stored=QUARTER[270], matrix=QUARTERS[270]),
    "selfie": Kind("libx264", "mp4", options=x264(), stored=lambda p: np.ascontiguousarray(p[:, ::-1]), matrix=MIRROR),
    "interlaced": Kind("libx264", "mp4", options=x264(x264_params="tff=1"), interlaced=True),
}  # fmt: skip


def write_animation(path: Path, pictures: Sequence[Image], ms: int) -> list[float]:
    """An animated WebP, PNG, GIF or AVIF."""
    first, *others = (Pillow.fromarray(picture[:, :, ::-1]) for picture in pictures)
    quality = {"lossless": True} if path.suffix == ".webp" else {"quality": 95} if path.suffix == ".avif" else {}
    first.save(path, save_all=True, append_images=others, duration=ms, loop=0, **quality)
    return [i * ms / 1000 for i in range(len(pictures))]
