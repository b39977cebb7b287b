"""What a variant's pixels say, beside what the CAD says of them: gradients, the known outline and creases."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tasks.augment import flatten
from tasks.records import Bools, Bytes, Floats, View

Integers = NDArray[np.int64]

SIDE: Final = 256  # pixels: larger pictures are looked at in this size
FRAME: Final = 6  # pixels from the picture's rim where nothing is judged
CREASE: Final = 0.35  # how far the normals of two neighbours but one differ where the surface has an edge
SOFT: Final = 8.0  # steps of brightness per pixel at which an edge is half sure
REACH: Final = 10  # pixels that edges are looked for, each way
MOST: Final = 256  # points of an edge that are compared
BOX: Final = np.ones((3, 3), dtype=np.bool_)


class Points(NamedTuple):
    """Pixels of an edge, rows and columns (n,), and the unit vectors (right, down) across it (n, 2)."""

    rows: Integers
    columns: Integers
    across: Floats

    def where(self, keep: Bools) -> Points:
        """Those of the points that `keep` (n,) says."""
        return Points(self.rows[keep], self.columns[keep], self.across[keep])

    def beside(self, step: float, shape: tuple[int, int]) -> tuple[Integers, Integers]:
        """Rows and columns of the pixels `step` further across the edge (outwards, for an outline)."""
        rows = np.clip(np.rint(self.rows + step * self.across[:, 1]), 0, shape[0] - 1).astype(np.int64)
        columns = np.clip(np.rint(self.columns + step * self.across[:, 0]), 0, shape[1] - 1).astype(np.int64)
        return rows, columns


@dataclass(frozen=True)
class Slopes:
    """Gradient of a picture where its colour changes fastest, to the right and down, (h, w) each."""

    right: Floats
    down: Floats

    def across(self, points: Points, rows: Any, columns: Any) -> Floats:
        """Steepness at `rows` and `columns` (…, n) in the directions of the n points."""
        found = self.right[rows, columns] * points.across[:, 0] + self.down[rows, columns] * points.across[:, 1]
        return np.asarray(np.abs(found), dtype=np.float32)


@dataclass(frozen=True)
class Known:
    """What the CAD and the render know of a view: mask (h, w), its outline, and edges of the surface that show."""

    mask: Bools
    planes: Floats
    slopes: Slopes
    outline: Points
    creases: Points

    @cached_property
    def fit(self) -> Floats:
        """How well the creases fit the render itself, wherever they are moved to (`fit`)."""
        return fit(self.slopes, self.creases)


@dataclass(frozen=True)
class Evidence:
    """A variant's pixels beside what is known; `hidden` (h, w) is where something else covers the part on purpose."""

    known: Known
    planes: Floats
    slopes: Slopes
    hidden: Bools

    @cached_property
    def outline(self) -> Points:
        """Those points of the outline that are not hidden."""
        return self._seen(self.known.outline)

    @cached_property
    def creases(self) -> Points:
        """Those points of the creases that are not hidden."""
        return self._seen(self.known.creases)

    def steep(self, points: Points) -> Floats:
        """How steep the picture is across each point (n,), a pixel or two more or less."""
        found = np.zeros(len(points.rows), dtype=np.float32)
        for step in (-1.5, -0.5, 0.5, 1.5):
            at = points.beside(step, self.known.mask.shape)
            np.maximum(found, self.slopes.across(points, *at), out=found)
        return found

    def _seen(self, points: Points) -> Points:
        return points.where(~self.hidden[points.rows, points.columns])


