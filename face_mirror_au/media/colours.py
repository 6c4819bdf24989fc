"""HDR pictures as those of an ordinary screen: brightness in ten bits and more, in BT.2020's colours, becomes 8-bit BGR.

Sources: ITU-R BT.2100-2 (PQ, HLG), BT.2408 (diffuse white at 203 cd/m2), BT.2087 (BT.2020 to BT.709); above the knee, Reinhard's curve.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from face_mirror_au.opencv import opencv
from face_mirror_au.records import Float32Array, Image

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter

PQ, HLG = 16, 18  # FFmpeg's AVCOL_TRC_SMPTE2084 and AVCOL_TRC_ARIB_STD_B67
TRANSFERS = {PQ: "PQ", HLG: "HLG"}
_WHITE = 203.0  # cd/m2
_PEAK = 1000.0  # cd/m2: what HLG is defined for, and most PQ is graded for
_KNEE = 0.75  # of diffuse white: below it nothing is changed, so that faces keep their contrast
_GAMMA = 2.2
_LEVELS = 4096  # of tables: twelve bits
_TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], dtype=np.float32)


def tone_mapped(picture: VideoFrame, reformatter: VideoReformatter, width: int, height: int, transfer: int) -> Image:
    """A decoded HDR picture as (height, width, 3) uint8 BGR."""
    deep = reformatter.reformat(picture, width=width, height=height, format="rgb48le").to_ndarray().astype(np.uint16, copy=False)
    light = np.take(_light(transfer), deep >> 4)  # relative to diffuse white
    screen = opencv().transform(light, _TO_BT709[::-1].copy())  # RGB to BGR on the way
    top = _PEAK / _WHITE
    shown: Image = np.take(_shown(), (np.clip(screen, 0.0, top) * np.float32((_LEVELS - 1) / top)).astype(np.uint16))
    return shown


@cache
def _light(transfer: int) -> Float32Array:
    """Light of each of 4096 signal levels, 1 is diffuse white."""
    signal = np.arange(_LEVELS) / (_LEVELS - 1)
    if transfer == PQ:
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        power = signal ** (1 / m2)
        nits = 10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    else:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
        nits = _PEAK * scene**1.2  # the system gamma of a screen of 1000 cd/m2, for each colour by itself
    return (nits / _WHITE).astype(np.float32)


@cache
def _shown() -> Image:
    """The 8-bit signal of each of 4096 levels of light up to the peak."""
    light = np.linspace(0, _PEAK / _WHITE, _LEVELS)
    room, above = 1 - _KNEE, np.maximum(light - _KNEE, 0) / (1 - _KNEE)
    longest = (_PEAK / _WHITE - _KNEE) / room
    mapped = np.where(light <= _KNEE, light, _KNEE + room * above * (1 + above / longest**2) / (1 + above))
    levels: Image = np.round(255 * mapped ** (1 / _GAMMA)).astype(np.uint8)
    return levels
