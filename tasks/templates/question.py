"""A picture as it is compared with templates: the object cut out, turned through a circle, made short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks import cutout
from tasks.templates.features import asked
from tasks.templates.projection import projection

if TYPE_CHECKING:
    from tasks.records import Bytes, Floats


def question(picture: Bytes) -> Floats:
    """What the object in `picture` (h, w, 3) uint8 looks like at each turn, (TURNS, k) float32 of unit length.

    Raises ValueError with a sentence where weights are missing.
    """
    return projection().short(asked(picture, cutout.cut(picture).mask))
