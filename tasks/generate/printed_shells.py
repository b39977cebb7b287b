"""Families of thin printed parts: covers, fan ducts, bezels, doors and gear housings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.generate.draw import Draft, Draw, Family
from tasks.generate.features import (
    PRINTED,
    bevelled,
    bore,
    brick,
    corners,
    drafted,
    ear,
    hollow,
    hulled,
    many,
    obround,
    row,
    screw,
)
from tasks.generate.solids import box, cylinder, extruded, rounded, slab, tube, union

if TYPE_CHECKING:
    from collections.abc import Iterator

FANS = ((25, 20), (30, 24), (40, 32), (50, 40), (60, 50))
LATCHES = ("with a latch tab", "with a handle", "with a lock hole", "with a latch tab")


def vents(count: int, width: float, length: float, depth: float) -> Any:
    """Tool for `count` parallel slots that share `width`, around the origin."""
    pitch = width / count
    cut = obround(length, pitch * 0.5, depth, 90).translate((0, 0, -depth / 2))
    return union(cut.translate((x, 0, 0)) for x in row(count, width - pitch))


def snaps(draw: Draw, x: float, y: float, z: float, wall: float) -> list[Any]:
    """Tabs with hooks that stand out of a cover's rim."""
    tab = box(x * 0.12, wall, z * 0.4 + 5) + box(x * 0.12, wall * 2, wall).translate((0, wall * 0.5, z * 0.4 + 3.5))
    places = {0: (), 2: ((0, 1), (0, -1)), 4: ((-0.25, 1), (-0.25, -1), (0.25, 1), (0.25, -1))}[
        draw.one("tabs", (0, 2, 2, 4))
    ]
    made = []
    for at, side in places:
        turned = tab if side > 0 else tab.mirror((0, 1, 0))
        made.append(turned.translate((at * x, side * (y / 2 - wall * 1.4), z * 0.6)))
    return made


def cover(draw: Draw) -> Draft:
    """Thin shell with ribs and posts inside, vents above and snap tabs at its rim."""
    x, y, z = draw.size("x", 40, 140), draw.size("y", 30, 100), draw.size("z", 10, 45)
    wall, radius, ribs = draw.size("wall", 1.4, 3), draw.size("radius", 1, 14), draw.count("ribs", 0, 4)
    posts, (_, hole, nut) = draw.one("posts", (0, 2, 4, 4)), screw(draw, choices=(2, 3, 4))
    places = corners(x, y, max(radius * 0.4, 1) + nut * 0.75)[:: 1 if posts == 4 else 2][:posts]
    rib, tabs = box(wall, y - wall, z * draw.size("rib", 0.2, 0.6)), snaps(draw, x, y, z, wall)
    lumps = [rib.translate((at, 0, wall * 0.5)) for at in row(ribs, x * 0.6)] if ribs else []
    lumps += [cylinder(nut * 1.5, z - 0.3, 24).translate((*at, 0.2)) for at in places]
    floor = -1 if draw.chance("through") else wall
    tools = [cylinder(hole, z + 9, 20).translate((*at, floor)) for at in places]
    slots, notch = draw.one("vents", (0, 0, 4, 6, 8, 10)), draw.chance("cable notch", 0.5)
    if slots:
        tools.append(vents(slots, x * draw.size("vent x", 0.3, 0.75), y * draw.size("vent y", 0.25, 0.6), wall * 2.5))
    if notch:
        tools.append(bore((x / 2, y * draw.size("notch", -0.25, 0.25), z), draw.size("cable", 5, 12), 4 * wall, "x"))
    solid = union([hollow(x, y, z, wall, radius), *lumps, *tabs])
    solid = solid - union(tools) if tools else solid
    extras = "with vent slots" * bool(slots), many(len(tabs), "snap tab"), many(posts, "screw post")
    more = "with a cable cut-out" * notch, many(ribs, "inner rib"), f"{x:.0f} x {y:.0f} x {z:.0f} mm"
    return drafted(draw, solid, PRINTED, "hollow, open on one side", *extras, *more)


