"""How well the shapes of parts fit many queries: of each query those of its leading parts, as a search has it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from tasks.arithmetic import single
from tasks.templates import fusion
from tasks.templates.question import question
from tasks.templates.shelf import TABLE, fits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blocks.catalogue import Catalogue
    from tasks.queries import Query
    from tasks.records import Floats

_AT_ONCE: Final = 64  # queries that are compared at once


class Shapes:
    """The shapes of parts beside queries; `geometry` is that of each part, empty for one without CAD.

    `pictures` are those of the queries, `turned`; none where the catalogue has no shapes to compare with. What was
    compared once is remembered.
    """

    def __init__(self, catalogue: Catalogue, pictures: Sequence[Floats], geometry: Sequence[str]) -> None:
        self._catalogue, self._pictures, self._geometry = catalogue, pictures, np.array(geometry, dtype=object)
        self._there = self.there(catalogue)
        shape = (len(pictures), len(geometry)) if self._there else (0, 0)
        self._fits = np.full(shape, np.nan, np.float32)
        self._compared = np.zeros(shape, dtype=bool)

    @staticmethod
    def there(catalogue: Catalogue) -> bool:
        """Whether the parts of `catalogue` have shapes to compare with."""
        return TABLE in catalogue.tables()

    def fused(self, cosines: Floats) -> Floats:
        """Scores (queries, parts) from `cosines` (queries, parts), as a search would give them; -inf stays so.

        Raises ValueError with a sentence where weights are missing.
        """
        if not self._there or not cosines.size:
            return cosines
        made = np.empty_like(cosines)
        for start in range(0, len(cosines), _AT_ONCE):
            rows = range(start, min(start + _AT_ONCE, len(cosines)))
            first = np.stack([fusion.leading(cosines[row]) for row in rows])
            self._compare(rows, first)
            for row, leads in zip(rows, first, strict=True):
                made[row] = fusion.fused(cosines[row], self._fits[row], leads)
        return made

    def _compare(self, rows: range, first: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> None:
        """Compare what leads in these rows, as far as that was not done yet."""
        new = first & ~self._compared[rows.start : rows.stop]
        wanted = [set(self._geometry[some].tolist()) - {""} for some in new]
        asked = [row for row, some in zip(rows, wanted, strict=True) if some]
        pictures = [self._pictures[row] for row in asked]
        found = fits(self._catalogue, pictures, [some for some in wanted if some])
        for row, fit in zip(asked, found, strict=True):
            values = [fit[name].score if name in fit else np.nan for name in self._geometry]
            self._fits[row] = np.where(new[row - rows.start], values, self._fits[row])
        self._compared[rows.start : rows.stop] |= first


@lru_cache(maxsize=1024)
def turned(query: Query) -> Floats:
    """The picture of a query, turned, (TURNS, k): it is asked of what was made, and again of what is live.

    Those of a thousand queries are remembered for that; of more, each is turned again.

    Raises ValueError with a sentence where weights are missing.
    """
    with single():
        return question(query.pixels)
