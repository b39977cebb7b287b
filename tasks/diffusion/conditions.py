"""What the CAD knows of a view as the pictures that ControlNets read: depth, normals, edges, geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from blocks.models.pipelines import Condition

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.records import Bools, Floats, View

FARTHEST: Final = 0.25  # the far end of a part; 0 is what is no part
CREASE: Final = np.cos(np.radians(20))  # neighbours whose normals differ by more have an edge between them
JUMP: Final = 0.03  # step in depth that is an edge, as a share of the part's own depth
FACING: Final = np.array((0.5, 0.5, 1.0), dtype=np.float32)  # how flat ground is painted


def condition(view: View, kind: Condition) -> Floats:
    """The picture of that kind: (h, w, 3) or, for "geometry", (h, w, 4) float32 0 to 1."""
    return _PAINTERS[kind](view)


def geometry(view: View) -> Floats:
    """Normals in three channels and nearness in the fourth: (h, w, 4) float32 0 to 1, all 0 off the part.

    A normal n is n / 2 + 1 / 2 (x right, y up, z towards the camera); nearness is 1 at the nearest point of the part
    and a quarter at its farthest.
    """
    made = np.zeros((*view.mask.shape, 4), dtype=np.float32)
    made[..., :3] = (view.normals * 0.5 + 0.5).clip(0, 1) * view.mask[..., None]
    made[..., 3] = _nearness(view)
    return made


def depth(view: View) -> Floats:
    """Nearness, the same in three channels: (h, w, 3) float32, as depth ControlNets were trained with it."""
    return np.repeat(_nearness(view)[..., None], 3, axis=-1)


def normals(view: View) -> Floats:
    """Normals of the part on ground that faces the camera: (h, w, 3) float32."""
    shown = (view.normals * 0.5 + 0.5).clip(0, 1)
    return np.where(view.mask[..., None], shown, FACING).astype(np.float32)


def edges(view: View) -> Floats:
    """White lines on black along outline, steps in depth and creases: (h, w, 3) float32, 0 or 1, as Canny draws."""
    return np.repeat(outlines(view)[..., None], 3, axis=-1).astype(np.float32)


def outlines(view: View) -> Bools:
    """The pixels on which the CAD has an edge, (h, w) bool: on the nearer side of it, one pixel wide."""
    near, found = _nearness(view), np.zeros_like(view.mask)
    step = JUMP * (1 - FARTHEST)
    for axis in (0, 1):
        one, other = (_half(axis, first) for first in (True, False))
        fall = near[one] - near[other]
        turn = (view.normals[one] * view.normals[other]).sum(axis=-1) < CREASE
        both = view.mask[one] & view.mask[other]
        # a slope that is steep all along is no edge: a step falls more than both of its neighbours together
        steady = np.abs(_around(fall, axis)) * 0.75
        jump = (np.abs(fall) > step) & (np.abs(fall) > steady) & both
        rim = view.mask[one] ^ view.mask[other]
        found[one] |= np.where(rim, view.mask[one], (jump & (fall > 0)) | (turn & both & (fall >= 0)))
        found[other] |= np.where(rim, view.mask[other], (jump & (fall < 0)) | (turn & both & (fall < 0)))
    return found


def _nearness(view: View) -> Floats:
    """1 at the nearest pixel of the part, a quarter at its farthest, 0 off it: (h, w) float32."""
    seen = view.depth[view.mask]
    made = np.zeros(view.mask.shape, dtype=np.float32)
    if seen.size:
        low, high = float(seen.min()), float(seen.max())
        made[view.mask] = 1 - (1 - FARTHEST) * (seen - low) / max(high - low, 1e-6)
    return made


def _half(axis: int, first: bool) -> tuple[slice, slice]:
    """All pixels that have a neighbour after them along `axis`, or all those neighbours."""
    cut = slice(None, -1) if first else slice(1, None)
    return (cut, slice(None)) if axis == 0 else (slice(None), cut)


def _around(fall: Floats, axis: int) -> Floats:
    """The sum of the falls before and after each one along `axis`."""
    padded = np.pad(fall, [(1, 1) if axis == side else (0, 0) for side in (0, 1)])
    before = padded[:-2] if axis == 0 else padded[:, :-2]
    after = padded[2:] if axis == 0 else padded[:, 2:]
    return np.asarray(before + after, dtype=np.float32)


_PAINTERS: Final[dict[Condition, Callable[[View], Floats]]] = {
    "depth": depth,
    "normals": normals,
    "edges": edges,
    "geometry": geometry,
}
