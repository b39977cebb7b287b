"""How much more likely each pixel's colour is on the part than around it, counted in the very picture."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from scipy import ndimage

from tasks.gate.evidence import BOX, Integers, colours
from tasks.records import Bools, Bytes, Floats

CELLS: Final = (20, 17, 17)  # of brightness and two differences of colour
SHADOWS: Final = ((0.8, 0.4), (0.6, 0.25))  # surroundings in shadow: how dark, and how often
CLEAR: Final = 4.0  # a pixel's colour never says more than this, in logarithms


def likely(image: Bytes, mask: Bools, hidden: Bools) -> Bytes:
    """For a picture (h, w, 3) of even sides, at half its size, (h/2, w/2) uint8: 0 is around, 255 is the part.

    `mask` (h, w) is where the part must be, `hidden` where something covers it on purpose. The surroundings are counted
    in shadow as well: a shadow is not the part.
    """
    planes = _half(colours(image))
    cover = _half(mask.astype(np.float32))
    part = (cover > 0.99) & ~(_half(hidden.astype(np.float32)) > 0)
    around = (cover < 0.01) & ~ndimage.binary_dilation(cover > 0.5, BOX)
    if not part.any() or not around.any():
        return np.full(cover.shape, 128, dtype=np.uint8)
    cell = _cells(planes)
    beyond = _counted(cell[around])
    for light, often in SHADOWS:
        np.maximum(beyond, often * _counted(_cells(planes[:, around] * np.float32(light))), out=beyond)
    found = np.clip(np.log(_counted(cell[part]) / beyond)[cell], -CLEAR, CLEAR)
    smooth = ndimage.uniform_filter(found, 3)
    return np.asarray(np.rint((smooth / CLEAR + 1) * 127.5), dtype=np.uint8)


def _half(pixels: Any) -> Floats:
    """Planes or a picture (…, h, w) at half their size, each pixel the mean of four."""
    added = pixels[..., ::2, ::2] + pixels[..., 1::2, ::2] + pixels[..., ::2, 1::2] + pixels[..., 1::2, 1::2]
    return np.asarray(added * np.float32(0.25), dtype=np.float32)


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
