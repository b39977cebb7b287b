"""How much work of a GPU a customer may have in a month: each piece is written down, and counted before the next.

Work of a GPU is what the stages make that want one, vectors where the customer's file has them made there, and all
learning: seconds that it took, whatever machine did it. A month is one of the calendar, in UTC. Each piece is a row of
its own in the customer's tables, so any number of workers may write theirs at once; a worker looks before each piece,
and so the budget is overspent by one piece for each of them at most.
"""

from __future__ import annotations

import time
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer

USAGE: Final = "usage"


class Spent(Record):
    """Seconds of GPU work of a customer in a month, those of one run among them, and the most there may be; 0 is any.

    `month` is written as 2026-11.
    """

    month: str
    seconds: float = 0.0
    run: float = 0.0
    most: float = 0.0

    @property
    def is_used_up(self) -> bool:
        """Whether nothing is left of the month."""
        return bool(self.most) and self.seconds >= self.most

    @property
    def sentence(self) -> str:
        """What a person should know of a budget that is used up."""
        return (
            f"The GPU seconds of {self.month} are used up: {self.seconds:.0f} of {self.most:.0f} "
            "(`quotas.gpu_seconds` in the customer's file). What is done stays, and a run of the next month goes on."
        )

    def told(self) -> dict[str, Any]:
        """As the summary of a run says it."""
        return {"run": round(self.run, 3), "month": round(self.seconds, 3), "quota": self.most}


def spent(customer: Customer, catalogue: Catalogue, run: str = "") -> Spent:
    """What the customer had of this month, and what `run` had of it."""
    from lancedb.expr import col, lit

    month = f"{datetime.now(UTC):%Y-%m}"
    rows = catalogue.rows(USAGE, ("seconds", "run"), col("month") == lit(month))
    return Spent(
        month=month,
        seconds=sum(row["seconds"] for row in rows),
        run=sum(row["seconds"] for row in rows if run and row["run"] == run),
        most=customer.quotas.gpu_seconds,
    )


def refuse(customer: Customer, catalogue: Catalogue) -> None:
    """Raise ValueError with a sentence where nothing is left of the customer's month."""
    if customer.quotas.gpu_seconds and (found := spent(customer, catalogue)).is_used_up:
        raise ValueError(f"No more work of a GPU is begun for '{customer.slug}'. {found.sentence}")


@contextmanager
def counted(catalogue: Catalogue, what: str, run: str = "") -> Iterator[None]:
    """Write down how long the `with` block took; also where it fails, for the GPU was used."""
    begun = time.perf_counter()
    try:
        yield
    finally:
        now = datetime.now(UTC)
        row = {"id": uuid.uuid4().hex, "month": f"{now:%Y-%m}", "at": now.isoformat(timespec="milliseconds")}
        row |= {"what": what, "run": run}
        catalogue.upsert(USAGE, [row | {"seconds": time.perf_counter() - begun}])
