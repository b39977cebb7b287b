"""Whether a variant is still a usable picture of its part: each check is a function that says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tasks.records import Bools, Floats, Record, View

if TYPE_CHECKING:
    from collections.abc import Callable

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
DARKEST, BRIGHTEST = 6.0, 249.0
LARGEST_LOST = 0.85
LEAST_CONTRAST = 3.0
LEAST_SEEN = 0.4
LARGEST_STRAY = 0.02


class Verdict(Record):
    """Whether a variant takes part, the reason in words when it does not, and what was measured."""

    accepted: bool
    reason: str
    scores: dict[str, float]


class Finding(NamedTuple):
    """What one check measured; `reason` is empty when the picture passes."""

    scores: dict[str, float]
    reason: str = ""


def verdict(variant: View, view: View) -> Verdict:
    """Judge a variant against the view that it was made from; all checks run, the first reason counts."""
    findings = [check(variant, view) for check in CHECKS]
    scores = {name: score for finding in findings for name, score in finding.scores.items()}
    reason = next((finding.reason for finding in findings if finding.reason), "")
    return Verdict(accepted=not reason, reason=reason, scores=scores)


def silhouette(variant: View, view: View) -> Finding:
    """The part must lie where the CAD says: nothing of it outside the view's own silhouette."""
    area = max(int(np.count_nonzero(view.mask)), 1)
    stray = np.count_nonzero(variant.mask & ~view.mask) / area
    union = max(int(np.count_nonzero(variant.mask | view.mask)), 1)
    scores = {"stray": _score(stray), "iou": _score(np.count_nonzero(variant.mask & view.mask) / union)}
    if stray > LARGEST_STRAY:
        return Finding(scores, f"The part's outline moved: {stray:.0%} of it lies outside its own silhouette.")
    return Finding(scores)


def hidden(variant: View, view: View) -> Finding:
    """Enough of the part must be seen."""
    seen = np.count_nonzero(variant.mask & view.mask) / max(int(np.count_nonzero(view.mask)), 1)
    scores = {"seen": _score(seen)}
    if seen < LEAST_SEEN:
        return Finding(scores, f"Too much of the part is hidden: {1 - seen:.0%} cannot be seen.")
    return Finding(scores)


def exposure(variant: View, view: View) -> Finding:
    """The part must be neither burnt out nor drowned in black (unless its render already was)."""
    light, before = _luma(variant)[variant.mask], _luma(view)[variant.mask]
    if not light.size:
        return Finding({"burnt": 0.0, "black": 0.0})
    burnt, black = float(np.mean(light > BRIGHTEST)), float(np.mean(light < DARKEST))
    scores = {"burnt": _score(burnt), "black": _score(black)}
    if burnt > LARGEST_LOST and burnt > np.mean(before > BRIGHTEST):
        return Finding(scores, f"The picture is over-exposed: {burnt:.0%} of the part is plain white.")
    if black > LARGEST_LOST and black > np.mean(before < DARKEST):
        return Finding(scores, f"The picture is too dark: {black:.0%} of the part is plain black.")
    return Finding(scores)


def contrast(variant: View, view: View) -> Finding:
    """The part must be told from what is around it, by its outline or by what is on it."""
    light = _luma(variant)
    inner = light[variant.mask]
    around = light[_ring(view.mask)]
    if not inner.size:
        return Finding({"contrast": 0.0}, "The part is not in the picture.")
    outline = abs(float(inner.mean()) - float(around.mean())) if around.size else 0.0
    relief = float(inner.std())
    strongest = max(outline, relief)
    scores = {"contrast": _score(strongest)}
    if strongest < LEAST_CONTRAST:
        return Finding(scores, "The picture is blank: the part cannot be told from what is around it.")
    return Finding(scores)


CHECKS: tuple[Callable[[View, View], Finding], ...] = (silhouette, hidden, exposure, contrast)


def _score(value: float) -> float:
    """A plain number with four decimals, as it is stored."""
    return round(float(value), 4)


def _luma(view: View) -> Floats:
    """Brightness, (h, w) float32 0 to 255."""
    return np.asarray(view.image @ LUMA, dtype=np.float32)


def _ring(mask: Bools, width: int = 6) -> Bools:
    """The pixels close around the mask, (h, w) bool."""
    wide = mask.copy()
    for axis in (0, 1):
        grown = wide.copy()
        for shift in range(1, width + 1):
            grown |= np.roll(wide, shift, axis) | np.roll(wide, -shift, axis)
        wide = grown
    return wide & ~mask
