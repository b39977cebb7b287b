"""Families of printed parts that carry weight: corner joints, feet, spool arms and stands."""

from __future__ import annotations

from typing import Any

import numpy as np

from tasks.generate.draw import Draft, Draw, Family
from tasks.generate.features import (
    PRINTED,
    bore,
    brick,
    corners,
    drafted,
    gusset,
    hulled,
    many,
    screw,
    stepped,
    strip,
    upright,
)
from tasks.generate.solids import box, circle, cylinder, drilled, extruded, ring, rounded, slab, tube, union


def corner_joint(draw: Draw) -> Draft:
    """Node that takes two to four tubes or profiles of a frame."""
    size, wall, is_round = draw.one("tube", (12, 16, 20, 25, 30)), draw.size("wall", 2.5, 6), draw.chance("round", 0.45)
    arms, deep = draw.one("arms", (2, 2, 3, 3, 4)), draw.size("deep", 0.8, 2.2) * size
    outer, angle = size + 2 * wall, draw.one("angle", (90, 90, 60, 120, 45)) if arms == 2 else 90
    _, hole, _ = screw(draw, choices=(3, 4, 5))
    skin = circle(outer) if is_round else rounded(outer, outer, draw.size("corner", 0, 4))
    sleeve = extruded(skin, deep + outer / 2).rotate((0, 90, 0))
    socket = extruded(circle(size) if is_round else rounded(size, size, 0.5), deep + 1)
    socket = socket.translate((0, 0, outer / 2)).rotate((0, 90, 0))
    pinned = draw.chance("pins", 0.75)
    if pinned:
        socket += bore((outer / 2 + deep * 0.55, 0, 0), hole, outer + 9, "y", 20)
    ways = [(0, 0, 0), (0, 0, angle), (0, -90, 0), (0, 0, 180)][:arms]
    solids = [sleeve.rotate(way) for way in ways]
    solids.append((cylinder(outer, outer) if is_round else box(outer, outer, outer)).translate((0, 0, -outer / 2)))
    ribbed, foot = angle == 90 and draw.chance("rib", 0.5), draw.chance("foot", 0.25)
    if ribbed:
        rib = extruded(np.array([(0, 0), (deep * 0.9, 0), (0, deep * 0.9)]), wall)
        solids.append(rib.translate((outer / 2 - 0.5, outer / 2 - 0.5, -wall / 2)))
    if foot:
        plate = drilled(slab(outer * 2, outer * 2, wall, 6), corners(outer * 2, outer * 2, wall * 1.5), hole)
        solids.append(plate.translate((0, 0, -outer / 2)))
    solid = union(solids) - union(socket.rotate(way) for way in ways)
    form = f"{angle} degree corner" if arms == 2 else "T-shaped" if arms == 4 else "three-way"
    fits = f"for {size} mm {'round' if is_round else 'square'} tube"
    extras = "with a rib" * ribbed, "with a foot plate" * foot, "with pin holes" * pinned
    return drafted(draw, solid, PRINTED, fits, many(arms, "socket"), form, *extras)


def corner_foot(draw: Draw) -> Draft:
    """Foot that is screwed under the corner of a box or a frame."""
    reach, height, wall = draw.size("reach", 25, 70), draw.size("height", 10, 45), draw.size("wall", 2.5, 6)
    floor, drop, (size, hole, nut) = draw.size("floor", 3, 8), draw.size("drop", 3, 28), screw(draw)
    half = reach / 2
    outline = rounded(reach, reach, draw.size("round", 0, reach * 0.4))
    if draw.chance("cut", 0.5):
        outline = np.array([(-half, -half), (half, -half), (half, -half / 2), (-half / 2, half), (-half, half)])
    body = extruded(outline, height) - brick((wall - half, wall - half, floor), (reach, reach, height + 1))
    middle = (floor + height) / 2
    if draw.chance("walls drilled", 0.75) and height - floor > nut:
        body -= bore((-half, 0, middle), hole, 3 * wall, "x") + bore((0, -half, middle), hole, 3 * wall, "y")
    pad, shape = draw.size("pad", 0.4, 0.9) * reach, draw.one("shape", ("round", "square", "tapered"))
    leg = slab(pad, pad, drop, 2) if shape == "square" else cylinder(pad, drop)
    if shape == "tapered":
        leg = cylinder(pad * draw.size("taper", 0.5, 0.8), drop, top=pad)
    body += leg.translate((-half * 0.16, -half * 0.16, 0.01 - drop))
    if draw.chance("through", 0.7):
        body -= stepped((-half * 0.16, -half * 0.16, floor), hole, nut * 1.2, 1.0, drop + floor + 1)
    ribs = draw.count("ribs", 0, 2)
    rib = gusset((wall - half - 0.3, half * 0.2, floor - 0.2), reach * 0.45, (height - floor) * 0.8, wall * 0.8)
    for solid in (rib, rib.mirror((1, -1, 0)))[:ribs]:
        body += solid
    says = f"{shape} foot", "three-sided corner", many(ribs, "rib"), f"M{size} screw", f"{height + drop:.0f} mm high"
    return drafted(draw, body, ("rubber", *PRINTED), *says)


