"""Pictures of faces: a perspective camera, soft light, a z-buffer and a painted texture; the 68 landmarks come with them.

The subject looks at the camera, so the SUBJECT's left (+x of the mesh) is at the image's right. The same scene gives the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from training.render.appearance import Appearance, Painter, hair_field, smooth_step
from training.render.folds import FoldMap
from training.render.ict import LANDMARK_VERTICES, FaceModel
from training.render.occlusion import ambient_openness, vertex_normals
from training.render.raster import interpolate, rasterize

Float = NDArray[np.float32]
Image = NDArray[np.uint8]

SUPERSAMPLING = 2
NEAR_CM = 5.0
# Red light spreads furthest under the skin: how far light wraps around the terminator, B, G, R.
SKIN_WRAP = np.array([0.10, 0.16, 0.34], np.float32)
SKIN_GLOSS, SKIN_SHININESS = 0.07, 14.0
EYE_GLOSS, EYE_SHININESS = 0.9, 160.0
# The head turns on a torso that stays: heights on the mean face between which the neck twists.
HEAD_ABOVE_CM, TORSO_BELOW_CM = -8.0, -14.0
BUST_BELOW_CM, TORSO_STRETCH = -14.0, 8.0
# Never as dark inside the mouth as the closed mouth's geometry says, since the mouth opens.
MOUTH_OPENNESS = 0.3
# Where eyes roll up: what the socket hides at rest would be black.
EYE_OPENNESS = 0.5
_GAMMA_STEPS = 4096


@dataclass(frozen=True)
class Pose:
    """Where the head is. Angles in degrees, position in centimetres.

    yaw: positive turns to the subject's left (the nose moves to the image's right). pitch: positive looks up. roll: positive tilts the head
    towards the subject's left shoulder (clockwise in the image). x to the image's right, y up, distance from the camera to the point midway
    between the ears.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    x: float = 0.0
    y: float = 0.0
    distance: float = 70.0

    def rotation(self) -> NDArray[np.float64]:
        """(3, 3), applied to column vectors: roll after pitch after yaw."""
        yaw, pitch, roll = np.radians([self.yaw, -self.pitch, -self.roll])
        about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
        about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        return np.asarray(about_z @ about_x @ about_y)


@dataclass(frozen=True)
class Light:
    """A distant lamp.

    Attributes
    ----------
    direction
        Towards the lamp: x to the image's right, y up, z towards the camera; any length.
    colour
        B, G, R, linear; 1 is a white surface's full brightness.
    """

    direction: tuple[float, float, float] = (-0.35, 0.5, 0.8)
    colour: tuple[float, float, float] = (0.72, 0.74, 0.78)


@dataclass(frozen=True)
class Subject:
    """One person of the scene, made by `Studio.subject`.

    Attributes
    ----------
    studio
    vertices : (26719, 3) float32
        cm, with the expression.
    texture : (1024, 1536, 3) uint8 BGR
    appearance
    pose
    folds : (26719,) float32 or None
        Share of the light that folds of the skin take away.
    """

    studio: Studio
    vertices: Float = field(repr=False)
    texture: Image = field(repr=False)
    appearance: Appearance
    pose: Pose = Pose()
    folds: Float | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Scene:
    """What the camera sees.

    Attributes
    ----------
    subjects
        Any order; the nearer hides the farther.
    focal
        Focal length as a multiple of the image's height.
    lights, ambient
        `ambient` is B, G, R, linear.
    background : (H, W, 3) uint8 BGR, B, G, R, or None
        None paints a soft gradient with blotches from `seed`.
    blur_px
        Standard deviation of a Gaussian blur of the finished picture.
    noise
        Standard deviation of the sensor's noise, grey levels.
    seed
        For background and noise.
    """

    subjects: Sequence[Subject]
    focal: float = 1.3
    lights: Sequence[Light] = (Light(), Light((0.8, 0.1, 0.6), (0.22, 0.2, 0.18)))
    ambient: tuple[float, float, float] = (0.30, 0.28, 0.27)
    background: Image | tuple[float, float, float] | None = None
    blur_px: float = 0.0
    noise: float = 0.0
    seed: int = 0


