"""Made-up brackets, plates and profiles: what is cut and bent from sheet, and sawn from bar."""

from __future__ import annotations

from typing import Any

import numpy as np

from tasks.generate import clamps, linkage, profiles
from tasks.generate.draw import Draft, Draw, Family
from tasks.generate.features import (
    corners,
    extent,
    gusset,
    joined,
    many,
    row,
    told,
    upright,
    whole,
)
from tasks.generate.solids import Points, circle, cylinder, drilled, prism, ring, rounded, slab, slot, union
from tasks.generate.strips import (
    SHEET,
    between,
    grid,
    holes,
    mm,
    pierced,
    plate,
    sheet,
    smoothed,
)


def leg_holes(draw: Draw, name: str, start: float, end: float, width: float, *, split: bool = False) -> Any:
    """Holes of one leg: their (along, across) places, their outline with its length along x, and what to say."""
    columns = 2 if split or (width > 36 and draw.chance(f"{name} columns", 0.45)) else 1
    most = max(1, int((end - start) / 9))
    count = min(draw.count(f"{name} holes", 1, 4), most)
    room = min((end - start) / count, width / columns)
    diameter = min(draw.size(f"{name} diameter", 3.2, 11), 0.6 * room)
    long = 0.8 * (end - start) / count if draw.chance(f"{name} slots", 0.3) else 0.0
    places = [(along, across) for along in between(start, end, count) for across in row(columns, 0.52 * width)]
    slots = long > 1.3 * diameter
    outline = slot(long, diameter) if slots else circle(diameter, 24)
    return places, outline, (len(places), "slot" if slots else "hole")


def added(*legs: tuple[int, str]) -> str:
    """The holes of all legs in words: "six holes", "two holes and four slots"."""
    kinds = {kind: sum(count for count, each in legs if each == kind) for _, kind in legs}
    return " and ".join(many(count, kind) for kind, count in sorted(kinds.items()))


def on_wall(solid: Any, places: list[tuple[float, float]], outline: Points, x: float, depth: float) -> Any:
    """`solid` with `outline` cut along x at (z, y) `places` of an upright wall at `x`."""
    return pierced(solid, [(x, y, z) for z, y in places], outline, "x", depth)


def l_bracket(draw: Draw) -> Draft:
    """Strip bent once, with holes or slots in both legs and perhaps a gusset."""
    foot, tall, width = draw.size("foot", 18, 110), draw.size("upright", 18, 130), draw.size("width", 12, 95)
    thick = min(draw.size("thickness", 1.5, 8), 0.12 * min(foot, tall))
    bend = thick * draw.size("bend", 0.8, 2.5)
    solid = sheet([(foot, thick / 2), (thick / 2, thick / 2), (thick / 2, tall)], thick, width, bend)
    if draw.chance("round ends", 0.4):
        corner = draw.size("corner", 0.12, 0.45) * min(width, foot, tall)
        solid ^= slab(2 * foot, width, tall, corner)
        solid ^= slab(2 * tall, width, 2 * foot, corner).rotate((0, 90, 0)).translate((-foot, 0, 0))
    start, stiff = 2 * thick + bend, draw.chance("gusset", 0.35) and width > 22
    low, cut, said_low = leg_holes(draw, "foot", start, foot - 0.04 * foot, width, split=stiff)
    solid = pierced(solid, [(x, y, thick / 2) for x, y in low], cut, "z", 3 * thick)
    high, cut, said_high = leg_holes(draw, "upright", start, tall - 0.04 * tall, width, split=stiff)
    solid = on_wall(solid, high, cut, thick / 2, 3 * thick)
    if stiff:
        reach = draw.size("gusset reach", 0.45, 0.9)
        rib = gusset((thick / 2, 0, thick / 2), reach * foot, reach * tall, min(thick * 1.2, 0.16 * width))
        solid = joined(solid, rib)
    shape = "equal legs" if abs(foot - tall) < 0.1 * tall else "unequal legs"
    says = told("L-shaped", "with a gusset" if stiff else "bent once", added(said_low, said_high), shape)
    return Draft(solid, (*says, mm(width, "wide"), mm(thick, "thick"), "sheet metal"), draw.one("material", SHEET))


