"""Bolts and screws: a head, a drive and a threaded shaft."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.generate.draw import Draft, Family
from tasks.generate.features import many, told, whole
from tasks.generate.phrases import mm, nearby, proportions
from tasks.generate.solids import box, circle, cylinder, drilled, extruded, swept, turned, union, waved
from tasks.generate.threads import (
    BOLT_METALS,
    DRIVES,
    METALS,
    dome,
    hexagon,
    metric,
    recess,
    screw,
    shaft,
    tipped,
)

if TYPE_CHECKING:
    from tasks.generate.draw import Draw

LENGTHS = (1.2, 1.6, 2.0, 2.5, 3.0, 3.6, 4.3, 5.0, 6.0, 7.5, 9.0)


def bolt(draw: Draw) -> tuple[Any, int, float, tuple[str, ...]]:
    """A bolt's shaft, its diameter, its length and the words for them."""
    size, pitch = metric(draw)
    length = max(4.0, round(size * nearby(draw, "length", LENGTHS) * draw.size("stretch", 0.9, 1.1)))
    made, extent = shaft(draw, size, pitch, length)
    return made, size, length, (f"M{size}", mm(length, "long"), extent)


def hex_bolt(draw: Draw) -> Draft:
    """Hexagon head on a threaded shaft, with a flange or a washer face under it."""
    made, size, length, said = bolt(draw)
    across = size * draw.size("across", 1.45, 1.85)
    height = size * draw.size("head height", 0.5, 0.85)
    head, extra = hexagon(across, height), ""
    if draw.chance("flange", 0.3):
        wide = across * draw.size("flange width", 1.25, 1.55)
        rim = cylinder(wide, 0.12 * size, 40) + cylinder(wide, 0.3 * size, 40, top=across).translate((0, 0, 0.1 * size))
        head, extra = head.translate((0, 0, 0.12 * size)) + rim, "with a flange"
    elif draw.chance("washer face", 0.6):
        head = head.translate((0, 0, 0.06 * size)) + cylinder(across * 0.96, 0.08 * size, 40)
    if draw.chance("dished", 0.25):
        top = head.bounding_box()[5]
        head -= cylinder(0.7 * across, 0.2 * size + 1, 32).translate((0, 0, top - 0.2 * size))
        extra = extra or "with a dished head"
    solid = made + head.translate((0, 0, length - 0.02))
    return Draft(solid, told(*said, "hexagon head", extra, proportions(solid)), draw.one("material", BOLT_METALS))


def socket_screw(draw: Draw) -> Draft:
    """Cylindrical, low, pan or button head with a socket."""
    made, size, length, said = bolt(draw)
    form = draw.one("head", ("cylindrical head", "cylindrical head", "low head", "button head", "pan head"))
    kind = draw.one("drive", ("hexagon socket", "hexagon socket", "torx"))
    width = size * draw.size("head width", 1.5, 1.85 if form.startswith(("cyl", "low")) else 2.1)
    height = size * {"cylindrical head": 1.0, "low head": 0.6, "button head": 0.58, "pan head": 0.65}[form]
    knurled = draw.chance("knurled", 0.5) and form == "cylindrical head"
    if form == "button head":
        head = dome(width, height)
    elif form == "pan head":
        turns = np.linspace(0, np.pi / 2, 6)
        edge = [(width / 2 - 0.3 * height * (1 - np.cos(t)), 0.7 * height + 0.3 * height * np.sin(t)) for t in turns]
        head = turned([(0, 0), (width / 2, 0), *edge, (0, height)], 40)
    else:
        rise = 0.07 * size
        rim = [(width / 2, 0.0), (width / 2, height - rise), (width / 2 - rise, height)]
        head = turned([(0, 0), *rim, (0, height)], 40)
        if knurled:
            head ^= extruded(waved(36, width, 0.05 * width, 2), height)
    tool = recess(kind, draw.size("socket", 0.95, 1.15) * size, 0.6 * height)
    head -= tool.translate((0, 0, height))
    solid = made + head.translate((0, 0, length - 0.02))
    extra = "knurled head" if knurled else ""
    return Draft(solid, told(*said, form, kind, extra, proportions(solid)), draw.one("material", BOLT_METALS))


