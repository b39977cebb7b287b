"""One evaluation, step by step: what the tasks of the flow share, and nothing that must outlive it."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks import queries
from tasks.progress import Progress, Silent
from tasks.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer
    from tasks.embed import Embedder
    from tasks.evaluate import Evaluation
    from tasks.queries import Plan, Query, Wanted


class Inquiry:
    """The measurement of what a customer's searches read; each step may be called again after a failure.

    `photos` is a folder or a CSV of photographs whose part is known; with it, nothing is rendered.
    """

    def __init__(self, customer: Customer, catalogue: Catalogue, photos: str, home: Path, workers: int) -> None:
        self.customer, self.catalogue, self.photos = customer, catalogue, photos
        self.shown = catalogue.served()
        self.progress: Progress = Silent()
        self.run = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
        self._home = home
        self._workshop = Workshop(workers, queries.pictured, queries.lost)
        self._failures: set[str] = set()
        self._begun = time.perf_counter()

    def check(self) -> None:
        """Raise ValueError with a sentence when there is nothing that could be measured, or asked."""
        if not self.shown.vectors:
            raise ValueError("This catalogue has no pictures to compare with yet: onboard the customer first.")
        if self.shown.vectors != self.embedder.table:
            raise ValueError(f"This catalogue was not embedded with {self.embedder.name}: onboard the customer again.")
        if not self.photos and not self.plan.wanted:
            raise ValueError(
                "There is nothing to ask: no part of this catalogue has CAD, or the customer's file asks no queries. "
                "Measure with photographs: --photos FOLDER."
            )
        if self.photos:
            _ = self._labelled

    @property
    def lacking(self) -> int:
        """How many pictures have to be made first."""
        return 0 if self.photos else self.plan.lacking

    def batches(self) -> Sequence[Sequence[Wanted]]:
        """The pictures that are missing, in batches of seconds to a minute."""
        if not self.lacking:
            return ()
        self.progress.start("queries", self.lacking)
        return self.plan.missing

    def make(self, batch: Sequence[Wanted]) -> int:
        """Take the pictures of a batch and commit them; returns how many there are now."""
        prints = queries.make(self.catalogue, self.shown, batch, self.customer, self._workshop, self.run)
        self._failures |= {one.failure for one in prints if one.failure}
        self.progress.advance("queries", len(batch))
        return sum(len(one.rows) for one in prints)

    def finish(self) -> dict[str, Any]:
        """Measure, write the report, and return the summary."""
        from tasks.report.queries import write

        self.progress.finish("queries")
        asked, notes = self._asked()
        evaluation = self._measured(asked)
        path = self._home / "customers" / self.customer.slug / "reports" / f"evaluation-{self.run}.html"
        summary = {
            "customer": self.customer.slug,
            "run": self.run,
            "model": self.embedder.name,
            **evaluation.summary,
            "notes": [*notes, *evaluation.notes],
            "seconds": round(time.perf_counter() - self._begun, 3),
            "report": str(path),
        }
        write(self.shown, evaluation, asked, summary, path)
        return summary

    def close(self, *, at_once: bool = False) -> None:
        """End the processes that this evaluation started, when they are done with what they are at, or `at_once`."""
        self._workshop.close(at_once=at_once)

    def warm_up(self) -> None:
        """Load the model while pictures are taken; what is wrong with it, the measurement will say."""
        with suppress(ValueError, OSError, RuntimeError):
            self.embedder.images([])

    def _asked(self) -> tuple[Sequence[Query], list[str]]:
        if self.photos:
            return self._labelled[0], list(self._labelled[1])
        found = queries.stored(self.catalogue, self.plan.wanted)
        notes = sorted(self._failures)
        if not found and notes:
            raise ValueError(f"None of the pictures to ask with could be made. {notes[0]}")
        if not any(query.renderer == "photoreal" for query in found):
            notes.append(
                "All questions come from the renderer that made the index, which flatters the figures: "
                "another one is installed with pip install -e '.[photoreal]'."
            )
        return found, notes

    def _measured(self, asked: Sequence[Query]) -> Evaluation:
        from tasks.evaluate import measure, policy

        self.progress.start("measure", len(asked))
        found = measure(
            self.shown,
            self.embedder,
            asked,
            self.shown.vectors,
            variants=policy(self.shown.kinds),
            done=lambda count: self.progress.advance("measure", count),
        )
        self.progress.finish("measure")
        return found

    @cached_property
    def plan(self) -> Plan:
        """What is asked of the catalogue where there are no photographs."""
        return queries.plan(self.catalogue, self.shown, self.customer)

    @cached_property
    def embedder(self) -> Embedder:
        """The model of what is live; after a run with another one was refused it is not that of the customer's file."""
        from tasks.embed import embedder

        return embedder(self.shown.embed or self.customer.recipe.embed, self.customer.plugins, self.shown)

    @cached_property
    def _labelled(self) -> tuple[tuple[Query, ...], tuple[str, ...]]:
        from lancedb.expr import col, lit

        from tasks.labelled import photographs

        rows = self.shown.rows("parts", ("part",), col("status") == lit("active"))
        return photographs(Path(self.photos), {row["part"] for row in rows}, self.customer.slug)


@contextmanager
def opened(
    customer: Customer, catalogue: Catalogue, photos: str, home: Path, workers: int, progress: Progress | None = None
) -> Iterator[Inquiry]:
    """An evaluation that can be begun.

    Raises ValueError with a sentence when there is nothing to measure.
    """
    inquiry = Inquiry(customer, catalogue, photos, home, workers or os.cpu_count() or 1)
    inquiry.progress = progress or Silent()
    try:
        inquiry.check()
        yield inquiry
    except BaseException:
        inquiry.close(at_once=True)  # or whoever cancels it waits for its batches
        raise
    finally:
        inquiry.close()
