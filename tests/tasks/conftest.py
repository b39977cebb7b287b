"""Pictures of parts that need no renderer: a ball and a block, seen by a known camera, by arithmetic."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.records import Camera, Part, View, generator

DISTANCE = 100.0
YFOV = 0.5
RADIUS = 20.0
BLOCK = np.array([20.0, 13.0, 9.0])

Array = NDArray[np.float64]


class Shown(Protocol):
    """Makes the view of a part."""

    def __call__(self, shape: str = "block", **changes: Any) -> View:
        """View of a "ball" or a "block"; `elevation` and `size` of the picture, else fields of its part."""
        ...


@pytest.fixture
def shown() -> Shown:
    """A maker of views: straight alpha, exact mask, depth in mm and normals in camera space."""
    return _shown


def _shown(shape: str = "block", *, elevation: float = 40, size: int = 128, grey: float = 0.6, **part: Any) -> View:
    pose = _pose(np.radians(elevation), np.radians(30))
    slope = np.tan(YFOV / 2)
    steps = ((np.arange(size) + 0.5) / size * 2 - 1) * slope
    rays = np.stack(np.broadcast_arrays(steps[None], -steps[:, None], -1.0), axis=-1) @ pose[:3, :3].T
    depth, normals = (_ball if shape == "ball" else _block)(pose[:3, 3], rays)
    mask = np.isfinite(depth)
    normals = np.where(mask[..., None], normals, 0) @ pose[:3, :3]
    shade = grey * (0.35 + 0.65 * np.clip(normals @ [0.4, 0.7, 0.6], 0, 1)) * mask
    return View(
        part=Part(number=f"{shape}-1", **part),
        camera=Camera(pose=tuple(tuple(row) for row in pose.tolist()), yfov=YFOV, size=size),
        image=np.repeat((np.sqrt(shade) * 255).astype(np.uint8)[..., None], 3, axis=-1),
        alpha=mask.astype(np.float32),
        mask=mask,
        depth=np.where(mask, depth, 0).astype(np.float32),
        normals=normals.astype(np.float32),
        rng=generator("view", shape),
    )


def _pose(elevation: float, azimuth: float) -> Array:
    back = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    right = np.cross([0, 0, 1], back)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :4] = np.stack([right, np.cross(back, right), back, back * DISTANCE], axis=1)
    return pose


def _ball(eye: Array, rays: Array) -> tuple[Array, Array]:
    square, across = (rays**2).sum(axis=-1), rays @ eye
    with np.errstate(invalid="ignore"):
        depth = (-across - np.sqrt(across**2 - square * (eye @ eye - RADIUS**2))) / square
        return np.where(np.isnan(depth), np.inf, depth), (eye + depth[..., None] * rays) / RADIUS


def _block(eye: Array, rays: Array) -> tuple[Array, Array]:
    near = (-np.sign(rays) * BLOCK - eye) / rays
    far = (np.sign(rays) * BLOCK - eye) / rays
    axis = near.argmax(axis=-1)
    depth = np.where(near.max(axis=-1) < far.min(axis=-1), near.max(axis=-1), np.inf)
    return depth, -np.sign(rays) * np.eye(3)[axis]
