"""Springs of round wire: to press, to pull and to twist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.generate.draw import Draft, Family
from tasks.generate.features import told, whole
from tasks.generate.phrases import mm, nearby, proportions
from tasks.generate.solids import circle, swept

if TYPE_CHECKING:
    from tasks.generate.draw import Draw

Array = NDArray[np.float64]
WIRES = (
    "spring steel",
    "stainless steel",
    "steel, zinc plated",
    "black spring steel",
    "phosphor bronze",
    "music wire steel",
)


def wound(turns: NDArray[np.float64], radius: Any, height: Any) -> Array:
    """Points (n, 3) of a helix: the `turns` so far at a `radius` and a `height` each."""
    angles = 2 * np.pi * turns
    return np.stack([radius * np.cos(angles), radius * np.sin(angles), height + 0 * angles], axis=1)


def wire(path: Array, thick: float, sides: int = 10) -> Any:
    """Round wire along `path` (n, 3)."""
    return swept(path, circle(thick, sides))


def compression_spring(draw: Draw) -> Draft:
    """Open coil with closed ends: straight, conical, barrel or hourglass."""
    mean = nearby(draw, "diameter", (4, 5, 6, 8, 10, 12, 16, 20, 25, 32, 40))
    thick = mean * draw.size("wire", 0.07, 0.2)
    count = draw.size("coils", 3.0, 13.0)
    pitch = thick * draw.size("pitch", 1.7, 4.0)
    closed = draw.one("ends", (1.0, 1.0, 0.0))
    turns = np.linspace(0, count + 2 * closed, int(20 * (count + 2 * closed)) + 1)
    # closed ends lie wire on wire, and the coils between them rise by the pitch
    slope = np.where((turns < closed) | (turns > count + closed), 1.02 * thick, pitch)
    height = np.concatenate([[0], np.cumsum((slope[1:] + slope[:-1]) / 2 * np.diff(turns))])
    share = height / height[-1]
    form = draw.one(
        "form", ("cylindrical", "cylindrical", "cylindrical", "conical", "barrel-shaped", "hourglass-shaped")
    )
    bulge = draw.size("bulge", 0.25, 0.6)
    if form == "conical":
        radius = mean / 2 * (1 - bulge * share)
    elif form == "cylindrical":
        radius = mean / 2 + 0 * share
    else:
        belly = 1 - (2 * share - 1) ** 2
        radius = mean / 2 * (1 - bulge * (1 - belly if form == "barrel-shaped" else belly))
    solid = wire(wound(turns, radius, height), thick)
    if closed and draw.chance("ground", 0.6):
        solid = whole(solid.trim_by_plane((0, 0, 1), 0.0).trim_by_plane((0, 0, -1), -height[-1]))
    ends = "closed ends" if closed else "open ends"
    said = (f"{count:.0f} coils", form, mm(mean + thick, "outer diameter"), mm(height[-1], "long"), mm(thick, "wire"))
    return Draft(solid, told(*said, ends, proportions(solid)), draw.one("material", WIRES))


def extension_spring(draw: Draw) -> Draft:
    """Tight coil with a hook or a loop at each end."""
    mean = nearby(draw, "diameter", (4, 5, 6, 8, 10, 12, 16, 20))
    thick = mean * draw.size("wire", 0.1, 0.2)
    count = draw.count("coils", 6, 22)
    pitch = thick * draw.size("pitch", 1.03, 1.25)
    turns = np.linspace(0, count, 16 * count + 1)
    radius = mean / 2
    form = draw.one("hooks", ("hooks", "loops", "long hooks"))
    neck = mean * (draw.size("neck", 0.8, 2.2) if form == "long hooks" else 0.1)
    reach = radius * draw.size("loop", 0.75, 1.0)
    far = np.radians(300 if form == "loops" else 215)
    sweep = np.linspace(0, far, 22)
    base = pitch * count
    arc = np.stack(
        [0 * sweep, -reach * np.cos(sweep), base + thick + neck + reach * 1.1 + reach * np.sin(sweep - 0.0)], 1
    )
    start = np.array([(0.35 * radius, -0.9 * radius, base + 0.75 * thick)])
    rise = np.array([(0.0, -reach, base + thick + 0.5 * neck + 0.4 * reach)])
    coil = wound(turns - 0.2, radius, pitch * turns)
    # the coil ends where its angle is -72 degrees, near the start of the hook
    hook = np.concatenate([start, rise, arc])
    top = np.concatenate([coil, hook])
    bottom = hook * np.array([1, -1, -1]) + np.array([0, 0, base])
    path = np.concatenate([bottom[::-1], top])
    solid = wire(path, thick, 9)
    solid = whole(solid)
    said = (form.replace("hooks", "hooks at both ends"), f"{count} coils", mm(mean + thick, "outer diameter"))
    total = solid.bounding_box()[5] - solid.bounding_box()[2]
    return Draft(
        solid,
        told(*said, mm(total, "long"), mm(thick, "wire"), "tightly wound", proportions(solid)),
        draw.one("material", WIRES),
    )


def leg(tip: Array, way: Array, length: float, bend: float, kind: str) -> Array:
    """Points of a straight leg from `tip` along `way`, with its last piece bent as `kind` says."""
    end = tip + way * length
    if kind == "straight legs":
        return np.stack([tip + way * length * share for share in (0.15, 0.6, 1.0)])
    turn = np.array([0.0, 0.0, 1.0]) if kind == "legs bent along the axis" else np.cross(way, [0.0, 0.0, 1.0])
    corner = end - way * bend * 0.25
    return np.stack([tip + way * length * 0.15, corner, end + turn * bend * 0.25, end + turn * bend])


def torsion_spring(draw: Draw) -> Draft:
    """Close coil with two legs, straight or bent."""
    mean = nearby(draw, "diameter", (4, 5, 6, 8, 10, 12, 16, 20, 25))
    thick = mean * draw.size("wire", 0.09, 0.2)
    coils = draw.count("coils", 2, 10) + draw.size("leg angle", 0.0, 0.95)
    pitch = thick * draw.size("pitch", 1.04, 1.3)
    turns = np.linspace(0, coils, int(22 * coils) + 1)
    radius = mean / 2
    coil = wound(turns, radius, pitch * turns)
    kind = draw.one("legs", ("straight legs", "straight legs", "legs bent along the axis", "hooked legs"))
    lengths = (mean * draw.size("first leg", 0.6, 2.6), mean * draw.size("second leg", 0.6, 2.6))
    bend = mean * draw.size("bend", 0.25, 0.7)
    last = 2 * np.pi * coils
    away = np.array([-np.sin(last), np.cos(last), 0.0])
    start = leg(coil[0], np.array([0.0, -1.0, 0.0]), lengths[0], bend * (-1 if kind.endswith("axis") else 1), kind)
    finish = leg(coil[-1], away, lengths[1], bend, kind)
    solid = whole(wire(np.concatenate([start[::-1], coil, finish]), thick))
    said = ("two legs", f"{coils:.0f} coils", kind, mm(mean + thick, "outer diameter"), mm(thick, "wire"))
    angle = round(360 * draw.values["leg angle"] / 15) * 15
    return Draft(solid, told(*said, f"legs {angle} degrees apart", proportions(solid)), draw.one("material", WIRES))


FAMILIES: tuple[Family, ...] = (
    Family(("compression spring", "coil spring", "pressure spring"), compression_spring),
    Family(("extension spring", "tension spring"), extension_spring),
    Family(("torsion spring", "leg spring"), torsion_spring),
)
