"""What lies between a face and the pixels of a recording: glasses, things in front of the face, focus, exposure, noise, compression."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Image = NDArray[np.uint8]

# iBUG: the eyes' outer and inner corners and the ears' ends of the jaw line, the subject's right first.
_EYES = ((36, 39), (42, 45))
_TEMPLES = (0, 16)


@dataclass(frozen=True)
class Glasses:
    """Glasses, drawn flat in front of the eyes.

    Attributes
    ----------
    width, height : float
        Of a lens, in lengths of the eye.
    thickness : float
        Of the frame, in lengths of the eye.
    colour : (int, int, int)
        Of the frame, B, G, R.
    tint : float
        How much of the light the lenses take, 0 to 1.
    round : bool
    """

    width: float = 1.7
    height: float = 1.3
    thickness: float = 0.08
    colour: tuple[int, int, int] = (30, 28, 26)
    tint: float = 0.05
    round: bool = True

    @classmethod
    def sample(cls, generator: np.random.Generator) -> Glasses:
        """A random pair."""
        grey = int(generator.integers(10, 120))
        return cls(
            width=float(generator.uniform(1.5, 2.0)),
            height=float(generator.uniform(1.0, 1.6)),
            thickness=float(generator.uniform(0.03, 0.14)),
            colour=(grey, max(grey - 8, 0), max(grey - 14, 0)),
            tint=float(generator.uniform(0.0, 0.15)),
            round=bool(generator.random() < 0.5),
        )

    def draw(self, image: Image, landmarks: Float) -> None:
        """Draw onto the picture, in place; landmarks (68, 2) px. They sit on the eyes' corners, which no expression moves."""
        length = float(np.mean([np.linalg.norm(landmarks[outer] - landmarks[inner]) for outer, inner in _EYES]))
        across = landmarks[_EYES[1][1]] - landmarks[_EYES[0][0]]
        angle = float(np.degrees(np.arctan2(across[1], across[0])))
        width = max(1, round(self.thickness * length))
        centres = [(landmarks[outer] + landmarks[inner]) / 2 for outer, inner in _EYES]
        for centre, temple in zip(centres, _TEMPLES, strict=True):
            outline = _outline(centre, angle, self.width * length, self.height * length, self.round)
            mask = np.zeros(image.shape[:2], np.uint8)
            cv2.fillPoly(mask, [outline], 255, cv2.LINE_AA, 4)
            image[mask > 127] = (image[mask > 127] * (1 - self.tint)).astype(np.uint8)
            cv2.polylines(image, [outline], True, self.colour, width, cv2.LINE_AA, 4)
            edge = outline[np.argmin(np.linalg.norm(outline / 16 - landmarks[temple], axis=1))]
            end = landmarks[temple] + 0.25 * (centre - landmarks[temple])
            cv2.line(image, _fixed(edge / 16), _fixed(end), self.colour, width, cv2.LINE_AA, 4)
        bridge = centres[1] - centres[0]
        share = 0.5 * self.width * length / max(float(np.linalg.norm(bridge)), 1e-6)
        cv2.line(image, _fixed(centres[0] + share * bridge), _fixed(centres[1] - share * bridge), self.colour, width, cv2.LINE_AA, 4)


@dataclass(frozen=True)
class Camera:
    """How the picture is recorded.

    Attributes
    ----------
    blur_px : float
        Standard deviation of the focus blur.
    motion_px : float
        Length of the blur by motion, across.
    gain : float
        Exposure.
    gamma : float
    balance : (float, float, float)
        Gains of B, G, R.
    noise : float
        Grey levels.
    jpeg : int
        Quality, 1 to 100; 100: none.
    scale : float
        The picture is recorded this much smaller and scaled up again; 1: not.
    """

    blur_px: float = 0.0
    motion_px: float = 0.0
    gain: float = 1.0
    gamma: float = 1.0
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    noise: float = 1.5
    jpeg: int = 100
    scale: float = 1.0

    @classmethod
    def sample(cls, generator: np.random.Generator) -> Camera:
        """A random one, from a good camera to a poor webcam."""
        poor = generator.random()
        return cls(
            blur_px=float(max(0.0, generator.uniform(-0.6, 0.4 + 0.8 * poor))),
            motion_px=float(max(0.0, generator.uniform(-6.0, 3.0 * poor))),
            gain=float(generator.uniform(0.7, 1.25)),
            gamma=float(generator.uniform(0.8, 1.25)),
            balance=tuple(float(value) for value in generator.uniform(0.92, 1.08, 3)),  # type: ignore[arg-type]
            noise=float(generator.uniform(0.3, 1.5 + 4.0 * poor)),
            jpeg=int(generator.integers(35, 101)),
            scale=float(min(1.0, generator.uniform(0.55, 1.5))),
        )

    def record(self, image: Image, generator: np.random.Generator) -> Image:
        """The picture as this camera stores it: (H, W, 3) uint8 BGR, a new array."""
        height, width = image.shape[:2]
        linear = image.astype(np.float32) / 255
        if self.blur_px > 0:
            linear = np.asarray(cv2.GaussianBlur(linear, (0, 0), self.blur_px), np.float32)
        if self.motion_px >= 1:
            size = 2 * int(self.motion_px / 2) + 1
            linear = np.asarray(cv2.blur(linear, (size, 1)), np.float32)
        linear = np.clip(linear * np.float32(self.gain) * np.array(self.balance, np.float32), 0, 1) ** np.float32(self.gamma)
        if self.scale < 1:
            small = cv2.resize(linear, (round(width * self.scale), round(height * self.scale)), interpolation=cv2.INTER_AREA)
            linear = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
        grain = generator.standard_normal(image.shape, dtype=np.float32) * np.float32(self.noise)
        stored: Image = np.clip(255 * linear + grain + 0.5, 0, 255).astype(np.uint8)
        if self.jpeg < 100:
            _, data = cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, self.jpeg])
            stored = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
        return stored


def cover(image: Image, landmarks: Float, generator: np.random.Generator) -> None:
    """Something in front of the face's edge (a hand, hair, a microphone): a blotch that hides up to a fifth of it, in place."""
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    size = float((high - low).mean())
    at = landmarks[int(generator.integers(17))]  # somewhere on the jaw line
    axes = (max(1, round(size * generator.uniform(0.08, 0.22))), max(1, round(size * generator.uniform(0.08, 0.30))))
    colour = tuple(float(value) for value in generator.uniform(20, 200, 3))
    cv2.ellipse(image, (round(float(at[0])), round(float(at[1]))), axes, float(generator.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)


def _outline(centre: Float, angle: float, width: float, height: float, rounded: bool) -> NDArray[np.int32]:
    """Polygon of a lens, (n, 2) int32 in sixteenths of a pixel."""
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    power = 1.0 if rounded else 0.5  # a superellipse of exponent 4 is a rounded rectangle
    x = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power * width / 2
    y = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power * height / 2
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    points = np.stack([centre[0] + c * x - s * y, centre[1] + s * x + c * y], axis=1)
    return np.round(points * 16).astype(np.int32)


def _fixed(point: NDArray[np.floating]) -> tuple[int, int]:
    return round(float(point[0]) * 16), round(float(point[1]) * 16)