def spool_arm(draw: Draw) -> Draft:
    """Arm that hooks over or screws to a frame and carries a spool."""
    length, wide, thick = draw.size("length", 60, 160), draw.size("wide", 12, 40), draw.size("thick", 5, 12)
    drop, lip, tilt = draw.size("drop", 30, 90), draw.size("lip", 6, 20), draw.size("tilt", 0, 14)
    line, hook = [(0.0, -drop), (0.0, 0.0), (length, tilt), (length, tilt + lip)], draw.chance("hook", 0.4)
    if hook:
        gap = draw.one("gap", (15, 20, 30)) + thick
        line = [(-gap, -drop * 0.5), (-gap, 0), *line[1:]]
    arm = strip(line, thick, wide).rotate((90, 0, 0)).translate((0, wide / 2, 0))
    if hook and draw.chance("both sides"):
        arm += brick((-thick / 2, -wide / 2, -drop), (thick / 2, wide / 2, 0))
    brace = not hook and draw.chance("brace", 0.6)
    if brace:
        run = draw.size("run", 0.35, 0.8)
        arm += upright([(0, -drop * 0.85), (length * run, tilt * run), (0, 0)], wide * draw.size("web", 0.15, 0.5))
    saddle, radius = draw.chance("saddle", 0.5), draw.one("spool", (20, 32, 50))
    if saddle:
        place = (length * 0.6, 0, tilt * 0.6 + radius * 0.3)
        seat = bore(place, radius + 2 * thick * 0.7, wide * 0.9, "y", 40).trim_by_plane((0, 0, -1), -place[2])
        arm = arm + seat - bore(place, radius, wide * 2, "y", 40).trim_by_plane((0, 0, 1), tilt * 0.5 + thick * 0.2)
    _, hole, _ = screw(draw, choices=(4, 5, 6))
    holes = 0 if hook else draw.count("holes", 1, 2)
    for index in range(holes):
        arm -= bore((0, 0, -drop * (0.85 - 0.45 * index)), hole, thick * 4 + 2 * length * brace, "x")
    form = "with a hook" if hook else "L-shaped"
    extras = "with a brace" * brace, "with a round saddle" * saddle, many(holes, "screw hole")
    return drafted(draw, arm, PRINTED, form, f"{length:.0f} mm reach", *extras, "with an end lip")


def splayed(draw: Draw, height: float, reach: float, top: float, thick: float) -> tuple[Any, float]:
    """One bent leg along +x, from a hub of `top` to a foot at `reach`; and how far out its knee is."""
    wide, foot = thick * draw.size("wide", 0.8, 2), draw.size("floor", 2, 6)
    knee = top * 0.3 + (reach - top * 0.3) * draw.size("knee", 0.3, 0.9)
    stub = box(thick, wide, foot)
    low, middle = stub.translate((reach, 0, 0)), stub.translate((knee, 0, height * 0.45))
    return hulled([low, middle]) + hulled([middle, stub.translate((top * 0.3, 0, height - foot - 1))]), knee


def stand(draw: Draw) -> Draft:
    """Leg or stand: a hub on two to five splayed legs with feet."""
    legs, height, reach = draw.count("legs", 2, 5), draw.size("height", 25, 110), draw.size("reach", 25, 80)
    thick, top = draw.size("thick", 5, 12), draw.size("top", 14, 40)
    pad, floor = draw.size("pad", 1.3, 2.6) * thick, draw.size("foot", 2, 6)
    leg, knee = splayed(draw, height, reach, top, thick)
    places = ring(legs, reach, 45 if legs == 4 else 0)
    parts = [leg.rotate((0, 0, float(np.degrees(np.arctan2(y, x))))) for x, y in places]
    parts += [cylinder(pad, floor, 32).translate((x, y, 0)) for x, y in places]
    collar, square = draw.size("collar", 5, 20), draw.chance("square top", 0.3)
    parts.append((box(top, top * 0.8, collar) if square else cylinder(top, collar)).translate((0, 0, height - 6)))
    ringed, level = draw.chance("ring", 0.4), height * 0.45
    if ringed:
        parts.append(tube(2 * knee + thick, 2 * knee - thick * 0.5, floor, 40).translate((0, 0, level)))
    body, (_, hole, _) = union(parts), screw(draw)
    socket, pierced = draw.chance("socket", 0.7), draw.chance("feet holes", 0.5)
    if socket:
        bottom = height - draw.size("sink", 1, 9)
        body -= cylinder(top * draw.size("socket size", 0.35, 0.7), 99).translate((0, 0, bottom))
    if pierced:
        share = 1 + pad * 0.2 / reach
        body -= union(
            cylinder(min(hole, pad * 0.5), 2 * floor, 20).translate((x * share, y * share, -1)) for x, y in places
        )
    extras = "with a socket" * socket, "with a ring between the legs" * ringed, "drilled feet" * pierced
    looks = ("steel, painted black", *PRINTED)
    return drafted(draw, body, looks, many(legs, "leg"), "with round feet", *extras, f"{height:.0f} mm high")


FRAMES = (
    Family(("frame corner joint", "tube connector", "corner connector"), corner_joint),
    Family(("corner foot", "box foot", "case foot"), corner_foot),
    Family(("spool holder arm", "spool arm", "reel arm"), spool_arm),
    Family(("stand", "table leg", "support foot"), stand),
)
