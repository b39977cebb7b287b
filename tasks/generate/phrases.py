"""What a buyer would say of a part's sizes and proportions, and rows of usual sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.generate.draw import Draw

T = TypeVar("T")


def mm(value: float, what: str = "") -> str:
    """A length as it is written: "60 mm long", "2.5 mm thick"."""
    number = f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")
    return f"{number} mm {what}".strip()


def proportions(solid: Any) -> str:
    """How long, flat or chunky a solid is, whatever it is."""
    low, high = solid.bounding_box()[:3], solid.bounding_box()[3:]
    short, middle, long = sorted(b - a for a, b in zip(low, high, strict=True))
    if long > 4 * middle:
        return "long and thin"
    if short < 0.12 * middle:
        return "thin and flat"
    if short < 0.35 * middle:
        return "flat"
    if long > 2 * middle:
        return "long"
    return "compact" if long < 1.5 * short else "medium length"


def nearby(draw: Draw, name: str, choices: Sequence[T]) -> T:
    """One of an ordered row of `choices`; siblings have it or the next one."""
    return choices[draw.count(name, 0, len(choices) - 1)]
