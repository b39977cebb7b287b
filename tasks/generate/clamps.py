"""Made-up clamps, hooks and handles: what holds on and is held."""

from __future__ import annotations

from typing import Any

import numpy as np

from tasks.generate.draw import Draft, Draw, Family
from tasks.generate.features import aimed, many, row, told, whole
from tasks.generate.linkage import FORGED, arc, shank
from tasks.generate.solids import (
    Points,
    box,
    circle,
    cylinder,
    drilled,
    rounded,
    slab,
    slot,
    swept,
)
from tasks.generate.strips import SHEET, bent, mm, pierced, plate, sheet

GRIPS = (
    *("aluminium", "stainless steel", "chrome plated steel", "aluminium, black anodised"),
    *("black nylon", "black ABS", "steel, zinc plated"),
)


def saddle_clamp(draw: Draw) -> Draft:
    """Strip bent over a pipe, with one foot or two."""
    inside, width = draw.size("pipe", 8, 80), draw.size("width", 10, 40)
    thick = min(draw.size("thickness", 1, 4), 0.15 * inside)
    radius, foot = inside / 2 + thick / 2, draw.size("foot", 0.5, 1.1) * min(inside, 40) + 6
    rise, single = draw.size("rise", 0.0, 1.0) * inside / 2, draw.chance("one foot", 0.35)
    loop = arc(radius, 0, 180) + np.array([0, rise + thick / 2])
    path = [(radius + foot, thick / 2), (radius, thick / 2), *loop]
    path += [(-radius, thick / 2)] if single else [(-radius, thick / 2), (-radius - foot, thick / 2)]
    path = [path[0], *(p for p, q in zip(path[1:], path, strict=False) if np.hypot(p[0] - q[0], p[1] - q[1]) > 0.2)]
    solid = sheet(path, thick, width, thick * draw.size("bend", 0.8, 1.6))
    each = draw.count("holes per foot", 1, 2) if width > 22 else 1
    size = min(draw.size("hole", 3.5, 9), 0.45 * foot, 0.5 * width / each)
    long = draw.chance("slotted", 0.3)
    cut = slot(1.6 * size, size) if long and foot > 2.4 * size else circle(size, 24)
    sides = (1,) if single else (1, -1)
    places = [(side * (radius + 0.55 * foot), y, thick / 2) for side in sides for y in row(each, 0.5 * width)]
    solid = pierced(solid, places, cut, "z", 3 * thick)
    if draw.chance("round ends", 0.5):
        solid ^= slab(2 * (radius + foot), width, 3 * inside + 9, 0.45 * min(width, foot))
    says = told(
        "one foot" if single else "two feet",
        f"for {inside:.0f} mm pipe",
        "omega-shaped" if not single else "hook-shaped",
        many(len(places), "hole"),
    )
    return Draft(whole(solid), (*says, mm(width, "wide"), "bent strip"), draw.one("material", (*SHEET, "grey PVC")))


def p_clamp(draw: Draw) -> Draft:
    """Strip bent round a hose with both its ends on one bolt, perhaps with a cushion."""
    inside, width = draw.size("hose", 6, 50), draw.size("width", 8, 25)
    width = min(width, 1.2 * inside)
    thick = min(draw.size("thickness", 0.8, 2.5), 0.14 * inside)
    soft = draw.size("cushion", 1, 3) if draw.chance("cushioned", 0.5) else 0.0
    radius, gap = inside / 2 + soft + thick / 2, draw.size("gap", 0.4, 2.5)
    tab, lift = draw.size("tab", 0.9, 1.6) * width + 4, thick / 2 + gap / 2
    start = float(np.degrees(np.arcsin(min(lift / radius, 0.8))))
    path = [(radius + tab, lift), *arc(radius, start, 360 - start, 40), (radius + tab, -lift)]
    solid = sheet(path, thick, width, 1.2 * thick)
    if soft:
        ring = plate(circle(inside + 2 * soft + 0.6 * thick), width + draw.size("overhang", 0.5, 3), [circle(inside)])
        ring = aimed(ring.translate((0, 0, -width / 2)), "y")
        solid += ring - box(inside, 2 * width, 0.8 * gap + 0.2).translate((inside / 2 + soft, 0, -0.4 * gap - 0.1))
    size = min(draw.size("hole", 4, 11), 0.5 * width, 0.5 * tab)
    solid = pierced(solid, [(radius + 0.55 * tab, 0, 0)], circle(size, 24), "z", 8 * lift)
    if draw.chance("round tab", 0.6):
        solid ^= slab(2 * (radius + tab), width + 8, 4 * radius, 0.5 * width).translate((0, 0, -2 * radius))
    says = told(
        "loop with a tab",
        f"for {inside:.0f} mm hose",
        "rubber cushion" if soft else "bare strip",
        "one hole",
        mm(width, "wide"),
    )
    return Draft(whole(solid), (*says, "P-shaped"), draw.one("material", (*SHEET, "black nylon", "rubber")))


