"""Families without a fixed form that are turned or hollow: turned parts, housings and adapters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.generate.draw import Draft, Draw, Family
from tasks.generate.features import (
    CAST,
    MILLED,
    PRINTED,
    aimed,
    bore,
    brick,
    carved,
    corners,
    drafted,
    ear,
    grown,
    hulled,
    many,
    row,
)
from tasks.generate.solids import (
    Points,
    circle,
    cylinder,
    drilled,
    extruded,
    regular,
    ring,
    rounded,
    slab,
    slot,
    turned,
    union,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Profile = list[tuple[float, float]]
FORMS = {"box": "box-shaped", "cylinder": "round", "tapered": "tapered", "dome": "domed", "wedge": "wedge-shaped"}


def step_of(draw: Draw, key: str, size: float, high: float) -> Profile:
    """Profile of one step of a turned part, from its lower edge at z = 0 to its upper one: (radius, z)."""
    kind, cut = draw.one(f"{key} kind", ("plain", "plain", "cone", "chamfer", "groove", "round")), min(size, high) * 0.2
    if kind == "cone":
        return [(size, 0), (size * draw.size(f"{key} end", 0.5, 0.95), high)]
    if kind == "chamfer":
        return [(size, 0), (size, high - cut), (size - cut, high)]
    if kind == "groove":
        neck = size * 0.82
        return [(size, 0), (size, high * 0.4), (neck, high * 0.4), (neck, high * 0.6), (size, high * 0.6), (size, high)]
    if kind == "round":
        angles = np.linspace(0, np.pi, 9)
        return [(size * (0.8 + 0.2 * float(np.sin(a))), high * (0.5 - 0.5 * float(np.cos(a)))) for a in angles]
    return [(size, 0), (size, high)]


def profiled(draw: Draw, radius: float) -> tuple[Any, list[float], float]:
    """Turned solid of two to six steps, the steps' radii and the height."""
    profile, z, radii = [(0.0, 0.0)], 0.0, []
    for index in range(draw.count("steps", 2, 6)):
        key = f"step {index}"
        size, high = radius * draw.size(key, 0.35, 1.0), radius * draw.size(f"{key} long", 0.2, 1.6)
        profile += [(r, z + up) for r, up in step_of(draw, key, size, high)]
        radii.append(size)
        z += high
    return turned([*profile, (0.0, z)], 48), radii, z


def turned_cuts(draw: Draw, core: float, radius: float, z: float) -> Iterator[tuple[str, Any]]:
    """Named tools for a turned part: its bore, flats, cross holes and slot."""
    drill = draw.one("bore", ("none", "through", "through", "blind"))
    if drill != "none":
        floor = -1 if drill == "through" else z * 0.5
        yield "bore", cylinder(2 * core * draw.size("bore size", 0.3, 0.75), z + 2, 40).translate((0, 0, floor))
    across, low = draw.size("across", 0.7, 0.9) * radius, z * draw.size("flat from", 0, 0.7)
    flats, top = draw.one("flats", (0, 0, 1, 2, 4, 6)), low + z * draw.size("flat long", 0.15, 0.4)
    for index in range(flats):
        yield "flat", brick((across, -99, low), (200, 99, top)).rotate((0, 0, index * 360 / flats))
    for index in range(draw.count("cross holes", 0, 3)):
        key = f"cross {index}"
        long = 4 * radius if draw.chance(f"{key} through") else radius
        hole = cylinder(core * draw.size(f"{key} size", 0.25, 0.6), long, 24).rotate((0, 90, 0))
        start = -2 * radius if long > radius else radius * 0.2
        spot = hole.translate((start, 0, z * draw.size(f"{key} at", 0.1, 0.9)))
        yield "cross hole", spot.rotate((0, 0, draw.one(f"{key} turn", (0, 90, 45))))
    if draw.chance("slotted", 0.35):
        wide, low = radius * draw.size("slot", 0.1, 0.4), z * draw.size("slot from", 0.6, 0.85)
        yield "slot", brick((-200, -wide / 2, low), (200, wide / 2, z + 1))


