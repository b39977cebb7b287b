"""How well a catalogue finds its parts: pictures that it has never seen, against its vectors, to the last row."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tasks import score
from tasks.records import Record
from tasks.score import Change, Figures, Ranking, Share, Threshold

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from blocks.catalogue import Catalogue
    from tasks.embed import Embedder
    from tasks.likeness import Likeness
    from tasks.queries import Query

    Floats = NDArray[np.float32]

SHOWN: Final = 5  # parts that the report shows beside a query
WORST: Final = 60  # queries that are kept for the report
SOURCES: Final[dict[str, tuple[str, ...]]] = {
    "views": ("view",),
    "views+variants": ("view", "variant"),
    "all": ("view", "variant", "photo"),
}
PLAIN: Final = ("view", "photo")
_ORDER: Final = ("clean", "cluttered", "occluded", "studio", "photoreal", "photo")
_PICTURES: Final = 8  # pictures at once: no more are remembered as they were cut out


class Found(Record):
    """A part that a query found: how alike its most similar picture is, and which one that is."""

    part: str
    score: float
    image: str


class Outcome(Record):
    """A query and what came of it; `rank` is None, and so is `own`, when its part was not found at all."""

    query: str
    part: str
    difficulty: str
    renderer: str
    rank: int | None
    own: Found | None
    found: tuple[Found, ...]
    margin: float = Field(description="How far the right part is ahead of the best wrong one; below 0 it is behind.")


class Group(Record):
    """Parts that cannot be told apart; `confused` of the `queries` about them found another one of them first."""

    parts: tuple[str, ...]
    queries: int
    confused: int


class Evaluation(Record):
    """What a measurement gave; `worst` are the queries that went wrong most, the worst first."""

    table: str = Field(description="The vectors that were measured.")
    parts: int = Field(ge=0, description="How many parts could be found.")
    asked: int = Field(ge=0, description="About how many different parts was asked.")
    queries: int = Field(ge=0, description="How many queries were asked.")
    recall: dict[str, Share] = Field(description="Share of queries whose part is among the first 1, 5 and 10.")
    map: Share = Field(description="Mean average precision.")
    by_difficulty: dict[str, Figures] = Field(description="The figures of clean, cluttered and occluded queries.")
    by_renderer: dict[str, Figures] = Field(description="The figures by what made the queries.")
    by_source: dict[str, Figures] = Field(description="The figures when only some kinds of pictures are searched.")
    variants: Change = Field(description="By how much the variants raise recall@1.")
    searched: tuple[str, ...] = Field(SOURCES["all"], description="Kinds of pictures that the figures are about.")
    groups: tuple[Group, ...] = Field(description="Parts that cannot be told apart.")
    threshold: Threshold = Field(description='When to say "not in the catalogue".')
    scores: dict[str, tuple[float, ...]] = Field(description="Best scores with the part there, and with it left out.")
    worst: tuple[Outcome, ...] = Field(description="What went wrong most, for the report.")
    notes: tuple[str, ...] = Field((), description="What a reader of the figures should know.")

    @property
    def summary(self) -> dict[str, Any]:
        """The figures alone, rounded, as JSON has them."""
        plain: dict[str, Any] = _rounded(self.model_dump(mode="json", exclude={"worst", "scores", "notes"}))
        return plain


def measure(
    catalogue: Catalogue,
    embedder: Embedder,
    queries: Sequence[Query],
    table: str,
    *,
    among: Collection[str] | None = None,
    variants: Literal["auto", "always", "never"] = "always",
    done: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """What `queries` find among the vectors in `table` of the active parts of `catalogue`, compared with every row.

    `among` are the only parts that may be found; whether `variants` may find them is said, or decided by what they
    do to recall@1. `done` is told how many queries more have been embedded.
    Raises ValueError with a sentence when there is nothing to measure with.
    """
    from tasks.likeness import likeness
    from tasks.templates.likeness import Shapes, turned

    geometry = _geometries(catalogue, among)
    asked, vectors, beside, notes = embedded(embedder, queries, done, turned if Shapes.there(catalogue) else None)
    if not asked:
        raise ValueError(" ".join(["There is no picture to measure with.", *notes[:3]]))
    alike = likeness(catalogue, table, vectors, sorted(geometry))
    shapes = Shapes(catalogue, beside, [geometry[part] for part in alike.parts])
    relevant = [_identical(query.part, geometry) for query in asked]
    found: dict[str, tuple[Figures, list[float]]] = {}
    rankings: list[Ranking] = []
    for name, kinds in SOURCES.items():  # one after the other: in a large catalogue each of them is large
        rankings = _rankings(asked, relevant, alike.parts, shapes.fused(alike.of(kinds)))
        found[name] = (score.figures(rankings), [float(one.rank == 1) for one in rankings])
    owners = [query.part for query in asked]
    gain = score.change(found["views"][1], found["views+variants"][1], owners)
    searched = SOURCES["all"] if variants == "always" or (variants == "auto" and gain.value >= 0) else PLAIN
    scores = shapes.fused(alike.of(searched))
    if searched != SOURCES["all"]:
        rankings = _rankings(asked, relevant, alike.parts, scores)
    own, others = _best_scores(alike.parts, scores, relevant)
    first = [(one.part, one.part if one.rank == 1 else one.parts[0]) for one in rankings if one.parts]
    return Evaluation(
        table=table,
        parts=len(alike.parts),
        asked=len(set(owners)),
        **dict(score.figures(rankings)),
        by_difficulty=_figures_by([query.difficulty for query in asked], rankings),
        by_renderer=_figures_by([query.renderer for query in asked], rankings),
        by_source={name: figures for name, (figures, _) in found.items()},
        variants=gain,
        searched=searched,
        groups=_groups(catalogue, table, sorted(geometry), first),
        threshold=score.threshold(own, others, owners),
        scores={"own": tuple(own), "others": tuple(others)},
        worst=_worst(asked, rankings, alike),
        notes=tuple(notes),
    )


def policy(kinds: Collection[str] | None) -> Literal["always", "never"]:
    """Whether variants count where pictures of `kinds` are searched; None is all kinds."""
    return "never" if kinds is not None and "variant" not in kinds else "always"


def embedded(
    embedder: Embedder,
    queries: Sequence[Query],
    done: Callable[[int], None],
    beside: Callable[[Query], Floats] | None = None,
) -> tuple[list[Query], Floats, list[Floats], list[str]]:
    """The queries whose pictures can be opened, vectors (n, looks, d) of them, and a sentence for each other one.

    Before the sentences comes what `beside` gives of each that can be opened, nothing without it: it is asked while
    the cut-out of a picture is remembered.
    """
    asked: list[Query] = []
    found: list[Floats] = []
    notes: list[str] = []
    vectors = [embedder.looks([])]
    for start in range(0, len(queries), _PICTURES):
        pictures = []
        for query in queries[start : start + _PICTURES]:
            try:
                pictures.append(query.pixels)
                asked.append(query)
            except ValueError as error:
                notes.append(str(error))
        vectors.append(embedder.looks(pictures))
        if beside is not None:
            found += [beside(query) for query in asked[len(asked) - len(pictures) :]]
        done(min(_PICTURES, len(queries) - start))
    return asked, np.concatenate(vectors), found, notes


def _rankings(
    queries: Sequence[Query], relevant: Sequence[frozenset[str]], parts: Sequence[str], scores: Floats
) -> list[Ranking]:
    """The `parts` by their `scores` (queries, parts), best first; equal ones in the order of their numbers.

    Those of -inf have no picture that could be found.
    """
    names = np.array(parts, dtype=object)
    rankings = []
    for query, right, row in zip(queries, relevant, scores, strict=True):
        order = np.argsort(-row, kind="stable")[: np.count_nonzero(np.isfinite(row))]
        found, values = tuple(names[order].tolist()), tuple(_scores(row[order]))
        rankings.append(Ranking(part=query.part, relevant=right, parts=found, scores=values))
    return rankings


def _scores(cosines: Floats) -> list[float]:
    """What a search calls them: between 0 and 1."""
    scores: list[float] = np.clip(cosines, 0, 1).astype(np.float64).tolist()
    return scores


def _best_scores(
    parts: Sequence[str], scores: Floats, relevant: Sequence[frozenset[str]]
) -> tuple[list[float], list[float]]:
    """The best score of each query; and the best one were its part not in the catalogue."""
    place = {part: column for column, part in enumerate(parts)}
    without = scores.copy()
    for row, right in enumerate(relevant):
        without[row, [place[part] for part in right if part in place]] = -np.inf
    return _scores(scores.max(axis=1, initial=-np.inf)), _scores(without.max(axis=1, initial=-np.inf))


def _geometries(catalogue: Catalogue, among: Collection[str] | None) -> dict[str, str]:
    """The geometry of each active part; empty for one that is known from photographs alone."""
    from lancedb.expr import col, lit

    rows = catalogue.rows("parts", ("part", "geometry"), col("status") == lit("active"))
    return {row["part"]: row["geometry"] or "" for row in rows if among is None or row["part"] in among}


def _identical(part: str, geometry: Mapping[str, str]) -> frozenset[str]:
    """The part, and those of the same geometry: no picture can tell them apart."""
    own = geometry.get(part, "")
    return frozenset({part} | {other for other, shape in geometry.items() if own and shape == own})


def _figures_by(labels: Sequence[str], rankings: Sequence[Ranking]) -> dict[str, Figures]:
    """Figures of the rankings under each label."""
    return {
        name: score.figures([one for one, label in zip(rankings, labels, strict=True) if label == name])
        for name in sorted(set(labels), key=_ORDER.index)
    }


def _groups(
    catalogue: Catalogue, table: str, active: Sequence[str], first: Sequence[tuple[str, str]]
) -> tuple[Group, ...]:
    """Parts whose pictures in the index are as alike as those of one part, or that are taken for one another.

    `first` is (asked, found first) for every query.
    """
    from tasks.report import lookalikes

    links = list(score.confused(first))
    for group in lookalikes.groups(catalogue, table, active):
        links += [(group.parts[0], other) for other in group.parts[1:]]
    asked, confusions = Counter(part for part, _ in first), Counter(first)
    groups = [
        Group(
            parts=parts,
            queries=sum(asked[part] for part in parts),
            confused=sum(confusions[a, b] for a in parts for b in parts if a != b),
        )
        for parts in score.linked(links)
    ]
    return tuple(sorted(groups, key=lambda group: (-group.confused, group.parts)))


def _worst(queries: Sequence[Query], rankings: Sequence[Ranking], alike: Likeness) -> tuple[Outcome, ...]:
    """The queries whose part came last, then those that were nearly lost."""
    column = {part: place for place, part in enumerate(alike.parts)}
    order = sorted(range(len(queries)), key=lambda row: (-rankings[row].rank, _margin(rankings[row]), queries[row].id))
    return tuple(_outcome(queries[row], rankings[row], alike, row, column) for row in order[:WORST])


def _outcome(query: Query, ranking: Ranking, alike: Likeness, row: int, column: Mapping[str, int]) -> Outcome:
    def found(place: int) -> Found:
        part = ranking.parts[place]
        return Found(part=part, score=ranking.scores[place], image=alike.image(row, column[part]))

    right = ranking.places[0] if ranking.places else None
    return Outcome(
        query=query.id,
        part=query.part,
        difficulty=query.difficulty,
        renderer=query.renderer,
        rank=right,
        own=None if right is None else found(right - 1),
        found=tuple(found(place) for place in range(min(SHOWN, len(ranking.parts)))),
        margin=_margin(ranking),
    )


def _margin(ranking: Ranking) -> float:
    """The score of the right part less that of the best wrong one."""
    best = {True: 0.0, False: 0.0}
    for part, value in zip(reversed(ranking.parts), reversed(ranking.scores), strict=True):
        best[part in ranking.relevant] = value
    return best[True] - best[False]


def _rounded(value: Any) -> Any:
    """`value` with every number rounded to four places."""
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value
