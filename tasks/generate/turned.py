"""Turned parts: shafts, bushings, collars, bearings, flanges, rings and whatever else goes round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.generate import bearings, fittings, hand_wheels, pulleys, springs, toothed, vaned
from tasks.generate.bearings import TURNED, chamfered
from tasks.generate.draw import Draft, Family
from tasks.generate.features import many, told, whole
from tasks.generate.phrases import mm, nearby, proportions
from tasks.generate.solids import (
    box,
    circle,
    cylinder,
    drilled,
    extruded,
    ring,
    slot,
    swept,
    tube,
    turned,
    union,
    waved,
)
from tasks.generate.threads import dome, tipped

if TYPE_CHECKING:
    from tasks.generate.draw import Draw

Array = NDArray[np.float64]
SEALS = (
    "black NBR rubber",
    "black NBR rubber",
    "brown FKM",
    "red silicone",
    "white PTFE",
    "green FKM",
    "blue silicone",
)
FLANGES = ("steel", "stainless steel", "cast iron", "aluminium", "grey PVC", "steel, painted blue", "brass")
DIAMETERS = (6, 8, 10, 12, 15, 20, 25, 30, 40, 50)


def key_seat(draw: Draw, name: str, diameter: float, place: float, length: float) -> Any:
    """Tool that cuts a round-ended keyway into a shaft of `diameter`, centred on z = `place`."""
    width = 0.27 * diameter
    seat = extruded(slot(max(length, 1.3 * width), width), diameter).rotate((0, 90, 0))
    lifted = seat.translate((diameter * draw.size(f"{name} depth", 0.32, 0.38), 0, place))
    return lifted.rotate((0, 0, 180)) if name == "second keyway" and draw.chance("opposite", 0.4) else lifted


def stepped_shaft(draw: Draw) -> Draft:
    """Shaft of several diameters with keyways, grooves, flats and a threaded end."""
    largest = nearby(draw, "diameter", DIAMETERS)
    steps = draw.count("steps", 2, 6)
    highest = draw.count("largest step", 0, steps - 1)
    lengths = [largest * draw.size(f"length {index}", 0.5, 2.6) for index in range(steps)]
    shares = [draw.size(f"share {index}", 0.82, 0.94) ** abs(index - highest) for index in range(steps)]
    pieces, z = [], 0.0
    tops = []
    for length, share in zip(lengths, shares, strict=True):
        pieces.append(chamfered(largest * share, length + 0.02, 0.03 * largest).translate((0, 0, z)))
        tops.append(z)
        z += length
    body, extras = union(pieces), []
    # neighbours meet over a chamfer, which must not leave a neck thinner than a groove
    keys = [index for index in range(steps) if lengths[index] > 1.1 * largest][: draw.count("keyways", 0, 2)]
    for number, index in enumerate(keys):
        name = "second keyway" if number else "keyway"
        seat = key_seat(draw, name, largest * shares[index], tops[index] + lengths[index] / 2, 0.62 * lengths[index])
        body -= seat
    extras.append(many(len(keys), "keyway"))
    if draw.chance("groove", 0.4):
        cut = tube(2 * largest, 0.8 * largest * shares[-1], 0.07 * largest)
        body -= cut.translate((0, 0, z - 0.3 * lengths[-1]))
        extras.append("ring groove")
    if draw.chance("threaded end", 0.35):
        wide = largest * shares[-1] * 0.8
        end = tipped(wide, largest * draw.size("thread", 0.6, 1.6), 0.12 * wide).mirror((0, 0, 1))
        body += end.translate((0, 0, z + largest * draw.values["thread"] - 0.02))
        extras.append("threaded end")
    if draw.chance("flat", 0.25):
        body -= box(largest, largest, 0.7 * lengths[0]).translate((largest * (0.5 + 0.38 * shares[0]), 0, -0.01))
        extras.append("flat on one end")
    solid = whole(body)
    total = solid.bounding_box()[5]
    said = (f"{many(steps, 'step')}", *extras[::-1], mm(largest, "diameter"), mm(total, "long"))
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", TURNED))


def worn(draw: Draw, form: str, z: Array, outer: float, cut: float) -> Array:
    """How much a roller's radius falls short of its largest at the shares `z` (n,) of its length."""
    shapes = {
        "crowned": 0.07 * outer * np.square(2 * z - 1),
        "V-groove": np.clip(cut * (1 - np.abs(z - 0.5) / draw.size("groove", 0.2, 0.42)), 0, None),
        "round groove": cut * np.sqrt(np.clip(1 - np.square((z - 0.5) / 0.38), 0, None)),
        "flanged": np.where(np.abs(z - 0.5) > 0.42, 0.0, 0.7 * cut),
        "ribbed": np.where(np.arange(len(z)) % 4 < 2, 0.05 * outer, 0.0),
    }
    return np.asarray(shapes.get(form, 0 * z))


