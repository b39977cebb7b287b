"""Nuts and threaded spacers: a body around a tapped hole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.generate.draw import Draft, Family
from tasks.generate.features import told, whole
from tasks.generate.phrases import mm, proportions
from tasks.generate.solids import box, cylinder, extruded, prism, ring, rounded, tube, turned, union, waved
from tasks.generate.threads import BOLT_METALS, METALS, dome, hexagon, metric, tapped, tipped

if TYPE_CHECKING:
    from tasks.generate.draw import Draw


def hex_nut(draw: Draw) -> Draft:
    """Hexagon around a thread: thin, usual, high, castellated, slotted or with a locking insert."""
    size, pitch = metric(draw)
    form = draw.one("form", ("", "", "", "castle nut", "nylon insert lock nut", "all-metal lock nut", "thin jam nut"))
    across = size * draw.size("across", 1.5, 1.9)
    height = size * (draw.size("thin height", 0.35, 0.55) if form == "thin jam nut" else draw.size("height", 0.75, 1.1))
    body = hexagon(across, height, bottom=draw.chance("both sides", 0.7))
    total = height
    if form.endswith("lock nut"):
        crown = 0.3 * size
        body += cylinder(0.93 * across, crown + 0.01, 40, top=0.84 * across).translate((0, 0, height - 0.01))
        total += crown
    if form == "castle nut":
        crown = 0.45 * size
        body += cylinder(0.92 * across, crown + 0.01, 40).translate((0, 0, height - 0.01))
        total += crown
        cut = box(2 * across, 0.22 * size, crown + 1).translate((0, 0, total - 0.85 * crown))
        body -= union(cut.rotate((0, 0, angle)) for angle in (0, 60, 120))
    solid = body - tapped(size, pitch, total)
    if form == "nylon insert lock nut":
        solid += tube(0.86 * across, 0.86 * size, 0.2 * size, 32).translate((0, 0, total - 0.22 * size))
    said = (f"M{size}", form, "hexagonal", mm(across, "across flats"), mm(total, "high"), "threaded hole")
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", BOLT_METALS))


def flange_nut(draw: Draw) -> Draft:
    """Hexagon on a round flange, smooth or serrated underneath."""
    size, pitch = metric(draw)
    across, height = size * draw.size("across", 1.45, 1.75), size * draw.size("height", 0.8, 1.25)
    wide, rim = across * draw.size("flange", 1.25, 1.65), size * draw.size("rim", 0.1, 0.25)
    slope = cylinder(wide, 0.28 * size, 48, top=across).translate((0, 0, rim))
    body = union((cylinder(wide, rim + 0.01, 48), slope, hexagon(across, height)))
    serrated = draw.chance("serrated", 0.5)
    if serrated:
        teeth = draw.count("serrations", 16, 30)
        groove = box(0.4 * wide, 0.07 * size, 0.1 * size).translate((0.42 * wide, 0, -0.03 * size))
        body -= union(groove.rotate((0, 0, 360 * tooth / teeth)) for tooth in range(teeth))
    collar = draw.chance("locking collar", 0.2)
    if collar:
        body += cylinder(0.9 * across, 0.25 * size + 0.01, 40, top=0.8 * across).translate((0, 0, height - 0.01))
    solid = body - tapped(size, pitch, height + collar * 0.25 * size)
    extra = "serrated flange" if serrated else "smooth flange"
    said = (f"M{size}", "hexagonal with a flange", extra, mm(wide, "flange"), mm(height, "high"))
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", BOLT_METALS))


def square_nut(draw: Draw) -> Draft:
    """Square nut, T-slot nut, hammer nut or rounded slot nut for a profile."""
    size, pitch = metric(draw, 0, 8)
    form = draw.one("form", ("square nut", "T-slot nut", "T-slot nut", "hammer nut", "roll-in slot nut"))
    wide = size * draw.size("across", 1.5, 2.3)
    height = size * draw.size("height", 0.4, 0.9)
    neck = size * draw.size("neck", 0.25, 0.7)
    if form == "square nut":
        body, total = hexagon(wide, height, sides=4), height
    elif form == "T-slot nut":
        long = wide * draw.size("long", 1.0, 2.0)
        base = extruded(rounded(long, wide, 0.08 * size), height)
        body = base + box(long, max(1.25 * size, 0.62 * wide), height + neck)
        total = height + neck
    elif form == "hammer nut":
        long = wide * draw.size("long", 1.3, 1.9)
        head = box(long, wide, height) ^ cylinder(long, height, 40)
        body, total = head + cylinder(1.25 * size, height + neck, 32), height + neck
    else:
        long = wide * draw.size("long", 1.2, 2.2)
        around = np.linspace(np.pi, 2 * np.pi, 14)
        arc = np.stack([wide / 2 * np.cos(around), 0.5 * wide + wide / 2 * np.sin(around)], axis=1)
        body = extruded(np.concatenate([arc, arc[[-1, 0]] + [[0, height], [0, height]]]), long)
        body = body.rotate((90, 0, 0)).translate((0, long / 2, 0))
        total = height + 0.5 * wide
    shift = draw.size("offset", 0.0, 0.2) * wide
    offset = {"T-slot nut": (shift, 0, 0), "roll-in slot nut": (0, shift, 0)}.get(form, (0, 0, 0))
    solid = whole(body - tapped(size, pitch, total).translate(offset))
    said = (f"M{size}", form, mm(wide, "wide"), mm(total, "high"), "threaded hole", "rectangular")
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", BOLT_METALS))


def cap_nut(draw: Draw) -> Draft:
    """Hexagon that is closed by a dome, high or low."""
    size, pitch = metric(draw)
    across, height = size * draw.size("across", 1.5, 1.8), size * draw.size("height", 0.5, 0.95)
    wide = across * draw.size("dome width", 0.8, 0.97)
    rise = wide * draw.size("dome height", 0.25, 0.55)
    cap = cylinder(wide, 0.2 * size, 40) + dome(wide, rise).translate((0, 0, 0.19 * size))
    flange = draw.chance("flange", 0.2)
    body = hexagon(across, height, bottom=True) + cap.translate((0, 0, height - 0.02))
    if flange:
        body += cylinder(1.3 * across, 0.3 * size, 40, top=across)
    depth = height + min(0.1 * size, 0.3 * rise)
    solid = body - (tapped(size, pitch, depth) ^ box(4 * size, 4 * size, depth + 1).translate((0, 0, -1)))
    said = (f"M{size}", "closed dome", "high dome" if rise > 0.42 * wide else "low dome", "blind threaded hole")
    extra = "with a flange" if flange else ""
    words = (*said, extra, mm(across, "across flats"), proportions(solid))
    return Draft(solid, told(*words), draw.one("material", METALS))


def round_nut(draw: Draw) -> Draft:
    """Slotted, pin-holed or knurled round nut."""
    size, pitch = metric(draw, 3)
    wide, height = size * draw.size("across", 1.5, 2.6), size * draw.size("height", 0.3, 0.9)
    form = draw.one("form", ("slotted", "slotted", "pin holes", "knurled"))
    count = draw.count("slots", 2, 6)
    step = draw.chance("collar", 0.3)
    rise = 0.06 * wide
    profile = [(0, 0), (wide / 2 - rise, 0), (wide / 2, rise), (wide / 2, height - rise), (wide / 2 - rise, height)]
    body = turned([*profile, (0, height)])
    if step:
        body += cylinder(max(1.3 * size, 0.7 * wide), height * 1.5, 40)
    if form == "knurled":
        body = body ^ (extruded(waved(44, wide, 0.04 * wide, 2), height) + cylinder(0.9 * wide, 3 * height))
        said = "knurled edge"
    elif form == "slotted":
        cut = box(0.12 * wide, 0.22 * wide, height + 2).translate((wide / 2, 0, -1))
        body -= union(cut.rotate((0, 0, 360 * index / count)) for index in range(count))
        said = f"{count} slots in the edge"
    else:
        pin = cylinder(0.09 * wide, height, 16)
        reach = (size + wide) / 4 + (0.06 * wide if step else 0)
        body -= union(pin.translate((x, y, 0.4 * height)) for x, y in ring(count, reach))
        said = f"{count} pin holes in the face"
    solid = whole(body - tapped(size, pitch, height * (1.5 if step else 1)))
    words = (f"M{size}", "round", said, mm(wide, "diameter"), mm(height, "high"), "with a collar" if step else "")
    return Draft(solid, told(*words, proportions(solid)), draw.one("material", METALS))


def wing(width: float, reach: float, rise: float, thick: float, lean: float) -> Any:
    """One wing of a nut, from the axis towards +x, with a round end that leans outwards."""
    tip = cylinder(width, thick, 24).rotate((90, 0, 0)).translate((reach, thick / 2, rise))
    low = (
        cylinder(width * lean, thick * 1.4, 16).rotate((90, 0, 0)).translate((0.25 * reach, 0.7 * thick, 0.35 * width))
    )
    return (low + tip).hull()


def wing_nut(draw: Draw) -> Draft:
    """Hub with two wings for turning by hand."""
    size, pitch = metric(draw, 0, 8)
    hub, height = size * draw.size("hub", 1.5, 2.1), size * draw.size("height", 0.9, 1.5)
    reach, rise = size * draw.size("reach", 1.6, 2.6), size * draw.size("rise", 1.0, 2.4)
    width, thick = size * draw.size("wing width", 0.8, 1.5), size * draw.size("thick", 0.28, 0.6)
    one = wing(width, reach, max(rise, width / 2), thick, draw.size("lean", 0.5, 1.0))
    body = union((cylinder(hub, height, 40, top=hub * draw.size("taper", 0.7, 1.0)), one, one.mirror((1, 0, 0))))
    solid = whole(body - tapped(size, pitch, height) - cylinder(size * 1.05, 4 * size, 24).translate((0, 0, height)))
    said = (f"M{size}", "two wings", mm(2 * reach + width, "wide"), "turned by hand", "threaded hole")
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", METALS))


def standoff(draw: Draw) -> Draft:
    """Hexagonal or round spacer that is tapped at both ends, or has a stud at one."""
    size, pitch = metric(draw, 0, 6)
    across, length = size * draw.size("across", 1.5, 2.2), size * draw.size("length", 1.5, 10.0)
    sides = draw.one("form", ("hexagonal", "hexagonal", "hexagonal", "round"))
    if sides == "round":
        body = cylinder(across, length, 40)
    else:
        body = hexagon(across, length, bottom=True) if draw.chance("chamfered", 0.5) else prism(6, across, length)
    depth = min(length / 2 - 0.5, size * draw.size("depth", 1.0, 2.2)) if length > 3 * size else length / 2 + 0.01
    tool = tapped(size, pitch, 2 * depth) ^ box(4 * size, 4 * size, depth + 1).translate((0, 0, -1))
    male = draw.chance("stud", 0.5)
    body -= tool.mirror((0, 0, 1)).translate((0, 0, length))
    if male:
        body += tipped(size, size * draw.size("stud length", 0.9, 1.8), pitch).translate(
            (0, 0, -size * draw.values["stud length"] + 0.02)
        )
    else:
        body -= tool
    ends = "male and female" if male else "female at both ends"
    solid = whole(body)
    said = (f"M{size}", sides, mm(length, "long"), ends, "threaded hole", mm(across, "across"))
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", (*METALS, "white nylon")))


FAMILIES: tuple[Family, ...] = (
    Family(("hex nut", "hexagon nut", "nut", "lock nut"), hex_nut),
    Family(("flange nut", "hexagon flange nut", "collar nut"), flange_nut),
    Family(("T-slot nut", "square nut", "sliding nut", "profile nut"), square_nut),
    Family(("cap nut", "dome nut", "acorn nut"), cap_nut),
    Family(("round nut", "slotted round nut", "ring nut"), round_nut),
    Family(("wing nut", "butterfly nut"), wing_nut, held_out=True),
    Family(("standoff", "hex spacer", "threaded spacer"), standoff, held_out=True),
)