class _Same:
    """A picture by its identity: holds it, so that no other one gets its address."""

    def __init__(self, *arrays: Any, view: View) -> None:
        self.view = view
        self._arrays = arrays

    def __hash__(self) -> int:
        return hash(tuple(map(id, self._arrays)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and all(
            one is two for one, two in zip(self._arrays, other._arrays, strict=True)
        )


def evidence(variant: View, view: View) -> Evidence:
    """What there is to judge a variant of `view` by."""
    known = _known(_Same(view.image, view.alpha, view.mask, view.depth, view=view))
    planes = colours(reduced(variant.image))
    missing = known.mask & ~reduced(variant.mask)
    hidden = ndimage.binary_dilation(missing, BOX, 5) if missing.any() else missing
    return Evidence(known=known, planes=planes, slopes=slopes(planes), hidden=hidden)


# one view is enough: its variants follow each other
@lru_cache(maxsize=1)
def _known(of: _Same) -> Known:
    view = of.view
    mask = reduced(view.mask)
    planes = colours(reduced(flatten(view).image))
    steep = slopes(planes)
    return Known(mask=mask, planes=planes, slopes=steep, outline=outline(mask), creases=creases(view, mask, steep))


def reduced(pixels: Any) -> Any:
    """A picture or a mask at about SIDE pixels: blocks of it, averaged, in the type that it has."""
    factor = max(1, round(max(pixels.shape[:2]) / SIDE))
    if factor == 1:
        return pixels
    height, width = (side // factor * factor for side in pixels.shape[:2])
    blocks = pixels[:height, :width].reshape(height // factor, factor, width // factor, factor, *pixels.shape[2:])
    mean = blocks.mean(axis=(1, 3), dtype=np.float32)
    return mean > 0.5 if pixels.dtype == np.bool_ else mean.astype(pixels.dtype)


def colours(image: Bytes) -> Floats:
    """Planes (3, h, w) float32 of a picture, slightly softened, so that noise makes no edges."""
    found = image.transpose(2, 0, 1).astype(np.float32, order="C")
    for axis in (1, 2):
        found = ndimage.convolve1d(found, np.array([0.25, 0.5, 0.25], dtype=np.float32), axis=axis, mode="nearest")
    return np.asarray(found, dtype=np.float32)


def slopes(planes: Floats) -> Slopes:
    """Gradient of planes (3, h, w), taken from the one that changes fastest at each pixel."""
    right, down = np.zeros_like(planes), np.zeros_like(planes)
    right[:, :, 1:-1] = (planes[:, :, 2:] - planes[:, :, :-2]) * np.float32(0.5)
    down[:, 1:-1] = (planes[:, 2:] - planes[:, :-2]) * np.float32(0.5)
    best = (right * right + down * down).argmax(axis=0)[None]
    return Slopes(np.take_along_axis(right, best, 0)[0], np.take_along_axis(down, best, 0)[0])


def fit(slopes: Slopes, points: Points) -> Floats:
    """How sure the edges are that run as `points` do, for each place to which these are moved: (21, 21) 0 to 1.

    The middle is where they are; rows are pixels down, columns to the right. Zeros without points.
    """
    side = 2 * REACH + 1
    if not len(points.rows):
        return np.zeros((side, side), dtype=np.float32)
    some = points
    if len(points.rows) > MOST:
        each = np.linspace(0, len(points.rows) - 1, MOST).astype(np.int64)
        some = Points(points.rows[each], points.columns[each], points.across[each])
    down, right = _moves()
    height, width = slopes.right.shape
    rows = np.clip(some.rows + down, 0, height - 1)
    columns = np.clip(some.columns + right, 0, width - 1)
    steep = slopes.across(some, rows, columns)
    return np.asarray((steep / (steep + np.float32(SOFT))).mean(axis=1).reshape(side, side), dtype=np.float32)


@cache
def _moves() -> tuple[Integers, Integers]:
    """Every way that points are moved, down and right, (441, 1) each."""
    down, right = np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1]
    return down.reshape(-1, 1), right.reshape(-1, 1)


def outline(mask: Bools) -> Points:
    """The silhouette's rim, its holes' rims included, with normals that point away from the part."""
    soft = ndimage.gaussian_filter(mask.astype(np.float32), 2.0, truncate=2.5)
    down, right = np.gradient(soft)
    rim = mask & ~ndimage.binary_erosion(mask, border_value=1) & _framed(mask)
    rows, columns = np.nonzero(rim)
    across = -np.stack([right[rows, columns], down[rows, columns]], axis=1)
    length = np.linalg.norm(across, axis=1)
    # a sheet that is seen from its edge has no inside: its normals are chance
    sound = length > 0.02
    return Points(rows[sound], columns[sound], (across[sound] / length[sound, None]).astype(np.float32))


def creases(view: View, mask: Bools, render: Slopes) -> Points:
    """Pixels within the part where its surface has an edge or a step that the render shows, across as it does."""
    normals, depth = reduced(view.normals), reduced(view.depth)
    core = ndimage.binary_erosion(mask, BOX, 3) & _framed(mask)
    span = float(np.ptp(depth[core])) if core.any() else 0.0
    bend = np.zeros(mask.shape, dtype=np.float32)
    for axis in (0, 1):
        turn = np.abs(_step(normals, axis)).max(axis=-1) / np.float32(CREASE)
        fall = np.abs(_step(depth, axis)) / np.float32(max(0.08 * span, 1e-6))
        np.maximum(bend, np.maximum(turn, fall), out=bend)
    steep = np.hypot(render.right, render.down)
    rows, columns = np.nonzero((bend > 1) & core & (steep > 5))
    across = np.stack([render.right[rows, columns], render.down[rows, columns]], axis=1)
    length = np.maximum(steep[rows, columns, None], 1e-6)
    return Points(rows, columns, (across / length).astype(np.float32))


def _framed(mask: Bools) -> Bools:
    inside = np.zeros_like(mask)
    inside[FRAME:-FRAME, FRAME:-FRAME] = True
    return inside


def _step(values: Floats, axis: int) -> Floats:
    """Difference of the neighbours on both sides along an axis, 0 at the rim."""
    found = np.zeros_like(values)
    upper, lower = [slice(None)] * values.ndim, [slice(None)] * values.ndim
    middle = [slice(None)] * values.ndim
    upper[axis], lower[axis], middle[axis] = slice(2, None), slice(None, -2), slice(1, -1)
    found[tuple(middle)] = values[tuple(upper)] - values[tuple(lower)]
    return found