def roller(draw: Draw) -> Draft:
    """Cylinder that runs on a shaft: plain, crowned, grooved, flanged or with journals."""
    outer = nearby(draw, "diameter", (8, 12, 16, 20, 25, 30, 40, 50, 63))
    long = outer * draw.size("length", 0.35, 5.0)
    form = draw.one("form", ("plain", "crowned", "V-groove", "round groove", "flanged", "ribbed"))
    z, cut = np.linspace(0, 1, 25), min(0.16 * outer, 0.3 * long)
    body = turned(
        [
            (0, 0),
            *zip((outer / 2 - worn(draw, form, z, outer, cut)).tolist(), (z * long).tolist(), strict=True),
            (0, long),
        ],
        40,
    )
    bore = outer * draw.size("bore", 0.2, 0.5)
    if draw.chance("journals", 0.4):
        reach = outer * draw.size("journal", 0.3, 1.0)
        solid = body + chamfered(bore, long + 2 * reach, 0.08 * bore, 32).translate((0, 0, -reach))
        extra = "with journals"
    else:
        solid, extra = drilled(body, [(0, 0)], bore), "with a central hole"
        if draw.chance("counterbored", 0.5):
            seat = cylinder(0.5 * (bore + outer - 2 * cut), 0.18 * long + 1, 40)
            solid = solid - seat.translate((0, 0, -1)) - seat.translate((0, 0, 0.82 * long))
            extra = "with bearing seats"
    solid = whole(solid)
    said = (form, mm(outer, "diameter"), mm(long, "long"), extra, "round")
    looks = (*TURNED, "black rubber", "red polyurethane", "white PE", "grey PVC")
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", looks))


def flange(draw: Draw) -> Draft:
    """Round disc with a bolt circle: flat, with a neck, a raised face, or blind."""
    outer = nearby(draw, "diameter", (30, 40, 50, 63, 80, 100, 125, 160, 200))
    thick = outer * draw.size("thickness", 0.06, 0.22)
    bore = outer * draw.size("bore", 0.15, 0.55)
    holes = draw.count("holes", 3, 12)
    form = draw.one("form", ("flat", "with a neck", "with a tapered neck", "with a raised face", "blind"))
    body = chamfered(outer, thick, 0.012 * outer, 64)
    neck = bore * 1.0 + outer * draw.size("neck wall", 0.06, 0.16)
    high = outer * draw.size("neck height", 0.12, 0.6)
    if form == "with a neck":
        body += cylinder(neck, thick + high)
    elif form == "with a tapered neck":
        body += cylinder(min(neck * 1.35, 0.7 * outer), high, 48, top=neck).translate((0, 0, thick - 0.01))
    elif form == "with a raised face" or (form == "blind" and draw.chance("face", 0.5)):
        body += cylinder(0.5 * (outer + bore) * 0.95, 1.25 * thick)
    if form != "blind":
        body = drilled(body, [(0, 0)], bore)
    taken = min(neck * 1.35, 0.7 * outer) if "neck" in form else max(bore, 0.3 * outer)
    circle_of = (taken + outer) / 4 + 0.02 * outer
    size = min(0.6 * (outer - taken) / 2, 0.6 * 2 * np.pi * circle_of / holes, 0.13 * outer) * draw.size("hole", 0.6, 1)
    low = cylinder(size, 3 * thick, 24).translate((0, 0, -thick))
    sunk = draw.chance("counterbored", 0.25)
    if sunk:
        low += cylinder(1.45 * size, 2 * thick, 24).translate((0, 0, 0.6 * thick))
    body -= union(low.translate((x, y, 0)) for x, y in ring(holes, circle_of, 180 / holes))
    solid = whole(body)
    extra = "counterbored holes" if sunk else ""
    said = (many(holes, "bolt hole"), form, mm(outer, "diameter"), mm(thick, "thick"), extra)
    centre = "no central hole" if form == "blind" else "with a central hole"
    return Draft(solid, told(*said, centre, proportions(solid)), draw.one("material", FLANGES))


def crown(draw: Draw, body: Any, outer: float, long: float) -> tuple[Any, str]:
    """Piston `body` with its top shaped, and how."""
    form = draw.one("crown", ("flat crown", "flat crown", "dished crown", "domed crown", "valve pockets"))
    if form == "dished crown":
        body -= cylinder(0.6 * outer, outer, 40, top=0.75 * outer).translate((0, 0, long - 0.07 * outer))
    elif form == "domed crown":
        body += dome(0.9 * outer, outer * draw.size("dome", 0.06, 0.22), 48).translate((0, 0, long - 0.01))
    elif form == "valve pockets":
        pocket = cylinder(0.4 * outer, outer, 32).rotate((0, 10, 0)).translate((0.2 * outer, 0, long - 0.06 * outer))
        body -= pocket.translate((0, 0.2 * outer, 0)) + pocket.translate((0, -0.2 * outer, 0))
    return body, form


