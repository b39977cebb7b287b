"""Families without a fixed form that are bent: sheet metal and pieces of tube frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.generate.draw import Draft, Draw, Family
from tasks.generate.features import bore, carved, corners, drafted, ear, grown, many, row
from tasks.generate.solids import Points, circle, cylinder, drilled, ring, rounded, slab, slot, swept, turned, union

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHEET = (
    "sheet steel",
    "steel, zinc plated",
    "stainless steel",
    "aluminium sheet",
    "steel, powder coated black",
    "brass",
)
TUBE = ("steel", "stainless steel", "steel, painted black", "chromed steel", "aluminium", "copper")
ANGLES: dict[str, tuple[int, ...]] = {"L": (90,), "U": (90,), "Z": (90, -90), "any": (90, -90, 45, -45, 120, -60, 30)}
HOLES = ("two holes", "four holes", "hole", "slot", "two slots", "window", "row", "notch", "plain")
ENDS = ("flange", "square flange", "eye", "open", "collar")
WAYS = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.7, 0.7, 0), (0, -0.6, 0.8)])


def cut_outs(draw: Draw, key: str, long: float, wide: float) -> list[Points]:
    """Outlines that are cut from a flat of a sheet, which lies from x = 0 to `long`."""
    small, middle = min(long, wide), np.array([long / 2, 0.0])
    size, kind = small * draw.size(f"{key} size", 0.1, 0.2), draw.one(f"{key} cut", HOLES)
    places = {
        "two holes": [(0.0, side * wide * 0.3) for side in (-1, 1)],
        "four holes": [(a * long * 0.28, b * wide * 0.3) for a in (-1, 1) for b in (-1, 1)],
        "row": [(0.0, at) for at in row(draw.count(f"{key} row", 3, 6), wide * 0.75)],
    }
    if kind in places:
        return [np.add(circle(size, 24), middle + place) for place in places[kind]]
    if kind == "two slots":
        return [np.add(slot(long * 0.5, size), (long / 2, side * wide * 0.28)) for side in (-1, 1)]
    one = {
        "hole": circle(small * draw.size(f"{key} bore", 0.2, 0.6), 32),
        "slot": slot(long * 0.55, size),
        "window": rounded(long * 0.5, wide * 0.5, size * 0.5),
        "notch": np.add(rounded(long * 0.8, wide * 0.3, 0.5), (0, wide / 2)),
    }
    return [np.add(one[kind], middle)] if kind in one else []


def flat(draw: Draw, key: str, long: float, wide: float, thick: float, end: int) -> Any:
    """One flat of a sheet, from x = 0 to `long`; an `end` of the sheet (-1 first, 1 last) may be round or cut."""
    from manifold3d import CrossSection, FillRule

    def section(outline: Points) -> Any:
        return CrossSection([outline], FillRule.NonZero)

    half, seam = wide / 2, 0.02  # neighbours overlap by a hair so that they merge
    shape = section(np.array([(-seam, -half), (long + seam, -half), (long + seam, half), (-seam, half)]))
    if end:
        cut = min(long, wide) * draw.size(f"{key} corner", 0.1, 0.45)
        nose = [
            (-long, -half),
            (long - cut, -half),
            (long, cut - half),
            (long, half - cut),
            (long - cut, half),
            (-long, half),
        ]
        edge = section(rounded(2 * long, wide, cut) if draw.chance(f"{key} round") else np.array(nose))
        shape = shape ^ (edge if end > 0 else edge.mirror((1, 0)).translate((long, 0)))
    for outline in cut_outs(draw, key, long, wide):
        shape -= section(outline)
    return shape.extrude(thick)


def bend(angle: float, radius: float, thick: float, wide: float) -> Any:
    """Sheet bent by `angle` (up when positive) about y, starting at the origin along +x."""
    outer = radius + thick
    profile = [(radius, -wide / 2), (outer, -wide / 2), (outer, wide / 2), (radius, wide / 2)]
    part = turned(profile, 48, abs(angle)).rotate((0, 0, -90)).rotate((90, 0, 0)).translate((0, 0, outer))
    return part if angle > 0 else part.mirror((0, 0, 1)).translate((0, 0, thick))


def turn(angle: float, radius: float, thick: float) -> Points:
    """Matrix (4, 4) from the start of a bend to its end."""
    around, centre = np.radians(angle), radius + thick if angle > 0 else -radius
    matrix = np.eye(4)
    matrix[0, 0], matrix[0, 2], matrix[2, 0], matrix[2, 2] = (
        np.cos(around),
        -np.sin(around),
        np.sin(around),
        np.cos(around),
    )
    matrix[0, 3], matrix[2, 3] = np.sin(around) * centre, centre * (1 - np.cos(around))
    return matrix


def folded(draw: Draw, thick: float, width: float) -> Iterator[Any]:
    """Flats and bends of a sheet, one after the other, the first flat on the ground."""
    bends, radius = draw.count("bends", 1, 3), thick * draw.size("radius", 0.6, 2.5)
    frame, wide, angles = np.eye(4), width, ANGLES[draw.one("style", tuple(ANGLES))]
    for index in range(bends + 1):
        key, long = f"flat {index}", width * draw.size(f"flat {index}", 0.35, 1.5)
        end = -1 if index == 0 else int(index == bends)
        yield flat(draw, key, long, wide, thick, end).transform(frame[:3])
        frame = frame @ np.block([[np.eye(3), np.array([[long], [0], [0]])], [np.zeros((1, 3)), np.eye(1)]])
        if index == bends:
            return
        angle = angles[index % len(angles)] if len(angles) < 3 else draw.one(f"angle {index}", angles)
        after = width * draw.size(f"width {index}", 0.4, 1.0)
        yield bend(angle, radius, thick, min(wide, after)).transform(frame[:3])
        frame, wide = frame @ turn(angle, radius, thick), after


def sheet_part(draw: Draw) -> Draft:
    """Sheet bent one to three times, with holes and cut-outs, and sometimes flanges at its sides."""
    thick, width = draw.size("thick", 0.8, 3.5), draw.size("width", 18, 90)
    pieces = list(folded(draw, thick, width))
    bends, base = len(pieces) // 2, pieces[0].bounding_box()[3]
    long, high = base * draw.size("flange long", 0.4, 0.9), width * draw.size("flange high", 0.15, 0.6)
    wall = drilled(slab(long, high, thick), [(0, 0)], min(long, high) * 0.35).rotate((90, 0, 0))
    wall = wall.translate((base / 2, width / 2, high / 2))
    solid, flanges = grown(union(pieces), [wall, wall.mirror((0, 1, 0))][: draw.one("flanges", (0, 0, 0, 1, 2))])
    form = {1: "L-shaped", 2: "Z-shaped" if draw.values["style"] == "Z" else "U-shaped"}.get(bends, "folded")
    form = "angled" if draw.values["style"] == "any" else form
    says = (
        "bent sheet metal",
        many(bends, "bend"),
        form,
        many(max(solid.genus(), 0), "hole"),
        many(flanges, "side flange"),
    )
    return drafted(draw, solid, SHEET, *says, f"{thick:.1f} mm thick")


def eased(points: Sequence[Points], radius: float) -> Points:
    """Path (n, 3) through `points` with round corners of about `radius`."""
    path, share = [points[0]], np.linspace(0, 1, 9)[:, None]
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        a, b = before - here, after - here
        reach = min(radius, 0.45 * float(np.linalg.norm(a)), 0.45 * float(np.linalg.norm(b)))
        start, end = here + a / np.linalg.norm(a) * reach, here + b / np.linalg.norm(b) * reach
        path += list((1 - share) ** 2 * start + 2 * share * (1 - share) * here + share**2 * end)
    return np.array([*path, points[-1]])


def legs(draw: Draw, unit: float) -> list[Points]:
    """Corners (3,) of a tube's way, flat or in space."""
    points, ways, choices = [np.zeros(3)], [WAYS[0]], WAYS[:2] if draw.chance("flat", 0.6) else WAYS
    for index in range(draw.count("knees", 0, 3) + 1):
        if index:
            free = [way for way in choices if abs(way @ ways[-1]) < 0.9]
            way = free[draw.count(f"way {index}", 0, 59) % len(free)] * (1 if draw.chance(f"sign {index}", 0.6) else -1)
            back = index == 3 and way @ ways[1] < 0  # it would run into the first leg
            ways.append(-way if back else way)
        points.append(points[-1] + ways[-1] * unit * draw.size(f"leg {index}", 0.4, 1.2))
    return points


