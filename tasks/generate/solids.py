"""Shapes that families of parts are built from: turned, extruded, bent and toothed ones, in mm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Points = NDArray[np.float64]
SEGMENTS = 48


def cylinder(diameter: float, height: float, segments: int = SEGMENTS, top: float | None = None) -> Any:
    """Cylinder on the origin along +z; a cone frustum when `top` (its upper diameter) is given."""
    from manifold3d import Manifold

    return Manifold.cylinder(height, diameter / 2, (diameter if top is None else top) / 2, segments)


def tube(outer: float, inner: float, height: float, segments: int = SEGMENTS) -> Any:
    """Hollow cylinder on the origin along +z."""
    return cylinder(outer, height, segments) - cylinder(inner, height + 2, segments).translate((0, 0, -1))


def box(x: float, y: float, z: float) -> Any:
    """Box centred in x and y that stands on z = 0."""
    from manifold3d import Manifold

    return Manifold.cube((x, y, z)).translate((-x / 2, -y / 2, 0))


def prism(sides: int, across: float, height: float) -> Any:
    """Regular prism on the origin along +z; `across` is the width over the flats."""
    return extruded(regular(sides, across), height)


def extruded(outline: Points, height: float, holes: Iterable[Points] = (), twist: float = 0.0, steps: int = 0) -> Any:
    """`outline` (n, 2), counter-clockwise, raised along +z, less `holes`; `twist` turns its top by degrees."""
    from manifold3d import CrossSection, FillRule

    section = CrossSection([outline], FillRule.Positive)
    for hole in holes:
        section -= CrossSection([hole], FillRule.Positive)
    return section.extrude(height, steps or (int(abs(twist) / 6) if twist else 0), twist)


def turned(profile: Sequence[tuple[float, float]], segments: int = SEGMENTS, degrees: float = 360.0) -> Any:
    """Solid of revolution about z of `profile`: (radius, z) pairs, counter-clockwise, radius >= 0."""
    from manifold3d import CrossSection, FillRule

    return CrossSection([np.array(profile, float)], FillRule.EvenOdd).revolve(segments, degrees)


def rounded(x: float, y: float, radius: float, segments: int = 8) -> Points:
    """Outline (n, 2) of a rectangle with round corners, centred."""
    radius = min(radius, x / 2 - 1e-3, y / 2 - 1e-3)
    if radius <= 0:
        return np.array([(-x / 2, -y / 2), (x / 2, -y / 2), (x / 2, y / 2), (-x / 2, y / 2)])
    turns = np.linspace(0, np.pi / 2, segments + 1)
    corners = ((x / 2, y / 2), (-x / 2, y / 2), (-x / 2, -y / 2), (x / 2, -y / 2))
    arcs = []
    for quarter, (cx, cy) in enumerate(corners):
        angles = turns + quarter * np.pi / 2
        centre = np.array([cx - np.sign(cx) * radius, cy - np.sign(cy) * radius])
        arcs.append(centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1))
    return np.concatenate(arcs)


def slab(x: float, y: float, z: float, radius: float = 0.0) -> Any:
    """Plate with round corners, centred in x and y, on z = 0."""
    return extruded(rounded(x, y, radius), z)


def regular(sides: int, across: float) -> Points:
    """Outline (sides, 2) of a regular polygon of width `across` over the flats."""
    return circle(across / np.cos(np.pi / sides), sides)


def circle(diameter: float, segments: int = SEGMENTS) -> Points:
    """Outline (segments, 2) of a circle."""
    angles = (np.arange(segments) + 0.5) * 2 * np.pi / segments
    return np.asarray(diameter / 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1))


def waved(count: int, diameter: float, depth: float, samples: int = 8) -> Points:
    """Outline of a circle with `count` waves of `depth` cut into it: lobes, or a knurl when `samples` is 2."""
    angles = np.arange(count * samples) * 2 * np.pi / (count * samples)
    radii = diameter / 2 - depth * (0.5 - 0.5 * np.cos(count * angles))
    return np.asarray(np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1))


def slot(length: float, width: float, segments: int = 12) -> Points:
    """Outline of a slot along x: `length` over all, `width` across, round ends."""
    turns = np.linspace(-np.pi / 2, np.pi / 2, segments)
    end = np.stack([np.cos(turns), np.sin(turns)], axis=1) * width / 2
    shift = np.array([(length - width) / 2, 0.0])
    return np.concatenate([end + shift, -end - shift])


def ring(count: int, radius: float, start: float = 0.0) -> list[tuple[float, float]]:
    """`count` places evenly around a circle of `radius`, the first at `start` degrees."""
    angles = np.radians(start) + np.arange(count) * 2 * np.pi / count
    return [(float(radius * np.cos(a)), float(radius * np.sin(a))) for a in angles]


def drilled(solid: Any, places: Iterable[tuple[float, float]], diameter: float, sink: float = 0.0) -> Any:
    """`solid` with holes along z through all of it at `places`; `sink` is the diameter of a countersink on top."""
    low, high = solid.bounding_box()[2], solid.bounding_box()[5]
    tool = cylinder(diameter, high - low + 2, 24).translate((0, 0, low - 1))
    if sink > diameter:
        depth = (sink - diameter) / 2
        tool += cylinder(diameter, depth + 0.01, 24, top=sink + 0.02).translate((0, 0, high - depth))
    return solid - union(tool.translate((x, y, 0)) for x, y in places)


def threaded(diameter: float, length: float, pitch: float, hand: int = 1) -> Any:
    """Screw thread along +z: a section that is turned as it rises, so that its flank is a real helix."""
    angles = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    depth = 0.6 * pitch
    radius = diameter / 2 - depth * (0.5 - 0.5 * np.cos(angles))
    section = np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1)
    turns = length / pitch
    return extruded(section, length, twist=hand * 360 * turns, steps=max(2, int(12 * turns)))


def gear(teeth: int, module: float, height: float, twist: float = 0.0) -> Any:
    """Spur gear (helical with `twist` degrees) on the origin along +z, flanks nearly involute."""
    pitch = teeth * module / 2
    outer, root = pitch + module, max(pitch - 1.25 * module, 0.3 * pitch)
    half = np.pi / teeth
    steps = ((root, -0.98), (root, -0.62), (pitch, -0.5), (outer, -0.24), (outer, 0.24), (pitch, 0.5), (root, 0.62))
    angles = [(2 * tooth + share) * half for tooth in range(teeth) for _, share in steps]
    radii = [radius for _ in range(teeth) for radius, _ in steps]
    return extruded(np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1), height, twist=twist)


def swept(path: Points, outline: Points, *, closed: bool = False) -> Any:
    """`outline` (k, 2) carried along `path` (n, 3) without spinning: springs, hooks, bent wire and pipe."""
    from manifold3d import Manifold, Mesh

    count, around = len(path), len(outline)
    ahead = np.roll(path, -1, 0) - np.roll(path, 1, 0)
    if not closed:
        ahead[0], ahead[-1] = path[1] - path[0], path[-1] - path[-2]
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    side = np.cross(ahead[0], np.eye(3)[int(np.argmin(np.abs(ahead[0])))])
    rings = []
    for centre, way in zip(path, ahead, strict=True):
        side = side - (side @ way) * way
        side /= np.linalg.norm(side)
        rings.append(centre + outline[:, :1] * side + outline[:, 1:] * np.cross(way, side))
    vertices = np.concatenate(rings)
    here = np.arange(around)
    after = (here + 1) % around
    faces = []
    for index in range(count if closed else count - 1):
        a, b = index * around, ((index + 1) % count) * around
        faces += [np.stack([a + here, a + after, b + after], 1), np.stack([a + here, b + after, b + here], 1)]
    if not closed:
        last = (count - 1) * around
        faces += [np.stack([np.zeros(around - 2, int), here[2:], here[1:-1]], 1)]
        faces += [np.stack([np.full(around - 2, last), last + here[1:-1], last + here[2:]], 1)]
    mesh = Mesh(vertices.astype(np.float32), np.concatenate(faces).astype(np.uint32))
    return Manifold(mesh)


def union(solids: Iterable[Any]) -> Any:
    """All of `solids` as one."""
    from manifold3d import Manifold, OpType

    return Manifold.batch_boolean(list(solids), OpType.Add)
