"""What a template is made of: in which directions the edges run, cell by cell, within a circle about the object.

Histograms of gradients (Dalal and Triggs, 2005) of what the CAD knows of a view, its normals and its outline, or of
what a picture shows within the outline that was found in it. Both are seen in the smallest
circle about their silhouette, which no turn in the picture's plane changes; a picture is then turned through a circle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from tasks.records import Bytes, Floats

FEATURES: Final = "gradients-1"  # change it when the same picture gives other numbers: all templates are made anew
TURNS: Final = 24  # of a picture, evenly through a circle
SIDE: Final = 72  # pixels of the square about the circle
CELLS: Final = 12  # along a side of it
BINS: Final = 9  # directions, an edge's own: an edge has no sign
LENGTH: Final = CELLS * CELLS * (BINS + 1)  # of each cell also how much of it is the object
CLOSE: Final = 108  # pixels of an object: what is finer than that no feature sees
FILL: Final = 0.96  # of the square that the circle fills
STEPS: Final = 120  # towards the centre of the smallest circle: within a hundredth of its radius
AT_ONCE: Final = 8  # pictures: what is computed of them stays in the processor's cache
NORMALS, OUTLINE = 0.7, 0.8  # how strongly each speaks
FAINT: Final = 2e-5  # square of a gradient below which there is none


def described(reliefs: Floats) -> Floats:
    """Features (n, LENGTH) float32 of unit length of `reliefs` (n, h, w, 4), normals and cover of what CAD is seen."""
    import torch

    circles = framed(reliefs[..., 3] > 0.5)
    found = []
    for start in range(0, len(reliefs), AT_ONCE):
        maps = torch.from_numpy(reliefs[start : start + AT_ONCE]).permute(0, 3, 1, 2)
        inside = _sampled(maps, circles[start : start + AT_ONCE], np.zeros(len(maps)))
        cover = inside[:, 3:]
        edges = _edges(torch.cat([inside[:, :3] * NORMALS, cover * OUTLINE], 1))
        found.append(_cells(edges, cover))
    return np.concatenate(found)


def asked(picture: Bytes, mask: Floats) -> Floats:
    """Features (TURNS, LENGTH) of the object in `picture` (h, w, 3) uint8, turned on and on, counter-clockwise.

    `mask` (h, w) float32, 0 to 1, is where the object is; an empty one means all of the picture.
    """
    import torch

    if not (mask > 0.5).any():
        mask = np.ones(mask.shape, np.float32)
    pixels = torch.from_numpy(_near(picture, mask))
    circle = framed(pixels[None, ..., 3].numpy() > 0.5)
    angles = np.arange(TURNS) * 2 * np.pi / TURNS
    found = []
    for start in range(0, TURNS, AT_ONCE):
        some = angles[start : start + AT_ONCE]
        many = pixels.permute(2, 0, 1)[None].expand(len(some), -1, -1, -1)
        inside = _sampled(many, circle.repeat(len(some), 0), some)
        cover = inside[:, 3:]
        light = _even(inside[:, :3], cover)
        edges = _edges(torch.cat([light, cover * OUTLINE], 1))
        found.append(_cells(edges, cover))
    return np.concatenate(found)


def _near(picture: Bytes, mask: Floats) -> Floats:
    """The object and a little about it, (h, w, 4) float32 0 to 1, its longer side CLOSE pixels or fewer."""
    from PIL import Image

    rows, columns = (np.flatnonzero((mask > 0.5).any(axis=axis)) for axis in (1, 0))
    side = max(np.ptp(rows), np.ptp(columns)) + 1
    margin = side // 8 + 2
    top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
    there = np.s_[top : rows[-1] + margin + 1, left : columns[-1] + margin + 1]
    scale = min(1.0, CLOSE / side)
    height, width = (max(1, round(length * scale)) for length in mask[there].shape)
    small, cover = (
        np.asarray(Image.fromarray(np.ascontiguousarray(one[there])).resize((width, height), Image.Resampling.BOX))
        for one in (picture, mask.astype(np.float32))
    )
    return np.dstack([small.astype(np.float32) / 255, cover])


def framed(masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The smallest circle about each of `masks` (n, h, w): column, row and radius in pixels, (n, 3).

    By Badoiu and Clarkson's steps (2003): a part of the way to whatever is furthest, each time a smaller one.
    """
    count, height, width = masks.shape
    ends, there = _ends(masks)
    nothing = ~there.any(1)
    if nothing.any():  # all of the picture, then
        ends[nothing], there[nothing] = _ends(np.ones((1, height, width), bool))
    low = np.where(there[..., None], ends, np.inf).min(1)
    high = np.where(there[..., None], ends, -np.inf).max(1)
    centre = (low + high) / 2
    points = np.where(there[..., None], ends, centre[:, None])
    rows = np.arange(count)
    for step in range(STEPS):
        far = ((points - centre[:, None]) ** 2).sum(2).argmax(1)
        centre = centre + (points[rows, far] - centre) / (step + 2)
    radius = np.sqrt(((points - centre[:, None]) ** 2).sum(2).max(1)) + 1
    return np.concatenate([centre, radius[:, None]], 1)


