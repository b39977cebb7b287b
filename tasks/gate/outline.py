"""Whether the part's edges lie in the picture where its CAD has them: not moved, not another shape, nowhere gone."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy import ndimage

from tasks.gate import Finding
from tasks.gate.evidence import BOX, REACH, Evidence, Points, evidence, fit
from tasks.records import Floats, View

FEWEST: Final = 40  # points below which an edge says nothing
LARGEST, LEAST = 3.0, 0.15  # bounds of how much the render's creases stand out
BEYOND: Final = tuple(range(12, 44, 4))  # pixels outside the outline where the surroundings are looked at
SHADOWS: Final = (1.1, 1.0, 0.85, 0.7, 0.55)  # how light or dark they may be nearer to the part
CONTRAST: Final = 15.0  # steps of brightness by which the part must differ from them to have an edge
FAINT: Final = 0.1  # share of that contrast, per pixel, below which there is no edge


class Outline(BaseModel):
    """The outline and the creases of the part must be seen where the CAD says."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    place: ClassVar[int] = 30

    shift: float = Field(1.5, ge=0, le=10, description="Most that edges may lie away, in pixels of 256.")
    clear: float = Field(1.05, ge=1, description="How much better edges must fit another place to count as moved.")
    edge: float = Field(1.2, ge=1, description="How much more edge there must be at the outline than around it.")
    crease: float = Field(0.25, ge=0, le=1, description="Share of the render's agreement that creases must keep.")
    faint: float = Field(0.5, ge=0, le=1, description="That share below which creases can tell that the part moved.")
    gap: int = Field(6, ge=1, description="Stretch of the outline that may not lack its edge, in pixels of 256.")

    def __call__(self, variant: View, view: View) -> Finding:
        """Scores `shift` in pixels, `edge` (1 is chance), `crease` (0 is chance, 1 as in the render), `gap` in pixels.

        A score is absent where the view has too little of what it measures; all are without CAD.
        """
        if not view.depth.any():
            return Finding({})
        found = evidence(variant, view)
        scores = {"gap": gap(found), "shift": 0.0}
        if len(found.outline.rows) >= FEWEST:
            fits = fit(found.slopes, found.outline)
            scores |= {"edge": agreement(fits), "shift": moved(fits, self.clear)}
        if len(found.creases.rows) >= FEWEST:
            fits, render = fit(found.slopes, found.creases), found.known.fit
            # creases that hardly show in the render prove nothing
            scores["crease"] = (agreement(fits) - 1) / max(min(agreement(render), LARGEST) - 1, LEAST)
            away = moved(fits, self.clear * max(float(render.max()) / here(render), 1.0))
            if scores["crease"] < self.faint:
                scores["shift"] = max(scores["shift"], away)
        return Finding(scores, self._reason(scores))

    def _reason(self, scores: dict[str, float]) -> str:
        if scores["shift"] > self.shift:
            return f"The part's outline moved: it lies {scores['shift']:.0f} pixels from where its CAD says."
        if scores.get("edge", self.edge) < self.edge:
            return "Another shape: the picture shows no edge along most of the part's outline."
        if scores.get("crease", self.crease) < self.crease:
            return "Another shape: the edges on the part's surface are not where its CAD has them."
        if scores["gap"] >= self.gap:
            return f"The outline is broken: over {scores['gap']:.0f} pixels the part goes on where its CAD ends."
        return ""


def here(fits: Floats) -> float:
    """How well edges fit where they must be, a pixel more or less."""
    near = slice(REACH - 1, REACH + 2)
    return max(float(fits[near, near].max()), 1e-3)


def agreement(fits: Floats) -> float:
    """How much better edges fit there than anywhere near: 1 is chance."""
    return here(fits) / max(float(np.median(fits)), 1e-3)


def moved(fits: Floats, clear: float) -> float:
    """How far away edges fit best, in pixels; 0 unless they do so `clear` times better than where they must be."""
    if float(fits.max()) <= clear * here(fits):
        return 0.0
    down, right = np.unravel_index(int(fits.argmax()), fits.shape)
    return float(np.hypot(down - REACH, right - REACH))


def gap(found: Evidence) -> float:
    """Length in pixels of the longest stretch of the outline that should show an edge and shows none.

    It should where the part's colour differs from all that lies further out, also in its shadow.
    """
    points = found.outline
    if not len(points.rows):
        return 0.0
    shape = found.known.mask.shape
    part = found.planes[(slice(None), *points.beside(-2.5, shape))]
    steep = found.steep(points)
    near = ndimage.binary_dilation(found.known.mask, iterations=3)
    differs = np.full(len(points.rows), np.inf, dtype=np.float32)
    for step in BEYOND:
        at = points.beside(step, shape)
        around = found.planes[(slice(None), *at)]
        for light in SHADOWS:
            apart = np.sqrt(((part - around * np.float32(light)) ** 2).mean(axis=0))
            differs = np.where(near[at], differs, np.minimum(differs, apart))
    gone = np.isfinite(differs) & (differs > CONTRAST) & (steep < FAINT * differs)
    return float(_longest(points.where(gone), shape))


def _longest(points: Points, shape: tuple[int, int]) -> int:
    """Pixels in the largest group of points that lie side by side."""
    if not len(points.rows):
        return 0
    picture = np.zeros(shape, dtype=np.bool_)
    picture[points.rows, points.columns] = True
    groups, _ = ndimage.label(ndimage.binary_dilation(picture, BOX), BOX)
    return int(np.bincount(groups[points.rows, points.columns]).max())
