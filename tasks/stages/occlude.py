"""What comes between the camera and a part: fingers, gloves, cloth, cables and other parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from tasks.stages.props import covers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tasks.records import View
    from tasks.stages.props.covers import Cover

Kind = Literal["fingers", "glove", "cloth", "cable", "thing"]
STEPS = 48


class Occlude(BaseModel):
    """Hide a bounded share of the part behind fingers, a cloth, a cable or another part."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    revision: ClassVar[int] = 1

    kinds: tuple[Kind, ...] = Field(get_args(Kind), min_length=1, description="What may hide a share of the part.")
    chance: float = Field(0.6, ge=0, le=1, description="Share of pictures in which something hides the part.")
    max_hidden: float = Field(0.3, ge=0, le=0.6, description="Largest share of the part that is hidden.")

    def __call__(self, view: View) -> Iterator[View]:
        """The part, partly hidden: mask, depth and normals keep what is still seen of it."""
        rng = view.rng
        if rng.random() >= self.chance or not view.mask.any():
            yield view
            return
        kind = self.kinds[rng.integers(len(self.kinds))]
        angle = rng.uniform(0, 2 * np.pi)
        heading = np.array([np.cos(angle), np.sin(angle)])
        rows, columns = np.nonzero(view.mask[::4, ::4])
        target = np.array([columns.mean(), rows.mean()]) * 4 if rows.size else np.array(view.mask.shape[::-1]) / 2
        cover = covers.COVERS[kind]((view.mask.shape[0], view.mask.shape[1]), target, heading, rng)
        goal = self.max_hidden * rng.uniform(0.25, 1.0)
        away = withdrawn(view.mask, cover, heading, goal)
        yield view if away is None else laid_over(view, cover, away)


def withdrawn(
    mask: NDArray[np.bool_], cover: Cover, heading: NDArray[np.float64], most: float
) -> tuple[int, int] | None:
    """How far (x, y) the cover is drawn back, away from `heading`, until it hides at most `most` of the mask.

    None when no place inside the picture does.
    """
    opaque = cover.share > 0.5
    allowed = most * np.count_nonzero(mask)
    reach = float(max(mask.shape))
    for step in range(STEPS):
        x, y = (round(float(-h * reach * step / STEPS)) for h in heading)
        there, here = _overlap(mask.shape[0], y), _overlap(mask.shape[1], x)
        if np.count_nonzero(mask[there[0], here[0]] & opaque[there[1], here[1]]) <= allowed:
            return x, y
    return None


def _overlap(length: int, shift: int) -> tuple[slice, slice]:
    """Where a thing moved by `shift` lands, and which of it does."""
    return slice(max(shift, 0), length + min(shift, 0)), slice(max(-shift, 0), length - max(shift, 0))


def laid_over(view: View, cover: Cover, away: tuple[int, int]) -> View:
    """The view with the cover, moved by `away`, in front of it."""
    height, width = view.mask.shape
    move = (1, 0, -away[0], 0, 1, -away[1])
    share = _moved(cover.share, move)
    shade = _moved(cover.shade, move)
    colour = np.asarray(Image.fromarray(cover.colour).transform((width, height), Image.Transform.AFFINE, move))
    below = view.alpha * (1 - share)
    alpha = share + below
    lit = view.image * (1 - shade)[..., None]
    mixed = (colour * share[..., None] + lit * below[..., None]) / np.maximum(alpha, 1e-6)[..., None]
    seen = view.mask & (share <= 0.5)
    return view.replace(
        image=np.clip(mixed + 0.5, 0, 255).astype(np.uint8),
        alpha=alpha.astype(np.float32),
        mask=seen,
        depth=np.where(seen, view.depth, np.float32(0)),
        normals=np.where(seen[..., None], view.normals, np.float32(0)),
    )


def _moved(layer: NDArray[np.float32], move: tuple[int, ...]) -> NDArray[np.float32]:
    picture = Image.fromarray(layer)
    return np.asarray(picture.transform(picture.size, Image.Transform.AFFINE, move), dtype=np.float32)