def _ends(masks: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The two ends (n, 2 h, 2) of what each row of `masks` (n, h, w) has, column and row, and which rows have some."""
    _, height, width = masks.shape
    there = masks.any(2)
    left, right = masks.argmax(2), width - 1 - masks[..., ::-1].argmax(2)
    row = np.broadcast_to(np.arange(height), left.shape)
    ends = np.stack([np.concatenate([left, right], 1), np.concatenate([row, row], 1)], 2) + 0.5
    return ends, np.concatenate([there, there], 1)


def _sampled(maps: Tensor, circles: NDArray[np.float64], angles: Sequence[float] | NDArray[np.float64]) -> Tensor:
    """The squares (n, c, SIDE, SIDE) about the `circles` in `maps` (n, c, h, w), turned by `angles` (radians)."""
    import torch
    from torch.nn.functional import affine_grid, grid_sample

    height, width = maps.shape[2:]
    column, row, radius = circles.T
    cosine, sine, reach = np.cos(angles), np.sin(angles), radius / FILL
    placed = np.zeros((len(maps), 2, 3), np.float32)
    placed[:, 0] = np.stack([2 * cosine * reach / width, -2 * sine * reach / width, 2 * column / width - 1], 1)
    placed[:, 1] = np.stack([2 * sine * reach / height, 2 * cosine * reach / height, 2 * row / height - 1], 1)
    grid = affine_grid(torch.from_numpy(placed), [len(maps), 1, SIDE, SIDE], align_corners=False)
    return grid_sample(maps, grid, align_corners=False)


def _even(colours: Tensor, cover: Tensor) -> Tensor:
    """The logarithm of an object's light, its mean taken away, and nothing beyond its outline: (n, 3, s, s).

    What lamps and exposure do to a surface is a factor, and then a constant, which has no gradient.
    """
    from torch.nn.functional import avg_pool2d, pad

    light = avg_pool2d(pad((colours + 0.06).log(), (1, 1, 1, 1), mode="replicate"), 3, 1)
    mean = (light * cover).sum((2, 3), keepdim=True) / cover.sum((2, 3), keepdim=True).clamp_min(1)
    return (light - mean) * cover


def _edges(maps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sobel's gradients of `maps` (n, c, h, w), summed over the channels: twice their angle as a vector, and strength.

    The structure tensor: of edges that run the same way in several channels none cancels the other. Each (n, h, w).
    """
    from torch.nn.functional import pad

    wide = pad(maps, (1, 1, 1, 1), mode="replicate")
    down = wide[..., :-2, :] + 2 * wide[..., 1:-1, :] + wide[..., 2:, :]
    across = wide[..., :-2] + 2 * wide[..., 1:-1] + wide[..., 2:]
    x, y = (down[..., 2:] - down[..., :-2]) / 8, (across[..., 2:, :] - across[..., :-2, :]) / 8
    xx, yy = (x * x).sum(1), (y * y).sum(1)
    return xx - yy, 2 * (x * y).sum(1), xx + yy


def _cells(edges: tuple[Tensor, Tensor, Tensor], cover: Tensor) -> Floats:
    """Features (n, LENGTH) of unit length: how much runs in each direction, cell by cell, within `cover`."""
    import torch
    from torch.nn.functional import avg_pool2d, normalize, pad

    along, across, strength = (one.contiguous() for one in edges)
    inner = (avg_pool2d(cover, 3, 1, 1) > 0.3).float()[:, 0]
    size = (strength + 1e-8).sqrt_()
    weight = (size / _around(size)).clamp_(max=4).sqrt_() * (strength > FAINT) * inner
    length = (along.square() + across.square()).sqrt_().add_(1e-12)
    along, across = along.div_(length), across.div_(length)
    fine = SIDE // (2 * CELLS)
    bins = []
    for angle in np.arange(BINS) * 2 * np.pi / BINS:
        share = (along * float(np.cos(angle))).add_(across, alpha=float(np.sin(angle))).add_(1).mul_(0.5)
        share = share.square_().square_().square_()  # about one bin wide
        bins.append(avg_pool2d((share.mul_(weight))[:, None], fine))
    cells = avg_pool2d(pad(torch.cat(bins, 1), (1, 1, 1, 1)), 4, 2)
    energy = cells.square().sum(1, keepdim=True)
    near = avg_pool2d(energy, 3, 1, 1).sqrt()
    cells = cells / (near + 0.15 * energy.amax((2, 3), keepdim=True).sqrt() + 1e-6)
    shares = avg_pool2d(pad(avg_pool2d(cover, fine), (1, 1, 1, 1)), 4, 2).flatten(1)
    told = torch.cat([cells.flatten(1), shares - shares.mean(1, keepdim=True)], 1)
    return np.asarray(normalize(told, dim=1).numpy(), dtype=np.float32)


def _around(size: Tensor) -> Tensor:
    """How strong edges are in the neighbourhood, (n, h, w): what is weak among weak ones counts as well."""
    from torch.nn.functional import avg_pool2d, interpolate

    coarse = avg_pool2d(avg_pool2d(size[:, None], 4), 5, 1, 2)
    return interpolate(coarse, scale_factor=4, mode="nearest")[:, 0].add(0.02)
