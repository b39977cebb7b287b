"""A mesh made ready to be photographed: unit size, round where it is round, sharp where it is sharp."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.records import Floats, Record

CREASE = np.deg2rad(33)
FLAT = np.deg2rad(1.5)

Array = NDArray[np.float64]
Index = NDArray[np.int64]


class Surface(Record):
    """Triangles of about unit size with a normal per vertex, and the way back to the mesh's own unit.

    `positions` and `normals` (n, 3) float32; `triangles` (m, 3) int64, counter-clockwise from outside
    where the surface is `closed`; a point of the mesh is `centre + radius * position`. `extents` (3,) float64 are
    the sides of its box in the mesh's unit.
    """

    positions: Floats
    normals: Floats
    triangles: Index
    closed: bool
    centre: Array
    radius: float
    extents: Array


def surface(vertices: Array, faces: Index) -> Surface:
    """Surface of the mesh `vertices` (n, 3), `faces` (m, 3), smooth but for creases above 33 degrees.

    Raises ValueError with a sentence when nothing of the mesh could be seen.
    """
    points, triangles = used(vertices, faces)
    low, high = points.min(0), points.max(0)
    centre, radius = (low + high) / 2, float(np.linalg.norm(high - low) / 2)
    points, index = welded((points - centre) / radius)
    triangles = index[triangles]
    directions, areas = facing(points, triangles)
    solid = areas > 1e-14  # slivers have no direction, and cover no pixel
    if not solid.any():
        raise ValueError("the mesh has no area: all of its triangles are degenerate")
    triangles, directions, areas = triangles[solid], directions[solid], areas[solid]
    closed = is_closed(triangles)
    left, right = edge_pairs(triangles)
    if closed:
        inverted = inside_out(points, triangles, left, right)
        triangles[inverted], directions[inverted] = triangles[inverted][:, ::-1], -directions[inverted]
        left, right = edge_pairs(triangles) if inverted.any() else (left, right)
    groups, count = smooth_groups(triangles, directions, left, right)
    weights = corner_angles(points, triangles) * flat_areas(directions, areas, left, right)[:, None]
    first = np.zeros(count, dtype=np.int64)
    first[groups] = triangles.ravel()
    return Surface(
        positions=points[first].astype(np.float32),
        normals=mean_directions(groups, count, weights, directions).astype(np.float32),
        triangles=groups.reshape(-1, 3),
        closed=closed,
        centre=centre,
        radius=radius,
        extents=high - low,
    )


def used(vertices: Array, faces: Index) -> tuple[Array, Index]:
    """The points (n, 3) that triangles use, and the triangles (m, 3).

    Raises ValueError when there are none, or when they are not of this world.
    """
    vertices, faces = np.asarray(vertices, dtype=np.float64), np.asarray(faces, dtype=np.int64)
    if faces.ndim != 2 or faces.shape[1] != 3 or not len(faces) or not len(vertices):
        raise ValueError("the mesh has no triangles")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise ValueError("the mesh names vertices that it does not have")
    kept = np.zeros(len(vertices), dtype=bool)
    kept[faces] = True
    points = vertices[kept]
    if not np.isfinite(points).all():
        raise ValueError("the mesh has coordinates that are not finite numbers")
    span, reach = (points.max(0) - points.min(0)).max(), np.abs(points).max()
    if not np.isfinite(span) or span <= 1e-9 * reach or span < 1e-100:
        raise ValueError("the mesh has no extent: all of its points are in one place")
    return points, (np.cumsum(kept) - 1)[faces]


def welded(points: Array) -> tuple[Array, Index]:
    """Distinct points (k, 3) of unit-sized `points` (n, 3), one in a million apart, and which one each is (n,)."""
    grid = np.rint((points + 1.0) * 500_000).astype(np.int64)
    keys = (grid[:, 0] << 42) | (grid[:, 1] << 21) | grid[:, 2]
    _, first, index = np.unique(keys, return_index=True, return_inverse=True)
    return points[first], index.reshape(-1)


def facing(points: Array, triangles: Index) -> tuple[Array, Array]:
    """Unit normals (m, 3) and twice the areas (m,) of the triangles; no direction where there is no area."""
    start = points[triangles[:, 0]]
    crosses = np.cross(points[triangles[:, 1]] - start, points[triangles[:, 2]] - start)
    areas = np.sqrt((crosses**2).sum(1))
    return crosses / np.maximum(areas, 1e-300)[:, None], areas


def is_closed(triangles: Index) -> bool:
    """Whether each edge is run along as often one way as the other, so that nothing of the inside can be seen."""
    start, end = triangles.ravel(), np.roll(triangles, -1, axis=1).ravel()
    span = int(triangles.max()) + 1
    return bool(np.array_equal(np.sort(start * span + end), np.sort(end * span + start)))


def edge_pairs(triangles: Index) -> tuple[Index, Index]:
    """Half-edges (e,), (e,) that run along one edge; half-edge 3f+k leaves corner k of triangle f."""
    start, end = triangles.ravel(), np.roll(triangles, -1, axis=1).ravel()
    span = int(triangles.max()) + 1
    keys = np.minimum(start, end) * span + np.maximum(start, end)
    order = np.argsort(keys, kind="stable")
    same = keys[order[1:]] == keys[order[:-1]]
    return order[:-1][same], order[1:][same]


def components(left: Index, right: Index, size: int) -> tuple[Index, int]:
    """Number of the connected group of each of `size` nodes (size,), joined by `left`-`right`; and how many groups."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(size, size))
    count, labels = connected_components(graph, directed=False)
    return labels.astype(np.int64), int(count)


