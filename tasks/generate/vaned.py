"""Wheels with blades, and what joins two shafts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.generate.draw import Draft, Family
from tasks.generate.features import many, told, whole
from tasks.generate.phrases import mm, nearby, proportions
from tasks.generate.solids import Points, box, cylinder, drilled, extruded, tube, turned, union
from tasks.generate.threads import dome
from tasks.generate.toothed import bored

if TYPE_CHECKING:
    from tasks.generate.draw import Draw

FANS = (
    "black plastic",
    "black PA6",
    "white plastic",
    "aluminium",
    "grey ABS",
    "orange PLA",
    "cast iron",
    "black PETG",
    "steel",
)


def blade(reach: float, root: float, chords: tuple[float, float], pitches: tuple[float, float], thick: float) -> Any:
    """Twisted airfoil along +x from `root` to `reach` (radii): chords and pitch angles at its two ends."""
    from manifold3d import Manifold, Mesh

    shape = np.array([(-0.5, 0.0), (-0.35, -0.35), (0.1, -0.3), (0.5, 0.0), (0.1, 0.62), (-0.3, 0.6)])
    rows, count = 9, len(shape)
    points = []
    for share in np.linspace(0, 1, rows):
        chord = chords[0] + (chords[1] - chords[0]) * share
        tip = 1 - 0.45 * max(0.0, (share - 0.8) / 0.2) ** 2
        turn = np.radians(pitches[0] + (pitches[1] - pitches[0]) * share)
        y, z = shape[:, 0] * chord * tip, shape[:, 1] * thick * (1 - 0.55 * share)
        points.append(
            np.stack(
                [
                    np.full(count, root + (reach - root) * share),
                    y * np.cos(turn) - z * np.sin(turn),
                    y * np.sin(turn) + z * np.cos(turn),
                ],
                axis=1,
            )
        )
    here = np.arange(rows - 1)[:, None] * count + np.arange(count)
    side = here // count * count + (here + 1) % count
    faces = [
        np.stack([here, side, side + count], -1).reshape(-1, 3),
        np.stack([here, side + count, here + count], -1).reshape(-1, 3),
    ]
    last = (rows - 1) * count
    fan = np.arange(1, count - 1)
    faces += [np.stack([0 * fan, fan + 1, fan], -1), np.stack([0 * fan + last, last + fan, last + fan + 1], -1)]
    return Manifold(Mesh(np.concatenate(points).astype(np.float32), np.concatenate(faces).astype(np.uint32)))


def curved(inner: float, outer: float, lean: float, thick: float) -> Points:
    """Outline of a blade of a centrifugal wheel, bent by `lean` radians from its root to its tip."""
    share = np.linspace(0, 1, 9)
    radii, angles = inner + (outer - inner) * share, lean * share**1.4
    half = thick / 2 / radii
    left = np.stack([radii * np.cos(angles - half), radii * np.sin(angles - half)], axis=1)
    right = np.stack([radii * np.cos(angles + half), radii * np.sin(angles + half)], axis=1)
    return np.concatenate([left, right[::-1]])


def axial_fan(draw: Draw, outer: float) -> tuple[Any, float, float, str]:
    """Fan whose blades stand around a hub, perhaps within a ring: its solid, hub, height and words."""
    count, hub = draw.count("blades", 3, 11), outer * draw.size("hub", 0.2, 0.45)
    pitch = draw.size("pitch", 20, 45)
    chord = min(1.5 * hub * np.sin(np.pi / count), 0.4 * outer) * draw.size("chord", 0.8, 1.2)
    high = max(chord * np.sin(np.radians(pitch)), 0.12 * outer)
    vane = blade(
        0.49 * outer, 0.42 * hub, (chord, chord * draw.size("widening", 1.0, 1.9)), (pitch, 0.6 * pitch), 0.05 * outer
    )
    pieces = [vane.rotate((0, 0, 360 * index / count)).translate((0, 0, high / 2)) for index in range(count)]
    pieces.append(cylinder(hub, high, 40))
    ringed = draw.chance("outer ring", 0.3)
    if ringed:
        pieces.append(tube(1.03 * outer, 0.955 * outer, 0.7 * high).translate((0, 0, 0.15 * high)))
    body = union(pieces)
    if draw.chance("hollow hub", 0.4):
        body -= cylinder(0.82 * hub, 0.6 * high, 40).translate((0, 0, -0.01))
    return body, hub, high, "outer ring" if ringed else "free blade tips"


def centrifugal_fan(draw: Draw, outer: float) -> tuple[Any, float, float, str]:
    """Wheel whose blades stand on a plate, perhaps under a cover ring: its solid, hub, height and words."""
    drum = draw.chance("drum", 0.35)
    count = draw.count("vanes", 20, 40) if drum else draw.count("blades", 5, 12)
    high, plate = outer * draw.size("height", 0.12, 0.5), outer * draw.size("plate", 0.02, 0.05)
    hub = outer * draw.size("hub", 0.16, 0.3)
    inner = 0.4 * outer if drum else hub * 0.45
    lean = draw.size("lean", -1.1, 1.1) * (0.35 if drum else 1.0)
    vane = extruded(curved(inner, 0.5 * outer, lean, outer * (0.012 if drum else 0.025)), high)
    pieces = [vane.rotate((0, 0, 360 * index / count)) for index in range(count)]
    pieces += [cylinder(outer, plate), cylinder(hub, high * draw.size("hub height", 0.5, 1.1), 40)]
    covered = drum or draw.chance("cover ring", 0.35)
    if covered:
        pieces.append(tube(1.01 * outer, outer * (0.86 if drum else 0.62), plate).translate((0, 0, high - plate)))
    return union(pieces), hub, high * 1.1, "cover ring" if covered else "open blades"


def fan(draw: Draw) -> Draft:
    """Fan or impeller: blades around a hub, or standing on a plate."""
    outer = nearby(draw, "diameter", (25, 32, 40, 50, 63, 80, 100, 125, 160))
    axial = draw.chance("axial", 0.45)
    body, hub, high, words = axial_fan(draw, outer) if axial else centrifugal_fan(draw, outer)
    solid, form = bored(draw, body, hub * draw.size("bore", 0.25, 0.5), 0, high)
    count = draw.values.get("blades") or draw.values["vanes"]
    kind = "axial" if axial else "centrifugal"
    said = (many(count, "blade"), kind, mm(outer, "diameter"), words, form)
    solid = whole(solid)
    return Draft(solid, told(*said, "round", proportions(solid)), draw.one("material", FANS))


def jaws(draw: Draw, outer: float, bore: float) -> tuple[Any, tuple[str, ...]]:
    """Half of a jaw coupling: a hub with claws on its face."""
    count, hub = draw.count("jaws", 2, 4), outer * draw.size("hub length", 0.4, 0.8)
    high, share = outer * draw.size("jaw height", 0.18, 0.35), draw.size("jaw share", 0.4, 0.55)
    half = np.pi / count * share
    claw = np.array([(0, 0), *(outer * np.array([np.cos(a), np.sin(a)]) for a in np.linspace(-half, half, 6))])
    claws = union(extruded(claw, high + 0.02).rotate((0, 0, 360 * index / count)) for index in range(count))
    ring_of = claws ^ tube(outer, max(1.25 * bore, 0.5 * outer), high + 0.02)
    body = cylinder(outer, hub, 48) + ring_of.translate((0, 0, hub - 0.02))
    if draw.chance("stepped hub", 0.4):
        body -= tube(1.2 * outer, 0.8 * outer, 0.5 * hub).translate((0, 0, -0.01))
    hole = cylinder(0.25 * bore + 0.05 * outer, outer, 20).rotate((0, 90, 0)).translate((0, 0, 0.25 * hub))
    solid, form = bored(draw, body - hole, bore, 0, hub + high)
    return solid, (many(count, "jaw"), "set screw hole", form)


def sleeve(draw: Draw, outer: float, bore: float) -> tuple[Any, tuple[str, ...]]:
    """Coupling in one piece: a sleeve with clamping slits or set screws, with a bendable middle."""
    long = outer * draw.size("length", 1.0, 1.9)
    body = drilled(cylinder(outer, long, 48), [(0, 0)], bore)
    other = bore * draw.size("other bore", 0.7, 1.2)
    other = min(other, 0.7 * outer)
    body -= cylinder(other, 0.5 * long + 1, 40).translate((0, 0, 0.5 * long))
    middle = draw.one("middle", ("spiral cuts", "bellows", "rigid", "cross slits"))
    if middle == "bellows":
        share = np.linspace(0, 1, 41)
        wave = outer * (0.43 - 0.06 * np.cos(share * 2 * np.pi * draw.count("folds", 3, 5)))
        waist = zip(wave.tolist(), (long * (0.3 + 0.4 * share)).tolist(), strict=True)
        near = [(outer, 0.3 * long), *waist, (outer, 0.7 * long)]
        body -= turned(near, 48)
    elif middle in ("spiral cuts", "cross slits"):
        count = draw.count("cuts", 3, 6)
        slit = box(2 * outer, 2 * outer, 0.025 * long).translate((0.62 * outer + 0.3 * outer, 0, 0))
        turn = 180 if middle == "cross slits" else 115
        body -= union(
            slit.rotate((0, 0, turn * i)).translate((0, 0, long * (0.32 + 0.36 * i / (count - 1))))
            for i in range(count)
        )
    clamp = draw.chance("clamped", 0.6)
    size = 0.16 * outer
    for z in (0.14 * long, 0.86 * long):
        if clamp:
            body -= box(outer, 0.06 * outer, 0.24 * long).translate((outer / 2, 0, z - 0.12 * long))
            screw = cylinder(0.6 * size, 2 * outer, 20).translate((0, 0, -outer))
            screw += cylinder(size, outer, 20).translate((0, 0, 0.18 * outer))
            body -= screw.rotate((90, 0, 0)).translate((0.25 * outer + 0.25 * bore, 0, z))
        else:
            body -= cylinder(size, outer, 20).rotate((0, 90, 0)).translate((0, 0, z))
    return body, (middle, "clamping screws" if clamp else "set screws", mm(long, "long"))


def coupling(draw: Draw) -> Draft:
    """What joins two shafts: half a jaw coupling, or a sleeve with clamps."""
    outer = nearby(draw, "diameter", (14, 16, 20, 25, 30, 40, 55))
    bore = outer * draw.size("bore", 0.25, 0.5)
    jaw = draw.chance("jaw", 0.45)
    body, words = jaws(draw, outer, bore) if jaw else sleeve(draw, outer, bore)
    solid = whole(body)
    said = (*words, mm(bore, "bore"), mm(outer, "diameter"))
    looks = ("aluminium", "aluminium", "steel", "stainless steel", "aluminium, black anodised", "cast iron")
    return Draft(solid, told(*said, "round", proportions(solid)), draw.one("material", looks))


def propeller(draw: Draw) -> Draft:
    """Twisted blades on a hub with a cone."""
    outer, count = nearby(draw, "diameter", (50, 76, 100, 127, 150, 200, 250)), draw.count("blades", 2, 6)
    hub = outer * draw.size("hub", 0.1, 0.26)
    chord = outer * draw.size("chord", 0.09, 0.24)
    pitches = (draw.size("root pitch", 32, 60), draw.size("tip pitch", 8, 26))
    hand = draw.chance("right hand", 0.6)
    vane = blade(
        outer / 2,
        0.36 * hub,
        (chord, chord * draw.size("taper", 0.4, 1.4)),
        pitches,
        outer * draw.size("thick", 0.02, 0.045),
    )
    vane = vane if hand else vane.mirror((0, 1, 0))
    high = max(0.75 * chord * np.sin(np.radians(pitches[0])), hub * draw.size("hub height", 0.5, 1.2))
    pieces = [vane.rotate((0, 0, 360 * index / count)).translate((0, 0, high / 2)) for index in range(count)]
    pieces.append(cylinder(hub, high, 40))
    nose = draw.chance("nose cone", 0.5)
    if nose:
        pieces.append(dome(hub, hub * draw.size("nose", 0.4, 0.9)).translate((0, 0, high - 0.02)))
    body = union(pieces)
    top = high * 0.7 if nose else high
    bore = hub * draw.size("bore", 0.25, 0.55)
    cut = cylinder(bore, (top if nose else 2 * high) + 1, 28).translate((0, 0, -1))
    solid = whole(body - cut)
    said = (many(count, "twisted blade"), mm(outer, "diameter"), "with a nose cone" if nose else "flat hub")
    wide = "wide blades" if chord > 0.17 * outer else "slender blades"
    return Draft(solid, told(*said, wide, mm(bore, "bore"), proportions(solid)), draw.one("material", FANS))


FAMILIES: tuple[Family, ...] = (
    Family(("fan wheel", "impeller", "blower wheel", "fan"), fan),
    Family(("shaft coupling", "coupling", "jaw coupling", "clamp coupling"), coupling, held_out=True),
    Family(("propeller", "turbine wheel", "rotor"), propeller, held_out=True),
)
