"""Made-up bar and sheet as it is sawn and punched: profiles, tube, shims, blocks, perforated plate."""

from __future__ import annotations

import numpy as np

from tasks.generate.draw import Draft, Draw, Family
from tasks.generate.features import (
    MILLED,
    build,
    corners,
    joined,
    many,
    row,
    stepped,
    told,
    whole,
)
from tasks.generate.solids import (
    Points,
    box,
    circle,
    drilled,
    extruded,
    rounded,
    slab,
    slot,
    tube,
    union,
)
from tasks.generate.strips import (
    PROFILE,
    SHEET,
    between,
    grid,
    holes,
    mm,
    pierced,
    plate,
    smoothed,
    strip,
)


def angle_profile(draw: Draw) -> Draft:
    """Length of rolled or drawn angle, plain, drilled or slotted."""
    a, length = draw.size("leg", 12, 70), draw.size("length", 50, 320)
    b = a if draw.chance("equal", 0.55) else a * draw.size("ratio", 0.45, 0.85)
    thick = min(draw.size("thickness", 1.5, 8), 0.2 * b)
    path = [(b, thick / 2), (thick / 2, thick / 2), (thick / 2, a)]
    outline = (
        strip(path, thick, thick, 14)
        if draw.chance("bent", 0.4)
        else smoothed([(0, 0), (b, 0), (b, thick), (thick, thick), (thick, a), (0, a)], 0.45 * thick)
    )
    solid = extruded(outline, length).translate((0, 0, -length / 2)).rotate((90, 0, 0))
    kind, pitch = draw.one("drilled", ("plain", "holes", "slots")), draw.size("pitch", 1.2, 3)
    count = max(1, min(12, int(length / (pitch * a))))
    bore = min(draw.size("hole", 3, 10), 0.4 * b)
    if kind != "plain":
        ys = row(count, length * (1 - 1 / count))
        cut = (
            circle(bore, 24)
            if kind == "holes"
            else slot(min(2.2 * bore, 0.6 * length / count + bore), bore)[:, ::-1] * np.array([-1.0, 1.0])
        )
        solid = pierced(solid, [(0.58 * b, y, 0) for y in ys], cut, "z", 3 * thick)
        if draw.chance("both legs", 0.6):
            solid = pierced(solid, [(0, y, 0.58 * a) for y in ys], cut, "x", 3 * thick)
    legs = "equal legs" if a == b else "unequal legs"
    row_words = "" if kind == "plain" else f"row of {kind}"
    says = told("L-shaped section", row_words or "plain", "long and thin" if length > 4 * a else "", legs)
    says += (f"{a:.0f} x {b:.0f} mm", mm(length, "long"))
    return Draft(solid, says, draw.one("material", PROFILE))


def t_slot(side: float, mouth: float, depth: float) -> Points:
    """Outline of one T-slot that opens to +x at x = `side` / 2."""
    lip, wide = 0.28 * depth, 2.05 * mouth
    x = side / 2
    half = [
        (x + 1, mouth / 2),
        (x - lip, mouth / 2),
        (x - lip, wide / 2),
        (x - 0.6 * depth, wide / 2),
        (x - depth, mouth / 2),
    ]
    return np.array([*((a, -b) for a, b in half[::-1]), *half])[::-1]


def extrusion(draw: Draw) -> Draft:
    """Length of aluminium profile with T-slots on its sides."""
    from manifold3d import CrossSection, FillRule

    side, length = float(draw.one("side", (20, 20, 30, 40, 45))), draw.size("length", 25, 420)
    columns, rows = draw.one("cells", ((1, 1), (1, 1), (2, 1), (2, 2), (3, 1)))
    mouth, depth = side * draw.size("mouth", 0.2, 0.27), side * draw.size("depth", 0.28, 0.32)
    slots, cores = [], []
    for x, y in grid(columns, rows, side * (columns - 1), side * (rows - 1)):
        cores.append(circle(side * 0.21, 24) + np.array([x, y]))
        for turn, edge in enumerate((x > side * (columns - 1.5) / 2, y > side * (rows - 1.5) / 2)):
            for flip in (1, -1):
                outer = edge if flip == 1 else (x < -side * (columns - 1.5) / 2, y < -side * (rows - 1.5) / 2)[turn]
                if outer:
                    c, s = (flip, 0) if turn == 0 else (0, flip)
                    slots.append(t_slot(side, mouth, depth) @ np.array([[c, s], [-s, c]]) + np.array([x, y]))
    outline = rounded(side * columns, side * rows, draw.size("corner", 0.02, 0.12) * side)
    section = CrossSection([outline], FillRule.Positive) - CrossSection([*slots, *cores], FillRule.NonZero)
    solid = section.extrude(length)
    says = told(
        f"{side * rows:.0f}{side * columns:.0f} profile",
        f"{side * rows:.0f} x {side * columns:.0f} mm",
        mm(length, "long"),
    )
    says += (
        many(len(slots), "T-slot"),
        "long and thin" if length > 4 * side * columns else "square section" if columns == rows else "",
    )
    return Draft(solid, told(*says, "extruded profile", "slotted on all sides"), draw.one("material", PROFILE[:4]))


