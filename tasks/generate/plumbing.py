"""Made-up fittings: what pipes, hoses and cables run through."""

from __future__ import annotations

from typing import Any

import numpy as np

from tasks.generate.draw import Draft, Draw, Family
from tasks.generate.features import CAST, MILLED, Place, aimed, bevelled, bore, corners, many, row, told, whole
from tasks.generate.linkage import arc, shank
from tasks.generate.solids import (
    Points,
    box,
    circle,
    cylinder,
    drilled,
    prism,
    regular,
    ring,
    rounded,
    slab,
    swept,
    tube,
    turned,
    union,
)
from tasks.generate.strips import mm, sized

PIPES = (
    "brass",
    "stainless steel",
    "grey PVC",
    "cast iron",
    "steel, zinc plated",
    "black PP",
    "white PVC",
    "copper",
    "bronze",
)
ROUND = 32  # segments of a pipe: several of them are joined in each part
ENDS = ("plain", "socket", "socket", "flange", "hexagon", "thread")
SAID = {
    "plain": "plain ends",
    "socket": "socket ends",
    "flange": "flanged ends",
    "hexagon": "hexagon ends",
    "thread": "threaded ends",
}
BARB = ((0, 0), (0.6, 0), (0.6, 0.3), (0.45, 0.3), (0.45, 1), (0.6, 1), (0.42, 1.6), (0, 1.6))
DOME = ((0, 0), (0.48, 0), (0.48, 0.2), (0.42, 0.45), (0.3, 0.6), (0, 0.6))
PORTS = {"plain": "", "spotface": "spotfaced ports", "boss": "raised ports", "nipple": "with hose nipples"}
DRIVES = {
    "stem": "with a stem",
    "lever": "with a lever",
    "wheel": "with a handwheel",
    "open": "open bonnet",
    "butterfly": "with a butterfly handle",
}
STUBS = {
    "plain": "plain stub",
    "barb": "hose barb",
    "thread": "threaded stub",
    "bead": "beaded stub",
    "taper": "tapered stub",
}
UPPERS = {
    "dome nut": "with a dome nut",
    "barb": "with a hose barb",
    "thread": "threaded on both ends",
    "push-in": "push-in end",
}


def branch(pipe: float, length: float, end: str, bolts: int = 4) -> Any:
    """Solid arm of a fitting along +z with its end's shape; what runs through it is cut later."""
    if end == "thread":
        return cylinder(pipe, 0.5 * length) + shank(0.98 * pipe, 0.6 * length).translate((0, 0, 0.4 * length))
    arm = cylinder(pipe, length, ROUND)
    if end == "socket":
        collar = 0.38 * length
        return arm + turned(
            [(0, 0), (0.62 * pipe, 0), (0.64 * pipe, 0.1 * collar), (0.64 * pipe, collar), (0, collar)], ROUND
        ).translate((0, 0, length - collar))
    if end == "hexagon":
        nut = bevelled(circle(1.45 * pipe, 6), 0.4 * length, 0.04 * pipe, 0.04 * pipe)
        return arm + nut.translate((0, 0, 0.6 * length))
    if end == "flange":
        plate = drilled(cylinder(1.95 * pipe, 0.2 * pipe, 56), ring(bolts, 0.77 * pipe, 45), 0.2 * pipe)
        return arm + plate.translate((0, 0, length - 0.2 * pipe))
    return arm


def bored(arms: Any, ways: list[Place], length: float, pipe: float, inner: float, end: str) -> Any:
    """`arms` less the bores along `ways` (rotations in degrees), wider at the mouth of a socket."""
    tool = cylinder(inner, 2 * length, ROUND)
    if end in {"socket", "hexagon"}:
        tool += cylinder(max(0.98 * pipe, inner), length, ROUND).translate((0, 0, 0.72 * length))
    return arms - union(tool.rotate(way) for way in ways)


