"""Families without a fixed form that stand on a plate: ribbed brackets, boss plates and finned blocks."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.generate.draw import Draft, Draw, Family
from tasks.generate.features import (
    CAST,
    MILLED,
    PRINTED,
    bore,
    carved,
    drafted,
    ear,
    grown,
    gusset,
    hulled,
    many,
    row,
)
from tasks.generate.solids import box, circle, cylinder, extruded, ring, slab, slot, union

if TYPE_CHECKING:
    from collections.abc import Iterator

ANY = (*MILLED, *PRINTED, *CAST)
POLYGONS = {
    "polygon": "polygonal outline",
    "triangle": "triangular outline",
    "rectangle": "rectangular outline",
    "notched": "L-shaped outline",
}
FINS = {"pins": "with a field of pins", "cross": "with crossed grooves"}


def wall_on(draw: Draw, index: int, wide: float, tall: float, wall: float) -> tuple[Any, Any]:
    """Standing wall across x on the origin, and the tool for the bore in its head."""
    head = draw.one("head", ("round", "square", "tapered", "eye"))
    end = wide if head == "round" else wide * draw.size("taper", 0.3, 0.7)
    top = max(tall - end / 2, wall)
    hole = bore((0, 0, top), end * draw.size(f"eye {index}", 0.3, 0.65), 3 * wall, "x", 40)
    root = box(wall, wide, 1)
    if head == "square":
        plate = slab(tall, wide, wall, draw.size("top round", 0, 8)).rotate((0, -90, 0))
        return plate.translate((wall / 2, 0, tall / 2)), hole
    if head == "eye":
        neck = hulled([root, bore((0, 0, top), end * 0.7, wall, "x", 40)])
        return bore((0, 0, top), end, wall * 1.6, "x", 40) + neck, hole
    return hulled([root, bore((0, 0, top), end, wall, "x", 40)]), hole


def uprights(draw: Draw, x: float, y: float) -> Iterator[tuple[Any, Any, float]]:
    """One or two standing walls across x with their bores: (wall, tool, place along x)."""
    wall, height, two = draw.size("wall", 3, 10), draw.size("height", 15, 80), draw.count("uprights", 1, 2) == 2
    places = [draw.size("stand", -0.48, 0.3) * x]
    if two:
        places = [wall / 2 - x / 2, draw.size("apart", 0.1, 0.5) * x - wall / 2]
    for index, at in enumerate(places):
        wide, tall = y * draw.size(f"wide {index}", 0.5, 1.0), height * draw.size(f"tall {index}", 0.7, 1.0)
        solid, hole = wall_on(draw, index, wide, tall, wall)
        yield solid.translate((at, 0, 0)), hole.translate((at, 0, 0)), at


def ribs_at(draw: Draw, wall: Any, at: float, reach: float, floor: float) -> list[Any]:
    """Triangular ribs from a wall at x = `at` down to the plate, towards the roomier side, `reach` being its edge."""
    _, low, _, _, high, top = wall.bounding_box()
    rise, way = (top - floor) * draw.size("rise", 0.4, 0.95), 1 if at < 0 else -1
    run = min(rise * draw.size("run", 0.5, 1.6), (reach - at * way) * 0.92)
    count, thick = draw.count("ribs", 0, 4), draw.size("thick", 2, 6)
    rib = gusset((0, 0, 0), run, rise, thick, 0 if way > 0 else 180)
    both = draw.chance("both sides", 0.3)
    lumps = [rib.translate((at, y, floor - 0.2)) for y in row(count, (high - low) * 0.75)] if count else []
    back = gusset((0, 0, 0), min(run, (reach + at * way) * 0.92), rise, thick, 180 if way > 0 else 0)
    return [*lumps, back.translate((at, 0, floor - 0.2))] if both and reach + at * way > 8 else lumps


def feet(draw: Draw, x: float, y: float) -> list[Any]:
    """Tools for the mounting holes or slots of a base plate of x by y."""
    hole, inset, lines = (
        draw.size("hole", 3, 9),
        draw.size("inset", 0.3, 0.44),
        (-1, 1) if draw.chance("pairs", 0.7) else (0,),
    )
    outline = circle(hole, 24)
    if draw.chance("slots", 0.3):
        outline = slot(hole * draw.size("slotted", 1.5, 3), hole)
    drill = extruded(outline, 999).translate((0, 0, -500))
    return [drill.translate((a * inset * x, b * inset * y, 0)) for a in (-1, 1) for b in lines]


def ribbed_bracket(draw: Draw) -> Draft:
    """Base plate with one or two uprights, ribs, bosses and holes."""
    x, y, floor = draw.size("x", 35, 130), draw.size("y", 18, 80), draw.size("floor", 3, 10)
    solid = slab(x, y, floor, draw.size("round", 0, min(x, y) * 0.4))
    solid, holes = carved(solid, feet(draw, x, y), 0.0005)
    tools, lumps = [], []
    for wall, hole, at in uprights(draw, x, y):
        solid += wall
        tools.append(hole)
        lumps += ribs_at(draw, wall, at, x / 2, floor)
    solid, ribs = grown(solid, lumps)
    size, high = draw.size("boss", 6, 16), floor + draw.size("boss high", 2, 14)
    spots = [f"boss {index}" for index in range(draw.count("bosses", 0, 3))]
    places = [(draw.size(f"{spot} x", -0.4, 0.4) * x, draw.size(f"{spot} y", -0.35, 0.35) * y, 0.0) for spot in spots]
    solid, bosses = grown(solid, [cylinder(size, high, 32).translate(at) for at in places])
    tools += [cylinder(size * 0.5, high + 1, 20).translate((*at[:2], floor * 0.5)) for at in places]
    form = "U-shaped" if draw.values["uprights"] == 2 else "L-shaped"
    says = form, many(ribs, "rib"), many(holes, "mounting hole"), many(bosses, "boss"), "with a bearing eye"
    return drafted(draw, solid - union(tools), ANY, *says, "base plate")


def corners_of(draw: Draw, kind: str, reach: float, flat: float) -> list[tuple[float, float]]:
    """Corners of a plate with straight sides."""
    if kind == "polygon":
        angles = np.linspace(0, 2 * np.pi, draw.count("sides", 4, 7), endpoint=False)
        far = [reach * draw.size(f"side {index}", 0.6, 1) for index in range(len(angles))]
        return [(r * float(np.cos(a)), flat * float(np.sin(a))) for r, a in zip(far, angles, strict=True)]
    if kind == "triangle":
        tip, lean = draw.size("tip", -0.5, 1), draw.size("lean", -1, 0.5)
        return [(-reach, -flat), (reach, -flat * tip), (reach * lean, flat)]
    if kind == "notched":
        a, b = reach * draw.size("notch x", -0.4, 0.4), flat * draw.size("notch y", -0.4, 0.4)
        return [(-reach, -flat), (reach, -flat), (reach, b), (a, b), (a, flat), (-reach, flat)]
    return [(-reach, -flat), (reach, -flat), (reach, flat), (-reach, flat)]


def curved(draw: Draw, kind: str, reach: float, flat: float) -> tuple[Any, str]:
    """Plate outline (CrossSection) of round shapes, and its name."""
    from manifold3d import CrossSection, FillRule, OpType

    def disc(size: float) -> Any:
        return CrossSection([circle(size, 32)], FillRule.NonZero)

    if kind == "disc":
        return CrossSection([circle(2 * reach, 64)], FillRule.NonZero), "round"
    if kind == "discs":
        discs = []
        for index in range(draw.count("discs", 2, 4)):
            key = f"disc {index}"
            place = reach * draw.size(f"{key} x", -0.7, 0.7), flat * draw.size(f"{key} y", -0.7, 0.7)
            discs.append(disc(2 * reach * draw.size(key, 0.25, 0.6)).translate(place))
        return CrossSection.batch_hull(discs), "rounded outline"
    dot = disc(2 * reach * draw.size("arm", 0.12, 0.3))
    if kind == "kidney":
        angles = np.radians(np.linspace(0, draw.size("sweep", 90, 260), 14))
        dots = [dot.translate((reach * 0.7 * float(np.cos(a)), reach * 0.7 * float(np.sin(a)))) for a in angles]
        pieces = [CrossSection.batch_hull(pair) for pair in pairwise(dots)]
        return CrossSection.batch_boolean(pieces, OpType.Add), "curved outline"
    legs, hub = draw.count("arms", 2, 5), draw.size("hub", 1.1, 2.4)
    places = ring(legs, reach * 0.85, draw.size("turn", 0, 90))
    pieces = [CrossSection.batch_hull([dot.scale((hub, hub)), dot.translate(at)]) for at in places]
    return CrossSection.batch_boolean(pieces, OpType.Add), many(legs, "arm")


def blob(draw: Draw, reach: float) -> tuple[Any, str]:
    """A drawn outline (CrossSection) within `reach`, and what people call it."""
    from manifold3d import CrossSection, FillRule, JoinType

    kind = draw.one("outline", (*POLYGONS, "discs", "arms", "kidney", "disc"))
    flat, corner = reach * draw.size("flat", 0.45, 1.0), reach * draw.size("corner", 0.02, 0.14)
    if kind not in POLYGONS:
        return curved(draw, kind, reach, flat)
    sharp = CrossSection([np.array(corners_of(draw, kind, reach, flat))], FillRule.NonZero)
    return sharp.offset(-corner, JoinType.Miter).offset(corner, JoinType.Round, 2, 32), POLYGONS[kind]


def spots_on(draw: Draw, reach: float, thick: float) -> tuple[list[Any], list[Any]]:
    """Bosses and pins, and tools for holes and windows, all over a plate."""
    lumps, tools, size = [], [], reach * draw.size("hole", 0.08, 0.2)
    for index in range(draw.count("spots", 3, 9)):
        key = f"spot {index}"
        place = (reach * draw.size(f"{key} x", -0.8, 0.8), reach * draw.size(f"{key} y", -0.7, 0.7), 0)
        kind = draw.one(key, ("hole", "hole", "boss", "window", "pin"))
        high = thick + draw.size(f"{key} high", 2, 18)
        if kind in {"boss", "pin"}:
            lumps.append(cylinder(size * (1.9 if kind == "boss" else 1), high, 32).translate(place))
        if kind in {"boss", "hole"}:
            tools.append(cylinder(size, 99, 24).translate(place))
        if kind == "window":
            wide = reach * draw.size(f"{key} wide", 0.25, 0.6)
            pane = slab(wide, wide * draw.size(f"{key} share", 0.3, 1), 99, draw.size(f"{key} corner", 0, 6))
            tools.append(pane.translate(place))
    return lumps, [tool.translate((0, 0, -1)) for tool in tools]


def boss_plate(draw: Draw) -> Draft:
    """Plate of any outline with bosses, windows, a rim and holes."""
    reach, thick, rim = draw.size("reach", 18, 70), draw.size("thick", 2.5, 12), draw.chance("rim", 0.35)
    outline, name = blob(draw, reach)
    solid = outline.extrude(thick)
    if rim:
        edge = outline - outline.offset(-draw.size("rim wall", 1.5, 4))
        solid += edge.extrude(thick + draw.size("rim high", 2, 14))
    inside = outline.offset(-reach * 0.1).extrude(99)
    lumps, tools = spots_on(draw, reach, thick)
    solid, bosses = grown(solid, [lump for lump in lumps if (lump - inside).volume() < 0.3 * lump.volume()])
    fair = [tool for tool in tools if (tool ^ inside).volume() > 0.6 * tool.volume()]
    solid, holes = carved(solid, fair, 0.001)
    return drafted(
        draw, solid, ANY, name, many(bosses, "boss"), many(holes, "opening"), "with a raised rim" * rim, "plate"
    )


def fins(draw: Draw, x: float, deep: float, high: float, kind: str) -> Any:
    """Field of fins, pins or teeth on z = 0, side by side along x."""
    count, share = draw.count("count", 4, 14), draw.size("share", 0.25, 0.6)
    pitch = x / count
    if kind == "teeth":
        outline = [(-pitch / 2, 0), (pitch / 2, 0), (pitch * 0.15, high * 0.4), (-pitch * 0.15, high * 0.4)]
        one = extruded(np.array(outline), deep).rotate((90, 0, 0)).translate((0, deep / 2, 0))
    else:
        one = box(pitch * share, deep, high)
    field = union(one.translate((at, 0, 0)) for at in row(count, x - pitch))
    if kind not in FINS:
        return field
    lines = max(2, round(deep / pitch))
    gap = box(2 * x, deep / lines * (1 - share), high).translate((0, 0, high * 0.4 if kind == "cross" else 0.1))
    return field - union(gap.translate((0, at, 0)) for at in row(lines - 1, deep - 2 * deep / lines))


def cleared(draw: Draw, solid: Any, x: float, deep: float, floor: float) -> tuple[Any, str]:
    """A finned `solid` with room and holes for its screws, and how that is said."""
    hole, clear = draw.size("hole", 3, 8), draw.one("clear", ("none", "ends", "middle", "ears"))
    drill = cylinder(hole, 99, 24).translate((0, 0, -30))
    if clear == "ends":
        room = box(hole * 4 + 4, 999, 99)
        ends = union(room.translate((side * x / 2, 0, floor)) for side in (-1, 1))
        solid, holes = carved(
            solid - ends, [drill.translate((side * (x / 2 - hole), 0, 0)) for side in (-1, 1)], 0.0002
        )
        return solid, many(holes, "mounting hole")
    if clear == "middle":
        return solid - cylinder(min(x, deep) * 0.45, 99).translate((0, 0, floor)) - drill, "with a flat, drilled middle"
    if clear == "ears":
        lug = ear((0, 0, 0), x / 2 + 2.4 * hole, 2.6 * hole, floor, hole) - box(x * 0.98, 99, 99).translate((0, 0, -1))
        return union([solid, lug, lug.rotate((0, 0, 180))]), "with two ears"
    return solid, ""


def finned(draw: Draw) -> Draft:
    """Block or disc with a field of fins, pins or teeth, cut and drilled."""
    x, y = draw.size("x", 20, 110), draw.size("y", 15, 80)
    floor, high = draw.size("floor", 3, 12), draw.size("high", 4, 40)
    is_round, kind = draw.chance("round", 0.25), draw.one("kind", ("fins", "pins", "teeth", "cross", "fins"))
    base, deep = (cylinder(x, floor, 56), x) if is_round else (slab(x, y, floor, draw.size("corner", 0, 6)), y)
    field = fins(draw, x, deep, high, kind).translate((0, 0, floor - 0.1)) ^ base.scale((1, 1, high / floor + 2))
    arched, rail = draw.chance("arched", 0.3), draw.chance("rail", 0.3)
    if arched:
        top = 2 * draw.size("arch", 0.7, 1.0) * (floor + high) / (x * 1.15)
        field ^= cylinder(x * 1.15, 999, 64).rotate((90, 0, 0)).translate((0, 500, 0)).scale((1, 1, top))
    solid, held = cleared(draw, base + field, x, deep, floor)
    if rail:
        drop = draw.size("rail high", 2, 12)
        foot = box(x * draw.size("rail long", 0.4, 0.9), deep * draw.size("rail wide", 0.15, 0.5), drop + 0.1)
        solid += foot.translate((0, 0, -drop))
    named = FINS.get(kind) or many(draw.values["count"], {"fins": "fin", "teeth": "tooth"}[kind])
    extras = "arched top" * arched, "with a rail below" * rail, "comb-like" * (kind in {"fins", "teeth"})
    looks = ("aluminium", "aluminium, black anodised", *PRINTED)
    return drafted(draw, solid, looks, named, "round" if is_round else "rectangular", held, *extras)


PLATES = (
    Family(("ribbed bracket", "bearing bracket", "cast bracket"), ribbed_bracket),
    Family(("boss plate", "mounting plate", "adapter plate"), boss_plate),
    Family(("finned block", "heat sink", "comb block"), finned),
)
