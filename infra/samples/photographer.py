"""Photograph-like pictures of sample parts: a small path tracer with a bench, daylight and a real lens.

Not the studio of the product on purpose: a query picture that the catalogue's own renderer had made would flatter it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.samples.formats import Tessellation

Floats = NDArray[np.float64]
BOUNCES, CLAMP = 4, 5.0


@dataclass(frozen=True)
class Paint:
    """A surface: linear `colour`, `metal` 0 or 1, `rough` 0 (mirror) to 1."""

    colour: tuple[float, float, float]
    metal: float = 0.0
    rough: float = 0.5


PAINTS = {
    "steel": Paint((0.60, 0.58, 0.55), 1, 0.28),
    "zinc": Paint((0.58, 0.60, 0.64), 1, 0.40),
    "brass": Paint((0.72, 0.48, 0.18), 1, 0.25),
    "black": Paint((0.015, 0.015, 0.016), 0, 0.35),
    "white": Paint((0.80, 0.80, 0.77), 0, 0.5),
    "orange": Paint((0.80, 0.20, 0.02), 0, 0.4),
}


@dataclass(frozen=True)
class Shot:
    """How one picture is taken.

    `turn` are the part's Euler angles in degrees before it is set on the bench; `eye` is the camera's
    (azimuth, elevation) in degrees; `window` is the azimuth of the light; `bench` names the ground.
    """

    turn: tuple[float, float, float]
    eye: tuple[float, float]
    bench: str = "wood"
    window: float = 60.0
    warmth: float = 1.0
    fill: float = 0.95
    seed: int = 1
    size: int = 400
    samples: int = 40
    aperture: float = 0.012
    offset: tuple[float, float] = field(default=(0.0, 0.0))


def photograph(bodies: list[tuple[Tessellation, Paint]], shot: Shot) -> bytes:
    """JPEG of `bodies` lying on a bench."""
    from PIL import Image, ImageFilter

    rng = np.random.default_rng(shot.seed)
    scene = _Scene(bodies, shot)
    light = np.zeros((shot.size * shot.size, 3))
    for _ in range(shot.samples):
        origins, rays = scene.camera(rng)
        light += np.minimum(scene.radiance(origins, rays, rng), CLAMP)
    picture = (light / shot.samples).reshape(shot.size, shot.size, 3)
    picture *= 0.55 / np.quantile(picture, 0.8) * np.array([shot.warmth, 1.0, 1 / shot.warmth])
    picture += rng.normal(0, 1, picture.shape) * np.sqrt(np.maximum(picture, 0.01)) * 0.02
    encoded = np.clip(picture / (1 + 0.25 * picture**2), 0, 1) ** (1 / 2.2)
    image = Image.fromarray(np.uint8(encoded * 255)).filter(ImageFilter.GaussianBlur(0.6))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=86)
    return buffer.getvalue()


class _Scene:
    def __init__(self, bodies: list[tuple[Tessellation, Paint]], shot: Shot) -> None:
        import trimesh
        from scipy.spatial.transform import Rotation
        from trimesh.ray.ray_pyembree import RayMeshIntersector

        turn = Rotation.from_euler("xyz", shot.turn, degrees=True).as_matrix()
        vertices = [mesh.vertices @ turn.T for mesh, _ in bodies]
        every = np.concatenate(vertices)
        low, high = every.min(0), every.max(0)
        size = float(np.linalg.norm(high - low))
        shift = np.array([*((low + high) / 2)[:2], low[2]])
        offsets = np.cumsum([0, *(len(v) for v in vertices)])
        faces = np.concatenate([mesh.faces + start for (mesh, _), start in zip(bodies, offsets, strict=False)])
        owner = np.repeat(np.arange(len(bodies)), [len(mesh.faces) for mesh, _ in bodies])
        self.paints, self.shot = [paint for _, paint in bodies], shot
        self.mesh, order = _smooth(trimesh.Trimesh((every - shift) / size, faces, process=False))
        self.owner = owner[order]
        self.top = float((high - low)[2] / size)
        self.normals = self.mesh.vertex_normals.view(np.ndarray)[self.mesh.faces]
        self.corners = self.mesh.triangles.view(np.ndarray)
        self.flat = self.mesh.face_normals.view(np.ndarray)
        self.tracer = RayMeshIntersector(self.mesh)
        self.bench = BENCHES[shot.bench](np.random.default_rng(shot.seed + 1))

    def camera(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """One ray through each pixel, jittered over the pixel and the lens."""
        shot, aim = self.shot, np.array([*self.shot.offset, self.top / 2])
        azimuth, elevation = np.radians(shot.eye)
        back = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
        right = np.cross([0, 0, 1], back)
        right /= np.linalg.norm(right)
        up = np.cross(back, right)
        distance = 2.2
        rows, columns = np.mgrid[: shot.size, : shot.size].reshape(2, -1) + rng.random((2, shot.size**2))
        half = 0.5 / shot.fill / distance
        u, v = (2 * columns / shot.size - 1) * half, (1 - 2 * rows / shot.size) * half
        focus = distance * (u[:, None] * right + v[:, None] * up - back)
        lens = rng.normal(0, shot.aperture, (len(u), 2))
        origins = aim + distance * back + lens[:, :1] * right + lens[:, 1:] * up
        rays = aim + distance * back + focus - origins
        return origins, rays / np.linalg.norm(rays, axis=1, keepdims=True)

    def radiance(self, origins: Floats, rays: Floats, rng: np.random.Generator) -> Floats:
        """Light that comes back along each ray after at most `BOUNCES` reflections."""
        light, through = np.zeros_like(rays), np.ones_like(rays)
        alive = np.arange(len(rays))
        for _ in range(BOUNCES):
            hit, points, normals, colour, metal, rough = self._hit(origins, rays)
            sky = ~hit
            light[alive[sky]] += through[alive[sky]] * self._sky(rays[sky])
            alive, rays, points, normals = alive[hit], rays[hit], points[hit], normals[hit]
            colour, metal, rough = colour[hit], metal[hit], rough[hit]
            if not len(alive):
                break
            facing = np.clip(-np.sum(rays * normals, axis=1), 0, 1)
            fresnel = 0.04 + 0.96 * (1 - facing) ** 5
            mirror = rng.random(len(alive)) < np.maximum(metal, fresnel)
            bounced = np.where(mirror[:, None], _reflected(rays, normals, rough, rng), _diffuse(normals, rng))
            tint = np.where((mirror & (metal < 0.5))[:, None], 1.0, colour)
            through[alive] *= tint
            origins, rays = points + 1e-4 * normals, bounced
        else:
            light[alive] += through[alive] * 0.25  # what further reflections would bring
        return light

    def _hit(self, origins: Floats, rays: Floats) -> tuple[Any, ...]:
        """Nearest surface of each ray: hit or not, point, shading normal, colour, metal, roughness."""
        triangle = self.tracer.intersects_first(origins, rays)
        on_part = triangle >= 0
        distance = np.full(len(rays), np.inf)
        flat, corner = self.flat[triangle[on_part]], self.corners[triangle[on_part]]
        run = np.sum(flat * rays[on_part], axis=1)
        run = np.where(np.abs(run) < 1e-9, 1e-9, run)
        distance[on_part] = np.sum(flat * (corner[:, 0] - origins[on_part]), axis=1) / run
        with np.errstate(divide="ignore", invalid="ignore"):
            ground = np.where(rays[:, 2] < -1e-6, -origins[:, 2] / rays[:, 2], np.inf)
        on_ground = (ground < distance) & (ground < 40)
        on_part &= ~on_ground
        hit = on_part | on_ground
        points = origins + np.where(hit, np.minimum(distance, ground), 0)[:, None] * rays
        normals, colour = np.tile([0.0, 0.0, 1.0], (len(rays), 1)), np.zeros((len(rays), 3))
        metal, rough = np.zeros(len(rays)), np.full(len(rays), 0.9)
        chosen = triangle[on_part]
        normals[on_part] = _interpolated(
            self.corners[chosen], self.normals[chosen], self.flat[chosen], points[on_part], rays[on_part]
        )
        table = np.array([[*paint.colour, paint.metal, paint.rough] for paint in self.paints])[self.owner[chosen]]
        colour[on_part], metal[on_part], rough[on_part] = table[:, :3], table[:, 3], table[:, 4]
        colour[on_ground], rough[on_ground] = self.bench(points[on_ground, :2])
        return hit, points, normals, colour, metal, rough

    def _sky(self, rays: Floats) -> Floats:
        """A dim room with one window and a lamp above."""
        azimuth = np.radians(self.shot.window)
        side = np.array([np.cos(azimuth), np.sin(azimuth), 0.55]) / 1.14
        window = (rays @ side > 0.72) * 3.4 * np.clip(rays[:, 2] * 3, 0, 1)
        lamp = (rays[:, 2] > 0.88) * 3.0
        room = 0.35 + 0.35 * np.clip(rays[:, 2], -0.2, 1)
        day, bulb, wall = np.array([0.92, 1.0, 1.1]), np.array([1.1, 1.0, 0.82]), np.array([1.0, 0.98, 0.94])
        return np.asarray(window[:, None] * day + lamp[:, None] * bulb + room[:, None] * wall)


def _smooth(mesh: Any) -> tuple[Any, NDArray[np.int64]]:
    """The mesh cut open where faces meet at more than 30 degrees, and where its faces were before."""
    import trimesh

    soft = trimesh.graph.smooth_shade(mesh, angle=np.radians(30), facet_minarea=None)
    pieces = soft.metadata.get("original_components")
    return soft, np.arange(len(mesh.faces)) if pieces is None else np.concatenate(pieces)


def _interpolated(corners: Floats, normals: Floats, flat: Floats, points: Floats, rays: Floats) -> Floats:
    """Shading normals at `points`, turned towards the ray's origin."""
    a, b, c = corners.transpose(1, 0, 2)
    parts = [np.linalg.norm(np.cross(q - points, r - points), axis=1) for q, r in ((b, c), (c, a), (a, b))]
    weights = np.stack(parts, axis=1) / np.maximum(np.sum(parts, axis=0), 1e-15)[:, None]
    blended = np.einsum("ij,ijk->ik", weights, normals)
    blended = np.where(np.isfinite(blended), blended, flat)
    blended /= np.maximum(np.linalg.norm(blended, axis=1, keepdims=True), 1e-9)
    away = np.sum(blended * rays, axis=1) > 0
    return np.asarray(np.where(away[:, None], -blended, blended))


