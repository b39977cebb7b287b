"""Made-up terminals and plugs: rows of contacts in a body."""

from __future__ import annotations

from typing import Any

import numpy as np

from tasks.generate.draw import Draft, Draw, Family
from tasks.generate.features import (
    PRINTED,
    many,
    row,
    sideways,
    told,
    whole,
)
from tasks.generate.solids import (
    Points,
    box,
    circle,
    cylinder,
    drilled,
    extruded,
    ring,
    rounded,
    slab,
    tube,
    turned,
    union,
)
from tasks.generate.strips import grid, mm, pierced, sized

BOXES = (*PRINTED[:8], "grey ABS", "aluminium", "black ABS", "aluminium, black anodised")

SHELLS = ("green ABS", "black nylon", "blue ABS", "grey ABS", "white nylon", "orange ABS")
TAILS = {"pins": "with solder tails", "cable": "with a cable grip", "none": "", "flange": "with a flange"}


def terminal_body(draw: Draw, kind: str, deep: float, tall: float, length: float) -> Any:
    """Body of a terminal block along x, its front towards -y."""
    step = draw.size("step", 0.25, 0.6) + 0.35
    front = {
        "stepped": [(0.5, 1.0), (0.1, 1.0), (0.1, step), (-0.5, step)],
        "slanted": [(0.5, 1.0), (0.2, 1.0), (-0.5, 0.55)],
        "barrier": [(0.5, 0.5), (-0.5, 0.5)],
    }[kind]
    return sideways(sized([(-0.5, 0.0), (0.5, 0.0), *front], deep, tall), length)


def terminal_block(draw: Draw) -> Draft:
    """Row of wire terminals: a screw hole above and a wire hole in front of each."""
    poles, pitch = draw.count("poles", 2, 12), draw.size("pitch", 3.5, 11)
    deep, tall = pitch * draw.size("depth", 1.4, 3), pitch * draw.size("height", 1.4, 3)
    kind, length = draw.one("kind", ("stepped", "slanted", "barrier")), poles * pitch
    solid, centres = terminal_body(draw, kind, deep, tall, length), row(poles, length - pitch)
    level, front = {"stepped": (1.0, 0.28), "slanted": (1.0, 0.32), "barrier": (0.5, -0.18)}[kind]
    if kind == "barrier":
        solid += union(box(0.16 * pitch, deep, tall).translate((x, 0, 0)) for x in row(poles + 1, length))
    well = cylinder(0.6 * pitch, 0.3 * tall, 20).translate((0, front * deep, (level - 0.25) * tall))
    slit = box(0.5 * pitch, 0.1 * pitch, 0.1 * tall).translate((0, 0, 0.08 * tall))
    screw = (cylinder(0.62 * pitch, 0.12 * tall, 20) - slit).translate((0, front * deep, (level - 0.26) * tall))
    solid = (
        solid - union(well.translate((x, 0, 0)) for x in centres) + union(screw.translate((x, 0, 0)) for x in centres)
    )
    mouth = circle(min(0.65 * pitch, 0.3 * tall), 20)
    if draw.chance("square mouth", 0.6):
        mouth = rounded(0.7 * pitch, 0.3 * tall, 0.05)
    solid = pierced(solid, [(x, -0.5 * deep, 0.27 * tall) for x in centres], mouth, "y", 0.9 * deep)
    fixing = draw.one("fixing", ("with solder pins", "with solder pins", "with mounting ears", ""))
    if fixing == "with solder pins":
        pin = box(0.2 * pitch, 0.2 * pitch, 0.6 * tall).translate((0, 0.1 * deep, -0.5 * tall))
        solid += union(pin.translate((x, 0, 0)) for x in centres)
    elif fixing:
        lug = drilled(slab(1.2 * pitch, 0.5 * deep, 0.3 * tall, 0.2 * pitch), [(0.1 * pitch, 0)], 0.5 * pitch)
        lug = lug.translate((length / 2 + 0.5 * pitch, 0, 0))
        solid += lug + lug.rotate((0, 0, 180))
    says = told(many(poles, "pole"), f"{pitch:.1f} mm pitch", f"{kind} body", fixing, many(poles, "screw"))
    return Draft(whole(solid), (*says, mm(length, "long")), draw.one("material", SHELLS))


