"""One adaptation, step by step: the embedder learns a customer's own parts, and takes its place if it finds more.

What it learned is kept in the customer's tables before it is judged; whether searches read vectors of it is decided as
for every other model (`tasks.reembedding`).
"""

from __future__ import annotations

import math
import os
import shutil
import time
from contextlib import contextmanager
from functools import cached_property
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

from blocks.customer import NEVER
from tasks.budget import counted, refuse
from tasks.progress import Progress, Silent
from tasks.records import bytes_id, content_id
from tasks.reembedding import Reembedding
from tasks.tuning import shelf
from tasks.tuning.estimate import estimate
from tasks.tuning.sitters import sitters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer, Embed
    from blocks.models import Weights
    from tasks.embed import Embedder
    from tasks.tuning.course import Course
    from tasks.tuning.library import Shelf, Sitter
    from tasks.tuning.loop import Loop

STRETCHES: Final = 10  # pieces of the learning, a checkpoint after each, or more of them
LONGEST: Final = 10.0  # minutes of a piece
MOST: Final = 150  # pieces: a flow run stays under 200 task runs


class Adaptation:
    """The adaptation of a customer's embedder; each of its steps may be called again after a failure."""

    def __init__(self, customer: Customer, catalogue: Catalogue, course: Course, home: Path, workers: int) -> None:
        self.customer, self.catalogue, self.course, self.workers = customer, catalogue, course, workers
        self.shown = catalogue.served()
        self.progress: Progress = Silent()
        self.notes: list[str] = []
        self.seconds: dict[str, float] = {}
        self._home = home
        self._begun = self._embedding = time.perf_counter()

    def check(self) -> None:
        """Raise ValueError with a sentence when there is nothing to learn, or no model that could learn it."""
        slug = self.customer.slug
        if not self.shown.vectors:
            raise ValueError(f"Nothing of '{slug}' is live yet: onboard the customer first.")
        if self.customer.recipe.embed.tuned == NEVER:
            raise ValueError(f"The file of '{slug}' wants no tuned weights: take tuned: never out of recipe.embed.")
        _ = self.weights
        if len(self.sitters) < 2:
            raise ValueError(
                f"There is nothing to learn: the live parts of '{slug}' have {len(self.sitters)} shapes with CAD, and "
                "two are the least that can be told apart."
            )

    def outlook(self) -> dict[str, Any]:
        """How long it will take and for what, in seconds; how many parts and photographs it learns from."""
        supplied = sum(len(one.photographs) for one in self.sitters)
        said = {"customer": self.customer.slug, "model": self.embedder.name, "parts": len(self.sitters)}
        return said | {"photographs": supplied, "seconds": estimate(self)}

    # learning

    def waiting(self) -> str:
        """Digest of weights that learned just this and are not used: of a run that was stopped; or ""."""
        live = self.shown.embed.digest if self.shown.embed else ""
        for one in shelf.cards(self.catalogue):
            if one.digest == live or not self._same(one):
                continue
            if not one.made:
                self.notes.append(f"The weights {one.digest[:8]} of a run that was stopped wait to be judged.")
                return one.digest
            if self.forced:
                self.notes.append(f"The weights {one.digest[:8]} were refused by run {one.made}; now they may go live.")
                return one.digest
        return ""

    @property
    def forced(self) -> bool:
        """Whether weights may go live that find less."""
        return self.customer.release.tolerance >= 1

    def _same(self, one: shelf.Card) -> bool:
        """Whether weights learned what this run would learn, in the same way."""
        learned = (one.base_digest, one.course, one.trained_on)
        return learned == (self.embedder.digest, self._course, self._subject)

    def render(self) -> int:
        """Render what the learning looks at, as far as it is not there; returns of how many parts it could be."""
        refuse(self.customer, self.catalogue)
        return len(self.stock.parts)

    def stretches(self) -> Iterator[float]:
        """The shares at which pieces of the learning end, from where it stands to 1."""
        pieces = min(max(STRETCHES, math.ceil(self.course.minutes / LONGEST)), MOST)
        begun = int(round(self.loop.share * pieces, 6))
        self.progress.start("learn", 100)
        self.progress.advance("learn", round(100 * self.loop.share))
        yield from (piece / pieces for piece in range(begun + 1, pieces + 1))
        self.progress.finish("learn")

    def learn(self, until: float) -> float:
        """Learn until so much of the whole is done and write a checkpoint; returns how much is."""
        refuse(self.customer, self.catalogue)
        with self._watched(self.loop), self._timed("learn"), counted(self.catalogue, "adapt"):
            self.loop.run(until=until)
        return self.loop.share

    def keep(self) -> str:
        """Write what was learned into the customer's tables, aside; returns its digest."""
        data = shelf.packed(self.loop.result())
        card = shelf.Card(
            digest="",
            customer=self.customer.slug,
            base=self.embedder.name,
            base_digest=self.embedder.digest,
            course=self._course,
            parts=len(self.stock.parts),
            trained_on=self._subject,
            minutes=round(self.loop.seconds / 60, 2),
        )
        return shelf.put(self.catalogue, card, data)

    def tell(self, told: Mapping[str, Any]) -> None:
        """Hear what learning elsewhere took, and what is to be known of it."""
        self.seconds.update(told.get("seconds", {}))
        self.notes += told.get("notes", ())

    def tidy(self) -> None:
        """Remove what the learning had on this machine's disk."""
        self.__dict__.pop("loop", None)
        self.__dict__.pop("stock", None)
        shutil.rmtree(self._folder, ignore_errors=True)

    @cached_property
    def stock(self) -> Shelf:
        """What the learning looks at."""
        from tasks.tuning.library import stocked, views

        count = views(len(self.sitters), self.course, self.workers)
        self.progress.start("buffers", count * len(self.sitters))
        with self._timed("render"):
            made = stocked(
                self._folder / "parts",
                self.sitters,
                self.course,
                self.workers,
                lambda some: self.progress.advance("buffers", some),
            )
        self.progress.finish("buffers")
        self.notes += made.failures
        return made

    @cached_property
    def loop(self) -> Loop:
        """The learning, where its last checkpoint left it."""
        from tasks.tuning.loop import Loop

        made = Loop(self.weights, self.stock, self.course, self._folder)
        if share := made.resume():
            self.notes.append(f"The learning went on where it was stopped, at {share:.0%}.")
        return made

    # what comes of it

    def switching(self, digest: str) -> Reembedding:
        """The run that gives the pictures vectors of these weights, and switches where that finds no less.

        No less at all: beside shape templates tuning often gives nothing, and then the model stays as it was.
        """
        release = self.customer.release if self.forced else self.customer.release.model_copy(update={"tolerance": 0.0})
        judged = self.customer.model_copy(update={"release": release})
        again = f"adapt {self.customer.slug} --even-if-worse"
        embed = self.base.model_copy(update={"tuned": digest})
        work = Reembedding(judged, self.catalogue, embed, self._home, self.workers, again)
        work.progress = self.progress
        work.check()
        self._embedding = time.perf_counter()
        return work

    def finish(self, work: Reembedding) -> dict[str, Any]:
        """Judge, switch, and write down what came of it; returns the summary.

        Raises RefusedError when less would be found: the weights stay aside, with the figures and the reason.
        """
        from tasks.release import RefusedError

        digest = work.embed.digest
        self.seconds.setdefault("embed", round(time.perf_counter() - self._embedding, 3))
        try:
            found = work.finish()
        except RefusedError as error:
            error.summary = self._summary(digest, error.summary)
            shelf.tell(self.catalogue, digest, error.summary["run"], error.summary["figures"], str(error))
            self._forget(self.shown.embed.digest if self.shown.embed else "")
            self.tidy()
            raise
        summary = self._summary(digest, found)
        shelf.tell(self.catalogue, digest, found["run"], summary["figures"], "")
        self._forget(digest)
        self.tidy()
        return summary

    def _forget(self, used: str) -> None:
        """Remove weights that nobody goes back to, and the vectors that were made of them."""
        from blocks import models

        for gone in shelf.forget(self.catalogue, used):
            table = models.tuned(self.weights, gone).table
            if table in self.catalogue.tables():
                self.catalogue.drop(table)

    def _summary(self, digest: str, found: Mapping[str, Any]) -> dict[str, Any]:
        known = shelf.card(self.catalogue, digest)
        spent = {**self.seconds, **{name: found["seconds"][name] for name in ("evaluate", "publish")}}
        return {
            "customer": self.customer.slug,
            "run": found["run"],
            "model": found["model"],
            "weights": digest,
            "parts": known.parts,
            "minutes": known.minutes,
            "vectors": found["vectors"],
            "released": found["released"],
            "figures": {name: found[name] for name in ("recall", "compared", "threshold")},
            "seconds": spent | {"total": round(time.perf_counter() - self._begun, 3)},
            "report": found["report"],
            "notes": [*self.notes, *found["notes"]],
        }

    # what it is made from

    @property
    def base(self) -> Embed:
        """The model that learns: that of the customer's file."""
        return self.customer.recipe.embed.base

    @cached_property
    def embedder(self) -> Embedder:
        """The model before it learns anything."""
        from tasks.embed import embedder

        return embedder(self.base, self.customer.plugins)

    @property
    def weights(self) -> Weights:
        """Its weights. Raises ValueError with a sentence where it is none that can learn."""
        found: Weights | None = getattr(self.embedder, "weights", None)
        if found is None:
            raise ValueError(
                f"{self.embedder.name} is a plug-in, which can't be tuned: name an open_clip model, or the one that "
                "ships, as recipe.embed.model."
            )
        return found

    @cached_property
    def sitters(self) -> tuple[Sitter, ...]:
        """The shapes of the live parts, with their photographs."""
        return sitters(self.shown, self.customer)

    @cached_property
    def _subject(self) -> str:
        """Name of all that is learned: shapes, what they are made of, and photographs."""
        made = [
            (one.part.geometry, one.part.material, one.part.words, [bytes_id(data) for data in one.photographs])
            for one in self.sitters
        ]
        return content_id("subject", made, salt=self.customer.slug)

    @property
    def _course(self) -> dict[str, Any]:
        return self.course.model_dump(mode="json")

    @property
    def _folder(self) -> Path:
        """Where buffers and checkpoint are kept while it learns."""
        return self._home / "customers" / self.customer.slug / "tuning"

    @contextmanager
    def _watched(self, loop: Loop) -> Iterator[None]:
        """Tell every second how many hundredths of the whole are learned."""
        over, told = Event(), round(100 * loop.share)

        def watch() -> None:
            nonlocal told
            ended = False
            while not ended:
                ended = over.wait(1.0)
                now = round(100 * loop.share)
                self.progress.advance("learn", now - told)
                told = now

        thread = Thread(target=watch, name="learning", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[what] = round(self.seconds.get(what, 0.0) + time.perf_counter() - begun, 3)


@contextmanager
def opened(
    customer: Customer,
    catalogue: Catalogue,
    course: Course,
    home: Path,
    workers: int,
    progress: Progress | None = None,
) -> Iterator[Adaptation]:
    """An adaptation that can be begun. Raises ValueError with a sentence when there is nothing to learn."""
    work = Adaptation(customer, catalogue, course, home, workers or os.cpu_count() or 1)
    work.progress = progress or Silent()
    work.check()
    yield work
