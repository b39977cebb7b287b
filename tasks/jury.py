"""Judges the variants of a batch: by their pixels, among one another, and by what they would find; and when to stop."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks import gate
from tasks.augment import flatten
from tasks.gate.breaker import Breaker, Tally
from tasks.gate.duplicates import Duplicates, Marks
from tasks.gate.retrieval import Gallery, Retrieval
from tasks.plugins import ALL
from tasks.records import Record, View

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from blocks.catalogue import Catalogue
    from tasks.embed import Embedder
    from tasks.gate import Finding, Verdict


class Judged(Record):
    """A variant with the verdict on it, and its vector (d,) where it was looked at that far."""

    variant: View
    verdict: Any
    vector: Any = None

    def under(self, finding: Finding, check: str) -> Judged:
        """The same after one more check."""
        verdict: Verdict = self.verdict
        scores = verdict.scores | {name: round(float(score), 4) for name, score in finding.scores.items()}
        if finding.reason and verdict.accepted:
            return self.replace(verdict=gate.Verdict(accepted=False, reason=finding.reason, scores=scores, check=check))
        return self.replace(verdict=verdict.replace(scores=scores))


class Jury:
    """Judges variants against the views in `catalogue`; counts what it rejects, and says when that is too much."""

    def __init__(
        self,
        catalogue: Catalogue,
        embedder: Embedder,
        checks: Mapping[str, Mapping[str, Any]] | None = None,
        plugins: Sequence[str] = ALL,
    ) -> None:
        self._catalogue, self._embedder = catalogue, embedder
        self._checks = gate.checks(checks, plugins)
        self._breaker = Breaker()
        self._run = Tally()
        self._parts: dict[str, Tally] = defaultdict(Tally)
        self._kept: dict[str, list[Marks]] = defaultdict(list)  # of the pictures that passed, by part

    def judge(self, made: Sequence[Sequence[View]], views: Sequence[View]) -> list[list[Judged]]:
        """What came of each of `views`, judged: what a check rejects the next ones do not look at."""
        flat = [(variant, view) for some, view in zip(made, views, strict=True) for variant in some]
        judged = [Judged(variant=variant, verdict=gate.verdict(variant, view, self._checks)) for variant, view in flat]
        judged = self._told_apart(self._recognised(judged, [view for _, view in flat]))
        rest = iter(judged)
        return [[next(rest) for _ in some] for some in made]

    @contextmanager
    def provisionally(self) -> Iterator[None]:
        """What is judged inside counts only when all goes well: a batch whose commit failed is judged anew."""
        kept, parts, run = {part: len(marks) for part, marks in self._kept.items()}, dict(self._parts), self._run
        try:
            yield
        except BaseException:
            for part, marks in self._kept.items():
                del marks[kept.get(part, 0) :]
            self._parts, self._run = defaultdict(Tally, parts), run
            raise

    def given_up(self, part: str) -> bool:
        """Whether what was counted so far says that no more pictures of a part are made."""
        return bool(self.stopped or self._breaker.part(self._parts[part], part))

    @property
    def stopped(self) -> str:
        """Why no more variants are made in this run, as a sentence; empty while they are."""
        return self._breaker.run(self._run)

    @property
    def notes(self) -> tuple[str, ...]:
        """Why it stopped for some parts or for the run, in sentences."""
        parts = (self._breaker.part(tally, part) for part, tally in sorted(self._parts.items()))
        return tuple(filter(None, (self.stopped, *parts)))

    def count(self, judged: Iterable[Judged]) -> None:
        """Count how pictures were judged in the end, after all tries."""
        of_part = defaultdict(list)
        for one in judged:
            of_part[one.variant.part.number].append(one.verdict)
        for part, verdicts in of_part.items():
            self._parts[part] += Tally.of(verdicts)
            self._run += Tally.of(verdicts)

    def _recognised(self, judged: list[Judged], views: Sequence[View]) -> list[Judged]:
        """Those that passed so far, embedded, and rejected where they would find another part before their own."""
        passed = [place for place, one in enumerate(judged) if one.verdict.accepted]
        vectors = self._embedder.images([judged[place].variant.image for place in passed])
        sources = self._embedder.images([flatten(views[place]).image for place in passed])
        owners = [judged[place].variant.part.number for place in passed]
        findings = Retrieval()(vectors, sources, owners, self._gallery)
        found = list(judged)
        for place, vector, finding in zip(passed, vectors, findings, strict=True):
            found[place] = judged[place].under(finding, "retrieval").replace(vector=vector)
        return found

    def _told_apart(self, judged: Sequence[Judged]) -> list[Judged]:
        """Those that repeat another picture of their part, of this batch or of one before, rejected."""
        found = list(judged)
        for place, one in enumerate(judged):
            if one.verdict.accepted:
                (finding,) = Duplicates()([one.variant.image], self._kept[one.variant.part.number])
                found[place] = one.under(finding, "duplicates")
        return found

    @cached_property
    def _gallery(self) -> Gallery:
        """The vectors of all views and photographs of active parts: what shows them for certain."""
        from lancedb.expr import col, lit

        active = self._catalogue.rows("parts", ("part", "geometry"), col("status") == lit("active"))
        geometry = {row["part"]: row["geometry"] or "" for row in active}
        views = self._catalogue.read(self._embedder.table, ("part", "vector"), col("kind").isin(["view", "photo"]))
        owners = views["part"].to_pylist()
        there = [place for place, owner in enumerate(owners) if owner in geometry]
        matrix = views["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        vectors = matrix.reshape(-1, self._embedder.dimension).astype(np.float32)[there]
        kept = [owners[place] for place in there]
        return Gallery(vectors, kept, [geometry[owner] for owner in kept])
