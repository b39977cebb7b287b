"""Made-up housings: bearing seats, motor mounts, gear cases and pumps; with the groups of blocks and fittings."""

from __future__ import annotations

from typing import Any

import numpy as np

from tasks.generate import connectors, enclosures, fixtures, plumbing
from tasks.generate.draw import Draft, Draw, Family
from tasks.generate.features import (
    CAST,
    MILLED,
    PRINTED,
    aimed,
    bore,
    brick,
    corners,
    hulled,
    many,
    row,
    sideways,
    told,
    upright,
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
    slot,
    tube,
    union,
)
from tasks.generate.strips import grid, holes, mm, pierced, plate

BOXES = (*PRINTED[:8], "grey ABS", "aluminium", "black ABS", "aluminium, black anodised")

MOTORS = (  # NEMA size, pitch of its screws, pilot, screw hole
    (14, 26.0, 22.0, 3.3),
    (17, 31.0, 22.0, 3.3),
    (17, 31.0, 22.0, 3.3),
    (23, 47.14, 38.1, 5.2),
    (34, 69.6, 73.0, 6.5),
)


def insert(outer: float, inner: float, width: float) -> Any:
    """Bearing in a housing: two rings with a groove between, centred on the origin along z."""
    groove = 0.5 * (outer - inner) / 3
    seal = tube(outer - 2 * groove, inner + 2 * groove, 2 * width).translate((0, 0, 0.36 * width))
    body = tube(outer * 1.01, inner, width).translate((0, 0, -width / 2))
    return body - seal - seal.translate((0, 0, -2.72 * width))


def pillow_block(draw: Draw) -> Draft:
    """Bearing seat on a foot with two bolt holes or four."""
    seat, depth = draw.size("seat", 16, 80), draw.size("depth", 0.4, 1.1)
    depth *= seat
    wall, foot = seat * draw.size("wall", 0.16, 0.35), seat * draw.size("foot height", 0.16, 0.35)
    high, half = seat * draw.size("centre", 0.72, 1.0) + foot * 0.4, seat / 2 + wall
    reach = half + seat * draw.size("reach", 0.45, 0.9)
    shape = draw.one("shape", ("round", "round", "square", "tapered"))
    crown = bore((0, 0, high), 2 * half, depth, "y", 48)
    below = {"round": half, "square": half, "tapered": 1.25 * half}[shape]
    lower = brick((-below, -depth / 2, 0), (below, depth / 2, foot))
    dome = (
        hulled([crown, lower]) if shape != "square" else brick((-half, -depth / 2, 0), (half, depth / 2, high + half))
    )
    width = depth * draw.size("foot width", 0.75, 1.3)
    solid = dome + slab(2 * reach, width, foot, draw.size("corner", 0.05, 0.5) * width)
    four = width > 0.8 * seat and draw.chance("four bolts", 0.4)
    bolt, middle = min(0.16 * seat, 0.3 * (reach - half), 0.3 * width), (reach + max(half, below)) / 2
    spots = grid(2, 2 if four else 1, 2 * middle, 0.55 * width)
    slotted = draw.chance("slotted", 0.4)
    cut = (
        slot(min(2 * bolt, 0.75 * (reach - below)), bolt) if slotted and reach - below > 2 * bolt else circle(bolt, 24)
    )
    solid = pierced(solid, [(x, y, 0) for x, y in spots], cut, "z", 2.2 * foot)
    if foot < 0.25 * seat and not slotted:
        solid += union(tube(2 * bolt, bolt, 1.35 * foot, 24).translate((x, y, 0)) for x, y in spots)
    solid -= bore((0, 0, high), seat, 2 * depth, "y", 48)
    fitted = draw.chance("with bearing", 0.55)
    inner = seat * draw.size("inner", 0.4, 0.58)
    if fitted:
        solid += aimed(insert(seat, inner, 0.7 * depth), "y").translate((0, 0, high))
    if draw.chance("nipple", 0.3) and shape != "square":
        solid += cylinder(0.12 * seat, 0.16 * seat, 16, top=0.06 * seat).translate((0, 0, high + half - 0.02 * seat))
    if draw.chance("split", 0.25):
        seam = box(9 * seat, 9 * seat, 0.03 * seat) - box(1.85 * half, 0.94 * depth, seat)
        solid -= seam.translate((0, 0, high - 0.015 * seat))
    size = inner if fitted else seat
    says = told(
        f"{size:.0f} mm bore",
        many(len(spots), "slot" if slotted else "mounting hole"),
        "with bearing" if fitted else "bearing seat",
    )
    says += ("with a foot", f"{shape} body", mm(2 * reach, "long"))
    return Draft(whole(solid), says, draw.one("material", (*CAST, *CAST, "aluminium", "black PETG")))


