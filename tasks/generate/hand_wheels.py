"""What is turned by hand: knobs and handwheels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.generate.draw import Draft, Family
from tasks.generate.features import many, told, whole
from tasks.generate.phrases import mm, nearby, proportions
from tasks.generate.solids import box, circle, cylinder, extruded, ring, swept, turned, union, waved
from tasks.generate.threads import dome, tapped, tipped

if TYPE_CHECKING:
    from tasks.generate.draw import Draw

KNOBS = (
    *("black plastic", "black plastic", "black ABS", "red plastic", "aluminium", "brass", "orange PETG", "grey PLA"),
    *("stainless steel", "aluminium, black anodised", "black PA6", "white PETG", "wood", "chrome"),
)

WHEELS = (
    *("cast iron", "black plastic", "aluminium", "black PA6", "chrome", "steel, painted red", "polished aluminium"),
    "black painted cast iron",
)


def grip(draw: Draw, wide: float, high: float) -> tuple[Any, str]:
    """What is held of a knob, on the origin along +z, and how it is shaped."""
    form = draw.one(
        "form", ("lobed", "lobed", "knurled", "knurled", "mushroom", "ball", "fluted", "pointer", "tapered")
    )
    if form == "ball":
        from manifold3d import Manifold

        return Manifold.sphere(wide / 2, 36).translate((0, 0, 0.45 * wide)), "ball-shaped"
    if form == "mushroom":
        return dome(wide, high, 48) + cylinder(wide, 0.05 * wide, 48).translate((0, 0, -0.04 * wide)), "mushroom-shaped"
    if form == "pointer":
        skirt = cylinder(wide, 0.35 * high, 48) + box(0.95 * wide, 0.3 * wide, high)
        return skirt, "with a pointer grip"
    if form == "tapered":
        return cylinder(wide, high, 48, top=wide * draw.size("taper", 0.55, 0.9)), "tapered round"
    count = {"lobed": draw.count("lobes", 3, 9), "knurled": 48, "fluted": draw.count("flutes", 12, 24)}[form]
    depth = {"lobed": draw.size("lobe depth", 0.08, 0.2), "knurled": 0.035, "fluted": 0.06}[form]
    outline = waved(count, wide, depth * wide, {"lobed": 14, "knurled": 2, "fluted": 6}[form])
    cut, edge = min(0.12 * wide, 0.3 * high), draw.size("edge", 0.3, 1.0)
    rim = [(wide / 2 - cut * edge, 0.0), (wide / 2, cut * edge), (wide / 2, high - cut), (wide / 2 - cut, high)]
    body = extruded(outline, high) ^ turned([(0, 0), *rim, (0, high)], 48)
    return body, many(count, "lobe") if form == "lobed" else form


def knob(draw: Draw) -> Draft:
    """Grip on a hub with a bore, a tapped hole or a stud."""
    wide = nearby(draw, "diameter", (10, 13, 16, 20, 25, 32, 40, 50, 63))
    high = wide * draw.size("height", 0.25, 0.9)
    body, form = grip(draw, wide, high)
    neck, size = wide * draw.size("hub", 0.35, 0.6), wide * draw.size("hole", 0.14, 0.26)
    low = -wide * draw.size("hub height", 0.0, 0.45)
    if low < -0.08 * wide:
        body += cylinder(neck, -low + 0.1 * wide, 40, top=neck * draw.size("hub taper", 0.85, 1.15)).translate(
            (0, 0, low)
        )
    else:
        low = body.bounding_box()[2]
    end = draw.one("end", ("threaded stud", "threaded hole", "threaded hole", "plain bore", "D-shaped bore"))
    depth = min(0.5 * high - low, 2 * size)
    if end == "threaded stud":
        long = size * draw.size("stud", 1.5, 5.0)
        body += tipped(size, long + 0.05 * wide, 0.16 * size).translate((0, 0, low - long))
    elif end == "threaded hole":
        tool = tapped(size, 0.16 * size, 2 * depth) ^ box(wide, wide, depth + 1).translate((0, 0, -1))
        body -= tool.translate((0, 0, low))
    else:
        tool = cylinder(size, depth + 1, 32)
        tool -= (
            box(size, size, depth + 1).translate((0.85 * size, 0, 0)) if end == "D-shaped bore" else cylinder(0.1, 0.1)
        )
        body -= tool.translate((0, 0, low - 1))
    if draw.chance("top recess", 0.3) and form not in ("ball-shaped", "mushroom-shaped", "with a pointer grip"):
        body -= cylinder(0.45 * wide, 1 + 0.12 * high, 40).translate((0, 0, high * 0.88))
    solid = whole(body)
    said = (
        form,
        mm(wide, "diameter"),
        end,
        mm(high, "high"),
        "with a hub" if low < -0.08 * wide else "",
        "for the hand",
    )
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", KNOBS))


def spoke(form: str, reach: float, wide: float, drop: float) -> Any:
    """One arm of a handwheel from the hub at height 0 to the rim `drop` higher, towards +x."""
    if form == "round":
        path = np.array([(0, 0, 0), (0.35 * reach, 0, 0.15 * drop), (0.8 * reach, 0, 0.9 * drop), (reach, 0, drop)])
        return swept(path, circle(wide, 14))
    ends = [
        box(0.2 * wide, wide * share, 0.55 * wide).translate((x, 0, z - 0.27 * wide))
        for x, z, share in ((0.05 * reach, 0, 1.5), (reach, drop, 0.9))
    ]
    return (ends[0] + ends[1]).hull()


def arms(draw: Draw, form: str, hub: float, rim: tuple[float, float, float]) -> list[Any]:
    """What joins a handwheel's hub to its `rim` (radius, height, wire): spokes, or a disc with or without holes."""
    middle, drop, wire = rim
    spokes = draw.count("spokes", 2, 6)
    if form != "disc":
        arm = spoke(form, middle, wire * draw.size("arm", 0.6, 1.1), drop)
        return [arm.rotate((0, 0, 360 * index / spokes)) for index in range(spokes)]
    thick = 0.35 * wire
    low = [(0.0, -thick), (0.5 * hub, -thick), (middle, drop - thick)]
    disc = turned([*low, (middle, drop + thick), (0.5 * hub, thick), (0, thick)], 56)
    if draw.chance("holes", 0.5):
        tool = cylinder(0.5 * (middle - hub / 2 - wire / 2), 8 * wire, 28).translate((0, 0, -2 * wire))
        disc -= union(tool.translate((x, y, 0)) for x, y in ring(spokes, (middle + hub / 2) / 2, 30))
    return [disc]


