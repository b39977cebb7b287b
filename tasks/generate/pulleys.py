"""Wheels that belts and chains run on, and cams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.generate.draw import Draft, Family
from tasks.generate.features import many, told, whole
from tasks.generate.phrases import mm, nearby, proportions
from tasks.generate.solids import Points, cylinder, drilled, extruded, ring, turned
from tasks.generate.toothed import WHEELS, bored, hubbed, wheel

if TYPE_CHECKING:
    from tasks.generate.draw import Draw


def belt_teeth(teeth: int, pitch: float, *, round_form: bool) -> Points:
    """Outline of a timing pulley of `teeth` for a belt of `pitch`: grooves that are round or trapezoid."""
    radius = teeth * pitch / 2 / np.pi
    depth = 0.38 * pitch
    if round_form:
        shape = [(0.2, 0.0), (0.27, 0.55), (0.38, 0.92), (0.5, 1.0), (0.62, 0.92), (0.73, 0.55), (0.8, 0.0), (1.0, 0.0)]
    else:
        shape = [(0.22, 0.0), (0.36, 1.0), (0.64, 1.0), (0.78, 0.0), (1.0, 0.0)]
    places = [((tooth + x) * 2 * np.pi / teeth, radius - depth * y) for tooth in range(teeth) for x, y in shape]
    return np.array([(r * np.cos(a), r * np.sin(a)) for a, r in places])


def timing_pulley(draw: Draw) -> Draft:
    """Wheel with belt teeth, flanges on its sides and a hub."""
    pitch, teeth = nearby(draw, "pitch", (2.0, 2.5, 3.0, 5.0, 8.0, 10.0)), draw.count("teeth", 12, 60)
    outer = teeth * pitch / np.pi
    thick = (
        max(2.5 * pitch, draw.size("width", 0.2, 0.9) * outer) if teeth < 30 else draw.size("width", 0.15, 0.4) * outer
    )
    rim = extruded(belt_teeth(teeth, pitch, round_form=draw.chance("round teeth", 0.6)), thick)
    flanges = nearby(draw, "flanges", (0, 1, 2, 2, 2))
    lip, wall = outer + pitch * draw.size("flange", 0.5, 1.4), thick * draw.size("flange thickness", 0.06, 0.12)
    side = cylinder(lip, wall + 0.01, 48)
    if flanges:
        rim += side.translate((0, 0, -wall))
    if flanges == 2:
        rim += side.translate((0, 0, thick))
    bore = (outer - 0.8 * pitch) * draw.size("bore", 0.15, 0.45)
    hub = draw.chance("hub", 0.75)
    low = -wall if flanges else 0.0
    if hub:
        wide = min(lip, bore * draw.size("hub width", 1.7, 2.8), 1.02 * outer)
        long = bore * draw.size("hub height", 0.6, 1.4)
        collar = cylinder(wide, long + 0.01, 40).translate((0, 0, low - long))
        screws = draw.count("set screws", 0, 2)
        hole = cylinder(min(0.4 * long, 0.45 * bore), wide, 20).rotate((0, 90, 0)).translate((0, 0, low - long / 2))
        for index in range(screws):
            collar -= hole.rotate((0, 0, 90 * index))
        rim, low = rim + collar, low - long
    solid, form = bored(draw, rim, bore, low, thick + wall)
    said = (f"{teeth} teeth", f"{pitch:g} mm pitch", many(flanges, "flange"), "with a hub" if hub else "")
    return Draft(whole(solid), told(*said, mm(bore, "bore"), form, proportions(solid)), draw.one("material", WHEELS))


def groove_profile(
    outer: float, width: float, grooves: int, depth: float, open_share: float
) -> list[tuple[float, float]]:
    """Rim of a belt pulley as (radius, z): `grooves` that are V-shaped with a flat bottom."""
    step = width / grooves
    edge = (1 - open_share) / 2
    rim: list[tuple[float, float]] = []
    for index in range(grooves):
        z = index * step
        rim += [(outer / 2, z), (outer / 2, z + edge * step), (outer / 2 - depth, z + 0.38 * step)]
        rim += [(outer / 2 - depth, z + 0.62 * step), (outer / 2, z + (1 - edge) * step)]
    return [*rim, (outer / 2, width)]


def belt_pulley(draw: Draw) -> Draft:
    """Pulley with one or more V-grooves, a rope groove or a flat crowned rim."""
    outer = nearby(draw, "diameter", (20, 28, 36, 50, 63, 80, 100, 125, 160, 200))
    form = draw.one("form", ("V-groove", "V-groove", "V-groove", "ribbed", "round groove", "flat crowned"))
    grooves = draw.count("ribs", 5, 12) if form == "ribbed" else nearby(draw, "grooves", (1, 1, 1, 2, 3, 4))
    if form == "ribbed":
        width, depth = outer * draw.size("ribbed width", 0.25, 0.5), 0.035 * outer
        profile = groove_profile(outer, width, grooves, depth, 0.98)
    elif form == "V-groove":
        step = outer * draw.size("groove", 0.12, 0.28)
        width, depth = grooves * step, min(0.8 * step, 0.2 * outer)
        profile = groove_profile(outer, width, grooves, depth, draw.size("open", 0.6, 0.85))
    else:
        width = outer * draw.size("rim width", 0.15, 0.45)
        z = np.linspace(0.08, 0.92, 13)
        sag = np.sin(np.pi * (z - 0.08) / 0.84)
        depth = 0.42 * min(width, 0.4 * outer) if form == "round groove" else 0.0
        bulge = outer / 2 + (-depth * sag if form == "round groove" else 0.03 * outer * sag)
        profile = [(outer / 2, 0.0), *zip(bulge.tolist(), (z * width).tolist(), strict=True), (outer / 2, width)]
        grooves = 1
    rim = turned([(0, 0), *profile, (0, width)], 64)
    solid, words = wheel(draw, rim, outer - 2 * depth - 0.06 * outer, width)
    count = "" if form == "flat crowned" else many(grooves, "rib" if form == "ribbed" else "groove")
    said = (form, count, mm(outer, "diameter"), *words[:3], proportions(solid))
    return Draft(solid, told(*said), draw.one("material", WHEELS))


def sprocket_outline(teeth: int, pitch: float) -> Points:
    """Outline of a chain wheel: round seats for the rollers between pointed teeth."""
    radius = pitch / 2 / np.sin(np.pi / teeth)
    half = np.pi / teeth
    shape = [(-0.98, 0.36), (-0.8, 0.12), (-0.52, -0.18), (-0.24, -0.3), (0.0, -0.325)]
    shape += [(-x, y) for x, y in shape[-2::-1]]
    places = [((2 * tooth + x) * half, radius + y * pitch) for tooth in range(teeth) for x, y in shape]
    return np.array([(r * np.cos(a), r * np.sin(a)) for a, r in places])


def sprocket(draw: Draw) -> Draft:
    """Chain wheel: one or two thin toothed discs on a hub, or a plate with a bolt circle."""
    pitch, teeth = nearby(draw, "pitch", (6.35, 8.0, 9.525, 12.7, 15.875, 19.05)), draw.count("teeth", 9, 48)
    outline = sprocket_outline(teeth, pitch)
    radius = pitch / 2 / np.sin(np.pi / teeth)
    thick = pitch * draw.size("thickness", 0.22, 0.6)
    root = 2 * radius - 0.75 * pitch
    outer = 2 * radius + 0.72 * pitch
    cut = 0.3 * thick
    edge = [(outer / 2 - 0.25 * pitch, 0), (outer / 2, cut), (outer / 2, thick - cut)]
    disc = extruded(outline, thick) ^ turned([(0, 0), *edge, (outer / 2 - 0.25 * pitch, thick), (0, thick)], 64)
    double = draw.chance("duplex", 0.15)
    high = thick
    if double:
        high = thick + pitch * draw.size("row distance", 0.9, 1.2)
        disc += disc.translate((0, 0, high - thick)) + cylinder(root * 0.85, high, 48)
    if not double and draw.chance("bolt plate", 0.3) and teeth > 20:
        count, inner = draw.count("bolts", 4, 6), root * draw.size("centre", 0.35, 0.6)
        disc = drilled(disc, [(0, 0)], inner)
        solid = drilled(disc, ring(count, 0.25 * (inner + root)), min(0.3 * (root - inner) / 2, 0.09 * root))
        words: tuple[str, ...] = (many(count, "bolt hole"), "large central hole")
    else:
        solid, words = wheel(draw, disc, root, high)
    said = (f"{teeth} teeth", f"{pitch:g} mm chain pitch", "two rows of teeth" if double else "", *words[:3])
    return Draft(whole(solid), told(*said, proportions(solid)), draw.one("material", WHEELS))


def cam_outline(draw: Draw, base: float, lift: float, form: str) -> Points:
    """Outline of a cam over a base circle: a lobe, a snail, a heart or several waves."""
    angles = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    around = np.abs(np.angle(np.exp(1j * angles)))
    if form == "snail cam":
        radii = base + lift * angles / (2 * np.pi)
    elif form == "heart-shaped cam":
        radii = base + lift * around / np.pi
    elif form == "multi-lobe cam":
        radii = base + lift * (0.5 + 0.5 * np.cos(draw.count("lobes", 2, 6) * angles))
    else:
        reach = np.radians(draw.size("lobe", 50, 110))
        radii = base + lift * np.where(around < reach, 0.5 + 0.5 * np.cos(np.pi * around / reach), 0)
    return np.asarray(np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1))


def cam(draw: Draw) -> Draft:
    """Disc whose edge lifts a follower: eccentric, one lobe, snail, heart or waves."""
    base = nearby(draw, "base", (8, 12, 16, 22, 30, 40, 60))
    lift = base * draw.size("lift", 0.2, 0.9)
    form = draw.one(
        "form",
        ("eccentric cam", "single lobe cam", "single lobe cam", "snail cam", "heart-shaped cam", "multi-lobe cam"),
    )
    thick = base * draw.size("thickness", 0.2, 0.9)
    bore = base * draw.size("bore", 0.4, 1.0)
    if form == "eccentric cam":
        body = cylinder(2 * base + lift, thick, 64).translate((0.42 * lift, 0, 0))
    else:
        body = extruded(cam_outline(draw, base, lift, form), thick)
    hub, top, words = hubbed(draw, bore, 2 * base, thick)
    holes = draw.count("holes", 0, 4)
    size = (base - bore / 2) * 0.35
    body = body if hub is None else body + hub
    solid, kind = bored(draw, body, bore, 0, top)
    if holes > 1 and hub is None:
        solid = drilled(solid, ring(holes, (base + bore / 2) / 2, 45), size)
    else:
        holes = 0
    said = (form, words, kind, mm(thick, "thick"), many(holes, "hole"), mm(bore, "bore"))
    return Draft(whole(solid), told(*said, proportions(solid)), draw.one("material", WHEELS))


FAMILIES: tuple[Family, ...] = (
    Family(("timing pulley", "toothed belt pulley", "synchronous pulley"), timing_pulley),
    Family(("V-belt pulley", "belt pulley", "sheave", "rope pulley"), belt_pulley),
    Family(("chain sprocket", "sprocket", "chain wheel"), sprocket),
    Family(("cam disc", "cam", "eccentric"), cam),
)
