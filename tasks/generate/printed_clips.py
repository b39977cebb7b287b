"""Families of small printed parts that grip, snap and turn: clips, latches, hinges, chain links and knobs."""

from __future__ import annotations

from typing import Any

import numpy as np

from tasks.generate.draw import Draft, Draw, Family
from tasks.generate.features import (
    PRINTED,
    bevelled,
    bore,
    brick,
    drafted,
    ear,
    gusset,
    hexagon,
    hulled,
    many,
    obround,
    row,
    screw,
    stepped,
    strip,
)
from tasks.generate.solids import box, cylinder, drilled, extruded, ring, rounded, slab, tube, union

Line = list[tuple[float, float]]
TIPS = {"hook": "with a hook", "pad": "with a thumb pad", "ring": "with a ring"}
GRIPS = {"scallops": "with grip grooves", "ridges": "with grip ridges", "plain": "smooth"}


def cable_clip(draw: Draw) -> Draft:
    """Open rings on a base that hold cables or hoses."""
    cable, clips, wall = (
        draw.one("cable", (4, 5, 6, 8, 10, 13, 16)),
        draw.count("clips", 1, 5),
        draw.size("wall", 1.2, 3),
    )
    outer, depth, floor = cable + 2 * wall, draw.size("depth", 5, 16), draw.size("floor", 2, 5)
    spread = (outer + draw.size("gap", 0, 6)) * (clips - 1)
    mouth = box(outer, draw.size("opening", 0.5, 0.85) * cable, 99).translate((outer / 2 + cable * 0.2, 0, -9))
    loop = tube(outer, cable, depth, 36) - mouth.rotate((0, 0, draw.one("mouth", (90, 90, 60, 45, 0))))
    loop += box(outer * 0.5, wall * 1.2, depth).translate((0, -cable / 2 - wall * 0.6, 0))
    loop = loop.rotate((90, 0, 0)).translate((0, depth / 2, floor + outer / 2 - 0.3))
    length, (size, hole, nut) = spread + outer, screw(draw, choices=(3, 4, 5))
    parts = [box(length * 0.96, depth, floor), *(loop.translate((x, 0, 0)) for x in row(clips, spread))]
    mount = draw.one("mount", ("one ear", "two ears", "an adhesive base", "a push pin"))
    reach, wide = length / 2 + nut * 1.6, min(nut * 1.7, depth * 1.5)
    angles = {"one ear": (0,), "two ears": (0, 180)}.get(mount, ())
    parts += [ear((0, 0, 0), reach, wide, floor, hole, angle) for angle in angles]
    if mount == "an adhesive base":
        parts.append(slab(length + 6, depth + draw.size("base", 4, 14), floor, 3))
    elif mount == "a push pin":
        parts += [
            cylinder(hole * 1.3, 8).translate((0, 0, -7.9)),
            cylinder(hole * 0.9, 4, top=hole * 1.8).translate((0, 0, -7.9)),
        ]
    cables = f"for {many(clips, f'{cable} mm cable')}"
    drill = f"M{size} screw" if "ear" in mount else "without screws"
    return drafted(draw, union(parts), PRINTED, cables, f"with {mount}", many(clips, "open ring"), drill)


def belt_tail(draw: Draw, length: float, width: float, thick: float, hole: float) -> tuple[Any, str]:
    """What a belt clip is held by, to add to it, and its name."""
    tail = draw.one("tail", ("rectangular", "with an arm", "with a loop", "L-shaped"))
    if tail == "with an arm":
        reach = length / 2 + draw.size("arm", 8, 40)
        arm = drilled(obround(2 * reach, hole * 3, thick), [(-reach + hole * 1.5, 0)], hole)
        return arm.trim_by_plane((-1, 0, 0), length / 2 - 1), tail
    if tail == "with a loop":
        loop = tube(thick * 2.4, thick * 1.2, width * 0.5).rotate((90, 0, 0))
        return loop.translate((length / 2 + thick * 0.9, width * 0.25, thick * 1.2)), tail
    if tail == "L-shaped":
        wall = box(thick, width, thick + draw.size("upright", 8, 30)) - bore((0, 0, thick + 5), hole, 99, "x")
        return wall.translate((-length / 2 + thick / 2, 0, 0)), tail
    return box(1, 1, thick), tail