def flanged_housing(draw: Draw) -> Draft:
    """Bearing seat on a square, oval or round flange."""
    seat, kind = draw.size("seat", 14, 75), draw.one("flange", ("square", "oval", "round", "triangle"))
    boss, thick = seat * draw.size("boss", 1.3, 1.6), seat * draw.size("thickness", 0.16, 0.3)
    tall, bolt = thick + seat * draw.size("height", 0.12, 0.6), seat * draw.size("bolt", 0.13, 0.2)
    pitch = boss / 2 + bolt * draw.size("pitch", 0.9, 1.6)
    count = {"square": 4, "oval": 2, "round": draw.count("bolts", 3, 6), "triangle": 3}[kind]
    spots = ring(count, pitch * (1.12 if kind == "square" else 1.0), 45 if kind == "square" else 0)
    ends = [cylinder(2.3 * bolt, thick, 32).translate((x, y, 0)) for x, y in spots]
    core = cylinder(boss * (1.0 if kind != "square" else 0.9), thick)
    flange = cylinder(2 * pitch + 2.3 * bolt, thick, 64) if kind == "round" else hulled([*ends, core])
    solid = drilled(flange, spots, bolt, 1.7 * bolt if draw.chance("countersunk", 0.2) else 0)
    taper = boss * draw.size("taper", 0.88, 1.0)
    solid += cylinder(boss, tall, top=max(taper, 1.12 * seat))
    through = draw.chance("through", 0.7)
    solid -= cylinder(seat, 3 * tall).translate((0, 0, -tall if through else thick * 0.5))
    inner, fitted = seat * draw.size("inner", 0.42, 0.58), draw.chance("with bearing", 0.5) and through
    if fitted:
        solid += insert(seat, inner, 0.6 * tall).translate((0, 0, 0.5 * tall))
    ribs = count if draw.chance("ribs", 0.25) and kind == "square" else 0
    if ribs:
        rib = upright(
            [
                (0.5 * seat + 0.2 * (boss - seat), thick / 2),
                (pitch - bolt, thick / 2),
                (0.5 * boss, 0.95 * tall),
                (0.5 * seat + 0.2 * (boss - seat), 0.95 * tall),
            ],
            0.5 * bolt,
        )
        solid += union(rib.rotate((0, 0, 90 * k)) for k in range(4))
    says = told(
        f"{'triangular' if kind == 'triangle' else kind} flange",
        many(count, "mounting hole"),
        f"{inner if fitted else seat:.0f} mm bore",
        "with bearing" if fitted else "bearing seat",
    )
    says += ("with ribs" if ribs else "round boss", mm(tall, "deep"))
    return Draft(whole(solid), says, draw.one("material", (*CAST, *CAST, "aluminium", "grey PETG")))


def motor_foot(draw: Draw, edge: float, thick: float) -> tuple[Any, str]:
    """Drilled wall that stands on one edge of a motor's plate, and what is said of its ribs."""
    foot, across = draw.size("foot", 0.45, 1.0) * edge, draw.count("foot holes", 2, 3)
    wall = slab(edge, foot, thick, 0.4).rotate((90, 0, 0)).translate((0, -edge / 2, foot / 2))
    levels = [0.6 * foot + z for z in row(draw.count("foot rows", 1, 2), 0.5 * foot)]
    places = [(x, -edge / 2, z) for x in row(across, 0.62 * edge) for z in levels]
    wall = pierced(wall, places, circle(min(5.5, 0.2 * foot), 24), "y", 4 * thick)
    if not draw.chance("cheeks", 0.5):
        return wall, ""
    cheek = sideways([(-edge / 2, thick / 2), (0.3 * edge, thick / 2), (-edge / 2, 0.95 * foot)], 0.8 * thick)
    shift = edge / 2 - 0.4 * thick
    return wall + cheek.translate((shift, 0, 0)) + cheek.translate((-shift, 0, 0)), "with two side ribs"


