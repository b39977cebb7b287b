"""What parts lie on: wood, concrete, a cutting mat, paper, steel, cloth and more, drawn by arithmetic."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.photoreal.engine import mitsuba
from tasks.records import Floats
from tasks.stages.props.noise import spectral

SIDE = 512

Array = NDArray[np.floating[Any]]
Ramp = tuple[tuple[float, float, float], ...]


class Bench(NamedTuple):
    """A surface: its pattern, sRGB colours from dark to light, width of its tile in part radii, roughness."""

    pattern: str
    ramps: tuple[Ramp, ...]
    width: tuple[float, float]
    rough: tuple[float, float]
    metal: bool = False


BENCHES = {
    "wood": Bench(
        "boards",
        (
            ((0.34, 0.21, 0.12), (0.62, 0.43, 0.26), (0.76, 0.58, 0.38)),
            ((0.52, 0.40, 0.27), (0.78, 0.66, 0.48), (0.87, 0.78, 0.62)),
            ((0.20, 0.14, 0.10), (0.36, 0.26, 0.19), (0.45, 0.34, 0.26)),
            ((0.40, 0.36, 0.31), (0.57, 0.53, 0.47), (0.67, 0.63, 0.57)),
        ),
        (4.0, 10.0),
        (0.25, 0.6),
    ),
    "concrete": Bench(
        "cast",
        (
            ((0.30, 0.29, 0.28), (0.58, 0.57, 0.55), (0.70, 0.69, 0.66)),
            ((0.22, 0.23, 0.24), (0.42, 0.43, 0.44), (0.52, 0.53, 0.54)),
        ),
        (4.0, 9.0),
        (0.5, 0.9),
    ),
    "mat": Bench(
        "lines",
        (
            ((0.05, 0.24, 0.19), (0.09, 0.36, 0.28), (0.70, 0.78, 0.60)),
            ((0.10, 0.15, 0.32), (0.16, 0.25, 0.48), (0.75, 0.80, 0.90)),
            ((0.10, 0.10, 0.11), (0.19, 0.19, 0.20), (0.72, 0.73, 0.72)),
        ),
        (3.0, 8.0),
        (0.35, 0.6),
    ),
    "paper": Bench(
        "plain",
        (
            ((0.80, 0.79, 0.76), (0.91, 0.90, 0.88), (0.95, 0.95, 0.93)),
            ((0.62, 0.51, 0.37), (0.73, 0.61, 0.46), (0.80, 0.69, 0.54)),
        ),
        (4.0, 9.0),
        (0.7, 0.9),
    ),
    "print": Bench(
        "text",
        (
            ((0.10, 0.10, 0.11), (0.88, 0.87, 0.84), (0.94, 0.93, 0.91)),
            ((0.18, 0.2, 0.4), (0.90, 0.9, 0.88), (0.95, 0.94, 0.92)),
        ),
        (4.0, 8.0),
        (0.7, 0.9),
    ),
    "steel": Bench(
        "strokes",
        (
            ((0.45, 0.46, 0.47), (0.68, 0.69, 0.70), (0.82, 0.82, 0.82)),
            ((0.30, 0.29, 0.28), (0.52, 0.51, 0.50), (0.66, 0.65, 0.64)),
        ),
        (3.0, 8.0),
        (0.28, 0.5),
        metal=True,
    ),
    "cloth": Bench(
        "weave",
        (
            ((0.10, 0.13, 0.20), (0.22, 0.28, 0.40), (0.34, 0.41, 0.53)),
            ((0.36, 0.10, 0.08), (0.58, 0.17, 0.13), (0.70, 0.28, 0.22)),
            ((0.48, 0.46, 0.42), (0.72, 0.70, 0.65), (0.82, 0.80, 0.76)),
            ((0.11, 0.11, 0.11), (0.24, 0.24, 0.24), (0.34, 0.34, 0.33)),
        ),
        (2.0, 5.0),
        (0.8, 1.0),
    ),
    "worktop": Bench(
        "grains",
        (
            ((0.42, 0.42, 0.43), (0.72, 0.72, 0.72), (0.90, 0.90, 0.89)),
            ((0.10, 0.11, 0.12), (0.24, 0.25, 0.27), (0.60, 0.60, 0.60)),
            ((0.30, 0.37, 0.43), (0.50, 0.58, 0.64), (0.78, 0.82, 0.85)),
        ),
        (3.0, 8.0),
        (0.15, 0.4),
    ),
    "cardboard": Bench(
        "waves", (((0.46, 0.34, 0.22), (0.67, 0.52, 0.36), (0.76, 0.62, 0.45)),), (3.0, 7.0), (0.8, 1.0)
    ),
    "pegboard": Bench(
        "holes",
        (
            ((0.03, 0.03, 0.03), (0.62, 0.56, 0.46), (0.70, 0.64, 0.54)),
            ((0.03, 0.03, 0.03), (0.75, 0.76, 0.76), (0.84, 0.85, 0.85)),
        ),
        (2.0, 5.0),
        (0.4, 0.7),
    ),
}
CALM = ("wood", "concrete", "mat", "paper", "steel", "cloth", "worktop", "cardboard")
BUSY = ("wood", "mat", "print", "cloth", "pegboard", "worktop", "concrete", "steel")


@cache
def pattern(name: str) -> Floats:
    """Tile (512, 512) float32 of a pattern, 0 to 1, that wraps around."""
    tile = np.clip(PATTERNS[name]().astype(np.float32), 0, 1)
    tile.flags.writeable = False
    return tile


def noise(beta: float, seed: int, stretch: tuple[float, float] = (1.0, 1.0)) -> Floats:
    """Noise (512, 512) float32 of mean 0, deviation 1."""
    return spectral((SIDE, SIDE), beta, 7000 + seed, stretch)


def boards() -> Array:
    """Three boards with growth rings that bend around knots."""
    rows = np.arange(SIDE, dtype=np.float32)[:, None]
    bent = rows + 9 * noise(2.2, 1, (1.0, 5.0)) + 26 * noise(3.2, 2, (1.0, 2.5))
    rings = np.sin(bent * (2 * np.pi / 34)) * 0.5 + np.sin(bent * (2 * np.pi / 11)) * 0.2
    board = (rows // (SIDE / 3)).astype(int)
    tone = np.array([0.0, 0.12, -0.1])[np.minimum(board, 2)]
    gap = (rows % (SIDE / 3)) < 2
    fibre = noise(0.8, 3, (0.4, 18.0))
    return np.asarray(np.where(gap, 0.02, 0.56 + 0.16 * rings + 0.09 * fibre + tone + 0.05 * noise(2.0, 4)))


def cast() -> Array:
    """Concrete: clouds, sand, pores and a crack."""
    pores = noise(1.0, 5) > 2.45
    cracked = np.abs(noise(2.6, 6)) < 0.012
    return np.asarray(0.55 + 0.13 * noise(1.9, 7) + 0.09 * noise(0.4, 8) - 0.5 * pores - 0.25 * cracked)


def lines() -> Array:
    """A cutting mat: a line each centimetre, bold each fifth, and cuts."""
    steps = np.arange(SIDE)
    line = np.where(steps % 128 < 4, 1.0, np.where(steps % 32 < 2, 0.75, 0.0))
    cuts = noise(1.0, 9, (0.25, 14.0)) > 2.9
    return np.asarray(np.maximum(0.42 + 0.05 * noise(0.9, 10) + 0.2 * cuts, np.maximum(line[:, None], line[None])))


def plain() -> Array:
    """Paper or card with a soft crease."""
    return np.asarray(0.55 + 0.07 * noise(0.5, 11) + 0.12 * noise(2.4, 12))


def text() -> Array:
    """A printed sheet: lines of words, a ruled table."""
    from PIL import Image, ImageDraw, ImageFont

    rng = np.random.default_rng(7100)
    page = Image.new("L", (SIDE, SIDE), 153)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(13)
    for top in range(8, SIDE - 16, 17):
        words = "".join(rng.choice(list("eeaoinrtsldhu mpgcf    "), int(rng.integers(30, 80))))
        pen.text((20, top), words, fill=15, font=font)
    pen.rectangle((250, 330, 500, 480), fill=153, outline=20)
    for row in range(355, 480, 25):
        pen.line((250, row, 500, row), fill=40)
        pen.text((260, row - 19), f"{rng.integers(100, 999)}    {rng.integers(10, 99)}.{rng.integers(0, 9)}", 15, font)
    return np.asarray(page, np.float64) / 255 + 0.04 * noise(0.5, 13)


def strokes() -> Array:
    """Ground steel: strokes one way, some deep, with stains."""
    deep = noise(1.1, 16, (0.4, 9.0)) > 2.8
    return np.asarray(0.55 + 0.12 * noise(0.5, 14, (0.3, 40.0)) + 0.12 * noise(2.2, 15) - 0.35 * deep)


def weave() -> Array:
    """Threads over and under each other."""
    wave = np.sin(np.arange(SIDE) * (2 * np.pi * 40 / SIDE))
    return np.asarray(0.5 + 0.2 * wave[:, None] * wave[None] + 0.1 * noise(0.5, 17) + 0.1 * noise(2.2, 18))


def grains() -> Array:
    """A laminated worktop."""
    specks = noise(0.8, 19)
    return np.asarray(0.5 + 0.03 * noise(1.5, 20) + 0.18 * (specks > 2.3) - 0.3 * (specks < -2.1))


def waves() -> Array:
    """Cardboard whose flutes show through."""
    flutes = np.sin(np.arange(SIDE) * (2 * np.pi * 32 / SIDE))[:, None]
    return np.asarray(0.5 + 0.06 * flutes + 0.1 * noise(0.7, 21, (1.0, 4.0)) + 0.08 * noise(2.0, 22))


def holes() -> Array:
    """A perforated board."""
    steps = (np.arange(SIDE) % 64) - 32
    round_ = np.hypot(steps[:, None], steps[None]) < 10
    return np.asarray(np.where(round_, 0.0, 0.62 + 0.08 * noise(1.2, 23)))


PATTERNS = {made.__name__: made for made in (boards, cast, lines, plain, text, strokes, weave, grains, waves, holes)}


def bench(name: str, rng: np.random.Generator) -> dict[str, Any]:
    """Mitsuba shape of the bench `name` in one of its colours, turned anyhow, its top at z = 0."""
    made, half = BENCHES[name], float(rng.uniform(5, 14))
    middle, turn = rng.uniform(-0.2, 0.2, 2) * half, float(rng.uniform(0, 360))
    return {
        "type": "rectangle",
        "to_world": mitsuba().ScalarTransform4f().translate([*middle, 0.0]).rotate([0, 0, 1], turn).scale(half),
        "bsdf": cover(name, rng, 2 * half / float(rng.uniform(*made.width))),
    }


def cover(name: str, rng: np.random.Generator, repeats: float) -> dict[str, Any]:
    """Mitsuba material of the bench `name`, its tile `repeats` times over the shape."""
    made, tile = BENCHES[name], pattern(BENCHES[name].pattern)
    ramp = np.array(made.ramps[rng.integers(len(made.ramps))]) * rng.uniform(0.85, 1.1) * rng.uniform(0.96, 1.04, 3)
    linear = np.clip(ramp, 0, 0.97) ** 2.2
    stops = np.array([0.05, 0.55, 0.95])
    colours = np.stack([np.interp(tile, stops, linear[:, channel]) for channel in range(3)], axis=-1)
    where = mitsuba().ScalarTransform4f().translate([*rng.random(2), 0.0]).scale([repeats, repeats, 1.0])
    paint = {
        "type": "bitmap",
        "bitmap": mitsuba().Bitmap(np.ascontiguousarray(colours[::-1], np.float32)),
        "raw": True,
        "to_uv": where,
    }
    rough = float(rng.uniform(*made.rough))
    if made.metal:
        return {"type": "roughconductor", "material": "none", "alpha": rough**2 + 0.03, "specular_reflectance": paint}
    if rough > 0.6:
        return {"type": "diffuse", "reflectance": paint}
    return {"type": "principled", "base_color": paint, "roughness": rough, "specular": 0.4}
