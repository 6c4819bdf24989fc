"""How a person looks: colours of skin, hair and eyes, and the texture that is painted from them onto the mesh."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from training.render.ict import LANDMARK_VERTICES, FaceModel
from training.render.raster import interpolate, rasterize

Float = NDArray[np.float32]
Colour = tuple[float, float, float]

FACE_TILE = 1024
HEAD_TILE = 512
EYE_TILE = 256
ATLAS_SIZE = (FACE_TILE + HEAD_TILE, FACE_TILE)  # width, height
_HEAD_AT = (FACE_TILE, 0)
_EYE_AT = (FACE_TILE, HEAD_TILE)
_TEETH_AT = (FACE_TILE + EYE_TILE + 64, HEAD_TILE + 64)
_GUMS_AT = (FACE_TILE + EYE_TILE + 192, HEAD_TILE + 64)
# Centre (x on both sides, y, z) and radius in cm, strength: cheeks, nose, ears, chin.
_RED_PLACES = (((4.6, 0.3, 9.0), 1.9, 0.9), ((0.0, 0.6, 12.8), 1.2, 0.8), ((8.5, 2.0, 0.5), 2.2, 0.7), ((0.0, -6.3, 11.0), 1.3, 0.4))
EYE_TILE_CM = 3.2  # side of the square around the eye's axis that the eye tile shows

# B, G, R, 0-255, sRGB; from very light to very dark.
SKIN_TONES: tuple[Colour, ...] = (
    (180, 200, 232),
    (156, 182, 222),
    (132, 163, 208),
    (104, 138, 186),
    (80, 112, 160),
    (58, 84, 126),
    (44, 62, 96),
)
HAIR_COLOURS: tuple[Colour, ...] = (
    (24, 24, 28),
    (30, 38, 52),
    (40, 58, 84),
    (70, 105, 140),
    (90, 140, 175),
    (120, 122, 124),
    (40, 62, 115),
)
IRIS_COLOURS: tuple[Colour, ...] = ((30, 48, 74), (40, 68, 98), (58, 96, 92), (120, 100, 72), (110, 92, 84))
SHIRT_COLOURS: tuple[Colour, ...] = ((120, 70, 50), (60, 60, 62), (180, 178, 172), (60, 80, 140), (90, 110, 70))


@dataclass(frozen=True)
class Appearance:
    """Colours are B, G, R in 0-255 (sRGB); the rest are fractions of a plausible maximum unless a unit is given."""

    skin: Colour = SKIN_TONES[1]
    lips: float = 0.55
    redness: float = 0.5
    brow: Colour = HAIR_COLOURS[2]
    brow_thickness_cm: float = 0.75
    brow_density: float = 0.8
    hair: Colour = HAIR_COLOURS[2]
    hair_volume_cm: float = 0.7
    hairline_cm: float = 0.0
    iris: Colour = IRIS_COLOURS[1]
    stubble: float = 0.0
    lashes: float = 0.6
    iris_size: float = 1.0  # as a share of the mean adult's visible iris
    shirt: Colour = SHIRT_COLOURS[0]
    seed: int = 0

    @classmethod
    def sample(cls, generator: np.random.Generator) -> Appearance:
        """A random but plausible person; darker skin comes with darker hair and eyes."""
        tone = int(generator.integers(len(SKIN_TONES)))
        hair = HAIR_COLOURS[int(generator.integers(len(HAIR_COLOURS) if tone < 3 else 2))]
        iris = IRIS_COLOURS[int(generator.integers(len(IRIS_COLOURS) if tone < 3 else 2))]
        jitter = generator.uniform(0.93, 1.07) * generator.uniform(0.98, 1.02, 3)
        return cls(
            skin=_triple(np.clip(np.array(SKIN_TONES[tone]) * jitter, 0, 255)),
            lips=float(generator.uniform(0.25, 0.9)),
            redness=float(generator.uniform(0.1, 1.0)),
            brow=_triple(np.array(hair) * generator.uniform(0.35, 0.75)),
            brow_thickness_cm=float(generator.uniform(0.5, 1.0)),
            brow_density=float(generator.uniform(0.65, 1.0)),
            hair=hair,
            hair_volume_cm=float(generator.uniform(0.2, 1.3)),
            hairline_cm=float(generator.uniform(-0.8, 0.8)),
            iris=iris,
            stubble=float(generator.choice([0.0, 0.0, generator.uniform(0.1, 0.6)])),
            lashes=float(generator.uniform(0.3, 0.9)),
            shirt=SHIRT_COLOURS[int(generator.integers(len(SHIRT_COLOURS)))],
            seed=int(generator.integers(2**31)),
        )


@dataclass(frozen=True)
class Painter:
    """Paints textures for one `FaceModel`. Making it takes about half a second, a texture about 0.2 s.

    Attributes
    ----------
    model
    corners : (M, 3, 2) float32
        Place of each triangle's corners in the atlas, px (x, y), pixel centres at integers.
    """

    model: FaceModel
    corners: Float = field(init=False, repr=False)
    _face_positions: Float = field(init=False, repr=False)
    _head_positions: Float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        corners = _atlas_corners(self.model)
        object.__setattr__(self, "corners", corners)
        object.__setattr__(self, "_face_positions", _position_map(self.model, corners, "M_Face", (0, 0), FACE_TILE))
        object.__setattr__(self, "_head_positions", _position_map(self.model, corners, "M_BackHead", _HEAD_AT, HEAD_TILE))

    def paint(self, appearance: Appearance) -> NDArray[np.uint8]:
        """Texture (1024, 1536, 3) uint8 BGR: face, back of the head, eye, teeth, gums."""
        generator = np.random.default_rng(appearance.seed)
        atlas = np.zeros((ATLAS_SIZE[1], ATLAS_SIZE[0], 3), dtype=np.float32)
        atlas[:] = appearance.skin
        face = self._paint_face(appearance, generator)
        head = _paint_skin(self._head_positions, appearance, generator)
        atlas[:FACE_TILE, :FACE_TILE] = _hair_and_shirt(face, self._face_positions, appearance, generator)
        atlas[:HEAD_TILE, FACE_TILE:] = _hair_and_shirt(head, self._head_positions, appearance, generator)
        x, y = _EYE_AT
        atlas[y : y + EYE_TILE, x : x + EYE_TILE] = _paint_eye(appearance, generator)
        for (x, y), colour in ((_TEETH_AT, (196, 214, 222)), (_GUMS_AT, (84, 82, 150))):
            atlas[y - 40 : y + 40, x - 40 : x + 40] = colour
        return np.asarray(np.clip(atlas + 0.5, 0, 255), np.uint8)

    def _paint_face(self, appearance: Appearance, generator: np.random.Generator) -> Float:
        positions = self._face_positions
        points = self._landmarks()
        scale = self._pixels_per_cm()
        image = _paint_skin(positions, appearance, generator)
        lips = np.array(appearance.skin, np.float32) * (0.72, 0.66, 0.90) * (1 - 0.25 * appearance.lips)
        outer, inner = _filled(_spline(points[48:60]), 0.07 * scale), _filled(_spline(points[60:68]), 0.05 * scale)
        furrows = 1 + 0.08 * _noise(generator, FACE_TILE, 256)[..., None]
        image = _mix(image, lips * furrows, (0.45 + 0.5 * appearance.lips) * outer)
        image = _mix(image, np.array(lips) * 0.5, 0.8 * inner)
        for brow in (points[17:22][::-1], points[22:27]):
            image = self._paint_brow(image, brow, scale, appearance, generator)
        for upper, lower in (((36, 37, 38, 39), (36, 41, 40, 39)), ((42, 43, 44, 45), (42, 47, 46, 45))):
            lash = np.array(appearance.brow) * 0.45
            image = _mix(image, lash, appearance.lashes * _stroke(_spline(points[list(upper)], closed=False), 0.13 * scale))
            image = _mix(image, lash, 0.45 * appearance.lashes * _stroke(_spline(points[list(lower)], closed=False), 0.07 * scale))
        return image

    def _paint_brow(self, image: Float, points: Float, scale: float, appearance: Appearance, generator: np.random.Generator) -> Float:
        """Hairs from the inner end outwards, over a soft shade. The points go from the inner to the outer end."""
        curve = _spline(points, closed=False)
        along = np.gradient(curve, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        up = np.stack([along[:, 1], -along[:, 0]], axis=1)
        up *= np.where(up[:, 1:] > 0, -1.0, 1.0)
        t = np.linspace(0, 1, len(curve))
        half = 0.5 * scale * appearance.brow_thickness_cm * (1 - 0.65 * t**2) * np.minimum(1, 0.55 + 3 * t)
        shape = np.concatenate([curve + half[:, None] * up, (curve - half[:, None] * up)[::-1]])
        image = _mix(image, appearance.brow, 0.6 * appearance.brow_density * _filled(shape, 0.10 * scale))
        hairs = np.zeros(image.shape[:2], np.uint8)
        for _ in range(int(500 * appearance.brow_density)):
            at = int(generator.integers(len(curve)))
            across = generator.uniform(-1, 1)
            root = curve[at] + across * half[at] * up[at]
            tilt = (0.9 - 0.9 * t[at]) - 0.35 * across
            tip = root + scale * generator.uniform(0.25, 0.45) * (along[at] + tilt * up[at]) / np.hypot(1, tilt)
            ends = [(int(x * 16), int(y * 16)) for x, y in (root, tip)]
            cv2.line(hairs, ends[0], ends[1], int(generator.integers(130, 256)), 1, cv2.LINE_AA, 4)
        return _mix(image, np.array(appearance.brow) * 0.8, 0.85 * hairs.astype(np.float32) / 255)

    def _landmarks(self) -> Float:
        """The 68 points in the face tile: (68, 2) float32, px."""
        of_face = self.model.material_triangles("M_Face")
        place = np.zeros((len(self.model.mean), 2), np.float32)
        place[self.model.triangles[of_face].ravel()] = self.corners[of_face].reshape(-1, 2)
        return place[LANDMARK_VERTICES]

    def _pixels_per_cm(self) -> float:
        points, vertices = self._landmarks(), self.model.mean[LANDMARK_VERTICES]
        return float(np.linalg.norm(points[45] - points[36]) / np.linalg.norm(vertices[45] - vertices[36]))


def hair_field(positions: Float, hairline_cm: float = 0.0) -> Float:
    """How far inside the hair a point of the mean face lies, cm, negative outside: (...,) float32 from (..., 3) float32."""
    x, y, z = positions[..., 0], positions[..., 1], positions[..., 2]
    front = y - (10.0 - hairline_cm - 0.05 * x**2)
    side = np.minimum(4.0 - z + 0.35 * (y - 5), y - 2.2)
    back = np.minimum(-1.5 - z, y + 4.0)
    ear = (np.abs(x) > 7.45) & (y < 4.9) & (z > -3.3)
    return np.asarray(np.where(ear, -1.0, np.maximum(np.maximum(front, side), back)), np.float32)


def _paint_skin(positions: Float, appearance: Appearance, generator: np.random.Generator) -> Float:
    size = positions.shape[0]
    x, y, z = positions[..., 0], positions[..., 1], positions[..., 2]
    blotches = 0.016 * _noise(generator, size, 12) + 0.012 * _noise(generator, size, 48) + 0.016 * _noise(generator, size, 300)
    image: Float = np.array(appearance.skin, np.float32) * (1 + blotches[..., None])
    red = np.zeros_like(x)
    for (cx, cy, cz), radius, amount in _RED_PLACES:
        red += amount * np.exp(-((np.abs(x) - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2) / (2 * radius**2))
    image *= 1 - 0.20 * appearance.redness * red[..., None] * np.array([1.0, 1.0, 0.12], np.float32)
    tired = np.exp(-(((np.abs(x) - 2.7) / 1.2) ** 2) - ((y - 2.3) / 0.5) ** 2) * (z > 6)
    image *= 1 - 0.13 * tired[..., None]
    if appearance.stubble:
        below_nose = smooth_step(-1.3 - y + 0.10 * np.maximum(np.abs(x) - 2.5, 0) ** 2, 0.0, 0.9)
        jaw = below_nose * smooth_step(y, -9.5, -7.5) * smooth_step(z, 2.0, 4.5)
        grain = 0.75 + 0.5 * _noise(generator, size, size)
        image = _mix(image, appearance.hair, 0.8 * appearance.stubble * jaw * np.clip(grain, 0, 1.2))
    return image


def _hair_and_shirt(image: Float, positions: Float, appearance: Appearance, generator: np.random.Generator) -> Float:
    size = positions.shape[0]
    depth = hair_field(positions, appearance.hairline_cm) + 0.35 * _noise(generator, size, 200) + 0.25 * _noise(generator, size, size // 2)
    strands = 1 + 0.22 * _noise(generator, size, size // 3) + 0.15 * _noise(generator, size, 60)
    image = _mix(image, np.array(appearance.hair, np.float32) * strands[..., None], 0.95 * smooth_step(depth, -0.2, 0.7))
    x, y = positions[..., 0], positions[..., 1]
    weave = 1 + 0.02 * _noise(generator, size, size // 2)
    shirt = np.array(appearance.shirt, np.float32) * weave[..., None]
    return _mix(image, shirt, smooth_step(-12.9 + 0.085 * x**2 - y, 0.0, 0.12))


def _paint_eye(appearance: Appearance, generator: np.random.Generator) -> Float:
    centre = (EYE_TILE - 1) / 2
    y, x = (np.mgrid[:EYE_TILE, :EYE_TILE] - centre) * (EYE_TILE_CM / EYE_TILE)
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    white = np.array([206, 212, 222], np.float32) - 46 * smooth_step(radius, 0.75, 1.6)[..., None] * np.array([1, 0.9, 0.4], np.float32)
    radius = radius / appearance.iris_size
    fibres = np.zeros_like(angle)
    for count in (17, 31, 53):
        fibres += np.sin(count * angle + generator.uniform(0, 6.3) + 3 * radius) / 3
    iris = np.array(appearance.iris, np.float32) * (1.15 + 0.25 * fibres + 0.3 * smooth_step(radius, 0.5, 0.25))[..., None]
    iris *= (1 - 0.55 * smooth_step(radius, 0.47, 0.58))[..., None]
    image = _mix(white, iris, 1 - smooth_step(radius, 0.55, 0.60))
    return _mix(image, (12, 12, 12), 1 - smooth_step(radius, 0.19, 0.22))


def _atlas_corners(model: FaceModel) -> Float:
    tile = model.texture_points[model.texture_triangles]
    corners = np.zeros_like(tile)
    inside = np.stack([tile[..., 0] % 1.0, 1.0 - tile[..., 1] % 1.0], axis=-1)
    for name, origin, size in (("M_Face", (0, 0), FACE_TILE), ("M_BackHead", _HEAD_AT, HEAD_TILE)):
        rows = model.material_triangles(name)
        corners[rows] = inside[rows] * size + origin - 0.5
    for side, centre in zip(("Left", "Right"), model.eye_centres, strict=True):
        rows = model.material_triangles(f"M_Iris{side}", f"M_Sclera{side}")
        offset = (model.mean[model.triangles[rows]] - centre)[..., :2] * (1.0, -1.0)
        middle = np.array(_EYE_AT) + (EYE_TILE - 1) / 2
        corners[rows] = np.clip(offset / EYE_TILE_CM, -0.49, 0.49) * EYE_TILE + middle
    corners[model.material_triangles("M_Teeth")] = _TEETH_AT
    corners[model.material_triangles("M_Gums")] = _GUMS_AT
    return corners.astype(np.float32)


def _position_map(model: FaceModel, corners: Float, material: str, origin: tuple[int, int], size: int) -> Float:
    """Place on the mean face of each texel of a tile: (size, size, 3) float32, cm; texels outside get their neighbours' average."""
    rows = model.material_triangles(material)
    points = (corners[rows].reshape(-1, 2) - origin + 0.5).astype(np.float64)
    triangles = np.arange(len(points)).reshape(-1, 3)
    fragments = rasterize(points, np.ones(len(points)), triangles, size, size, cull=False)
    flat = np.zeros((size * size, 4), np.float32)
    flat[fragments.pixel, :3] = interpolate(fragments, model.mean[model.triangles[rows]])
    flat[fragments.pixel, 3] = 1
    filled = flat.reshape(size, size, 4)
    spread = cv2.blur(filled, (9, 9))
    around = spread[..., :3] / np.maximum(spread[..., 3:], 1e-6)
    return np.where(filled[..., 3:] > 0, filled[..., :3], around).astype(np.float32)


