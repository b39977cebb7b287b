"""Toothed and grooved wheels: gears, racks, pulleys, sprockets, worms and cams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.generate.draw import Draft, Family
from tasks.generate.features import many, told, whole
from tasks.generate.phrases import mm, nearby, proportions
from tasks.generate.solids import (
    box,
    circle,
    cylinder,
    drilled,
    extruded,
    gear,
    ring,
    tube,
    turned,
    union,
)

if TYPE_CHECKING:
    from tasks.generate.draw import Draw

WHEELS = (
    *("steel", "steel", "black oxide steel", "brass", "POM white", "white nylon", "natural nylon", "stainless steel"),
    *("cast iron", "aluminium", "bronze", "black PETG", "orange PLA", "POM black"),
)
MODULES = (0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)


def bored(draw: Draw, solid: Any, bore: float, low: float, high: float) -> tuple[Any, str]:
    """`solid` with a bore along z from `low` to `high`: plain, keyed, D-shaped or hexagonal."""
    form = draw.one("bore form", ("plain bore", "plain bore", "keyway", "keyway", "D-shaped bore", "hexagonal bore"))
    long = high - low + 2
    tool = cylinder(bore, long, 6 if form == "hexagonal bore" else 40)
    if form == "keyway":
        tool += box(bore * 0.62, bore * 0.28, long).translate((bore * 0.31, 0, 0))
    elif form == "D-shaped bore":
        tool -= box(bore, bore, long).translate((0.87 * bore, 0, 0))
    return solid - tool.translate((0, 0, low - 1)), form


def lightened(draw: Draw, solid: Any, inner: float, outer: float, thick: float) -> tuple[Any, str]:
    """Wheel of `thick` with its web between two diameters thinned, drilled or cut to spokes."""
    room = outer - inner
    form = draw.one("web", ("", "", "thin web", "holes", "holes", "spokes"))
    count = draw.count("web openings", 3, 8)
    depth = 0.5 * thick * draw.size("web depth", 0.3, 0.7)
    if not form or room < 0.25 * outer:
        return solid, ""
    if form == "thin web":
        groove = tube(outer, inner, depth + 1, 40)
        return solid - groove.translate((0, 0, thick - depth)) - groove.translate((0, 0, -1)), "thin web"
    middle = (inner + outer) / 4
    if form == "holes":
        most = min(0.42 * room, 2 * middle * np.sin(np.pi / count) * 0.8)
        tool = union(
            cylinder(most, 4 * thick, 28).translate((x, y, -thick)) for x, y in ring(count, middle, 180 / count)
        )
        return solid - tool, f"{many(count, 'hole')} in the web"
    arm = 0.5 * min(0.35 * outer, 2 * middle * np.sin(np.pi / count))
    arms = union(
        box(outer, arm, 6 * thick).translate((outer / 2, 0, 0)).rotate((0, 0, 360 * i / count)) for i in range(count)
    )
    tool = tube(0.95 * outer, inner + 0.05 * room, 4 * thick, 48) - arms.translate((0, 0, -thick))
    return solid - tool.translate((0, 0, -thick)), many(count, "spoke")


def hubbed(draw: Draw, bore: float, root: float, thick: float) -> tuple[Any, float, str]:
    """Hub above a wheel of `thick` (nothing when there is none), its top, and what it is called."""
    wide = min(bore * draw.size("hub width", 1.5, 2.2), 0.92 * root)
    high = thick + max(0.3 * thick, bore * draw.size("hub height", 0.3, 1.1))
    if not draw.chance("hub", 0.6):
        return None, thick, ""
    made = cylinder(wide, high, 40)
    screw = draw.chance("set screw", 0.4) and high - thick > 0.4 * bore
    if screw:
        hole = cylinder(min(0.3 * bore, 0.6 * (high - thick)), wide, 20).rotate((0, 90, 0))
        made -= hole.translate((0, 0, (high + thick) / 2))
    return made, high, "hub with a set screw hole" if screw else "with a hub"


def wheel(draw: Draw, rim: Any, root: float, thick: float) -> tuple[Any, tuple[str, ...]]:
    """Toothed `rim` with a web, a hub and a bore, and the words for them; `root` is its diameter under the teeth."""
    bore = root * draw.size("bore", 0.12, 0.42)
    hub, top, hub_words = hubbed(draw, bore, root, thick)
    body, web = lightened(draw, rim, max(1.9 * bore, 0.3 * root), 0.86 * root, thick)
    solid, form = bored(draw, body if hub is None else body + hub, bore, 0, top)
    return whole(solid), (web, hub_words, form, mm(bore, "bore"))


def spur_gear(draw: Draw) -> Draft:
    """Straight-toothed gear."""
    module, teeth = nearby(draw, "module", MODULES), draw.count("teeth", 10, 72)
    root = module * (teeth - 2.5)
    thick = draw.size("face width", 0.06, 0.6) * root if teeth < 24 else draw.size("face width", 0.05, 0.35) * root
    solid, words = wheel(draw, gear(teeth, module, thick), root, thick)
    said = (f"{teeth} teeth", f"module {module:g}", *words, mm(module * (teeth + 2), "outer diameter"), "round")
    return Draft(solid, told(*said[:5], said[-2], proportions(solid)), draw.one("material", WHEELS))


def helical_gear(draw: Draw) -> Draft:
    """Gear with slanted or herringbone teeth."""
    module, teeth = nearby(draw, "module", MODULES), draw.count("teeth", 10, 48)
    root = module * (teeth - 2.5)
    thick = draw.size("face width", 0.2, 0.8) * root
    lean = np.tan(np.radians(draw.size("helix angle", 12, 35)))
    hand = 1 if draw.chance("right hand") else -1
    double = draw.chance("herringbone", 0.25)
    twist = hand * float(np.clip(np.degrees(lean * thick / (module * teeth / 2)), 4, 50)) / (2 if double else 1)
    rim = gear(teeth, module, thick / (2 if double else 1) + (0.01 if double else 0), twist=twist)
    if double:
        rim = (rim + rim.mirror((0, 0, 1))).translate((0, 0, thick / 2))
    solid, words = wheel(draw, rim, root, thick)
    kind = "herringbone teeth" if double else "slanted teeth"
    said = (f"{teeth} teeth", kind, f"module {module:g}", *words[:3], proportions(solid))
    return Draft(solid, told(*said), draw.one("material", WHEELS))


def bevel_gear(draw: Draw) -> Draft:
    """Conical gear, straight or spiral, with a hub behind."""
    module, teeth = nearby(draw, "module", MODULES), draw.count("teeth", 12, 48)
    outer = module * (teeth + 2)
    root = module * (teeth - 2.5)
    cone = np.radians(draw.size("cone", 25, 65))  # from the axis to the flank: 45 is a mitre gear
    width = draw.size("face width", 0.2, 0.38) * outer / 2
    height, share = width * np.cos(cone), 1 - width * np.sin(cone) / (outer / 2)
    spiral = draw.chance("spiral", 0.3)
    twist = draw.size("spiral angle", 12, 30) * spiral
    section = gear(teeth, module, 1.0).slice(0.5)
    body = section.extrude(height, 6 if spiral else 0, twist, (share, share))
    back = draw.size("back", 0.05, 0.22) * outer
    body += cylinder(root * draw.size("back width", 0.55, 0.9), back + 0.01, 48, top=root).translate((0, 0, -back))
    bore = root * draw.size("bore", 0.15, 0.38)
    low = -back
    hub = draw.chance("hub", 0.65)
    if hub:
        low -= bore * draw.size("hub height", 0.4, 1.2)
        body += cylinder(min(0.55 * root, bore * draw.size("hub width", 1.5, 2.2)), -low, 40).translate((0, 0, low))
    if draw.chance("dished", 0.5):
        body -= cylinder(0.8 * share * root, 0.25 * height + 1, 40).translate((0, 0, 0.75 * height))
    solid, form = bored(draw, body, bore, low, height)
    kind = "spiral teeth" if spiral else "straight teeth"
    said = (f"{teeth} teeth", "conical", kind, "with a hub" if hub else "", mm(outer, "outer diameter"), form)
    return Draft(whole(solid), told(*said, proportions(solid)), draw.one("material", WHEELS))


def rack(draw: Draw) -> Draft:
    """Straight bar with teeth on one side, square or slanted, with or without mounting holes."""
    module, teeth = nearby(draw, "module", MODULES), draw.count("teeth", 8, 50)
    pitch = np.pi * module
    length, height = teeth * pitch, module * draw.size("height", 3.5, 9.0)
    width = module * draw.size("width", 3.0, 12.0)
    top = height
    shape = np.array([(0, -2.25), (0.13, -2.25), (0.37, 0), (0.63, 0), (0.87, -2.25)])
    tooth = [(x * pitch + index * pitch, top + y * module) for index in range(teeth) for x, y in shape]
    outline = np.array([(0, 0), (length, 0), (length, top - 2.25 * module), *tooth[::-1]])
    bar = extruded(outline, width).rotate((90, 0, 0)).translate((-length / 2, width / 2, 0))
    slanted = draw.chance("slanted", 0.25)
    if slanted:
        lean = np.tan(np.radians(draw.size("lean", 10, 25)))
        bar = bar.transform(np.array([(1, lean, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0)], float))
    holes = draw.count("holes", 0, 5)
    size = min(0.35 * width, 0.5 * (height - 2.25 * module)) * draw.size("hole", 0.6, 1.0)
    across = draw.chance("holes from the side", 0.6)
    for index in range(holes):
        x = -length / 2 + (index + 0.5) * length / holes
        tool = cylinder(size, 4 * max(width, height), 20).translate((0, 0, -2 * max(width, height)))
        tool = tool.rotate((90, 0, 0)).translate((0, 0, (height - 2.25 * module) / 2)) if across else tool
        bar -= tool.translate((x, 0, 0))
    solid = whole(bar)
    said = (f"{teeth} teeth", f"module {module:g}", mm(length, "long"), "slanted teeth" if slanted else "straight bar")
    return Draft(solid, told(*said, many(holes, "mounting hole"), proportions(solid)), draw.one("material", WHEELS))


def worm(draw: Draw) -> Draft:
    """Screw-shaped gear on a shaft, or with a bore."""
    module, starts = nearby(draw, "module", MODULES), draw.count("starts", 1, 4)
    outer = module * draw.size("diameter", 7, 14)
    turns = draw.size("turns", 3.0, 9.0)
    length = turns * np.pi * module * (1.0 + 0.15 * starts)
    core = outer - 4.4 * module
    count = 12 * starts + 12
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    wave = np.clip(0.5 + 0.95 * np.cos(starts * angles), 0, 1)
    radii = core / 2 + (outer - core) / 2 * wave
    hand = 1 if draw.chance("right hand", 0.7) else -1
    section = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)
    twist = hand * 360 * turns / starts
    thread = extruded(section, length, twist=twist, steps=int(max(abs(twist) / 24, 8)))
    thread ^= turned(
        [(0, 0), (core / 2, 0), (outer / 2 + 0.1, 1.4 * module), (outer / 2 + 0.1, length), (0, length)], 32
    )
    if draw.chance("on a shaft", 0.6):
        wide = core * draw.size("shaft", 0.5, 0.95)
        ends = (length * draw.size("left end", 0.2, 1.0), length * draw.size("right end", 0.2, 1.0))
        solid = thread + cylinder(wide, length + sum(ends), 40).translate((0, 0, -ends[0]))
        form = "on a shaft"
    else:
        solid, form = bored(draw, thread, 0.55 * core, 0, length)
    said = ("screw-shaped", many(starts, "start"), f"module {module:g}", form, mm(outer, "outer diameter"))
    solid = whole(solid)
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", WHEELS))


def ratchet(draw: Draw) -> Draft:
    """Saw-toothed wheel that turns one way, with a bore, a hub or a bolt circle."""
    teeth, outer = draw.count("teeth", 8, 40), nearby(draw, "diameter", (16, 24, 32, 45, 60, 80, 110))
    depth = outer * min(draw.size("depth", 0.06, 0.14), 1.6 / teeth)
    lean = draw.size("lean", 0.05, 0.25)
    places = [
        ((tooth + x) * 2 * np.pi / teeth, outer / 2 - y) for tooth in range(teeth) for x, y in ((0, 0), (lean, depth))
    ]
    thick = outer * draw.size("thickness", 0.06, 0.3)
    rim = extruded(np.array([(r * np.cos(a), r * np.sin(a)) for a, r in places]), thick)
    solid, words = wheel(draw, rim, outer - 2 * depth, thick)
    said = (f"{teeth} saw teeth", mm(outer, "diameter"), mm(thick, "thick"), *words[:3])
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", WHEELS))


def splined_hub(draw: Draw) -> Draft:
    """Sleeve or shaft end with splines inside or outside."""
    count, outer = draw.count("splines", 6, 24), nearby(draw, "diameter", (12, 16, 20, 26, 32, 40, 55))
    long = outer * draw.size("length", 0.5, 2.8)
    depth = outer * draw.size("depth", 0.05, 0.1)
    share = np.array([(0.04, 1), (0.46, 1), (0.54, 0), (0.96, 0)])
    places = [((tooth + x) * 2 * np.pi / count, y) for tooth in range(count) for x, y in share]
    spline = np.array(
        [((outer / 2 - depth * (1 - y)) * np.cos(a), (outer / 2 - depth * (1 - y)) * np.sin(a)) for a, y in places]
    )
    if draw.chance("inside", 0.5):
        wide = outer * draw.size("wall", 1.3, 1.9)
        body, form = extruded(circle(wide), long, [spline]), "internal splines"
        if draw.chance("flange", 0.5):
            rim = tube(wide * draw.size("flange width", 1.3, 1.8), 1.02 * outer, 0.2 * long, 48)
            holes = draw.count("holes", 3, 8)
            body += drilled(
                rim, ring(holes, wide * 0.28 * (1 + draw.values["flange width"]) - 0.02 * wide), 0.09 * wide
            )
            form = "internal splines, with a flange"
    else:
        body, form = extruded(spline, long), "external splines"
        shank = cylinder(outer * draw.size("shank", 0.6, 1.25), long * draw.size("shank length", 0.4, 1.6) + 0.01, 40)
        body += shank.mirror((0, 0, 1)).translate((0, 0, 0.01))
    solid = whole(body)
    said = (f"{count} splines", form, mm(outer, "diameter"), mm(long, "long splines"))
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", WHEELS))


FAMILIES: tuple[Family, ...] = (
    Family(("spur gear", "gear wheel", "cogwheel", "pinion"), spur_gear),
    Family(("helical gear", "herringbone gear", "slanted gear"), helical_gear),
    Family(("bevel gear", "mitre gear", "conical gear"), bevel_gear),
    Family(("rack", "gear rack", "toothed rack"), rack),
    Family(("worm", "worm screw", "worm gear shaft"), worm),
    Family(("ratchet wheel", "ratchet gear"), ratchet),
    Family(("splined shaft", "splined hub", "spline sleeve"), splined_hub),
)
