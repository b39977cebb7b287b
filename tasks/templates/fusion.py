"""One score from two: how alike an embedding finds a part, and how well its shape fits.

Shapes are compared of the LEADING parts of the embedding alone, and what a search and what a measurement call a score
is the same number: so the threshold that was calibrated with the one holds for the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from tasks.records import Bools, Floats

LEADING: Final = 100  # parts whose shapes are compared
WEIGHT: Final = 1.0  # of the shape, beside 1 of the embedding: chosen on made-up parts of held-out families


def fused(cosines: Floats, shapes: Floats, leading: Bools) -> Floats:
    """Scores (p,) of parts, at most 1, from `cosines` (p,) and the fit of their `shapes` (p,), nan where none is known.

    `leading` (p,) are those whose shapes were compared. One of them without templates counts like their mean, for its
    shape speaks neither for nor against it; any other part like the last of them, so that it stays behind them all.
    Where no shape is known the scores are the cosines.
    """
    known = leading & np.isfinite(shapes)
    if not known.any():
        return cosines
    fits = np.where(leading, shapes[known].mean(), shapes[known].min())
    fits[known] = shapes[known]
    return np.asarray((cosines + WEIGHT * fits) / (1 + WEIGHT), dtype=np.float32)


def leading(cosines: Floats) -> Bools:
    """Which of the parts (p,) lead: the LEADING with the highest of `cosines`, -inf being none at all."""
    chosen = np.zeros(len(cosines), dtype=bool)
    chosen[np.argsort(-cosines, kind="stable")[:LEADING]] = True
    return chosen & np.isfinite(cosines)
