"""The parts of one onboarding, divided among workers: handed out as rows of the customer's tables, made in shares.

Between the run that hands out and those that make pass keys and counts alone. A worker asks before each batch which of
its parts are still to be made: those that somebody made, or that could not be made, are left alone, and where another
run has handed out anew, or taken all back, there is nothing left to do. A worker of a run that is no more may still be
at a batch: what it commits counts where it is what is wanted, and what it fails at is nothing to the run of today.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from tasks.making import SMALLEST, Making, batches
from tasks.plan import COLUMNS, is_as_wanted
from tasks.progress import Progress, Silent
from tasks.records import Part, content_id
from tasks.tally import PHASES, Tally, named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer
    from tasks.embed import Embedder

ORDERS: Final = "orders"
KEPT: Final = 7  # days of orders that nobody took back: longer than any run takes


def number(parts: int, workers: int) -> int:
    """Into how many shares so many parts are divided: no worker is started for less than a batch."""
    return max(1, min(workers, -(-parts // SMALLEST)))


def is_mine(part: str, share: int, shares: int) -> bool:
    """Whether the part of this number belongs to a share: its hash says so, whatever other parts there are."""
    return int(content_id("share", part)[:8], 16) % shares == share


def hand_out(
    catalogue: Catalogue, parts: Sequence[Part], recipes: Mapping[str, str], run: str, embedder: Embedder
) -> None:
    """Write down what is to be made in `run`; what an earlier one handed out goes in the same commit."""
    from lancedb.expr import col, lit

    for name in ("images", "parts"):  # made by one, before several write to them
        catalogue.table(name)
    catalogue.table(embedder.table, embedder.dimension)
    rows = [
        {"part": part.number, "record": part.model_dump_json(), "recipe": recipes[part.number]}
        | {"run": run, "failure": ""}
        for part in parts
    ]
    catalogue.replace(ORDERS, rows, col("run") != lit(""))


def take_back(
    catalogue: Catalogue,
    tally: Tally,
    told: Sequence[Mapping[str, Any]],
    parts: Sequence[Part],
    recipes: Mapping[str, str],
) -> None:
    """Count what the shares made of `parts`, by what each has `told`, and what they could not; remove the orders.

    Raises ValueError where parts were neither made nor given up. It may be called again after a failure of the storage.
    """
    for row in _orders(catalogue, tally.run):
        if row["failure"]:
            tally.fail(row["part"], **json.loads(row["failure"]))
    made = _finished(catalogue, {part.number: (part, recipes[part.number]) for part in parts})
    left = sorted({part.number for part in parts} - made - set(tally.failures))
    if left:
        raise ValueError(
            f"{len(left)} parts were handed out and not made ({', '.join(left[:5])}): start the run again."
        )
    _remove(catalogue, tally.run)
    for one in told:
        tally.add({"vectors": one.get("vectors", 0)})
        tally.spend(one.get("seconds", {}), len(told))


def forget(catalogue: Catalogue, days: float = KEPT) -> None:
    """Remove what was handed out longer ago than so many days: no run takes it back any more."""
    from datetime import UTC, datetime, timedelta

    from lancedb.expr import col, lit

    if ORDERS in catalogue.tables():
        catalogue.delete(ORDERS, col("run") < lit(named(datetime.now(UTC) - timedelta(days=days))))


class Share:
    """What one of several workers makes: of the parts that `run` handed out, those whose hash says so."""

    def __init__(
        self, customer: Customer, catalogue: Catalogue, run: str, share: int, shares: int, workers: int
    ) -> None:
        self.catalogue, self.tally = catalogue, Tally(customer.slug, run)
        self.progress: Progress = Silent()
        self._run, self._share, self._shares = run, share, shares
        self._making = Making(customer, catalogue, self.tally, workers)
        self._made: set[str] = set()

    def batches(self) -> list[Sequence[Part]]:
        """The parts of this share that are to be made, in batches of seconds to a minute."""
        mine = {name: row for name, row in _open(self.catalogue, self._run).items() if self._is_mine(name)}
        self._making.recipes = {name: row["recipe"] for name, row in mine.items()}
        self._making.progress = self.progress
        self.progress.start("publish", len(mine))
        return batches([Part.model_validate_json(row["record"]) for row in mine.values()])

    def make(self, batch: Sequence[Part]) -> int:
        """Make what is still to be made of a batch and commit it; returns how many vectors that gave."""
        wanted = _open(self.catalogue, self._run, [part.number for part in batch])
        parts = [part for part in batch if part.number in wanted]
        if not parts:
            return 0
        vectors = self._making.make(parts)
        failures = {name: self.tally.failures[name] for name in wanted if name in self.tally.failures}
        for name, told in failures.items():
            _give_up(self.catalogue, self._run, name, told)
        self._made |= set(wanted) - set(failures)
        return vectors

    def summary(self) -> dict[str, Any]:
        """How many parts and vectors it made, how many could not be made, and the seconds of each phase."""
        told = self.tally.summary()
        return {
            "parts": len(self._made),
            "failures": len(self.tally.failures),
            "vectors": told["vectors"],
            "seconds": {phase: told["seconds"][phase] for phase in PHASES},
        }

    def close(self, *, at_once: bool = False) -> None:
        """End the processes that this share started, when they are done with what they are at, or `at_once`."""
        self._making.close(at_once=at_once)

    def _is_mine(self, part: str) -> bool:
        return is_mine(part, self._share, self._shares)


@contextmanager
def opened(
    customer: Customer, catalogue: Catalogue, run: str, share: int, shares: int, workers: int = 0
) -> Iterator[Share]:
    """A share that can be begun, with one process for each core where `workers` says nothing."""
    work = Share(customer, catalogue, run, share, shares, workers or os.cpu_count() or 1)
    try:
        yield work
    except BaseException:
        work.close(at_once=True)  # or whoever cancels it waits for its batches
        raise
    finally:
        work.close()


def _orders(catalogue: Catalogue, run: str, among: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """What `run` has handed out."""
    from lancedb.expr import col, lit

    where = col("run") == lit(run)
    if among is not None:
        where &= col("part").isin(list(among))
    return catalogue.rows(ORDERS, ("part", "record", "recipe", "run", "failure"), where)


def _open(catalogue: Catalogue, run: str, among: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
    """What `run` has handed out and nobody has made or given up yet, by part number."""
    orders = {row["part"]: row for row in _orders(catalogue, run, among) if not row["failure"]}
    wanted = {name: (Part.model_validate_json(row["record"]), row["recipe"]) for name, row in orders.items()}
    made = _finished(catalogue, wanted)
    return {name: row for name, row in orders.items() if name not in made}


def _finished(catalogue: Catalogue, wanted: Mapping[str, tuple[Part, str]]) -> set[str]:
    """Those parts, given with their recipes, whose rows say what is wanted, whichever run wrote them."""
    from lancedb.expr import col, lit

    rows = {row["part"]: row for row in catalogue.rows("parts", COLUMNS, col("status") == lit("active"))}
    return {name for name, (part, recipe) in wanted.items() if name in rows and is_as_wanted(rows[name], part, recipe)}


def _give_up(catalogue: Catalogue, run: str, part: str, told: Mapping[str, str]) -> None:
    """Write why a part could not be made, where `run` is still the one that handed it out."""
    from lancedb.expr import col, lit

    if ORDERS in catalogue.tables():  # or there is nobody left to tell
        mine = (col("run") == lit(run)) & (col("part") == lit(part))
        catalogue.table(ORDERS).update(where=mine, values={"failure": json.dumps(told)})


def _remove(catalogue: Catalogue, run: str) -> None:
    """Remove what `run` handed out; and the table, where that was all."""
    from lancedb.expr import col, lit

    if ORDERS in catalogue.tables():
        catalogue.delete(ORDERS, col("run") == lit(run))
        if not catalogue.rows(ORDERS, ("part",)):
            catalogue.drop(ORDERS)
