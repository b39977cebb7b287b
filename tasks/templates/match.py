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
    alike = plates @ asked.T
    view, turn = np.divmod(int(alike.argmax()), len(asked))
    return float(alike[view, turn]), int(view), int(turn)
