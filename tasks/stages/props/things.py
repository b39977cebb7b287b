"""Other things that lie about on a bench: outlines of fasteners, tools, boxes and cables."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from tasks.stages.props.noise import Bytes

Outline = NDArray[np.float64]

METALS = ("#8d9093", "#6f7274", "#a9a9a6", "#3c3d3f", "#b08d4a", "#7a5a3c")
PAINTS = ("#9c3f33", "#39598a", "#c09b3d", "#476f55", "#d2cfc8", "#232527", "#b96a38", "#6b7076", "#8a7f6d")


class Thing(NamedTuple):
    """An outline filled with a colour, perhaps with a hole; `thick` is its height over the bench."""

    outline: Outline
    hole: Outline | None
    colour: str
    thick: float


def _regular(count: int, radius: float) -> Outline:
    angles = np.arange(count) * (2 * np.pi / count)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius


def _bar(length: float, width: float) -> Outline:
    return np.array([[-length, -width], [length, -width], [length, width], [-length, width]]) / 2


def _bolt(length: float, width: float) -> Outline:
    """Head and shank, seen from the side."""
    head = width * 0.9
    return np.array(
        [
            *([0, -width], [head, -width], [head, -width / 2], [length, -width / 2]),
            *([length, width / 2], [head, width / 2], [head, width], [0, width]),
        ]
    ) - [length / 2, 0]


def _spanner(length: float, width: float) -> Outline:
    jaw = width * 1.5
    return np.array(
        [
            *([-length, -width / 2], [length - jaw, -width / 2], [length - jaw / 2, -jaw], [length + jaw, -jaw * 0.8]),
            *([length + jaw, -width / 2], [length, 0], [length + jaw, width / 2], [length + jaw, jaw * 0.8]),
            *([length - jaw / 2, jaw], [length - jaw, width / 2], [-length, width / 2]),
        ]
    ) / [1.6, 1]


def anything(rng: np.random.Generator, scale: float) -> Thing:
    """A thing of about `scale` pixels, centred at zero and turned at random."""
    kind = rng.integers(6)
    metal, paint = METALS[rng.integers(len(METALS))], PAINTS[rng.integers(len(PAINTS))]
    hole: Outline | None = None
    if kind == 0:
        outline, hole, colour, thick = _regular(6, 0.5), _regular(20, 0.27), metal, 0.2
    elif kind == 1:
        outline, hole, colour, thick = _regular(28, 0.5), _regular(24, rng.uniform(0.2, 0.36)), metal, 0.06
    elif kind == 2:
        outline, colour, thick = _bolt(rng.uniform(0.9, 1.8), rng.uniform(0.2, 0.34)), metal, 0.2
    elif kind == 3:
        outline, colour, thick = _spanner(rng.uniform(1.2, 2.0), rng.uniform(0.2, 0.3)), metal, 0.12
    elif kind == 4:
        outline, colour, thick = _bar(rng.uniform(1.6, 3.0), rng.uniform(0.08, 0.16)), paint, 0.1
    else:
        outline, colour, thick = _bar(rng.uniform(0.8, 1.8), rng.uniform(0.5, 1.1)), paint, 0.3
    turn = rng.uniform(0, 2 * np.pi)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * scale
    return Thing(outline @ spin.T, None if hole is None else hole @ spin.T, colour, thick * scale)


def _points(outline: Outline, at: Outline, squash: float) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in outline * [1.0, squash] + at]


def silhouettes(thing: Thing, at: Outline, shape: tuple[int, int], squash: float = 1.0) -> Bytes:
    """Where the thing covers the picture, (h, w) uint8 0 or 255."""
    cover = Image.new("L", (shape[1], shape[0]))
    draw = ImageDraw.Draw(cover)
    draw.polygon(_points(thing.outline, at, squash), fill=255)
    if thing.hole is not None:
        draw.polygon(_points(thing.hole, at, squash), fill=0)
    return np.asarray(cover)


def strewn(scene: Bytes, rng: np.random.Generator, count: int, light: tuple[float, float], squash: float) -> Bytes:
    """The scene with `count` things lying on it, towards its edges, each with its shadow.

    `light` is where shadows fall; `squash` is how much the camera's angle flattens what lies on the bench.
    """
    height, width = scene.shape[:2]
    picture = Image.fromarray(scene)
    for _ in range(count):
        thing = anything(rng, float(rng.uniform(0.1, 0.3)) * height)
        angle, away = rng.uniform(0, 2 * np.pi), rng.uniform(0.55, 1.05)
        at = np.array([width, height]) * (0.5 + 0.5 * away * np.array([np.cos(angle), np.sin(angle)]))
        offset = np.array(light) * min(thing.thick, 0.05 * height)
        cover = Image.fromarray(silhouettes(thing, at, (height, width), squash))
        shade = Image.fromarray(silhouettes(thing, at + offset, (height, width), squash) // 2)
        picture.paste((20, 18, 16), (0, 0), shade.filter(ImageFilter.BoxBlur(max(1.0, 0.012 * height))))
        picture.paste(shaded(thing, cover, rng), (0, 0), cover)
    return np.asarray(picture)


def shaded(thing: Thing, cover: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The thing's colour over the whole picture: a soft ramp of light, and edges rounded where `cover` ends."""
    corners = rng.uniform(0.6, 1.2, (2, 2, 1)) * np.array(lighter(thing.colour, 1.0))
    ramp = Image.fromarray(np.clip(corners, 0, 255).astype(np.uint8)).resize(cover.size, Image.Resampling.BILINEAR)
    reach = max(1.5, 0.35 * thing.thick)
    shift = reach * 0.7
    soft = cover.filter(ImageFilter.BoxBlur(reach))
    moved = soft.transform(cover.size, Image.Transform.AFFINE, (1, 0, shift, 0, 1, shift))
    # the blurred outline against itself a little further: bright on one flank, dark on the other
    relief = ImageChops.subtract(soft, moved, scale=2.0, offset=128)
    return ImageChops.overlay(ramp, Image.merge("RGB", (relief, relief, relief)))


def lighter(colour: str, factor: float) -> tuple[int, int, int]:
    """A colour written as #rrggbb, made brighter or darker by `factor`: three bytes."""
    red, green, blue = (min(255, int(int(colour[i : i + 2], 16) * factor)) for i in (1, 3, 5))
    return red, green, blue