class Studio:
    """A mesh with what is computed once for it: texture coordinates, openness to ambient light, hair, folds.

    Parameters
    ----------
    model
    eyes_roll
        The eyeballs may turn so far that parts show which the socket hides at rest.
    """

    def __init__(self, model: FaceModel, *, eyes_roll: bool = False) -> None:
        self.model = model
        self.painter = Painter(model)
        openness = ambient_openness(model)
        inside = model.material_vertices("M_Teeth", "M_Gums")
        openness[inside] = np.maximum(openness[inside], MOUTH_OPENNESS)
        self.openness = openness
        self.eye_vertices = [model.material_vertices(f"M_Iris{side}", f"M_Sclera{side}") for side in ("Left", "Right")]
        if eyes_roll:
            for eye in self.eye_vertices:
                openness[eye] = np.maximum(openness[eye], EYE_OPENNESS)
        self.skin_vertices = model.material_vertices("M_Face", "M_BackHead")
        self.folds = FoldMap(model)
        self.rest_normals = vertex_normals(model.mean, model.triangles)
        self.head_share = smooth_step(model.mean[:, 1], TORSO_BELOW_CM, HEAD_ABOVE_CM)[:, None]

    def subject(self, vertices: Float, appearance: Appearance, pose: Pose | None = None) -> Subject:
        """A person: paints the texture (0.2 s). For the next frame use `dataclasses.replace` on vertices and pose."""
        return Subject(self, vertices, self.painter.paint(appearance), appearance, pose or Pose())

    def dressed(self, vertices: Float, appearance: Appearance) -> Float:
        """Vertices with the scalp raised by the hair's volume and the cut edge of the bust drawn down to a torso: (26719, 3) float32."""
        height = self.model.mean[:, 1]
        lift = np.zeros(len(vertices), np.float32)
        depth = hair_field(self.model.mean, appearance.hairline_cm)[self.skin_vertices]
        above_ears = smooth_step(height[self.skin_vertices], 4.8, 8.0)
        lift[self.skin_vertices] = np.clip(depth / 2.5, 0, 1) * above_ears * appearance.hair_volume_cm
        result = vertices + lift[:, None] * self.rest_normals
        result[:, 1] -= TORSO_STRETCH * np.maximum(BUST_BELOW_CM - height, 0)
        return result


def render(scene: Scene, size: tuple[int, int] = (640, 480)) -> tuple[Image, list[Float]]:
    """Draw a scene.

    Parameters
    ----------
    scene
    size
        Width and height, px.

    Returns
    -------
    image : (height, width, 3) uint8 BGR
    landmarks : list of (68, 2) float32
        Per subject, in the order of `scene.subjects`: px, iBUG order, pixel centres at integers. Points that are hidden or outside the
        picture are given all the same.
    """
    width, height = size
    generator = np.random.default_rng(scene.seed)
    image = _background(scene, size, generator)
    landmarks = [project(subject, scene.focal, size)[0][LANDMARK_VERTICES].astype(np.float32) for subject in scene.subjects]
    for subject in sorted(scene.subjects, key=lambda subject: -subject.pose.distance):
        _draw(image, subject, scene)
    if scene.blur_px > 0:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), scene.blur_px), np.uint8)
    if scene.noise > 0:
        grain = generator.standard_normal((height, width, 3), dtype=np.float32) * np.float32(scene.noise)
        image = np.clip(image + grain + 0.5, 0, 255).astype(np.uint8)
    return image, landmarks


