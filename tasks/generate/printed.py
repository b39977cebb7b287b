"""Families of printed machine parts: what holds rods, belts, motors and sensors, and all other printed families."""

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
    gusset,
    hexagon,
    hulled,
    many,
    obround,
    row,
    screw,
)
from tasks.generate.printed_clips import CLIPS
from tasks.generate.printed_frames import FRAMES
from tasks.generate.printed_shells import SHELLS
from tasks.generate.solids import box, cylinder, drilled, extruded, rounded, slab, union

if TYPE_CHECKING:
    from collections.abc import Iterator

MOTORS = (("NEMA 8", 20, 16, 15), ("NEMA 11", 28, 23, 22), ("NEMA 14", 35, 26, 22), ("NEMA 17", 42.3, 31, 22))
CLOSURES = {"clamp": "with a clamp slit and nut trap", "snap": "open on top", "closed": "with a closed bore"}


def rod_holder(draw: Draw) -> Draft:
    """Block that grips one or two rods, with screws to close it."""
    rod, rods, wall = draw.one("rod", (6, 8, 10, 12, 16, 20)), draw.count("rods", 1, 2), draw.size("wall", 3, 7)
    spread = (rod + wall + draw.size("gap", 4, 30)) * (rods - 1)
    width, depth, foot = rod + 2 * wall + spread, draw.size("depth", 10, 45), draw.size("foot", 4, 22)
    _, hole, nut = screw(draw, choices=(3, 4, 5))
    height, middle, style = foot + rod + wall, foot + rod / 2, draw.one("style", tuple(CLOSURES))
    block = bevelled(rounded(width, depth, draw.size("round", 0, 4)), height, high=draw.size("bevel", 0.01, wall * 0.6))
    tools = []
    for x in row(rods, spread):
        tools.append(bore((x, 0, middle), rod, depth + 2, "y", 40))
        if style == "clamp":
            lug = min(depth, draw.size("lug", 8, 14) + nut)
            block += box(rod + wall, lug, hole * 2.4).translate((x, 0, height - 1))
            tools.append(box(draw.size("slit", 1, 3), depth + 2, height).translate((x, 0, middle)))
            tools.append(bore((x, 0, height + hole * 0.6), hole, width + 9, "x"))
            tools.append(hexagon((x + rod / 2 + wall / 2, 0, height + hole * 0.6), nut, wall, "x"))
        elif style == "snap":
            tools.append(box(rod * 0.78, depth + 2, height).translate((x, 0, middle)))
    if draw.chance("window", 0.3):
        tools.append(bore((0, 0, middle), rod * 1.25, depth * 0.4, "y", 40))
    holes = 0
    if draw.chance("flange", 0.6):
        reach, plate = nut * draw.size("reach", 1.2, 2), min(draw.size("plate", 3, 8), foot)
        lines = row(2 if depth > 3 * nut else 1, depth - 1.6 * nut)
        places = [(side * (width + reach) / 2, y) for side in (-1, 1) for y in lines]
        block += drilled(slab(width + 2 * reach, depth, plate, draw.size("corner", 0, 5)), places, hole)
        holes = len(places)
    rods_named = f"for two {rod} mm rods" if rods == 2 else f"for a {rod} mm rod"
    flanged = many(holes, "mounting hole"), "with a flange" if holes else "no flange"
    return drafted(draw, block - union(tools), PRINTED, rods_named, CLOSURES[style], *flanged)


def belt_comb(length: float, width: float, pitch: float, height: float) -> Any:
    """Two cheeks with teeth between them that hold a toothed belt, along x on z = 0."""
    cheeks = [box(length, 2, height).translate((0, side * (width / 2 + 1), 0)) for side in (-1, 1)]
    tooth = box(pitch * 0.5, width + 1, height * 0.6)
    return union([*cheeks, *(tooth.translate((x, 0, 0)) for x in np.arange(-length / 2, length / 2, pitch))])


