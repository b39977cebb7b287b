"""Families without a fixed form, composed of whatever features a series draws: here the solid ones."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.generate.composed_plates import PLATES
from tasks.generate.composed_sheet import SHEETS
from tasks.generate.composed_shells import SHELLS
from tasks.generate.draw import Draft, Draw, Family
from tasks.generate.features import (
    CAST,
    MILLED,
    PRINTED,
    Place,
    aimed,
    bore,
    carved,
    drafted,
    grown,
    hulled,
    many,
    row,
)
from tasks.generate.solids import box, cylinder, extruded, prism, ring, rounded, slab, slot, union

if TYPE_CHECKING:
    from collections.abc import Iterator

ANY = (*MILLED, *PRINTED, *CAST)
THROUGH = ("bore", "bore", "stepped bore", "hole row", "hole circle", "window")
CUTS = (*THROUGH, "pocket", "pocket", "round pocket", "groove", "step", "chamfer")
BODIES = ("box", "cylinder", "slot", "hexagon", "wedge", "half round", "tee")


def drill(draw: Draw, key: str, kind: str, small: float, span: float, deep: float) -> Any:
    """Round tool of a `kind`, along z through the origin; `span` is how far a row reaches, `deep` where a step ends."""
    share = draw.size(f"{key} share", 0.15, 0.5)
    wide = small * (0.1 + share)
    long = 6 * abs(deep) + 400
    if kind == "bore":
        return cylinder(small * share, long, 32).translate((0, 0, -long / 2))
    if kind == "round pocket":
        return cylinder(small * (0.2 + share), long).translate((0, 0, deep))
    if kind == "stepped bore":
        return cylinder(wide * 0.55, long, 32).translate((0, 0, -long / 2)) + cylinder(wide, long, 40).translate(
            (0, 0, deep)
        )
    hole = cylinder(small * (0.05 + 0.2 * share), long, 20).translate((0, 0, -long / 2))
    count = draw.count(f"{key} count", 2, 5)
    if kind == "hole row":
        return union(hole.translate((x, 0, 0)) for x in row(count, span * 0.7))
    return union(hole.translate((x, y, 0)) for x, y in ring(count + 2, small * 0.36)) + hole.scale((2.2, 2.2, 1))


def cut(draw: Draw, key: str, kind: str, size: Place) -> Any:
    """Tool for a cut of a `kind` into the top of a box of `size` that is centred on the origin."""
    a, b, c = size
    u = 0.0 if draw.chance(f"{key} centred", 0.45) else draw.size(f"{key} u", -0.36, 0.36) * a
    v = 0.0 if draw.chance(f"{key} middle", 0.35) else draw.size(f"{key} v", -0.36, 0.36) * b
    share, top = draw.size(f"{key} share", 0.15, 0.5), c / 2 - draw.size(f"{key} depth", 0.2, 0.7) * c
    if kind in {"pocket", "window"}:
        corner = min(a, b) * draw.size(f"{key} round", 0, 0.15)
        made = extruded(rounded(share * a, draw.size(f"{key} other", 0.2, 0.6) * b, corner), 2 * c)
        return made.translate((u * 0.6, v * 0.6, top if kind == "pocket" else -c))
    if kind == "groove":
        return box(3 * a, b * share * 0.8, 2 * c).translate((0, v, top))
    if kind == "step":
        return box(2 * a, 2 * b, 2 * c).translate((a * (1.5 - share), 0, top))
    if kind == "chamfer":
        far = min(a, b, c) * share * 0.8
        return box(2 * far, 3 * b, 2 * far).translate((0, 0, -far)).rotate((0, 45, 0)).translate((a / 2, 0, c / 2))
    return drill(draw, key, kind, min(a, b), a, top).translate((0 if kind == "hole row" else u, v, 0))


def cuts(draw: Draw, size: Place, count: int) -> Iterator[tuple[str, Any]]:
    """Named tools for `count` cuts into any side of a box of `size` around the origin."""
    x, y, z = size
    local = {"z": (x, y, z), "x": (z, y, x), "y": (x, z, y)}
    for index in range(count):
        key = f"cut {index}"
        axis, kind = draw.one(f"{key} axis", ("z", "z", "x", "y")), draw.one(f"{key} kind", CUTS)
        if kind in {"groove", "step", "chamfer"} and axis == "z" and draw.chance(f"{key} across"):
            tool = cut(draw, key, kind, (y, x, z)).rotate((0, 0, 90))
        else:
            tool = cut(draw, key, kind, local[axis])
        tool = aimed(tool.rotate((0, 0, draw.one(f"{key} turn", (0, 180)))), axis)
        normal = {"x": (1, 0, 0), "y": (0, 1, 0), "z": (0, 0, 1)}[axis]
        yield kind, tool.mirror(normal) if draw.chance(f"{key} flip", 0.4) else tool


def machined_block(draw: Draw) -> Draft:
    """Block with pockets, bores, steps, grooves and chamfers on several sides."""
    size = (draw.size("x", 20, 120), draw.size("y", 15, 80), draw.size("z", 8, 60))
    corner = draw.size("round", 0, 8) * draw.chance("rounded", 0.4)
    solid = slab(*size, corner).translate((0, 0, -size[2] / 2))
    done: Counter[str] = Counter()
    for kind, tool in cuts(draw, size, draw.count("cuts", 3, 9)):
        solid, took = carved(solid, [tool])
        done[kind] += took
    pockets, bores = done["pocket"] + done["round pocket"], done["bore"] + done["stepped bore"]
    patterns = "with a row of holes" * bool(done["hole row"]), "with a bolt circle" * bool(done["hole circle"])
    edges = many(done["groove"], "groove"), "stepped" * bool(done["step"]), "with a chamfer" * bool(done["chamfer"])
    says = [many(pockets, "pocket"), many(bores, "bore"), *patterns, *edges, many(done["window"], "window")]
    return drafted(draw, solid, MILLED, *[phrase for phrase in says if phrase][:4], "rectangular")


def body(draw: Draw, key: str, kind: str, unit: float) -> Any:
    """One extrusion of a `kind` around the origin, along z."""
    a, b, c = (unit * draw.size(f"{key} {side}", 0.3, 1.3) for side in "abc")
    if kind == "box":
        made = slab(a, b, c, draw.size(f"{key} round", 0, 6))
    elif kind == "cylinder":
        made = cylinder(a, c)
    elif kind == "slot":
        made = extruded(slot(a + b * 0.5, b * 0.5), c)
    elif kind == "hexagon":
        made = prism(6, a, c)
    elif kind == "wedge":
        made = extruded(np.array([(-a / 2, -b / 2), (a / 2, -b / 2), (-a / 4, b / 2), (-a / 2, b / 2)]), c)
    elif kind == "half round":
        made = cylinder(a * 1.3, c).trim_by_plane((0, 1, 0), 0)
    else:
        made = box(a, b * 0.3, c) + box(a * 0.3, b, c).translate((0, b * 0.3, 0))
    return made.translate((0, 0, -c / 2))


def stacked(draw: Draw) -> Draft:
    """Two to four extrusions along different axes in one, with holes through them."""
    unit, first = draw.size("base", 20, 60), draw.one("body 0", BODIES)
    solid, others = body(draw, "body 0", first, unit), []
    for index in range(1, draw.count("bodies", 2, 4)):
        key = f"body {index}"
        kind, place = draw.one(key, BODIES), [unit * draw.size(f"{key} at {way}", -0.5, 0.5) for way in "xyz"]
        made = aimed(body(draw, key, kind, unit), draw.one(f"{key} axis", ("x", "y", "z"))).translate(tuple(place))
        solid, took = grown(solid, [made])
        others += [f"with a {kind}"] * (took and kind in {"cylinder", "hexagon", "wedge"})
    low, high = np.array(solid.bounding_box()).reshape(2, 3)
    size, middle = high - low, (high + low) / 2
    drills = []
    for index in range(draw.count("bores", 1, 4)):
        key = f"bore {index}"
        spot = middle + size * [draw.size(f"{key} {way}", -0.3, 0.3) for way in "xyz"]
        axis = draw.one(f"{key} axis", ("x", "y", "z"))
        drills.append(bore(tuple(spot), unit * draw.size(key, 0.1, 0.45), 400, axis))
    solid, bores = carved(solid, drills)
    tools = [tool.translate(tuple(middle)) for _, tool in cuts(draw, tuple(size), draw.count("cuts", 0, 3))]
    solid, chopped = carved(solid, tools)
    says = f"{first.replace(' ', '-')}-shaped base", *list(dict.fromkeys(others))[:2], many(bores, "through hole")
    return drafted(draw, solid, ANY, *says, many(chopped, "cut-out"), "irregular")


def knot(draw: Draw, key: str, spread: float, thick: float) -> tuple[Any, Any]:
    """One thickening of a lever around the origin: the solid, and the tool for its bore."""
    size, tall = spread * draw.size(f"{key} size", 0.16, 0.45), thick * draw.size(f"{key} tall", 0.6, 1.5)
    kind, share = (
        draw.one(f"{key} kind", ("disc", "disc", "block", "barrel", "ball")),
        draw.size(f"{key} hole", 0.3, 0.65),
    )
    if kind == "barrel":
        axis = draw.one(f"{key} axis", ("x", "y"))
        end = bore((0, 0, tall / 2), tall, size, axis, 32)
        return end, bore((0, 0, tall / 2), tall * share, size * 1.2, axis, 24)
    hole = cylinder(size * share, 300, 32).translate((0, 0, -150))
    if kind == "ball":
        return ball(size).translate((0, 0, tall / 2)), hole
    return (cylinder(size, tall, 40) if kind == "disc" else slab(size, size, tall, size * 0.1)), hole


def ball(diameter: float) -> Any:
    """Sphere around the origin."""
    from manifold3d import Manifold

    return Manifold.sphere(diameter / 2, 32)


def slimmer(solid: Any, share: float) -> Any:
    """`solid` shrunk to a `share` of itself about its middle: what a link grows out of."""
    low, high = np.array(solid.bounding_box()).reshape(2, 3)
    middle = (low + high) / 2
    return solid.translate(tuple(-middle)).scale((share, share, share)).translate(tuple(middle))


def lever(draw: Draw) -> Draft:
    """Lever, arm or knuckle: hulls over discs and blocks at different heights, with bores."""
    knots, spread, thick = draw.count("knots", 2, 5), draw.size("spread", 25, 110), draw.size("thick", 5, 22)
    ends, bores, at, heading = [], [], np.zeros(3), 0.0
    lifted = draw.chance("offset", 0.5)
    for index in range(knots):
        key = f"knot {index}"
        if index:
            heading += np.radians(draw.size(f"{key} turn", -85, 85)) if index > 1 else 0.0
            lift = thick * draw.size(f"{key} lift", -1, 1) * lifted
            at = (
                at
                + np.array([np.cos(heading), np.sin(heading), 0]) * spread * draw.size(f"{key} step", 0.5, 1)
                + [0, 0, lift]
            )
        end, hole = knot(draw, key, spread, thick)
        ends.append(end.translate(tuple(at)))
        if draw.chance(f"{key} bore", 0.75):
            bores.append(hole.translate(tuple(at)))
    shares = [draw.size(f"link {index}", 0.45, 1.0) for index in range(knots - 1)]
    links = [
        hulled([slimmer(a, share), slimmer(b, share)]) for share, (a, b) in zip(shares, pairwise(ends), strict=True)
    ]
    solid, holes = carved(union([*ends, *links]), bores, 0.001)
    fork = 0
    if draw.chance("slit", 0.3):
        left = solid.bounding_box()[0]
        solid, fork = carved(solid, [box(spread * 0.3, 999, thick * 0.3).translate((left, 0, thick * 0.35))])
    form = {2: "straight", 3: "bent"}.get(knots, f"{many(knots, 'boss')} in a row")
    return drafted(
        draw, solid, ANY, form, many(holes, "bore"), "with a forked end" * fork, "rounded ends", "offset" * lifted
    )


def beam(
    draw: Draw, ends: tuple[tuple[float, float, float], tuple[float, float, float]], thick: float, bosses: float
) -> tuple[Any, str, int]:
    """Arm of a casting between two (diameter, x, z): a solid, a web or a window; with its form and its ribs."""
    taper, ribs = draw.size("taper", 0.5, 0.95), draw.count("ribs", 0, 4)
    length, lifted = ends[1][1], bool(ends[1][2])

    def bar(share: float, height: float) -> Any:
        return hulled([cylinder(size * taper * share, height).translate((x, 0, z - height / 2)) for size, x, z in ends])

    whole_arm, core = bar(1, thick), bar(draw.size("flange", 0.5, 0.8), 3 * thick)
    web, form = thick * draw.size("web", 0.2, 0.5), draw.one("form", ("web", "one side", "solid", "window"))
    if form == "solid":
        return whole_arm, "solid arm", 0
    if form == "window":
        free = length - bosses - 4
        middle = (ends[0][0] / 2 + length - ends[1][0] / 2) / 2
        return whole_arm - (core ^ box(max(free, 1), 999, 999).translate((middle, 0, -400))), "with a long window", 0
    sided = form == "one side" and not lifted
    arm = whole_arm - (core.trim_by_plane((0, 0, 1), web - thick / 2) if sided else core - bar(1, web))
    rib = box(draw.size("bar", 2, 4), 999, 999).translate((0, 0, -400))
    bars = [rib.translate((x, 0, 0)) ^ whole_arm for x in np.linspace(0, length, ribs + 2)[1:-1]]
    return union([arm, *bars]), "hollowed on one side" if sided else "I-section with a web", ribs


def cast_arm(draw: Draw) -> Draft:
    """Tapered arm between two bosses, with a thin web and ribs."""
    length, big, tall = draw.size("length", 50, 160), draw.size("big", 20, 55), draw.size("tall", 12, 45)
    small, short = big * draw.size("small", 0.4, 1.0), tall * draw.size("short", 0.5, 1.1)
    thick, lift = (
        min(draw.size("thick", 6, 20), tall, short),
        draw.size("lift", -0.6, 0.6) * tall * draw.chance("cranked", 0.4),
    )
    arm, form, ribs = beam(draw, ((big, 0.0, 0.0), (small, length, lift)), thick, (big + small) / 2)
    solids = [
        arm,
        cylinder(big, tall).translate((0, 0, -tall / 2)),
        cylinder(small, short).translate((length, 0, lift - short / 2)),
    ]
    spots = [(big * draw.size("bore", 0.4, 0.7), 0.0), (small * draw.size("eye", 0.3, 0.65), length)]
    side = draw.chance("side boss", 0.4)
    if side:
        at, high = length * draw.size("side at", 0.3, 0.7), thick / 2 + draw.size("side high", 4, 18)
        solids.append(cylinder(small * 0.7, high + abs(lift)).translate((at, 0, lift * at / length)))
        spots.append((small * 0.35, at))
    holes = [cylinder(size, 300, 32).translate((x, 0, -150)) for size, x in spots]
    if draw.chance("keyway", 0.35):
        holes[0] += box(big * 0.12, big * 0.45, 300).translate((0, big * 0.25, -150))
    slit = draw.chance("slit", 0.3)
    if slit:
        lug = box(big * 0.5, big * 0.5, tall * 0.8).translate((-big * 0.6, 0, -tall * 0.4))
        solids.append(lug - bore((-big * 0.65, 0, 0), min(tall * 0.3, big * 0.2), 99, "y", 20))
    solid, bored = carved(union(solids), holes, 0.0005, 0.5)
    if slit:
        solid -= box(big, big * 0.08, 300).translate((-big * 0.6, 0, -150))
    extra = "with a clamp slit" if slit else "with a third boss" * side
    return drafted(draw, solid, CAST, "arm with two bosses", form, many(ribs, "rib"), many(bored, "bore"), extra)


FAMILIES: tuple[Family, ...] = (
    Family(("machined block", "milled block", "manifold block"), machined_block),
    Family(("machine part", "custom block", "fixture part"), stacked),
    Family(("lever", "linkage arm", "knuckle"), lever),
    Family(("cast arm", "crank arm", "connecting arm"), cast_arm),
    *PLATES,
    *SHELLS,
    *SHEETS,
)
