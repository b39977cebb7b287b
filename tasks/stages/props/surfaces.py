"""What parts are photographed on: benches, floors, mats and cloths as tiles and palettes."""

from __future__ import annotations

import colorsys
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tasks.stages.props.noise import TILE, Bytes, quantised, spectral

Ramp = tuple[str, ...]
LEVELS = 4


class Surface(NamedTuple):
    """A material to stand on: its pattern, the colours it comes in, and texels per pixel seen from above."""

    pattern: str
    ramps: tuple[Ramp, ...]
    scale: tuple[float, float]
    stain: float = 0.05


SURFACES = {
    "wood": Surface(
        "planks",
        (
            ("#6d4526", "#a9764a", "#c79a6b", "#dcb98c"),
            ("#3d2618", "#5d3a22", "#7b5233", "#8f6540"),
            ("#a48a68", "#cdb48e", "#dfcaa6", "#ecdcbf"),
            ("#5b4a3c", "#7d6a58", "#958370", "#a99985"),
        ),
        (0.8, 1.8),
        0.07,
    ),
    "steel": Surface(
        "brushed",
        (("#6f7376", "#8f9396", "#a6aaad", "#c2c5c7"), ("#54585c", "#6d7175", "#84888c", "#9a9ea2")),
        (0.9, 1.8),
        0.09,
    ),
    "concrete": Surface(
        "pores",
        (("#565452", "#8a8783", "#a09d98", "#b4b1ab"), ("#4a4d4f", "#6f7375", "#868a8b", "#9a9d9d")),
        (0.8, 2.0),
        0.1,
    ),
    "cardboard": Surface(
        "flutes",
        (("#8d6b47", "#b08a5f", "#bf9a6e", "#cfae84"), ("#9c8468", "#bda587", "#cbb598", "#d8c5ab")),
        (0.7, 1.5),
    ),
    "mat": Surface(
        "grid",
        (
            ("#1f4a3c", "#27604d", "#2d6a55", "#c9d8b4"),
            ("#1d2b4d", "#263c6b", "#2b4479", "#c8d2e6"),
            ("#2b2d2f", "#3b3d40", "#454749", "#c4c6c4"),
        ),
        (0.6, 1.6),
        0.03,
    ),
    "cloth": Surface(
        "weave",
        (
            ("#5c1712", "#8f2b20", "#a6362a", "#b84b3d"),
            ("#2a3b55", "#3d5475", "#4b6488", "#5f799c"),
            ("#8f8b82", "#b9b5ab", "#cac6bc", "#dad7ce"),
            ("#3a3a39", "#4f4f4d", "#5d5d5a", "#6c6c68"),
        ),
        (0.9, 1.6),
        0.12,
    ),
    "gravel": Surface("pebbles", (("#3a3733", "#6f6a63", "#96908a", "#b9b2a8"),), (0.8, 1.6), 0.05),
    "paper": Surface(
        "fibres",
        (("#cfcdc8", "#e3e1dc", "#ebe9e5", "#f3f2ee"), ("#b3b6bb", "#cbced2", "#d6d9dc", "#e2e4e6")),
        (0.8, 1.6),
    ),
    "laminate": Surface(
        "speckle",
        (
            ("#8b8d8e", "#b3b5b5", "#bfc1c0", "#d5d6d4"),
            ("#3c4248", "#545b62", "#5e656c", "#79808a"),
            ("#6f7f8c", "#90a2b0", "#9bacba", "#b4c3ce"),
        ),
        (0.8, 1.6),
    ),
    "rubber": Surface(
        "ribs", (("#161617", "#232425", "#2d2e2f", "#3c3d3e"), ("#1f2a38", "#2a3747", "#334152", "#445367")), (0.8, 1.6)
    ),
}


def _planks() -> Bytes:
    """Boards side by side, each with its own grain."""
    rng = np.random.default_rng(11)
    warp = spectral((TILE, TILE), 2.0, 1, (1.0, 6.0))
    fibre = spectral((TILE, TILE), 0.7, 2, (0.5, 14.0))
    rows = np.arange(TILE, dtype=np.float32)
    value = np.zeros((TILE, TILE), dtype=np.float32)
    height = TILE // 4
    for board in range(4):
        band = slice(board * height, (board + 1) * height)
        moved = np.roll(warp, int(rng.integers(TILE)), axis=1)[band]
        rings = np.sin(2 * np.pi * (rows[band, None] / rng.uniform(9, 26) + 1.3 * moved))
        value[band] = 0.55 * rings + rng.normal(0, 0.55)
        value[board * height] -= 2.2
        value[board * height + 1] -= 1.0
    return quantised(value + 0.5 * fibre)


def _brushed() -> Bytes:
    """Fine strokes in one direction, with a few deep ones."""
    strokes = spectral((TILE, TILE), 0.55, 3, (0.25, 40.0))
    return quantised(strokes + 0.5 * spectral((TILE, TILE), 1.8, 4) - 1.5 * (strokes < -2.6))


def _pores() -> Bytes:
    """Cast concrete: clouds, sand and small dark holes."""
    holes = spectral((TILE, TILE), 1.1, 5) > 2.5
    return quantised(0.7 * spectral((TILE, TILE), 1.6, 6) + 0.5 * spectral((TILE, TILE), 0.3, 7) - 2.0 * holes)


def _flutes() -> Bytes:
    """Cardboard: the waves below show faintly through the fibres."""
    rows = np.arange(TILE, dtype=np.float32)[:, None]
    waves = np.sin(rows * (2 * np.pi * 32 / TILE))
    return quantised(
        0.35 * waves + 0.6 * spectral((TILE, TILE), 0.8, 8, (1.0, 3.0)) + 0.4 * spectral((TILE, TILE), 1.8, 9)
    )


