"""The studio's rig: where the cameras stand and which lamps shine on the part."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.materials import MATERIALS, Look, look
from tasks.records import Camera, Colour, Floats, Record, generator

if TYPE_CHECKING:
    from blocks.customer import Render

__all__ = ["MATERIALS", "Lamps", "Look", "cameras", "directions", "lamps", "look"]

Array = NDArray[np.float64]

NEAREST = 2.5  # a camera never stands nearer than this many part radii: a rod seen end-on stays a rod
FOV = (24.0, 34.0)
ROAMING_FOV = (18.0, 55.0)  # degrees: from a long lens to a telephone's
FILL = (0.84, 0.88)
ROLL = 8.0
SWAY = 2.0


class Lamps(Record):
    """Light of one picture: six soft boxes, in the studio's space (z up, the camera at -y).

    `axis` (6, 4) float32 is each box's direction and half width, `side` (6, 4) its width's direction and half
    height, `colour` (6, 4) its linear light. `exposure` and `tint` are the photographer's.
    """

    axis: Floats
    side: Floats
    colour: Floats
    exposure: float
    tint: Colour


# azimuth and elevation in degrees (0 is behind the part, as the camera looks), half width, half height, light, warmth
BOXES = (
    (-50.0, 46.0, 0.50, 0.40, 4.6, 0.02),
    (118.0, 10.0, 0.16, 0.95, 3.4, -0.03),
    (14.0, 24.0, 1.00, 0.10, 2.2, 0.0),
    (70.0, 72.0, 0.60, 0.40, 2.0, -0.01),
    (-120.0, 8.0, 0.10, 0.80, 2.6, 0.02),
    (166.0, 36.0, 0.36, 0.20, 1.6, 0.0),
)


def lamps(seed: object) -> Lamps:
    """Lamps as the photographer set them for the picture `seed`: moved, dimmed and tinted a little."""
    rng = generator("lamps", seed)
    turn = rng.uniform(-28, 28)
    axes, sides, colours = [], [], []
    for azimuth, elevation, width, height, light, warmth in BOXES:
        around = np.deg2rad(azimuth + turn + rng.uniform(-8, 8))
        up = np.deg2rad(elevation + rng.uniform(-6, 6))
        axis = np.array([np.sin(around) * np.cos(up), np.cos(around) * np.cos(up), np.sin(up)])
        side = np.array([np.cos(around), -np.sin(around), 0.0])
        scale = rng.uniform(0.85, 1.15, 3)
        axes.append([*axis, width * scale[0]])
        sides.append([*side, height * scale[1]])
        colours.append([*(light * scale[2] * np.array([1 + warmth, 1.0, 1 - warmth])), 0.0])
    warm = rng.uniform(-0.025, 0.025)
    return Lamps(
        axis=np.array(axes, np.float32),
        side=np.array(sides, np.float32),
        colour=np.array(colours, np.float32),
        exposure=float(0.80 * rng.uniform(0.92, 1.08)),
        tint=(float(1 + warm), 1.0, float(1 - warm)),
    )


def cameras(vertices: Array, render: Render, seed: object) -> tuple[Camera, ...]:
    """Cameras around the points `vertices` (n, 3), evenly spread, each filling its picture with the part.

    The first looks from the most telling side, and every few that follow are spread widely. Points below
    the horizon see the part turned over, so that it is lit from the top of the picture.
    Raises ValueError when the points have no extent.
    """
    points = np.asarray(vertices, dtype=np.float64)
    if not len(points) or not np.isfinite(points).all():
        raise ValueError("the part has no points to look at")
    centre = (points.min(0) + points.max(0)) / 2
    radius = float(np.linalg.norm(np.ptp(points, axis=0)) / 2)
    if not radius > 0:
        raise ValueError("the part has no extent: all of its points are in one place")
    outer = outermost((points - centre) / radius)
    made = []
    for index, direction in enumerate(placed(render.views, telling(outer))):
        pose, yfov = framed(outer, direction, generator("camera", seed, index), render.views > 1)
        made.append(_camera(pose, yfov, centre, radius, render.size))
    return tuple(made)


def roaming(vertices: Array, count: int, size: int, seed: object) -> tuple[Camera, ...]:
    """Cameras (count) anywhere around the points `vertices` (n, 3), rolled at will: where the rig never stands.

    Lenses from tele to wide, the part fills most of each picture of `size` pixels.
    """
    points = np.asarray(vertices, dtype=np.float64)
    centre = (points.min(0) + points.max(0)) / 2
    radius = float(np.linalg.norm(np.ptp(points, axis=0)) / 2)
    outer = outermost((points - centre) / radius)
    made = []
    for index in range(count):
        rng = generator("roaming", seed, index)
        back = rng.normal(size=3)
        pose, yfov = framed(outer, back / np.linalg.norm(back), rng, sway=True, fov=ROAMING_FOV, roll=180.0)
        made.append(_camera(pose, yfov, centre, radius, size))
    return tuple(made)


def _camera(pose: Array, yfov: float, centre: Array, radius: float, size: int) -> Camera:
    """Camera whose `pose` is in part radii around the part's centre, with lengths in mm."""
    pose[:3, 3] = pose[:3, 3] * radius + centre
    rows = tuple(tuple(float(f"{value:.12g}") for value in row) for row in pose)
    return Camera(pose=rows, yfov=float(f"{yfov:.12g}"), size=size)