def project(subject: Subject, focal: float, size: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Vertices in the picture, (26719, 2) px with pixel centres at integers, and their depth from the camera, (26719,) cm."""
    return _project(_place(subject, subject.vertices), focal, size)


def _place(subject: Subject, vertices: Float) -> NDArray[np.float64]:
    pose = subject.pose
    turned = vertices @ pose.rotation().T
    share = subject.studio.head_share
    return np.asarray(vertices + share * (turned - vertices) + (pose.x, pose.y, -pose.distance))


def _project(placed: NDArray[np.float64], focal: float, size: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    width, height = size
    depth = np.maximum(-placed[:, 2], NEAR_CM)
    scale = focal * height / depth
    points = np.stack([placed[:, 0] * scale + (width - 1) / 2, -placed[:, 1] * scale + (height - 1) / 2], axis=1)
    return points, depth


def _draw(image: Image, subject: Subject, scene: Scene) -> None:
    """Draw one subject into the image, in place."""
    height, width = image.shape[:2]
    studio, model = subject.studio, subject.studio.model
    placed = _place(subject, studio.dressed(subject.vertices, subject.appearance))
    points, depth = _project(placed, scene.focal, (width, height))
    low = np.clip(np.floor(points.min(axis=0)), 0, (width, height)).astype(int)
    high = np.clip(np.ceil(points.max(axis=0)) + 1, 0, (width, height)).astype(int)
    region = image[low[1] : high[1], low[0] : high[0]]
    if not region.size or float(depth.min()) <= NEAR_CM:
        return
    fine_height, fine_width = region.shape[0] * SUPERSAMPLING, region.shape[1] * SUPERSAMPLING
    fragments = rasterize((points + 0.5 - low) * SUPERSAMPLING, 1 / depth, model.triangles, fine_width, fine_height)

    light = _vertex_light(placed.astype(np.float32), subject, scene)
    values = interpolate(fragments, np.concatenate([light[model.triangles], studio.painter.corners], axis=2))
    albedo = _sample(subject.texture, values[:, 4:6])
    linear = _TO_LINEAR[albedo] * values[:, :3] + values[:, 3:4]
    colours = _FROM_LINEAR[np.clip(linear * _GAMMA_STEPS, 0, _GAMMA_STEPS).astype(np.int32)]

    fine = cv2.resize(region, (fine_width, fine_height), interpolation=cv2.INTER_NEAREST)
    fine.reshape(-1, 3)[fragments.pixel] = colours
    region[:] = cv2.resize(fine, (region.shape[1], region.shape[0]), interpolation=cv2.INTER_AREA)


def _vertex_light(placed: Float, subject: Subject, scene: Scene) -> Float:
    """Light on each vertex: (n, 4) float32, diffuse B, G, R and gloss, linear."""
    studio, model = subject.studio, subject.studio.model
    normals = vertex_normals(placed, model.triangles)
    shininess = np.full(len(placed), SKIN_SHININESS, np.float32)
    gloss = np.full(len(placed), SKIN_GLOSS, np.float32)
    wrap = np.broadcast_to(SKIN_WRAP, (len(placed), 3)).copy()
    for vertices in studio.eye_vertices:
        ball = placed[vertices]
        outward = ball - (ball.min(axis=0) + ball.max(axis=0)) / 2
        normals[vertices] = outward / np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-6)
        shininess[vertices], gloss[vertices], wrap[vertices] = EYE_SHININESS, EYE_GLOSS, 0.3
    to_camera = -placed / np.linalg.norm(placed, axis=1, keepdims=True)
    openness = studio.openness
    sky = 0.75 + 0.25 * normals[:, 1:2]
    light = np.zeros((len(placed), 4), np.float32)
    light[:, :3] = np.array(scene.ambient, np.float32) * sky * openness[:, None]
    for lamp in scene.lights:
        direction = np.array(lamp.direction, np.float32)
        direction /= np.linalg.norm(direction)
        colour = np.array(lamp.colour, np.float32)
        facing = normals @ direction
        light[:, :3] += colour * np.clip((facing[:, None] + wrap) / (1 + wrap), 0, None) * np.sqrt(openness)[:, None]
        halfway = to_camera + direction
        halfway /= np.linalg.norm(halfway, axis=1, keepdims=True)
        shine = np.clip(np.einsum("ij,ij->i", normals, halfway), 0, None) ** shininess
        light[:, 3] += gloss * shine * (facing > 0) * openness * float(colour.mean())
    if subject.folds is not None:
        light *= 1.0 - subject.folds[:, None]
    return light


def _sample(texture: Image, at: Float) -> Image:
    """Bilinear samples, (n, 3) uint8, of the texture at (n, 2) px; folded into rows, since OpenCV allows 32,767 columns."""
    columns = 16384
    grid = np.zeros((-(-len(at) // columns), columns, 2), np.float32)
    grid.reshape(-1, 2)[: len(at)] = at
    sampled = cv2.remap(texture, grid[..., 0], grid[..., 1], cv2.INTER_LINEAR)
    return np.asarray(sampled, np.uint8).reshape(-1, 3)[: len(at)]


def _background(scene: Scene, size: tuple[int, int], generator: np.random.Generator) -> Image:
    width, height = size
    if isinstance(scene.background, np.ndarray):
        if scene.background.shape[:2] == (height, width):
            return np.array(scene.background, np.uint8)
        return np.asarray(cv2.resize(scene.background, size, interpolation=cv2.INTER_AREA), np.uint8)
    if scene.background is not None:
        return np.full((height, width, 3), scene.background, np.uint8)
    corners = generator.uniform(80, 190, (2, 2, 1)) + generator.uniform(-12, 12, (2, 2, 3))
    blotches = generator.uniform(-14, 14, (5, 7, 1)) + generator.uniform(-5, 5, (5, 7, 3))
    wall = cv2.resize(corners.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    wall = wall + cv2.resize(blotches.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(wall, 0, 255), np.uint8)


def moved(subject: Subject, vertices: Float | None = None, pose: Pose | None = None, folds: Float | None = None) -> Subject:
    """The same person with another expression or pose."""
    vertices, pose = subject.vertices if vertices is None else vertices, subject.pose if pose is None else pose
    return replace(subject, vertices=vertices, pose=pose, folds=folds)


def roll_eyes(studio: Studio, vertices: Float, degrees: float) -> None:
    """Turn both eyeballs upwards about their centres, in place; the lids stay."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    about_x = np.array([[1, 0, 0], [0, c, s], [0, -s, c]], np.float32)
    for eye in studio.eye_vertices:
        ball = vertices[eye]
        centre = (ball.min(axis=0) + ball.max(axis=0)) / 2
        vertices[eye] = (ball - centre) @ about_x.T + centre


_TO_LINEAR = ((np.arange(256) / 255) ** 2.2).astype(np.float32)
_FROM_LINEAR = np.round(255 * (np.arange(_GAMMA_STEPS + 1) / _GAMMA_STEPS) ** (1 / 2.2)).astype(np.uint8)