def motor_plate(draw: Draw) -> Draft:
    """Plate for a stepper motor: a pilot hole, four screws about it, flat or as an angle."""
    size, pitch, pilot, screw = draw.one("motor", MOTORS)
    edge = max(pitch + screw + draw.size("edge", 6, 22), pilot + 10)
    thick, kind = draw.size("thickness", 2.5, 10), draw.one("kind", ("flat", "angle", "angle", "wings"))
    wide = edge + (draw.size("wings", 20, 60) if kind == "wings" else 0)
    slots = draw.chance("slots", 0.35)
    length = screw * draw.size("travel", 1.8, 2.6) if slots else 0.0
    cuts = [circle(pilot + draw.size("clearance", 0.2, 3)), *holes(corners(pitch, pitch, 0), screw, length)]
    if kind == "wings":
        cuts += holes(grid(2, 2, wide - 11, edge - 14), draw.size("fixing", 3.5, 5.5))
    solid, ribs = plate(rounded(wide, edge, draw.size("corner", 1, 8)), thick, cuts), ""
    if kind == "angle":
        wall, ribs = motor_foot(draw, edge, thick)
        solid += wall
    says = told(
        f"NEMA {size}",
        {"flat": "flat plate", "angle": "L-shaped", "wings": "wide flat plate"}[kind],
        "with a large central hole",
        "four slots" if slots else "four mounting holes",
        ribs,
        mm(thick, "thick"),
        mm(wide, "wide"),
    )
    return Draft(whole(solid), says, draw.one("material", (*MILLED[:4], *PRINTED[:4])))


def shell(shafts: list[tuple[float, float, float]], grow: float, height: float) -> Any:
    """Solid about all `shafts` (x, y, diameter), `grow` larger than they are."""
    return hulled([cylinder(d + 2 * grow, height).translate((x, y, 0)) for x, y, d in shafts])


def along(outline: Points, count: int) -> list[tuple[float, float]]:
    """`count` places evenly along a closed `outline` (n, 2), each at one of its points."""
    lengths = np.linalg.norm(np.roll(outline, -1, 0) - outline, axis=1)
    reached = np.cumsum(lengths) - lengths
    nearest = [int(np.argmin(np.abs(reached - lengths.sum() * k / count))) for k in range(count)]
    return [(float(outline[index, 0]), float(outline[index, 1])) for index in nearest]


def gearbox_half(draw: Draw) -> Draft:
    """Half of a gear housing: a shell about two shafts or three with a bolted rim."""
    big, wall = draw.size("big", 35, 110), draw.size("wall", 2.5, 6)
    small, deep = big * draw.size("small", 0.45, 0.95), big * draw.size("depth", 0.2, 0.55)
    apart = (big + small) / 2 * draw.size("apart", 0.75, 0.95)
    shafts = [(0.0, 0.0, big), (apart, 0.0, small)]
    if draw.chance("third shaft", 0.25):
        shafts.append((0.5 * apart, 0.62 * big, 0.7 * small))
    rim, lip = draw.size("rim", 5, 10), draw.size("rim thickness", 0.14, 0.28) * deep
    bolts = draw.count("bolts", 5, 10)
    outline = np.asarray(shell(shafts, wall + 0.5 * rim, 1).slice(0.5).to_polygons()[0])
    solid = shell(shafts, wall, deep) + shell(shafts, wall + rim, lip).translate((0, 0, deep - lip))
    solid = drilled(solid - shell(shafts, 0, deep).translate((0, 0, wall)), along(outline, bolts), 0.5 * rim)
    for index, (x, y, d) in enumerate(shafts):
        seat = d * draw.size(f"seat {index}", 0.3, 0.55)
        out = draw.size(f"boss {index}", 0.0, 0.3) * deep + 0.1
        solid += cylinder(1.35 * seat, wall + out + 0.25 * deep).translate((x, y, -out))
        if index == 0 or draw.chance(f"open {index}", 0.6):
            solid -= cylinder(0.6 * seat, 4 * deep, 32).translate((x, y, -2 * deep))
        solid -= cylinder(seat, deep).translate((x, y, wall * 0.5))
    feet = draw.chance("feet", 0.35)
    if feet:
        pad = drilled(slab(0.35 * big, 0.3 * big, 0.12 * big, 0.05 * big), [(0, 0)], 0.11 * big).rotate((90, 0, 0))
        web = brick((-0.05 * big, -0.06 * big, -0.2 * deep), (0.05 * big, 0.14 * big, 0.2 * deep))
        low = -(big / 2 + wall) + 0.06 * big
        stand = union((pad + web).translate((x, low, deep / 2)) for x in (-0.25 * big, apart))
        solid += stand - shell(shafts, 0, 2 * deep)
    says = told(
        "half shell",
        many(len(shafts), "shaft seat"),
        many(bolts, "flange bolt hole"),
        "with feet" if feet else "",
        mm(apart, "centre distance"),
        "open on one side",
        mm(deep, "deep"),
    )
    return Draft(whole(solid), says, draw.one("material", (*CAST, "aluminium", "black PETG", "blue PETG")))