def fitting(draw: Draw, kind: str, size: float) -> Any:
    """What a tube of `size` ends in, on the origin, outwards along +z."""
    thick, wide = size * draw.size("flange", 0.25, 0.5), size * draw.size("wide", 2, 3.2)
    hole = size * 0.32
    if kind == "flange":
        return drilled(cylinder(wide, thick), ring(draw.one("bolts", (2, 3, 4)), wide * 0.37), hole)
    if kind == "square flange":
        return drilled(slab(wide, wide, thick, wide * 0.1), corners(wide, wide, hole), hole)
    if kind == "eye":
        return bore((0, 0, 0), wide * 0.5, 2 * thick, "x") - bore((0, 0, 0), wide * 0.26, 99, "x")
    return cylinder(size * 1.5, 2 * thick)


def facing(solid: Any, way: Points) -> Any:
    """`solid`, made along +z, turned to face along `way` (3,)."""
    x, y, z = way / np.linalg.norm(way)
    tilt, around = float(np.degrees(np.arccos(np.clip(z, -1, 1)))), float(np.degrees(np.arctan2(y, x)))
    return solid.rotate((0, tilt, 0)).rotate((0, 0, around))


def tube_frame(draw: Draw) -> Draft:
    """Bent tube or bar with flanges, eyes and tabs."""
    size, points = draw.size("size", 5, 22), legs(draw, draw.size("unit", 40, 110))
    path = eased(points, max(size * draw.size("bend", 1.2, 3), size))
    section = rounded(size, size * draw.size("side", 0.6, 1), size * 0.12, 3)
    if draw.chance("round", 0.7):
        section = circle(size, 28)
    first, last = points[0] - points[1], points[-1] - points[-2]
    kinds = [draw.one(f"end {index}", ENDS) for index in range(2)]
    places = (points[0] - first * 0.002, points[-1] - last * 0.002)  # a hair inside, so that they merge
    ends = zip(kinds, (first, last), places, strict=True)
    fitted = [facing(fitting(draw, kind, size), out).translate(tuple(at)) for kind, out, at in ends if kind != "open"]
    solid, hollow, room = union([swept(path, section), *fitted]), draw.chance("hollow", 0.7), None
    if hollow:
        long = np.array([path[0] + first * 0.2, *path, path[-1] + last * 0.2])
        room = swept(long, section * draw.size("wall", 0.6, 0.85))
        solid, _ = carved(solid, [room], 0.0, 0.9)
    middle = (points[0] + points[1]) / 2 - (0, 0, size * 0.15)
    tab = ear((0, 0, 0), size * draw.size("tab", 1.4, 2.4), size * 0.9, size * 0.3, size * 0.4, 90)
    lugs = [lug.translate(tuple(middle)) for lug in (tab, tab.rotate((0, 0, 180)))[: draw.count("tabs", 0, 2)]]
    solid, tabs = grown(solid, [lug - room if room is not None else lug for lug in lugs], 0.001)
    bends, word = len(points) - 2, "tube" if hollow else "bar"
    flanges = sum("flange" in kind for kind in kinds)
    says = f"bent {word}" if bends else f"straight {word}", many(bends, "bend"), many(flanges, "flange")
    return drafted(
        draw, solid, TUBE, *says, "with an eye" * ("eye" in kinds), many(tabs, "tab"), f"{size:.0f} mm {word}"
    )


SHEETS = (
    Family(("sheet metal part", "bent sheet bracket", "folded plate"), sheet_part, held_out=True),
    Family(("tube frame piece", "bent tube", "tubular brace"), tube_frame),
)
