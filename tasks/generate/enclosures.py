"""Made-up boxes, lids and heat sinks of electronics."""

from __future__ import annotations

import numpy as np

from tasks.generate.draw import Draft, Draw, Family
from tasks.generate.features import (
    PRINTED,
    brick,
    corners,
    hollow,
    many,
    row,
    told,
    upright,
    whole,
)
from tasks.generate.solids import (
    Points,
    box,
    circle,
    cylinder,
    drilled,
    rounded,
    slab,
    tube,
    union,
)
from tasks.generate.strips import grid, holes, mm, pierced, plate

BOXES = (*PRINTED[:8], "grey ABS", "aluminium", "black ABS", "aluminium, black anodised")


def box_base(draw: Draw) -> Draft:
    """Open box with screw posts in its corners, cut-outs and vents in its walls."""
    x = draw.size("length", 40, 160)
    y, z = x * draw.size("ratio", 0.45, 1), draw.size("height", 12, 70)
    z, wall = min(z, 0.8 * y), draw.size("wall", 1.5, 3.5)
    corner = draw.size("corner", 0.8, 9)
    solid = hollow(x, y, z, wall, corner)
    post = min(draw.size("post", 5, 9), 0.2 * y)
    spots = corners(x, y, wall + 0.42 * post)
    posts = union(cylinder(post, z - wall - draw.size("post drop", 0, 3), 24).translate((a, b, 0)) for a, b in spots)
    solid += posts - union(cylinder(0.45 * post, z, 16).translate((a, b, wall + 1)) for a, b in spots)
    count = draw.count("cut-outs", 0, 3)
    wide = min(draw.size("cut-out", 6, 18), 0.5 * y / max(count, 1))
    high = min(wide * draw.size("cut-out ratio", 0.5, 1), 0.5 * (z - wall))
    for at in row(count, 0.5 * y) if count else ():
        hole = circle(high, 24) if draw.chance("round cut-out", 0.3) else rounded(high, wide, 0.15 * high)
        solid = pierced(solid, [(x / 2, at, wall + 0.5 * (z - wall))], hole, "x", 4 * wall)
    vents = draw.count("vents", 4, 9) if draw.chance("vented", 0.5) else 0
    if vents:
        solid = pierced(
            solid,
            [(a, 0, 0.55 * z) for a in row(vents, 0.5 * x)],
            rounded(min(2.5, 0.25 * x / vents), 0.45 * z, 0.6),
            "y",
            3 * y,
        )
    ears = draw.chance("ears", 0.35)
    if ears:
        lug = drilled(slab(24, 14, max(wall, 2.5), 6).translate((6, 0, 0)), [(12, 0)], 4.5) - box(
            1000, 1000, 1
        ).translate((0, 0, -2))
        lug -= brick((-40, -40, -1), (-wall / 2, 40, 90))
        solid += union(lug.rotate((0, 0, 180 * k)).translate((x / 2 * (1 - 2 * k), 0, 0)) for k in (0, 1))
    inside = grid(2, 2, 0.55 * x, 0.5 * y) if draw.chance("standoffs", 0.5) else []
    if inside:
        solid += union(tube(5.5, 2.6, wall + 5, 20).translate((a, b, 0)) for a, b in inside)
    says = told(
        "open box",
        "four screw posts",
        many(count, "cut-out"),
        many(vents, "vent slot"),
        "with mounting ears" if ears else "",
    )
    says += (f"{x:.0f} x {y:.0f} x {z:.0f} mm", "thin walls")
    return Draft(whole(solid), says, draw.one("material", BOXES))


