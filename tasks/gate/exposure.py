"""Whether there is anything to see: light that was lost, and a part that cannot be told from its surroundings."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.ndimage import binary_dilation

from tasks.gate import Finding
from tasks.records import Floats, View

LUMA: Final = np.array([0.299, 0.587, 0.114], dtype=np.float32)
RING: Final = 6  # pixels around the part that count as what is around it


class Exposure(BaseModel):
    """The part must be neither burnt out nor drowned in black (unless its render already was)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    place: ClassVar[int] = 22

    most: float = Field(0.85, ge=0, le=1, description="Largest share of the part that is plain white or plain black.")
    white: float = Field(249.0, ge=0, le=255, description="Brightness above which a pixel is plain white.")
    black: float = Field(6.0, ge=0, le=255, description="Brightness below which a pixel is plain black.")

    def __call__(self, variant: View, view: View) -> Finding:
        """Scores `burnt` and `black`, shares of what is seen of the part."""
        light, before = luma(variant)[variant.mask], luma(view)[variant.mask]
        if not light.size:
            return Finding({"burnt": 0.0, "black": 0.0})
        burnt, black = float(np.mean(light > self.white)), float(np.mean(light < self.black))
        scores = {"burnt": burnt, "black": black}
        if burnt > self.most and burnt > np.mean(before > self.white):
            return Finding(scores, f"The picture is over-exposed: {burnt:.0%} of the part is plain white.")
        if black > self.most and black > np.mean(before < self.black):
            return Finding(scores, f"The picture is too dark: {black:.0%} of the part is plain black.")
        return Finding(scores)


class Contrast(BaseModel):
    """The part must be told from what is around it, by its outline or by what is on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    place: ClassVar[int] = 24

    least: float = Field(3.0, ge=0, le=255, description="Least difference of brightness on or around the part.")

    def __call__(self, variant: View, view: View) -> Finding:
        """Score `contrast`, in steps of brightness (0 to 255)."""
        light = luma(variant)
        inner = light[variant.mask]
        around = light[binary_dilation(view.mask, np.ones((3, 3), bool), RING) & ~view.mask]
        if not inner.size:
            return Finding({"contrast": 0.0}, "The part is not in the picture.")
        outline = abs(float(inner.mean()) - float(around.mean())) if around.size else 0.0
        strongest = max(outline, float(inner.std()))
        if strongest < self.least:
            reason = "The picture is blank: the part cannot be told from what is around it."
            return Finding({"contrast": strongest}, reason)
        return Finding({"contrast": strongest})


def luma(view: View) -> Floats:
    """Brightness, (h, w) float32 0 to 255."""
    return np.asarray(view.image @ LUMA, dtype=np.float32)