def piston(draw: Draw) -> Draft:
    """Piston of an engine or a cylinder: ring grooves, a pin bore, a hollow skirt, a shaped crown."""
    outer = nearby(draw, "diameter", (16, 20, 25, 32, 40, 50, 63, 80))
    long = outer * draw.size("length", 0.55, 1.5)
    body = chamfered(outer, long, 0.02 * outer, 56)
    grooves = draw.count("ring grooves", 1, 5)
    high, step = outer * draw.size("groove", 0.025, 0.05), outer * draw.size("land", 0.03, 0.06)
    for index in range(grooves):
        z = long - 0.06 * outer - (index + 1) * (high + step)
        if z > 0.35 * long:
            body -= tube(1.2 * outer, 0.88 * outer, high, 56).translate((0, 0, z))
    hollow = draw.chance("hollow", 0.8)
    if hollow:
        body -= cylinder(outer * draw.size("cavity", 0.7, 0.84), 0.62 * long, 40).translate((0, 0, -0.01))
    pin = outer * draw.size("pin", 0.18, 0.3)
    place = 0.32 * long
    if hollow:
        boss = cylinder(1.6 * pin, 0.9 * outer, 32).translate((0, 0, -0.45 * outer)).rotate((0, 90, 0))
        boss = boss.translate((0, 0, place)) - box(0.3 * outer, 2 * outer, 4 * long).translate((0, 0, -long))
        body += boss ^ cylinder(0.98 * outer, long, 40)
    body -= cylinder(pin, 2 * outer, 32).translate((0, 0, -outer)).rotate((0, 90, 0)).translate((0, 0, place))
    body, top = crown(draw, body, outer, long)
    solid = whole(body)
    said = (mm(outer, "diameter"), many(grooves, "ring groove"), top, "hollow" if hollow else "solid")
    looks = ("aluminium", "aluminium", "cast aluminium", "cast iron", "steel", "POM white")
    return Draft(
        solid, told(*said, "pin hole across", mm(long, "long"), proportions(solid)), draw.one("material", looks)
    )


def seal_ring(draw: Draw) -> Draft:
    """Sealing ring: round, square, X or lipped in section, or a shaft seal."""
    inner = nearby(draw, "inner diameter", (4, 6, 8, 10, 14, 18, 22, 28, 35, 45, 60, 80))
    thick = inner * draw.size("section", 0.06, 0.3) + 0.3
    form = draw.one("form", ("round section", "round section", "square section", "X section", "U-cup", "shaft seal"))
    r = inner / 2
    if form == "round section":
        around = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        middle = r + thick / 2
        path = np.stack([middle * np.cos(around), middle * np.sin(around), 0 * around], axis=1)
        solid = swept(path, circle(thick, 18), closed=True)
    elif form == "X section":
        places = waved(4, 1.25 * thick, 0.3 * thick, 8)
        solid = turned([(r + 0.62 * thick + x, z) for x, z in places.tolist()])
    elif form == "U-cup":
        high = thick * draw.size("height", 1.0, 1.8)
        lip = [(r + thick, 0.9 * high), (r + 0.85 * thick, high), (r + 0.6 * thick, 0.35 * high)]
        solid = turned(
            [(r, 0), (r + thick, 0), *lip, (r + 0.4 * thick, 0.35 * high), (r + 0.15 * thick, high), (r, 0.9 * high)]
        )
    elif form == "shaft seal":
        wide, high = 1.3 * thick, thick * draw.size("height", 0.9, 1.6)
        wall = 0.2 * thick
        shape = [(r + wall, 0), (r + wide, 0), (r + wide, high), (r + wide - wall, high), (r + wide - wall, wall)]
        solid = turned([*shape, (r + 2 * wall, wall), (r + 0.8 * wall, 0.75 * high), (r, 0.6 * high)])
    else:
        solid = tube(inner + 2 * thick, inner, thick * draw.size("height", 0.6, 1.4))
    outer = solid.bounding_box()[3] * 2
    kind = "thick" if thick > 0.2 * inner else "thin" if thick < 0.12 * inner else ""
    said = (mm(inner, "inner diameter"), form, mm(thick, "section"), kind, mm(outer, "outer diameter"), "round ring")
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", SEALS))


FAMILIES: tuple[Family, ...] = (
    Family(("shaft", "stepped shaft", "axle", "spindle"), stepped_shaft),
    Family(("roller", "guide roller", "idler roller"), roller),
    Family(("flange", "round flange", "pipe flange"), flange),
    Family(("piston",), piston),
    Family(("O-ring", "seal ring", "gasket ring", "seal"), seal_ring),
    *bearings.FAMILIES,
    *hand_wheels.FAMILIES,
    *fittings.FAMILIES,
    *toothed.FAMILIES,
    *pulleys.FAMILIES,
    *springs.FAMILIES,
    *vaned.FAMILIES,
)