def square_tube(draw: Draw) -> Draft:
    """Length of square or rectangular tube with holes through its walls."""
    a, length = draw.size("side", 12, 70), draw.size("length", 40, 320)
    b = a if draw.chance("square", 0.6) else a * draw.size("ratio", 0.4, 0.8)
    wall, corner = min(draw.size("wall", 1.2, 5), 0.2 * b), draw.size("corner", 0.03, 0.18) * b
    solid = plate(rounded(a, b, corner), length, [rounded(a - 2 * wall, b - 2 * wall, max(corner - wall, 0.3))])
    count, bore = draw.count("holes", 0, 6), min(draw.size("hole", 3, 20), 0.55 * b)
    count = min(count, int(length / (1.5 * bore)))
    zs = (
        between(0, length, count)
        if draw.chance("spread", 0.6)
        else between(0.7 * bore, min(length, (count + 0.4) * 2 * bore), count)
    )
    axes = {"one side": "y", "crossed": "xy", "through": "y"}
    kind = draw.one("drilling", tuple(axes))
    for axis in axes[kind] if count else "":
        depth = b / 2 if kind == "one side" else 1.2 * a
        offset = b / 2 if kind == "one side" else 0.0
        solid = pierced(solid, [(0, offset, z) for z in zs], circle(bore, 24), axis, depth)
    holed = {"one side": "on one side", "crossed": "on all four sides", "through": "through"}[kind]
    says = told(
        "square section" if a == b else "rectangular section",
        "hollow",
        f"{many(count, 'hole')} {holed}" if count else "plain",
    )
    says += (f"{a:.0f} x {b:.0f} mm", mm(length, "long"))
    return Draft(solid, told(*says, build(solid), mm(wall, "wall")), draw.one("material", PROFILE))


def shim(draw: Draw) -> Draft:
    """Thin flat packing: forked, ring-shaped or rectangular."""
    x, thick = draw.size("length", 18, 90), draw.size("thickness", 0.3, 3)
    y, kind = x * draw.size("ratio", 0.4, 1), draw.one("kind", ("forked", "forked", "rectangular", "ring", "stepped"))
    hole = draw.size("hole", 0.22, 0.55) * y
    corner = draw.size("corner", 0.02, 0.4) * y
    if kind == "ring":
        inner = draw.size("inner", 0.4, 0.85) * x
        solid, word = tube(x, inner, thick, 64), f"{inner:.0f} mm inside"
    elif kind == "rectangular":
        spots = grid(2, draw.count("rows", 1, 2), x - 1.6 * min(hole, 0.3 * y), 0.5 * y)
        solid, word = (
            plate(rounded(x, y, corner), thick, holes(spots, 0.6 * min(hole, 0.4 * y))),
            many(len(spots), "hole"),
        )
    else:
        reach = draw.size("reach", 0.55, 0.75) * x
        forks = draw.count("forks", 1, 2) if y > 0.6 * x else 1
        cuts = [slot(2 * reach, min(hole, 0.3 * y)) + np.array([x / 2, at]) for at in row(forks, 0.45 * y)]
        solid, word = (
            plate(rounded(x, y, corner), thick, cuts),
            "with an open slot" if forks == 1 else "with two open slots",
        )
        if kind == "stepped":
            solid = joined(solid, slab(0.1 * x, y, 4 * thick, 0.3).translate((-x / 2, 0, 0)))
    first = {"forked": "U-shaped", "rectangular": "rectangular", "ring": "round", "stepped": "U-shaped with a grip"}[
        kind
    ]
    says = told(
        first, "thin", "flat plate", word, mm(x, "across" if kind == "ring" else "long"), f"{thick:.1f} mm thick"
    )
    return Draft(
        solid, says, draw.one("material", ("stainless steel", "steel", "brass", "POM", "aluminium", "black nylon"))
    )