def u_bracket(draw: Draw) -> Draft:
    """Strip bent to a channel, perhaps with outward feet."""
    gap, tall, length = draw.size("gap", 14, 90), draw.size("height", 12, 80), draw.size("length", 12, 160)
    thick = min(draw.size("thickness", 1.2, 6), 0.1 * gap, 0.15 * tall)
    half, lips = gap / 2 + thick / 2, draw.chance("feet", 0.35)
    foot, in_base, in_sides = draw.size("foot", 12, 35) if lips else 0.0, "", ""
    path = [(-half, tall), (-half, thick / 2), (half, thick / 2), (half, tall)]
    path = [(-half - foot, tall), *path, (half + foot, tall)] if lips else path
    solid = sheet(path, thick, length, thick * draw.size("bend", 0.7, 2.5))
    if lips:
        spots = grid(2, max(1, round(length / 60)), 2 * half + foot + thick, 0.6 * length)
        size = min(6.0, 0.5 * foot, 0.5 * length)
        solid = pierced(solid, [(x, y, tall) for x, y in spots], circle(size, 24), "z", 4 * thick)
    if draw.chance("base drilled", 0.75):
        places, cut, said = leg_holes(draw, "base", -gap / 2 + 2 * thick, gap / 2 - 2 * thick, length)
        solid = pierced(solid, [(x, y, thick / 2) for x, y in places], cut, "z", 3 * thick)
        in_base = f"{many(*said)} in the base"
    if draw.chance("sides drilled", 0.7):
        size, count = draw.size("side hole", 3, 14), draw.count("side holes", 1, 3)
        size, count = min(size, 0.45 * tall, 0.45 * length), min(count, int(length / 20) + 1)
        rows = [(0.0, y, 0.58 * tall) for y in row(count, 0.6 * length)]
        solid = pierced(solid, rows, circle(size, 24), "x", 2 * half + 4 * thick)
        in_sides = "holes in both sides"
    says = told(
        "hat-shaped" if lips else "U-shaped",
        "with mounting feet" if lips else "channel" if length > 2 * gap else "",
        in_sides,
        in_base,
        mm(length, "long"),
        mm(gap, "inside width"),
    )
    return Draft(solid, says, draw.one("material", SHEET))


def z_bracket(draw: Draw) -> Draft:
    """Strip bent twice, up and out again."""
    low, high, tall = draw.size("lower leg", 15, 80), draw.size("upper leg", 15, 80), draw.size("offset", 8, 70)
    width = draw.size("width", 12, 90)
    thick = min(draw.size("thickness", 1.2, 6), 0.12 * min(low, high), 0.2 * tall)
    lean = draw.one("lean", (0.0, 0.0, 0.0, 0.5)) * tall
    path = [(low, 0), (0, 0), (-lean, tall), (-lean - high, tall)]
    bend = thick * draw.size("bend", 0.8, 2)
    solid = sheet(path, thick, width, bend)
    start, split = thick + bend, draw.chance("two columns", 0.3) and width > 25
    places, cut, said = leg_holes(draw, "lower", start, 0.96 * low, width, split=split)
    solid = pierced(solid, [(x, y, 0) for x, y in places], cut, "z", 3 * thick)
    more, cut, said_more = leg_holes(draw, "upper", start, 0.96 * high, width, split=split)
    solid = pierced(solid, [(-lean - x, y, tall) for x, y in more], cut, "z", 3 * thick)
    says = told("Z-shaped", "bent twice", added(said, said_more), "slanted web" if lean else "offset bracket")
    return Draft(solid, (*says, mm(tall, "offset"), mm(width, "wide"), "sheet metal"), draw.one("material", SHEET))


