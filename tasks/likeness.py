"""How alike queries and parts are: every query with every row of a table of vectors, the best of each part kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from blocks.catalogue import Catalogue

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

_ROWS: Final = 8192  # vectors in memory at once


class Likeness(NamedTuple):
    """Cosines of each query with the most similar picture of each kind: (queries, parts), -inf where there is none.

    `nearest` (queries, parts) are the places in `images` of the most similar pictures of any kind.
    """

    parts: tuple[str, ...]
    cosines: dict[str, Floats]
    nearest: Integers
    images: tuple[str, ...]

    def of(self, kinds: Iterable[str]) -> Floats:
        """Cosines with the most similar picture of these kinds, (queries, parts)."""
        there = [self.cosines[kind] for kind in kinds if kind in self.cosines]
        blank = np.full(self.nearest.shape, -np.inf, dtype=np.float32)
        return np.asarray(np.maximum.reduce([blank, *there]), dtype=np.float32)

    def image(self, query: int, part: int) -> str:
        """Id of the picture of `part` that is most like `query`, both by their places."""
        return self.images[int(self.nearest[query, part])]


def likeness(catalogue: Catalogue, table: str, vectors: Floats, wanted: Sequence[str]) -> Likeness:
    """Compare `vectors` (n, looks, d) of unit length with every row in `table` of the parts `wanted` (distinct).

    Of the looks at a query the one that is most alike counts, for each row anew.
    The memory is that of a batch of rows and of n times the parts, however large the table is.
    """
    number = {part: place for place, part in enumerate(wanted)}
    shape = (len(vectors), len(wanted))
    cosines: dict[str, Floats] = {}
    best, nearest = np.full(shape, -np.inf, dtype=np.float32), np.full(shape, -1, dtype=np.int64)
    images: list[str] = []
    for batch in catalogue.table(table).search().select(["id", "part", "kind", "vector"]).to_batches(_ROWS):
        column = batch.column("vector")
        rows = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)
        owner = np.array([number.get(part, -1) for part in batch.column("part").to_pylist()])
        kinds = np.array(batch.column("kind").to_pylist())
        alike = np.max(vectors @ rows.T, axis=1)
        for kind in np.unique(kinds[owner >= 0]):
            part, value, row = _most_alike(alike, np.flatnonzero((owner >= 0) & (kinds == kind)), owner)
            known = cosines.setdefault(str(kind), np.full(shape, -np.inf, dtype=np.float32))
            known[:, part] = np.maximum(known[:, part], value)
            better = value > best[:, part]
            best[:, part] = np.where(better, value, best[:, part])
            nearest[:, part] = np.where(better, row + len(images), nearest[:, part])
        images += batch.column("id").to_pylist()
    there = np.flatnonzero(np.isfinite(best).any(axis=0))
    return Likeness(
        parts=tuple(wanted[int(place)] for place in there),
        cosines={kind: known[:, there] for kind, known in cosines.items()},
        nearest=nearest[:, there],
        images=tuple(images),
    )


def _most_alike(alike: Floats, some: Integers, owner: Integers) -> tuple[Integers, Floats, Integers]:
    """Of the rows `some`: whose they are (k,), the highest cosine with each query (n, k) and its row (n, k)."""
    order = some[np.argsort(owner[some], kind="stable")]
    parts, starts = np.unique(owner[order], return_index=True)
    groups = np.split(order, starts[1:])
    row = np.stack([group[alike[:, group].argmax(axis=1)] for group in groups], axis=1)
    return parts, np.take_along_axis(alike, row, axis=1), row
