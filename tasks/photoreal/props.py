"""What else lies on a bench: bolts, washers, boxes, cables, cloths, sheets of card, a hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.photoreal.solid import Solid, solid

Array = NDArray[np.float64]

WIDTH, CELLS = 3.2, 72


def thing(rng: np.random.Generator) -> Solid:
    """A small workshop thing of about the part's size, around the origin."""
    from trimesh import creation, util

    mesh: Any
    kind = int(rng.integers(5))
    if kind == 0:
        shank, length = rng.uniform(0.06, 0.14), rng.uniform(0.4, 1.2)
        body = creation.cylinder(shank, length, sections=32)
        head = creation.cylinder(1.9 * shank, 1.3 * shank, sections=6)
        head.apply_translation([0, 0, length / 2 + 0.65 * shank])
        mesh = util.concatenate([body, head])
    elif kind == 1:
        inner = rng.uniform(0.08, 0.3)
        mesh = creation.annulus(inner, inner * rng.uniform(1.4, 2.2), rng.uniform(0.04, 0.4), sections=40)
    elif kind == 2:
        mesh = creation.box(rng.uniform(0.15, 0.9, 3))
    elif kind == 3:
        mesh = creation.cylinder(rng.uniform(0.05, 0.3), rng.uniform(0.3, 1.6), sections=40)
    else:
        return cable(rng)
    return solid(mesh.vertices, mesh.faces, unit=1.0)


def cable(rng: np.random.Generator) -> Solid:
    """A length of cable, flat on the bench in loose curves."""
    along = np.linspace(0, 1, 60)
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.05, 60)) + rng.uniform(-4, 4) * along
    path = np.zeros((60, 3))
    path[:, :2] = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1), axis=0) * rng.uniform(1.2, 3) / 60
    return tube(path, np.full(60, rng.uniform(0.03, 0.09)))


def tube(path: Array, radii: Array, sides: int = 16) -> Solid:
    """Tube (closed at its ends) around the points `path` (n, 3) with `radii` (n,), in its own place."""
    ahead = np.gradient(path, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    side = np.cross(ahead, [0.03, 0.02, 1.0])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(side, ahead)
    turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    ring = np.cos(turn)[None, :, None] * side[:, None] + np.sin(turn)[None, :, None] * up[:, None]
    points = np.concatenate([(path[:, None] + radii[:, None, None] * ring).reshape(-1, 3), path[[0, -1]]])
    at = np.arange(len(path) - 1)[:, None] * sides
    here, there = np.arange(sides)[None], (np.arange(sides)[None] + 1) % sides
    quads = np.stack([at + here, at + there, at + sides + there, at + sides + here], -1).reshape(-1, 4)
    caps = [[len(points) - 2, (k + 1) % sides, k] for k in range(sides)]
    last = (len(path) - 1) * sides
    caps += [[len(points) - 1, last + k, last + (k + 1) % sides] for k in range(sides)]
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]], np.array(caps)])
    made = solid(points, faces, unit=1.0)
    middle = (points.min(0) + points.max(0)) / 2
    return made.moved(np.eye(3), middle)


def hand(rng: np.random.Generator, width: float) -> Solid:
    """Fingers that come along x from far left, their tips at the origin; `width` is one finger's radius."""
    fingers = []
    for number in range(int(rng.integers(1, 5))):
        tip, bend = rng.uniform(-0.8, 0.3) * width * 2, rng.uniform(0.1, 0.5) * width
        along = np.linspace(0, 1, 40)
        path = np.stack([tip - 14 * width * along, np.full(40, 1.9 * width * number), 3 * bend * np.sin(3 * along)], 1)
        knuckles = 1 + 0.06 * np.cos(along * 26 - 1) * np.exp(-2 * along)
        tapered = np.sqrt(np.clip(1 - (1 - along / 0.06).clip(0) ** 2, 0.02, 1)) * (1 + 0.5 * along)
        fingers.append(tube(path, width * knuckles * tapered, 24))
    return joined(fingers)


def joined(solids: list[Solid]) -> Solid:
    """Several solids as one."""
    starts = np.cumsum([0, *(len(one.points) for one in solids)])
    triangles = np.concatenate([one.triangles + start for one, start in zip(solids, starts, strict=False)])
    points, normals, own, outer = (
        np.concatenate([getattr(one, name) for one in solids]) for name in ("points", "normals", "own", "outer")
    )
    return Solid(points, normals, triangles, own, outer)


def sheet(over: Array, edge: float, turn: Array, stiff: float, folds: Array) -> Solid:
    """A cloth or card whose edge lies at x = `edge` and that covers all beyond it, laid over the dots `over` (n, 3).

    `turn` (2, 2) brings the bench's directions to the sheet's; `stiff` is how far it spans hollows, in part radii;
    `folds` (4,) are how often it is folded along and across, where, and how high.
    """
    from scipy.ndimage import gaussian_filter, maximum_filter

    step = WIDTH / CELLS
    where = np.floor((over[:, :2] @ turn.T - [edge, -WIDTH / 2]) / step).astype(int)
    inside = ((where >= 0) & (where < CELLS)).all(1)
    heights = np.zeros((CELLS, CELLS))
    np.maximum.at(heights, tuple(where[inside].T), over[inside, 2])
    spanned = gaussian_filter(maximum_filter(heights, int(0.5 * stiff / step) * 2 + 3), 0.25 * stiff / step + 0.5)
    heights = np.maximum(spanned, maximum_filter(heights, 3)) + 0.03
    x, y = np.meshgrid(np.arange(CELLS) * step, np.arange(CELLS) * step - WIDTH / 2, indexing="ij")
    along, across, phase, depth = folds
    heights += depth * (1 + np.sin(along * x + across * y + phase + np.sin(3 * y)))
    slopes = np.gradient(heights, step)
    x = x + edge + 2 * depth * np.sin(4 * y + phase) + depth * np.sin(11 * y)
    points, normals = (
        np.stack(axes, -1).reshape(-1, 3) for axes in ((x, y, heights), (-slopes[0], -slopes[1], np.ones_like(x)))
    )
    points[:, :2], normals[:, :2] = points[:, :2] @ turn, normals[:, :2] @ turn
    at = np.arange(CELLS - 1)[:, None] * CELLS + np.arange(CELLS - 1)[None]
    quads = np.stack([at, at + CELLS, at + CELLS + 1, at + 1], -1).reshape(-1, 4)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return Solid(points, normals, faces, points, points)