def nozzle(draw: Draw, fan: float, reach: float, wall: float) -> tuple[Any, Any]:
    """Skin of a duct from a fan to its mouth, and the room inside it."""
    aside, tilt = fan * draw.size("aside", -0.5, 0.5), draw.size("tilt", 0, 60)
    wide, slim = fan * draw.size("wide", 0.35, 1.1), fan * draw.size("slim", 0.12, 0.4)
    middle, is_round = fan * draw.size("throat", 0.5, 0.8), draw.chance("round", 0.4)
    back = fan * 0.3 * float(np.sin(np.radians(tilt)))

    def hose(extra: float, stretch: float) -> Any:
        side = fan * 0.92 - 2 * wall + extra
        inlet = slab(side, side, 1 + stretch, side * (0.5 if is_round else 0.3)).translate((0, 0, -stretch))
        throat = slab(middle + extra, middle + extra, 0.5, middle * 0.25).translate((aside * 0.3, 0, reach * 0.45))
        mouth = slab(wide + extra, slim + extra, 0.5 + stretch, 2).translate((0, 0, -stretch / 2)).rotate((tilt, 0, 0))
        return hulled([inlet, throat]) + hulled([throat, mouth.translate((aside, back, reach))])

    fins = draw.count("fins", 0, 3)
    fin = box(wall * 0.8, 2 * fan, reach * 2).translate((aside, 0, reach * 0.55))
    room = hose(0.0, 1.5)
    return hose(2 * wall, 0.0), room - union(fin.translate((x, 0, 0)) for x in row(fins, wide * 0.5)) if fins else room


def fan_duct(draw: Draw) -> Draft:
    """Hollow duct that narrows from a fan's square to a slender mouth."""
    (fan, pitch), wall = draw.one("fan", FANS), draw.size("wall", 1.2, 2.4)
    reach = fan * draw.size("reach", 0.6, 1.6)
    skin, room = nozzle(draw, fan, reach, wall)
    duct = skin + slab(fan, fan, draw.size("flange", 2, 4), draw.size("round corner", 0, 6))
    if draw.chance("through", 0.8):
        hole = cylinder(3.2 if fan < 50 else 4.3, 7, 20).translate((0, 0, -1))
        duct -= union(hole.translate((*at, 0)) for at in corners(pitch, pitch, 0))
    lug = draw.chance("lug", 0.5)
    if lug:
        duct += ear((0, fan / 2 - 1, 0), draw.size("lug reach", 9, 20), 8, 4, 3.3, 90)
    inlet, fins = "round inlet" if draw.values["round"] else "square inlet", many(draw.values["fins"], "guide fin")
    says = f"for a {fan} mm fan", "hollow", inlet, "narrow mouth", "with a side lug" * lug, fins, f"{reach:.0f} mm high"
    return drafted(draw, duct - room, PRINTED, *says)


def keys(draw: Draw, free: float, y: float) -> tuple[list[Any], str]:
    """Tools for the holes of keys and dials in a strip `free` wide, around the origin, and their name."""
    count, square = draw.count("keys", 0, 4), draw.chance("square keys", 0.4)
    size = min(free * 0.5, draw.size("dial", 6, 16), y / max(count, 1) * 0.6)
    tool = (slab(size, size * 0.8, 99, 0.5) if square else cylinder(size, 99)).translate((0, 0, -50))
    made = [tool.translate((0, at, 0)) for at in row(count, y * 0.6)] if count else []
    return made, many(count, "square key hole" if square else "round key hole")


