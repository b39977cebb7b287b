"""Bent sheet and flat plates: strips along a path, outlines with many holes, and what they are called."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.generate.features import Place, aimed
from tasks.generate.solids import Points, circle, extruded, slot, union

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Flat = tuple[float, float]
SHEET = ("steel, zinc plated", "stainless steel", "steel, black oxide", "aluminium", "black painted steel", "steel")
PROFILE = ("aluminium", "aluminium, black anodised", "steel", "aluminium 6063", "stainless steel")


def bent(points: Sequence[Flat] | Points, radius: float, steps: int = 7) -> Points:
    """Path (n, 2) through `points` whose sharp turns become arcs of `radius`, as far as there is room."""
    corners = np.asarray(points, float)
    path = [corners[0]]
    for before, here, after in zip(corners, corners[1:], corners[2:], strict=False):
        back, ahead = before - here, after - here
        room = 0.49 * min(np.linalg.norm(back), np.linalg.norm(ahead))
        back, ahead = back / np.linalg.norm(back), ahead / np.linalg.norm(ahead)
        half = np.arccos(np.clip(back @ ahead, -1, 1)) / 2
        if half > np.radians(82):
            path.append(here)
            continue
        cut = min(radius / np.tan(half), room)
        middle = here + (back + ahead) / np.linalg.norm(back + ahead) * cut / np.cos(half)
        start, end = here + back * cut - middle, here + ahead * cut - middle
        turn = np.arctan2(start[0] * end[1] - start[1] * end[0], start @ end)
        for angle in np.linspace(0, turn, steps):
            c, s = np.cos(angle), np.sin(angle)
            path.append(middle + start @ np.array([[c, s], [-s, c]]))
    return np.array([*path, corners[-1]])


def strip(points: Sequence[Flat] | Points, thickness: float, radius: float, steps: int = 7) -> Points:
    """Outline (n, 2), counter-clockwise, of a strip of `thickness` along a path that is bent with `radius`."""
    path = bent(points, max(radius, 0.55 * thickness), steps)
    path = path[np.insert(np.linalg.norm(np.diff(path, axis=0), axis=1) > 1e-6, 0, values=True)]
    ways = np.diff(path, axis=0)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    normals = np.stack([-ways[:, 1], ways[:, 0]], 1)
    joints = [normals[0], *((a + b) / (1 + a @ b) for a, b in pairwise(normals)), normals[-1]]
    side = np.array(joints) * thickness / 2
    return np.concatenate([path - side, (path + side)[::-1]])


def sheet(points: Sequence[Flat] | Points, thickness: float, width: float, radius: float = 0.0) -> Any:
    """Bent sheet: the strip along (x, z) `points`, `width` wide in y, centred."""
    outline = strip(points, thickness, max(radius, thickness))
    return extruded(outline, width).translate((0, 0, -width / 2)).rotate((90, 0, 0))


def pierced(solid: Any, places: Iterable[Place], outline: Points, axis: str, depth: float) -> Any:
    """`solid` less `outline` cut along `axis` at `places`, `depth` long about each place."""
    tool = aimed(extruded(outline, depth).translate((0, 0, -depth / 2)), axis)
    return solid - union(tool.translate(place) for place in places)


def plate(outline: Points, thickness: float, holes: Iterable[Points] = ()) -> Any:
    """Plate on z = 0 with many holes, cut from the outline at once."""
    from manifold3d import CrossSection, FillRule

    section = CrossSection([outline], FillRule.Positive)
    cut = list(holes)
    return (section - CrossSection(cut, FillRule.Positive) if cut else section).extrude(thickness)


def smoothed(outline: Sequence[Flat] | Points, radius: float) -> Points:
    """`outline` (n, 2) with its corners rounded by `radius`, as far as there is room."""
    corners = np.asarray(outline, float)
    middle = (corners[0] + corners[-1]) / 2
    return bent([middle, *corners, middle], radius)[:-1]


def holes(places: Iterable[Flat], diameter: float, length: float = 0.0, segments: int = 24) -> list[Points]:
    """Round holes at `places`; slots along x when `length` is more than `diameter`."""
    outline = slot(length, diameter) if length > 1.05 * diameter else circle(diameter, segments)
    return [outline + np.array(place) for place in places]


def grid(columns: int, rows: int, x: float, y: float) -> list[Flat]:
    """Places of a centred grid that spans `x` by `y`."""
    across = np.linspace(-x / 2, x / 2, columns) if columns > 1 else [0.0]
    along = np.linspace(-y / 2, y / 2, rows) if rows > 1 else [0.0]
    return [(float(a), float(b)) for a in across for b in along]


def sized(shares: Iterable[Flat], x: float, z: float) -> list[Flat]:
    """Outline in shares of `x` and `z`, in mm."""
    return [(a * x, b * z) for a, b in shares]


def mirrored(half: Sequence[Flat]) -> list[Flat]:
    """Outline whose right half, from its foot up, is `half`."""
    return [*half, *((-a, b) for a, b in half[::-1])]


def between(low: float, high: float, count: int) -> list[float]:
    """`count` places evenly from `low` to `high`, half a step from each end."""
    return [low + (high - low) * (index + 0.5) / count for index in range(count)]


def mm(length: float, word: str) -> str:
    """A size in words: "60 mm long", "2.5 mm thick"."""
    return f"{length:.0f} mm {word}" if length >= 9.5 else f"{round(length * 2) / 2:g} mm {word}"
