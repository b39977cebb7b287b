"""Whether there is material where the CAD has none, or none where it has some: grown, closed, gone, another shape."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy import ndimage

from tasks.gate import Finding, sight
from tasks.gate.evidence import Integers
from tasks.records import Bools, Floats, View

SMALLEST: Final = sight.SIDE // 2  # pixels of a picture's longer side below which the network has seen too little
SURE: Final = 0.5  # certainty from which on a cell is counted: many faint doubts are no fault
HOLE: Final = 40  # pixels of a through-hole, in a picture of 256, below which nobody can tell whether it is open
REASONS: Final = {
    "closed": "A through-hole is closed: where it must be, the picture looks like the part.",
    "grown": "Something has grown onto the part: its own stuff goes on beyond its outline.",
    "gone": "A piece of the part is gone: where its CAD has it, the picture shows something else.",
    "relief": "Another shape: what is seen within the outline is not what its CAD has there.",
}


class Matter(BaseModel):
    """The part's own stuff must be seen where its CAD has it, and nowhere else."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    place: ClassVar[int] = 40
    revision: ClassVar[int] = 1  # counted up with new weights: pictures are then judged anew

    # set, like those of `outline`, with series 800 and on, which neither training nor `make bench-gate` has
    fault: float = Field(0.5, description="How sure the gate's network may be at most that the picture is wrong.")

    def __call__(self, variant: View, view: View) -> Finding:
        """Scores `fault`, `silhouette`, `holes` and, as shares of the part, `closed`, `grown`, `gone`, `relief`.

        `fault` is the logarithm of the odds that the picture shows another shape, `silhouette` the intersection of
        what is seen of the part with its silhouette over their union, `holes` how many through-holes are open (absent
        where none is seen that is large enough). All are absent without CAD, and in pictures of
        less than 128 pixels.
        """
        if not view.depth.any() or max(view.mask.shape) < SMALLEST:
            return Finding({})
        seen = sight.sight(variant, view)
        shares = where(seen, view, variant.mask)
        scores = {"fault": seen.fault, **shares}
        if self.fault < seen.fault:
            return Finding(scores, REASONS[max(REASONS, key=lambda name: shares[name])])
        return Finding(scores)


def where(seen: sight.Seen, view: View, mask: Bools) -> dict[str, float]:
    """The scores of `Matter` but for `fault`; `mask` (h, w) is what a stage says is seen of the part."""
    groups = holes_of(view.mask)
    shown, holes = sight.cells(view.mask & mask), sight.cells(groups > 0)
    known = 1 - sight.cells(view.mask & ~mask)  # what something hides on purpose is not judged
    area = max(float(shown.sum()), 1.0)
    wrong, beyond = seen.differs * (seen.differs > SURE) * known, 1 - shown
    part = np.where(known > 0.5, seen.part, shown)
    shares = {
        "closed": float((wrong * part * holes).sum() / area),
        "grown": float((wrong * part * (beyond - holes)).sum() / area),
        "gone": float((wrong * (1 - part) * shown).sum() / area),
        "relief": float((wrong * part * shown).sum() / area),
    }
    silhouette = float(np.minimum(part, shown).sum() / max(float(np.maximum(part, shown).sum()), 1.0))
    return {"silhouette": silhouette, **_open(seen.part, groups, view.mask & ~mask), **shares}


def _open(part: Floats, groups: Integers, hidden: Bools) -> dict[str, float]:
    """In how many of the through-holes the part is not seen; nothing where there is none, or none is seen."""
    beside = set(groups[ndimage.binary_dilation(hidden, iterations=2)].tolist()) if hidden.any() else set()
    sizes = np.bincount(groups.ravel()) * (sight.SIDE / max(groups.shape)) ** 2
    large = [at for at in range(1, len(sizes)) if sizes[at] >= HOLE and at not in beside]
    if not large:
        return {}
    shares = [sight.cells(groups == at) for at in large]
    return {"holes": float(sum((part * share).sum() < 0.5 * share.sum() for share in shares))}


def holes_of(mask: Bools) -> Integers:
    """The through-holes of a silhouette (h, w), numbered from 1: neither the part nor in touch with the rim."""
    groups, count = ndimage.label(~mask)
    beyond = np.zeros(count + 1, dtype=np.bool_)
    for rim in (groups[0], groups[-1], groups[:, 0], groups[:, -1]):
        beyond[rim] = True
    beyond[0] = True
    numbers = np.where(beyond, 0, np.cumsum(~beyond))
    return np.asarray(numbers[groups], dtype=np.int64)
