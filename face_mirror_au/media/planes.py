"""Pictures as most videos store them: brightness, and colours at half the size. What a mirrored video is made of without a detour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from face_mirror_au.media.geometry import Geometry
from face_mirror_au.records import Frame, Image

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

FORMAT = "yuv420p"
# Of limited range: black, and no colour.
BLACK_LUMA, GREY = 16, 128
# FFmpeg's AVCOL_RANGE_JPEG, AVCOL_SPC_UNSPECIFIED and AVCOL_SPC_BT470BG: BT.601, which is what readers take for the unspecified one.
_FULL_RANGE, _UNSPECIFIED, BT601 = 2, 2, 5


@dataclass(frozen=True, slots=True)
class Planes:
    """A picture of even size in 4:2:0 with 8 bits of limited range.

    Attributes
    ----------
    luma : ndarray, (H, W) uint8
    blue, red : ndarray, (H / 2, W / 2) uint8
        Cb and Cr. Rows of all three are contiguous.
    colours : int
        FFmpeg's number of the colour matrix (AVColorSpace).
    """

    luma: Image
    blue: Image
    red: Image
    colours: int

    def frame(self) -> VideoFrame:
        """A frame for an encoder, in memory of its own."""
        from av import VideoFrame

        height, width = self.luma.shape
        frame = VideoFrame(width, height, FORMAT)
        for place, plane in zip(_stored(frame), (self.luma, self.blue, self.red), strict=True):
            place[:] = plane
        return frame


@dataclass(frozen=True, slots=True)
class DecodedFrame(Frame):
    """A frame of a video file.

    Attributes
    ----------
    planes : Planes or None
        What the file holds, in display orientation, where it is of this kind and has the video's size; `image` is made of it.
    """

    planes: Planes | None = None


def planes_of(picture: VideoFrame, geometry: Geometry) -> Planes | None:
    """The planes of a decoded picture as it is shown, not a copy where it is not turned; None where it is of another kind."""
    if picture.format.name != FORMAT or picture.color_range == _FULL_RANGE or geometry.width != picture.width:
        return None
    if picture.width % 2 or picture.height % 2:
        return None
    luma, blue, red = map(geometry.turn, _stored(picture))
    return Planes(luma, blue, red, BT601 if picture.colorspace == _UNSPECIFIED else int(picture.colorspace))


def _stored(picture: VideoFrame) -> list[Image]:
    """What a frame's memory holds of each plane, not a copy."""
    return [
        np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width] for plane in picture.planes
    ]
