"""What the cut-out's network learns: which pixels are the object's, in path-traced pictures and in composed ones.

Each batch is half of one and half of the other; composed ones are views laid into places. The traced ones have true
light and shadow but are few, so they come turned, mirrored, nearer or further away, and taken by another camera; of the
composed ones none ever comes twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.cutout import classic, network
from tasks.cutout.silhouette import masked
from tasks.cutout.training.library import TRACED
from tasks.records import Floats, Record, content_id, generator
from tasks.training.darkroom import Darkroom
from tasks.training.learner import Learner
from tasks.training.library import DRAWN
from tasks.training.matcaps import uniform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Generator, Tensor

    from tasks.cutout.training.course import Course
    from tasks.cutout.training.library import Album
    from tasks.records import Bytes
    from tasks.training.learner import Losses

NAME: Final = "cutout"
FILE: Final = network.WEIGHTS.name
NEAR, FAR = 0.67, 1.35  # how much larger a traced picture gets
AWAY: Final = 0.15  # by how much of a picture it is moved at most
RETAKEN: Final = 0.4  # strength of the second camera, at most
SWAPPED: Final = 0.3  # share of traced pictures whose red, green and blue change places
DOUBLED: Final = 0.05  # of a pixel that lies beyond the picture's edge, and so shows some of the object mirrored
SETTLING: Final = 24  # batches that the norms' means are taken of
GOOD: Final = 0.8  # intersection over union from which on a mask is right for all that follows


class Batch(Record):
    """`given` (n, 3, 128, 128) as the network takes it, `cover` (n, 1, 128, 128) 0 to 1, `counts` the same, 0 or 1."""

    given: Any
    cover: Any
    counts: Any


class Lessons:
    """The training on traced pictures `album`, and on `views` (n, 128, 128, 8), in chunks, laid into `scenes`."""

    def __init__(self, album: Album, views: Sequence[Bytes], scenes: Bytes, course: Course, folder: Path) -> None:
        import torch

        self._album, self._views, self._course = album, views, course
        self._firsts = np.cumsum([0, *(len(some) for some in views)])
        identity = content_id(course.seed, network.SIDE, network.WIDTHS, TRACED, DRAWN)
        networks = {"silhouette": network.created(course.seed, norms=True)}
        self.learner = Learner(NAME, networks, course.pace, folder, identity=identity)
        self._darkroom = Darkroom(torch.from_numpy(scenes).to(self.learner.device))

    def losses(self, step: int) -> Losses:
        """How far the network is from the truth, at `step`."""
        return losses(self.learner.networks["silhouette"], self.batch(step))

    def batch(self, step: int) -> Batch:
        """The pictures of `step`: they depend on it and the course's seed alone."""
        import torch

        count, strength = self._course.pace.batch, min(1.0, step / self._course.hard)
        rng = generator("cutout", self._course.seed, step)
        self._darkroom.begin(int(rng.integers(2**62)), network.SIDE)
        pictures, cover = self._darkroom.composed(self._drawn(count // 2, rng), strength)
        traced, known, counts = self._moved(count - count // 2, rng)
        traced = self._darkroom.retaken(traced, RETAKEN * float(rng.random()))
        return Batch(
            given=torch.cat([pictures, traced]).sub(network.MIDDLE).contiguous(memory_format=torch.channels_last),
            cover=torch.cat([cover, known]),
            counts=torch.cat([torch.ones_like(cover), counts]),
        )

    def _drawn(self, count: int, rng: np.random.Generator) -> Tensor:
        """Views (count, 128, 128, 8) uint8."""
        import torch

        places = rng.integers(self._firsts[-1], size=count)
        chunks = np.searchsorted(self._firsts, places, side="right") - 1
        views = [self._views[chunk][place - self._firsts[chunk]] for chunk, place in zip(chunks, places, strict=True)]
        return torch.from_numpy(np.stack(views)).to(self.learner.device)

    def _moved(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Traced pictures, covers, and which pixels count: (count, 3 and 1 and 1, 128, 128) float32."""
        import torch

        places = rng.integers(len(self._album), size=count)
        both = np.concatenate([self._album.images[places], self._album.covers[places][..., None]], axis=3)
        drawn = torch.Generator(device=self.learner.device).manual_seed(int(rng.integers(2**62)))
        pictures, cover, counts = moved(torch.from_numpy(both).to(self.learner.device), drawn)
        swapped = np.flatnonzero(rng.random(count) < SWAPPED)
        pictures[swapped] = pictures[swapped][:, rng.permutation(3)]
        return pictures, cover, counts


def moved(both: Tensor, rng: Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures with covers (n, s, s, 4) uint8 turned, mirrored, nearer or further away: picture, cover, what counts.

    Beyond its edge a picture goes on mirrored; where that shows the object again, pixels do not count.
    """
    import torch
    from torch.nn import functional

    count = len(both)
    angle, scale = uniform(rng, count, -torch.pi, torch.pi), uniform(rng, count, np.log(NEAR), np.log(FAR)).exp()
    mirrored = (uniform(rng, count, 0, 1) < 0.5).float() * 2 - 1
    shift = uniform(rng, count, -AWAY, AWAY, 2)
    cos, sin = angle.cos() / scale, angle.sin() / scale
    rows = [torch.stack([cos * mirrored, sin, shift[:, 0]], 1), torch.stack([-sin * mirrored, cos, shift[:, 1]], 1)]
    size = [count, 4, network.SIDE, network.SIDE]
    grid = functional.affine_grid(torch.stack(rows, 1), size, align_corners=False)
    values = both.permute(0, 3, 1, 2).float() / 255
    found = functional.grid_sample(values, grid, padding_mode="reflection", align_corners=False)
    cover = functional.grid_sample(values[:, 3:], grid, padding_mode="zeros", align_corners=False)
    return found[:, :3], cover, (found[:, 3:] - cover < DOUBLED).float()


def losses(silhouette: Any, batch: Batch) -> Losses:
    """How far the network `silhouette` is from the truth of `batch`: by pixel, and by object (Dice)."""
    from torch.nn.functional import binary_cross_entropy_with_logits as apart

    said = silhouette(batch.given).float()
    pixels = (apart(said, batch.cover, reduction="none") * batch.counts).sum() / batch.counts.sum()
    seen, there = said.sigmoid() * batch.counts, batch.cover * batch.counts
    both = (seen * there).sum((1, 2, 3))
    objects = 1 - ((2 * both + 1) / (seen.sum((1, 2, 3)) + there.sum((1, 2, 3)) + 1)).mean()
    return {"loss": pixels + objects, "pixels": pixels, "objects": objects}


def settled(lessons: Lessons, silhouette: Any) -> Any:
    """The averaged network `silhouette`, folded; its norms' means were those of other weights and are taken anew."""
    import torch
    from torch.nn import BatchNorm2d

    norms = [layer for layer in silhouette.modules() if isinstance(layer, BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean of all batches
    silhouette.train()
    with torch.no_grad():
        for number in range(SETTLING):
            silhouette(lessons.batch(10**9 + number).given)
    return network.folded(silhouette)


def exam(silhouette: Any, album: Album) -> dict[str, float]:
    """How well `album` is cut out by the folded network, and by what needs no learning: mean IoU, shares over 0.8."""
    found = {
        "network": overlaps(album, [masked(picture, silhouette).mask for picture in album.images]),
        "classical": overlaps(album, [classical(picture) for picture in album.images]),
    }
    return {
        f"{name}, {place}, {what}": figure
        for name, every in found.items()
        for place, rows in (("clean", ~album.cluttered), ("cluttered", album.cluttered))
        if rows.any()
        for what, figure in (("IoU", float(every[rows].mean())), ("over 0.8", float((every[rows] > GOOD).mean())))
    }


def overlaps(album: Album, masks: Sequence[Floats]) -> Any:
    """Intersection over union of each of `masks` (h, w) with the object, (n,)."""
    pairs = [(mask > 0.5, cover > 127) for mask, cover in zip(masks, album.covers, strict=True)]
    return np.array([(one & other).sum() / max((one | other).sum(), 1) for one, other in pairs])


def classical(picture: Bytes) -> Floats:
    """What `tasks.cutout.classic` finds in the square `picture` (s, s, 3): (s, s) float32; all of it without one."""
    from PIL import Image

    found = classic.piece(picture)
    if found is None:
        return np.ones(picture.shape[:2], np.float32)
    return np.asarray(Image.fromarray(found.astype(np.float32)).resize(picture.shape[1::-1], Image.Resampling.BILINEAR))


def write(silhouette: Any, file: Path) -> Path:
    """Write the weights of the folded network in half precision; returns the file."""
    import torch
    from safetensors.torch import save_file

    weights: Mapping[str, Tensor] = silhouette.state_dict()
    save_file({name: value.to(torch.float16).contiguous() for name, value in weights.items()}, file)
    return file