def saddles(draw: Draw, x: float, y: float, z: float) -> list[Any]:
    """Cradles for round bearings at the corners of a carriage of x by y by z, above or below it."""
    bearing, below = draw.one("bearing", (10, 12, 15, 19)), draw.chance("below")
    cradle = bevelled(rounded(bearing * 1.3, bearing * 0.9, 1), bearing * 0.6, high=0.8)
    cradle -= bore((0, 0, bearing * 0.62), bearing, 99, "x")
    cradle = cradle.rotate((180, 0, 0)).translate((0, 0, 0.1)) if below else cradle.translate((0, 0, z - 0.1))
    count = draw.one("saddles", (0, 0, 2, 3, 4))
    return [cradle.translate((a * 0.98, b, 0)) for a, b in corners(x, y, bearing * 0.7)[:count]]


def carriage(draw: Draw) -> Draft:
    """Plate that travels on bearings and carries a belt and a tool."""
    x, y, z = draw.size("x", 35, 110), draw.size("y", 30, 100), draw.size("z", 4, 12)
    _, hole, _ = screw(draw, choices=(3, 4, 5))
    combs, belt, away = draw.count("combs", 1, 2), draw.one("belt", (6, 9, 10)), draw.size("away", 0.05, 0.3) * y
    comb = belt_comb(min(draw.size("comb", 12, 30), x / 2 - 6), belt, 3, draw.size("tall", 5, 12))
    length = comb.bounding_box()[3] * 2
    cradles = saddles(draw, x, y, z)
    lumps = [comb.translate((side * (x - length) * 0.45, away, z - 0.1)) for side in (-1, 1)[:combs]]
    wall = draw.one("wall", ("none", "none", "back", "sides"))
    high, thick = z + draw.size("high", 6, 40), draw.size("thick", 3, 6)
    if wall == "back":
        lumps.append(brick((-x * 0.4, y / 2 - thick, 0), (x * 0.4, y / 2, high)))
        lumps += [gusset((a, y / 2 - thick, z - 0.1), y * 0.3, (high - z) * 0.8, thick, -90) for a in row(2, x * 0.7)]
    elif wall == "sides":
        lumps += [brick((a - thick / 2, -y * 0.3, 0), (a + thick / 2, y * 0.3, high)) for a in row(2, x - thick)]
    holes = corners(x, y, hole * draw.size("inset", 1, 2.4))
    holes += [(a, 0.0) for a in row(draw.count("inner", 1, 3), x * 0.4)]
    solid = drilled(union([slab(x, y, z, draw.size("round", 1, 12)), *lumps, *cradles]), holes, hole)
    window = draw.chance("window", 0.4)
    if window:
        solid -= extruded(rounded(x * 0.35, y * 0.22, 3), 99).translate((0, -y * 0.22, -50))
    bearings = f"with {many(len(cradles), 'bearing saddle')}" if cradles else f"for a {belt} mm belt"
    walled = {"back": "with a ribbed back wall", "sides": "with two side walls"}.get(wall, "with a window" * window)
    belts = f"with {many(combs, 'belt clamp')}"
    return drafted(draw, solid, PRINTED, belts, many(len(holes), "hole"), bearings, walled, f"{x:.0f} x {y:.0f} mm")


def pulled(draw: Draw, body: Any, back: float, width: float, height: float, hole: float) -> tuple[Any, str]:
    """The rear of a tensioner `body` with what it is drawn by, and what that is called."""
    pull = draw.one("pull", ("nut trap", "two screw holes", "side rails", "pull bore"))
    middle = height / 2
    if pull == "two screw holes":
        return drilled(body, [(-back * share, 0) for share in (0.3, 0.75)], min(hole, back / 5)), pull
    if pull == "side rails":
        rails = brick((-back, -width / 2 - 3, height * 0.3), (back * 0.3, width / 2 + 3, height * 0.3 + 4))
        return body + rails, "with side rails"
    body -= bore((-back / 2, 0, middle), hole, back + 4, "x")
    if pull == "nut trap":
        body -= brick((-back * 0.6, -hole, middle - hole), (-back * 0.6 + 3, hole, height + 1))
    return body, f"with a {pull}"


