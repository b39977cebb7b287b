"""Whether there is material where the CAD has none: something grown onto the part, or a through-hole that is closed."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy import ndimage

from tasks.gate import Finding
from tasks.gate.evidence import BOX, SOFT, Evidence, Integers, evidence, slopes
from tasks.records import Bools, Floats, View

CELLS: Final = (20, 17, 17)  # of brightness and two differences of colour
SHADOWS: Final = ((0.8, 0.4), (0.6, 0.25))  # surroundings in shadow: how dark, and how often
CLEAR: Final = 4.0  # a pixel's colour never says more than this, in logarithms
LIKELY: Final = 0.5  # how much more likely the part's colour is than the surroundings' where something has grown
STEEP: Final = 10.0  # steps of brightness per pixel at which an edge is half sure
SMALLEST, LARGEST = 0.004, 0.6  # shares of the part: less is chance, more is surroundings of the part's own colour
PATCHES: Final = 6  # the largest ones are looked at
HOLE: Final = 10  # pixels of a through-hole, in a picture of 128, below which its colour cannot be told
FEWEST: Final = 8  # points of the outline that tell how it looks
NOTHING: Final = -6.0  # the score where nothing speaks for a fault

# logistic regressions on made-up parts other than those that `make bench-gate` reports (docs/gate.md)
# edge of the patch, its likeness, edge of the outline where it touches, and elsewhere, bias
GROWN: Final = (4.34, 0.98, -3.45, -0.85, -1.74)
# likeness of the hole, edge of its rim, edge of the outline elsewhere, bias
CLOSED: Final = (0.56, -12.1, 4.06, 4.8)


class Matter(BaseModel):
    """Nothing of the part's own stuff may be seen outside its silhouette, nor in its through-holes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    place: ClassVar[int] = 40

    grown: float = Field(0.7, description="How sure it may be at most that something has grown onto the part.")
    closed: float = Field(1.8, description="How sure it may be at most that a through-hole is closed.")

    def __call__(self, variant: View, view: View) -> Finding:
        """Scores `grown` and `closed`, logarithms of odds, and `holes`, how many through-holes are open.

        The last two are absent where the view has no hole that is large enough; all are without CAD.
        """
        if not view.depth.any():
            return Finding({})
        found = Halved(evidence(variant, view))
        likely = found.likely()
        scores = {"grown": grown(found, likely)}
        shut = [closed(found, hole, likely) for hole in found.holes()]
        if shut:
            scores |= {"closed": max(shut), "holes": float(sum(one <= self.closed for one in shut))}
        if scores["grown"] > self.grown:
            return Finding(scores, "Something has grown onto the part: its own stuff goes on beyond its outline.")
        if scores.get("closed", NOTHING) > self.closed:
            return Finding(scores, "A through-hole is closed: where it must be, the picture looks like the part.")
        return Finding(scores)