def turned_part(draw: Draw) -> Draft:
    """Drawn profile of steps, cones and grooves, turned, with flats, cross holes and slots."""
    radius = draw.size("radius", 6, 40)
    solid, radii, z = profiled(draw, radius)
    done = dict.fromkeys(("bore", "flat", "cross hole", "slot"), 0)
    for name, tool in turned_cuts(draw, min(radii), radius, z):
        solid, took = carved(solid, [tool], 0.0015)
        done[name] += took
    holes, wide = draw.one("holes", (0, 0, 3, 4, 6, 8)), max(radii)
    drills = [cylinder(wide * 0.13, z + 2, 16).translate((*at, -1)) for at in ring(holes, wide * 0.78)] if holes else []
    solid, around = carved(solid, drills, 0.0003)
    bored = "with a central bore" if done["bore"] else many(done["cross hole"], "cross hole")
    cut = "slotted" if done["slot"] else many(len(radii), "step")
    size, spread = f"{2 * wide:.0f} mm diameter", f"{many(around, 'hole')} around" if around else ""
    return drafted(draw, solid, MILLED, "round, turned", size, many(done["flat"], "flat"), bored, cut, spread)


def skin(draw: Draw, form: str, size: tuple[float, float, float], less: float) -> Any:
    """Outer form of a housing on z = 0, everywhere `less` smaller: its skin, or the room inside."""
    x, y, z = size
    a, b, c = x - 2 * less, y - 2 * less, z - less
    if form == "cylinder":
        return cylinder(a, c).scale((1, b / a, 1))
    if form == "tapered":
        share = draw.size("taper", 0.4, 0.85)
        top = slab(max(a - x * (1 - share), 2), max(b - y * (1 - share), 2), 0.1, 4)
        return hulled([slab(a, b, 0.1, 4), top.translate((0, 0, c))])
    if form == "dome":
        shoulder = slab(a * 0.75, b * 0.75, 0.1, 5).translate((0, 0, z * 0.75 - less))
        return hulled([slab(a, b, z * 0.3, 5), shoulder, slab(a * 0.4, b * 0.4, 0.1, 3).translate((0, 0, c))])
    if form == "wedge":
        return hulled([slab(a, b, 0.1, 3), slab(a, b * 0.3, 0.1, 2).translate((0, b * 0.3, c))])
    return slab(a, b, c, max(draw.size("round", 0, min(x, y) * 0.4) - less, 0.3))


def openings(draw: Draw, size: tuple[float, float, float]) -> Iterator[Any]:
    """Tools for openings of several forms through the sides and the top of a housing of `size`."""
    x, y, z = size
    for index in range(draw.count("openings", 1, 5)):
        key = f"opening {index}"
        wide, side = min(size) * draw.size(f"{key} size", 0.2, 0.7), draw.one(f"{key} side", ("x", "y", "z", "z"))
        shape = draw.one(f"{key} shape", ("round", "slot", "square", "grid"))
        if shape == "round":
            tool = cylinder(wide, 200, 32)
        elif shape == "slot":
            tool = extruded(slot(wide * 1.6, wide * 0.4), 200)
        elif shape == "square":
            tool = slab(wide, wide * 0.8, 200, 1)
        else:
            tool = union(extruded(slot(wide, wide * 0.12), 200).translate((0, at, 0)) for at in row(4, wide * 0.8))
        tool = aimed(tool, side)
        if side != "z" and draw.chance(f"{key} flip"):
            tool = tool.rotate((0, 0, 180))
        a, b = draw.size(f"{key} a", -0.25, 0.25), draw.size(f"{key} b", -0.25, 0.25)
        places = {"x": (0, y * a, z * (0.5 + b)), "y": (x * a, 0, z * (0.5 + b)), "z": (x * a, y * b, z * 0.5)}
        yield tool.translate(places[side])


def outer_lugs(draw: Draw, x: float, y: float) -> list[Any]:
    """Mounting lugs around the foot of a housing, drilled."""
    count, turn = draw.one("lugs", (0, 0, 2, 3, 4)), draw.one("lug turn", (0, 90, 45))
    hole, thick = draw.size("lug hole", 2.5, 6), draw.size("lug thick", 2, 6)
    far = {0: x / 2, 90: y / 2}.get(turn, (x + y) / 4) * draw.size("lug reach", 1.1, 1.3) + hole * 2
    return [ear((0, 0, 0), far, hole * 2.6, thick, hole, turn + index * 360 / count) for index in range(count)]


