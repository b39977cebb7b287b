"""A query picture to the object in it: where it seems to be, so that it can be looked at as closely as the index does.

People hold a telephone nearer or further away, and not always straight; an index view shows its part in the middle,
as large as fits. A square about the object undoes the difference. Where it is, is a guess, and a guess can be wrong:
whoever compares pictures looks at the whole one as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from tasks.records import Bools, Bytes

SEEN: Final = 128  # pixels of the picture in which the object is looked for
RIM: Final = 3  # of these pixels, at the edge, are thought to show the background
MARGIN: Final = 0.06  # left about the object, of its size
GAP: Final = 2  # pixels: what is nearer together than twice this is one piece
LEAST: Final = 0.01  # share of the picture below which what was found is no object
LOOKS: Final = 2


def looks(picture: Bytes) -> tuple[Bytes, Bytes]:
    """What of `picture` (h, w, 3) uint8 is compared with an index: all of it, and the object, each a square.

    What counts is the better of the two: a mean of their vectors finds less, for the one that went wrong spoils it.
    """
    return square(picture), cropped(picture)[0]


def square(picture: Bytes) -> Bytes:
    """`picture` (h, w, 3) uint8 centred on a square as large as its longer side, (s, s, 3).

    open_clip would cut the ends off a long part. The new pixels have the middle colour of the rim.
    """
    height, width = picture.shape[:2]
    if height == width:
        return picture
    side = max(height, width)
    padded: Bytes = _window(picture, (height - side) // 2, (width - side) // 2, side)
    return padded


def cropped(picture: Bytes) -> tuple[Bytes, Bools]:
    """The object in `picture` (h, w, 3), cut out as a square (s, s, 3) with its silhouette; all of it without one.

    It is what differs most from the middle colour of the rim (Otsu's threshold on CIE Lab) and lies together:
    the largest such piece, and of two alike the one nearer to the middle.
    """
    whole = square(picture)
    piece = _piece(whole)
    if piece is None:
        return whole, np.ones(whole.shape[:2], dtype=bool)
    scale = len(whole) / SEEN
    rows, columns = (np.flatnonzero(piece.any(axis=axis)) * scale for axis in (1, 0))
    side = int(np.ceil((max(np.ptp(rows), np.ptp(columns)) + scale) * (1 + 2 * MARGIN)))
    top, left = (round((some[0] + some[-1] + scale - side) / 2) for some in (rows, columns))
    mask = np.asarray(Image.fromarray(piece).resize(whole.shape[1::-1], Image.Resampling.NEAREST))
    return _window(whole, top, left, side), _window(mask, top, left, side)


def rim(picture: Any, wide: int = 1) -> Any:
    """The pixels (n, c) of `picture` (h, w, c) within `wide` of its edge; those of a corner twice."""
    sides = (picture[:wide], picture[-wide:], picture[:, :wide], picture[:, -wide:])
    return np.concatenate([side.reshape(-1, picture.shape[2]) for side in sides])


def _piece(picture: Bytes) -> Bools | None:
    """The pixels (SEEN, SEEN) of the object in the square `picture`; None where nothing stands out."""
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
    return labels == best + 1 if areas[best] >= LEAST * SEEN**2 else None


def _window(picture: Any, top: int, left: int, side: int) -> Any:
    """The square of `side` pixels at (top, left), which may lie outside; there it is the rim's middle colour."""
    window = np.empty((side, side, *picture.shape[2:]), dtype=picture.dtype)
    window[:] = np.median(rim(picture), axis=0) if picture.ndim > 2 else 0
    low = np.maximum([top, left], 0)
    high = np.maximum(np.minimum([top + side, left + side], picture.shape[:2]), low)
    there = picture[low[0] : high[0], low[1] : high[1]]
    window[low[0] - top : high[0] - top, low[1] - left : high[1] - left] = there
    return window