def _grid() -> Bytes:
    """A cutting mat: thin lines, every fourth one bold."""
    steps = np.arange(TILE)
    thin = np.where(steps % 32 < 1, 1.6, 0.0)
    line = np.where(steps % 128 < 2, 3.4, thin).astype(np.float32)
    cuts = spectral((TILE, TILE), 1.0, 10, (0.3, 12.0)) > 2.7
    base = 0.25 * spectral((TILE, TILE), 0.8, 11) - 0.5 + 0.5 * cuts
    return quantised(np.maximum(base, np.maximum(line[:, None], line[None, :])))


def _weave() -> Bytes:
    """Threads over and under each other, with soft folds."""
    steps = np.arange(TILE, dtype=np.float32) * (2 * np.pi * 64 / TILE)
    threads = np.sin(steps)[:, None] * np.sin(steps)[None, :]
    return quantised(0.5 * threads + 0.9 * spectral((TILE, TILE), 2.2, 12) + 0.35 * spectral((TILE, TILE), 0.4, 13))


def _pebbles() -> Bytes:
    """Small stones: each its own grey, rounded at the edge."""
    rng = np.random.default_rng(14)
    half, cells = TILE // 2, 32
    width = half // cells
    seeds = rng.uniform(0, width, (cells, cells, 2)).astype(np.float32)
    greys = rng.normal(0, 0.9, (cells, cells)).astype(np.float32)
    rows, columns = np.mgrid[0:half, 0:half]
    near = np.full((2, half, half), np.inf, dtype=np.float32)
    grey = np.zeros((half, half), dtype=np.float32)
    # one stone in each cell of a grid: the nearest two lie in the cells around
    for down, across in np.ndindex(5, 5):
        row, column = rows // width + down - 2, columns // width + across - 2
        seed = seeds[row % cells, column % cells]
        away = np.hypot(rows - row * width - seed[..., 0], columns - column * width - seed[..., 1])
        nearer = away < near[0]
        near[1] = np.where(nearer, near[0], np.minimum(near[1], away))
        near[0] = np.where(nearer, away, near[0])
        grey = np.where(nearer, greys[row % cells, column % cells], grey)
    stone = grey + np.minimum((near[1] - near[0]) * 0.5 - 1.6, 0.4)
    small = np.asarray(stone, dtype=np.float32).reshape(half, half)
    large = np.asarray(Image.fromarray(small).resize((TILE, TILE), Image.Resampling.BILINEAR), dtype=np.float32)
    return quantised(large + 0.25 * spectral((TILE, TILE), 0.5, 15))


def _fibres() -> Bytes:
    """Paper: almost plain."""
    return quantised(0.45 * spectral((TILE, TILE), 0.6, 16) + 0.5 * spectral((TILE, TILE), 1.8, 17))


def _speckle() -> Bytes:
    """A laminated worktop: plain with small light and dark specks."""
    specks = spectral((TILE, TILE), 0.9, 18)
    return quantised(0.2 * spectral((TILE, TILE), 1.5, 19) + 1.6 * (specks > 2.1) - 1.8 * (specks < -2.2))


def _ribs() -> Bytes:
    """A rubber mat with fine ribs, dusty."""
    rows = np.arange(TILE, dtype=np.float32)[:, None] * (2 * np.pi * 40 / TILE)
    return quantised(
        0.8 * np.tanh(2 * np.sin(rows)) + 0.7 * spectral((TILE, TILE), 1.4, 20) + 0.2 * spectral((TILE, TILE), 0.2, 21)
    )


PATTERNS = {
    "planks": _planks,
    "brushed": _brushed,
    "pores": _pores,
    "flutes": _flutes,
    "grid": _grid,
    "weave": _weave,
    "pebbles": _pebbles,
    "fibres": _fibres,
    "speckle": _speckle,
    "ribs": _ribs,
}


@cache
def levels(pattern: str) -> tuple[Bytes, ...]:
    """The tile of a pattern at falling resolution: 512, 256, 128 and 64 texels square, uint8."""
    tile = PATTERNS[pattern]()
    halves = [tile]
    for _ in range(LEVELS - 1):
        side = halves[-1].shape[0] // 2
        small = np.asarray(Image.fromarray(halves[-1]).reduce(2), dtype=np.uint8).reshape(side, side)
        small.flags.writeable = False
        halves.append(small)
    return tuple(halves)


def palette(surface: Surface, rng: np.random.Generator) -> Bytes:
    """Colour of each of 256 grey levels, (256, 3) uint8, a little different each time."""
    ramp = surface.ramps[rng.integers(len(surface.ramps))]
    turn, rich, lit = rng.normal(0, 0.012), rng.uniform(0.75, 1.15), rng.uniform(0.82, 1.12)
    stops = np.array([_varied(stop, turn, rich, lit) for stop in ramp])
    # tiles hold 128 +- 48: the ramp spans two deviations either way, so that its ends are seen
    places = np.linspace(32, 224, len(stops))
    grey = np.arange(256)
    return np.stack([np.interp(grey, places, stops[:, c]) for c in range(3)], axis=1).astype(np.uint8)


def _varied(colour: str, turn: float, rich: float, lit: float) -> NDArray[np.float64]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    return np.array(colorsys.hsv_to_rgb((hue + turn) % 1, min(saturation * rich, 1), min(value * lit, 1))) * 255