def fitting(draw: Draw, ways: list[Place], *, forked: bool = False) -> tuple[Any, float, float, str]:
    """Arms along `ways` about a common middle: solid, pipe's diameter, length of an arm and kind of ends."""
    pipe, end = draw.size("pipe", 8, 60), draw.one("ends", ENDS)
    length = pipe * draw.size("length", 1.22, 2.0)
    if forked:  # the ends of a Y need room beside each other
        length = max(length, pipe * (2.7 if end == "flange" else 2.1))
    inner, bolts = pipe * draw.size("inner", 0.6, 0.85), draw.count("bolts", 4, 6)
    inner = min(inner, 0.72 * pipe) if end == "thread" else inner
    middle = draw.one("middle", ("round", "round", "ball", "cube"))
    from manifold3d import Manifold

    solid = union(branch(pipe, length, end, bolts).rotate(way) for way in ways)
    if middle == "ball":
        solid += Manifold.sphere(0.66 * pipe, ROUND)
    elif middle == "cube":
        solid += bevelled(rounded(1.25 * pipe, 1.25 * pipe, 0.1 * pipe), 1.25 * pipe, 0.1 * pipe, 0.1 * pipe).translate(
            (0, 0, -0.625 * pipe)
        )
    else:
        solid += Manifold.sphere(0.5 * pipe, ROUND)
    return bored(solid, ways, length, pipe, inner, end), pipe, length, end


ALONG = [(0.0, 90.0, 0.0), (0.0, -90.0, 0.0)]


def tee(draw: Draw) -> Draft:
    """Pipe fitting with a branch: square to the run, or at an angle."""
    lean = draw.one("angle", (0.0, 0.0, 0.0, 45.0))
    solid, pipe, length, end = fitting(draw, [*ALONG, (0.0, lean, 0.0)], forked=lean > 0)
    pad = draw.chance("mounting pad", 0.15)
    if pad:
        solid += drilled(
            slab(2 * pipe, 1.2 * pipe, 0.15 * pipe, 0.2 * pipe), [(0.8 * pipe, 0), (-0.8 * pipe, 0)], 0.2 * pipe
        ).translate((0, 0, -0.62 * pipe))
    says = told(
        "T-shaped" if not lean else "Y-shaped",
        "three ways",
        SAID[end],
        f"{pipe:.0f} mm pipe",
        mm(2 * length, "long"),
        "with a mounting pad" if pad else "hollow",
    )
    return Draft(whole(solid), says, draw.one("material", PIPES))


def cross(draw: Draw) -> Draft:
    """Pipe fitting with four ways in one plane, or with five or six."""
    more = draw.one("ways", (4, 4, 4, 5, 6))
    ways = [*ALONG, (0.0, 0.0, 0.0), (180.0, 0.0, 0.0), (90.0, 0.0, 0.0), (-90.0, 0.0, 0.0)][:more]
    solid, pipe, length, end = fitting(draw, ways)
    says = told(
        "cross-shaped", f"{many(more, 'way')}", SAID[end], f"{pipe:.0f} mm pipe", mm(2 * length, "long"), "hollow"
    )
    return Draft(whole(solid), says, draw.one("material", PIPES))


def bend_line(radius: float, turn: float, lead: float) -> tuple[Points, Place]:
    """Middle line (n, 3) of a bend that starts upwards at the origin and turns to +x, and where the bend ends.

    The line goes on straight for `lead` at both ends, so that the pipe's ends are square to it.
    """
    path = arc(radius, 180, 180 - turn, 14) + np.array([radius, 0])
    way = np.array([np.sin(np.radians(turn)), np.cos(np.radians(turn))])
    path = np.concatenate([[(0, -lead)], path, [path[-1] + lead * way]])
    line = np.stack([path[:, 0], np.zeros(len(path)), path[:, 1]], 1)
    return line, (float(line[-2, 0]), 0.0, float(line[-2, 2]))


def elbow(draw: Draw) -> Draft:
    """Pipe bend with the same ends on both sides."""
    pipe, end = draw.size("pipe", 8, 60), draw.one("ends", ENDS)
    turn, radius = draw.one("angle", (90.0, 90.0, 90.0, 45.0, 60.0)), pipe * draw.size("radius", 0.7, 1.6)
    length, inner = pipe * draw.size("length", 0.6, 1.2), pipe * draw.size("inner", 0.6, 0.84)
    inner = min(inner, 0.72 * pipe) if end == "thread" else inner
    line, place = bend_line(radius, turn, 0.1 * pipe)
    arm = branch(pipe, length, end)
    mouth = cylinder(inner, 2 * length, ROUND)
    if end in {"socket", "hexagon"}:
        mouth += cylinder(max(0.98 * pipe, inner), length, ROUND).translate((0, 0, 0.75 * length))
    solid = swept(line, circle(pipe, ROUND)) + arm.rotate((180, 0, 0)) + arm.rotate((0, turn, 0)).translate(place)
    solid -= swept(line, circle(inner, ROUND))
    solid -= mouth.rotate((180, 0, 0)) + mouth.rotate((0, turn, 0)).translate(place)
    says = told(
        f"{turn:.0f} degree bend",
        "curved pipe",
        SAID[end],
        f"{pipe:.0f} mm pipe",
        "long radius" if radius > 1.2 * pipe else "short radius",
        "two ways",
    )
    return Draft(whole(solid), says, draw.one("material", PIPES))


