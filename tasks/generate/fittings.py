"""What liquids and air go through: nipples, hose barbs, nozzles and reducers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.generate.draw import Draft, Family
from tasks.generate.features import many, told, whole
from tasks.generate.phrases import mm, nearby, proportions
from tasks.generate.solids import box, cylinder, drilled, ring, tube, turned, union
from tasks.generate.threads import hexagon, tipped

if TYPE_CHECKING:
    from tasks.generate.draw import Draw

FITTINGS = (
    "brass",
    "brass",
    "stainless steel",
    "steel, zinc plated",
    "black nylon",
    "white PP",
    "grey PVC",
    "aluminium",
)


def barbs(count: int, diameter: float, step: float, bite: float) -> tuple[Any, float]:
    """Hose end along +z from the origin: `count` saw-shaped rings that narrow upwards; and how long it is."""
    outline = [(0.0, 0.0), (diameter / 2 - bite, 0.0)]
    for index in range(count):
        z = (index + 0.25) * step
        outline += [(diameter / 2 - bite, z), (diameter / 2, z + 0.02 * step), (diameter / 2 - bite, z + step)]
    top = (count + 0.3) * step
    return turned([*outline, (diameter / 2 - bite, top), (0, top)], 40), top


def end(draw: Draw, name: str, size: float, *, form: str) -> tuple[Any, float]:
    """End of a pipe fitting along +z from the origin, and how long it is."""
    if form == "barbs":
        count = draw.count(f"{name} barbs", 2, 6)
        wide = size * draw.size(f"{name} barb width", 0.85, 1.15)
        return barbs(count, wide, wide * draw.size(f"{name} step", 0.2, 0.4), 0.1 * wide)
    long = size * draw.size(f"{name} length", 0.6, 1.8)
    if form == "thread":
        return tipped(size, long, 0.11 * size).mirror((0, 0, 1)).translate((0, 0, long)), long
    return turned([(0, 0), (size / 2, 0), (size / 2, 0.94 * long), (0.46 * size, long), (0, long)], 40), long


def nipple(draw: Draw) -> Draft:
    """Pipe piece with a thread, barbs or a plain end on either side of a hexagon or a collar."""
    size = nearby(draw, "size", (6, 8, 10, 13, 16, 21, 26, 33, 42))
    forms = draw.one(
        "ends",
        (("thread", "barbs"), ("thread", "barbs"), ("barbs", "barbs"), ("thread", "thread"), ("thread", "plain")),
    )
    grip = draw.one("grip", ("hexagon", "hexagon", "collar", "none"))
    high = size * draw.size("grip height", 0.2, 0.6)
    wide = size * draw.size("grip width", 1.2, 1.7)
    if grip == "hexagon":
        middle = hexagon(wide, high, bottom=True)
    else:
        high = high if grip == "collar" else 0.15 * size
        middle = cylinder(wide if grip == "collar" else 1.0 * size, high, 40)
    low, low_long = end(draw, "lower", size, form=forms[0])
    upper, upper_long = end(draw, "upper", size * draw.size("ratio", 0.6, 1.05), form=forms[1])
    body = union((low.mirror((0, 0, 1)).translate((0, 0, 0.02)), middle, upper.translate((0, 0, high - 0.02))))
    bore = size * draw.size("bore", 0.35, 0.5)
    solid = whole(drilled(body, [(0, 0)], bore))
    words = {"thread": "threaded", "barbs": "barbed", "plain": "plain"}
    ends = f"{words[forms[0]]} at both ends" if forms[0] == forms[1] else f"{words[forms[0]]} and {words[forms[1]]} end"
    barbed = many(draw.values.get("upper barbs", 0), "barb")
    said = (ends, barbed, {"hexagon": "hexagon in the middle", "collar": "round collar", "none": ""}[grip])
    total = low_long + upper_long + high
    return Draft(
        solid,
        told(*said, mm(total, "long"), mm(size, "connection"), "hollow", proportions(solid)),
        draw.one("material", FITTINGS),
    )


def nozzle(draw: Draw) -> Draft:
    """Body that narrows to a fine opening: printer, spray, blow or welding nozzle."""
    size = nearby(draw, "size", (4, 5, 6, 8, 10, 13, 16, 21))
    tip = size * draw.size("tip", 0.15, 0.45)
    cone = size * draw.size("cone", 0.3, 2.4)
    base = size * draw.size("base", 0.9, 1.25)
    opening = tip * draw.size("opening", 0.25, 0.6)
    threaded = draw.chance("threaded", 0.65)
    grip = draw.one("grip", ("hexagon", "hexagon", "round", "two flats"))
    high, wide = size * draw.size("grip height", 0.3, 0.8), base * draw.size("grip width", 1.1, 1.5)
    long = size * draw.size("shank", 0.6, 1.6)
    shank = tipped(size, long + 0.02, 0.12 * size) if threaded else cylinder(size, long + 0.02, 40)
    if grip == "hexagon":
        middle = hexagon(wide, high, bottom=True)
    else:
        middle = cylinder(wide, high, 40)
        middle ^= box(2 * wide, 0.82 * wide, high) if grip == "two flats" else box(2 * wide, 2 * wide, high)
    point = turned([(0, 0), (base / 2, 0), (tip / 2, cone), (tip / 2, cone + 0.15 * size), (0, cone + 0.15 * size)], 40)
    body = union((shank, middle.translate((0, 0, long)), point.translate((0, 0, long + high - 0.02))))
    total = long + high + cone + 0.15 * size
    inside = [(0, -1), (0.3 * size, -1), (0.3 * size, long + 0.8 * high), (opening / 2, total - 0.3 * size)]
    solid = whole(body - turned([*inside, (opening / 2, total + 1), (0, total + 1)], 28))
    ends = ("threaded shank" if threaded else "plain shank", {"round": "round collar"}.get(grip, grip))
    said = (mm(opening, "opening"), "conical tip", *ends, mm(total, "long"), "pointed" if cone > size else "blunt")
    return Draft(
        solid, told(*said, proportions(solid)), draw.one("material", (*FITTINGS, "brass", "ceramic", "copper"))
    )


def reducer(draw: Draw) -> Draft:
    """Hollow cone between two pipe diameters, concentric or not, with or without flanges; or a funnel."""
    wide = nearby(draw, "wide end", (16, 20, 25, 32, 40, 50, 63, 75, 90, 110))
    narrow = wide * draw.size("narrow end", 0.25, 0.85)
    wall = wide * draw.size("wall", 0.03, 0.1)
    straight = (wide * draw.size("wide length", 0.0, 0.8), wide * draw.size("narrow length", 0.05, 0.9))
    cone = wide * draw.size("cone", 0.15, 1.3)
    levels = [
        (wide, 0.0),
        (wide, straight[0]),
        (narrow, straight[0] + cone),
        (narrow, straight[0] + cone + straight[1]),
    ]
    if straight[0] < 0.05 * wide:
        levels = levels[1:]
    total = levels[-1][1]
    outside = [(d / 2, z) for d, z in levels]
    inside = [(max(r - wall, 0.3 * r), z) for r, z in outside]
    body = turned([*outside, *inside[::-1]], 56)
    flanges = draw.one("flanges", ("", "", "", "flange at the wide end", "flanges at both ends"))
    holes = draw.count("holes", 3, 8)
    rims = [(levels[0][1], float(wide)), (total - 1.5 * wall, narrow)]
    rims = rims[: {"": 0, "flange at the wide end": 1}.get(flanges, 2)]
    for z, pipe in rims:
        rim = pipe + wide * draw.size("rim", 0.3, 0.6)
        disc = tube(rim, pipe - wall, 1.5 * wall)
        body += drilled(disc, ring(holes, (rim + pipe) / 4), 0.2 * (rim - pipe)).translate((0, 0, z))
    if len(rims) < 2 and draw.chance("bead", 0.3):
        body += tube(narrow + 1.2 * wall, narrow - wall, 0.8 * wall).translate((0, 0, total - 2 * wall))
    solid = whole(body)
    bolted = f"{many(holes, 'hole')} in the flange" if flanges else ""
    said = (
        f"{wide:.0f} to {narrow:.0f} mm",
        flanges or "without flanges",
        "conical",
        "hollow",
        bolted,
        mm(total, "long"),
    )
    looks = ("stainless steel", "steel", "copper", "grey PVC", "aluminium", "white PP", "black PE", "steel, galvanised")
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", looks))


FAMILIES: tuple[Family, ...] = (
    Family(("hose barb", "pipe nipple", "hose fitting", "hose nipple"), nipple),
    Family(("nozzle", "spray nozzle", "jet"), nozzle),
    Family(("reducer", "pipe reducer", "cone adapter", "funnel"), reducer),
)
