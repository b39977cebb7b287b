"""The few solid operations that all sample parts are made with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

from build123d import (
    Axis,
    Cone,
    Cylinder,
    GeomType,
    Helix,
    Part,
    Plane,
    PolarLocations,
    Polyline,
    Pos,
    RegularPolygon,
    Rot,
    Solid,
    chamfer,
    extrude,
    fillet,
    make_face,
    revolve,
    sweep,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Point = tuple[float, float]
COARSE = {5: 0.8, 6: 1.0, 8: 1.25, 10: 1.5, 12: 1.75, 16: 2.0}


def solid(shape: Any) -> Solid:
    """The one solid that `shape` is; raises ValueError where operations left none or several."""
    solids = shape.solids()
    if len(solids) != 1:
        raise ValueError(f"The part came out as {len(solids)} solids instead of one.")
    return cast("Solid", solids[0])


def turned(profile: Sequence[Point], angle: float = 360) -> Part:
    """The solid turned about z from a closed `profile` of (radius, z) in mm."""
    outline = Polyline(*((r, 0, z) for r, z in profile), close=True)
    return revolve(make_face(outline), Axis.Z, angle)


def hexagon(across: float, height: float, ends: str = "both") -> Part:
    """A hexagonal prism on z = 0, `across` flats, with the 30 degree chamfer of a nut at its ends."""
    corner = across / math.sqrt(3)
    drop = (corner - 0.475 * across) * math.tan(math.radians(30))
    top = [(0.475 * across, height), (corner, height - drop)] if ends in {"both", "top"} else [(corner, height)]
    foot = [(corner, drop), (0.475 * across, 0.0)] if ends == "both" else [(corner, 0.0)]
    envelope = turned([(0.0, 0.0), (0.0, height), *top, *foot])
    return cast("Part", extrude(RegularPolygon(corner, 6), height) & envelope)


def thread(radius: float, pitch: float, start: float, end: float, depth: float = 0.613) -> list[Point]:
    """Profile points of a thread from z = `start` to `end` as rings: what a parts supplier's CAD shows.

    `radius` is the outer one; a negative `depth` (in pitches) cuts outwards, for a nut.
    """
    turns = max(1, round(abs(end - start) / pitch))
    step = (end - start) / turns
    root = radius - depth * pitch
    rings = [[(radius, start + (i + 0.06) * step), (root, start + (i + 0.5) * step)] for i in range(turns)]
    return [point for ring in rings for point in ring] + [(radius, end - 0.06 * step)]


def shank(nominal: float, length: float, plain: float = 0.0) -> list[Point]:
    """Profile of a bolt's shank from z = 0 (under the head) down to -`length`, `plain` mm without thread."""
    pitch, radius = COARSE[round(nominal)], nominal / 2
    core = radius - 0.613 * pitch
    grooves = thread(radius, pitch, -max(plain, 1.5 * pitch), -length + 0.7 * pitch)
    neck = [(radius, 0.0), (radius, -plain)] if plain else [(radius, 0.0), (core, -0.6 * pitch), (core, -1.4 * pitch)]
    return [(0.0, 0.0), *neck, *grooves, (core, -length), (0.0, -length)]


def bore(radius: float, start: float, end: float, at: Point = (0, 0)) -> Part:
    """A cylinder along z to cut a hole with, slightly longer than from `start` to `end`."""
    height = end - start + 0.2
    return cast("Part", Pos(at[0], at[1], (start + end) / 2) * Cylinder(radius, height))


def countersink(radius: float, top: float, at: Point = (0, 0), depth: float = 0.6) -> Part:
    """A 90 degree cone to break the upper edge of a hole of `radius` at z = `top`."""
    cone = Cone(max(radius - 0.1, 0.01), radius + depth + 0.1, depth + 0.2)
    return cast("Part", Pos(at[0], at[1], top - depth / 2) * cone)


def around(count: int, radius: float, tool: Any, start: float = 0.0) -> list[Any]:
    """Copies of `tool` spread evenly on a circle about z."""
    return [place * tool for place in PolarLocations(radius, count, start)]


def cut(body: Any, *tools: Any) -> Any:
    """`body` without the `tools`, in one operation (many small ones are slow)."""
    flat = [tool for group in tools for tool in (group if isinstance(group, list) else [group])]
    return body - flat


def joined(*bodies: Any) -> Any:
    """The union of `bodies`."""
    flat = [body for group in bodies for body in (group if isinstance(group, list) else [group])]
    return flat[0] + flat[1:]


def softened(body: Any, radius: float, edges: Callable[[Any], Iterable[Any]]) -> Any:
    """`body` with the edges that `edges` chooses rounded by `radius`."""
    return fillet(edges(body.edges()), radius)


def bevelled(body: Any, length: float, edges: Callable[[Any], Iterable[Any]]) -> Any:
    """`body` with the edges that `edges` chooses chamfered by `length`."""
    return chamfer(edges(body.edges()), length)


def upright(edges: Any) -> Any:
    """Straight edges parallel to z."""
    return edges.filter_by(GeomType.LINE).filter_by(Axis.Z)


def coil(section: Any, radius: float, pitch: float, height: float) -> Any:
    """`section` (x is outwards, y is up) wound about z on `radius`."""
    path = Helix(pitch, height, radius)
    start = Plane(path @ 0, x_dir=(1, 0, 0), z_dir=path % 0)
    return sweep(start * section, path, is_frenet=True)


def lying(body: Any) -> Any:
    """`body` turned from the z axis onto the x axis."""
    return Rot(0, 90, 0) * body