class Halved:
    """A variant at half its size: colours, edges, and the silhouette's inside and outside, rim pixels in neither.

    `at` are the pixels of the outline's points, in full size, and `rims` how sure an edge is at each.
    """

    def __init__(self, found: Evidence) -> None:
        self.planes = _half(found.planes)
        cover = _half(found.known.mask.astype(np.float32))
        self.mask, self.inside, self.outside = cover > 0.5, cover > 0.99, cover < 0.01
        self.hidden: Bools = _half(found.hidden.astype(np.float32)) > 0
        self.near: Bools = ndimage.binary_dilation(self.mask, BOX)
        self.sure: Floats = ndimage.maximum_filter(_edges(self.planes), 3)
        points, last = found.outline, (self.mask.shape[0] - 1, self.mask.shape[1] - 1)
        self.at = np.minimum(points.rows // 2, last[0]), np.minimum(points.columns // 2, last[1])
        steep = found.steep(points)
        self.rims: Floats = steep / (steep + np.float32(SOFT))

    def elsewhere(self, some: Bools) -> float:
        """How sure the edge is along the outline but for `some` of its points."""
        rest = self.rims[~some] if np.count_nonzero(~some) > FEWEST else self.rims
        return float(rest.mean())

    def likely(self) -> Floats:
        """How much more likely each pixel's colour is on the part than around it, a logarithm (h, w).

        Both are counted in this very picture, the surroundings in shadow as well.
        """
        cell = _cells(self.planes)
        part = self.inside & ~self.hidden
        around = self.outside & ~self.near
        if not part.any() or not around.any():
            return np.zeros(cell.shape, dtype=np.float32)
        beyond = _counted(cell[around])
        pixels = self.planes[:, around]
        for light, often in SHADOWS:
            np.maximum(beyond, often * _counted(_cells(pixels * np.float32(light))), out=beyond)
        found = np.clip(np.log(_counted(cell[part]) / beyond)[cell], -CLEAR, CLEAR)
        return np.asarray(ndimage.uniform_filter(found, 3), dtype=np.float32)

    def holes(self) -> list[Bools]:
        """Each through-hole that is large enough and not hidden, (h, w)."""
        groups, count = ndimage.label(~self.mask)
        rim = set(np.concatenate([groups[0], groups[-1], groups[:, 0], groups[:, -1]]).tolist())
        each = [groups == number for number in range(1, count + 1) if number not in rim]
        return [hole for hole in each if np.count_nonzero(hole) >= HOLE and not (hole & self.hidden).any()]


def grown(found: Halved, likely: Floats) -> float:
    """How sure it is that something has grown onto the part: of the surest patch that looks like it and touches it.

    The part's own stuff ends with an edge of its own, and where it touches the part the outline lacks one.
    """
    area = max(int(np.count_nonzero(found.mask)), 1)
    alike = ndimage.binary_opening((likely > LIKELY) & ~found.mask, BOX)
    groups, count = ndimage.label(alike)
    sizes = np.bincount(groups.ravel(), minlength=count + 1)[1:]
    numbers = [int(one) for one in np.argsort(-sizes)[:PATCHES] if SMALLEST * area <= sizes[one] <= LARGEST * area]
    return max((_patch(found, likely, groups == number + 1) for number in numbers), default=NOTHING)


def _patch(found: Halved, likely: Floats, patch: Bools) -> float:
    wide = ndimage.binary_dilation(patch, BOX, 2)
    border = ndimage.binary_dilation(patch, BOX) & ~patch & ~found.near
    touching = wide[found.at]
    if (wide & found.hidden).any() or not border.any() or np.count_nonzero(touching) < 2:
        return NOTHING
    ends, alike = float(found.sure[border].mean()), float(likely[patch].mean())
    meets, rest = float(found.rims[touching].mean()), found.elsewhere(touching)
    return float(np.dot(GROWN, (ends, alike, meets, rest, 1.0)))


def closed(found: Halved, hole: Bools, likely: Floats) -> float:
    """How sure it is that a through-hole is closed: it looks like the part, and its rim lacks the outline's edge."""
    rim = ndimage.binary_dilation(hole, BOX, 2)[found.at]
    if np.count_nonzero(rim) < FEWEST:
        return NOTHING
    core = ndimage.binary_erosion(hole, BOX)
    alike = float(likely[core if np.count_nonzero(core) >= 4 else hole].mean())
    # its strongest quarter: half of a rim may lie before the hole's own wall
    edge = float(np.quantile(found.rims[rim], 0.75))
    return float(np.dot(CLOSED, (alike, edge, found.elsewhere(rim), 1.0)))


def _half(pixels: Floats) -> Floats:
    """Planes or a picture (…, h, w) at half their size, each pixel the mean of four."""
    height, width = (side // 2 * 2 for side in pixels.shape[-2:])
    even = pixels[..., :height, :width]
    added = even[..., ::2, ::2] + even[..., 1::2, ::2] + even[..., ::2, 1::2] + even[..., 1::2, 1::2]
    return np.asarray(added * np.float32(0.25), dtype=np.float32)


def _edges(planes: Floats) -> Floats:
    """How sure an edge is at each pixel, (h, w) 0 to 1."""
    found = slopes(planes)
    steep = np.hypot(found.right, found.down)
    return np.asarray(steep / (steep + np.float32(STEEP)), dtype=np.float32)


def _cells(planes: Floats) -> Integers:
    """Which of the cells of colour each pixel lies in, for planes (3, …)."""
    red, green, blue = planes
    light = 0.3 * red + 0.59 * green + 0.11 * blue
    first = np.clip(light / 12.9, 0, CELLS[0] - 1).astype(np.int64)
    second = np.clip((red - green) * 0.12 + 8.5, 0, CELLS[1] - 1).astype(np.int64)
    third = np.clip((blue - (red + green) / 2) * 0.12 + 8.5, 0, CELLS[2] - 1).astype(np.int64)
    return np.asarray((first * CELLS[1] + second) * CELLS[2] + third, dtype=np.int64)


def _counted(cell: Integers) -> Floats:
    """Share of the pixels in each cell and its neighbours; a little everywhere, for what was not seen may be there."""
    count = np.bincount(cell, minlength=CELLS[0] * CELLS[1] * CELLS[2]).reshape(CELLS).astype(np.float32)
    smooth = ndimage.gaussian_filter(count, (1.0, 0.7, 0.7), mode="nearest", truncate=3)
    return np.asarray((smooth / max(float(smooth.sum()), 1.0) + 1e-5).ravel(), dtype=np.float32)