def spiral(size: float, grow: float) -> Points:
    """Outline (n, 2) that widens `grow` times in one turn, up to about `size` across."""
    angles = np.linspace(0, 2 * np.pi, 61)
    radii = size / 2 * (1 / grow + (1 - 1 / grow) * angles / (2 * np.pi))
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], 1)


def outlet(draw: Draw, pipe: float, wall: float, deep: float, size: float) -> tuple[Any, Any, str]:
    """Outlet of a pump along +y from the origin: its outside, its inside, and what is said of it."""
    reach, square = size * draw.size("outlet", 0.35, 0.8), draw.chance("square outlet", 0.35)
    duct = box(pipe, deep, reach) if square else cylinder(pipe, reach)
    inner = box(pipe - 2 * wall, deep - 2 * wall, 2 * reach) if square else cylinder(pipe - 2 * wall, 2 * reach)
    end, shape = draw.one("outlet end", ("flange", "plain", "bead")), "square" if square else "round"
    if end == "flange":
        flange = drilled(cylinder(1.8 * pipe, 0.12 * size), ring(4, 0.7 * pipe, 45), 0.2 * pipe)
        duct += flange.translate((0, 0, reach - 0.06 * size))
    elif end == "bead":
        duct += cylinder(1.25 * pipe, 0.12 * size).translate((0, 0, reach - 0.06 * size))
    words = f"{shape} flanged outlet" if end == "flange" else f"{shape} outlet"
    return duct.rotate((-90, 0, 0)), inner.rotate((-90, 0, 0)), words


def volute(draw: Draw) -> Draft:
    """Pump or blower casing: a spiral with a tangential outlet and an inlet in its middle."""
    size = draw.size("size", 40, 150)
    deep, grow = size * draw.size("depth", 0.2, 0.5), draw.size("spiral", 1.2, 1.5)
    wall, outline = draw.size("wall", 0.03, 0.06) * size, spiral(size, grow)
    pipe = min(size * (1 - 1 / grow) * 1.1, 0.9 * deep) + wall
    duct, inner, words = outlet(draw, pipe, wall, deep, size)
    place = (size / 2 - pipe / 2, 0, deep / 2)
    body = extruded(outline, deep) + duct.translate(place)
    hole = draw.size("inlet", 0.28, 0.5) * size / grow
    stub = draw.chance("inlet stub", 0.5)
    if stub:
        body += cylinder(hole + 2 * wall, deep + draw.size("stub", 0.1, 0.4) * size)
    centre = outline.mean(0)
    cavity = extruded((outline - centre) * (1 - 2.8 * wall / size) + centre, deep - 2 * wall).translate((0, 0, wall))
    solid = body - cavity - inner.translate(place) - cylinder(hole, 3 * deep).translate((0, 0, deep / 2))
    if draw.chance("open back", 0.3):
        solid -= cylinder(0.85 * size / grow, 2 * wall, 64).translate((0, 0, -0.5 * wall))
    ears = draw.count("ears", 3, 6) if draw.chance("eared", 0.5) else 0
    for x, y in ring(ears, 0.46 * size, 20):
        solid += tube(0.12 * size, 0.05 * size, 0.12 * size, 24).translate((x, y, 0)) - cavity
    foot = draw.chance("foot", 0.3)
    if foot:
        base = brick((-0.4 * size, -0.62 * size, 0), (0.4 * size, -0.55 * size, deep))
        web = brick((-0.15 * size, -0.6 * size, 0.1 * deep), (0.15 * size, -0.3 * size, 0.9 * deep))
        solid += base + web - cavity
    says = told(
        "spiral casing",
        "tangential outlet",
        words,
        "with an inlet pipe" if stub else "central inlet",
        "with a foot" if foot else many(ears, "lug"),
        mm(size, "across"),
    )
    return Draft(whole(solid), says, draw.one("material", (*CAST, "aluminium", "black ABS", "grey PETG")))


FAMILIES: tuple[Family, ...] = (
    Family(("pillow block", "plummer block", "bearing block"), pillow_block),
    Family(("flanged bearing housing", "flange bearing unit", "flanged bearing"), flanged_housing),
    Family(("motor mount", "motor mounting plate", "stepper motor bracket"), motor_plate),
    Family(("gearbox housing", "gear case half", "gearbox casing"), gearbox_half),
    Family(("pump housing", "volute casing", "blower housing"), volute),
    *enclosures.FAMILIES,
    *connectors.FAMILIES,
    *fixtures.FAMILIES,
    *plumbing.FAMILIES,
)
