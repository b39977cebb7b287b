"""Which parts of a catalogue look so much alike that a picture may not tell them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from blocks.catalogue import Catalogue

MOST_PARTS: Final = 4000  # every part is compared with every other: 4000 take about a second
_NEIGHBOURS: Final = 4  # links to the nearest few only, so that groups do not chain together
_BATCH: Final = 8192


class Group(Record):
    """Parts that look alike; `likeness` is the mean cosine of those that are linked, -1 to 1."""

    parts: tuple[str, ...]
    likeness: float


def groups(catalogue: Catalogue, table: str, parts: Sequence[str]) -> tuple[Group, ...]:
    """Find groups among the first `MOST_PARTS` of `parts` by the vectors in `table`, the most alike first.

    Two parts are linked when their mean vectors are as near to one another as the two halves of a
    part's own pictures are (the mean of both parts' halves), and each is among the nearest of the other.
    """
    names = tuple(sorted(set(parts))[:MOST_PARTS])
    if len(names) < 2 or table not in catalogue.tables():
        return ()
    halves = _halves(catalogue, table, names)
    seen = np.flatnonzero(np.abs(halves[0]).sum(axis=1) + np.abs(halves[1]).sum(axis=1) > 0)
    if len(seen) < 2:
        return ()
    halves = halves[:, seen]
    likeness = _likeness(halves)
    linked = _linked(likeness, _consistency(halves))
    return _groups([names[index] for index in seen], linked, likeness)


def _halves(catalogue: Catalogue, table: str, names: Sequence[str]) -> NDArray[np.float64]:
    """Add up the even and the odd vectors of each part, (2, parts, dimension)."""
    place = {name: index for index, name in enumerate(names)}
    sums: NDArray[np.float64] | None = None
    rows = catalogue.table(table).search().select(["id", "part", "vector"]).to_batches(_BATCH)
    for batch in rows:
        vectors = batch.column("vector")
        flat = vectors.flatten().to_numpy(zero_copy_only=False).reshape(len(vectors), -1)
        if sums is None:
            sums = np.zeros((2, len(names), flat.shape[1]))
        known = [(row, place[part]) for row, part in enumerate(batch.column("part").to_pylist()) if part in place]
        if not known:
            continue
        mine, parts = np.array(known).T
        # which half a picture belongs to is a matter of its id, so that the order of rows does not count
        odd = np.array([int(name[-1], 36) & 1 for name in batch.column("id").take(mine).to_pylist()])
        np.add.at(sums, (odd, parts), flat[mine])
    return np.zeros((2, len(names), 1)) if sums is None else sums


def _likeness(halves: NDArray[np.float64]) -> NDArray[np.float32]:
    """Cosines between the mean vectors of all parts, (parts, parts); -1 on the diagonal."""
    means = _unit(halves.sum(axis=0)).astype(np.float32)
    cosines = means @ means.T
    np.fill_diagonal(cosines, -1)
    return np.asarray(cosines, dtype=np.float32)


def _consistency(halves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine between the two halves of each part, (parts,); the median where a part has one half only."""
    both = np.all(np.abs(halves).sum(axis=2) > 0, axis=0)
    even, odd = (_unit(half) for half in halves)
    own = (even * odd).sum(axis=1)
    return np.where(both, own, np.median(own[both]) if both.any() else 1.0)


def _linked(likeness: NDArray[np.float32], own: NDArray[np.float64]) -> NDArray[np.bool_]:
    kept = min(_NEIGHBOURS, len(likeness) - 1)
    least = np.partition(likeness, -kept, axis=1)[:, -kept, None]
    near = likeness >= least
    return np.asarray(near & near.T & (likeness >= (own[:, None] + own[None, :]) / 2))


def _groups(names: Sequence[str], linked: NDArray[np.bool_], likeness: NDArray[np.float32]) -> tuple[Group, ...]:
    first = np.arange(len(names))

    def root(index: int) -> int:
        while first[index] != index:
            first[index] = first[first[index]]
            index = int(first[index])
        return index

    pairs = [(int(a), int(b)) for a, b in np.argwhere(np.triu(linked))]
    for a, b in pairs:
        first[root(b)] = root(a)
    members: dict[int, list[str]] = {}
    for index in sorted({index for pair in pairs for index in pair}):
        members.setdefault(root(index), []).append(names[index])
    cosines: dict[int, list[float]] = {}
    for a, b in pairs:
        cosines.setdefault(root(a), []).append(float(likeness[a, b]))
    found = [Group(parts=tuple(parts), likeness=float(np.mean(cosines[top]))) for top, parts in members.items()]
    return tuple(sorted(found, key=lambda group: (-group.likeness, group.parts)))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float64)
