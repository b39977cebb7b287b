"""The plane that a part lies on, seen by the camera of its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.stages.props.noise import Floats

if TYPE_CHECKING:
    from tasks.records import Camera

UP = (0.0, 0.0, 1.0)
FAR = 0.06


class Bench(NamedTuple):
    """Where each pixel meets the bench: `x`, `y` in half picture widths, `far` true beyond its end."""

    x: Floats
    y: Floats
    far: NDArray[np.bool_] | None
    tilt: float


def upward(camera: Camera, rng: np.random.Generator) -> NDArray[np.float64]:
    """Normal of the bench in camera space, (3,): the world's own where the camera looks down on it.

    A part seen from below was turned over by hand, so it lies on a bench of its own angle.
    """
    normal = camera.matrix[:3, :3].T @ np.array(UP)
    if normal[2] > 0.3:
        return np.asarray(normal)
    lift, roll = np.radians(rng.uniform(38, 80)), rng.normal(0, 0.12)
    return np.array([np.cos(lift) * np.sin(roll), np.cos(lift) * np.cos(roll), np.sin(lift)])


def laid(shape: tuple[int, int], yfov: float, normal: NDArray[np.float64], turn: float) -> Bench:
    """The bench of that normal through the middle of the view, its own axes turned by `turn` radians."""
    height, width = shape
    slope = np.tan(yfov / 2)
    side = np.cross(normal, [0.0, 0.0, 1.0])
    side = side / np.linalg.norm(side) if np.linalg.norm(side) > 1e-6 else np.array([1.0, 0.0, 0.0])
    ahead = np.cross(normal, side)
    first, second = np.cos(turn) * side + np.sin(turn) * ahead, np.cos(turn) * ahead - np.sin(turn) * side
    # a ray d meets the plane at centre + p with p = d (n.c) / (n.d) - c, linear over linear in the pixel
    centre = np.array([0.0, 0.0, -1.0])
    level = normal @ centre
    forms = [axis * level - (axis @ centre) * normal for axis in (first, second)]
    u = (((np.arange(width) + 0.5) / width * 2 - 1) * slope * width / height).astype(np.float32)
    v = ((1 - (np.arange(height) + 0.5) / height * 2) * slope).astype(np.float32)
    x, y, w = (
        (np.float32(f[0]) * u)[None] + (np.float32(f[1]) * v - np.float32(f[2]))[:, None] for f in (*forms, normal)
    )
    near = w * np.float32(1 / level)
    far = near < FAR
    scale = np.float32(1 / (level * slope)) / np.maximum(near, np.float32(FAR))
    return Bench(x * scale, y * scale, far if far.any() else None, float(normal[2]))