def t_bracket(draw: Draw) -> Draft:
    """Flat T with holes in its three arms, or a T of two plates."""
    across, down = draw.size("bar", 40, 160), draw.size("stem", 25, 140)
    width = min(draw.size("width", 12, 45), 0.4 * across, 0.7 * down)
    thick, each = draw.size("thickness", 2, 7), draw.count("holes per arm", 1, 3)
    bore = min(draw.size("hole", 3.2, 9), 0.45 * width, 0.5 * (across - width) / 2 / each, 0.5 * down / each)
    arm = [(x, 0.0) for x in between(width / 2, across / 2 - 0.1 * width, each)]
    stem = [(0.0, -y) for y in between(width / 2, down + 0.4 * width, each)]
    spots = [*arm, *((-x, y) for x, y in arm), *stem]
    if draw.chance("centre hole", 0.4):
        spots.append((0.0, 0.0))
    h, a, foot = width / 2, across / 2, -down - width / 2
    outline = [(-h, -h), (-h, foot), (h, foot), (h, -h), (a, -h), (a, h), (-a, h), (-a, -h)]
    if draw.chance("upright", 0.35):
        wall = max(thick, 2.5)
        solid = slab(across, 2 * width, thick, 0.2 * width)
        solid = drilled(
            solid, [(x, y) for x, _ in (*arm, *((-x, 0) for x, _ in arm)) for y in (width / 2, -width / 2)], bore
        )
        web = upright(
            [(-a, 0), (a, 0), (h, down), (-h, down)]
            if draw.chance("tapered")
            else [(-a, 0), (a, 0), (a, down), (-a, down)],
            wall,
        )
        web = pierced(web, [(0.0, 0.0, z) for z in between(width / 2, down, each)], circle(bore, 24), "y", 3 * wall)
        says = told("T-shaped section", "with an upright web", many(each, "hole") + " in the web", extent(solid))
        return Draft(joined(solid, web), (*says, mm(thick, "thick")), draw.one("material", SHEET))
    solid = plate(smoothed(outline, draw.size("corner", 0.08, 0.49) * width), thick, holes(spots, bore))
    says = told(
        "T-shaped", "flat plate", many(len(spots), "hole"), "three arms", mm(across, "wide"), mm(thick, "thick")
    )
    return Draft(solid, says, draw.one("material", SHEET))


def mounting_plate(draw: Draw) -> Draft:
    """Flat plate with a pattern of holes and perhaps an opening in the middle."""
    x = draw.size("length", 30, 180)
    y, thick = x * draw.size("ratio", 0.25, 1), draw.size("thickness", 1.5, 12)
    bore = min(draw.size("hole", 3, 11), 0.18 * y)
    inset, sink = max(1.1 * bore, 0.1 * y), 1.9 * bore if draw.chance("countersunk", 0.25) else 0.0
    pattern = draw.one("pattern", ("corners", "corners", "six", "circle", "line", "grid"))
    middle = min(draw.size("opening", 0.2, 0.55) * y, y - 4.4 * inset)
    spots = {
        "corners": corners(x, y, inset),
        "six": grid(3, 2, x - 2 * inset, y - 2 * inset),
        "circle": ring(draw.count("on circle", 3, 8), y / 2 - inset),
        "line": [(a, 0.0) for a in row(draw.count("in line", 2, 5), x - 2.5 * inset)],
        "grid": grid(draw.count("columns", 3, 5), 3, x - 2 * inset, y - 2 * inset),
    }[pattern]
    edge = draw.one("edge", (0.03, 0.12, 0.25, 0.5))
    corner = min(edge * y, 1.4 * inset) if pattern in {"corners", "six", "grid"} else edge * y
    opening = (
        draw.one("opening kind", ("round", "none", "square", "slot")) if pattern in {"corners", "circle"} else "none"
    )
    hole = {
        "round": circle(middle),
        "square": rounded(middle, middle, 0.1 * middle),
        "slot": slot(1.5 * middle, 0.5 * middle),
    }
    cut = [hole[opening]] if opening != "none" and middle > 3 else []
    solid = drilled(plate(rounded(x, y, corner), thick, cut), spots, bore, min(sink, bore + thick))
    says = told(
        "flat plate",
        many(len(spots), "mounting hole"),
        {"round": "with a central hole", "square": "with a square opening", "slot": "with a slot"}[opening]
        if cut
        else "",
        "countersunk holes" if sink else "",
        "square" if x < 1.08 * y else "rectangular",
        f"{x:.0f} x {y:.0f} mm",
        mm(thick, "thick"),
    )
    return Draft(solid, says, draw.one("material", (*SHEET, "black ABS", "POM")))