def _diffuse(normals: Floats, rng: np.random.Generator) -> Floats:
    ball = rng.normal(size=normals.shape)
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    bounced = normals + 0.999 * ball
    return np.asarray(bounced / np.linalg.norm(bounced, axis=1, keepdims=True))


def _reflected(rays: Floats, normals: Floats, rough: Floats, rng: np.random.Generator) -> Floats:
    facet = normals + (rough**2)[:, None] * rng.normal(size=normals.shape)
    facet /= np.linalg.norm(facet, axis=1, keepdims=True)
    bounced = rays - 2 * np.sum(rays * facet, axis=1, keepdims=True) * facet
    below = np.sum(bounced * normals, axis=1) < 0
    bounced[below] -= 2 * np.sum(bounced[below] * normals[below], axis=1, keepdims=True) * normals[below]
    return np.asarray(bounced)


def _clouds(rng: np.random.Generator) -> Callable[[Floats, Floats], Floats]:
    """Smooth noise in 0..1 over the plane: four octaves of a periodic lattice."""
    lattice = rng.random((4, 64, 64))

    def noise(x: Floats, y: Floats) -> Floats:
        total = np.zeros_like(x)
        for octave in range(4):
            u, v = x * 2**octave, y * 2**octave
            i, j = np.floor(u).astype(int), np.floor(v).astype(int)
            a, b = (t * t * (3 - 2 * t) for t in (u - i, v - j))
            grid = lattice[octave]
            top = grid[i % 64, j % 64] * (1 - a) + grid[(i + 1) % 64, j % 64] * a
            foot = grid[i % 64, (j + 1) % 64] * (1 - a) + grid[(i + 1) % 64, (j + 1) % 64] * a
            total += (top * (1 - b) + foot * b) / 2 ** (octave + 1)
        return np.asarray(total / 0.9375)

    return noise