def countersunk_screw(draw: Draw) -> Draft:
    """Conical head, flush or raised, on a machine thread or a pointed wood thread."""
    size, pitch = metric(draw, 0, 8)
    wood = draw.chance("wood thread", 0.4)
    length = max(5.0, round(size * nearby(draw, "length", LENGTHS[2:]) * draw.size("stretch", 0.9, 1.1)))
    if wood:
        share = draw.size("threaded share", 0.55, 0.95)
        made = tipped(size, share * length, 2.2 * pitch, taper=1.3 * size)
        made += cylinder(0.74 * size, length - 1.4 * size, 24).translate((0, 0, 1.4 * size))
        extent = "wood screw thread with a point"
    else:
        made, extent = shaft(draw, size, pitch, length)
    width = size * draw.size("head width", 1.75, 2.15)
    cone = (width - size) / 2 / np.tan(np.radians(draw.size("cone", 38, 50)))
    head = cylinder(0.9 * size, cone, 40, top=width) + cylinder(width, 0.08 * size, 40).translate((0, 0, cone - 0.01))
    raised = draw.chance("raised", 0.3)
    top = cone + 0.06 * size
    if raised:
        head += dome(width * 0.98, 0.25 * size).translate((0, 0, top - 0.01))
        top += 0.2 * size
    kind = draw.one("drive", (*DRIVES, "cross recess"))
    head -= recess(kind, draw.size("drive width", 0.95, 1.15) * size, 0.45 * cone + 0.15 * size).translate((0, 0, top))
    solid = whole(made + head.translate((0, 0, length - cone)))
    said = (f"M{size}" if not wood else f"{size} mm", mm(length, "long"), "countersunk head", kind)
    extra = "raised head" if raised else "flat head"
    return Draft(solid, told(*said, extra, extent, proportions(solid)), draw.one("material", METALS))


def set_screw(draw: Draw) -> Draft:
    """Headless screw with a drive in one end and a flat, cone, cup or dog point at the other."""
    size, pitch = metric(draw)
    length = max(3.0, round(size * draw.size("length", 0.9, 4.0)))
    point = draw.one("point", ("flat point", "cone point", "cup point", "dog point"))
    core = 0.68 * size
    if point == "cone point":
        made = tipped(size, length, pitch, taper=0.5 * size)
    elif point == "dog point":
        made = tipped(size, 0.8 * length, pitch).translate((0, 0, 0.2 * length))
        made += cylinder(core * 0.9, 0.3 * length, 24)
    else:
        made = tipped(size, length, pitch)
    if point == "cup point":
        made -= cylinder(core, core / 2, 24, top=0.1).translate((0, 0, -0.01))
    kind = draw.one("drive", ("hexagon socket", "hexagon socket", "slotted", "torx"))
    depth = min(0.6 * size, 0.45 * length) * draw.size("socket depth", 0.8, 1.2)
    tool = recess(kind, draw.size("socket", 0.55, 0.7) * size, depth)
    solid = made - tool.translate((0, 0, length))
    said = (f"M{size}", mm(length, "long"), "headless", kind, point, "fully threaded", proportions(solid))
    return Draft(solid, told(*said), draw.one("material", BOLT_METALS))


def carriage_bolt(draw: Draw) -> Draft:
    """Mushroom head over a square, finned or ribbed neck."""
    made, size, length, said = bolt(draw)
    width, height = size * draw.size("head width", 1.9, 2.6), size * draw.size("head height", 0.4, 0.65)
    neck = size * draw.size("neck", 0.45, 0.75)
    kind = draw.one("neck form", ("square neck", "square neck", "square neck", "finned neck", "ribbed neck"))
    if kind == "square neck":
        under = box(size * 1.02, size * 1.02, neck)
    elif kind == "finned neck":
        under = box(size * 1.6, 0.25 * size, neck) + cylinder(size * 1.02, neck, 32)
    else:
        under = extruded(waved(16, size * 1.25, 0.1 * size, 2), neck)
    solid = union(
        (made, under.translate((0, 0, length - neck)), dome(width, height, 40).translate((0, 0, length - 0.02)))
    )
    return Draft(solid, told(*said, "round domed head", kind, proportions(solid)), draw.one("material", BOLT_METALS))