def ported(draw: Draw, solid: Any, tops: list[float], port: float, kind: str) -> Any:
    """`solid` with a row of ports on its top: plain, spotfaced, raised or with nipples."""
    z = solid.bounding_box()[5]
    if kind == "boss":
        solid += union(cylinder(1.45 * port, 0.25 * z + 1).translate((a, 0, z - 1)) for a in tops)
    if kind == "nipple":
        barb = turned(sized(BARB, port, port), 32)
        solid += union(barb.translate((a, 0, z - 0.01)) for a in tops)
        port *= 0.55
    tool = cylinder(port, z + 2 * port, 32).translate((0, 0, 0.5 * z))
    if kind == "spotface":
        tool += cylinder(1.5 * port, z, 32).translate((0, 0, 0.95 * z))
    if draw.chance("side ports", 0.35):
        tool += aimed(cylinder(0.6 * port, 2 * z, 24), "y").translate((0, 0, 0.4 * z))
    return solid - union(tool.translate((a, 0, 0)) for a in tops)


def manifold_block(draw: Draw) -> Draft:
    """Bar with a row of ports on top and bigger ones at its ends."""
    ports, pitch = draw.count("ports", 2, 8), draw.size("pitch", 14, 40)
    x, y = (ports + draw.size("ends", 0.3, 1.0)) * pitch, pitch * draw.size("width", 0.8, 1.6)
    z, kind = pitch * draw.size("height", 0.8, 1.5), draw.one("port kind", tuple(PORTS))
    main, level = 0.55 * min(y, z), 0.45 * z
    solid = bevelled(rounded(x, y, 0.04 * y), z, 0.03 * y, 0.03 * y)
    solid = ported(draw, solid, row(ports, (ports - 1) * pitch), pitch * draw.size("port", 0.35, 0.62), kind)
    solid -= bore((0, 0, level), main, 2 * x, "x")
    plugged = draw.chance("end plug", 0.3)
    if plugged:
        head = prism(6, 1.25 * main, 0.4 * main) + cylinder(main, 0.2 * x + 0.1).translate((0, 0, -0.2 * x))
        solid += aimed(head, "x").translate((x / 2 - 0.1, 0, level))
    bolt, fixing = 0.12 * y + 1, draw.one("fixing", ("through", "none", "ears"))
    if fixing == "through":
        solid = drilled(solid, corners(x, y, 0.9 * bolt), bolt)
    elif fixing == "ears":
        reach = (x + 2.4 * bolt) / 2
        wing = slab(x + 5 * bolt, 0.7 * y, 0.16 * z, 1.5 * bolt) - box(0.9 * x, y, z)
        solid += drilled(wing, [(reach, 0), (-reach, 0)], bolt)
    says = told(
        many(ports, "port"),
        "rectangular block",
        PORTS[kind],
        "ports on two sides" if draw.values["side ports"] else "ports in a row",
        "with mounting ears" if fixing == "ears" else "one end plugged" if plugged else "end ports",
        mm(x, "long"),
        "long" if x > 3 * y else "",
    )
    return Draft(whole(solid), says, draw.one("material", (*MILLED, "brass", "black PP", "aluminium, blue anodised")))