def framed(
    points: Array,
    direction: Array,
    rng: np.random.Generator,
    sway: bool,
    *,
    fov: tuple[float, float] = FOV,
    roll: float = ROLL,
) -> tuple[Array, float]:
    """Pose (4, 4) and field of view of a camera in `direction` of unit-sized `points`, which fill its picture.

    `fov` in degrees, from and to; `roll` is the most that it is tilted about its axis, in degrees.
    """
    yfov, fill = np.deg2rad(rng.uniform(*fov)), rng.uniform(*FILL)
    tilt, turn = rng.normal(0, np.deg2rad(SWAY), 3) * sway, np.deg2rad(rng.uniform(-roll, roll)) * sway
    back = direction + tilt
    back /= np.linalg.norm(back)
    up = np.array([0.0, 0.0, 1.0 if back[2] >= 0 else -1.0])
    right = np.cross(up, back)
    # straight above, any side may be up
    right = right / np.linalg.norm(right) if np.linalg.norm(right) > 1e-3 else np.array([1.0, 0.0, 0.0])
    right = right * np.cos(turn) + np.cross(back, right) * np.sin(turn)
    axes = np.stack([right, np.cross(back, right), back])
    x, y, z = (points @ axes.T).T
    slope = fill * np.tan(yfov / 2)
    span = (0.0, 0.0, 0.0)
    for _ in range(12):
        span = fitted(x, y, z, slope)
        if span[2] >= NEAREST:
            break
        # too near: step back and take a longer lens instead
        slope *= span[2] / NEAREST
    pose = np.eye(4)
    pose[:3, :3] = axes.T
    pose[:3, 3] = np.array([span[0], span[1], span[2]]) @ axes
    return pose, float(2 * np.arctan(slope / fill))


def fitted(x: Array, y: Array, z: Array, slope: float) -> tuple[float, float, float]:
    """Where a camera that looks along -z stands so that all points lie just within the pyramid of `slope`.

    Each side of the pyramid is one linear bound, `x - cx <= slope * (distance - z)`; the solution is exact.
    """
    depth = slope * z
    right, left, top, bottom = (x + depth).max(), (depth - x).max(), (y + depth).max(), (depth - y).max()
    distance = max(right + left, top + bottom) / (2 * slope)
    return float((right - left) / 2), float((top - bottom) / 2), float(distance)


