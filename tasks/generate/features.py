"""Features that printed, milled and cast parts share: bores, ribs, traps, ears, and the words for them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.generate.draw import Draft, Draw
from tasks.generate.solids import Points, box, cylinder, extruded, prism, rounded, slot, union

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Place = tuple[float, float, float]
TURNS = {"x": (0, 90, 0), "y": (-90, 0, 0), "z": (0, 0, 0)}
COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
PLURALS = {"tooth": "teeth", "foot": "feet"}
PRINTED = (
    *("black PETG", "orange PETG", "grey PLA", "black ABS", "white PLA", "red PETG", "blue PLA", "black PA12"),
    *("natural nylon", "green PLA", "yellow PLA", "grey ABS", "black PLA", "white ABS"),
)
MILLED = ("aluminium", "aluminium, black anodised", "steel", "stainless steel", "brass", "steel, black oxide", "POM")
CAST = ("cast iron", "aluminium casting", "zinc die-cast", "bronze", "grey painted cast iron", "steel, painted blue")
LEAST = 100  # triangles that a part has, be it ever so plain
SCREWS = (3, 4, 5, 6, 8)


def aimed(solid: Any, axis: str) -> Any:
    """`solid`, made along +z, turned to run along +`axis` ("x", "y" or "z")."""
    return solid.rotate(TURNS[axis])


def bore(place: Place, diameter: float, length: float, axis: str = "z", segments: int = 32) -> Any:
    """Tool for a round hole along `axis` with its middle at `place`."""
    return aimed(cylinder(diameter, length, segments).translate((0, 0, -length / 2)), axis).translate(place)


def hexagon(place: Place, across: float, length: float, axis: str = "z") -> Any:
    """Tool for a nut trap: a hexagon along `axis` with its middle at `place`."""
    return aimed(prism(6, across, length).translate((0, 0, -length / 2)), axis).translate(place)


def stepped(place: Place, diameter: float, head: float, depth: float, length: float) -> Any:
    """Tool for a counterbored hole along z whose mouth is at `place`: it goes `length` down."""
    shaft = cylinder(diameter, length + 1, 24).translate((0, 0, -length))
    return (shaft + cylinder(head, depth + 1, 24).translate((0, 0, -depth))).translate(place)


def brick(low: Place, high: Place) -> Any:
    """Box between two corners."""
    x, y, z = (max(b - a, 1e-3) for a, b in zip(low, high, strict=True))
    return box(x, y, z).translate(((low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]))


def upright(outline: Sequence[tuple[float, float]] | Points, thickness: float, y: float = 0.0) -> Any:
    """`outline` of (x, z) pairs as a plate of `thickness` that is centred on `y`."""
    points = np.asarray(outline, float)
    ahead = np.roll(points, -1, 0)
    turning = (points[:, 0] * ahead[:, 1] - points[:, 1] * ahead[:, 0]).sum()
    plate = extruded(points if turning > 0 else points[::-1], thickness).rotate((90, 0, 0))
    return plate.translate((0, y + thickness / 2, 0))


def sideways(outline: Sequence[tuple[float, float]] | Points, thickness: float, x: float = 0.0) -> Any:
    """`outline` of (y, z) pairs as a plate of `thickness` that is centred on `x`."""
    return upright(outline, thickness).rotate((0, 0, 90)).translate((x, 0, 0))


def gusset(place: Place, run: float, rise: float, thickness: float, angle: float = 0.0) -> Any:
    """Triangular rib that stands at `place`, `run` long to +x (turned by `angle`) and `rise` high at its root."""
    return upright([(-0.5, 0), (run, 0), (-0.5, rise)], thickness).rotate((0, 0, angle)).translate(place)


def bevelled(outline: Points, height: float, low: float = 0.0, high: float = 0.0) -> Any:
    """Convex `outline` raised along z with chamfers of `low` at its foot and `high` at its top."""
    from manifold3d import Manifold

    half = np.abs(outline).max(0)
    levels = [(low, 0.0), (0.0, low), (0.0, height - high), (high, height)]
    layers = [
        np.column_stack([outline * np.maximum(1 - inset / half, 0.05), np.full(len(outline), level)])
        for inset, level in levels
    ]
    return Manifold.hull_points(np.concatenate(layers))


def strip(points: Sequence[tuple[float, float]], width: float, height: float) -> Any:
    """Band of `width` with round ends that follows `points` in the plane, raised along +z: springs, hooks, levers."""
    dots = [cylinder(width, height, 16).translate((x, y, 0)) for x, y in points]
    return union(hulled(pair) for pair in pairwise(dots))


def hulled(solids: Iterable[Any]) -> Any:
    """Convex hull over `solids`."""
    from manifold3d import Manifold

    return Manifold.batch_hull(list(solids))


def obround(length: float, width: float, height: float, angle: float = 0.0) -> Any:
    """Slot-shaped block on z = 0, turned by `angle`."""
    return extruded(slot(max(length, width + 0.1), width), height).rotate((0, 0, angle))


def ear(place: Place, reach: float, width: float, height: float, hole: float, angle: float = 0.0) -> Any:
    """Mounting lug from `place` outwards to `reach`, round at its end and drilled."""
    from manifold3d import Manifold

    end = cylinder(width, height, 32).translate((reach - width / 2, 0, 0))
    root = box(1, width, height)
    lug = Manifold.batch_hull([root, end]) - cylinder(hole, height + 2, 24).translate((reach - width / 2, 0, -1))
    return lug.rotate((0, 0, angle)).translate(place)


def corners(x: float, y: float, inset: float) -> list[tuple[float, float]]:
    """Four places, `inset` from the sides of a rectangle that is centred."""
    a, b = x / 2 - inset, y / 2 - inset
    return [(a, b), (-a, b), (-a, -b), (a, -b)]


def row(count: int, spread: float) -> list[float]:
    """`count` places evenly over `spread`, centred."""
    return [0.0] if count == 1 else [float(at) for at in np.linspace(-spread / 2, spread / 2, count)]


def hollow(x: float, y: float, z: float, wall: float, radius: float) -> Any:
    """Tray with round corners, open above, on z = 0."""
    outer = extruded(rounded(x, y, radius), z)
    inner = extruded(rounded(x - 2 * wall, y - 2 * wall, max(radius - wall, 0.3)), z)
    return outer - inner.translate((0, 0, wall))


def whole(solid: Any) -> Any:
    """The largest connected piece of `solid`."""
    pieces = solid.decompose()
    return pieces[0] if len(pieces) == 1 else max(pieces, key=lambda piece: piece.volume())


def carved(solid: Any, tools: Iterable[Any], least: float = 0.002, most: float = 0.35) -> tuple[Any, int]:
    """`solid` less those `tools` that take a fair share of it and leave it in one piece, and how many did."""
    count, full = 0, solid.volume()
    for tool in tools:
        left = solid - tool
        volume = left.volume()
        if least * full < full - volume < most * full and len(left.decompose()) == 1:
            solid, full, count = left, volume, count + 1
    return solid, count


def grown(solid: Any, lumps: Iterable[Any], least: float = 0.002) -> tuple[Any, int]:
    """`solid` with those `lumps` that touch it and stand out of it, and how many did."""
    count, full = 0, solid.volume()
    for lump in lumps:
        more = solid + lump
        volume = more.volume()
        if volume - full > least * full and len(more.decompose()) == 1:
            solid, full, count = more, volume, count + 1
    return solid, count


def drafted(draw: Draw, solid: Any, looks: Sequence[str], *phrases: str) -> Draft:
    """Draft of the largest piece of `solid`: the `phrases`, then its proportions and length, in one of `looks`."""
    solid = whole(solid)
    if solid.num_tri() < LEAST:
        solid = solid.refine(2)
    return Draft(solid, told(*phrases, build(solid), extent(solid)), draw.one("look", looks))


def many(count: int, thing: str) -> str:
    """How many, in words: "six holes"; empty for none."""
    if count <= 0:
        return ""
    plural = thing if count == 1 else PLURALS.get(thing, f"{thing}es" if thing.endswith("ss") else f"{thing}s")
    return f"{COUNTS[count] if count < len(COUNTS) else count} {plural}"


def told(*phrases: str) -> tuple[str, ...]:
    """The phrases that say something, at most seven of them."""
    return tuple(dict.fromkeys(phrase for phrase in phrases if phrase))[:7]


def build(solid: Any) -> str:
    """What its proportions are called: "flat", "long and thin", "tall", "compact"… or nothing."""
    low, high = np.array(solid.bounding_box()).reshape(2, 3)
    x, y, z = high - low
    long, middle, short = sorted((x, y, z), reverse=True)
    if short < 0.16 * long and middle > 0.45 * long:
        return "flat plate" if short < 0.08 * long else "flat"
    if middle < 0.3 * long:
        return "long and thin"
    if z == long and middle < 0.65 * long:
        return "tall"
    if short > 0.72 * long:
        return "compact block"
    if middle < 0.5 * long:
        return "long and flat" if short < 0.3 * middle else "long"
    return ""


def extent(solid: Any) -> str:
    """Its greatest length: "60 mm long"."""
    low, high = np.array(solid.bounding_box()).reshape(2, 3)
    return f"{(high - low).max():.0f} mm long"


def screw(draw: Draw, name: str = "screw", choices: Sequence[int] = SCREWS) -> tuple[int, float, float]:
    """A screw's size, its clearance hole and the width of its nut."""
    size = draw.one(name, choices)
    return size, size * 1.08 + 0.1, {2: 4.0, 3: 5.5, 4: 7.0, 5: 8.0, 6: 10.0, 8: 13.0, 10: 16.0, 12: 18.0}[size]


def joined(*solids: Any) -> Any:
    """`solids` as one connected piece."""
    return whole(union(solids))