def drive(draw: Draw, pipe: float, kind: str) -> Any:
    """What turns a valve, on a stem upwards from z = 0: a lever, a wheel or a butterfly."""
    stem = cylinder(0.28 * pipe, 0.9 * pipe, 24)
    if kind == "lever":
        long = draw.size("lever", 2.2, 3.6) * pipe
        return stem + slab(long, 0.45 * pipe, 0.12 * pipe, 0.2 * pipe).translate((0.4 * long, 0, 0.55 * pipe))
    if kind == "butterfly":
        return stem + slab(1.9 * pipe, 0.3 * pipe, 0.5 * pipe, 0.15 * pipe).translate((0, 0, 0.45 * pipe))
    if kind == "wheel":
        spokes = box(1.7 * pipe, 0.16 * pipe, 0.16 * pipe) + box(0.16 * pipe, 1.7 * pipe, 0.16 * pipe)
        return stem + (tube(1.9 * pipe, 1.55 * pipe, 0.2 * pipe) + spokes).translate((0, 0, 0.65 * pipe))
    return stem


def bonnet(pipe: float, kind: str) -> Any:
    """Upper end of a valve's neck, on z = 0: a hexagon, a round cap or a square flange with holes."""
    if kind == "flanged":
        wide = 1.5 * pipe
        return drilled(slab(wide, wide, 0.22 * pipe, 0.3 * pipe), corners(wide, wide, 0.22 * pipe), 0.16 * pipe)
    return prism(6, 0.8 * pipe, 0.35 * pipe) if kind == "hexagon" else cylinder(0.84 * pipe, 0.3 * pipe)


def valve(draw: Draw) -> Draft:
    """Valve body: two pipe ends, a chamber, a bonnet, perhaps with its lever or wheel."""
    from manifold3d import Manifold

    pipe, end = draw.size("pipe", 10, 50), draw.one("ends", ("hexagon", "hexagon", "flange", "socket", "thread"))
    length, inner = pipe * draw.size("length", 1.2, 2), pipe * draw.size("inner", 0.55, 0.7)
    chamber, shape = pipe * draw.size("chamber", 1.25, 1.7), draw.one("chamber shape", ("ball", "drum", "barrel"))
    level = max(pipe * draw.size("bonnet", 1.0, 1.7), 0.5 * chamber + 0.2 * pipe)
    solid = Manifold.sphere(chamber / 2, 36)
    if shape != "ball":
        drum = cylinder(chamber, chamber).translate((0, 0, -chamber / 2))
        solid = drum if shape == "drum" else aimed(drum, "x")
    solid += union(branch(pipe, length, end).rotate(way) for way in ALONG)
    solid = bored(solid, ALONG, length, pipe, inner, end)
    cap, turns = draw.one("bonnet kind", ("hexagon", "flanged", "round")), draw.one("drive", tuple(DRIVES))
    tower = cylinder(0.7 * pipe, level - 0.3 * chamber).translate((0, 0, 0.3 * chamber))
    tower += bonnet(pipe, cap).translate((0, 0, level - 0.02 * pipe))
    if turns == "open":
        tower -= cylinder(0.35 * pipe, level, 24).translate((0, 0, 0.75 * level))
    else:
        tower += drive(draw, pipe, turns).translate((0, 0, level + 0.15 * pipe))
    says = told("two ways", SAID[end], DRIVES[turns], f"{cap} bonnet", f"{pipe:.0f} mm pipe", mm(2 * length, "long"))
    return Draft(whole(solid + tower), says, draw.one("material", ("chrome plated brass", *PIPES[:4], "bronze")))