def spacer_block(draw: Draw) -> Draft:
    """Bar of metal or plastic with through holes, perhaps counterbored, perhaps stepped."""
    x = draw.size("length", 15, 120)
    y = x * draw.size("ratio", 0.25, 1)
    z, count = y * draw.size("height", 0.3, 1.1), draw.count("holes", 1, 5)
    pairs = y > 0.55 * x and count > 2
    room = min(x / (2 if pairs else count), y / (2 if pairs else 1))
    bore, deep = min(draw.size("hole", 3, 14), 0.45 * room), draw.chance("counterbored", 0.4)
    spots = corners(x, y, 0.26 * y) if pairs else [(at, 0.0) for at in between(-x / 2, x / 2, count)]
    solid = slab(x, y, z, draw.one("edge", (0.02, 0.08, 0.25)) * y)
    if draw.chance("step", 0.25):
        solid -= box(x, 0.3 * y, 0.3 * z).translate((0, 0.4 * y, 0.72 * z))
    solid = drilled(solid, spots, bore, 0 if deep else bore * draw.one("sink", (1.0, 1.25)))
    if deep:
        solid -= union(stepped((a, b, z), bore, 1.65 * bore, min(0.4 * z, bore), z) for a, b in spots)
    side = draw.chance("cross hole", 0.3)
    if side:
        solid = pierced(solid, [(0, 0, z / 2)], circle(min(0.4 * z, 0.5 * bore + 1), 24), "x", 1.2 * x)
    says = told(
        "block", many(len(spots), "counterbored hole" if deep else "through hole"), "with a cross hole" if side else ""
    )
    says += (build(whole(solid)), f"{x:.0f} x {y:.0f} x {z:.0f} mm", "rectangular")
    return Draft(whole(solid), told(*says), draw.one("material", (*MILLED, "black ABS", "white POM")))


def perforated_sheet(draw: Draw) -> Draft:
    """Sheet full of small holes, in rows or staggered."""
    x = draw.size("length", 40, 200)
    y, thick = x * draw.size("ratio", 0.35, 1), draw.size("thickness", 0.8, 4)
    kind, columns = draw.one("shape", ("round", "round", "square", "slot")), draw.count("columns", 6, 18)
    pitch = 0.94 * x / columns * (1.6 if kind == "slot" else 1.0)
    rows = max(2, int(0.94 * y / (0.6 * pitch if kind == "slot" else pitch)))
    lead = 0.6 * pitch if kind == "slot" else pitch
    staggered, share = draw.chance("staggered", 0.5), draw.size("open", 0.4, 0.75)
    cut = {
        "round": circle(share * pitch, 10),
        "square": rounded(share * pitch, share * pitch, 0),
        "slot": slot(0.75 * pitch, share * 0.5 * pitch, 6),
    }
    across = int(0.94 * x / pitch)
    spots = [
        (pitch * (i - (across - 1) / 2 + (0.5 if staggered and j % 2 else 0)), lead * (j - (rows - 1) / 2))
        for j in range(rows)
        for i in range(across - (1 if staggered and j % 2 else 0))
    ]
    solid = plate(
        rounded(x, y, draw.size("corner", 0.0, 0.08) * y), thick, [cut[kind] + np.array(spot) for spot in spots]
    )
    if draw.chance("lip", 0.25):
        solid = joined(solid, box(thick, y, 0.12 * x).translate((-x / 2 + thick / 2, 0, 0)))
    says = told(
        "flat plate",
        f"many small {kind} holes" if kind != "slot" else "many small slots",
        "staggered holes" if staggered else "holes in rows",
    )
    says += (f"{x:.0f} x {y:.0f} mm", mm(thick, "thick"), "thin", "rectangular")
    return Draft(solid, says, draw.one("material", SHEET))


FAMILIES: tuple[Family, ...] = (
    Family(("angle profile", "angle iron", "L-profile"), angle_profile),
    Family(("aluminium extrusion", "T-slot profile", "aluminium profile"), extrusion),
    Family(("square tube", "box section", "hollow section"), square_tube),
    Family(("shim", "shim plate", "packing plate"), shim),
    Family(("spacer block", "distance block", "mounting block"), spacer_block),
    Family(("perforated sheet", "perforated plate", "grille"), perforated_sheet),
)
