"""Which pixels of a picture are the object's: what the network says, looked at from four sides, in one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image
from pydantic import Field

from tasks.cutout import classic, network
from tasks.cutout.windows import corner, square
from tasks.records import Bytes, Floats, Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

SURE: Final = 0.5  # certainty from which on a pixel is the object's
SOFT: Final = 2  # of the network's pixels about the object in which what it is less sure of still counts


class Cut(Record):
    """The object of a picture."""

    mask: Floats = Field(description="How much of each pixel is the object's, (h, w) float32 0 to 1.")
    found: bool = Field(description="Whether anything was found; without, the mask is all ones.")


def cut(picture: Bytes) -> Cut:
    """The object in `picture` (h, w, 3) uint8 of any size.

    Raises ValueError with a sentence where the network's weights are missing.
    """
    return masked(picture, network.trained())


def masked(picture: Bytes, trained: Any) -> Cut:
    """The object in `picture` (h, w, 3) uint8 as the network `trained` sees it; the classical one where it doesn't."""
    whole = square(picture)
    found = _seen(whole, trained)
    if found is None:
        piece = classic.piece(whole)
        if piece is None:
            return Cut(mask=np.ones(picture.shape[:2], np.float32), found=False)
        found = piece.astype(np.float32)
    grown = np.asarray(Image.fromarray(found).resize(whole.shape[1::-1], Image.Resampling.BILINEAR))
    top, left = corner(picture)
    height, width = picture.shape[:2]
    return Cut(mask=np.ascontiguousarray(grown[-top : height - top, -left : width - left]), found=True)


def _seen(whole: Bytes, trained: Any) -> Floats | None:
    """How sure the network is of each of its pixels, (128, 128) 0 to 1, 0 off the piece; None where it sees nothing."""
    from scipy import ndimage

    sure = _sure(whole, trained)
    labels, count = ndimage.label(sure > SURE)
    if not count:
        return None
    weights = ndimage.sum_labels(sure, labels, np.arange(1, count + 1))
    heaviest: NDArray[np.bool_] = labels == int(np.argmax(weights)) + 1
    if heaviest.mean() < classic.LEAST:
        return None
    near = ndimage.binary_dilation(heaviest, iterations=SOFT) & (heaviest | (labels == 0))
    return np.asarray(sure * near, np.float32)


def _sure(whole: Bytes, trained: Any) -> Floats:
    """What the network says of the square `whole`, the mean of four of its looks: turned, and mirrored."""
    import torch

    small = Image.fromarray(whole).resize((network.SIDE, network.SIDE), Image.Resampling.BILINEAR)
    picture = network.given(np.asarray(small)[None])
    looks = [picture, picture.flip(3), picture.rot90(1, (2, 3)), picture.rot90(2, (2, 3))]
    with torch.inference_mode():  # in single precision, so that all machines say the same
        one, mirrored, quarter, half = trained(torch.cat(looks)).split(1)
        mean = (one + mirrored.flip(3) + quarter.rot90(-1, (2, 3)) + half.rot90(2, (2, 3))) / 4
    return np.asarray(mean.sigmoid()[0, 0].numpy(), np.float32)
