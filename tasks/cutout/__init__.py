"""A query picture to the object in it: where it seems to be, so that it can be looked at as closely as the index does.

People hold a telephone nearer or further away, not always straight, and over benches that are not empty. `cut` says
which pixels are the object's: a small network of our own does (`tasks.cutout.silhouette`), and where that sees nothing
what differs from the picture's rim (`tasks.cutout.classic`). Either is a guess, and a guess can be wrong: whoever
compares pictures looks at the whole one as well.
"""

from __future__ import annotations

from tasks.cutout.classic import MARGIN, cropped
from tasks.cutout.look import LOOKS, alone, looks
from tasks.cutout.silhouette import Cut, cut
from tasks.cutout.windows import rim, square

__all__ = ["LOOKS", "MARGIN", "Cut", "alone", "cropped", "cut", "looks", "rim", "square"]
