"""What finding parts costs nothing to beat: gradients, colours, cut out or not, without anything learned.

Each picture becomes vectors of unit length, so that the cosine compares them all. HOG as Dalal and Triggs (2005)
found it best, from scikit-image; colours as roots of a histogram's shares (Bhattacharyya's measure).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tasks.codec import decode
from tasks.embed import square
from tasks.records import bytes_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.records import Bools, Bytes, Floats

HOG = {"64": (64, 8), "96": (96, 8), "64 coarse": (64, 16)}  # pixels of the picture, and of a cell
PLACES = ("whole", "cropped")
NAMES = (*(f"HOG {place} {size}" for place in PLACES for size in HOG), *(f"colours {place}" for place in PLACES))
TURNED = "HOG turned"  # cropped, and each query tried turned by so many angles: more than the issue asks for
ANGLES = 12
VERSION = bytes_id(Path(__file__).read_bytes())
SEEN = 128  # pixels of the picture in which the object is looked for
RIM = 3  # pixels at its edge that are thought to show the background
MARGIN = 0.06
GAP = 2  # pixels: what is nearer together than twice this is one piece
LEAST = 0.01  # share of the picture below which what was found is no object
BINS = (12, 4, 4)


def described(pictures: Sequence[bytes]) -> dict[str, Floats]:
    """Vectors (n, d) of encoded pictures by the name of the baseline. Runs in a worker process."""
    found: dict[str, list[Floats]] = {name: [] for name in NAMES}
    for data in pictures:
        whole = square(decode(data))
        part, mask = cropped(whole)
        for place, picture in zip(PLACES, (whole, part), strict=True):
            for size, cells in HOG.items():
                found[f"HOG {place} {size}"].append(gradients(picture, *cells))
        found["colours whole"].append(colours(whole, np.ones(whole.shape[:2], dtype=bool)))
        found["colours cropped"].append(colours(part, mask))
    return {name: np.stack(some) for name, some in found.items()}


def turned(pictures: Sequence[bytes]) -> dict[str, Floats]:
    """Vectors (n, ANGLES, d) of encoded pictures, to be compared with "HOG cropped 64". Runs in a worker process."""
    found = []
    for data in pictures:
        part = Image.fromarray(cropped(square(decode(data)))[0])
        ground = tuple(int(value) for value in np.median(_rim(np.asarray(part)), axis=0))
        angles = np.arange(ANGLES) * 360 / ANGLES
        views = [part.rotate(angle, Image.Resampling.BILINEAR, fillcolor=ground) for angle in angles]
        found.append(np.stack([gradients(np.asarray(view), *HOG["64"]) for view in views]))
    return {TURNED: np.stack(found)}


def gradients(picture: Bytes, size: int, cell: int) -> Floats:
    """HOG, in cells of `cell` pixels, of the picture (h, w, 3) shrunk to `size` x `size` grey ones: (d,)."""
    from skimage.feature import hog

    grey = np.asarray(Image.fromarray(picture).convert("L").resize((size, size), Image.Resampling.BOX), np.float32)
    sizes = {"pixels_per_cell": (cell, cell), "cells_per_block": (2, 2)}
    return _unit(hog(grey / 255, orientations=9, block_norm="L2-Hys", **sizes))


def colours(picture: Bytes, mask: Bools) -> Floats:
    """Roots of the shares of hues, saturations and values among the pixels in `mask`: (192,) of unit length."""
    pixels = np.asarray(Image.fromarray(picture).convert("HSV"))[mask].astype(np.float64) / 256
    shares, _ = np.histogramdd(pixels, bins=BINS, range=((0, 1),) * 3)
    return _unit(np.sqrt(shares.ravel()))


def cropped(picture: Bytes) -> tuple[Bytes, Bools]:
    """The object in the square `picture` (s, s, 3), cut out as a square with its silhouette; all of it without one.

    It is what differs most from the middle colour of the rim (Otsu's threshold on CIE Lab) and lies together:
    the largest such piece, and of two alike the one nearer to the middle.
    """
    from scipy import ndimage
    from skimage.color import rgb2lab
    from skimage.filters import threshold_otsu

    small = np.asarray(Image.fromarray(picture).resize((SEEN, SEEN), Image.Resampling.BOX))
    lab = rgb2lab(small)
    strange = ndimage.gaussian_filter(np.linalg.norm(lab - np.median(_rim(lab, RIM), axis=0), axis=2), 1.5)
    whole = picture, np.ones(picture.shape[:2], dtype=bool)
    if np.ptp(strange) == 0:
        return whole
    otsu: Any = threshold_otsu
    pieces = ndimage.binary_closing(np.pad(strange > otsu(strange), GAP), iterations=GAP)
    labels, count = ndimage.label(pieces[GAP:-GAP, GAP:-GAP])
    numbers = np.arange(1, count + 1)
    areas = ndimage.sum_labels(np.ones_like(strange), labels, numbers)
    centres = np.array(ndimage.center_of_mass(np.ones_like(strange), labels, numbers)) / SEEN - 0.5
    best = int(np.argmax(areas * np.exp(-4 * (centres**2).sum(axis=1))))
    if areas[best] < LEAST * SEEN**2:
        return whole
    return _cut(picture, labels == best + 1)


def _cut(picture: Bytes, piece: Bools) -> tuple[Bytes, Bools]:
    """The square around `piece` (SEEN, SEEN) of the picture, with a margin; what lies outside has the rim's colour."""
    scale = len(picture) / SEEN
    rows, columns = (np.flatnonzero(piece.any(axis=axis)) * scale for axis in (1, 0))
    side = max(np.ptp(rows), np.ptp(columns)) + scale
    side = int(np.ceil(side * (1 + 2 * MARGIN)))
    top, left = (round((some[0] + some[-1] + scale - side) / 2) for some in (rows, columns))
    mask = np.asarray(Image.fromarray(piece).resize(picture.shape[1::-1], Image.Resampling.NEAREST))
    cut = np.empty((side, side, 3), dtype=np.uint8)
    cut[:] = np.median(_rim(picture), axis=0)
    own = np.zeros((side, side), dtype=bool)
    low, high = np.maximum([top, left], 0), np.minimum([top + side, left + side], picture.shape[:2])
    there = np.s_[low[0] : high[0], low[1] : high[1]]
    here = np.s_[low[0] - top : high[0] - top, low[1] - left : high[1] - left]
    cut[here], own[here] = picture[there], mask[there]
    return cut, own


def _rim(picture: Any, wide: int = 1) -> Any:
    """The pixels (n, 3) within `wide` of the edge."""
    sides = (picture[:wide], picture[-wide:], picture[:, :wide], picture[:, -wide:])
    return np.concatenate([side.reshape(-1, 3) for side in sides])


def _unit(values: Any) -> Floats:
    return np.asarray(values / max(float(np.linalg.norm(values)), 1e-9), dtype=np.float32)