def _wood(rng: np.random.Generator) -> Callable[[Floats], tuple[Floats, Floats]]:
    noise = _clouds(rng)

    def colours(at: Floats) -> tuple[Floats, Floats]:
        x, y = at.T * 3
        rings = 0.5 + 0.5 * np.sin(14 * (y + 0.35 * noise(0.4 * x, 1.2 * y)) + 9 * noise(0.15 * x, 2 * y))
        fibre = noise(1.5 * x, 30 * y)
        shade = (0.55 + 0.25 * rings + 0.35 * fibre)[:, None]
        return shade * np.array([0.46, 0.27, 0.13]), np.full(len(x), 0.5)

    return colours


def _concrete(rng: np.random.Generator) -> Callable[[Floats], tuple[Floats, Floats]]:
    noise = _clouds(rng)

    def colours(at: Floats) -> tuple[Floats, Floats]:
        x, y = at.T
        shade = 0.2 + 0.14 * noise(3 * x, 3 * y) + 0.1 * noise(25 * x, 25 * y) - 0.12 * (noise(40 * x, 40 * y) > 0.72)
        return shade[:, None] * np.array([1.0, 0.97, 0.92]), np.full(len(x), 0.8)

    return colours


def _mat(rng: np.random.Generator) -> Callable[[Floats], tuple[Floats, Floats]]:
    noise = _clouds(rng)

    def colours(at: Floats) -> tuple[Floats, Floats]:
        x, y = at.T
        lines = (np.abs((x * 5) % 1 - 0.5) > 0.485) | (np.abs((y * 5) % 1 - 0.5) > 0.485)
        green = np.array([0.03, 0.16, 0.11]) * (0.8 + 0.4 * noise(20 * x, 20 * y))[:, None]
        return np.where(lines[:, None], np.array([0.45, 0.5, 0.3]), green), np.full(len(x), 0.7)

    return colours


def _paper(rng: np.random.Generator) -> Callable[[Floats], tuple[Floats, Floats]]:
    noise = _clouds(rng)

    def colours(at: Floats) -> tuple[Floats, Floats]:
        x, y = at.T
        shade = 0.62 + 0.08 * noise(x, y) + 0.05 * noise(40 * x, 40 * y)
        return shade[:, None] * np.array([0.98, 0.97, 0.93]), np.full(len(x), 0.9)

    return colours


BENCHES = {"wood": _wood, "concrete": _concrete, "mat": _mat, "paper": _paper}
