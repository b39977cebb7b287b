"""Things that lie on a bench: their meshes in one scale, how they come to rest, how much one hides of another."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.rig import turned
from tasks.studio.surface import surface

Array = NDArray[np.float64]
Index = NDArray[np.int64]

GRID = 40
TRIES = 64
UP = np.array([0.0, 0.0, 1.0])
NOWHERE = np.zeros((0, 3))
DOTS = 12_000
STABLE = 2e-3  # part radii by which the centre of mass may miss its foot: tessellation is no better


class Solid(NamedTuple):
    """Triangles where they lie: `points` and `normals` (n, 3) float64, `triangles` (m, 3) int64.

    `own` (n, 3) are the points before they were moved: a texture sticks to them. `outer` (k, 3) are the corners of its
    hull. Lengths are in radii of the part that the picture is of; the bench is z = 0.
    """

    points: Array
    normals: Array
    triangles: Index
    own: Array
    outer: Array

    def moved(self, turn: Array, shift: Array | tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Solid:
        """Copy turned by `turn` (3, 3), then shifted."""
        return self._replace(
            points=self.points @ turn.T + np.asarray(shift),
            outer=self.outer @ turn.T + np.asarray(shift),
            normals=self.normals @ turn.T,
        )

    def scaled(self, scale: float) -> Solid:
        """Copy of another size; its texture keeps the size that it had."""
        return self._replace(points=self.points * scale, outer=self.outer * scale, own=self.own * scale)

    def landed(self, turn: Array) -> Solid:
        """Copy turned by `turn`, then set on the bench above its origin."""
        low, high = (bound(self.outer @ turn.T, axis=0) for bound in (np.min, np.max))
        return self.moved(turn, (-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2, -low[2]))


def solid(vertices: Array, faces: Index, unit: float | None = None) -> Solid:
    """Mesh `vertices` (n, 3), `faces` (m, 3) around the origin; `unit` of its lengths, or its radius, becomes 1.

    Raises ValueError with a sentence when nothing of the mesh could be seen.
    """
    skin = surface(vertices, faces)
    points = skin.positions.astype(np.float64) * (skin.radius / unit if unit else 1.0)
    return Solid(points, skin.normals.astype(np.float64), skin.triangles, points, hull_corners(points))


def hull_corners(points: Array) -> Array:
    """Corners (k, 3) of the convex hull of `points` (n, 3); all of them where they lie in one plane."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        return np.asarray(points[ConvexHull(points).vertices])
    except (QhullError, ValueError):
        return points


def resting(thing: Solid, rng: np.random.Generator) -> Array:
    """Rotation (3, 3) to a pose in which the thing stays put, low and broad ones more often; any when none does."""
    from scipy.spatial import ConvexHull, QhullError
    from scipy.spatial.transform import Rotation

    try:
        hull = ConvexHull(thing.outer)
    except (QhullError, ValueError):
        return np.asarray(Rotation.random(rng=rng).as_matrix())  # flat as paper
    centre, planes = balance(thing, hull), hull.equations
    heights = np.maximum(-(planes[:, :3] @ centre + planes[:, 3]), 1e-3)
    chances = solid_angles(hull.points[hull.simplices] - centre) / heights**2
    for chosen in rng.choice(len(planes), TRIES, p=chances / chances.sum()):
        below = centre + heights[chosen] * planes[chosen, :3]
        if (planes[:, :3] @ below + planes[:, 3]).max() < STABLE:
            return turned(planes[chosen, :3], -UP)
    return np.asarray(Rotation.random(rng=rng).as_matrix())