def bezel(draw: Draw) -> Draft:
    """Frame around a display, with keys' holes and posts behind."""
    x, y, z, radius = draw.size("x", 50, 160), draw.size("y", 35, 90), draw.size("z", 3, 9), draw.size("radius", 0, 10)
    body = bevelled(rounded(x, y, radius), z, high=draw.size("bevel", 0.01, min(2.5, z * 0.5)))
    wide, high, side = x * draw.size("wide", 0.4, 0.65), y * draw.size("high", 0.4, 0.66), draw.one("side", (-1, 0, 1))
    aside = side * (x / 2 - wide / 2 - max(4, x * draw.size("border", 0.05, 0.12)))
    mouth = slab(wide + (z + 1) * draw.size("slope", 0, 1.6), high + z + 1, 0.5).translate((aside, 0, z + 0.2))
    tools, named = [hulled([slab(wide, high, 0.5).translate((aside, 0, -0.6)), mouth])], ""
    if side:
        free = x / 2 - wide / 2 + abs(aside)
        holes, named = keys(draw, free, y)
        tools += [hole.translate((-side * (x - free) / 2, 0, 0)) for hole in holes]
    posts, rim, (_, hole, _) = draw.chance("posts", 0.6), draw.chance("rim", 0.5), screw(draw, choices=(2, 3))
    places, tall = corners(x, y, 4.2), draw.size("tall", 3, 12)
    if posts:
        body += union(tube(6, hole, tall + 0.5, 24).translate((*at, -tall)) for at in places)
    else:
        tools += [cylinder(hole, 99, 20).translate((*at, -9)) for at in places]
    if rim:
        deep, wall = draw.size("deep", 3, 14), 2 * draw.size("rim wall", 1.2, 2.5)
        skirt = extruded(rounded(x, y, radius), deep, [rounded(x - wall, y - wall, radius)])
        body += skirt.translate((0, 0, 0.3 - deep))
    back = "four posts behind" if posts else "four screw holes"
    says = "frame with a rectangular window", named, back, "with a rim" * rim, f"{x:.0f} x {y:.0f} mm"
    return drafted(draw, body - union(tools), PRINTED, *says)


def lugs(draw: Draw, x: float, y: float, deep: float, wall: float) -> Iterator[tuple[Any, Any]]:
    """Hinge barrels along one side of a door, each with the tool for its pin."""
    lug = draw.size("lug", 6, 11)
    axis = (-x / 2 - lug * 0.45, deep * 0.5)
    for at in row(draw.count("lugs", 2, 3), y * 0.66):
        root = brick((-x / 2, at - lug / 2, 0), (-x / 2 + wall, at + lug / 2, deep))
        barrel = hulled([bore((axis[0], at, axis[1]), lug, lug, "y"), root])
        room = brick((-x / 2 + wall, at - lug, wall), (x, at + lug, deep + 9))
        yield barrel - room, bore((axis[0], at, axis[1]), lug * 0.45, lug * 3, "y", 20)


def control_door(draw: Draw) -> Draft:
    """Door of a control box: a shallow tray with hinge lugs, a latch and openings."""
    x, y, deep = draw.size("x", 50, 150), draw.size("y", 50, 150), draw.size("deep", 4, 24)
    wall, hinges = draw.size("wall", 1.6, 3.5), []
    body, tools = hollow(x, y, deep, wall, draw.size("radius", 0, 12)), []
    for barrel, pin in lugs(draw, x, y, deep, wall):
        hinges.append(barrel)
        tools.append(pin)
    latch = draw.one("latch", LATCHES)
    if "tab" in latch:
        body += ear((x / 2 - wall, 0, 0), draw.size("tab", 9, 20), 12, wall, 3.4)
    elif "handle" in latch:
        grip = hulled([bore((x * 0.38, at, -9), 6, 1, "y", 16) for at in (-y * 0.12, y * 0.12)])
        body += grip + union(box(5, 5, 10).translate((x * 0.38, at, -9)) for at in (-y * 0.11, y * 0.11))
    else:
        tools.append(cylinder(draw.size("lock", 8, 20), 99).translate((x * 0.36, 0, -50)))
    window, slots = draw.chance("window", 0.45), draw.one("vents", (0, 0, 5, 7, 9))
    if window:
        tools.append(slab(x * 0.45, y * draw.size("pane", 0.2, 0.4), 99, 2).translate((-x * 0.08, y * 0.2, -50)))
    if slots:
        tools.append(vents(slots, x * 0.5, y * 0.2, 3 * wall).translate((-x * 0.05, -y * 0.27, 0)))
    solid = union([body, *hinges]) - union(tools)
    says = many(len(hinges), "hinge lug"), "shallow tray", "with a window" * window, "with vent slots" * bool(slots)
    return drafted(draw, solid, ("sheet steel, painted grey", *PRINTED), *says, latch, f"{x:.0f} x {y:.0f} mm")


