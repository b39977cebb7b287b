"""Which parts of a catalogue look so much alike that a picture may not tell them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from blocks.catalogue import Catalogue

MOST_PARTS: Final = 4000  # vectors of so many parts fit into 150 MB
_PICTURES: Final = 24  # of one part that are compared
_NEIGHBOURS: Final = 12  # parts that are compared picture by picture with one part
_KINDS: Final = ("view", "photo", "variant")  # what a part is compared by: the first of these that it has
_BATCH: Final = 8192
_SLACK: Final = 0.05  # of the distance from 1: two parts of one shape do not reach their own likeness exactly


class Group(Record):
    """Parts that look alike; `likeness` is the mean of those that are linked, a cosine."""

    parts: tuple[str, ...]
    likeness: float


class Link(NamedTuple):
    """Two parts, by place, that look alike; `excess` is how much more alike than a part is with itself."""

    excess: float
    likeness: float
    first: int
    second: int


def groups(catalogue: Catalogue, table: str, parts: Sequence[str]) -> tuple[Group, ...]:
    """Find groups among the first `MOST_PARTS` of `parts` by the vectors in `table`, the most alike first.

    The likeness of two parts is the mean, over the pictures of both, of the cosine with the other part's
    nearest picture. They are linked when it reaches what they have with themselves, that is, with the
    nearest other picture of the same part (no less than what is usual in this catalogue). A part joins
    a group when it is linked with at least half of it.
    """
    if table not in catalogue.tables():
        return ()
    vectors = _vectors(catalogue, table, tuple(sorted(set(parts))[:MOST_PARTS]))
    names = list(vectors)
    if len(names) < 2:
        return ()
    own = np.array([_own(some) for some in vectors.values()])
    usual = float(np.median(own[own > 0])) if (own > 0).any() else 1.0
    own = np.maximum(own, usual)
    return _groups(names, sorted(_links(list(vectors.values()), own), reverse=True))


def _vectors(catalogue: Catalogue, table: str, names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """Unit vectors of a bounded choice of each part's pictures, (n, dimension), by part."""
    wanted = set(names)
    chosen: dict[str, list[tuple[int, str]]] = {name: [] for name in names}
    for batch in catalogue.table(table).search().select(["id", "part", "kind"]).to_batches(_BATCH):
        for name, part, kind in zip(*(batch.column(one).to_pylist() for one in ("id", "part", "kind")), strict=True):
            if part in wanted:
                rank = _KINDS.index(kind) if kind in _KINDS else len(_KINDS)
                chosen[part].append((rank, name))
    place = {part: {name: None for rank, name in _best(some)} for part, some in chosen.items()}
    found: dict[str, list[tuple[str, NDArray[np.float32]]]] = {name: [] for name in names}
    for batch in catalogue.table(table).search().select(["id", "part", "vector"]).to_batches(_BATCH):
        column = batch.column("vector")
        flat = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)
        for row, (name, part) in enumerate(
            zip(batch.column("id").to_pylist(), batch.column("part").to_pylist(), strict=True)
        ):
            if name in place.get(part, ()):
                found[part].append((name, flat[row].copy()))
    return {
        part: _unit(np.stack([vector for _, vector in sorted(some, key=_id)])) for part, some in found.items() if some
    }


def _best(entries: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    # ids are hashes: the smallest are a fair choice, and the same one whatever the order of the rows
    first = min((rank for rank, _ in entries), default=0)
    return sorted(entry for entry in entries if entry[0] == first)[:_PICTURES]


def _id(entry: tuple[str, NDArray[np.float32]]) -> str:
    return entry[0]


def _own(vectors: NDArray[np.float32]) -> float:
    """How alike a part's pictures are: mean cosine with the nearest other one; 0 for a single picture."""
    if len(vectors) < 2:
        return 0.0
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -1)
    return float(cosines.max(axis=1).mean())


def _links(vectors: Sequence[NDArray[np.float32]], own: NDArray[np.float64]) -> Iterator[Link]:
    """Every pair that is alike, `first` < `second`."""
    for first, second in _candidates(vectors):
        cosines = vectors[first] @ vectors[second].T
        likeness = float(cosines.max(axis=1).mean() + cosines.max(axis=0).mean()) / 2
        usual = (own[first] + own[second]) / 2
        excess = likeness - usual + _SLACK * (1 - usual)
        if excess > 0 or likeness >= 1 - 1e-5:
            yield Link(float(excess), likeness, first, second)


def _candidates(vectors: Sequence[NDArray[np.float32]]) -> list[tuple[int, int]]:
    """Pairs worth a closer look: those whose mean vectors are among the nearest of one another."""
    means = _unit(np.stack([some.mean(axis=0) for some in vectors]))
    cosines = means @ means.T
    np.fill_diagonal(cosines, -1)
    kept = min(_NEIGHBOURS, len(vectors) - 1)
    least = np.partition(cosines, -kept, axis=1)[:, -kept, None]
    near = cosines >= least
    return [(int(a), int(b)) for a, b in np.argwhere(np.triu(near | near.T, 1))]


def _groups(names: Sequence[str], links: Sequence[Link]) -> tuple[Group, ...]:
    linked = {(link.first, link.second): link.likeness for link in links}
    members = {place: [place] for link in links for place in (link.first, link.second)}
    for link in links:
        mine, yours = members[link.first], members[link.second]
        if mine is yours:
            continue
        across = sum((min(a, b), max(a, b)) in linked for a in mine for b in yours)
        if 2 * across >= len(mine) * len(yours):
            joined = sorted(mine + yours)
            members.update(dict.fromkeys(joined, joined))
    found = []
    for places in {id(some): some for some in members.values() if len(some) > 1}.values():
        cosines = [linked[a, b] for a in places for b in places if (a, b) in linked]
        found.append(Group(parts=tuple(names[place] for place in places), likeness=float(np.mean(cosines))))
    return tuple(sorted(found, key=lambda group: (-group.likeness, group.parts)))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
