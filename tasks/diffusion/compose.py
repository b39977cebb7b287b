"""How a view becomes the picture that is diffused, and what comes back: sizes, what is kept, through-holes."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from tasks.records import Bools, Bytes, Floats, Record, blend

if TYPE_CHECKING:
    from tasks.records import View

NARROW: Final = 3  # latent cells: what grows in a hole that is no wider cannot be told from noise
AROUND: Final = 0.03  # how far what is around a part is looked at to continue it, as a share of the picture


class Frame(Record):
    """Where a view of `shape` (h, w) lies in the picture that is diffused: made `scaled` (h, w), then `padded`."""

    shape: tuple[int, int]
    scaled: tuple[int, int]
    padded: tuple[int, int]

    @classmethod
    def of(cls, shape: tuple[int, int], size: int, grain: int) -> Frame:
        """The frame whose longer side is `size` pixels, rounded up to what the model takes."""
        longest = max(shape)
        height, width = (max(1, round(side * size / longest)) for side in shape)
        return cls(
            shape=shape, scaled=(height, width), padded=(-(-height // grain) * grain, -(-width // grain) * grain)
        )

    @cached_property
    def shrinks(self) -> bool:
        """Whether the picture that is diffused is smaller than the view."""
        return max(self.scaled) < max(self.shape)

    def picture(self, image: Bytes) -> Bytes:
        """`image` (h, w, 3) in the frame."""
        height, width = self.scaled
        resized = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))
        return np.asarray(self._pad(resized), dtype=np.uint8)

    def planes(self, values: Floats) -> Floats:
        """Numbers (h, w, c) float32 in the frame."""
        height, width = self.scaled
        planes = [
            np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR))
            for plane in np.moveaxis(np.ascontiguousarray(values, dtype=np.float32), -1, 0)
        ]
        return np.asarray(self._pad(np.stack(planes, axis=-1)), dtype=np.float32)

    def back(self, picture: Bytes) -> Bytes:
        """A picture in the frame as one of the view's own size, (h, w, 3)."""
        height, width = self.scaled
        cut = np.ascontiguousarray(picture[:height, :width])
        if self.scaled == self.shape:
            return cut
        return np.asarray(Image.fromarray(cut).resize(self.shape[::-1], Image.Resampling.LANCZOS))

    def detailed(self, picture: Bytes, before: Bytes, share: float) -> Bytes:
        """`picture` of the view's size with `share` of the detail that `before` lost on its way through the frame."""
        if not self.shrinks:
            return picture
        lost = before.astype(np.float32) - self.back(self.picture(before))
        return np.asarray(np.clip(np.rint(picture + share * lost), 0, 255), dtype=np.uint8)

    def _pad(self, values: Any) -> Any:
        below, right = (whole - part for whole, part in zip(self.padded, self.scaled, strict=True))
        return np.pad(values, ((0, below), (0, right), (0, 0)), mode="edge") if below or right else values


def repainted(view: View, frame: Frame, cell: int) -> Bools:
    """What is painted anew around the part, (H, W) bool in the frame: all latent cells that it does not fill.

    Its narrow holes are kept like itself: they are filled afterwards with what is around, so that nothing grows there.
    The part's own rim is painted too, since a cell is one or the other, and is put back afterwards.
    """
    kept = view.mask | narrow_holes(view.mask, NARROW * cell * max(frame.shape) / max(frame.scaled))
    cover = frame.planes(kept.astype(np.float32)[..., None])[..., 0]
    height, width = frame.padded
    full = cover.reshape(height // cell, cell, width // cell, cell).min(axis=(1, 3)) > 0.99
    return np.asarray(~full.repeat(cell, axis=0).repeat(cell, axis=1))


def put_back(view: View, picture: Bytes, cell: float) -> Bytes:
    """The part's own pixels over `picture` (h, w, 3); through narrow holes one sees what is around the part.

    `cell` is the width of a latent cell in pixels of the view.
    """
    scene = through(view, picture, picture, cell)
    alpha = view.alpha if float(view.alpha.min()) < 1 else view.mask.astype(np.float32)
    return blend(view.image, alpha, scene)


def through(view: View, picture: Bytes, scene: Bytes, cell: float) -> Bytes:
    """`picture` (h, w, 3), with what is around the part in `scene` seen through its narrow holes."""
    holes = narrow_holes(view.mask, NARROW * cell)
    if not holes.any():
        return picture
    made = picture.copy()
    made[holes] = surroundings(scene, view.mask)[holes]
    return made


def narrow_holes(mask: Bools, width: float) -> Bools:
    """The through-holes of the silhouette `mask` into which no disc of that width (pixels) fits, (h, w) bool."""
    from scipy import ndimage

    holes = ndimage.binary_fill_holes(mask) & ~mask
    if not holes.any():
        return np.asarray(holes)
    labels, count = ndimage.label(holes)
    depth = ndimage.distance_transform_edt(holes)
    radius = np.asarray(ndimage.maximum(depth, labels, np.arange(count + 1)))
    narrow = radius <= width / 2
    narrow[0] = False
    return np.asarray(narrow[labels])


def surroundings(scene: Bytes, mask: Bools) -> Bytes:
    """What is around the silhouette `mask` in `scene`, continued softly into it: (h, w, 3) uint8."""
    from scipy import ndimage

    outside = (~ndimage.binary_dilation(ndimage.binary_fill_holes(mask), iterations=2)).astype(np.float32)
    total = np.zeros(scene.shape, dtype=np.float32)
    weight = np.zeros(mask.shape, dtype=np.float32)
    for reach in (1, 4, 16):  # what is near counts, what is far fills where nothing is near
        sigma = AROUND * reach * max(mask.shape) / 2
        near = ndimage.gaussian_filter(outside, sigma) / reach**4
        colours = [ndimage.gaussian_filter(scene[..., c] * outside, sigma) / reach**4 for c in range(3)]
        total += np.stack(colours, axis=-1)
        weight += near
    return np.asarray(np.clip(np.rint(total / np.maximum(weight, 1e-9)[..., None]), 0, 255), dtype=np.uint8)
