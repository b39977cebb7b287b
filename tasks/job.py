"""One onboarding, step by step: what the tasks of the flow share, and nothing that must outlive it."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from lancedb.expr import col, lit

from tasks.budget import spent
from tasks.intake import Intake
from tasks.making import Making, batches
from tasks.plan import PartPlan, beyond, named_after
from tasks.progress import Progress, Silent
from tasks.shares import hand_out, number, take_back
from tasks.survey import Survey, outlook, parts_now, remarks, survey
from tasks.tally import Tally, named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer
    from blocks.source import Source
    from tasks.augmentation import Augmentation
    from tasks.ingest import Found
    from tasks.records import Part
    from tasks.release import Verdict
    from tasks.templates.work import Casting
    from tasks.vectors import Filling

ASKED_BY: Final = ("studio",)  # a path tracer takes a second for a picture: `partsight evaluate` asks with it too

_prepared: ContextVar[Job | None] = ContextVar("prepared", default=None)


class Job:
    """A run for one customer. Its methods are the flow's steps; each may be called again after a failure."""

    def __init__(
        self, customer: Customer, catalogue: Catalogue, seen: Survey, tally: Tally, home: Path, workers: int
    ) -> None:
        self.customer, self.catalogue, self.seen, self.tally = customer, catalogue, seen, tally
        self.workers = workers
        self.left_out: tuple[str, ...] = ()
        self._home = home
        self._started = _now()
        self._parts: PartPlan | None = None
        self._intake = Intake(customer, catalogue, seen.plan.read, tally, workers)
        self._making = Making(customer, catalogue, tally, workers)
        self.progress = Silent()

    @property
    def progress(self) -> Progress:
        """Who is told how far it has come."""
        return self._making.progress

    @progress.setter
    def progress(self, shown: Progress) -> None:
        self._making.progress = shown

    # files

    def file_batches(self) -> Iterator[Sequence[Found]]:
        """The files to read, in batches."""
        self.progress.start("read", len(self.seen.plan.read))
        yield from self._intake.batches()
        self._intake.close()
        self.progress.finish("read")

    def read(self, files: Sequence[Found]) -> int:
        """Read the next `files`, commit their shapes and rows, and return how many can be used."""
        return self._intake.read(files, self.progress)

    # parts

    def find_parts(self) -> int:
        """Find out which parts there are and what each of them lacks; returns how many need work."""
        from tasks.publish import drop_files
        from tasks.twins import settle

        with self.tally.phase("publish"):
            drop_files(self.catalogue, self.seen.plan.gone)
        with self.tally.phase("ingest"):
            settle(self.catalogue)
        with self.tally.phase("scan"):
            self._parts = parts_now(self.catalogue, self.customer, self.seen)
        self._making.recipes = self._parts.recipes
        total = len(self._parts.work) * self.customer.recipe.render.views
        self.progress.start("pictures", total)
        self.progress.start("publish", len(self._parts.work))
        return len(self._parts.work)

    def part_batches(self) -> list[Sequence[Part]]:
        """The parts that need work, in batches of seconds to a minute."""
        return batches(self._planned.work)

    def make(self, parts: Sequence[Part]) -> int:
        """Make what a batch of parts lacks and commit it; returns how many vectors that gave."""
        return self._making.make(parts)

    @property
    def _planned(self) -> PartPlan:
        if self._parts is None:
            raise RuntimeError("find_parts comes first")
        return self._parts

    # parts that other workers make

    def shares(self) -> int:
        """Into how many shares the parts that need work are divided."""
        return number(len(self._planned.work), self.customer.pools.workers)

    def hand_out(self) -> None:
        """Write the parts that need work into the customer's tables, for other workers to make."""
        planned, run = self._planned, self.tally.run
        hand_out(self.catalogue, planned.work, planned.recipes, run, self._making.embedder)

    def take_back(self, told: Sequence[Mapping[str, Any]]) -> None:
        """Count what the workers made, by what each of them says of its share, and what they could not make."""
        planned = self._planned
        take_back(self.catalogue, self.tally, told, planned.work, planned.recipes)
        self.progress.advance("publish", sum(one.get("parts", 0) for one in told))

    # vectors that were left to a GPU, and variants that want one

    @cached_property
    def filling(self) -> Filling:
        """What makes the vectors that the pictures lack, once all parts are made."""
        from tasks.vectors import Filling

        work = Filling(self.customer, self.catalogue)
        work.progress = self.progress
        return work

    @cached_property
    def augmentation(self) -> Augmentation:
        """What makes the variants that the render workers leave to a GPU."""
        from tasks.augmentation import Augmentation

        work = Augmentation(self.customer, self.catalogue, self.tally.run)
        work.progress = self.progress
        return work

    @cached_property
    def casting(self) -> Casting:
        """What makes the shape templates of the parts, once all of them are made."""
        from tasks.templates.work import Casting

        work = Casting(self.customer, self.catalogue, self.tally, self.workers)
        work.progress = self.progress
        return work

    def shape_batches(self) -> list[Sequence[str]]:
        """The shapes of parts that have no templates, in batches of a minute and more."""
        found = self.casting.batches()
        if found:
            self._making.close()  # its processes have done their work, and those that make the templates want room
        return found

    # the end

    def nothing_to_do(self) -> bool:
        """Whether the last run went live and neither files, parts nor settings have changed since."""
        from tasks.release import suits

        served = self.catalogue.served()
        if self.seen.plan.read or self.seen.plan.gone or served.vectors != self._vectors:
            return False
        if served.versions != self.catalogue.newest(self._vectors):  # a run was stopped since, or refused
            return False
        if not suits(served.kinds, self.customer.release):
            return False
        with self.tally.phase("scan"):
            self._parts = parts_now(self.catalogue, self.customer, self.seen)
        if self._parts.work or self._parts.retired or self.casting.lacking() or self.casting.surplus():
            return False
        return not (self.filling.lacking() or self.augmentation.lacking())

    def rest(self) -> dict[str, Any]:
        """The summary of a run that had nothing to do; the report is the last one that was written."""
        served = col("run") == lit(self.catalogue.served().run)
        last = json.loads(self.catalogue.rows("runs", ("summary",), served)[0]["summary"])
        self.tally.report = last["report"]
        self.progress.note("Nothing to do: every file and every part is as it was.")
        self._count()
        self.tally.decide({name: last.get(name) for name in self.tally.outcome}, ())
        self._deliver()  # what a sink that failed, or that is new, lacks
        return self.tally.summary()

    def warm_up(self) -> None:
        """Load the model, so that the first batch finds it ready; what is wrong with it, that batch will say."""
        self._making.warm_up()

    def outlook(self) -> dict[str, Any]:
        """What this run would do."""
        return outlook(self.catalogue, self.customer, self.seen)

    def check(self) -> None:
        """Raise ValueError with a sentence when the customer's model, stages, checks or sinks cannot be used."""
        from tasks import delivery, gate
        from tasks.augment import chain
        from tasks.templates.projection import projection

        recipe, plugins = self.customer.recipe, self.customer.plugins
        _ = self._making.embedder
        if recipe.templates:
            projection()
        chain(recipe.stages, recipe.settings, plugins)
        gate.checks(recipe.checks, plugins)
        delivery.check(self.customer)

    def finish(self) -> dict[str, Any]:
        """Retire what left, tidy the tables, measure, write the report, go live; returns the summary.

        Raises RefusedError when it must not go live: searches read on what they read before.
        """
        from tasks import publish, report
        from tasks.release import RefusedError, searched

        with self.tally.phase("publish"):
            publish.retire(self.catalogue, self._planned.retired, self.tally.run)
            self._complete()
            publish.tidy(self.catalogue, self._vectors, self.customer.retention.versions_days)
            self.casting.settle()
        self.progress.finish("publish")
        self._count()
        self._usable()
        verdict = self._judged()
        self.tally.decide(verdict.outcome, verdict.notes)
        path = self._home / "customers" / self.customer.slug / "reports" / f"{self.tally.run}.html"
        self.tally.report = str(path)
        with self.tally.phase("publish"):
            report.write(self.catalogue, self.tally.summary(), path, vectors=self._vectors)
            report.forget(path.parent, self.customer.retention.reports_days)
            if verdict.refusal:
                publish.refuse(self.catalogue, self.tally, started=self._started)
                raise RefusedError(verdict.refusal, self.tally.summary())
            embed = self.customer.recipe.embed
            publish.go_live(
                self.catalogue,
                self.tally,
                started=self._started,
                table=self._vectors,
                embed=embed,
                kinds=searched(self.tally.outcome["searched"], self.customer.release),
            )
        self._deliver()
        return self.tally.summary()

    def _deliver(self) -> None:
        """Write what is live to the customer's sinks; one that fails is a note: what went live stays live."""
        from tasks.delivery import delivered

        with self.tally.phase("publish"):
            self.tally.decide(self.tally.outcome, delivered(self.customer, self.catalogue, self._home))

    def _judged(self) -> Verdict:
        """Whether what this run made may go live, by its recall."""
        from tasks import queries
        from tasks.release import Verdict, judge

        if not self.customer.release.queries:
            return Verdict()
        self._making.close()  # its processes have done their work, and those that make the questions want room
        with self.tally.phase("evaluate"):
            asked, failures = queries.ready(
                self.catalogue,
                self.catalogue,
                self.customer,
                workers=self.workers,
                run=self.tally.run,
                progress=self.progress,
                renderers=ASKED_BY,
            )
            queries.forget_others(self.catalogue, self.catalogue, self.customer)
            self.catalogue.compact("queries")
            self.progress.start("evaluate", len(asked))
            verdict = judge(self.catalogue, self.customer, self._making.embedder, asked, self.progress)
        self.progress.finish("evaluate")
        return verdict.replace(notes=(*verdict.notes, *failures))

    def close(self, *, at_once: bool = False) -> None:
        """End the processes that this run started, when they are done with what they are at, or `at_once`."""
        self._intake.close()
        self._making.close(at_once=at_once)
        self.casting.close(at_once=at_once)

    @cached_property
    def _vectors(self) -> str:
        return self._making.embedder.table

    def _count(self) -> None:
        plan, run = self._planned, self.tally.run
        files = self.catalogue.rows("files", ("name", "status", "reason", "run"))
        bad = [{"file": row["name"], "reason": row["reason"]} for row in files if row["status"] == "quarantined"]
        images = self.catalogue.rows("images", ("kind", "accepted"), col("run") == lit(run))
        failed = set(self.tally.failures)
        counts = {
            "ok": sum(row["status"] == "ok" and row["run"] == run for row in files),
            "files_unchanged": self.seen.plan.unchanged,
            "new": len({part.number for part in plan.new} - failed),
            "changed": len({part.number for part in plan.changed} - failed),
            "unchanged": plan.unchanged,
            "retired": len(plan.retired),
            "views": sum(row["kind"] == "view" for row in images),
            "variants": sum(row["kind"] == "variant" for row in images),
            "rejected": sum(not row["accepted"] for row in images),
        }
        notes = [*self.left_out, *remarks(self.seen, plan), *self.augmentation.summary()["notes"], *self.casting.notes]
        self.tally.gpu = spent(self.customer, self.catalogue, run).told()
        over = [{"file": named_after(part), "reason": beyond(part, len(plan.recipes))} for part in plan.over]
        self.tally.settle(counts, [*bad, *self.seen.refused, *over], notes)

    def _complete(self) -> None:
        """Raise ValueError when a picture that searches would compare with has no vector."""
        lacking = len(self.filling.lacking())
        if lacking:
            raise ValueError(
                f"{lacking} pictures of '{self.customer.slug}' have no vector yet: nothing goes live. Start the run "
                "again, and it goes on with them."
            )

    def _usable(self) -> None:
        """Raise ValueError when there is no part that could be found."""
        if self.catalogue.rows("parts", ("part",), col("status") == lit("active")):
            return
        quarantine = self.tally.summary()["quarantine"]
        reasons = " ".join(f"{entry['file']}: {entry['reason']}" for entry in quarantine[:3])
        raise ValueError(f"None of the {len(self.seen.files)} files gave a part. {reasons}")


