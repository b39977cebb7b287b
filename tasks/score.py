"""How well parts are found: recall, mean average precision, intervals, and when to say "not in the catalogue".

Pure arithmetic on rankings; nothing here knows where they come from.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tasks.records import Record, generator

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    Floats = NDArray[np.float64]
    Indices = NDArray[np.int64]

DEPTHS: Final = (1, 5, 10)
SURE: Final = 1.959964  # standard deviations of a 95 % interval
RESAMPLES: Final = 1000
ACCIDENT: Final = 1 / 3  # of the queries about a part: what happens less often need not happen again
BLIND: Final = 0.9  # of both rates together, of which guessing gives 1: such scores do not tell who is absent


class Share(Record):
    """A figure between 0 and 1 with its 95 % interval."""

    value: float = Field(ge=0, le=1, description="The figure itself.")
    low: float = Field(ge=0, le=1, description="Lower end of its 95 % interval.")
    high: float = Field(ge=0, le=1, description="Upper end of its 95 % interval.")


class Change(Record):
    """A difference of two figures of the same queries, with its 95 % interval."""

    value: float = Field(ge=-1, le=1, description="By how much the second figure is higher.")
    low: float = Field(ge=-1, le=1, description="Lower end of its 95 % interval.")
    high: float = Field(ge=-1, le=1, description="Upper end of its 95 % interval.")


class Figures(Record):
    """What a set of queries gave."""

    queries: int = Field(ge=0, description="How many queries they come from.")
    recall: dict[str, Share] = Field(description="Share of queries whose part is among the first 1, 5 and 10.")
    map: Share = Field(description="Mean average precision.")


class Threshold(Record):
    """The score below which a picture is said to show no part of the catalogue.

    The rates are measured on queries that had no say in the value.
    """

    value: float = Field(ge=0, le=1, description="Lowest score of a part that is there.")
    false_accept: float = Field(ge=0, le=1, description="Share of absent parts for which another one is shown.")
    false_reject: float = Field(ge=0, le=1, description="Share of present parts that are said to be absent.")


class Ranking(Record):
    """What one query found: `parts` best first with their `scores`, and which of them would be right.

    `relevant` are the part that was asked for and those of the same geometry.
    """

    part: str
    relevant: frozenset[str]
    parts: tuple[str, ...]
    scores: tuple[float, ...]

    @cached_property
    def places(self) -> tuple[int, ...]:
        """Ranks of the relevant parts, from 1, best first."""
        return tuple(rank for rank, part in enumerate(self.parts, start=1) if part in self.relevant)

    @property
    def rank(self) -> float:
        """Rank of the first relevant part, infinite when none was found."""
        return min(self.places, default=float("inf"))

    @property
    def precision(self) -> float:
        """Average precision, 0 when nothing relevant was found."""
        return average_precision(self.places, len(self.relevant))


def average_precision(places: Sequence[int], relevant: int) -> float:
    """Mean, over the `relevant` parts, of the precision at each one's rank; `places` are the ranks of those found."""
    return float(sum(found / rank for found, rank in enumerate(sorted(places), start=1)) / max(relevant, 1))


def recall(ranks: Sequence[float], depth: int, owners: Sequence[Hashable] = ()) -> Share:
    """Share of `ranks` (from 1; infinite where not found) up to `depth`, with Wilson's interval (1927).

    Pictures of one part are no independent witnesses: with `owners`, those that go together count for fewer.
    """
    hits = np.array([rank <= depth for rank in ranks], dtype=np.float64)
    return wilson(float(hits.mean()), len(hits) / _crowding(hits, owners)) if len(hits) else wilson(0, 0)


def _crowding(values: Floats, owners: Sequence[Hashable]) -> float:
    """How much wider the spread of the mean is than that of as many independent values: at least 1.

    The design effect (Kish, 1965): the variance between the sums of owners, by that of single values.
    """
    group = _numbered(owners)
    single = float(values.var()) * len(values)
    if not len(group) or group.max() == 0 or single == 0:
        return 1.0
    sums = np.bincount(group, weights=values - values.mean())
    return max(float((sums**2).sum()) * len(sums) / (len(sums) - 1) / single, 1.0)


def _numbered(owners: Sequence[Hashable]) -> Indices:
    """The owners as numbers from 0, in the order in which they come."""
    names = {owner: place for place, owner in enumerate(dict.fromkeys(owners))}
    return np.array([names[owner] for owner in owners], dtype=np.int64)


def wilson(share: float, count: float) -> Share:
    """A `share` of `count` with its interval; of nothing at all anything may be true: 0, between 0 and 1."""
    if not count:
        return Share(value=0, low=0, high=1)
    square = SURE**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    spread = SURE / (1 + square / count) * float(np.sqrt(share * (1 - share) / count + square / (4 * count**2)))
    return Share(value=share, low=min(max(middle - spread, 0.0), share), high=max(min(middle + spread, 1.0), share))


