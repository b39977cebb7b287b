"""Screw threads, heads, sockets and hexagons: what fasteners share, in mm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.generate.phrases import nearby
from tasks.generate.solids import box, cylinder, extruded, prism, turned, union, waved

if TYPE_CHECKING:
    from tasks.generate.draw import Draw

METRIC = ((3, 0.5), (4, 0.7), (5, 0.8), (6, 1.0), (8, 1.25), (10, 1.5), (12, 1.75), (16, 2.0), (20, 2.5), (24, 3.0))
TURNS = 32  # of a thread at most; a longer one gets a coarser pitch, so that its triangles stay few
BOLT_METALS = (
    "steel, zinc plated",
    "stainless steel A2",
    "steel 8.8",
    "black oxide steel",
    "brass",
    "stainless steel",
    "steel, galvanised",
)
METALS = (*BOLT_METALS, "aluminium", "steel", "titanium", "bronze", "black nylon", "yellow zinc steel", "copper")


def metric(draw: Draw, low: int = 0, high: int = len(METRIC)) -> tuple[int, float]:
    """Nominal diameter and pitch of a metric thread, the `low`-th to the `high`-th of the usual ones."""
    return nearby(draw, "thread", METRIC[low:high])


def screw(diameter: float, length: float, pitch: float) -> Any:
    """Screw thread on the origin along +z, of few triangles."""
    turns = min(max(length / pitch, 1.0), TURNS)
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    radii = diameter / 2 - 0.62 * length / turns * (1 - np.abs(1 - angles / np.pi)) * min(1.0, pitch * turns / length)
    return extruded(
        np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1),
        length,
        twist=360 * turns,
        steps=max(2, int(8 * turns)),
    )


def tipped(diameter: float, length: float, pitch: float, taper: float = 0.0) -> Any:
    """Thread along +z with a chamfer at its lower end, or a point that is `taper` long."""
    start, rise = (0.01, taper) if taper else (max(diameter / 2 - 0.8 * pitch, 0.2 * diameter), 0.9 * pitch)
    wide = diameter / 2 + 0.1
    outline = [(0, 0), (start, 0), (wide, min(rise, 0.9 * length)), (wide, length), (0, length)]
    return screw(diameter, length, pitch) ^ turned(outline, 24)


def shaft(draw: Draw, diameter: float, pitch: float, length: float) -> tuple[Any, str]:
    """Shaft of a bolt, tip on the origin and head end at z = `length`, and how far it is threaded."""
    share = draw.size("threaded share", 0.35, 0.85)
    if draw.chance("partly threaded", 0.45) and length > 3 * diameter:
        cut = share * length
        plain = cylinder(diameter, length - cut + 0.2, 32).translate((0, 0, cut - 0.2))
        return tipped(diameter, cut, pitch) + plain, "partly threaded"
    return tipped(diameter, length, pitch), "fully threaded"


def tapped(diameter: float, pitch: float, height: float, sink: float = 0.08) -> Any:
    """Tool that cuts a threaded hole with countersunk ends through z = 0 to `height`."""
    wide = diameter * (1 + sink)
    low = cylinder(wide + 2, 1 + wide / 2 - diameter * 0.42, 32, top=0.84 * diameter).translate((0, 0, -1))
    return union(
        (
            screw(diameter, height + 2, pitch).translate((0, 0, -1)),
            low,
            low.mirror((0, 0, 1)).translate((0, 0, height)),
        )
    )


def hexagon(across: float, height: float, *, bottom: bool = False, sides: int = 6) -> Any:
    """Hexagon on the origin along +z with its upper (and lower) corners turned off."""
    corner = across / np.cos(np.pi / sides) / 2 * 1.002
    flat = across / 2 * 0.95
    rise = min((corner - flat) * 0.55, 0.4 * height)
    low = [(flat, 0.0), (corner, rise)] if bottom else [(corner, 0.0)]
    return prism(sides, across, height) ^ turned([(0, 0), *low, (corner, height - rise), (flat, height), (0, height)])


DRIVES = ("hexagon socket", "slotted", "cross recess", "torx")


def recess(kind: str, width: float, depth: float) -> Any:
    """Tool that cuts a driver's recess `width` across, down from z = 0."""
    if kind == "slotted":
        made = box(4 * width, 0.24 * width, depth + 1)
    elif kind == "cross recess":
        cross = box(width, 0.2 * width, depth + 1) + box(0.2 * width, width, depth + 1)
        made = cross ^ cylinder(0.4 * width, depth + 1, 16, top=1.3 * width)
    elif kind == "torx":
        made = extruded(waved(6, width, 0.24 * width), depth + 1)
    else:
        made = prism(6, 0.86 * width, depth + 1)
    return made.translate((0, 0, -depth))


def dome(diameter: float, height: float, segments: int = 32) -> Any:
    """Spherical cap on the origin along +z."""
    radius = (diameter**2 / 4 + height**2) / (2 * height)
    turns = np.linspace(np.arcsin(min(1.0, diameter / 2 / radius)), 0, 9)
    if height > radius:
        turns = np.linspace(np.pi - turns[0], 0, 14)
    arc = [(float(radius * np.sin(t)), float(radius * np.cos(t) - radius + height)) for t in turns]
    return turned([(0, 0), *arc[:-1], (0, height)], segments)