@contextmanager
def opened(
    customer: Customer,
    catalogue: Catalogue,
    source: Source | None,
    limit: int | None,
    home: Path,
    workers: int,
    progress: Progress | None = None,
) -> Iterator[Job]:
    """A run whose source is open; the one that `prepared` made ready, if there is one.

    Raises ValueError with a sentence when the source holds nothing that could be a part.
    """
    ready = _prepared.get()
    if ready is not None:
        yield ready
        return
    from tasks.augment import usable
    from tasks.diffusion.adapters import wearing
    from tasks.tuning.shelf import tuned

    customer = tuned(wearing(customer, home), catalogue)
    recipe, left_out = usable(customer.recipe, customer.plugins)
    customer = customer.model_copy(update={"recipe": recipe})
    tally = Tally(customer.slug, named(datetime.now(UTC)))
    watch = progress or Silent()
    watch.start("scan", None)
    with ExitStack() as stack:
        with tally.phase("scan"):
            seen = stack.enter_context(survey(customer, catalogue, source, limit))
        watch.finish("scan")
        job = Job(customer, catalogue, seen, tally, home, workers or os.cpu_count() or 1)
        job.progress, job.left_out = watch, left_out
        stack.callback(job.close)
        job.check()
        try:
            yield job
        except BaseException:
            job.close(at_once=True)  # or whoever cancels it waits for its batches
            raise


@contextmanager
def prepared(job: Job) -> Iterator[None]:
    """Inside the `with` block, `opened` gives `job`."""
    token = _prepared.set(job)
    try:
        yield
    finally:
        _prepared.reset(token)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
