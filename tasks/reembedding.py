"""The pictures that are live with another model: vectors in a table aside, measured, then switched to.

Searches read the old table until the row of the run says otherwise. What a run that was stopped or refused left in the
tables is not touched and does not go live.
"""

from __future__ import annotations

import json
import os
import shlex
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from tasks.progress import Progress, Silent
from tasks.tally import Tally, named
from tasks.tuning.shelf import resolved
from tasks.vectors import Filling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from blocks.catalogue import Catalogue, Served
    from blocks.customer import Customer, Embed
    from tasks.release import Verdict

ASKED_BY: Final = ("studio",)  # as onboarding asks


class Reembedding:
    """A run for one customer. Each of its steps may be called again after a failure."""

    def __init__(
        self, customer: Customer, catalogue: Catalogue, embed: Embed, home: Path, workers: int, again: str = ""
    ) -> None:
        embed = resolved(embed, catalogue, customer.plugins)
        self.customer = customer.model_copy(update={"recipe": customer.recipe.model_copy(update={"embed": embed})})
        self.catalogue, self.embed, self.workers = catalogue, embed, workers
        self.progress: Progress = Silent()
        self.tally = Tally(customer.slug, named(datetime.now(UTC)))
        self._written = resolved(customer.recipe.embed, catalogue, customer.plugins)  # as the customer's file has it
        self._home, self._again = home, again
        self._started = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._served = catalogue.served()

    @cached_property
    def filling(self) -> Filling:
        """What makes the vectors."""
        work = Filling(self.customer, self.catalogue, live=True)
        work.progress = self.progress
        return work

    def check(self) -> None:
        """Raise ValueError with a sentence when nothing is live, or there is no such model."""
        if not self._served.vectors:
            raise ValueError(f"Nothing of '{self.customer.slug}' is live yet: onboard the customer first.")
        _ = self.filling.embedder

    def nothing_to_do(self) -> bool:
        """Whether searches read vectors of this model already."""
        return self._served.vectors == self._table

    def rest(self) -> dict[str, Any]:
        """The summary of a run that had nothing to do."""
        self.tally.decide(self.tally.outcome | {"released": True}, (f"{self._name} is live already.", *self._notes))
        return self._summary()

    def finish(self) -> dict[str, Any]:
        """Measure, write the report, switch, and write what is live to the customer's sinks; returns the summary.

        Raises RefusedError when less would be found: searches read on what they read before, and the vectors stay
        aside. Raises ValueError where pictures have none yet.
        """
        from tasks import publish, report
        from tasks.delivery import delivered
        from tasks.release import RefusedError, searched

        lacking = len(self.filling.lacking())
        if lacking:
            raise ValueError(f"{lacking} pictures have no vector of {self._name} yet: start the run again.")
        with self.tally.phase("publish"):
            self.filling.prune()  # of pictures that are not live: of a run that was refused, or rejected by hand since
            self.catalogue.index(self._table)
            self.catalogue.compact(self._table)
        verdict = self._judged()
        self.tally.decide(verdict.outcome, (*verdict.notes, *self._notes))
        path = self._home / "customers" / self.customer.slug / "reports" / f"{self.tally.run}.html"
        self.tally.report = str(path)
        with self.tally.phase("publish"):
            report.write(self._made, self.tally.summary(), path, vectors=self._table)
            if verdict.refusal:
                publish.refuse(self.catalogue, self.tally, started=self._started)
                raise RefusedError(verdict.refusal, self._summary())
            publish.go_live(
                self.catalogue,
                self.tally,
                started=self._started,
                table=self._table,
                embed=self.embed,
                kinds=searched(self.tally.outcome["searched"], self.customer.release),
                versions=self._renamed(),
            )
            self.tally.decide(self.tally.outcome, delivered(self.customer, self.catalogue, self._home))
        return self._summary()

    def _judged(self) -> Verdict:
        from tasks import queries
        from tasks.release import Verdict, judge

        if not self.customer.release.queries:
            return Verdict()
        with self.tally.phase("evaluate"):
            asked, failures = queries.ready(
                self.catalogue,
                self._served,
                self.customer,
                workers=self.workers,
                run=self.tally.run,
                progress=self.progress,
                renderers=ASKED_BY,
            )
            self.progress.start("evaluate", len(asked))
            embedder, again = self.filling.embedder, self._again or f"reembed {{slug}} {self._asked} --even-if-worse"
            verdict = judge(self.catalogue, self.customer, embedder, asked, self.progress, self._made, again)
        self.progress.finish("evaluate")
        return verdict.replace(notes=(*verdict.notes, *failures))

    @property
    def _made(self) -> Served:
        """What would be live: all that is live now, with the vectors of this model."""
        update = {"vectors": self._table, "embed": self.embed, "versions": self._versions}
        return self._served.model_copy(update=update)

    @property
    def _versions(self) -> dict[str, int]:
        there = self.catalogue.newest(self._table)
        if self._served.versions is None:
            return there
        kept = {name: version for name, version in self._served.versions.items() if name != self._served.vectors}
        return kept | {self._table: there[self._table]}

    def _renamed(self) -> dict[str, int]:
        """The versions that go live; where the newest rows of the parts are live, they now say that model.

        So an onboarding with this model in the customer's file finds every part as it should be.
        """
        from blocks.tables import schema
        from tasks.plan import part_recipes
        from tasks.records import Part

        if self._served.versions != self.catalogue.newest(self._served.vectors):
            return self._versions
        before = self.customer.recipe.model_copy(update={"embed": self._served.embed or self._written})
        rows = self.catalogue.rows("parts", schema("parts").names)
        columns = ("name", "description", "material", "colour", "geometry", "size_mm")
        parts = [
            Part(
                number=row["part"],
                photos=json.loads(row["photos"] or "[]"),
                **{name: row[name] for name in columns if row[name] is not None},
            )
            for row in rows
        ]
        old = part_recipes(parts, self.customer.model_copy(update={"recipe": before}))
        new = part_recipes(parts, self.customer)
        sound = [row | {"recipe": new[row["part"]]} for row in rows if row["recipe"] == old[row["part"]]]
        self.catalogue.upsert("parts", sound)
        return self.catalogue.newest(self._table)

    def _summary(self) -> dict[str, Any]:
        told = self.tally.summary()
        seconds = {phase: told["seconds"][phase] for phase in ("embed", "publish", "evaluate", "total")}
        return {
            "customer": told["customer"],
            "run": told["run"],
            "model": self._name,
            "vectors": self.filling.summary()["vectors"] or told["vectors"],
            **self.tally.outcome,
            "seconds": seconds,
            "report": told["report"],
            "notes": told["notes"],
        }

    @property
    def _notes(self) -> tuple[str, ...]:
        """What to change in the customer's file, so that the next onboarding does not go back."""
        if self._written.base == self.embed.base:  # what is tuned, the platform sees to
            return ()
        wanted = f"model: {self.embed.model}" + (f" and weights: {self.embed.weights}" if self.embed.weights else "")
        if self.embed.settings or self._written.settings:
            wanted += f" and settings: {json.dumps(self.embed.settings)}"  # which is YAML too
        back = "or the next onboarding goes back to the old model."
        return (f"The customer's file names {self._written.model}: write {wanted} below recipe.embed, {back}",)

    @property
    def _asked(self) -> str:
        """The words of the command for this model, to be formatted."""
        weights = f" --weights {self.embed.weights}" if self.embed.weights else ""
        given = (f"{name}={json.dumps(value)}" for name, value in self.embed.settings.items())
        settings = "".join(f" --set {shlex.quote(one)}" for one in given).replace("{", "{{").replace("}", "}}")
        return f"--model {self.embed.model}{weights}{settings}"

    @property
    def _table(self) -> str:
        return self.filling.embedder.table

    @property
    def _name(self) -> str:
        return self.filling.embedder.name


@contextmanager
def opened(
    customer: Customer, catalogue: Catalogue, embed: Embed, home: Path, workers: int, progress: Progress | None = None
) -> Iterator[Reembedding]:
    """A run that can be begun. Raises ValueError with a sentence when there is nothing to embed, or no such model."""
    work = Reembedding(customer, catalogue, embed, home, workers or os.cpu_count() or 1)
    work.progress = progress or Silent()
    work.check()
    yield work