Wheel = tuple[float, float, float]


def wheels(draw: Draw) -> list[Wheel]:
    """Wheels of a gear train: (x, y, radius), each beside the one before."""
    made: list[Wheel] = []
    for index in range(draw.count("wheels", 1, 3)):
        radius = draw.size(f"wheel {index}", 11, 30)
        x = made[-1][0] + (made[-1][2] + radius) * 0.92 if made else 0.0
        made.append((x, draw.size(f"offset {index}", -0.3, 0.3) * radius if made else 0.0, radius))
    return made


def screw_places(train: list[Wheel], wall: float, nut: float) -> Iterator[tuple[Wheel, float, float]]:
    """Where a gear housing has its screws: (wheel, x, y) around the first and the last wheel, off all others."""
    for wheel in dict.fromkeys((train[0], train[-1])):
        for angle in np.radians(range(45, 360, 90)):
            far = wheel[2] + wall + nut * 0.7
            x, y = wheel[0] + far * float(np.cos(angle)), wheel[1] + far * float(np.sin(angle))
            if all(np.hypot(x - a, y - b) > radius + nut * 0.75 for a, b, radius in train):
                yield wheel, x, y


def gear_housing(draw: Draw) -> Draft:
    """Half of a gear housing: a cavity for one to three wheels, bearing bosses, a rim and screw ears."""
    train, wall, deep = wheels(draw), draw.size("wall", 2.5, 6), draw.size("deep", 10, 35)
    hull = len(train) == 1 or draw.chance("hulled")
    _, hole, nut = screw(draw, choices=(3, 4, 5, 6))

    def around(extra: float, height: float) -> Any:
        discs = [cylinder(2 * (radius + extra), height, 64).translate((x, y, 0)) for x, y, radius in train]
        return hulled(discs) if hull else union(discs)

    parts, tools = [around(wall, deep)], [around(0, deep - wall).translate((0, 0, -0.01))]
    rim, boss = draw.chance("rim", 0.5), deep + draw.size("boss", 1, 10)
    if rim:
        parts.append(around(wall + nut * draw.size("rim wide", 0.5, 1), draw.size("rim high", 2.5, 5)))
    for index, (x, y, radius) in enumerate(train):
        seat = radius * draw.size(f"bearing {index}", 0.7, 1.2)
        parts.append(cylinder(seat + 2 * wall, boss, 40).translate((x, y, 0)))
        tools.append(cylinder(seat, 99, 40).translate((x, y, -1)))
    ears = list(screw_places(train, wall, nut))
    for (x, y, _), a, b in ears:
        root = cylinder(nut, deep * 0.7, 12).translate((x + (a - x) * 0.8, y + (b - y) * 0.8, 0))
        parts.append(hulled([cylinder(nut * 1.5, deep * 0.7, 24).translate((a, b, 0)), root]))
        tools.append(cylinder(hole, 99, 20).translate((a, b, -1)))
    says = (
        "hollow, open on one side",
        many(len(train), "bearing seat"),
        many(len(ears), "screw ear"),
        "with a rim" * rim,
    )
    form = "round" if len(train) == 1 else "oblong outline"
    return drafted(draw, union(parts) - union(tools), ("aluminium casting", "cast iron", *PRINTED), *says, form)


SHELLS = (
    Family(("protective cover", "cover shell", "housing cover"), cover),
    Family(("fan duct", "air nozzle", "fan shroud"), fan_duct),
    Family(("display bezel", "front panel frame", "screen frame"), bezel),
    Family(("control box door", "enclosure door", "hinged cover"), control_door),
    Family(("gear housing half", "gearbox cover", "gear case"), gear_housing),
)
