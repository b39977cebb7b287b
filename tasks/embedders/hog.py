"""Pictures by the directions of their edges: nothing learned, nothing downloaded, and no words.

HOG as Dalal and Triggs (2005) found it best, from scikit-image: 9 directions, blocks of 2 x 2 cells, L2-Hys.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from tasks import cutout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.records import Bytes, Floats

DIRECTIONS = 9
BLOCK = 2


class Hog(BaseModel):
    """Embed pictures by their gradients, cut to the object in them: quick, needs no training, knows no words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(64, ge=16, le=256, description="Pixels along a side of the picture that is looked at.")
    cells: int = Field(8, ge=2, le=32, description="Cells along a side: more of them see finer detail.")
    crop: bool = Field(True, description="Whether the picture is cut to the object in it first.")

    def __call__(self) -> Gradients:
        """What embeds."""
        return Gradients(self.size, min(self.cells, self.size // 4), crop=self.crop)


class Gradients:
    """Histograms of gradients of pictures, in `cells` x `cells` cells of `size` x `size` pixels."""

    def __init__(self, size: int, cells: int, *, crop: bool) -> None:
        self._cell, self._cells, self._crop = size // cells, cells, crop
        self.dimension = (cells - BLOCK + 1) ** 2 * BLOCK**2 * DIRECTIONS

    def images(self, pictures: Sequence[Bytes]) -> Floats:
        """Vectors (n, d) float32 of unit length; pictures without any edge are all alike."""
        found = np.zeros((len(pictures), self.dimension), dtype=np.float32)
        for place, picture in enumerate(pictures):
            values = self._histograms(cutout.cropped(picture)[0] if self._crop else cutout.square(picture))
            length = float(np.linalg.norm(values))
            found[place] = values / length if length > 1e-6 else self._flat
        return found

    def _histograms(self, picture: Bytes) -> Any:
        from skimage.feature import hog

        side = self._cell * self._cells
        grey = Image.fromarray(picture).convert("L").resize((side, side), Image.Resampling.BOX)
        return hog(
            np.asarray(grey, dtype=np.float32) / 255,
            orientations=DIRECTIONS,
            pixels_per_cell=(self._cell, self._cell),
            cells_per_block=(BLOCK, BLOCK),
            block_norm="L2-Hys",
        )

    @cached_property
    def _flat(self) -> Floats:
        return np.full(self.dimension, self.dimension**-0.5, dtype=np.float32)