def idler(draw: Draw) -> Draft:
    """Fork that holds a belt pulley and is drawn tight by a screw."""
    gap, cheek, reach = draw.size("slot", 7, 16), draw.size("cheek", 3, 7), draw.size("reach", 14, 34)
    back, height, (axle, hole, nut) = draw.size("back", 8, 30), draw.size("height", 12, 30), screw(draw, "axle")
    width, nose = gap + 2 * cheek, min(reach * 0.45, height / 2)
    root = brick((-1, -width / 2, 0), (1, width / 2, height))
    fork = hulled([bore((reach - nose, 0, height / 2), 2 * nose, width, "y"), root])
    if draw.chance("square nose", 0.35):
        fork = brick((-1, -width / 2, 0), (reach, width / 2, height))
    block = bevelled(rounded(back, width, 0), height, high=draw.size("bevel", 0.01, 2.5)).translate((-back / 2, 0, 0))
    body, drawn = pulled(draw, block + fork, back, width, height, hole)
    body -= brick((0, -gap / 2, -1), (reach + 9, gap / 2, height + 1))
    axis = (reach - max(nose, hole), 0, height / 2)
    body -= bore(axis, hole, width + 2, "y")
    if draw.chance("trap", 0.6):
        body -= hexagon((axis[0], width / 2, height / 2), min(nut, height - 3), cheek * 1.1, "y")
    ears = draw.chance("ears", 0.35)
    for angle in (90, -90)[: 2 * ears]:
        body += ear((-back / 2, 0, 0), width / 2 + nut * 1.7, nut * 1.5, cheek, hole, angle)
    pulley = f"for a {gap:.0f} mm wide pulley"
    return drafted(draw, body, PRINTED, "fork-shaped", f"M{axle} axle", pulley, drawn, "with two ears" * ears)


def ribs_under(draw: Draw, width: float, depth: float, height: float, wall: float) -> list[Any]:
    """No, one or two triangular ribs between a foot and the face of a motor holder."""
    run, rise = depth * draw.size("run", 0.6, 0.95), height * draw.size("rise", 0.4, 0.9)
    count = draw.one("ribs", (0, 1, 2, 2))
    rib = gusset((0, wall - 0.2, wall - 0.2), run, rise if count == 2 else min(rise, height * 0.2), wall * 0.8, 90)
    return [rib.translate((x, 0, 0)) for x in row(count, width - wall * 0.8)] if count else []


def motor_holder(draw: Draw) -> Draft:
    """Plate with a round cut-out and a foot, ribs between them, that carries a motor."""
    name, side, pitch, pilot = draw.one("motor", (*MOTORS, ("NEMA 23", 56.4, 47.1, 38.1)))
    wall, margin = draw.size("wall", 3, 8), draw.size("margin", 2, 10)
    width, depth, lift = side + 2 * margin, draw.size("depth", 0.6, 1.6) * side, wall + draw.size("lift", 0, 8)
    height = side + margin + wall
    face = slab(width, height + lift, wall, draw.size("round", 0, 8)).rotate((90, 0, 0))
    middle, small, slots = (
        lift + height / 2,
        2.7 if side < 30 else 3.4 if side < 50 else 5.5,
        draw.chance("slots", 0.35),
    )
    tools = [bore((0, 0, middle), pilot + draw.size("clear", 0.4, 4), 3 * wall, "y", 48)]
    for x, z in corners(pitch, pitch, 0):
        tools.append(
            hulled([bore((x, 0, middle + z + up), small, 3 * wall, "y", 20) for up in ((-3, 3) if slots else (0,))])
        )
    _, hole, _ = screw(draw, choices=(3, 4, 5, 6))
    lines = (0.6,) if draw.count("rows", 1, 2) == 1 else (0.42, 0.82)
    places = [(x, depth * y) for x in (-width * 0.32, width * 0.32) for y in lines]
    foot = drilled(slab(width, depth, wall, draw.size("foot round", 0, 8)).translate((0, depth / 2, 0)), places, hole)
    ribs = ribs_under(draw, width, depth, height, wall)
    solid = union([face.translate((0, wall, (height + lift) / 2)), foot, *ribs]) - union(tools)
    held = "slotted motor holes" if slots else "four motor holes"
    says = f"for a {name} motor", "L-shaped", many(len(ribs), "rib"), "with a round cut-out", held
    return drafted(
        draw, solid, ("aluminium", "steel, painted black", *PRINTED), *says, many(len(places), "mounting hole")
    )


