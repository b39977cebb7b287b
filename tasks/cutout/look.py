"""The object of a picture, alone: laid as the index has its parts, on the studio's backdrop and as large as fits.

A general model sees through what is about an object, but finds more without it; one that has learned a customer's parts
has never seen anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from tasks.augment import backdrop
from tasks.cutout.silhouette import cut
from tasks.cutout.windows import square

if TYPE_CHECKING:
    from tasks.records import Bytes, Floats

FILL: Final = 0.86  # of the side, that the object's longer side takes: as in the index
SOLID: Final = 0.5  # cover from which on a pixel belongs to the object's box
LOOKS: Final = 2


def looks(picture: Bytes, size: int) -> tuple[Bytes, Bytes]:
    """What of `picture` (h, w, 3) uint8 is compared with an index: all of it, a square, and the object alone.

    What counts is the better of the two, for a cut-out can go wrong.
    """
    return square(picture), alone(picture, size)


def alone(picture: Bytes, size: int) -> Bytes:
    """The object in `picture` (h, w, 3) uint8, of any size, cut out and laid on the studio's backdrop: (size, size, 3).

    Raises ValueError with a sentence where the weights of the cut-out are missing.
    """
    return laid(picture, cut(picture).mask, size)


def laid(picture: Bytes, cover: Floats, size: int) -> Bytes:
    """The object in `picture` (h, w, 3) on the studio's backdrop, (size, size, 3): `cover` (h, w) 0 to 1 is its mask.

    Its box is in the middle and fills FILL of the side. A mask of nothing takes the whole picture.
    """
    if not (cover > SOLID).any():
        cover = np.ones_like(cover)
    rows, columns = (np.flatnonzero((cover > SOLID).any(axis=axis)) for axis in (1, 0))
    side = round((max(np.ptp(rows), np.ptp(columns)) + 1) / FILL)
    top, left = (round((some[0] + some[-1] + 1 - side) / 2) for some in (rows, columns))
    # weighed with the cover, so that what is outside of the object does not bleed into its rim
    layers = np.concatenate([picture * cover[..., None], 255 * cover[..., None]], axis=2).astype(np.float32)
    window = _window(layers, top, left, side)
    small = [Image.fromarray(window[..., one]).resize((size, size), Image.Resampling.BILINEAR) for one in range(4)]
    pixels = np.stack([np.asarray(one) for one in small], axis=2)
    mixed = pixels[..., :3] + backdrop(size) * (1 - pixels[..., 3:] / 255)
    return np.asarray(np.clip(np.rint(mixed), 0, 255), dtype=np.uint8)


def _window(layers: Floats, top: int, left: int, side: int) -> Floats:
    """The square of `side` pixels at (top, left) of `layers` (h, w, c), which may lie outside; nothing is there."""
    window = np.zeros((side, side, layers.shape[2]), np.float32)
    low = np.maximum([top, left], 0)
    high = np.maximum(np.minimum([top + side, left + side], layers.shape[:2]), low)
    there = layers[low[0] : high[0], low[1] : high[1]]
    window[low[0] - top : high[0] - top, low[1] - left : high[1] - left] = there
    return window