def belt_clip(draw: Draw) -> Draft:
    """Jaw with teeth that clamps the end of a toothed belt."""
    belt, pitch, teeth = (
        draw.one("belt", (6, 9, 10, 15, 16, 20)),
        draw.one("pitch", (2, 2.5, 3, 5)),
        draw.count("teeth", 4, 10),
    )
    length, thick = teeth * pitch + draw.size("rest", 3, 12), draw.size("thick", 3.5, 8)
    _, hole, nut = screw(draw, choices=(3, 4, 5))
    width = belt + 2 * nut * draw.size("side", 1.0, 1.5)
    plate = bevelled(rounded(length, width, draw.size("round", 0, 4)), thick, low=draw.size("bevel", 0.01, 1.2))
    groove = brick(
        (-pitch * 0.28, -belt / 2, thick - draw.size("tooth", 0.4, 0.6) * pitch), (pitch * 0.28, belt / 2, 99)
    )
    tools = [groove.translate((x, 0, 0)) for x in row(teeth, (teeth - 1) * pitch)]
    channel, traps = draw.chance("channel", 0.5), draw.chance("traps", 0.4)
    if channel:
        tools.append(brick((-length, -belt / 2, thick - 0.8), (length, belt / 2, thick + 1)))
    pairs = draw.count("pairs", 1, 2) if length > 2.6 * nut else 1
    places = [(x, side * (belt + width) / 4) for x in row(pairs, length - 1.5 * nut) for side in (-1, 1)]
    tools += [hexagon((x, y, 0), nut, thick * 0.7) for x, y in places if traps]
    tail, form = belt_tail(draw, length, width, thick, hole)
    body = drilled(plate - union(tools), places, hole) + (tail if form == "with a loop" else tail - union(tools))
    says = (
        f"for a {belt} mm belt",
        many(teeth, "tooth"),
        many(len(places), "screw hole"),
        form,
        "with nut traps" * traps,
    )
    return drafted(draw, body, PRINTED, *says)


def spine(draw: Draw, reach: float, thick: float) -> tuple[Line, str]:
    """The line that a spring latch follows, and what such an arm is called."""
    form, share = draw.one("form", ("curved", "folded", "straight", "wavy")), np.linspace(0, 1, 9)
    lines = {
        "curved": (reach * np.sin(share * np.pi / 2), reach * 0.5 * (1 - np.cos(share * np.pi / 2))),
        "folded": (
            np.array([0, reach, reach + 3 * thick, reach, reach * 0.2]),
            thick * np.array([0, 0, 1.5, 3.4, 3.4]),
        ),
        "straight": (np.array([0, reach]), np.array([0, 0])),
        "wavy": (reach * share, reach * 0.12 * np.sin(share * 2 * np.pi)),
    }
    return [(float(x), float(y)) for x, y in zip(*lines[form], strict=True)], f"{form} spring arm"


def tip_at(draw: Draw, line: Line, thick: float, tall: float) -> tuple[Any, str]:
    """The hook, pad or ring at the end of a latch's `line`, and its name."""
    end, before = np.array(line[-1]), np.array(line[-2])
    way = (end - before) / np.linalg.norm(end - before)
    side, tip, barb = np.array([-way[1], way[0]]), draw.one("tip", ("hook", *TIPS)), draw.size("barb", 2.2, 4) * thick
    if tip == "pad":
        return slab(barb * 1.5, barb, tall, 2).translate((*end, 0)), tip
    if tip == "ring":
        return tube(barb * 2, barb, tall).translate((*(end + way * barb * 0.8), 0)), tip
    outline = [end - way, end + way * barb * 1.4 - side * thick / 2, end + side * barb, end - way + side * barb]
    return extruded(np.array(outline), tall), tip


def latch(draw: Draw) -> Draft:
    """Spring lever: a hub, a thin bent arm and a hook or a thumb pad at its end."""
    reach, thick, tall = draw.size("reach", 25, 90), draw.size("thick", 1.6, 4.5), draw.size("tall", 5, 20)
    line, form = spine(draw, reach, thick)
    end, tip = tip_at(draw, line, thick, tall)
    body = strip(line, thick, tall) + end
    shaft, grip, base = (
        draw.one("shaft", (3, 4, 5, 6)),
        draw.chance("grip", 0.4),
        draw.one("base", ("hub", "block", "hub")),
    )
    hub = max(thick * draw.size("hub", 2.6, 5), shaft * 1.6)
    if grip:
        body += strip([(0, 0), (-reach * 0.4, -reach * draw.size("grip bend", 0.0, 0.3))], thick * 1.4, tall)
    if base == "hub":
        body += cylinder(hub, tall + draw.size("proud", 0, 5))
        body -= cylinder(shaft, 99, 24).translate((0, 0, -9))
    else:
        block = slab(hub * 2, hub * 1.6, tall, 1.5) - bore((0, 0, tall / 2), min(shaft, tall * 0.7), 99, "y", 20)
        body += block.translate((-hub * 0.6, 0, 0))
    root = f"{shaft} mm pivot hole" if base == "hub" else "with a drilled block"
    return drafted(
        draw, body, ("spring steel", "white POM", *PRINTED), form, TIPS[tip], root, "with a grip" * grip, "thin"
    )


