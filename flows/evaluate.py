"""How well does a customer's catalogue find its parts? Figures, and a report of what went wrong.

    photographs whose part is known, or else pictures that the index has never seen: make those that are missing
    -> compare each with every vector that searches read
    -> recall, what is confused with what, when to say "not in the catalogue" -> report

The catalogue is only read; the pictures that were made stay in its table `queries`, so that the next
evaluation asks the same ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect import flow, task

from blocks.collection import CustomerBlock
from flows.form import Limits, titled
from flows.page import progress, saying, table
from flows.patience import patiently
from flows.place import alone, home
from flows.unkept import unkept
from tasks.inquiry import Inquiry, opened
from tasks.report import brief

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


@flow(name="evaluate", flow_run_name="{customer.slug}", **unkept)
def evaluate(customer: CustomerBlock, photos: str = "", limits: Limits = Limits()) -> dict[str, Any]:  # noqa: B008 it is frozen
    """Measure how well a customer's catalogue finds its parts.

    Args:
        customer: Who the customer is, how many questions are asked, and where their catalogue lives.
        photos: Folder or CSV of photographs whose part is known; empty renders pictures that the index has not seen.
        limits: How much this run may take; the number of files does not matter here.
    """
    with (
        alone(customer),
        progress() as shown,
        opened(customer.settings, customer.catalogue.catalogue(), photos, home(), limits.processes, shown) as inquiry,
    ):
        for batch in inquiry.batches():
            take_pictures(inquiry, batch)
        found = measure(inquiry)
        table(f"{customer.slug}-recall", brief.recall_rows(found), "How well the catalogue finds its parts.")
        return saying(brief.recall_sentence(found), found)


titled(evaluate)
