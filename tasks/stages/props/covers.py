"""Pictures of what hides a part: each reaches from the picture's edge to a target, along a heading."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from tasks.stages.props import surfaces, things
from tasks.stages.props.noise import Bytes, Floats, cloud, enlarged

if TYPE_CHECKING:
    from collections.abc import Callable

SKINS = ("#f0c8a8", "#e0ac88", "#c68863", "#9c6644", "#6d4530", "#4a2f22")
GLOVES = ("#1f2124", "#2d5f9e", "#e8e6e0", "#d97a2b", "#5a6b52", "#3b6ea5")
CABLES = ("#17181a", "#b3302a", "#2a4fa0", "#d8d5cd", "#d9a520", "#3f7a46")

Vector = NDArray[np.float64]


class Cover(NamedTuple):
    """Something opaque: `colour` (h, w, 3), the `share` it covers and the `shade` it throws behind it, both (h, w)."""

    colour: Bytes
    share: Floats
    shade: Floats


def fingers(shape: tuple[int, int], target: Vector, heading: Vector, rng: np.random.Generator) -> Cover:
    """One to three bare fingers side by side."""
    return _fingers(shape, target, heading, rng, SKINS[rng.integers(len(SKINS))], nails=True)


def glove(shape: tuple[int, int], target: Vector, heading: Vector, rng: np.random.Generator) -> Cover:
    """One to three fingers in a working glove."""
    return _fingers(shape, target, heading, rng, GLOVES[rng.integers(len(GLOVES))], nails=False)


def _fingers(
    shape: tuple[int, int], target: Vector, heading: Vector, rng: np.random.Generator, colour: str, *, nails: bool
) -> Cover:
    size = float(min(shape))
    across = np.array([-heading[1], heading[0]])
    radius = rng.uniform(0.055, 0.085) * size * (1.0 if nails else 1.12)
    count = int(rng.integers(1, 4))
    grid = _grid(shape)
    height, nail = np.zeros(grid.shape[:2], dtype=np.float32), np.zeros(grid.shape[:2], dtype=np.float32)
    nearest = np.full(grid.shape[:2], np.inf, dtype=np.float32)
    for k in range(count):
        tip = target + across * (k - (count - 1) / 2) * radius * 2.02 - heading * rng.uniform(0, 1.1) * radius
        lean = heading + across * rng.normal(0, 0.05)
        distance, along = _capsule(grid, tip, tip - lean * 2 * size)
        thick = (
            radius * (1 - 0.12 * np.clip(1 - along / (2 * radius), 0, 1)) * (1 + 0.03 * np.sin(along / radius * 1.3))
        )
        gap = (distance - thick).astype(np.float32)
        closer = gap < nearest
        round_ = np.sqrt(np.clip(1 - (distance / thick) ** 2, 0, 1)).astype(np.float32)
        height = np.where(closer, round_, height)
        if nails:
            off = grid - (tip - lean * radius * 0.1)
            plate = ((off @ lean) / (0.72 * radius)) ** 2 + ((off @ across) / (0.55 * radius)) ** 2
            nail = np.where(closer, np.clip((1 - plate) * 4, 0, 1), nail).astype(np.float32)
        nearest = np.minimum(nearest, gap)
    base = np.array(things.lighter(colour, 1.0), dtype=np.float32)
    tone: Floats = (0.42 + 0.62 * height)[..., None] * base
    tone += nail[..., None] * (np.array([250, 214, 200], dtype=np.float32) - base) * 0.25 * height[..., None]
    return _finished(tone, nearest, shape, rng, size)


def cable(shape: tuple[int, int], target: Vector, heading: Vector, rng: np.random.Generator) -> Cover:
    """A cable that hangs across the picture in an arc."""
    size = float(min(shape))
    across = np.array([-heading[1], heading[0]])
    steps = np.linspace(-1, 1, 15)
    sag = rng.uniform(0.1, 0.7)
    curve = target + across * (steps * 1.1 * size)[:, None] - heading * (sag * size * steps**2)[:, None]
    grid = _grid(shape)
    distance = np.full(grid.shape[:2], np.inf)
    for start, end in pairwise(curve):
        distance = np.minimum(distance, _capsule(grid, start, end)[0])
    radius = rng.uniform(0.018, 0.04) * size
    ridge = np.sqrt(np.clip(1 - (distance / radius) ** 2, 0, 1)).astype(np.float32)
    base = np.array(things.lighter(CABLES[rng.integers(len(CABLES))], 1.0), dtype=np.float32)
    tone = (0.35 + 0.6 * ridge)[..., None] * base + (60 * ridge**12)[..., None]
    return _finished(tone, (distance - radius).astype(np.float32), shape, rng, size)


def cloth(shape: tuple[int, int], target: Vector, heading: Vector, rng: np.random.Generator) -> Cover:
    """The edge of a cloth with folds."""
    size = float(min(shape))
    across = np.array([-heading[1], heading[0]])
    off = _grid(shape) - target
    ahead, side = (off @ heading).astype(np.float32), (off @ across).astype(np.float32)
    waves = rng.uniform(0.6, 2.2, 3) * 2 * np.pi / size
    phases = rng.uniform(0, 2 * np.pi, 3)
    wave = sum(np.sin(side * w + p) / (k + 1) for k, (w, p) in enumerate(zip(waves, phases, strict=True)))
    gap = (ahead + wave * rng.uniform(0.01, 0.05) * size).astype(np.float32)
    fold = np.sin(side * waves[1] * 2 + gap * rng.uniform(-2, 2) / size * 6 + phases[1])
    base = surfaces.palette(surfaces.SURFACES["cloth"], rng)[140]
    tone = (0.85 + 0.2 * fold)[..., None] * base
    return _finished(tone.astype(np.float32), gap, shape, rng, size)


def thing(shape: tuple[int, int], target: Vector, heading: Vector, rng: np.random.Generator) -> Cover:
    """Another part or tool that lies in front."""
    other = things.anything(rng, float(rng.uniform(0.3, 0.6)) * min(shape))
    cover = Image.fromarray(things.silhouettes(other, target - heading * 0.1 * min(shape), shape))
    soft: Floats = np.asarray(cover.filter(ImageFilter.BoxBlur(0.6)), dtype=np.float32)
    shade = np.asarray(cover.filter(ImageFilter.GaussianBlur(0.025 * shape[0])), dtype=np.float32)
    colour = np.asarray(things.shaded(other, cover, rng))
    return Cover(colour, soft * np.float32(1 / 255), shade * np.float32(0.5 / 255))


COVERS: dict[str, Callable[[tuple[int, int], Vector, Vector, np.random.Generator], Cover]] = {
    "fingers": fingers,
    "glove": glove,
    "cloth": cloth,
    "cable": cable,
    "thing": thing,
}


def _grid(shape: tuple[int, int]) -> NDArray[np.float64]:
    """Pixel places (x, y) of every second pixel, (h/2, w/2, 2): distances are smooth, half of them do."""
    rows, columns = np.arange(0, shape[0], 2) + 0.5, np.arange(0, shape[1], 2) + 0.5
    return np.stack(np.meshgrid(columns, rows), axis=-1)


def _capsule(grid: NDArray[np.float64], start: Vector, end: Vector) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance of each place to the segment, and how far along it the nearest point is."""
    line = end - start
    length = float(np.linalg.norm(line))
    off = grid - start
    along = np.clip(off @ (line / length), 0, length)
    away = off - along[..., None] * (line / length)
    return np.sqrt(np.einsum("ijk,ijk->ij", away, away)), along


def _finished(tone: Floats, gap: Floats, shape: tuple[int, int], rng: np.random.Generator, size: float) -> Cover:
    """Full size, textured a little, with soft edges: `gap` is the signed distance to the outline in pixels."""
    wide = enlarged(gap, shape)
    colour = np.stack(
        [enlarged(np.ascontiguousarray(tone[..., c], dtype=np.float32), shape) for c in range(3)], axis=-1
    )
    grain = cloud(1.0, 41)
    top, left = (int(n) for n in rng.integers(0, grain.shape[0] // 2, 2))
    rows = (np.arange(shape[0]) + top) % grain.shape[0]
    columns = (np.arange(shape[1]) + left) % grain.shape[1]
    colour *= (1 + (grain[rows][:, columns].astype(np.float32) - 128) * np.float32(0.0009))[..., None]
    share = np.clip(np.float32(0.5) - wide, 0, 1)
    shade = np.float32(0.45) * np.exp(-np.clip(wide, 0, None) * np.float32(1 / (0.03 * size)))
    return Cover(np.clip(colour, 0, 255).astype(np.uint8), share.astype(np.float32), shade.astype(np.float32))