def shell_part(draw: Draw) -> Draft:
    """Hollow body of a drawn form with openings, bosses inside and lugs outside."""
    size = x, y, z = draw.size("x", 25, 110), draw.size("y", 20, 80), draw.size("z", 12, 70)
    wall, form = draw.size("wall", 1.5, 4.5), draw.one("form", ("box", *FORMS))
    inner = skin(draw, form, size, wall).translate((0, 0, -0.01))
    solid = skin(draw, form, size, 0) - inner
    posts, post = draw.one("posts", (0, 1, 2, 4)), draw.size("post", 4, 9)
    places = {0: [], 1: [(0.0, 0.0)], 2: [(x * 0.28, 0.0), (-x * 0.28, 0.0)], 4: corners(x, y, min(x, y) * 0.24)}[posts]
    inside = skin(draw, form, size, wall * 0.5)
    solid, posts = grown(solid, [cylinder(post, z, 24).translate((*at, 0)) ^ inside for at in places], 0.001)
    if posts:
        solid -= union(cylinder(post * 0.45, z * 0.7, 16).translate((*at, -1)) for at in places)
    solid, lugs = grown(solid, [lug - inner for lug in outer_lugs(draw, x, y)])
    solid, holes = carved(solid, openings(draw, size))
    outside = many(lugs, "outer lug"), many(posts, "inner boss")
    says = "hollow", FORMS[form], many(holes, "opening"), *outside, f"{x:.0f} x {y:.0f} x {z:.0f} mm"
    return drafted(draw, solid, (*PRINTED, *CAST), *says)


def outline_of(kind: str, size: float) -> Points:
    """Outline (n, 2) of the mouth of an adapter."""
    size = max(size, 2.0)
    if kind == "square":
        return rounded(size, size, size * 0.08)
    if kind == "oblong":
        return slot(size * 1.3, size * 0.55)
    return regular(6, size) if kind == "hexagon" else circle(size)


def rim_of(draw: Draw, wide: float, hole: float) -> tuple[Any, str]:
    """Flange on z = 0 for holes of `hole`, and its name."""
    kind, thick, bolts = (
        draw.one("flange", ("round", "square", "round", "ears")),
        draw.size("thick", 2.5, 7),
        draw.one("bolts", (3, 4, 6)),
    )
    if kind == "round":
        return drilled(cylinder(wide, thick, 64), ring(bolts, wide / 2 - hole * 1.1), hole), "with a round flange"
    if kind == "square":
        return drilled(slab(wide, wide, thick, 4), corners(wide, wide, hole * 1.1), hole), "with a square flange"
    lug = ear((0, 0, 0), wide / 2 + hole, hole * 2.6, thick, hole)
    return lug + lug.rotate((0, 0, 180)), "with two ears"


def adapter(draw: Draw) -> Draft:
    """Hollow transition from one outline to another, with flanges or necks at its ends."""
    lower, upper, tall = draw.size("lower", 20, 80), draw.size("upper", 15, 70), draw.size("tall", 15, 80)
    wall, aside = draw.size("wall", 1.5, 4), draw.size("aside", -0.6, 0.6) * tall * draw.chance("offset", 0.4)
    foot, neck = draw.size("neck low", 0, 15), draw.size("neck high", 0, 20)
    start = draw.one("from", ("round", "square", "oblong"))
    end = draw.one("to", ("round", "square", "oblong", "hexagon"))

    def hose(less: float, more: float) -> Any:
        low, high = outline_of(start, lower - less), outline_of(end, upper - less)
        bridge = hulled([extruded(low, 0.3), extruded(high, 0.3).translate((aside, 0, tall))])
        below = extruded(low, foot + more + 0.1).translate((0, 0, -foot - more))
        return union([bridge, below, extruded(high, neck + more + 0.1).translate((aside, 0, tall + 0.1))])

    solid, rim = hose(0, 0.0), ""
    if draw.chance("flanged", 0.75):
        hole = draw.size("hole", 3, 7)
        flange, rim = rim_of(draw, lower * (1.0 if start == "round" else 1.35) + 5 * hole, hole)
        solid += flange.translate((0, 0, -foot))
    solid, windows = solid - hose(2 * wall, 9.0), 0
    if draw.chance("windows", 0.3):
        place = (0, 0, tall * draw.size("window", 0.3, 0.6))
        solid, windows = carved(solid, [bore(place, min(lower, upper, tall) * 0.3, 400, draw.one("side", ("x", "y")))])
    form = start if start == end else f"from {start} to {end}"
    says = "hollow", form, rim, "offset" if aside else "straight", "with side holes" * windows
    return drafted(draw, solid, (*PRINTED, *CAST), *says, f"{lower:.0f} to {upper:.0f} mm")


SHELLS = (
    Family(("turned part", "machined shaft end", "turned bush"), turned_part),
    Family(("hollow housing", "shell part", "enclosure"), shell_part),
    Family(("duct adapter", "transition piece", "reducer"), adapter),
)