def crank(draw: Draw, wide: float, wire: float) -> Any:
    """Handle that stands on a handwheel's rim."""
    tall, thick = wide * draw.size("handle", 0.25, 0.5), wide * draw.size("handle width", 0.08, 0.14)
    shape = ((0, 0), (0.35, 0), (0.35, 0.1), (0.5, 0.4), (0.5, 0.85), (0.3, 1), (0, 1))
    grip = turned([(r * thick, z * tall) for r, z in shape], 28)
    return grip + cylinder(0.8 * wire, wire, 24).translate((0, 0, -0.5 * wire))


def handwheel(draw: Draw) -> Draft:
    """Rim on spokes or on a disc, with a hub, a bore and perhaps a crank handle."""
    wide = nearby(draw, "diameter", (50, 63, 80, 100, 125, 160, 200, 250))
    wire, drop = wide * draw.size("rim", 0.07, 0.15), wide * draw.size("dish", 0.0, 0.16)
    middle = (wide - wire) / 2
    form = draw.one("arms", ("round", "flat", "flat", "disc"))
    around = np.linspace(0, 2 * np.pi, 56, endpoint=False)
    path = np.stack([middle * np.cos(around), middle * np.sin(around), 0 * around + drop], axis=1)
    rim = swept(path, circle(wire, 14) * np.array([draw.size("rim height", 0.8, 1.4), 1.0]), closed=True)
    hub, high = wide * draw.size("hub", 0.16, 0.28), wide * draw.size("hub height", 0.12, 0.3)
    core = cylinder(hub, high, 40, top=hub * draw.size("hub taper", 0.85, 1.0)).translate((0, 0, -0.5 * high))
    pieces = [rim, core, *arms(draw, form, hub, (middle, drop, wire))]
    handle = draw.chance("crank handle", 0.45)
    if handle:
        pieces.append(crank(draw, wide, wire).translate((middle, 0, drop)))
    bore = hub * draw.size("bore", 0.35, 0.6)
    key = draw.one("bore form", ("plain bore", "keyway", "square bore"))
    tool = box(bore, bore, 4 * high) if key == "square bore" else cylinder(bore, 4 * high, 32)
    if key == "keyway":
        tool += box(0.6 * bore, 0.28 * bore, 4 * high).translate((0.35 * bore, 0, 0))
    solid = whole(union(pieces) - tool.translate((0, 0, -2 * high)))
    said = ("solid disc" if form == "disc" else many(draw.values["spokes"], "spoke"), mm(wide, "diameter"))
    extras = ("with a crank handle" if handle else "", key, "dished" if drop > 0.08 * wide else "", "round rim")
    return Draft(solid, told(*said, *extras, proportions(solid)), draw.one("material", WHEELS))


FAMILIES: tuple[Family, ...] = (
    Family(("knob", "control knob", "star knob", "knurled knob"), knob),
    Family(("handwheel", "hand wheel", "spoked wheel", "crank wheel"), handwheel),
)