def slotted_plate(draw: Draw) -> Draft:
    """Flat plate with a row of long slots."""
    x, count = draw.size("length", 40, 180), draw.count("slots", 1, 6)
    y, thick = x * draw.size("ratio", 0.25, 0.8), draw.size("thickness", 1.5, 8)
    along = count == 1 or draw.chance("along", 0.5)
    ends = draw.chance("end holes", 0.5)
    free = x * (0.7 if ends else 0.86)
    room = (0.86 * y if along else free) / count
    length, wide = (free if along else 0.74 * y), min(draw.size("slot width", 0.25, 0.6) * room, 14)
    cut = slot(max(length, 1.2 * wide), wide)
    cut = cut if along else cut[:, ::-1] * np.array([-1.0, 1.0])
    shift = row(count, room * (count - 1))
    cuts = [cut + (np.array([0.0, at]) if along else np.array([at, 0.0])) for at in shift]
    bore = min(draw.size("hole", 3, 9), 0.08 * x, 0.2 * y)
    spots = grid(2, draw.count("end rows", 1, 2), 0.88 * x, 0.6 * y) if ends else []
    solid = plate(rounded(x, y, draw.size("corner", 0.02, 0.3) * y), thick, [*cuts, *holes(spots, bore)])
    says = told("slotted", "flat plate", many(count, "slot"), "with end holes" if ends else "", f"{x:.0f} x {y:.0f} mm")
    return Draft(solid, (*says, mm(thick, "thick"), "rectangular"), draw.one("material", SHEET))


def gusset_plate(draw: Draw) -> Draft:
    """Triangular or trapezoid corner plate with holes along its two legs."""
    a = draw.size("leg", 30, 150)
    b, thick = a * draw.size("ratio", 0.6, 1), draw.size("thickness", 2, 8)
    strap = draw.size("strap", 0.16, 0.3) * b
    kind = draw.one("kind", ("triangle", "corner", "cut"))
    nose = strap * draw.size("nose", 0.5, 1)
    hollow = (0.62 * nose + 0.2 * b, 0.62 * nose + 0.2 * b)
    inner = {"triangle": [], "corner": [(strap, strap)], "cut": [hollow]}[kind]
    ends = [(a, 0), (a, strap if kind == "corner" else nose), *inner, (strap if kind == "corner" else nose, b), (0, b)]
    outline = smoothed([(0, 0), *ends], draw.size("corner", 0.08, 0.3) * strap)
    count, bore = draw.count("holes per leg", 1, 4), min(draw.size("hole", 3.2, 11), 0.42 * nose, 0.4 * b / 4)
    spots = [(x, 0.42 * nose) for x in between(nose, 0.96 * a, count)] + [
        (0.42 * nose, y) for y in between(nose, 0.96 * b, count)
    ]
    cut = holes(spots, bore)
    if draw.chance("window", 0.3) and kind == "triangle":
        cut.append(circle(0.22 * b) + np.array([0.3 * a, 0.3 * b]))
    solid = plate(outline, thick, cut)
    word = {"triangle": "triangular", "corner": "L-shaped", "cut": "triangular with a cut"}[kind]
    window = "with a round window" if len(cut) > len(spots) else ""
    says = told(word, "flat plate", many(2 * count, "hole"), window, f"{a:.0f} x {b:.0f} mm", mm(thick, "thick"))
    return Draft(solid, says, draw.one("material", SHEET))