def hinge_arm(draw: Draw) -> Draft:
    """Arm that carries a door: barrels for the pin at one end, a drilled leaf at the other."""
    pin, wall, width = draw.one("pin", (3, 4, 5, 6)), draw.size("wall", 2, 5), draw.size("width", 14, 50)
    outer, reach, thick = pin + 2 * wall, draw.size("reach", 25, 90), draw.size("thick", 3, 7)
    step, barrels, cranked = (
        draw.size("step", -0.16, 0.32) * reach,
        draw.count("barrels", 1, 3),
        draw.chance("cranked", 0.6),
    )
    line, length = (
        [(0, 0), (outer * 0.8, step), (reach, step)] if cranked else [(0, 0), (reach, 0)],
        width / (2 * barrels - 1),
    )
    arm = strip(line, thick, width).rotate((90, 0, 0)).translate((0, width / 2, 0))
    for y in row(barrels - 1, 2 * length * (barrels - 2)) if barrels > 1 else ():
        arm -= bore((0, y, 0), outer + 0.8, length * 1.04, "y", 24)
    arm += union(bore((0, y, 0), outer, length, "y", 32) for y in row(barrels, 2 * length * (barrels - 1)))
    arm -= bore((0, 0, 0), pin * 1.05, width + 2, "y", 24)
    _, hole, nut = screw(draw, choices=(3, 4, 5))
    holes, end = draw.count("holes", 1, 4), line[-1][1]
    columns = row(2, width * 0.55) if holes > 2 and width > 2.6 * nut else [0.0]
    spots = [(x, y) for x in (0.9, 0.6) for y in columns][:holes]
    tools = [stepped((x * reach, y, end + thick / 2), hole, nut, thick * 0.3, thick * 3) for x, y in spots]
    rib, window = draw.chance("rib", 0.5), draw.chance("window", 0.3)
    if rib:
        root = (outer * 0.4, 0, min(end, 0) + thick * 0.2)
        arm += gusset(root, reach * 0.5, outer * 0.5 + abs(end), wall)
    if window:
        tools.append(obround(reach * 0.22, min(width * 0.3, reach * 0.15), 99).translate((reach * 0.38, 0, -49)))
    says = (
        many(barrels, "hinge barrel"),
        f"{pin} mm pin",
        many(len(spots), "counterbored hole"),
        "cranked" if cranked else "straight",
    )
    looks = ("zinc die-cast", "steel, black painted", *PRINTED)
    return drafted(draw, arm - union(tools), looks, *says, "with a rib" * rib, "with a slot" * window)


def cheeks(draw: Draw, inner: float, high: float, pitch: float, wall: float) -> Any:
    """Two side plates of a chain link, each stepped: a socket outside at one end, a peg inside at the other."""
    peg, parts, tools = high * draw.size("peg", 0.25, 0.5), [], []
    for side in (-1, 1):
        out, back = side * (inner / 2 + wall * 1.5), side * (inner / 2 + wall * 0.52)
        for end, y, far in ((pitch, out, 1), (0, back, 2)):
            root = brick((pitch / 2, y - wall / 2, 0), (pitch / 2 + far, y + wall / 2, high))
            parts.append(hulled([bore((end, y, high / 2), high, wall, "y"), root]))
        parts.append(bore((0, back + side * wall * 0.9, high / 2), peg * 0.95, wall, "y", 24))
        tools.append(bore((pitch, out, high / 2), peg, wall * 1.2, "y", 24))
    return union(parts) - union(tools)


