"""Whether a variant still finds its own part in the index, ahead of every other one.

How far ahead it must be is measured with the index itself. The clean view that a variant was made from leads another
part by `lead = 1 - cosine`, and of that lead the variant must keep a share. Two parts can look nearly the same from one
side: then the lead is tiny, and which of them a variant is nearer to is chance. Chance is reckoned so: on the unit
sphere the view and the other part's picture lie sqrt(2 lead) apart, and the variant went sqrt(2 drift) away from its
view, drift being one minus their cosine; if that goes in any of d directions alike, it moves the variant's own lead by
2 sqrt(lead drift / d), one standard deviation. That is little beside the lead of parts that differ, and more than the
lead of those that cannot be told apart. No number here belongs to one model: a better one drifts less and leads more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from tasks.gate import Finding
from tasks.records import Floats

Integers = NDArray[np.int64]
ROWS: Final = 256  # variants that are compared at once: the memory is that many times the index
EFFECTIVE: Final = 32.0  # directions in which vectors of one index differ, however many numbers they have


class Gallery:
    """The index's vectors, grouped by geometry: parts of one geometry are one part, no picture tells them apart.

    `vectors` (m, d) float32 of unit length; `owners` their part numbers; `geometries` the digests of their shapes,
    empty for a part without CAD, which is its own group.
    """

    def __init__(self, vectors: Floats, owners: Sequence[str], geometries: Sequence[str]) -> None:
        names = [geometry or f"part {owner}" for owner, geometry in zip(owners, geometries, strict=True)]
        _, group = np.unique(np.array(names, dtype=np.str_), return_inverse=True)
        order = np.argsort(group, kind="stable")
        self.vectors: Floats = np.ascontiguousarray(vectors[order])
        self.owners = tuple(owners[int(row)] for row in order)
        self.starts: Integers = np.flatnonzero(np.diff(group[order], prepend=-1))
        self._groups = dict(zip(self.owners, group[order].tolist(), strict=True))

    def group(self, part: str) -> int:
        """Number of the part's group, -1 where the index has no picture of it."""
        return int(self._groups.get(part, -1))

    def cosines(self, vectors: Floats) -> tuple[Floats, Integers]:
        """Cosine of each vector (n, d) with the most similar row of each group (n, groups), and which row that is."""
        every = vectors @ self.vectors.T
        ends = [*self.starts[1:].tolist(), len(self.vectors)]
        rows = np.stack(
            [start + every[:, start:end].argmax(axis=1) for start, end in zip(self.starts, ends, strict=True)], axis=1
        )
        return np.take_along_axis(every, rows, axis=1), rows


class Retrieval(BaseModel):
    """The picture must find its own part first, ahead of its nearest sibling."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    margin: float = Field(
        0.0, ge=0, le=1, description="Share of the lead of the clean view that a picture must keep; 0 is just ahead."
    )
    # from 2.8 on not even the other part's own view would be refused
    doubt: float = Field(
        2.0, ge=0, le=2.5, description="How far look-alikes may be confused by chance, in standard deviations."
    )

    def __call__(self, vectors: Floats, sources: Floats, parts: Sequence[str], gallery: Gallery) -> list[Finding]:
        """A finding for each variant: `vectors` (n, d), those of the views it was made from, and its part's number.

        Scores are the cosines `own` and `other` (the part that comes nearest to a wrong answer), and `margin`, how far
        ahead it is as a share of the clean view's lead: 1 is as far as the view itself, below 0 the other one leads.
        A part of which the index has no picture cannot be judged and passes without scores.
        """
        findings = []
        for start in range(0, len(parts), ROWS):
            some = slice(start, start + ROWS)
            findings += self._judged(vectors[some], sources[some], parts[some], gallery)
        return findings

    def _judged(self, vectors: Floats, sources: Floats, parts: Sequence[str], gallery: Gallery) -> list[Finding]:
        seen, rows = gallery.cosines(vectors)
        clean, _ = gallery.cosines(sources)
        own = np.array([gallery.group(part) for part in parts])
        each = np.arange(len(parts))
        leads = seen[each, own][:, None] - seen
        views = np.maximum(clean[each, own][:, None] - clean, 0)
        drift = np.maximum(1 - np.einsum("nd,nd->n", vectors, sources), 0)[:, None]
        chance = 2 * np.sqrt(views * drift / EFFECTIVE)
        spare = leads - self.margin * views + self.doubt * chance
        spare[each, own] = np.inf
        worst = spare.argmin(axis=1)
        findings = []
        for i, (part, g) in enumerate(zip(parts, worst.tolist(), strict=True)):
            if own[i] < 0:
                findings.append(Finding({}))
                continue
            scores = {"own": float(seen[i, own[i]])}
            if np.isfinite(spare[i, g]):
                ahead = float(leads[i, g] / max(float(views[i, g]), 1e-4))
                scores |= {"other": float(seen[i, g]), "margin": min(max(ahead, -9.0), 9.0)}
            reason = _reason(part, gallery.owners[int(rows[i, g])], scores) if spare[i, g] < 0 else ""
            findings.append(Finding({name: round(score, 4) for name, score in scores.items()}, reason))
        return findings


def _reason(part: str, other: str, scores: dict[str, float]) -> str:
    return f"It looks more like {other} ({scores['other']:.3f}) than like its own part {part} ({scores['own']:.3f})."
