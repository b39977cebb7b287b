"""The templates that a catalogue lacks: made of its shapes by worker processes, and committed some at a time.

What is left to do is an anti-join, so whoever is stopped goes on, and a shape that two parts have is made once.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from tasks.making import SMALLEST, chunks
from tasks.progress import Progress, Silent
from tasks.publish import MANY
from tasks.templates.plates import Blank, Cast, cast, edition, lost
from tasks.templates.shelf import TABLE
from tasks.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer
    from tasks.tally import Tally

BATCHES: Final = 12  # most batches of one run: with those of files and parts it stays under 200 task runs
COMMIT: Final = 64  # geometries in one commit
_log = logging.getLogger("partsight")


class Casting:
    """Makes the templates of a customer's newest parts with `workers` processes, which `close` ends."""

    def __init__(self, customer: Customer, catalogue: Catalogue, tally: Tally, workers: int) -> None:
        self.customer, self.catalogue, self.tally, self.workers = customer, catalogue, tally, workers
        self.progress: Progress = Silent()
        self.notes: list[str] = []
        self._workshop = Workshop(workers, cast, lost, seconds=customer.quotas.part_seconds)

    @property
    def views(self) -> int:
        """Templates of each part; 0 makes none."""
        return self.customer.recipe.templates

    def lacking(self) -> tuple[str, ...]:
        """Geometries of active parts that have no templates yet, or have other ones than are wanted."""
        there = {row["geometry"] for row in self._there() if self._right(row)}
        return tuple(sorted(set(self._parts(active=True)) - there)) if self.views else ()

    def surplus(self) -> tuple[str, ...]:
        """Geometries whose templates nobody wants: of no part, or of other ones than are wanted."""
        kept = set(self._parts(active=False))
        there = self._there()
        return tuple(sorted(row["geometry"] for row in there if row["geometry"] not in kept or not self._right(row)))

    def batches(self) -> list[Sequence[str]]:
        """The geometries that have no templates yet, in batches."""
        names = self.lacking()
        if names:
            self.progress.start("templates", len(names))
        return list(chunks(names, max(SMALLEST, -(-len(names) // BATCHES))))

    def make(self, batch: Sequence[str]) -> int:
        """Make and commit the templates of those of a batch that have none; returns of how many."""
        left = set(self.lacking())
        return sum(self._make(some) for some in chunks([name for name in batch if name in left], COMMIT))

    def _make(self, names: Sequence[str]) -> int:
        from lancedb.expr import col

        rows = self.catalogue.rows("shapes", ("geometry", "mesh"), col("geometry").isin(list(names)))
        made: list[Cast] = []
        for one in self._workshop.make([Blank(**row, views=self.views) for row in rows]):
            made.append(one)
            self.tally.spend({"templates": one.seconds}, self.workers)
            self.progress.advance("templates")
        self.catalogue.upsert(TABLE, [self._row(one) for one in made if one.final or not one.failure])
        failures = {one.geometry: one.failure for one in made if one.failure}
        self._note(failures)
        self.tally.add({"templates": len(made) - len(failures)})
        return len(made) - len(failures)

    def settle(self) -> None:
        """Drop what nobody wants, and bring the table in order."""
        from lancedb.expr import col

        self.progress.finish("templates")
        self.close()
        if TABLE not in self.catalogue.tables():
            return
        for some in chunks(self.surplus(), MANY):
            self.catalogue.delete(TABLE, col("geometry").isin(list(some)))
        self.catalogue.index(TABLE)
        self.catalogue.compact(TABLE, self.customer.retention.versions_days)

    def close(self, *, at_once: bool = False) -> None:
        """End the processes; they are started anew when there is more to make, unless they were ended `at_once`."""
        self._workshop.close(at_once=at_once)

    def _there(self) -> list[dict[str, Any]]:
        return self.catalogue.rows(TABLE, ("geometry", "version", "views"))

    def _right(self, row: dict[str, Any]) -> bool:
        return bool(row["version"] == edition() and row["views"] == self.views)

    def _parts(self, *, active: bool) -> dict[str, str]:
        """A part's number by its geometry: of the active ones, or of all."""
        from lancedb.expr import col, lit

        rows = self.catalogue.rows("parts", ("part", "geometry"), col("status") == lit("active") if active else None)
        return {row["geometry"]: row["part"] for row in rows if row["geometry"]}

    def _row(self, one: Cast) -> dict[str, Any]:
        """A row; that of a shape which cannot be seen has no plates, so that it is not tried each time."""
        row = {"geometry": one.geometry, "version": edition(), "views": self.views, "run": self.tally.run}
        return row | {"plates": one.plates, "stands": one.stands, "longest": one.longest}

    def _note(self, failures: dict[str, str]) -> None:
        if not failures:
            return
        number = self._parts(active=True)
        for geometry, reason in failures.items():
            self.notes.append(f"{number.get(geometry, geometry)} has no shape templates: {reason}")
            _log.info("%s", self.notes[-1])