def stud(draw: Draw) -> Draft:
    """Threaded rod, or a stud that is threaded at both ends."""
    size, pitch = metric(draw)
    length = round(size * draw.size("length", 3.0, 14.0))
    form = draw.one("form", ("fully threaded", "threaded at both ends", "threaded at both ends", "welding stud"))
    if form == "fully threaded":
        half = tipped(size, length / 2 + 0.01, max(pitch, length / 30))
        solid = half + half.mirror((0, 0, 1)).translate((0, 0, length))
    else:
        low = length * draw.size("lower thread", 0.2, 0.4)
        high = length * draw.size("upper thread", 0.2, 0.45)
        waist = size * draw.size("waist", 0.78, 1.0)
        shank = cylinder(waist, length - 0.9 * low - 0.9 * high, 32).translate((0, 0, 0.9 * low))
        pitch = max(pitch, max(low, high) / 18)
        end = cylinder(size * 1.5, 0.15 * size, 32) if form == "welding stud" else tipped(size, low, pitch)
        shank = cylinder(waist, length - 0.9 * high, 32) if form == "welding stud" else shank
        solid = union((end, shank, tipped(size, high, pitch).mirror((0, 0, 1)).translate((0, 0, length))))
    tool = draw.one("end", ("", "", "hexagon socket in the end", "slotted end"))
    if tool:
        kind = "slotted" if tool == "slotted end" else "hexagon socket"
        solid -= recess(kind, 0.6 * size, 0.5 * size).translate((0, 0, length))
    return Draft(
        whole(solid),
        told(f"M{size}", mm(length, "long"), form, "no head", tool, proportions(solid)),
        draw.one("material", BOLT_METALS),
    )


def lug(draw: Draw, size: float) -> tuple[Any, str]:
    """Eye on the origin that stands up along z: a ring of round wire, or a flat lug with a bore."""
    inner = size * draw.size("eye", 1.2, 2.8)
    wire = size * draw.size("wire", 0.7, 1.15)
    around = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    middle = (inner + wire) / 2
    if draw.chance("flat eye", 0.3):
        disc = cylinder(inner + 2 * wire, wire * 1.3, 40).translate((0, 0, -0.65 * wire))
        made = drilled(disc, [(0, 0)], inner).rotate((90, 0, 0))
        return made.translate((0, 0, inner / 2 + wire)), "flat eye"
    path = np.stack([middle * np.cos(around), 0 * around, middle * np.sin(around)], axis=1)
    if draw.chance("open hook", 0.2):
        path = path[np.r_[30:40, 0:22]] if draw.chance("half hook", 0.5) else path[np.r_[30:40, 0:27]]
        return swept(path, circle(wire, 14)).translate((0, 0, middle + wire / 2)), "open hook"
    return swept(path, circle(wire, 14), closed=True).translate((0, 0, middle + wire / 2)), "closed ring"


def eye_bolt(draw: Draw) -> Draft:
    """Ring, hook or bored lug at the end of a threaded shaft, often over a collar."""
    size, pitch = metric(draw, 1)
    length = max(5.0, round(size * draw.size("length", 1.2, 7.0)))
    made, extent = shaft(draw, size, pitch, length)
    eye, form = lug(draw, size)
    collar = draw.chance("collar", 0.5)
    rise = length
    if collar:
        wide, high = size * draw.size("collar width", 1.6, 2.3), size * draw.size("collar height", 0.3, 0.7)
        made += cylinder(wide, high, 32, top=0.85 * wide).translate((0, 0, length - 0.01))
        rise += high
    solid = made + eye.translate((0, 0, rise - 0.25 * size))
    said = (f"M{size}", mm(length, "thread length"), form, "with a collar" if collar else "", extent)
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", BOLT_METALS))


