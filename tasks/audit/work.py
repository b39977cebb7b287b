"""An audit of one customer: what is found in their tables, and what a repair makes of it.

A repair writes to the newest rows alone, in steps each of which may be the last: what searches read changes with one
new row of the run that is live, once all is mended, and only where nothing else waits in the tables to go live: what
is marked goes live with the onboarding that makes it again, through the gate of its release. It begins anew with each
round: what was removed may leave something else that belongs to nothing. What is lost is looked for twice.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from blocks.tables import SERVED
from tasks.audit import mend, numbers, pieces, relations, wanted
from tasks.audit.finding import Finding, counts
from tasks.audit.relations import Rows
from tasks.audit.shelves import BROKEN, Shelves, damage
from tasks.progress import log

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from blocks.catalogue import Catalogue, Served
    from blocks.customer import Customer, Embed
    from tasks.embed import Embedder

ROUNDS: Final = 5  # of mending: what is removed leaves vectors, and these are told from what is there
TOLD: Final = 1000  # findings that a summary names one by one


class Audit:
    """One look at a customer's tables, and the repair; nothing else may work on the customer meanwhile."""

    def __init__(self, customer: Customer, catalogue: Catalogue) -> None:
        from tasks.tuning.shelf import tuned

        self.catalogue = catalogue
        self.found: tuple[Finding, ...] = ()
        self.mended: tuple[Finding, ...] = ()
        self.switched = False
        self._sandbox = pieces.opened()
        self._begun = time.perf_counter()
        self._doubtful: set[str] = set()  # tables that lost rows: what these own is not known
        self._served, self._broken = _served(catalogue)
        self._whole = bool(self._served and self._served.vectors) and self._is_newest()
        self.customer = tuned(customer, catalogue) if self._served else customer

    def close(self) -> None:
        """End the process in which pictures and meshes are opened."""
        self._sandbox.close()

    def look(self) -> tuple[Finding, ...]:
        """Find everything that is not as it should be; in the newest rows, and in those that searches read."""
        found = [*self._broken, *self._of(self.catalogue, strict=self._whole)]
        if self._served is not None and self._served.vectors and not self._whole:
            seen = {(one.table, one.kind, one.key) for one in found}
            live = [one for one in self._live() if (one.table, one.kind, one.key) not in seen]
            found += [one.replace(remedy="", what=f"{one.what}, in what searches read") for one in live]
        self.found = tuple(found)
        return self.found

    def repair(self) -> tuple[Finding, ...]:
        """Mend what can be mended, look again, and let searches read it; returns what is left."""
        mended: list[Finding] = []
        due = [one for one in self.found if one.is_due]
        for _ in range(ROUNDS):
            if due and any(one.kind == "lost" for one in self.found):
                self._look_again()
                due = [one for one in self.found if one.is_due]
            if not due:
                break
            mend.mended(self.catalogue, due, self._embedder)
            mended += due
            self.look()
            due = [one for one in self.found if one.is_due]
        self.mended = tuple(one for one in dict.fromkeys(mended) if one not in due)
        if mended and self._whole and not due and not any(map(_awaits, mended)):
            from tasks import publish

            publish.stay_live(self.catalogue)
            self.switched = True
        return self.found

    def _look_again(self) -> None:
        """Look a second time: what can be read now was never lost, and nor was what follows from it.

        Raises RuntimeError where more is lost than before, since such a storage tells nothing.
        """
        before = _lost(self.found)
        self.look()
        if _lost(self.found) - before:
            raise RuntimeError("More cannot be read than a moment ago: nothing is removed. Repair when that is over.")

    def summary(self) -> dict[str, Any]:
        """What was found, what was mended, and what waits for the next onboarding."""
        waiting = self._waiting()
        return {
            "customer": self.customer.slug,
            "clean": not self.found,
            "live": self._served.run if self._served else "",
            "unfinished": not self._whole,
            "findings": counts(self.found),
            "repaired": counts(self.mended),
            "switched": self.switched,
            "waiting": {"parts": waiting[0], "files": waiting[1]},
            "first": [one.told() for one in self.found[:TOLD]],
            "mended": [one.told() for one in self.mended[:TOLD]],
            "rows": {name: self._count(name) for name in sorted(self.catalogue.tables())},
            "seconds": round(time.perf_counter() - self._begun, 3),
        }

    def _of(self, catalogue: Catalogue, *, strict: bool) -> Iterator[Finding]:
        """What is wrong with these tables; `strict` where they should be complete, and are in no run's hands."""
        shelves = Shelves(catalogue)
        self._doubtful |= {one.table for one in shelves.lost}
        yield from shelves.lost
        rows = Rows(shelves, self._vectors if self._vectors in shelves.names else "")
        yield from relations.tables(shelves, self._indexed if strict else set())
        if strict:
            yield from relations.orphans(rows, self._doubtful)
            yield from relations.compared(rows)
            yield from wanted.missing(rows, self.customer)
        yield from wanted.ids(rows, self.customer.slug)
        yield from numbers.vectors(shelves, self._vectors, self._embedder)
        for look in (pieces.pictures, pieces.questions, pieces.photographs, pieces.meshes):
            yield from look(shelves, self._sandbox)
        yield from pieces.templates(shelves)
        yield from pieces.weights(shelves, self.customer.slug)

    def _live(self) -> list[Finding]:
        assert self._served is not None  # noqa: S101 - the caller looked
        try:
            return list(self._of(self._served, strict=True))
        except BROKEN as error:
            log.debug("what is live cannot be read", exc_info=True)
            said = damage("what searches read", error)
            what = f"What searches read cannot be read ({said}): onboard the customer again"
            return [Finding(table=self._vectors, kind="lost", key=self._served.run, what=what)]

    def _is_newest(self) -> bool:
        assert self._served is not None  # noqa: S101 - the caller looked
        try:
            return self._served.versions in (None, self.catalogue.newest(self._served.vectors))
        except BROKEN as error:
            damage(self._vectors, error)
            return False

    @property
    def _vectors(self) -> str:
        return self._served.vectors if self._served else ""

    @property
    def _indexed(self) -> set[str]:
        return {*SERVED, self._vectors} - {""}

    @property
    def _embedder(self) -> Embedder | None:
        """The model of the vectors that are live; None where it is not here."""
        from tasks.embed import embedder

        if not self._vectors:
            return None
        embed: Embed = (self._served and self._served.embed) or self.customer.recipe.embed
        try:
            made = embedder(embed, self.customer.plugins, self.catalogue)
        except BROKEN as error:
            log.warning("The vectors cannot be made again: %s", error)
            return None
        return made if made.table == self._vectors else None

    def _waiting(self) -> tuple[int, int]:
        """How many parts and files are marked, so that the next onboarding makes them again."""
        from lancedb.expr import col, lit

        try:
            marked = (col("recipe") == lit("")) & (col("status") == lit("active"))
            parts = self.catalogue.read("parts", ("part",), marked)
            files = self.catalogue.read("files", ("id",), col("reader") == lit(""))
        except BROKEN:
            return 0, 0
        return parts.num_rows, files.num_rows

    def _count(self, name: str) -> int | None:
        try:
            return int(self.catalogue.table(name).count_rows())
        except BROKEN:
            return None


