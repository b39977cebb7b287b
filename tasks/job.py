"""One onboarding, step by step: what the tasks of the flow share, and nothing that must outlive it."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from blocks import models
from tasks.contents import Contents, contents
from tasks.plan import PartPlan, orders
from tasks.progress import Progress, Silent
from tasks.survey import Survey, parts_now, survey, unseen
from tasks.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer
    from tasks.embed import Embedder
    from tasks.ingest import Found, Reading
    from tasks.pictures import Made
    from tasks.publish import Publisher
    from tasks.records import Part
    from tasks.workshop import Workshop

BATCHES: Final = 90  # most batches of files, and of parts: a flow run stays under 200 task runs
SMALLEST: Final = 8  # parts in a batch: seconds of work, so that a commit costs little beside it
LARGEST_READ: Final = 24  # files whose meshes are in memory at once

_prepared: ContextVar[Job | None] = ContextVar("prepared", default=None)


class Job:
    """A run for one customer. Its methods are the flow's steps; each may be called again after a failure."""

    def __init__(self, customer: Customer, catalogue: Catalogue, seen: Survey, tally: Tally, home: Path) -> None:
        self.customer, self.catalogue, self.seen, self.tally = customer, catalogue, seen, tally
        self.progress: Progress = Silent()
        self.workers = 1
        self._home = home
        self._started = _now()
        self._stack = ExitStack()
        self._embedding = Lock()  # one batch is embedded at a time: the model uses all cores
        self._parts: PartPlan | None = None
        self._read: list[Contents] = []

    # files

    def file_batches(self) -> Iterator[Sequence[Found]]:
        """The files to read, in batches that are committed one by one."""
        files = self.seen.plan.read
        self.progress.start("read", len(files))
        yield from _chunks(files, min(LARGEST_READ, max(4, -(-len(files) // BATCHES))) if files else 1)
        self.progress.finish("read")

    def read(self, files: Sequence[Found]) -> int:
        """Read `files`, commit their shapes and rows, and return how many can be used."""
        from tasks.publish import publish_files

        with self.tally.phase("ingest"):
            while len(self._read) < len(files):  # after a failed commit they are here already
                self._read.append(contents(next(self._readings), self.customer.slug))
                self.progress.advance("read")
        with self.tally.phase("publish"):
            publish_files(self.catalogue, self._read, salt=self.customer.slug, run=self.tally.run)
        ok = sum(not found.reading.reason for found in self._read)
        self._read = []
        return ok

    @cached_property
    def _readings(self) -> Iterator[Reading]:
        from tasks.ingest import readings

        return iter(readings(self.seen.plan.read, self.customer.quotas, self.workers))

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
        total = len(self._parts.work) * self.customer.recipe.render.views
        self.progress.start("pictures", total)
        self.progress.start("publish", len(self._parts.work))
        return len(self._parts.work)

    def part_batches(self) -> list[Sequence[Part]]:
        """The parts that need work, in batches of seconds to a minute."""
        work = sorted(self._planned.work, key=lambda part: part.number)
        return list(_chunks(work, max(SMALLEST, -(-len(work) // BATCHES))))

    def make(self, parts: Sequence[Part]) -> int:
        """Make what a batch of parts lacks and commit it; returns how many vectors that gave."""
        wanted = orders(self.catalogue, parts, self.customer.recipe, self.customer.slug)
        made = []
        for one in self._workshop.make(wanted):
            made.append(one)
            self.tally.spend(one.seconds, self.workers)
            self.progress.advance("pictures", self.customer.recipe.render.views)
        return self._publish(made)

    def _publish(self, made: Sequence[Made]) -> int:
        with self._embedding:
            brought = self._publisher.publish(made, self._embedder)
        self.tally.add(brought.model_dump())
        self.progress.advance("publish", len(made))
        for one in made:
            if one.failure:
                self.tally.quarantine.append({"file": one.part.occurrences[0].file, "reason": one.failure})
        return brought.vectors

    @cached_property
    def _publisher(self) -> Publisher:
        from tasks.publish import Publisher

        return Publisher(self.catalogue, self._vectors, self._planned.recipes, self.tally, self.customer.slug)

    @cached_property
    def _workshop(self) -> Workshop:
        from tasks.workshop import Workshop

        return self._stack.enter_context(Workshop(self.workers))

    @cached_property
    def _embedder(self) -> Embedder:
        from tasks.embed import embedder

        return embedder(self.customer.recipe.embed)

    @property
    def _planned(self) -> PartPlan:
        if self._parts is None:
            raise RuntimeError("find_parts comes first")
        return self._parts

    # the end

    def nothing_to_do(self) -> bool:
        """Whether the last run finished and neither files nor parts have changed since."""
        if self.seen.plan.read or self.seen.plan.gone or not self.catalogue.live():
            return False
        if self.catalogue.live() != self._vectors:
            return False
        with self.tally.phase("scan"):
            self._parts = parts_now(self.catalogue, self.customer, self.seen)
        return not (self._parts.work or self._parts.retired)

    def rest(self) -> dict[str, Any]:
        """The summary of a run that had nothing to do; the report is the last one that was written."""
        runs = self.catalogue.rows("runs", ("finished", "report"))
        self.tally.report = max(runs, key=lambda run: str(run["finished"]))["report"]
        self.progress.note("Nothing to do: every file and every part is as it was.")
        self._count()
        return self.tally.summary()

    def warm_up(self) -> None:
        """Load the model, so that the first batch finds it ready."""
        with self._embedding:
            self._embedder.images([])

    def finish(self) -> dict[str, Any]:
        """Retire what left, tidy the tables, write the report, go live; returns the summary."""
        from tasks import publish, report

        with self.tally.phase("publish"):
            publish.retire(self.catalogue, self._planned.retired, self.tally.run)
            publish.tidy(self.catalogue, self._vectors)
        self.progress.finish("publish")
        self._count()
        self._usable()
        path = self._home / "customers" / self.customer.slug / "reports" / f"{self.tally.run}.html"
        self.tally.report = str(path)
        with self.tally.phase("publish"):
            report.write(self.catalogue, self.tally.summary(), path, vectors=self._vectors)
            publish.go_live(self.catalogue, self.tally, started=self._started, table=self._vectors)
        return self.tally.summary()

    def close(self) -> None:
        """End the processes that this run started."""
        self._stack.close()

    @cached_property
    def _vectors(self) -> str:
        embed = self.customer.recipe.embed
        return models.find(embed.model, embed.weights).table

    def _count(self) -> None:
        plan, counts = self._planned, {"ok": 0}
        rows = self.catalogue.rows("files", ("name", "status", "reason", "run"))
        names = {file.name for file in self.seen.files}
        for row in rows:
            if row["status"] == "quarantined" and row["name"] in names:
                self.tally.quarantine.append({"file": row["name"], "reason": row["reason"]})
            counts["ok"] += row["status"] == "ok" and row["run"] == self.tally.run
        self.tally.quarantine += self.seen.refused
        self.tally.notes += [*self.seen.notes, *_unseen_note(unseen(self.seen.entries, plan))]
        self.tally.add(
            counts
            | {"files_unchanged": self.seen.plan.unchanged, "unchanged": plan.unchanged, "retired": len(plan.retired)}
            | {"new": len(plan.new), "changed": len(plan.changed)}
        )

    def _usable(self) -> None:
        """Raise ValueError when there is no part that could be found."""
        if self._planned.recipes:
            return
        reasons = " ".join(f"{entry['file']}: {entry['reason']}" for entry in self.tally.quarantine[:3])
        raise ValueError(f"None of the {len(self.seen.files)} files gave a part. {reasons}")


@contextmanager
def opened(
    customer: Customer,
    catalogue: Catalogue,
    source: str,
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
    run = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:6]}"
    tally = Tally(customer.slug, run)
    watch = progress or Silent()
    watch.start("scan", None)
    with ExitStack() as stack:
        with tally.phase("scan"):
            seen = stack.enter_context(survey(customer, catalogue, source, limit))
        watch.finish("scan")
        job = Job(customer, catalogue, seen, tally, home)
        job.progress, job.workers = watch, workers or os.cpu_count() or 1
        stack.callback(job.close)
        yield job


@contextmanager
def prepared(job: Job) -> Iterator[None]:
    """Inside the `with` block, `opened` gives `job`."""
    token = _prepared.set(job)
    try:
        yield
    finally:
        _prepared.reset(token)


def _unseen_note(numbers: Sequence[str]) -> list[str]:
    if not numbers:
        return []
    some = ", ".join(numbers[:5]) + (" …" if len(numbers) > 5 else "")
    return [f"{len(numbers)} parts are named in the metadata but have neither CAD nor photograph: {some}."]


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