def balance(thing: Solid, hull: Any) -> Array:
    """Centre of mass (3,): of the volume that the triangles enclose, of the hull's corners where they enclose none."""
    a, b, c = thing.points[thing.triangles].transpose(1, 0, 2)
    volumes = np.einsum("ij,ij->i", a, np.cross(b, c))
    if abs(volumes.sum()) > 1e-3:
        centre = (volumes[:, None] * (a + b + c)).sum(0) / (4 * volumes.sum())
        if (hull.equations[:, :3] @ centre + hull.equations[:, 3]).max() < 0:
            return np.asarray(centre)
    return np.asarray(thing.outer.mean(0))


def solid_angles(corners: Array) -> Array:
    """How much of the sky each triangle (n, 3, 3) takes, seen from the origin (Van Oosterom and Strackee)."""
    a, b, c = corners.transpose(1, 0, 2)
    la, lb, lc = (np.linalg.norm(side, axis=1) for side in (a, b, c))
    dots = [np.einsum("ij,ij->i", *pair) for pair in ((a, b), (b, c), (c, a))]
    over = np.abs(np.einsum("ij,ij->i", a, np.cross(b, c)))
    return np.asarray(2 * np.arctan2(over, la * lb * lc + dots[0] * lc + dots[1] * la + dots[2] * lb))


class Eye(NamedTuple):
    """A camera: where it stands (3,), its `axes` (3, 3) right, up, back, and the tangent of half its field of view."""

    place: Array
    axes: Array
    slope: float

    def seen(self, points: Array) -> tuple[Array, Array]:
        """Where `points` (n, 3) are in the frame, (n, 2) from -1 to 1, y up, and how far ahead of the camera (n,)."""
        x, y, z = ((points - self.place) @ self.axes.T).T
        ahead = np.maximum(-z, 1e-6)
        return np.stack([x, y], 1) / (self.slope * ahead)[:, None], -z

    def panned(self, across: float, up: float, ahead: float) -> Eye:
        """Camera moved sideways so that what is `ahead` goes `across` and `up` in the frame."""
        step = -self.slope * ahead * (across * self.axes[0] + up * self.axes[1])
        return self._replace(place=self.place + step)


def dots(thing: Solid, rng: np.random.Generator, count: int = DOTS) -> Array:
    """Points (count, 3) spread evenly over the surface."""
    corners = thing.points[thing.triangles]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    ends = np.cumsum(areas)
    chosen = corners[np.searchsorted(ends, rng.uniform(0, ends[-1], count), side="right").clip(0, len(areas) - 1)]
    u, v = np.sort(rng.random((2, count)), axis=0)
    return np.asarray(u[:, None] * chosen[:, 0] + (v - u)[:, None] * chosen[:, 1] + (1 - v)[:, None] * chosen[:, 2])


def distances(points: Array, eye: Eye, reach: float = 2.0) -> Array:
    """How far ahead the nearest of `points` is in each cell of a grid (g, g) over `reach` frames; inf where none."""
    where, ahead = eye.seen(points)
    cells = np.floor((where / reach + 1) * (GRID * reach / 2)).astype(np.int64)
    side = int(GRID * reach)
    inside = (ahead > 1e-3) & (cells >= 0).all(1) & (cells < side).all(1)
    near = np.full(side * side, np.inf)
    np.minimum.at(near, cells[inside, 1] * side + cells[inside, 0], ahead[inside])
    return near.reshape(side, side)


def closed(near: Array) -> Array:
    """The grid of distances without the holes that dots leave, its outline as it was."""
    from scipy.ndimage import maximum_filter, minimum_filter

    return np.asarray(maximum_filter(minimum_filter(near, 3), 3))


def hidden(part: Array, others: Array, eye: Eye) -> float:
    """Share of what could be seen of `part`'s dots that `others`' dots or the frame's edge hide, 0 to 1."""
    own, near = distances(part, eye), closed(distances(others, eye))
    shows = np.isfinite(own)
    framed = np.zeros_like(shows)
    framed[GRID // 2 : -GRID // 2, GRID // 2 : -GRID // 2] = True
    return 1 - float((shows & framed & (own < near + 0.02)).sum() / max(shows.sum(), 1))
