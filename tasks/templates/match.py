"""Which side of a part fits the object in a picture best, and how the picture must be turned for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tasks.records import Floats


def compared(asked: Floats, plates: Floats) -> tuple[float, int, int]:
    """The picture `asked` (turns, k) beside the templates `plates` (views, k) of a part, all of unit length.

    Returns the highest cosine, the view and the turn that have it.
    """
    ((score, view, turn),) = many(asked[None], plates)
    return score, view, turn


def many(asked: Floats, plates: Floats) -> list[tuple[float, int, int]]:
    """As `compared`, for several pictures `asked` (n, turns, k) at once."""
    count, turns, length = asked.shape
    alike = (asked.reshape(-1, length) @ plates.T).reshape(count, turns * len(plates))
    best = alike.argmax(axis=1)
    turn, view = np.divmod(best, len(plates))
    return list(zip(alike[np.arange(count), best].tolist(), view.tolist(), turn.tolist(), strict=True))
