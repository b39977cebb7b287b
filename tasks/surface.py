"""A mesh made ready to be photographed: unit size, round where it is round, sharp where it is sharp."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.records import Floats, Record

CREASE = np.deg2rad(33)
FLAT = np.deg2rad(1.5)


class Surface(Record):
    """Triangles of about unit size with a normal per vertex, and the way back to the mesh's own unit.

    `positions` and `normals` (n, 3) float32; `triangles` (m, 3) int64; a point of the mesh is
    `centre + radius * position`. `extents` (3,) float64 are the sides of its box in the mesh's unit.
    """

    positions: Floats
    normals: Floats
    triangles: NDArray[np.int64]
    centre: NDArray[np.float64]
    radius: float
    extents: NDArray[np.float64]


def surface(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> Surface:
    """Surface of the mesh `vertices` (n, 3), `faces` (m, 3), smooth but for creases above 33 degrees.

    Raises ValueError with a sentence when nothing of the mesh could be seen.
    """
    corners = used(vertices, faces)
    low, high = corners.reshape(-1, 3).min(0), corners.reshape(-1, 3).max(0)
    centre = (low + high) / 2
    radius = float(np.linalg.norm(high - low) / 2)
    corners = (corners - centre) / radius
    merged, index = welded(corners.reshape(-1, 3))
    triangles = index.reshape(-1, 3)
    crosses = np.cross(
        merged[triangles[:, 1]] - merged[triangles[:, 0]], merged[triangles[:, 2]] - merged[triangles[:, 0]]
    )
    areas = np.linalg.norm(crosses, axis=1)
    solid = areas > 1e-14  # slivers have no direction; they cover no pixel either
    if not solid.any():
        raise ValueError("the mesh has no area: all of its triangles are degenerate")
    triangles, areas = triangles[solid], areas[solid]
    directions = crosses[solid] / areas[:, None]
    groups, count = smooth_groups(triangles, directions)
    weights = corner_angles(merged, triangles) * flat_areas(triangles, directions, areas)[:, None]
    summed = np.stack(
        [
            np.bincount(groups, weights=(weights * directions[:, axis, None]).ravel(), minlength=count)
            for axis in range(3)
        ],
        axis=1,
    )
    lengths = np.linalg.norm(summed, axis=1, keepdims=True)
    first = np.zeros(count, dtype=np.int64)
    first[groups] = triangles.ravel()
    return Surface(
        positions=merged[first].astype(np.float32),
        normals=(summed / np.maximum(lengths, 1e-30)).astype(np.float32),
        triangles=groups.reshape(-1, 3).astype(np.int64),
        centre=centre,
        radius=radius,
        extents=high - low,
    )


def used(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """Corners (m, 3, 3) float64 of the triangles; raises ValueError when they are none, or not of this world."""
    vertices, faces = np.asarray(vertices, dtype=np.float64), np.asarray(faces, dtype=np.int64)
    if faces.ndim != 2 or faces.shape[1] != 3 or not len(faces) or not len(vertices):
        raise ValueError("the mesh has no triangles")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise ValueError("the mesh names vertices that it does not have")
    corners = vertices[faces]
    if not np.isfinite(corners).all():
        raise ValueError("the mesh has coordinates that are not finite numbers")
    span = np.ptp(corners.reshape(-1, 3), axis=0).max()
    if not np.isfinite(span) or span <= 1e-9 * np.abs(corners).max() or span < 1e-150:
        raise ValueError("the mesh has no extent: all of its points are in one place")
    return corners


def welded(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distinct points (k, 3) of unit-sized `points` (n, 3), one in a million apart, and which one each is (n,)."""
    grid = np.rint((points + 1.0) * 500_000).astype(np.int64)
    keys = (grid[:, 0] << 42) | (grid[:, 1] << 21) | grid[:, 2]
    _, first, index = np.unique(keys, return_index=True, return_inverse=True)
    return points[first], index.reshape(-1)


def edge_pairs(triangles: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Half-edges (e,), (e,) that run along one edge; half-edge 3f+k leaves corner k of triangle f."""
    start, end = triangles.ravel(), np.roll(triangles, -1, axis=1).ravel()
    span = int(triangles.max()) + 1
    keys = np.minimum(start, end) * span + np.maximum(start, end)
    order = np.argsort(keys, kind="stable")
    same = keys[order[1:]] == keys[order[:-1]]
    return order[:-1][same], order[1:][same]


def components(left: NDArray[np.int64], right: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], int]:
    """Number of the connected group of each of `size` nodes (size,), joined by `left`-`right`; and how many groups."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(size, size))
    count, labels = connected_components(graph, directed=False)
    return labels.astype(np.int64), int(count)


def smooth_groups(triangles: NDArray[np.int64], directions: NDArray[np.float64]) -> tuple[NDArray[np.int64], int]:
    """Which corners (3m,) share a normal: those around one vertex that no crease parts."""
    left, right = edge_pairs(triangles)
    # faces that run along an edge in the same sense wind against each other: compare them as if they agreed
    opposed = triangles.ravel()[left] == triangles.ravel()[right]
    cosines = (directions[left // 3] * directions[right // 3]).sum(1)
    smooth = (cosines > np.cos(CREASE)) & ~opposed
    left, right = left[smooth], right[smooth]
    after_left = left // 3 * 3 + (left % 3 + 1) % 3
    after_right = right // 3 * 3 + (right % 3 + 1) % 3
    # opposite half-edges: where one starts the other ends
    return components(np.concatenate([left, after_left]), np.concatenate([after_right, right]), triangles.size)


def flat_areas(
    triangles: NDArray[np.int64], directions: NDArray[np.float64], areas: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Area (m,) of the flat region each triangle belongs to.

    As a weight it keeps large planes flat up to their fillets, which then carry all of the turn.
    """
    left, right = edge_pairs(triangles)
    flat = (directions[left // 3] * directions[right // 3]).sum(1) > np.cos(FLAT)
    labels, count = components(left[flat] // 3, right[flat] // 3, len(triangles))
    return np.asarray(np.bincount(labels, weights=areas, minlength=count)[labels])


def corner_angles(points: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.float64]:
    """Angle at each corner of each triangle, (m, 3) in radians."""
    ahead = points[np.roll(triangles, -1, axis=1)] - points[triangles]
    ahead /= np.maximum(np.linalg.norm(ahead, axis=2, keepdims=True), 1e-30)
    cosines = -(ahead * np.roll(ahead, 1, axis=1)).sum(2)
    return np.asarray(np.arccos(np.clip(cosines, -1, 1)))