def _noise(generator: np.random.Generator, size: int, cells: int) -> Float:
    """Smooth noise of unit variance: (size, size) float32, with about `cells` bumps along a side."""
    coarse = generator.standard_normal((cells, cells), dtype=np.float32)
    fine = np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)
    return fine / max(float(fine.std()), 1e-6)


def smooth_step(value: NDArray[np.floating], low: float, high: float) -> Float:
    """0 at `low`, 1 at `high`, smooth between; falls when `high` < `low`."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _mix(image: Float, colour: NDArray[np.floating] | Colour, alpha: NDArray[np.floating]) -> Float:
    weight = np.clip(alpha, 0, 1)[..., None]
    return np.asarray(image + (np.asarray(colour, np.float32) - image) * weight, np.float32)


def _triple(values: NDArray[np.floating]) -> Colour:
    return float(values[0]), float(values[1]), float(values[2])


def _spline(points: Float, closed: bool = True, steps: int = 12) -> Float:
    """Catmull-Rom curve through the points: (n, 2) float32."""
    if closed:
        padded = np.concatenate([points[-1:], points, points[:2]])
    else:
        padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.asarray(np.concatenate(pieces), np.float32)


def _filled(curve: Float, blur: float) -> Float:
    mask: NDArray[np.uint8] = np.zeros((FACE_TILE, FACE_TILE), np.uint8)
    cv2.fillPoly(mask, [np.round(curve * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(blur, 0.3)) / np.float32(255), np.float32)


def _stroke(curve: Float, width: float) -> Float:
    mask = np.zeros((FACE_TILE, FACE_TILE), np.uint8)
    cv2.polylines(mask, [np.round(curve * 16).astype(np.int32)], False, 255, max(1, round(width)), cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(0.35 * width, 0.5)) / np.float32(255), np.float32)
