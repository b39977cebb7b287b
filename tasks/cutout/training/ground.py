"""Places with lines on them, as cutting mats, tiles and planks have: outlines that are no object's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tasks.records import generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.records import Bytes

LINED: Final = 0.5  # share of places that come with lines too
APART: Final = (0.12, 0.9)  # from one line to the next, in half the picture's side
WIDE: Final = (0.008, 0.04)
SLANTED: Final = 0.4  # how much nearer one end of the picture is than its middle, at most
PARALLEL: Final = 0.25  # share without lines across
CHEQUERED: Final = 0.3  # share whose fields are of two kinds


def lined(scenes: Bytes) -> Bytes:
    """`scenes` (n, s, s, 3) uint8, and half of them once more with lines: about (1.5 n, s, s, 3)."""
    count = round(LINED * len(scenes))
    return np.stack([*scenes, *(_lined(scene, at) for at, scene in enumerate(scenes[:count]))])


def _lined(scene: Bytes, seed: int) -> Bytes:
    rng = generator("lines", seed)
    steps = np.linspace(-1, 1, len(scene))
    y, x = np.meshgrid(steps, steps, indexing="ij")
    angle, near = rng.uniform(-np.pi, np.pi), 1 + rng.uniform(-SLANTED, SLANTED) * y
    apart, wide = rng.uniform(*APART), rng.uniform(*WIDE)
    along = [(x * np.cos(turn) + y * np.sin(turn)) / near / apart + rng.random() for turn in (angle, angle + np.pi / 2)]
    along = along[: 1 if rng.random() < PARALLEL else 2]
    fields = sum(np.floor(one) for one in along) % 2
    chequered = 1 + (rng.random() < CHEQUERED) * rng.uniform(0.05, 0.35) * (fields - 0.5)
    cover = np.max([_near(one, wide / apart) for one in along], axis=0) * rng.uniform(0.3, 1.0)
    colour = rng.uniform(0, 255) + rng.uniform(-30, 30, 3)
    ground = scene * chequered[..., None]
    return np.asarray((ground + cover[..., None] * (colour - ground)).clip(0, 255), np.uint8)


def _near(along: NDArray[np.float64], wide: float) -> NDArray[np.float64]:
    """1 on a line, 0 off it, soft between."""
    found: NDArray[np.float64] = (1.5 - np.abs(along - np.round(along)) / wide * 2).clip(0, 1)
    return found
