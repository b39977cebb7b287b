"""The visible surface of a part as a list of points, so that marks are painted on it and stick to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from tasks.stages.props.noise import Bytes, Floats, grains, in_space

if TYPE_CHECKING:
    from tasks.records import Bools, Camera, View

Index = NDArray[np.intp]

LAMP = np.array([0.35, 0.62, 0.70], dtype=np.float32)
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass
class Skin:
    """The n visible points of a part; `colours` are painted on in place.

    `index` (n,) are their pixels, `points` (3, n) their places in the part's own axes, in half heights
    of the picture at the part's distance; `normals` (3, n) are in camera space, `up` (n,) is how far they
    face up in the world. `colours` (3, n) are 0 to 255. `pixel` is the size of a pixel in units of `points`.
    """

    index: Index
    points: Floats
    normals: Floats
    up: Floats
    colours: Floats
    pixel: float

    @classmethod
    def of(cls, view: View) -> Self | None:
        """The skin of what the view shows, or None where it shows nothing."""
        index, source = _visible(view.mask, view.alpha)
        if not index.size:
            return None
        height, width = view.mask.shape
        depth = view.depth.ravel()[source]
        normals = view.normals.reshape(-1, 3)[source].T.copy()
        scale = 1 / max(float(depth[::16].mean()) * np.tan(view.camera.yfov / 2), 1e-9)
        turn = view.camera.matrix[:3, :3].astype(np.float32)
        return cls(
            index=index,
            points=_placed(view.camera, index, depth, (height, width), scale),
            normals=normals,
            up=turn[2] @ normals,
            colours=view.image.reshape(-1, 3)[index].T.astype(np.float32, order="C"),
            pixel=2 / height,
        )

    def painted(self, image: Bytes) -> Bytes:
        """A copy of the picture with the skin's colours in it."""
        result = image.copy()
        self.colours += np.float32(0.5)
        np.clip(self.colours, 0, 255, out=self.colours)
        result.reshape(-1, 3)[self.index] = self.colours.astype(np.uint8).T
        return result

    def noises(self, rng: np.random.Generator) -> Floats:
        """Four noises on the surface, (4, n) about -1 to 1: two cloudy, two fine."""
        cells = rng.uniform(60, 100)
        places = _turn(rng) @ (self.points * np.float32(cells)) + rng.uniform(0, 128, (3, 1)).astype(np.float32)
        if cells * self.pixel < 0.6:
            # cells larger than pixels would show as steps: each pixel looks a little beside its place instead
            places += grains(rng, places.size).reshape(places.shape) * np.float32(0.4)
        return in_space(places)

    def patches(self, noise: Floats, share: float, soft: float) -> Floats:
        """Where the noise is highest, (n,) 0 to 1, over about `share` of the surface, with edges `soft` wide."""
        level = float(np.quantile(noise[::16], 1 - share))
        cover = noise * np.float32(1 / soft)
        cover += np.float32(0.5 - level / soft)
        np.clip(cover, 0, 1, out=cover)
        return cover

    def light(self) -> Floats:
        """How lit a dull surface is, (n,) about 0.3 to 1.2, with the folds and edges of the render kept."""
        shine: Floats = LUMA @ self.colours
        reference = max(float(np.quantile(shine[::16], 0.75)), 8.0)
        shine *= np.float32(1 / reference)
        np.minimum(shine, np.float32(1.2), out=shine)
        lit = np.clip(LAMP @ self.normals, 0, 1)
        shine += lit
        shine *= np.float32(0.4)
        shine += np.float32(0.3)
        return shine

    def mix(self, colour: Floats, cover: Floats) -> None:
        """Lay a colour, (3, n) or (3, 1), over the surface where `cover` (n,) says."""
        self.colours += (colour - self.colours) * cover

    def darken(self, loss: tuple[float, float, float], cover: Floats) -> None:
        """Take a share of red, green and blue away where `cover` (n,) says."""
        self.colours *= 1 - np.outer(np.array(loss, dtype=np.float32), cover)


def _turn(rng: np.random.Generator) -> Floats:
    """A random rotation, (3, 3) float32: the noise's own axes would show on faces parallel to them."""
    turn, _ = np.linalg.qr(rng.normal(0, 1, (3, 3)))
    return np.asarray(turn, dtype=np.float32)


def _visible(mask: Bools, alpha: Floats) -> tuple[Index, Index]:
    """Pixels of the part, and for each the pixel whose depth and normal it has.

    They include the softened rim, one pixel wide, that takes them from its neighbour: it would else
    keep the clean colour, a bright line around every stain.
    """
    inside = np.flatnonzero(mask)
    width = mask.shape[1]
    seen, cover = mask.ravel(), alpha.ravel()
    rims, sources = [inside], [inside]
    taken = seen.copy()
    for step in (1, -1, width, -width):
        beside = inside + step
        fresh = np.flatnonzero((beside >= 0) & (beside < seen.size))
        fresh = fresh[~taken[beside[fresh]]]
        fresh = fresh[cover[beside[fresh]] > 0]
        rims.append(beside[fresh])
        sources.append(inside[fresh])
        taken[beside[fresh]] = True
    return np.concatenate(rims), np.concatenate(sources)


def _placed(camera: Camera, index: Index, depth: Floats, shape: tuple[int, int], scale: float) -> Floats:
    """Places (3, n) in the part's axes of pixels at that depth, lengths times `scale`."""
    height, width = shape
    rows, columns = np.divmod(index.astype(np.int32), np.int32(width))
    slope = np.tan(camera.yfov / 2)
    step = np.float32(2 * slope / height)
    along = depth * np.float32(scale)
    rays = np.stack(
        [
            ((columns + np.float32(0.5)) * step - np.float32(slope * width / height)) * along,
            (np.float32(slope) - (rows + np.float32(0.5)) * step) * along,
            -along,
        ]
    )
    pose = camera.matrix
    eye = (pose[:3, 3] * scale).astype(np.float32)
    placed = pose[:3, :3].astype(np.float32) @ rays
    placed += eye[:, None]
    return np.asarray(placed, dtype=np.float32)