def hook_root(draw: Draw, bar: float, kind: str) -> Any:
    """What a hook is hung up by, its foot at the origin, upwards: a thread, an eye or a plate."""
    if kind == "threaded":
        length = draw.size("thread", 3, 8) * bar
        return shank(bar, length) + cylinder(1.7 * bar, 0.4 * bar) if draw.chance("collar", 0.5) else shank(bar, length)
    if kind == "eye":
        hole = draw.size("eye", 1.4, 3) * bar
        flat = np.zeros(40)
        path = arc((hole + bar) / 2, 0, 351, 40)
        eye = swept(np.stack([path[:, 0], flat, path[:, 1]], 1), circle(bar, 16), closed=True)
        return eye.translate((0, 0, (hole + bar) / 2 + 0.3 * bar)) + cylinder(bar, 0.8 * bar, 24)
    size = draw.size("plate", 3.5, 6) * bar
    if draw.chance("round plate", 0.5):
        base = drilled(cylinder(size, 0.35 * bar + 1), [(0.36 * size, 0), (-0.36 * size, 0)], 0.5 * bar + 1)
    else:
        base = drilled(
            slab(1.3 * size, 0.6 * size, 0.35 * bar + 1, 0.3 * size),
            [(0.48 * size, 0), (-0.48 * size, 0)],
            0.5 * bar + 1,
        )
    return base


def hook_line(draw: Draw, bar: float, radius: float, kind: str) -> Points:
    """Middle line (n, 2) of a hook that hangs from the origin: its shank beside the bow or over it, or an S."""
    leg, sweep = draw.size("leg", 0.8, 6) * bar, draw.size("sweep", 165, 235)
    if kind != "double" and draw.chance("centred", 0.5):
        bow = arc(radius, 50, 50 - sweep - 40, 24) + np.array([0, -leg - radius])
        return bent([(0, 0.2 * bar), (0, -leg + 0.1 * radius), *bow], 1.2 * bar)
    bow = arc(radius, 180, 180 + sweep, 24) + np.array([radius, -leg])
    if kind != "double":
        return np.concatenate([[(0, 0.2 * bar)], bow])
    share = draw.size("upper", 0.6, 1.1)
    upper = arc(share * radius, 180, 180 + sweep, 24) + np.array([share * radius, 0])
    flip = np.array([-1, -1]) if draw.chance("S", 0.75) else np.array([1, -1])
    return np.concatenate([(upper * flip)[::-1], bow])