def chain_link(draw: Draw) -> Draft:
    """Link of a cable drag chain: two cheeks with pegs and sockets, bars across."""
    inner, tall, bar, wall = (
        draw.size("inner", 8, 50),
        draw.size("tall", 8, 35),
        draw.size("bar", 1.6, 3),
        draw.size("wall", 1.6, 3.5),
    )
    high, across = tall + 2 * bar, inner + 2.5 * wall
    pitch = max(draw.size("pitch", 15, 50), high * 1.05)
    middle, run = pitch / 2, draw.size("run", 0.25, 0.6) * pitch

    def bridge(length: float, low: float, top: float) -> Any:
        return brick((middle - length / 2, -across / 2, low), (middle + length / 2, across / 2, top))

    kind = draw.one("bars", ("with closed bars", "with closed bars", "open above", "with narrow bridges"))
    parts = [cheeks(draw, inner, high, pitch, wall), bridge(run, 0, bar)]
    if kind != "open above":
        parts.append(bridge(run * (0.4 if "narrow" in kind else 1), high - bar, high))
    split, top = draw.count("partitions", 0, 2) if inner > 18 else 0, high * (0.8 if kind == "open above" else 1)
    fence = brick((middle - run * 0.4, -wall / 2, 0), (middle + run * 0.4, wall / 2, top))
    parts += [fence.translate((0, y, 0)) for y in row(split, inner * 0.34)] if split else []
    last = draw.chance("end link", 0.25)
    if last:
        flap = brick((pitch * 0.4, -across / 2, 0), (pitch * 1.7, across / 2, bar))
        parts.append(drilled(flap, [(pitch * 1.45, y) for y in row(2, inner * 0.6)], 3.4))
    says = (
        "two side plates with pegs and holes",
        f"for {inner:.0f} x {tall:.0f} mm of cable",
        kind,
        many(split, "partition"),
    )
    ends = "end link with two holes" if last else f"{pitch:.0f} mm pitch"
    return drafted(draw, union(parts), ("black nylon", "black PA6", *PRINTED), *says, ends, "hollow")


def grip(draw: Draw, diameter: float, height: float) -> tuple[Any, str]:
    """Body of a knob: fluted, ridged, lobed or smooth; and its name."""
    top, flutes, style = (
        draw.size("taper", 0.72, 1.0),
        draw.count("flutes", 5, 24),
        draw.one("style", ("lobes", *GRIPS)),
    )
    body, groove = (
        cylinder(diameter, height, 64, top=diameter * top),
        diameter * np.pi / flutes * draw.size("groove", 0.45, 0.8),
    )
    if style == "lobes":
        lobes, lobe = min(flutes, 8), cylinder(diameter * draw.size("lobe", 0.25, 0.4), height, 24)
        knobs = [lobe.translate((x, y, 0)) for x, y in ring(lobes, diameter * 0.4)]
        return union([cylinder(diameter * 0.75, height), *knobs]), many(lobes, "lobe")
    if style == "scallops":
        scoop = cylinder(groove, height * 2, 12).translate((0, 0, height * 0.15))
        body -= union(scoop.translate((x, y, 0)) for x, y in ring(flutes, diameter * 0.52))
    elif style == "ridges":
        ridge = cylinder(groove * 0.7, height * 0.85, 8)
        body += union(ridge.translate((x, y, 0)) for x, y in ring(flutes, diameter * top * 0.49))
    return body, GRIPS[style]


def knob(draw: Draw) -> Draft:
    """Knob with grip flutes and a bore that is flattened to a D."""
    diameter, height, shaft = draw.size("diameter", 14, 60), draw.size("height", 9, 32), draw.one("shaft", (4, 5, 6, 8))
    body, feel = grip(draw, diameter, height)
    skirt, mark = draw.chance("skirt", 0.4), draw.one("mark", ("none", "line", "dish", "cap"))
    if skirt:
        body += cylinder(diameter * 1.3, height * 0.18, 64, top=diameter * 1.15)
    if draw.chance("stem", 0.4):
        body += cylinder(shaft * 2.2, 6).translate((0, 0, -5.9))
    hole, flat = cylinder(shaft, height * 0.75 + 6, 32), draw.chance("flat", 0.75)
    body -= (hole - brick((shaft * 0.3, -9, -1), (9, 9, 99)) if flat else hole).translate((0, 0, -6))
    if mark == "line":
        body -= brick((diameter * 0.1, -1, height - 1), (diameter, 1, height + 1))
    elif mark == "dish":
        body -= cylinder(diameter * 0.5, 9).translate((0, 0, height * 0.92))
    elif mark == "cap":
        body += cylinder(diameter * 0.5, height * 0.25, 48, top=diameter * 0.38).translate((0, 0, height - 0.1))
    drill = f"{shaft} mm {'D-' if flat else 'round '}bore"
    says = (
        "round",
        f"{diameter:.0f} mm diameter",
        feel,
        drill,
        "with a skirt" * skirt,
        "with a pointer line" * (mark == "line"),
    )
    return drafted(draw, body, ("black ABS", *PRINTED), *says)


CLIPS = (
    Family(("cable clip", "cable holder", "hose clip"), cable_clip),
    Family(("belt clip", "belt clamp", "toothed belt clamp"), belt_clip),
    Family(("spring latch", "snap lever", "spring lever"), latch),
    Family(("door hinge arm", "hinge arm", "door hinge"), hinge_arm, held_out=True),
    Family(("cable chain link", "drag chain link", "energy chain link"), chain_link, held_out=True),
    Family(("control knob", "rotary knob", "fluted knob"), knob),
)
