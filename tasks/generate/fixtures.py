"""Made-up machine pieces of one block: carriages, V-blocks, jaws, caps and feet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.generate.draw import Draft, Draw, Family
from tasks.generate.features import (
    PRINTED,
    aimed,
    bevelled,
    bore,
    build,
    many,
    row,
    stepped,
    told,
    upright,
    whole,
)
from tasks.generate.linkage import shank
from tasks.generate.solids import (
    Points,
    box,
    circle,
    cylinder,
    drilled,
    prism,
    ring,
    rounded,
    turned,
    union,
)
from tasks.generate.strips import between, grid, mirrored, mm, plate, sized

BOXES = (*PRINTED[:8], "grey ABS", "aluminium", "black ABS", "aluminium, black anodised")
if TYPE_CHECKING:
    from collections.abc import Callable

GROOVE = ((0.52, -0.1), (0.52, 0.25), (0.4, 0.4), (0.4, 0.6), (0.52, 0.75), (0.52, 1.0))
FACES = {
    "plain": "plain face",
    "serrated": "serrated face",
    "stepped": "stepped",
    "V": "crossed V grooves",
    "lipped": "with a lip",
}
SOFT = ("black polyethylene", "black nylon", "grey polyethylene", "white PP", "black rubber", "red polyethylene")


def carriage(draw: Draw) -> Draft:
    """Block that runs on a profiled rail: grooved below, screw holes on top."""
    size = float(draw.one("size", (9, 12, 15, 20, 25)))
    wide, tall = size * draw.size("width", 1.9, 2.6), size * draw.size("height", 0.85, 1.3)
    long = wide * draw.size("length", 0.9, 2.0)
    flanged = draw.chance("flanged", 0.35)
    body = upright(mirrored([(wide / 2, 0), (wide / 2, 0.9 * tall), (0.46 * wide, tall)]), long)
    caps = upright(
        mirrored([(0.48 * wide, 0.04 * tall), (0.48 * wide, 0.9 * tall)]), long * draw.size("caps", 1.2, 1.4)
    )
    solid = body + caps
    if flanged:
        solid += box(1.45 * wide, 0.9 * long, 0.35 * tall).translate((0, 0, 0.65 * tall))
    solid -= upright(mirrored(sized(GROOVE, size, 0.62 * tall)), 3 * long)
    across = (1.22 if flanged else 0.68) * wide
    rows, screw = draw.one("rows", (2, 2, 1)) if not flanged else 2, draw.size("screw", 0.14, 0.24) * size
    spots = grid(2, rows, across, 0.6 * long)
    solid -= union(cylinder(screw, tall, 24).translate((x, y, (0.5 if not flanged else -0.2) * tall)) for x, y in spots)
    if draw.chance("nipple", 0.4):
        solid += aimed(cylinder(0.2 * size, 0.25 * size, 16), "y").translate((0, long * 0.59, 0.75 * tall))
    says = told(
        "grooved block",
        "with a flange" if flanged else "slim",
        many(len(spots), "threaded hole"),
        f"for {size:.0f} mm rail",
        mm(1.3 * long, "long"),
    )
    return Draft(
        whole(solid),
        (*says, mm(tall, "high")),
        draw.one("material", ("stainless steel", "steel", "steel, black oxide", "black POM", "grey PETG")),
    )


def v_block(draw: Draw) -> Draft:
    """Block with a V groove for round work, slots at its sides."""
    x = draw.size("width", 20, 90)
    z, y = x * draw.size("height", 0.6, 1.2), x * draw.size("length", 0.5, 2.2)
    half = x * draw.size("groove", 0.25, 0.42)
    deep = min(half * draw.one("slope", (1.0, 1.0, 0.6)), 0.6 * z)
    relief = draw.size("relief", 0.02, 0.06) * x
    solid = box(x, y, z) - upright([(0, z - deep), (half * 1.1, z + 0.1 * deep), (-half * 1.1, z + 0.1 * deep)], 2 * y)
    solid -= box(2 * relief, 2 * y, deep + relief).translate((0, 0, z - deep - relief))
    double = draw.chance("double", 0.4) and deep < 0.5 * z
    if double:
        h = 0.5 * half
        solid -= upright([(-1.2 * h, -0.2 * h), (1.2 * h, -0.2 * h), (0, min(h, 0.25 * z))], 2 * y)
    slots = draw.chance("slots", 0.5)
    if slots:
        rail = box(0.14 * x, 2 * y, 0.16 * z)
        solid -= rail.translate((x / 2, 0, 0.35 * z)) + rail.translate((-x / 2, 0, 0.35 * z))
    holes_there = draw.chance("screws", 0.5)
    if holes_there:
        spots = [
            ((x + 2 * half) / 4 * side, at) for side in (-1, 1) for at in row(draw.count("screw rows", 1, 2), 0.6 * y)
        ]
        solid = drilled(solid, spots, min(0.35 * (x / 2 - half), 0.2 * y))
    if draw.chance("cross hole", 0.25):
        solid -= bore((0, 0, 0.5 * (z - deep)), 0.4 * (z - deep), 2 * x, "x")
    solid ^= bevelled(rounded(x, y, 0.02 * x), z, 0.02 * x, 0.02 * x)
    says = told(
        "V groove",
        "two grooves" if double else "one groove",
        "side slots" if slots else "",
        many(len(spots), "screw hole") if holes_there else "",
    )
    says += (build(solid), f"{x:.0f} x {y:.0f} x {z:.0f} mm", "block")
    return Draft(
        whole(solid),
        told(*says),
        draw.one("material", ("steel", "steel, black oxide", "cast iron", "stainless steel", "aluminium")),
    )


def faced(draw: Draw, x: float, thick: float, tall: float, kind: str) -> Any:
    """Block whose face towards -y is plain, toothed, stepped, grooved or lipped."""
    solid = box(x, thick, tall)
    if kind == "serrated":
        count = max(5, min(24, int(x / 4)))
        tooth = box(0.7 * x / count, 0.7 * x / count, 2 * tall).rotate((0, 0, 45))
        return solid - union(tooth.translate((at, -thick / 2, -1)) for at in row(count, x - x / count))
    if kind == "stepped":
        step = draw.size("step", 0.15, 0.5) * tall
        return solid - box(2 * x, 0.5 * thick, step + 1).translate((0, -thick / 2, tall - step))
    if kind == "V":
        v = 0.35 * thick
        upward = box(v, v, 3 * tall).rotate((0, 0, 45)).translate((0, -thick / 2, -1))
        across = box(3 * x, v, v).rotate((45, 0, 0)).translate((0, -thick / 2, 0.5 * tall - 0.7 * v))
        return solid - upward - across
    return solid + box(x, 1.6 * thick, 0.3 * tall).translate((0, 0.3 * thick, 0)) if kind == "lipped" else solid


def jaw(draw: Draw) -> Draft:
    """Jaw of a vice or fixture: stepped or serrated, with counterbored screw holes."""
    x = draw.size("length", 30, 160)
    tall, kind = min(draw.size("height", 15, 60), 0.7 * x), draw.one("face", tuple(FACES))
    thick, count = tall * draw.size("thickness", 0.3, 0.8), draw.count("screws", 2, 4)
    screw = min(draw.size("screw", 4.5, 13), 0.3 * tall, 0.35 * x / count)
    tool = stepped((0, 0, 0), screw, 1.65 * screw, min(screw, 0.45 * thick), 4 * thick).rotate((90, 0, 0))
    solid = faced(draw, x, thick, tall, kind)
    solid -= union(tool.translate((at, -thick / 2, 0.42 * tall)) for at in row(count, 0.62 * x))
    if draw.chance("chamfer", 0.5):
        solid ^= bevelled(rounded(x, 4 * thick, 0.6), tall, 0.03 * tall, 0.06 * tall)
    says = told("rectangular block", FACES[kind], many(count, "counterbored hole"), mm(x, "long"), mm(tall, "high"))
    material = draw.one("material", ("steel", "steel, black oxide", "aluminium", "stainless steel", "black POM"))
    return Draft(whole(solid), (*says, mm(thick, "thick")), material)


def plug(draw: Draw, outline: Callable[[float], Points], wall: float, deep: float, size: float) -> tuple[Any, int]:
    """Hollow shank of a plug, downwards from z = 0, with lamellae about it, and their number."""
    inner = 0.06 * size + 0.6
    solid = plate(outline(inner), deep, [outline(inner + wall)]).translate((0, 0, -deep + 0.001))
    ribs, thin = draw.count("ribs", 0, 4), 2 * min(0.8, 0.05 * deep)
    lamella = plate(outline(inner - min(0.045 * size, 1.6)), thin, [outline(inner + 0.4)])
    return union(
        [solid, *(lamella.translate((0, 0, -deep * at)) for at in between(0.1, 0.9, max(ribs, 1))[:ribs])]
    ), ribs


def end_cap(draw: Draw) -> Draft:
    """Plug or cap for the end of a tube, square or round."""
    size, kind = draw.size("size", 10, 80), draw.one("kind", ("plug", "plug", "cap"))
    circular = draw.chance("round", 0.45)
    y = size if circular or draw.chance("square", 0.6) else size * draw.size("ratio", 0.45, 0.8)
    wall, deep = min(draw.size("wall", 1.2, 3.5), 0.12 * y), draw.size("depth", 0.3, 0.9) * size
    head, corner = draw.size("head", 0.06, 0.2) * size, draw.size("corner", 0.04, 0.2) * y

    def outline(shrink: float) -> Points:
        x = size - 2 * shrink
        return circle(x) if circular else rounded(x, y - 2 * shrink, max(corner - shrink, 0.4))

    solid, ribs = bevelled(outline(0), head, 0, draw.size("bulge", 0.0, 0.6) * head), 0
    if kind == "cap":
        solid += plate(outline(0), deep, [outline(wall)]).translate((0, 0, 0.001 - deep))
    else:
        shell, ribs = plug(draw, outline, wall, deep, size)
        solid += shell
    hole = draw.one("hole", ("none", "none", "thread", "stud"))
    if hole == "thread":
        solid += cylinder(0.42 * y, 0.5 * deep, 32).translate((0, 0, 0.01 - 0.5 * deep))
        solid -= cylinder(0.24 * y, 9 * size, 24).translate((0, 0, -4 * size))
    elif hole == "stud":
        solid += shank(0.25 * y, 0.7 * size).translate((0, 0, head * 0.9))
    same = y == size
    says = told(
        "round" if circular else "square" if same else "rectangular",
        f"for {size:.0f} mm tube" if same else f"for {size:.0f} x {y:.0f} mm tube",
        "push-in" if kind == "plug" else "push-on",
        many(ribs, "rib"),
        {"none": "closed", "thread": "with a threaded hole", "stud": "with a stud"}[hole],
        "hollow",
        mm(deep + head, "deep"),
    )
    return Draft(whole(solid), says, draw.one("material", SOFT))


def foot(draw: Draw) -> Draft:
    """Levelling or pedestal foot: a round base with a stud, a socket or a column on it."""
    wide, tall = draw.size("base", 20, 100), draw.size("cone", 0.15, 0.45)
    rim, neck = wide * draw.size("rim", 0.05, 0.14), wide * draw.size("neck", 0.25, 0.42)
    tall = rim + wide * tall
    curve = draw.size("curve", -0.2, 0.25) * (wide - neck) / 2
    middle = ((wide + neck) / 4 - curve, (rim + tall) / 2)
    solid = turned(
        [(0, 0), (wide * 0.48, 0), (wide / 2, 0.02 * wide), (wide / 2, rim), middle, (neck / 2, tall), (0, tall)], 64
    )
    kind, stud = draw.one("top", ("stud", "stud", "column", "socket")), neck * draw.size("stud", 0.45, 0.7)
    length = wide * draw.size("length", 0.5, 2)
    if kind == "stud":
        solid += shank(stud, length).translate((0, 0, tall - 0.01))
        if draw.chance("nut", 0.6):
            level = tall + draw.size("nut at", 0.0, 0.4) * length - 0.01
            solid += prism(6, 1.6 * stud, 0.7 * stud).translate((0, 0, level))
    elif kind == "column":
        top = drilled(cylinder(0.6 * wide, 0.08 * wide, 48), ring(4, 0.23 * wide), 0.06 * wide)
        solid += cylinder(neck, length, top=0.8 * neck).translate((0, 0, tall - 0.01))
        solid += top.translate((0, 0, tall + length - 0.03))
    else:
        solid += prism(6, neck, 0.25 * wide).translate((0, 0, tall - 0.01))
        solid -= cylinder(stud, wide).translate((0, 0, tall * 0.5))
    ribs = draw.count("grip", 6, 12) if draw.chance("gripped", 0.25) else 0
    if ribs:
        solid -= union(cylinder(0.12 * wide, 2 * rim, 20).translate((x, y, -0.1)) for x, y in ring(ribs, 0.53 * wide))
    bolted = draw.chance("bolt holes", 0.3) and wide > 1.9 * neck
    if bolted:
        solid -= union(cylinder(0.08 * wide, tall, 20).translate((x, y, -0.1)) for x, y in ring(2, 0.4 * wide))
    word = {"stud": "with a threaded stud", "column": "with a column", "socket": "with a threaded socket"}[kind]
    says = told(
        "round base",
        word,
        f"M{stud:.0f}" if kind != "column" else "",
        "two bolt holes" if bolted else "",
        "fluted rim" if ribs else "conical",
        mm(wide, "base"),
    )
    z0, z1 = solid.bounding_box()[2], solid.bounding_box()[5]
    return Draft(
        whole(solid),
        (*says, mm(z1 - z0, "high")),
        draw.one("material", ("black nylon", "stainless steel", "steel, zinc plated", "black rubber", "grey nylon")),
    )


FAMILIES: tuple[Family, ...] = (
    Family(("linear carriage", "rail carriage", "linear guide block"), carriage),
    Family(("V-block", "vee block", "prism block"), v_block),
    Family(("vice jaw", "fixture jaw", "clamping jaw"), jaw),
    Family(("end cap", "tube plug", "end plug"), end_cap),
    Family(("levelling foot", "machine foot", "pedestal foot"), foot),
)
