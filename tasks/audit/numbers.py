"""The numbers of vectors: as many as the model gives, none of them infinite, and together of unit length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from blocks.tables import VECTORS
from tasks.audit.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.audit.shelves import Shelves
    from tasks.embed import Embedder

UNIT: Final = 2e-2  # how far from 1 the length of a vector may be: a plug-in's half precision rounds by half of it
_ROWS: Final = 4096  # vectors in memory at once


def vectors(shelves: Shelves, live: str, embedder: Embedder | None) -> Iterator[Finding]:
    """Vectors that no comparison can use, in all tables of vectors; `live` is that of `embedder`."""
    for name in (name for name in shelves.names if name.startswith(VECTORS)):
        if any(one.table == name and not one.rows for one in shelves.lost):
            continue
        there = shelves.dimension(name)
        if name == live and embedder is not None and there != embedder.dimension:
            what = f"The vectors of {name} have {there} numbers; those of {embedder.name} have {embedder.dimension}"
            yield Finding(table=name, kind="vector", key="", what=what, remedy="refill")
            continue
        mended = name == live and embedder is not None
        for batch in shelves.batches(name, "id", "part", "vector", most=_ROWS):
            told = list(zip(*(batch[column].to_pylist() for column in ("id", "part", "_rowid")), strict=True))
            empty = batch["vector"].is_null().to_numpy(zero_copy_only=False)
            flat = batch["vector"].combine_chunks().fill_null([0.0] * there) if empty.any() else batch["vector"]
            numbers = np.array(flat.to_pylist(), dtype=np.float64).reshape(len(told), there)
            for place in np.flatnonzero(_wrong(numbers) | empty):
                key, part, row = told[place]
                what = f"A vector of {part} is not of unit length, or holds numbers that are none"
                remedy = {"remedy": "embed"} if mended else {"remedy": "remove", "rows": (row,)}
                yield Finding(table=name, kind="vector", key=key, what=what, **remedy)


def _wrong(numbers: np.ndarray) -> np.ndarray:
    """Which rows of (n, d) are not of unit length; NaN and infinity are not."""
    with np.errstate(all="ignore"):
        length = np.linalg.norm(numbers, axis=1)
        return np.asarray(~(np.abs(length - 1) <= UNIT))