def hook(draw: Draw) -> Draft:
    """Round bar bent to a hook, with a thread, an eye, a plate or a second hook at its other end."""
    from manifold3d import Manifold

    bar, inner = draw.size("bar", 2.5, 14), draw.size("opening", 1.6, 4.5)
    kind = draw.one("kind", ("threaded", "eye", "plate", "double"))
    line = hook_line(draw, bar, (inner + 1) * bar / 2, kind)
    path = np.stack([line[:, 0], np.zeros(len(line)), line[:, 1]], 1)
    plain = draw.chance("round", 0.75)
    section = circle(bar, 20) if plain else rounded(1.2 * bar, 0.8 * bar, 0.15 * bar, 3)
    solid = swept(path, section)
    if draw.chance("ball tip", 0.3):
        solid += Manifold.sphere(0.72 * bar, 20).translate(tuple(path[-1]))
    if kind != "double":
        solid += hook_root(draw, bar, kind)
    first = {"threaded": "with a threaded shank", "eye": "with an eye", "plate": "with a screw plate"}
    z0, z1 = solid.bounding_box()[2], solid.bounding_box()[5]
    says = told(
        first.get(kind, "S-shaped"),
        "bent round bar" if plain else "bent flat bar",
        "two hooks" if kind == "double" else "J-shaped",
        f"{bar:.0f} mm bar",
        mm(z1 - z0, "long"),
        f"{inner * bar:.0f} mm opening",
    )
    return Draft(whole(solid), says, draw.one("material", FORGED))


def bow_line(draw: Draw, pitch: float, tall: float, bar: float) -> tuple[Points, str]:
    """Middle line (n, 2) of a handle whose feet are `pitch` apart, and its shape in words."""
    half, shape = pitch / 2, draw.one("shape", ("U-shaped", "U-shaped", "trapezoid", "arched"))
    if shape == "arched":
        angles = np.linspace(0, np.pi, 31)
        return np.stack([-half * np.cos(angles), tall * np.sin(angles) ** 0.7], 1), shape
    inset = draw.size("lean", 0.05, 0.2) * pitch if shape == "trapezoid" else 0.0
    corners = [(-half, 0.0), (-half + inset, tall), (half - inset, tall), (half, 0.0)]
    return bent(corners, draw.size("bend", 0.8, 2.4) * bar, 9), shape


def bow_handle(draw: Draw) -> Draft:
    """Handle bent as a bow between two screws."""
    pitch, tall = draw.size("pitch", 50, 220), draw.size("height", 22, 60)
    bar, kind = draw.size("bar", 6, 18), draw.one("section", ("round", "oval", "flat", "square"))
    bar, foot = min(bar, 0.35 * tall, 0.14 * pitch), draw.one("feet", ("flanged", "plain", "tabs"))
    line, shape = bow_line(draw, pitch, tall, bar)
    section = {
        "round": circle(bar, 24),
        "oval": circle(bar, 24) * (1, 1.6),
        "flat": rounded(0.6 * bar, 1.9 * bar, 0.2 * bar, 4),
        "square": rounded(bar, bar, 0.15 * bar, 4),
    }[kind]
    solid = swept(np.stack([line[:, 0], np.zeros(len(line)), line[:, 1]], 1), section)
    solid = solid.trim_by_plane((0, 0, 1), 0.02)
    for side in (-1, 1):
        at = (side * pitch / 2, 0, 0)
        if foot == "flanged":
            solid += cylinder(1.9 * bar, 0.35 * bar, 32).translate(at)
        if foot == "tabs":
            pad = drilled(slab(3.4 * bar, 1.7 * bar, 0.35 * bar + 1, 0.8 * bar), [(side * 0.95 * bar, 0)], 0.6 * bar)
            solid += pad.translate((at[0] + side * 0.9 * bar, 0, 0))
        else:
            solid -= cylinder(0.42 * bar, 0.3 * tall, 24).translate((at[0], 0, -0.1))
    feet = {"flanged": "with round flanges", "plain": "screwed from behind", "tabs": "with screw tabs"}[foot]
    says = told(shape, f"{kind} bar", mm(pitch, "between holes"), feet, mm(tall, "high"), "two mounting holes")
    return Draft(whole(solid), says, draw.one("material", GRIPS))


FAMILIES: tuple[Family, ...] = (
    Family(("saddle clamp", "pipe strap", "pipe clip"), saddle_clamp),
    Family(("P-clamp", "P-clip", "hose clip", "cable clamp"), p_clamp),
    Family(("hook", "screw hook", "hanging hook"), hook),
    Family(("bow handle", "pull handle", "U-handle"), bow_handle),
)