def mean(values: Sequence[float], owners: Sequence[Hashable]) -> Share:
    """Mean of `values` (n,) between 0 and 1, with a bootstrap interval; those of one owner are drawn together."""
    if not len(values):
        return Share(value=0, low=0, high=1)
    low, high = _bootstrap(np.asarray(values, dtype=np.float64), owners)
    value = float(np.mean(values))
    return Share(value=value, low=min(low, value), high=max(high, value))


def change(before: Sequence[float], after: Sequence[float], owners: Sequence[Hashable]) -> Change:
    """How much higher `after` is than `before`, query by query, with a bootstrap interval over the owners."""
    if not len(before):
        return Change(value=0, low=-1, high=1)
    gains = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    low, high = _bootstrap(gains, owners)
    value = float(gains.mean())
    return Change(value=value, low=min(low, value), high=max(high, value))


def _bootstrap(values: Floats, owners: Sequence[Hashable]) -> tuple[float, float]:
    """Ends of the 95 % interval of the mean of `values`: pictures of one part are no independent witnesses."""
    group = _numbered(owners)
    sums, counts = np.bincount(group, weights=values), np.bincount(group)
    drawn = generator("bootstrap", len(values), len(sums)).integers(0, len(sums), (RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def figures(rankings: Sequence[Ranking]) -> Figures:
    """Recall and mean average precision of `rankings`."""
    ranks, owners = [one.rank for one in rankings], [one.part for one in rankings]
    return Figures(
        queries=len(rankings),
        recall={str(depth): recall(ranks, depth, owners) for depth in DEPTHS},
        map=mean([one.precision for one in rankings], owners),
    )


def threshold(own: Sequence[float], others: Sequence[float], owners: Sequence[Hashable] = ()) -> Threshold:
    """The score that best tells queries whose part is there (`own`) from those whose part is not (`others`).

    Both are the scores of the best part that was found; it is wrong least often when half of the queries show
    parts that are absent. The rates are cross-validated: chosen on one half of the queries and measured on the
    other, both ways. Queries of one of the `owners` stay in one half; own[i] and others[i] are one query. Where
    the scores tell nothing the value is 0: nobody is called absent.
    """
    present, absent = (np.clip(np.asarray(scores, dtype=np.float64), 0, 1) for scores in (own, others))
    halves = _halves(len(present), owners)
    wrong = np.zeros(2)
    for half in (0, 1):
        chosen = _best_cut(present[halves != half], absent[halves != half])
        wrong += [(absent[halves == half] >= chosen).sum(), (present[halves == half] < chosen).sum()]
    accepted, rejected = wrong / max(len(present), 1)
    if accepted + rejected > BLIND:
        return Threshold(value=0, false_accept=1, false_reject=0)
    return Threshold(value=_best_cut(present, absent), false_accept=float(accepted), false_reject=float(rejected))


def _halves(count: int, owners: Sequence[Hashable]) -> Indices:
    """Which half, 0 or 1, each of `count` queries belongs to: owners by turns, in a random order."""
    names = list(dict.fromkeys(owners or range(count)))
    order = generator("halves", len(names)).permutation(len(names))
    half = {name: int(order[place]) % 2 for place, name in enumerate(names)}
    return np.array([half[owner] for owner in (owners or range(count))], dtype=np.int64)


def _best_cut(present: Floats, absent: Floats) -> float:
    """The cut with the least share of absent ones at or above it plus of present ones below it; 0 without any."""
    if not len(present) or not len(absent):
        return 0.0
    scores = np.unique(np.concatenate([present, absent]))
    cuts = np.concatenate([scores[:1], (scores[1:] + scores[:-1]) / 2, [min(1.0, scores[-1] + 1e-3)]])
    above = 1 - np.searchsorted(np.sort(absent), cuts) / len(absent)
    below = np.searchsorted(np.sort(present), cuts) / len(present)
    cost = above + below
    best = np.flatnonzero(cost <= cost.min() + 1e-12)
    return float(cuts[best[len(best) // 2]])


def confused(found: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Pairs of parts each of which is found first for an `ACCIDENT` or more of the queries about the other one.

    `found` is (asked, first) for every query, also where these are the same.
    """
    asked, pairs = Counter(part for part, _ in found), Counter(found)
    often = {pair for pair, count in pairs.items() if count >= ACCIDENT * asked[pair[0]]}
    return tuple(sorted((a, b) for a, b in often if a < b and (b, a) in often))


def linked(links: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """Groups of parts that are joined by `links`, directly or through others; the largest first."""
    group: dict[str, set[str]] = {}
    for a, b in links:
        joined = group.get(a, {a}) | group.get(b, {b})
        group.update(dict.fromkeys(joined, joined))
    distinct = {tuple(sorted(some)) for some in group.values()}
    return tuple(sorted(distinct, key=lambda some: (-len(some), some)))