def box_lid(draw: Draw) -> Draft:
    """Flat lid with a rim, screw holes in its corners and vents or a window."""
    x = draw.size("length", 40, 160)
    y, thick = x * draw.size("ratio", 0.45, 1), draw.size("thickness", 1.5, 4)
    corner, inset = draw.size("corner", 0.8, 9), draw.size("inset", 3.5, 6.5)
    rim, style = draw.size("rim", 1.5, 8), draw.one("rim", ("inside", "outside", "none"))
    kind, count = draw.one("opening", ("none", "slots", "window", "grille", "round")), draw.count("slots", 3, 9)
    cuts: list[Points] = []
    if kind == "slots":
        wide = min(3.0, 0.3 * x / count)
        cuts = [rounded(wide, 0.5 * y, 0.4 * wide) + np.array([at, 0.0]) for at in row(count, 0.5 * x)]
    elif kind == "window":
        cuts = [rounded(draw.size("window", 0.3, 0.6) * x, 0.4 * y, 2)]
    elif kind == "grille":
        cuts = holes(grid(count, 5, 0.5 * x, 0.45 * y), min(4, 0.07 * y, 0.35 * x / count), segments=12)
    elif kind == "round":
        cuts = [circle(draw.size("round opening", 0.2, 0.6) * y)]
    solid = plate(rounded(x, y, corner), thick, cuts)
    if style != "none":
        shrink = 0.0 if style == "outside" else 3.2
        outer = rounded(x - 2 * shrink, y - 2 * shrink, corner)
        solid += plate(outer, rim, [rounded(x - 2 * shrink - 3, y - 2 * shrink - 3, corner)]).translate(
            (0, 0, 0.1 - rim)
        )
    screws = draw.chance("screws", 0.75)
    if screws:
        spots = corners(x, y, inset + 1.5)
        solid += union(cylinder(7, 0.9 * rim, 24).translate((a, b, 0.1 - 0.9 * rim)) for a, b in spots)
        solid = drilled(solid, spots, draw.size("screw", 2.4, 3.6), 6.2 if draw.chance("countersunk", 0.5) else 0)
    word = {
        "none": "closed",
        "slots": many(count, "vent slot"),
        "window": "with a window",
        "grille": "with a grille",
        "round": "with a round opening",
    }[kind]
    says = told(
        "flat",
        "four screw holes" if screws else "snap-on",
        word,
        {"none": "", "inside": "inner rim", "outside": "outer rim"}[style],
    )
    says += (f"{x:.0f} x {y:.0f} mm", mm(thick, "thick"), "square" if y > 0.93 * x else "rectangular")
    return Draft(whole(solid), told(*says), draw.one("material", BOXES))


def heat_sink(draw: Draw) -> Draft:
    """Base with straight fins, pins or a star of fins."""
    x, kind = draw.size("width", 15, 100), draw.one("kind", ("straight", "straight", "pins", "round"))
    y, base = x * draw.size("length", 0.5, 2.2), draw.size("base", 2, 7)
    tall, count = draw.size("height", 0.2, 0.8) * min(x, y), draw.count("fins", 5, 16)
    share = draw.size("fin share", 0.25, 0.5)
    if kind == "round":
        core, fins = 0.4 * x, 2 * count
        fin = brick((0, -share * 1.2 * core / fins, 0), (x / 2, share * 1.2 * core / fins, base + tall))
        solid = cylinder(core, base + tall) + union(fin.rotate((0, 0, 360 * k / fins)) for k in range(fins))
        solid -= cylinder(0.4 * core, tall).translate((0, 0, base + 0.4 * tall))
        word = f"{fins} radial fins"
    else:
        wide = share * x / count
        fin = upright([(-wide / 2, 0), (wide / 2, 0), (0.4 * wide, base + tall), (-0.4 * wide, base + tall)], y)
        solid = slab(x, y, base, 0.02 * x) + union(fin.translate((at, 0, 0)) for at in row(count, x - wide))
        word = many(count, "fin")
        if kind == "pins" or draw.chance("cross cut", 0.15):
            rows = max(2, min(10, int(count * y / x)))
            gap = y / rows
            solid -= union(
                box(2 * x, 0.5 * gap, tall + 1).translate((0, at, base)) for at in row(rows - 1, gap * (rows - 2))
            )
            word = f"{count} x {rows} pins"
        if draw.chance("open middle", 0.3) and kind == "straight":
            solid -= box(0.3 * x, 2 * y, tall + 1).translate((0, 0, base))
        drill = min(4.0, 0.1 * min(x, y))
        if draw.chance("holes", 0.4):
            solid = drilled(solid, grid(2, 2, 0.8 * x, 0.8 * y), drill)
    says = told(
        word,
        {"straight": "straight fins", "pins": "pin fins", "round": "round"}[kind],
        "ribbed block",
        f"{x:.0f} mm wide",
    )
    says += (mm(base + tall, "high"), "flat base")
    return Draft(
        whole(solid),
        says,
        draw.one("material", ("aluminium, black anodised", "aluminium", "aluminium, blue anodised", "copper")),
    )


FAMILIES: tuple[Family, ...] = (
    Family(("electronics box", "enclosure base", "box bottom", "case"), box_base),
    Family(("box lid", "enclosure cover", "case cover"), box_lid),
    Family(("heat sink", "heatsink", "cooler"), heat_sink),
)
