"""Pictures to learn from: made-up parts photographed, with the exact geometry of the part in each and words for all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

from tasks.diffusion.conditions import geometry
from tasks.diffusion.training import captions
from tasks.diffusion.training.captions import Words
from tasks.records import Bytes, Floats, Record, View, generator
from tasks.snapshot import taken
from tasks.stages.background import Background
from tasks.stages.camera import CameraEffects
from tasks.stages.wear import Wear
from tasks.studio.surface import surface

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from tasks.generate import Specimen
    from tasks.photoreal.scenes import Mesh

LEAST: Final = 0.02  # share of the picture that the part takes at least
TRIES: Final = 6

Drawn = Literal[
    "wood", "steel", "concrete", "cardboard", "mat", "cloth", "gravel", "paper", "laminate", "rubber", "workshop"
]  # places that the background stage draws and that have a name


class Photograph(Record):
    """A picture of a part to learn from.

    `image` (s, s, 3) uint8; `condition` (s, s, 4) uint8 is the part's geometry as the ControlNet sees it, in 255ths.
    """

    image: Bytes
    condition: Bytes
    said: Words


def photograph(made: Specimen, seed: object, size: int, neighbours: Sequence[Mesh], *, traced: bool) -> Photograph:
    """Picture of the part `made` (size, size), path-traced or drawn; all else comes from `seed`.

    Raises ValueError with a sentence when the part can't be seen.
    """
    for attempt in range(TRIES):
        key = ("diffusion", made.number, seed, attempt)
        found = _traced(made, key, size, neighbours) if traced else _drawn(made, key, size)
        if (found.condition[..., 3] > 0).mean() >= LEAST:
            return found
    raise ValueError(f"{made.number} is hardly seen from {TRIES} sides.")


def _traced(made: Specimen, key: object, size: int, neighbours: Sequence[Mesh]) -> Photograph:
    from tasks.diffusion.training.tracing import exposed

    image, view, said = exposed(made, neighbours, size, generator(key))
    return Photograph(image=image, condition=condition(view, size), said=said)


def _drawn(made: Specimen, key: object, size: int) -> Photograph:
    """By the catalogue's own renderer, laid into a made-up place, at twice the size, then made smaller."""
    rng = generator(key)
    kind = get_args(Drawn)[int(rng.integers(len(get_args(Drawn))))]
    view = taken(surface(made.vertices, made.faces), made.part, str(key), 2 * size)
    seen = view
    for place, stage in enumerate((Wear(), Background(scenes=(kind,)), CameraEffects(strength=0.5))):
        seen = _through(stage, seen.replace(rng=generator(key, place)))
    # the snapshot's finish is its own secret
    said = Words(place=captions.DRAWN[kind])
    return Photograph(image=smaller(seen.image, size), condition=condition(view, size), said=said)


def condition(view: View, size: int) -> Bytes:
    """Geometry of the part in `view`, (size, size, 4) uint8, each pixel the mean of those that it covers."""
    return np.asarray(np.rint(255 * averaged(geometry(view), size)), np.uint8)


def averaged(values: Floats, size: int) -> Floats:
    """`values` (k size, k size, c) made smaller to (size, size, c)."""
    times = len(values) // size
    return np.asarray(values.reshape(size, times, size, times, -1).mean((1, 3), dtype=np.float32))


def smaller(picture: Bytes, size: int) -> Bytes:
    """`picture` (h, w, 3) uint8 as (size, size, 3)."""
    from PIL import Image

    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.LANCZOS))


def _through(stage: BaseModel, view: View) -> View:
    made: View = next(iter(stage(view)))  # type: ignore[operator] # a stage is called with a view
    return made
