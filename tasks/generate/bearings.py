"""What shafts run in and what is clamped to them: bushings, ball bearings, collars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.generate.draw import Draft, Family
from tasks.generate.features import many, told, whole
from tasks.generate.phrases import mm, nearby, proportions
from tasks.generate.solids import box, circle, cylinder, drilled, extruded, ring, tube, turned, union, waved

if TYPE_CHECKING:
    from tasks.generate.draw import Draw

TURNED = (
    *("steel", "steel", "stainless steel", "hardened steel", "black oxide steel", "aluminium", "brass", "bronze"),
    *("POM white", "natural nylon", "steel, zinc plated", "aluminium, black anodised", "black POM"),
)
BEARING = ("bronze", "sintered bronze", "brass", "steel", "yellow igus plastic", "PTFE", "POM white", "stainless steel")


def chamfered(diameter: float, height: float, cut: float, segments: int = 40) -> Any:
    """Cylinder along +z whose edges are chamfered by `cut`."""
    cut = min(cut, 0.4 * height, 0.3 * diameter)
    edge = [(diameter / 2 - cut, 0.0), (diameter / 2, cut), (diameter / 2, height - cut), (diameter / 2 - cut, height)]
    return turned([(0, 0), *edge, (0, height)], segments)


def sphere(diameter: float, segments: int = 20) -> Any:
    """Ball around the origin."""
    from manifold3d import Manifold

    return Manifold.sphere(diameter / 2, segments)


def finished(draw: Draw, body: Any, bore: float, outer: float, span: tuple[float, float]) -> tuple[Any, str]:
    """Sleeve with what it needs to be oiled or held, between two heights, and what that is."""
    low, high = span
    extra = draw.one(
        "extra", ("", "", "split along its length", "oil hole", "oil groove", "knurled", "lubricant plugs")
    )
    if extra == "split along its length":
        body -= box(2 * outer, 0.07 * bore, 2 * high).translate((outer, 0, -1))
    elif extra == "oil hole":
        body -= cylinder(0.2 * bore, outer, 20).rotate((0, 90, 0)).translate((0, 0, (low + high) / 2))
    elif extra == "oil groove":
        body -= tube(1.12 * bore, 0.5 * bore, 0.12 * high, 40).translate((0, 0, low + 0.4 * (high - low)))
    elif extra == "lubricant plugs":
        plug = cylinder(0.16 * bore, 2 * outer, 14).translate((0, 0, -outer)).rotate((0, 90, 0))
        turns = [(row, 30 * (row % 2) + turn) for row in (1, 2, 3) for turn in (0, 60, 120)]
        body -= union(plug.rotate((0, 0, turn)).translate((0, 0, low + (high - low) * row / 4)) for row, turn in turns)
    elif extra == "knurled":
        sleeve = extruded(waved(36, 1.06 * outer, 0.05 * outer, 2), 0.6 * (high - low), [circle(0.99 * outer)])
        body += sleeve.translate((0, 0, high - 0.8 * (high - low)))
    return body, extra


def bushing(draw: Draw) -> Draft:
    """Sleeve: plain, flanged, split, grooved or with an oil hole."""
    bore = nearby(draw, "bore", (3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 30, 40))
    outer = bore * draw.size("wall", 1.15, 1.9)
    long = bore * draw.size("length", 0.5, 2.6)
    flange = draw.one("flange", ("", "", "with a flange", "with a flange", "with a square flange"))
    body = chamfered(outer, long, 0.04 * outer)
    wide, thick = outer * draw.size("flange width", 1.2, 1.7), outer * draw.size("flange thickness", 0.07, 0.22)
    holes = draw.count("holes", 0, 4)
    if flange == "with a flange":
        body += cylinder(wide, thick, 48)
    elif flange:
        body += box(wide, wide, thick)
        holes = 4
    if flange and holes > 1 and wide > 1.45 * outer:
        places = ring(holes, (outer + wide) / 4 * (1.25 if "square" in flange else 1), 45)
        body = drilled(body, places, 0.3 * (wide - outer))
    else:
        holes = 0
    body = drilled(body, [(0, 0)], bore)
    body, extra = finished(draw, body, bore, outer, (thick if flange else 0.0, long))
    solid = whole(body)
    said = (mm(bore, "bore"), mm(outer, "outer diameter"), mm(long, "long"), flange or "plain", many(holes, "hole"))
    return Draft(solid, told(*said, extra, proportions(solid)), draw.one("material", BEARING))


def shaft_collar(draw: Draw) -> Draft:
    """Ring for a shaft: with a set screw, slit with a clamping screw, or in two halves."""
    bore = nearby(draw, "bore", (4, 5, 6, 8, 10, 12, 16, 20, 25, 30, 40))
    outer = bore * draw.size("outer", 1.6, 2.4)
    long = outer * draw.size("width", 0.2, 0.55)
    body = chamfered(outer, long, 0.04 * outer, 48)
    body = drilled(body, [(0, 0)], bore)
    form = draw.one("form", ("set screw", "set screw", "one-piece clamp", "one-piece clamp", "two-piece clamp"))
    wall = (outer - bore) / 2
    size = min(0.5 * long, 0.42 * wall)
    count = draw.count("set screws", 1, 2)
    if form == "set screw":
        hole = cylinder(size, outer, 24).rotate((0, 90, 0)).translate((0, 0, long / 2))
        body -= union(hole.rotate((0, 0, draw.one("apart", (90, 120, 180)) * index)) for index in range(count))
        extra = many(count, "set screw hole")
    else:
        slit = bore * draw.size("slit", 0.08, 0.18)
        cut = box(outer, slit, 2 * long).translate((outer / 2, 0, -1))
        middle = bore / 2 + 0.5 * wall
        sides = (1,) if form == "one-piece clamp" else (1, -1)
        for side in sides:
            body -= cut.mirror((1 - side, 0, 0)) if side < 0 else cut
            screw = cylinder(size, 2 * outer, 20).translate((0, 0, -outer)).rotate((90, 0, 0))
            head = cylinder(1.7 * size, outer, 24).rotate((-90, 0, 0)).translate((0, 0.55 * wall, 0))
            body -= (screw + head).translate((side * middle, 0, long / 2))
        if form == "two-piece clamp":  # held together by its screws
            pin = cylinder(1.1 * size, 1.2 * wall, 16).translate((0, 0, -0.6 * wall)).rotate((90, 0, 0))
            body += union(pin.translate((side * middle, 0, long / 2)) for side in sides)
        extra = "clamping screw" if form == "one-piece clamp" else "two clamping screws"
    solid = whole(body)
    said = (mm(bore, "bore"), form, extra, mm(outer, "outer diameter"), mm(long, "wide"), "ring")
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", TURNED))


def race(diameter: float, wall: float, wide: float, edge: float) -> Any:
    """Ring of a bearing that is `wall` thick inwards (outwards when negative) of its chamfered face."""
    face = diameter / 2
    inner = face - wall
    cut = face - np.copysign(edge, wall)
    return turned([(inner, 0), (cut, 0), (face, edge), (face, wide - edge), (cut, wide), (inner, wide)])


def ball_bearing(draw: Draw) -> Draft:
    """Two rings with balls in a thin cage, or behind shields, plain, flanged or grooved."""
    bore = nearby(draw, "bore", (3, 4, 5, 6, 8, 10, 12, 15, 17, 20, 25, 30, 40))
    outer = bore * draw.size("outer", 1.7, 3.0)
    wide = (outer - bore) * draw.size("width", 0.32, 0.55)
    gap = (outer - bore) / 2
    middle = (outer + bore) / 4
    ball = gap * draw.size("ball", 0.5, 0.6)
    wall = gap * draw.size("wall", 0.26, 0.34)
    edge = 0.08 * gap
    outside, inside = race(outer, wall, wide, edge), race(bore, -wall, wide, edge)
    form = draw.one("form", ("open", "open", "open", "shielded", "sealed"))
    clear = 2 * middle - bore - 2 * wall
    if form == "open":
        count = max(5, int(np.pi * 2 * middle / ball / draw.size("spacing", 1.15, 1.5)))
        balls = sphere(ball)
        set_of = union(balls.translate((x, y, wide / 2)) for x, y in ring(count, middle))
        cage = tube(2 * middle + 0.5 * clear, 2 * middle - 0.5 * clear, 0.22 * wide, 48)
        body = outside + inside + set_of + cage.translate((0, 0, 0.39 * wide))
        extra = many(count, "ball")
    else:
        deep = 0.18 if form == "shielded" else 0.07
        shield = tube(outer - wall, bore + wall, (1 - 2 * deep) * wide).translate((0, 0, deep * wide))
        body = outside + inside + shield
        extra = "shields on both sides" if form == "shielded" else "rubber seals"
    edge_form = draw.one("edge", ("", "", "", "", "with a flange", "snap ring groove"))
    if edge_form == "with a flange":
        body += tube(outer * draw.size("flange", 1.08, 1.2), outer - wall, 0.2 * wide)
    elif edge_form:
        body -= tube(2 * outer, outer - 0.6 * wall, 0.1 * wide).translate((0, 0, 0.75 * wide))
    solid = whole(body)
    said = (mm(bore, "bore"), mm(outer, "outer diameter"), mm(wide, "wide"), form, extra, edge_form, proportions(solid))
    return Draft(
        solid, told(*said), draw.one("material", ("steel", "polished steel", "stainless steel", "chrome steel"))
    )


FAMILIES: tuple[Family, ...] = (
    Family(("bushing", "sleeve bearing", "plain bearing", "flanged bushing"), bushing),
    Family(("shaft collar", "clamping ring", "set collar"), shaft_collar),
    Family(("ball bearing", "deep groove ball bearing", "bearing"), ball_bearing),
)
