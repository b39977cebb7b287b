"""When are two meshes the same part? Digests for equal ones, a measured fit for two tessellations.

A digest finds copies to the last digit. The same part out of two formats is triangulated twice, so
it is found in three steps: surface moments that no rotation changes, the number of through-holes
(exact for any tessellation), and the largest distance after the best proper rotation. A mirror is
no proper rotation: left and right stay two parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pydantic import Field

from tasks.records import Body, Record, Size, bytes_id, content_id, generator

if TYPE_CHECKING:
    from collections.abc import Iterator

    import trimesh
    from numpy.typing import NDArray

    Points = NDArray[np.float64]

MOMENTS: Final = 0.01  # relative difference of the moments of two tessellations of one part
CLOSE: Final = 0.0005  # how far apart they may be, as a share of the diagonal, besides the sag of their facets
ROUNDED: Final = 0.04  # mm by which exporters were seen to move a small part's surface; at most 4 x CLOSE
SMOOTH: Final = 0.7  # radians: facets that meet at less belong to one curved face
_GRID: Final = 1e-6  # coordinates nearer than this share of the diagonal are one vertex
_SAMPLES: Final = 1500
_PROBES: Final = 4000


class Shape(Record):
    """A distinct geometry: its mesh as GLB, and the numbers that tell it from others.

    `size` (mm, or the file's unit where `unit` is "unknown") is the bounding box of the mesh as it
    lies in its file. `signature` is area, three standard deviations of the surface, largest radius
    and the Euler number (nan for an open surface).
    """

    geometry: str
    mesh: bytes
    size: Size
    unit: str
    format: str
    volume: float | None = Field(None, description="Enclosed volume, None for an open surface.")
    area: float = 0.0
    watertight: bool = False
    signature: tuple[float, ...] = ()


def shape(body: Body, suffix: str, name: str) -> Shape:
    """The geometry of `body`, read from a file that ends in `suffix`; its `name` is its digest."""
    import trimesh

    mesh = trimesh.Trimesh(body.vertices, body.faces, process=False)
    closed = bool(mesh.is_watertight)
    centre, spread, area = _moments(mesh)
    radius = float(np.linalg.norm(mesh.vertices - centre, axis=1).max())
    genus = float(mesh.euler_number) if closed else float("nan")
    extents = mesh.extents
    with np.errstate(all="ignore"):  # its centre of mass comes along, and a surface folded flat has none
        volume = abs(float(mesh.volume)) if closed else None
    return Shape(
        geometry=name,
        mesh=glb(body),
        size=(float(extents[0]), float(extents[1]), float(extents[2])),
        unit=body.unit,
        format=suffix,
        volume=volume,
        area=area,
        watertight=closed,
        signature=(area, *(float(s) for s in spread), radius, genus),
    )


def digest(body: Body, salt: str) -> str:
    """Name of the geometry: the same for any order of its vertices and faces, wherever it lies; salted by customer."""
    origin = body.vertices.min(axis=0)
    step = max(float(np.ptp(body.vertices, axis=0).max()) * _GRID, 1e-12)
    grid = np.rint((body.vertices - origin) / step).astype(np.int64)
    points, place = np.unique(grid, axis=0, return_inverse=True)
    faces = place.reshape(-1)[body.faces]
    turn = faces.argmin(axis=1)[:, None]  # each face begins with its smallest vertex; winding is kept
    faces = np.take_along_axis(faces, (np.arange(3) + turn) % 3, axis=1)
    faces = faces[np.lexsort(faces.T[::-1])]
    return content_id(bytes_id(points.tobytes()), bytes_id(faces.tobytes()), f"{step:.6e}", body.unit, salt=salt)


def glb(body: Body) -> bytes:
    """The mesh as binary glTF; one glTF unit is one mm (or one of the file's unit where unknown).

    It lies at the origin, wherever it lay in its file: glTF's floats would round a far-off part away.
    """
    import trimesh

    mesh = trimesh.Trimesh(body.vertices - body.vertices.min(axis=0), body.faces, process=False)
    data: Any = mesh.export(file_type="glb", include_normals=False)
    return bytes(data)


def load(data: bytes) -> tuple[Points, NDArray[np.int64]]:
    """Vertices (n, 3) and faces (m, 3) of a mesh that `glb` wrote."""
    import io

    import trimesh

    mesh: Any = trimesh.load(io.BytesIO(data), file_type="glb", force="mesh", process=False)
    return np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces, dtype=np.int64)


def alike(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Whether two signatures may belong to one part: a quick test that never says no to a true pair."""
    first, second = np.array(a), np.array(b)
    scale = np.maximum(np.abs(first[:-1]), np.abs(second[:-1]))
    scale[1:4] = scale[4]  # the thin direction of a sheet has a tiny deviation: judge it by the part's size
    near = np.abs(first[:-1] - second[:-1]) <= MOMENTS * scale
    holes = first[-1] == second[-1] or np.isnan(first[-1]) or np.isnan(second[-1])
    return bool(near.all() and holes)


def same(a: bytes, b: bytes) -> bool:
    """Whether two GLB meshes are one part in two tessellations: one fits the other after a rotation."""
    import trimesh

    first, second = (trimesh.Trimesh(*load(data), process=True) for data in (a, b))
    return any(_fits(first, second, turn, shift) for turn, shift in _placements(first, second))


def _fits(first: trimesh.Trimesh, second: trimesh.Trimesh, turn: Points, shift: Points) -> bool:
    moved = first.copy()
    moved.vertices = first.vertices @ turn.T + shift
    return _lies_on(moved, second) and _lies_on(second, moved)


def _lies_on(mesh: trimesh.Trimesh, other: trimesh.Trimesh) -> bool:
    """Whether corners and facets of `mesh` are on the surface of `other`, as far as facets can tell."""
    from trimesh.proximity import closest_point

    points = np.vstack([mesh.vertices, mesh.triangles_center])
    # a corner is on the true surface; the middle of a facet is not, by its sag
    own = np.concatenate([np.zeros(len(mesh.vertices)), _sag(mesh)])
    if len(points) > _PROBES:  # spread over the whole part, the same ones at each run
        some = np.linspace(0, len(points) - 1, _PROBES).astype(int)
        points, own = points[some], own[some]
    _, apart, nearest = closest_point(other, points)  # type: ignore[no-untyped-call]
    diagonal = float(np.linalg.norm(mesh.extents))
    close = max(CLOSE * diagonal, min(ROUNDED, 4 * CLOSE * diagonal))
    return bool((apart <= close + own + _sag(other)[nearest]).all())


def _sag(mesh: trimesh.Trimesh) -> Points:
    """How far the true surface may stand off each facet, (m,): width x angle / 8 where it goes on smoothly.

    A cylinder of radius r in facets of width w turns by w / r from one to the next, and its arc is
    r (1 - cos(w / 2r)), nearly w^2 / 8r, off the chord. Facets of a plane have none.
    """
    sag = np.zeros(len(mesh.faces))
    angles = np.asarray(mesh.face_adjacency_angles)
    smooth = angles < SMOOTH
    edges = np.asarray(mesh.vertices)[mesh.face_adjacency_edges[smooth]]
    length = np.linalg.norm(edges[:, 0] - edges[:, 1], axis=1)
    for side in (0, 1):
        faces = mesh.face_adjacency[smooth, side]
        width = 2 * mesh.area_faces[faces] / np.maximum(length, 1e-12)
        np.maximum.at(sag, faces, width * angles[smooth] / 8)
    return sag


def _moments(mesh: trimesh.Trimesh) -> tuple[Points, Points, float]:
    """Centroid (3,), standard deviations (3,) in falling order, and area of the surface itself.

    Exact integrals over triangles: (v0 + v1 + v2)^2 / 12 + sum of v_i^2 / 12.
    """
    centre, covariance, area = _covariance(mesh)
    return centre, np.sqrt(np.clip(np.linalg.eigvalsh(covariance)[::-1], 0, None)), area


def _covariance(mesh: trimesh.Trimesh) -> tuple[Points, Points, float]:
    weights = np.asarray(mesh.area_faces)
    area = float(weights.sum())
    triangles = np.asarray(mesh.triangles)
    centre = (triangles.mean(axis=1) * weights[:, None]).sum(axis=0) / area
    corners = triangles - centre
    middle = corners.sum(axis=1)
    second = np.einsum("n,ni,nj->ij", weights, middle, middle) + np.einsum("n,nki,nkj->ij", weights, corners, corners)
    return centre, second / (12 * area), area


def _placements(a: trimesh.Trimesh, b: trimesh.Trimesh) -> Iterator[tuple[Points, Points]]:
    """The best ways to lay `a` on `b`: rotation (3, 3) and shift (3,), refined; a part may nearly fit upside down."""
    from scipy.spatial import cKDTree

    points, target, normals = _samples(a)[0], *_samples(b)
    tree = cKDTree(target)
    centre_a, covariance_a, _ = _covariance(a)
    centre_b, covariance_b, _ = _covariance(b)
    fits = []
    # the best turn of each way to lay it: a bush with one chamfer fits upside down nearly as well
    for turns in ([np.eye(3)], *_turns(covariance_a, covariance_b)):
        shifts = [centre_b - turn @ centre_a for turn in turns]
        apart = [float(tree.query(points @ t.T + s)[0].mean()) for t, s in zip(turns, shifts, strict=True)]
        best = int(np.argmin(apart))
        fits.append((apart[best], turns[best], shifts[best]))
    for _, turn, shift in sorted(fits, key=lambda fit: fit[0]):
        yield _refined(points, tree, target, normals, turn, shift)


def _turns(a: Points, b: Points) -> Iterator[list[Points]]:
    """Proper rotations that bring the principal axes of `a` onto those of `b`, in the four ways that they may point."""
    values, axes_a = np.linalg.eigh(a)
    axes_b = np.linalg.eigh(b)[1]
    steps = np.arange(0, 360, 15)
    equal = np.isclose(values[:-1], values[1:], rtol=0.03)  # a round part: any turn about its axis
    free = [axis for axis, one in ((2, equal[0]), (0, equal[1])) if one]
    for signs in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        frame = axes_b * np.array([*signs, 1])
        frame[:, 2] *= np.sign(np.linalg.det(frame) * np.linalg.det(axes_a))
        spins = [_about(axis, float(angle)) for axis in free for angle in np.radians(steps[1:])]
        yield [frame @ spin @ axes_a.T for spin in (np.eye(3), *spins)]


def _about(axis: int, angle: float) -> Points:
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_euler("xyz"[axis], angle).as_matrix())


def _refined(
    points: Points, tree: object, target: Points, normals: Points, turn: Points, shift: Points
) -> tuple[Points, Points]:
    """A placement after point-to-plane ICP (Chen and Medioni, 1992)."""
    from scipy.spatial.transform import Rotation

    for _ in range(12):
        moved = points @ turn.T + shift
        nearest = tree.query(moved)[1]  # type: ignore[attr-defined]
        normal, gap = normals[nearest], ((target[nearest] - moved) * normals[nearest]).sum(axis=1)
        step = np.linalg.lstsq(np.hstack([np.cross(moved, normal), normal]), gap, rcond=None)[0]
        small = np.asarray(Rotation.from_rotvec(step[:3]).as_matrix())
        turn, shift = small @ turn, small @ shift + step[3:]
    return turn, shift


def _samples(mesh: trimesh.Trimesh) -> tuple[Points, Points]:
    """Points spread over the surface by area, and their normals, both (n, 3); the same at each call."""
    rng = generator("samples", len(mesh.faces))
    weights = np.asarray(mesh.area_faces)
    count = _SAMPLES * 4
    place = (np.arange(count) + rng.random(count)) / count
    face = np.searchsorted(np.cumsum(weights) / weights.sum(), place).clip(0, len(weights) - 1)
    u, v = np.sqrt(rng.random(count)), rng.random(count)
    bary = np.stack([1 - u, u * (1 - v), u * v], axis=1)
    points = np.einsum("nk,nkd->nd", bary, np.asarray(mesh.triangles)[face])
    return points, np.asarray(mesh.face_normals)[face]