def stub_flange(draw: Draw) -> Draft:
    """Square or round flange with a pipe stub."""
    pipe, thick = draw.size("pipe", 12, 70), draw.size("thickness", 0.12, 0.3)
    thick *= pipe
    wide, count = pipe * draw.size("flange", 1.7, 2.4), draw.one("bolts", (4, 4, 6, 8))
    square, tall = draw.chance("square", 0.65), pipe * draw.size("stub", 0.4, 2)
    count = 4 if square else count
    bolt = draw.size("bolt", 0.32, 0.5) * (wide - pipe) / 2
    pitch = (wide + pipe) / 4 * (1.3 if square else 1.0)
    base = slab(wide, wide, thick, draw.size("corner", 0.5, 1.4) * bolt) if square else cylinder(wide, thick, 64)
    solid = drilled(base, ring(count, pitch, 45), bolt)
    end, inner = draw.one("end", tuple(STUBS)), pipe * draw.size("inner", 0.6, 0.86)
    if end == "thread":
        stub, inner = shank(pipe, tall), min(inner, 0.66 * pipe)
    elif end == "barb":
        tooth = cylinder(1.1 * pipe, tall / 4, top=0.94 * pipe)
        stub = union([cylinder(0.95 * pipe, tall), *(tooth.translate((0, 0, k * tall / 4)) for k in range(4))])
    else:
        stub = cylinder(pipe, tall, top=pipe * (0.92 if end == "taper" else 1))
        bead = tube(1.12 * pipe, inner, 0.12 * pipe).translate((0, 0, 0.8 * tall))
        stub = stub + bead if end == "bead" else stub
    solid += stub.translate((0, 0, 0.9 * thick))
    raised = draw.chance("raised face", 0.35)
    if raised:
        solid += cylinder(1.25 * pipe, 0.1 * thick + 0.5).translate((0, 0, -0.1 * thick - 0.4))
    solid -= cylinder(inner, 9 * pipe).translate((0, 0, -4 * pipe))
    says = told(
        "square flange" if square else "round flange",
        many(count, "mounting hole"),
        STUBS[end],
        f"{pipe:.0f} mm pipe",
        mm(wide, "across"),
        "with a central hole",
    )
    return Draft(
        whole(solid),
        (*says, mm(tall, "stub")),
        draw.one("material", (*CAST[:4], "stainless steel", "black PP", "grey PVC", "aluminium")),
    )


def gland_upper(size: float, across: float, upper: float, kind: str) -> Any:
    """Upper end of a gland, on z = 0: a dome nut, a hose barb, a thread or a push-in sleeve."""
    if kind == "thread":
        return shank(0.92 * size, upper)
    if kind == "barb":
        tooth = cylinder(0.85 * size, upper / 3, top=0.68 * size)
        return union([cylinder(0.7 * size, upper), *(tooth.translate((0, 0, k * upper / 3)) for k in range(3))])
    if kind == "push-in":
        collar = cylinder(1.05 * size, 0.1 * upper).translate((0, 0, 1.1 * upper))
        return cylinder(1.1 * size, upper) + cylinder(0.9 * size, 1.15 * upper) + collar
    nut = bevelled(regular(6, across), 0.5 * upper, 0.05 * size, 0.02 * size)
    dome = turned(sized(DOME, across, upper)).translate((0, 0, 0.48 * upper))
    return (nut + dome).translate((0, 0, 0.08 * size)) + cylinder(0.95 * size, 0.4 * upper)


def gland(draw: Draw) -> Draft:
    """Screwed entry: a threaded end, a hexagon and a dome nut, a hose barb or a second thread."""
    size = float(draw.one("size", (8, 10, 12, 16, 20, 25, 32)))
    thread, flats = size * draw.size("thread", 0.5, 1.1), draw.size("hexagon", 0.25, 0.5) * size
    across, kind = size * draw.size("across", 1.2, 1.45), draw.one("upper", ("dome nut", *UPPERS))
    inner, upper = size * draw.size("inner", 0.4, 0.55), size * draw.size("upper length", 0.5, 1.2)
    solid = shank(size, thread).rotate((180, 0, 0)).translate((0, 0, 0.01))
    solid += bevelled(regular(6, across), flats, 0.04 * size, 0.04 * size)
    solid += gland_upper(size, across, upper, kind).translate((0, 0, flats - 0.01))
    solid -= bore((0, 0, 0), inner, 20 * size)
    z0, z1 = solid.bounding_box()[2], solid.bounding_box()[5]
    words = (UPPERS[kind], f"M{size:.0f}", f"{inner:.0f} mm bore", mm(z1 - z0, "long"))
    material = draw.one("material", ("brass", "black nylon", "grey nylon", "stainless steel", "nickel plated brass"))
    return Draft(whole(solid), told("hexagon", "threaded end", *words, "hollow"), material)


FAMILIES: tuple[Family, ...] = (
    Family(("manifold block", "distributor block", "port manifold"), manifold_block),
    Family(("valve", "valve body", "ball valve"), valve),
    Family(("pipe tee", "tee fitting", "T-piece"), tee),
    Family(("pipe cross", "cross fitting", "four-way fitting"), cross),
    Family(("flange with pipe stub", "pipe flange", "hose flange"), stub_flange),
    Family(("pipe elbow", "elbow fitting", "pipe bend"), elbow, held_out=True),
    Family(("cable gland", "threaded fitting", "screw fitting"), gland, held_out=True),
)