def mounts(draw: Draw, outer: float, deep: float, hole: float, nut: float) -> Iterator[Any]:
    """Ears, an upright flange or a slotted arm that a sensor's block is screwed on by."""
    style, ears, plate = (
        draw.one("mount", ("ears", "flange", "arm")),
        draw.count("ears", 1, 2),
        draw.size("plate", 2.5, 6),
    )
    reach, thick = outer / 2 + nut * draw.size("ear", 1.2, 2.4), min(plate, deep)
    if style == "ears":
        for angle in (90, -90) if ears == 2 else (180,):
            yield ear((0, 0, 0), reach, min(nut * 1.6, outer), thick, hole, angle)
    elif style == "flange":
        places = [(0.0, y) for y in row(ears, 2 * reach - nut * 1.4)]
        flange = drilled(slab(outer, 2 * reach if ears == 2 else outer, plate, 2), places, hole)
        yield flange.rotate((0, 90, 0)).translate((-outer / 2 - plate + 0.1, 0, outer / 2))
    else:
        arm = draw.size("arm", 15, 50)
        gap = hulled([cylinder(hole, 99).translate((-outer / 2 - arm * share, 0, -9)) for share in (0.45, 0.8)])
        yield obround(arm + outer, nut * 1.7, thick, 180).translate((-arm / 2, 0, 0)) - gap


def sensor_holder(draw: Draw) -> Draft:
    """Small block with ears that holds a round or square sensor."""
    sensor, wall, deep = draw.one("sensor", (6, 8, 10, 12, 18, 22)), draw.size("wall", 2, 5), draw.size("deep", 6, 28)
    outer, is_round = sensor + 2 * wall, draw.chance("round", 0.65)
    _, hole, nut = screw(draw, choices=(3, 4, 5))
    block = slab(outer, outer, deep, draw.size("corner", 0, 3))
    if is_round and draw.chance("round body"):
        block = cylinder(outer, deep)
    tool = cylinder(sensor, 99) if is_round else box(sensor, sensor * 0.7, 99)
    tool = tool.translate((0, 0, -30))
    slit = draw.chance("slit", 0.5)
    if slit:
        end = outer / 2 + nut * 1.3
        block += brick((outer * 0.3, -wall * 1.5 - 1, 0), (end, wall * 1.5 + 1, deep))
        tool += brick((0, -0.9, -1), (end + 9, 0.9, deep + 1)) + bore((end - nut * 0.7, 0, deep / 2), hole, 99, "y")
    solid = union([block, *mounts(draw, outer, deep, hole, nut)]) - tool
    mounted = {"ears": "with mounting ears", "flange": "with an upright flange", "arm": "with a slotted arm"}
    what = f"for a {sensor} mm {'round' if is_round else 'square'} sensor"
    return drafted(draw, solid, PRINTED, what, "with a clamp slit" * slit, mounted[draw.values["mount"]], "small")


FAMILIES: tuple[Family, ...] = (
    Family(("rod holder", "shaft support", "rod clamp block"), rod_holder),
    Family(("carriage plate", "belt carriage", "slide plate"), carriage),
    Family(("belt tensioner", "idler block", "pulley holder"), idler),
    Family(("motor holder", "stepper motor mount", "motor bracket"), motor_holder),
    Family(("sensor holder", "probe holder", "sensor mount"), sensor_holder),
    *FRAMES,
    *CLIPS,
    *SHELLS,
)
