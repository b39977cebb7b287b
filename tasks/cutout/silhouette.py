"""Which pixels of a picture are the object's: what the network says, looked at from four sides, in one piece."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from blake3 import blake3
from PIL import Image
from pydantic import Field

from tasks.cutout import classic, network
from tasks.cutout.windows import corner, square, window
from tasks.records import Bytes, Floats, Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

SURE: Final = 0.5  # certainty from which on a pixel is the object's
FIRST, LOOKS = 2, 4  # sides that the network looks from at first, and when it looks closer
QUARTERS: Final = (0, 2, 1, 3)  # of a turn
CLOSE: Final = 0.9  # share of the closer look's side that the object takes
BEFORE: Final = 0.5  # how much the first look counts beside the closer one
SOFT: Final = 2  # of the network's pixels about the object in which what it is less sure of still counts


class Cut(Record):
    """The object of a picture."""

    mask: Floats = Field(description="How much of each pixel is the object's, (h, w) float32 0 to 1.")
    found: bool = Field(description="Whether anything was found; without, the mask is all ones.")


def cut(picture: Bytes) -> Cut:
    """The object in `picture` (h, w, 3) uint8 of any size; the mask is not to be written to.

    A search asks for it twice, for the embedding and for the shape: the last pictures' are remembered.
    Raises ValueError with a sentence where the network's weights are missing.
    """
    return _remembered(_Picture(picture))


@lru_cache(maxsize=8)
def _remembered(picture: _Picture) -> Cut:
    found = masked(picture.pixels, network.trained())
    found.mask.flags.writeable = False
    return found


class _Picture:
    """A picture, the same as another one of the same pixels."""

    def __init__(self, pixels: Bytes) -> None:
        self.pixels = pixels
        self._key = (pixels.shape, blake3(np.ascontiguousarray(pixels).tobytes()).digest())

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Picture) and other._key == self._key


def masked(picture: Bytes, trained: Any) -> Cut:
    """The object in `picture` (h, w, 3) uint8 as the network `trained` sees it; the classical one where it doesn't.

    It is looked at twice: where is it, and then closer, for a far-away object has few of the network's pixels.
    """
    whole = square(picture)
    found = piece(_sure(whole, trained, FIRST))
    if found is None:
        seen = classic.piece(whole)
        if seen is None:
            return Cut(mask=np.ones(picture.shape[:2], np.float32), found=False)
        grown = _resized(seen.astype(np.float32), len(whole))
    else:
        grown = _closer(whole, found, trained)
    top, left = corner(picture)
    height, width = picture.shape[:2]
    return Cut(mask=np.ascontiguousarray(grown[-top : height - top, -left : width - left]), found=True)


def _closer(whole: Bytes, first: Floats, trained: Any) -> Floats:
    """What a closer look at the object in the square `whole` says, (s, s), where the `first` look (128, 128) found it.

    Where the closer look sees nothing, the first one stands.
    """
    rows, columns = (np.flatnonzero((first > SURE).any(axis=axis)) for axis in (1, 0))
    wide = round((max(np.ptp(rows), np.ptp(columns)) + 1) / CLOSE)  # of the first look's pixels
    up, across = (round((some[0] + some[-1] + 1 - wide) / 2) for some in (rows, columns))
    top, left, side = (round(edge * len(whole) / network.SIDE) for edge in (up, across, wide))
    if not side:  # a picture of a few pixels
        return _resized(first, len(whole))
    before = _resized(window(first, up, across, wide), network.SIDE)
    both = (_sure(window(whole, top, left, side), trained, LOOKS) + BEFORE * before) / (1 + BEFORE)
    found = piece(np.asarray(both, np.float32))
    if found is None:
        return _resized(first, len(whole))
    # back to where it was: the window of the window's own negative corner is all of the picture
    return np.asarray(window(_resized(found, side), -top, -left, len(whole)), np.float32)


def piece(sure: Floats) -> Floats | None:
    """The heaviest piece of what is object in `sure` (n, n), with its soft rim, 0 off it; None where there is none."""
    from scipy import ndimage

    labels, count = ndimage.label(sure > SURE)
    if not count:
        return None
    weights = ndimage.sum_labels(sure, labels, np.arange(1, count + 1))
    heaviest: NDArray[np.bool_] = labels == int(np.argmax(weights)) + 1
    if heaviest.mean() < classic.LEAST:
        return None
    near = ndimage.binary_dilation(heaviest, iterations=SOFT) & (heaviest | (labels == 0))
    return np.asarray(sure * near, np.float32)


def _resized(mask: Floats, side: int) -> Floats:
    return np.asarray(Image.fromarray(mask).resize((side, side), Image.Resampling.BILINEAR), np.float32)


def _sure(whole: Bytes, trained: Any, looks: int) -> Floats:
    """What the network says of the square `whole`, the mean of as many of its looks, each from another side."""
    import torch

    small = Image.fromarray(whole).resize((network.SIDE, network.SIDE), Image.Resampling.BILINEAR)
    picture, turns = network.given(np.asarray(small)[None]), QUARTERS[:looks]
    with torch.inference_mode():  # in single precision, so that all machines say the same
        said = trained(torch.cat([picture.rot90(turn, (2, 3)) for turn in turns])).split(1)
        mean = torch.cat([one.rot90(-turn, (2, 3)) for one, turn in zip(said, turns, strict=True)]).mean(0)
    return np.asarray(mean.sigmoid()[0].numpy(), np.float32)