def tail(kind: str, places: list[tuple[float, float]], size: tuple[float, float], thick: float, deep: float) -> Any:
    """What a plug of `size` has at its back, downwards from z = 0: pins, a cable grip or a flange."""
    x, y = size
    if kind == "pins":
        pin = box(thick, thick, 4 + 0.2 * deep).translate((0, 0, -3.9 - 0.2 * deep))
        return union(pin.translate((a, b, 0)) for a, b in places)
    if kind == "cable":
        grip = turned(sized(((0, -1.2), (0.25, -1.2), (0.42, -0.3), (0.5, 0.02), (0, 0.02)), y, y), 28)
        return grip + union(tube(0.8 * y, 0.5 * y, 0.1 * y, 28).translate((0, 0, -z * y)) for z in (0.3, 0.55, 0.8))
    return drilled(slab(x + 14, y + 2, 2, 4), [(x / 2 + 3, 0), (-3 - x / 2, 0)], 3.2)


def contacts(draw: Draw, pitch: float, wall: float) -> tuple[list[tuple[float, float]], Points, Points]:
    """Places of a plug's contacts, and the outlines of its shell, outer and inner."""
    columns, rows = draw.count("columns", 2, 10), draw.count("rows", 1, 3)
    if draw.chance("round", 0.35):
        count = min(columns + rows, 9)
        size = max((2.2 + 0.36 * count) * pitch, 9)
        return [*ring(count, 0.3 * size), (0.0, 0.0)], circle(size + 2 * wall), circle(size)
    x, y, corner = (columns + 0.6) * pitch, (rows + 0.6) * pitch, draw.size("corner", 0.2, 2.5)
    places = grid(columns, rows, (columns - 1) * pitch, (rows - 1) * pitch)
    return places, rounded(x + 2 * wall, y + 2 * wall, corner), rounded(x, y, max(corner - wall, 0.2))


def connector(draw: Draw) -> Draft:
    """Electrical plug: a shell with pins or sockets, a latch, a collar."""
    pitch, pins = draw.size("pitch", 2, 5), draw.chance("pins", 0.55)
    wall, deep = draw.size("wall", 0.8, 1.8), draw.size("depth", 8, 25)
    places, outline, inner = contacts(draw, pitch, wall)
    circular, (x, y), thick = draw.values["round"], np.ptp(outline, axis=0), 0.3 * pitch
    solid = extruded(outline, deep)
    if pins:
        solid -= extruded(inner, deep).translate((0, 0, draw.size("floor", 0.25, 0.5) * deep))
        solid += union(cylinder(thick, 0.85 * deep, 10).translate((a, b, 0)) for a, b in places)
    else:
        solid -= extruded(inner, deep).translate((0, 0, 0.88 * deep))
        solid -= union(cylinder(1.6 * thick, deep, 10).translate((a, b, 0.3 * deep)) for a, b in places)
    kind = draw.one("tail", tuple(TAILS))
    if kind != "none":
        solid += tail(kind, places, (float(x), float(y)), thick, deep)
    latch = draw.chance("latch", 0.5)
    if latch:
        solid += box(0.3 * x, 1.5, 0.75 * deep).translate((0, y / 2 + 0.6, 0.1 * deep))
        solid += box(0.3 * x, 3, 0.12 * deep).translate((0, y / 2 + 1, 0.7 * deep))
    if circular and draw.chance("collar", 0.6):
        ridges = union(box(0.8, x + 3.2, 0.4 * deep).rotate((0, 0, 15 * k)) for k in range(12))
        solid += cylinder(x + 2.4, 0.4 * deep) + ridges - extruded(outline * 0.98, 3 * deep).translate((0, 0, -deep))
    says = told(
        "round" if circular else "rectangular",
        many(len(places), "pin" if pins else "socket"),
        "male" if pins else "female",
        TAILS[kind],
        "with a latch" if latch else "",
        f"{pitch:.1f} mm pitch",
        mm(x, "wide"),
    )
    return Draft(whole(solid), says, draw.one("material", (*SHELLS, "aluminium")))


FAMILIES: tuple[Family, ...] = (
    Family(("terminal block", "screw terminal", "terminal strip"), terminal_block),
    Family(("connector", "plug connector", "electrical plug"), connector),
)