def inside_out(points: Array, triangles: Index, left: Index, right: Index) -> NDArray[np.bool_]:
    """Which triangles (m,) belong to a shell whose volume is negative: its winding must be turned."""
    labels, count = components(left // 3, right // 3, len(triangles))
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    volumes = np.bincount(labels, weights=(a * np.cross(b, c)).sum(1), minlength=count)
    return np.asarray(volumes[labels] < 0)


def smooth_groups(triangles: Index, directions: Array, left: Index, right: Index) -> tuple[Index, int]:
    """Which corners (3m,) share a normal: those around one vertex that no crease parts."""
    opposed = triangles.ravel()[left] != triangles.ravel()[right]  # faces that agree which side is out
    smooth = opposed & ((directions[left // 3] * directions[right // 3]).sum(1) > np.cos(CREASE))
    left, right = left[smooth], right[smooth]
    # where one half-edge starts, its opposite ends
    left_end, right_end = (edge // 3 * 3 + (edge % 3 + 1) % 3 for edge in (left, right))
    return components(np.concatenate([left, left_end]), np.concatenate([right_end, right]), triangles.size)


def flat_areas(directions: Array, areas: Array, left: Index, right: Index) -> Array:
    """Area (m,) of the flat region each triangle belongs to.

    As a weight it keeps large planes flat up to their fillets, which then carry all of the turn.
    """
    flat = (directions[left // 3] * directions[right // 3]).sum(1) > np.cos(FLAT)
    labels, count = components(left[flat] // 3, right[flat] // 3, len(areas))
    return np.asarray(np.bincount(labels, weights=areas, minlength=count)[labels])


def corner_angles(points: Array, triangles: Index) -> Array:
    """Angle at each corner of each triangle, (m, 3) in radians."""
    ahead = points[np.roll(triangles, -1, axis=1)] - points[triangles]
    ahead /= np.maximum(np.sqrt((ahead**2).sum(2, keepdims=True)), 1e-300)
    cosines = -(ahead * np.roll(ahead, 1, axis=1)).sum(2)
    return np.asarray(np.arccos(np.clip(cosines, -1, 1)))


def mean_directions(groups: Index, count: int, weights: Array, directions: Array) -> Array:
    """Unit normal (count, 3) of each group of corners: the weighted mean of its triangles' directions."""
    sums = [np.bincount(groups, weights=(weights * axis[:, None]).ravel(), minlength=count) for axis in directions.T]
    summed = np.stack(sums, axis=1)
    return np.asarray(summed / np.maximum(np.sqrt((summed**2).sum(1, keepdims=True)), 1e-300))
