"""How a made-up part is drawn: a family's function asks for its sizes, and siblings get nearly the same ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from tasks.records import generator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

CHANGED = 0.35  # chance that a sibling differs from its series in one of the things that are asked for
STEP = (0.08, 0.28)  # and by how much of the range, when it is a size


class Draw:
    """The sizes and choices of one part of a family, by name.

    Parts of one `series` are siblings: each has the series' values but for a few, and those differ a little.
    A value depends on the names alone, never on the order in which they are asked for.
    """

    def __init__(self, family: str, series: int, sibling: int) -> None:
        self._key = (family, series)
        self._sibling = sibling
        self.values: dict[str, Any] = {}

    def size(self, name: str, low: float, high: float) -> float:
        """A length, an angle or a share between `low` and `high`."""
        value = generator(*self._key, name).uniform(low, high)
        rng = self._own(name)
        if self._sibling and rng.random() < CHANGED:
            step = rng.uniform(*STEP) * (high - low) * rng.choice((-1, 1))
            value = value + step if low <= value + step <= high else value - step
            value = min(max(value, low), high)
        self.values[name] = float(value)
        return float(value)

    def count(self, name: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        value = int(generator(*self._key, name).integers(low, high + 1))
        rng = self._own(name)
        if self._sibling and low < high and rng.random() < CHANGED:
            value += 1 if value == low or (value < high and rng.random() < 0.5) else -1
        self.values[name] = value
        return value

    def one(self, name: str, choices: Sequence[T]) -> T:
        """One of `choices`; siblings differ in it half as often as in a size."""
        index = int(generator(*self._key, name).integers(len(choices)))
        rng = self._own(name)
        if self._sibling and rng.random() < CHANGED / 2:
            index = int(rng.integers(len(choices)))
        self.values[name] = choices[index]
        return choices[index]

    def chance(self, name: str, share: float = 0.5) -> bool:
        """Whether something is there, in `share` of all series."""
        value = bool(generator(*self._key, name).random() < share)
        rng = self._own(name)
        if self._sibling and rng.random() < CHANGED / 2:
            value = not value
        self.values[name] = value
        return value

    def _own(self, name: str) -> Any:
        return generator(*self._key, name, "sibling", self._sibling)


@dataclass(frozen=True)
class Draft:
    """What a family's function makes: the solid, and what people would say of it.

    `solid` is a manifold3d.Manifold, or a pair of vertices (n, 3) in mm and faces (m, 3) for a sweep. `says` are short
    phrases that a buyer would use, the most telling first ("M8", "six holes", "60 mm long"). `look` is a usual
    material ("steel, zinc plated", "black PETG"…), as `tasks.materials` reads it.
    """

    solid: Any
    says: tuple[str, ...] = ()
    look: str = ""


@dataclass(frozen=True)
class Family:
    """A kind of part: what people call it (the first name is the usual one) and how one is drawn."""

    names: tuple[str, ...]
    make: Callable[[Draw], Draft] = field(repr=False)
    held_out: bool = False

    @property
    def name(self) -> str:
        """The usual name."""
        return self.names[0]