def outermost(points: Array) -> Array:
    """Points (k, 3) of `points` (n, 3) that stick out furthest in one of many directions: what frames need.

    In between them the silhouette is missed by less than 0.3 % of the radius.
    """
    if len(points) <= 2000:
        return points
    ways = np.concatenate([directions(200), -directions(200)]).astype(np.float32)
    best, index = np.full(len(ways), -np.inf, np.float32), np.zeros(len(ways), np.int64)
    rows = points.astype(np.float32)
    for start in range(0, len(points), 8192):
        reach = ways @ rows[start : start + 8192].T
        furthest = reach.argmax(1)
        value = reach[np.arange(len(ways)), furthest]
        better = value > best
        best[better], index[better] = value[better], furthest[better] + start
    return np.asarray(points[np.unique(index)])


def telling(points: Array) -> Array:
    """Unit direction (3,) from which the part shows most of itself: three-quarter, from above."""
    from scipy.spatial import ConvexHull, QhullError

    best, best_area = np.array([0.5, -0.7, 0.5]), 0.0
    for elevation, weight in ((30, 1.0), (50, 0.88)):
        for azimuth in (-60, -30, -120, -150, 60, 30, 120, 150):
            a, e = np.deg2rad(azimuth), np.deg2rad(elevation)
            back = np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])
            right = np.array([-np.sin(a), np.cos(a), 0.0])
            try:
                area = weight * ConvexHull(points @ np.stack([right, np.cross(back, right)]).T).volume
            except (QhullError, ValueError):
                continue  # seen edge-on
            if area > 1.03 * best_area:
                best, best_area = back, area
    return np.asarray(best / np.linalg.norm(best))


@lru_cache(maxsize=32)
def directions(count: int) -> Array:
    """Unit vectors (count, 3) spread evenly over the sphere: a Fibonacci spiral whose points then repel each other."""
    turn = np.arange(count) + 0.5
    z, around = 1 - 2 * turn / count, turn * np.pi * (3 - np.sqrt(5))
    flat = np.sqrt(1 - z * z)
    points = np.stack([flat * np.cos(around), flat * np.sin(around), z], axis=1)
    for step in np.linspace(0.3, 0.02, 80) * (count > 1):
        away = points[:, None] - points[None]
        square = (away**2).sum(-1) + np.eye(count)
        push = (away / square[..., None] ** 2).sum(1)
        push -= (push * points).sum(1, keepdims=True) * points
        points = points + step * push / max(np.linalg.norm(push, axis=1).max(), 1e-12) / np.sqrt(count)
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    points.setflags(write=False)
    return points


def placed(count: int, first: Array) -> Array:
    """The even directions (count, 3), turned so that one is `first` and the six plain sides are seen best.

    Ordered so that each next one is as far as can be from all before it.
    """
    points = directions(count) @ turned(directions(count)[0], first).T
    sides = np.concatenate([np.eye(3), -np.eye(3)])
    spins = [about(first, angle) for angle in np.linspace(0, 2 * np.pi, 36, endpoint=False)]
    worst = [round(float((sides @ (points @ spin.T).T).max(1).min()), 6) for spin in spins]
    points = points @ spins[int(np.argmax(worst))].T
    order = [int(np.argmax(points @ first))]
    nearest = points @ points[order[0]]
    for _ in range(count - 1):
        nearest[order] = np.inf
        order.append(int(np.argmin(np.round(nearest, 6))))
        nearest = np.maximum(nearest, points @ points[order[-1]])
    return np.asarray(points[order])


def about(axis: Array, angle: float) -> Array:
    """Rotation (3, 3) by `angle` radians about the unit vector `axis`."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def turned(start: Array, end: Array) -> Array:
    """Rotation (3, 3) that brings the unit vector `start` to `end` the short way."""
    axis = np.cross(start, end)
    sine = float(np.linalg.norm(axis))
    if sine < 1e-9:
        return np.eye(3) if start @ end > 0 else -np.eye(3)
    return about(axis / sine, float(np.arctan2(sine, start @ end)))
