"""The object of a picture without anything learned: what differs most from the picture's rim, and lies together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from tasks.cutout.windows import rim, square, window

if TYPE_CHECKING:
    from tasks.records import Bools, Bytes

SEEN: Final = 128  # pixels of the picture in which the object is looked for
RIM: Final = 3  # of these pixels, at the edge, are thought to show the background
MARGIN: Final = 0.06  # left about the object, of its size
GAP: Final = 2  # pixels: what is nearer together than twice this is one piece
LEAST: Final = 0.01  # share of the picture below which what was found is no object


def cropped(picture: Bytes) -> tuple[Bytes, Bools]:
    """The object in `picture` (h, w, 3), cut out as a square (s, s, 3) with its silhouette; all of it without one.

    It is what differs most from the middle colour of the rim (Otsu's threshold on CIE Lab) and lies together:
    the largest such piece, and of two alike the one nearer to the middle.
    """
    whole = square(picture)
    found = piece(whole)
    if found is None:
        return whole, np.ones(whole.shape[:2], dtype=bool)
    scale = len(whole) / SEEN
    rows, columns = (np.flatnonzero(found.any(axis=axis)) * scale for axis in (1, 0))
    side = int(np.ceil((max(np.ptp(rows), np.ptp(columns)) + scale) * (1 + 2 * MARGIN)))
    top, left = (round((some[0] + some[-1] + scale - side) / 2) for some in (rows, columns))
    mask = np.asarray(Image.fromarray(found).resize(whole.shape[1::-1], Image.Resampling.NEAREST))
    return window(whole, top, left, side), window(mask, top, left, side)


def piece(picture: Bytes) -> Bools | None:
    """The pixels (128, 128) of the object in the square `picture`; None where nothing stands out."""
    from scipy import ndimage
    from skimage.color import rgb2lab
    from skimage.filters import threshold_otsu

    lab = rgb2lab(np.asarray(Image.fromarray(picture).resize((SEEN, SEEN), Image.Resampling.BOX)))
    strange = ndimage.gaussian_filter(np.linalg.norm(lab - np.median(rim(lab, RIM), axis=0), axis=2), 1.5)
    if np.ptp(strange) == 0:
        return None
    otsu: Any = threshold_otsu  # it has no types
    pieces = ndimage.binary_closing(np.pad(strange > otsu(strange), GAP), iterations=GAP)
    labels, count = ndimage.label(pieces[GAP:-GAP, GAP:-GAP])
    numbers = np.arange(1, count + 1)
    areas = ndimage.sum_labels(np.ones_like(strange), labels, numbers)
    centres = np.array(ndimage.center_of_mass(np.ones_like(strange), labels, numbers)) / SEEN - 0.5
    best = int(np.argmax(areas * np.exp(-4 * (centres**2).sum(axis=1))))
    found: Bools = labels == best + 1
    return found if areas[best] >= LEAST * SEEN**2 else None
