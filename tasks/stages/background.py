"""Where a part is photographed: made-up benches, sheets and workshops, or the customer's own place."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tasks.stages.props import album, light
from tasks.stages.props.scenes import Scene, made_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.records import View
    from tasks.stages.props.noise import Bytes


class Background(BaseModel):
    """Put the part on a bench, a mat, a floor or in front of a workshop, in the light of that place."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    revision: ClassVar[int] = 1

    scenes: tuple[Scene, ...] = Field(get_args(Scene), min_length=1, description="Made-up places to choose from.")
    folder: str = Field("", description="Folder with photographs of the customer's own place; empty for none.")
    share: float = Field(0.7, ge=0, le=1, description="Share of pictures that use the folder, where there is one.")
    clutter: float = Field(0.35, ge=0, le=1, description="Chance that other things lie around the part.")
    light: float = Field(0.5, ge=0, le=1, description="How uneven and coloured the light of the place is.")
    shadow: float = Field(0.6, ge=0, le=1, description="How dark the shadow is that the part casts.")

    def __call__(self, view: View) -> Iterator[View]:
        """The part in one place: same size, opaque, silhouette kept."""
        rng = view.rng
        angle = rng.uniform(0, 2 * np.pi)
        # where shadows fall, in pixels right and down
        sun = (float(np.cos(angle)), float(np.sin(angle)))
        place, grounded = self.place(view, sun)
        scene = light.planes(place)
        shape = (view.alpha.shape[0], view.alpha.shape[1])
        part = light.matched(view, scene, sun, self.light)
        ground = scene * (1 - np.float32(self.shadow) * light.shadow(view, sun)) if grounded else scene
        part -= ground
        part *= view.alpha if grounded else light.outline(view)
        part += ground
        part *= light.falloff(shape, rng, sun, self.light)
        yield view.replace(image=light.pixels(part), alpha=np.ones_like(view.alpha))

    def place(self, view: View, sun: tuple[float, float]) -> tuple[Bytes, bool]:
        """The empty place, (h, w, 3) uint8, and whether there is ground near the part that takes its shadow."""
        rng = view.rng
        if self.folder and rng.random() < self.share:
            choice = album.photographs(self.folder, self.mark)
            shape = (view.alpha.shape[0], view.alpha.shape[1])
            return album.crop(choice[rng.integers(len(choice))], shape, rng), True
        kind = self.scenes[rng.integers(len(self.scenes))]
        clutter = int(rng.integers(1, 5)) if rng.random() < self.clutter else 0
        return made_up(kind, view, sun, clutter), kind != "workshop"

    @cached_property
    def mark(self) -> str:
        """Digest of the photographs in the folder, empty without one; it belongs to what names a picture."""
        return album.fingerprint(self.folder) if self.folder else ""