def post_base(draw: Draw) -> Draft:
    """Base plate with a post or a pipe stub upright on it."""
    x, thick = draw.size("base", 35, 130), draw.size("thickness", 3, 12)
    square = draw.chance("square base", 0.6)
    y = x * draw.size("ratio", 0.6, 1) if square else x
    post = draw.size("post", 0.22, 0.5) * y
    tall, kind = draw.size("height", 0.4, 2.2) * x, draw.one("kind", ("pipe", "solid", "square", "hexagon"))
    bore = min(draw.size("hole", 4, 13), 0.12 * y)
    count = 4 if square else draw.count("holes", 3, 6)
    spots = corners(x, y, 1.15 * bore) if square else ring(count, x / 2 - 1.2 * bore, 45)
    base = slab(x, y, thick, draw.size("corner", 0.05, 1) * 1.8 * bore) if square else cylinder(x, thick, 64)
    column = {
        "solid": cylinder(post, tall),
        "square": slab(post, post, tall, 0.1 * post),
        "hexagon": prism(6, post, tall),
    }
    solid = drilled(base, spots, bore) + column.get(kind, cylinder(post, tall))
    if kind == "pipe":
        inner = draw.size("inner", 0.65, 0.88) * post
        solid -= cylinder(inner, tall + 1).translate((0, 0, thick))
        if draw.chance("cross hole", 0.4):
            solid = pierced(solid, [(0, 0, 0.8 * tall + thick * 0.2)], circle(0.35 * inner, 24), "x", 2 * post)
    elif draw.chance("top hole", 0.5):
        solid -= cylinder(0.45 * post, 0.5 * tall + 1, 24).translate((0, 0, 0.5 * tall))
    ribs = draw.count("ribs", 3, 4) if draw.chance("ribbed", 0.4) else 0
    reach = min(0.36 * (y - post), 0.34 * y)
    rib = gusset((0.46 * post, 0, thick), reach, min(1.3 * reach, 0.8 * tall), max(2.0, 0.08 * post))
    solid = union([solid, *(rib.rotate((0, 0, index * 360 / ribs)) for index in range(ribs))])
    word = {
        "pipe": "with a pipe stub",
        "solid": "with a round post",
        "square": "with a square post",
        "hexagon": "with a hexagonal post",
    }[kind]
    says = told(
        word,
        "square base plate" if square else "round base plate",
        many(len(spots), "mounting hole"),
        f"with {many(ribs, 'rib')}" if ribs else "",
    )
    says += (mm(tall, "tall"), mm(x, "base"))
    return Draft(whole(solid), says, draw.one("material", (*SHEET, "cast iron")))


FAMILIES: tuple[Family, ...] = (
    Family(("angle bracket", "L-bracket", "corner bracket", "mounting angle"), l_bracket),
    Family(("U-bracket", "channel bracket", "U-channel"), u_bracket),
    Family(("Z-bracket", "offset bracket", "Z-shaped bracket"), z_bracket),
    Family(("T-bracket", "tee bracket", "T plate"), t_bracket),
    Family(("mounting plate", "flat plate", "adapter plate", "base plate"), mounting_plate),
    Family(("slotted plate", "adjustment plate", "plate with slots"), slotted_plate),
    Family(("gusset plate", "corner plate", "joining plate"), gusset_plate),
    Family(("post base", "base plate with post", "pipe hanger base"), post_base, held_out=True),
    *profiles.FAMILIES,
    *clamps.FAMILIES,
    *linkage.FAMILIES,
)