def _awaits(one: Finding) -> bool:
    """Whether searches would find less until the next onboarding made again what this repair marked or removed."""
    return one.remedy in {"remake", "read"} or (one.remedy == "again" and one.table in SERVED)


def _lost(found: Iterable[Finding]) -> set[tuple[str, int]]:
    """Tables and places of rows that cannot be read; -1 stands for a whole table."""
    return {(one.table, place) for one in found if one.kind == "lost" for place in one.rows or (-1,)}


def _served(catalogue: Catalogue) -> tuple[Served | None, list[Finding]]:
    """What searches read, where that can be told, and what is wrong with it."""
    try:
        served = catalogue.served()
    except BROKEN as error:
        log.debug("what is live is not known", exc_info=True)
        what = f"Which run is live cannot be read ({damage('runs', error)})"
        return None, [Finding(table="runs", kind="lost", key="live", what=what)]
    there, gone = set(catalogue.tables()), []
    for name, version in sorted((served.versions or {}).items()):
        try:
            if name not in there:
                raise ValueError("there is no such table")
            served.table(name)
        except BROKEN as error:
            damage(name, error)
            what = f"The run that is live names version {version} of {name}, which is gone: onboard the customer again"
            gone.append(Finding(table=name, kind="missing", key=f"version {version}", what=what))
    if served.vectors and served.vectors not in there and served.versions is None:
        what = f"The run that is live names {served.vectors}, which is gone: onboard the customer again"
        gone.append(Finding(table=served.vectors, kind="missing", key="", what=what))
    return served, gone
