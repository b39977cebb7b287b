"""What the projection is learned from: views of made-up parts, of no family that tests are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tasks.records import Record, generator
from tasks.templates import features, plates, relief

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.records import Floats

Key = tuple[str, int]  # family, series
BATCH: Final = 16  # parts whose features are on their way at once


class Course(BaseModel):
    """From how much the projection is learned."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parts: int = Field(320, ge=1, description="Made-up parts, of all families but the held-out ones.")
    views: int = Field(40, ge=1, description="Views of each part.")
    seed: int = Field(1, description="Decides which parts.")


class Sheet(Record):
    """The features (n, d) of the views of a part; none where its draft was not sound, or its process was ended."""

    features: Any


def planned(course: Course) -> tuple[Key, ...]:
    """The parts that are learned from: of each family as many, one design after the other."""
    from tasks.generate import families

    names = [name for name, family in families().items() if not family.held_out]
    order = generator("templates", course.seed).permutation(len(names))
    return tuple((names[int(order[at % len(names)])], at // len(names)) for at in range(course.parts))


def learned_from(course: Course, workers: int, advance: Callable[[int], None]) -> Floats:
    """The features (n, d) of all views of all parts; `advance` is told how many parts more are done."""
    from tasks.workshop import Workshop

    keys = planned(course)
    found = []
    with Workshop(workers, sheet, lost, name="") as workshop:
        for start in range(0, len(keys), BATCH):
            orders = [(key, course.views) for key in keys[start : start + BATCH]]
            found += [one.features for one in workshop.make(orders)]
            advance(len(orders))
    return np.concatenate(found)


def sheet(order: tuple[Key, int]) -> Sheet:
    """The features of one part, as its views in a catalogue have them. Runs in a worker process."""
    from tasks.generate import specimen

    (family, series), views = order
    try:
        made = specimen(family, series, 0)
    except ValueError:  # a family's draft that is not sound
        return lost(order)
    cameras = plates.around(made.vertices[np.unique(made.faces)], views)
    shown = relief.reliefs(made.vertices, made.faces, cameras)
    return Sheet(features=np.concatenate([features.described(some) for some in shown]))


def lost(_order: object, _reason: str = "") -> Sheet:
    """Nothing, of a part that could not be made."""
    return Sheet(features=np.zeros((0, features.LENGTH), np.float32))
