"""How well does a customer's catalogue find its parts? Figures, and a report of what went wrong.

    photographs whose part is known, or else pictures that the index has never seen: make those that are missing
    -> compare each with every vector that searches read
    -> recall, what is confused with what, when to say "not in the catalogue" -> report

The catalogue is only read; the pictures that were made stay in its table `queries`, so that the next
evaluation asks the same ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import flow, task

from blocks.catalogue import Catalogue
from blocks.customer import Customer
from flows.patience import patiently
from tasks.inquiry import Inquiry, opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.queries import Wanted


@task(task_run_name="take pictures", **patiently)
def take_pictures(inquiry: Inquiry, batch: Sequence[Wanted]) -> int:
    """Take the pictures of a batch of parts and commit them; returns how many there are now."""
    return inquiry.make(batch)


@task(task_run_name="measure", **patiently)
def measure(inquiry: Inquiry) -> dict[str, Any]:
    """Ask the catalogue, and write the report."""
    return inquiry.finish()


@flow(name="evaluate", flow_run_name="{customer.slug}")
def evaluate(
    customer: Customer,
    catalogue: Catalogue,
    photos: str = "",
    home: Path = Path(".partsight"),
    workers: int = 0,
) -> dict[str, Any]:
    """Measure how well a customer's catalogue finds its parts.

    Args:
        customer: Who the customer is, and how many questions are asked.
        catalogue: Where the customer's tables live.
        photos: Folder or CSV of photographs whose part is known; empty renders pictures that the index has not seen.
        home: Folder that holds the reports.
        workers: Processes that render, one a core; 0 takes as many as there are cores.
    """
    with opened(customer, catalogue, photos, home, workers) as inquiry:
        for batch in inquiry.batches():
            take_pictures(inquiry, batch)
        return measure(inquiry)