def thumb_head(draw: Draw, size: float) -> tuple[Any, str]:
    """Head on the origin along +z for turning by hand."""
    width, height = size * draw.size("head width", 2.0, 4.0), size * draw.size("head height", 0.6, 1.6)
    form = draw.one("head", ("knurled head", "knurled head", "star head", "spade head", "fluted head"))
    if form == "spade head":
        plate = cylinder(width, 0.3 * size, 32).scale((1, 0.75, 1)).rotate((90, 0, 0))
        return plate.translate((0, 0.15 * size, 0.3 * width)), form
    if form == "star head":
        count = draw.count("lobes", 3, 7)
        return extruded(waved(count, width, 0.14 * width, 12), height), many(count, "lobe")
    count, depth = (12, 0.07) if form == "fluted head" else (40, 0.045)
    rim = extruded(waved(count, width, depth * width, 6 if count == 12 else 2), height)
    edge, edge_rise = width / 2 * 0.94, min(0.06 * width, 0.3 * height)
    profile = [(0, 0), (edge, 0), (width / 2, edge_rise), (width / 2, height - edge_rise), (edge, height), (0, height)]
    return rim ^ turned(profile, 40), form


def thumb_screw(draw: Draw) -> Draft:
    """Screw that is turned by hand: a knurled, lobed or spade head, with or without a collar."""
    size, pitch = metric(draw, 0, 8)
    length = max(4.0, round(size * draw.size("length", 1.0, 6.0)))
    made, _ = shaft(draw, size, pitch, length)
    head, form = thumb_head(draw, size)
    collar = draw.chance("collar", 0.5)
    rise = length
    if collar:
        wide, high = size * draw.size("collar width", 1.3, 1.9), size * draw.size("collar height", 0.4, 1.0)
        made += cylinder(wide, high + 0.01, 32).translate((0, 0, length - 0.01))
        rise += high
    head = head.translate((0, 0, rise - 0.02))
    extra = draw.one("top", ("", "", "slotted", "hexagon socket"))
    if extra and form != "spade head":
        head -= recess(extra, 0.9 * size, 0.35 * size).translate((0, 0, head.bounding_box()[5]))
    else:
        extra = ""
    solid = made + head
    said = (f"M{size}", form, mm(length, "long"), "stepped collar" if collar else "", extra)
    return Draft(solid, told(*said, "turned by hand", proportions(solid)), draw.one("material", METALS))


def shoulder_screw(draw: Draw) -> Draft:
    """Ground shoulder between a socket head and a thinner thread."""
    size, pitch = metric(draw, 1, 9)
    shoulder = size * draw.size("shoulder", 1.2, 1.5)
    long = size * draw.size("shoulder length", 1.0, 7.0)
    thread = size * draw.size("thread length", 1.0, 2.2)
    head = shoulder * draw.size("head width", 1.3, 1.7)
    high = size * draw.size("head height", 0.6, 1.0)
    top = cylinder(head, high, 40) - recess("hexagon socket", size, 0.55 * high).translate((0, 0, high))
    neck = screw(size, thread, pitch) + cylinder(0.8 * size, thread + 0.1, 24)
    body = cylinder(shoulder, long + 0.02, 40).translate((0, 0, thread - 0.01))
    solid = union((neck, body, top.translate((0, 0, thread + long))))
    said = (f"M{size}", mm(shoulder, "shoulder"), mm(long, "long shoulder"), "hexagon socket", "stepped shank")
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", BOLT_METALS))


FAMILIES: tuple[Family, ...] = (
    Family(("hex bolt", "hexagon head screw", "hex cap screw", "machine bolt"), hex_bolt),
    Family(("socket head cap screw", "allen screw", "cylinder head screw", "socket screw"), socket_screw),
    Family(("countersunk screw", "flat head screw", "wood screw"), countersunk_screw),
    Family(("set screw", "grub screw", "headless screw"), set_screw),
    Family(("carriage bolt", "coach bolt", "round head square neck bolt"), carriage_bolt),
    Family(("threaded rod", "stud", "stud bolt"), stud),
    Family(("eye bolt", "ring bolt", "lifting eye", "screw eye"), eye_bolt),
    Family(("thumb screw", "knurled screw", "hand screw"), thumb_screw),
    Family(("shoulder screw", "shoulder bolt", "stripper bolt"), shoulder_screw),
)
