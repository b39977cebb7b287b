"""What the stages say of their picture: where the part is in it, and how much of it is seen."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tasks.gate import Finding
from tasks.records import View


class Stray(BaseModel):
    """The part must lie where the CAD says: nothing of its mask outside the view's own silhouette."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    place: ClassVar[int] = 10

    most: float = Field(0.02, ge=0, le=1, description="Largest share of the part outside its own silhouette.")

    def __call__(self, variant: View, view: View) -> Finding:
        """Scores `stray` and `iou`, of the mask that the stages handed on."""
        area = max(int(np.count_nonzero(view.mask)), 1)
        stray = float(np.count_nonzero(variant.mask & ~view.mask) / area)
        union = max(int(np.count_nonzero(variant.mask | view.mask)), 1)
        scores = {"stray": stray, "iou": float(np.count_nonzero(variant.mask & view.mask) / union)}
        if stray > self.most:
            return Finding(scores, f"The part's outline moved: {stray:.0%} of it lies outside its own silhouette.")
        return Finding(scores)


class Hidden(BaseModel):
    """Enough of the part must be seen."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    place: ClassVar[int] = 20

    least: float = Field(0.4, ge=0, le=1, description="Least share of the part that is seen.")

    def __call__(self, variant: View, view: View) -> Finding:
        """Score `seen`, the share of the silhouette that is in the variant's mask."""
        seen = np.count_nonzero(variant.mask & view.mask) / max(int(np.count_nonzero(view.mask)), 1)
        if seen < self.least:
            return Finding({"seen": seen}, f"Too much of the part is hidden: {1 - seen:.0%} cannot be seen.")
        return Finding({"seen": seen})
