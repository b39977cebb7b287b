"""Squares of a picture, which may reach beyond it: there they have the colour of its rim."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tasks.records import Bytes


def square(picture: Bytes) -> Bytes:
    """`picture` (h, w, 3) uint8 centred on a square as large as its longer side, (s, s, 3).

    open_clip would cut the ends off a long part. The new pixels have the middle colour of the rim.
    """
    height, width = picture.shape[:2]
    if height == width:
        return picture
    side = max(height, width)
    padded: Bytes = window(picture, *corner(picture), side)
    return padded


def corner(picture: Any) -> tuple[int, int]:
    """Top and left of the square about `picture` (h, w, ...) that `square` makes: 0 or less, in its pixels."""
    height, width = picture.shape[:2]
    side = max(height, width)
    return (height - side) // 2, (width - side) // 2


def rim(picture: Any, wide: int = 1) -> Any:
    """The pixels (n, c) of `picture` (h, w, c) within `wide` of its edge; those of a corner twice."""
    sides = (picture[:wide], picture[-wide:], picture[:, :wide], picture[:, -wide:])
    return np.concatenate([side.reshape(-1, picture.shape[2]) for side in sides])


def window(picture: Any, top: int, left: int, side: int) -> Any:
    """The square of `side` pixels at (top, left), which may lie outside; there it is the rim's middle colour."""
    found = np.zeros((side, side, *picture.shape[2:]), dtype=picture.dtype)
    low = np.maximum([top, left], 0)
    high = np.maximum(np.minimum([top + side, left + side], picture.shape[:2]), low)
    first, last = low - (top, left), high - (top, left)
    if picture.ndim > 2 and (first.any() or (last < side).any()):
        middle = np.median(rim(picture), axis=0).astype(picture.dtype)
        for beyond in (found[: first[0]], found[last[0] :], found[:, : first[1]], found[:, last[1] :]):
            beyond[:] = middle
    found[first[0] : last[0], first[1] : last[1]] = picture[low[0] : high[0], low[1] : high[1]]
    return found
