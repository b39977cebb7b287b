"""The part of `adapt` that learns: from parts that stand in the tables to weights that stand in the tables.

    weights of a run that was stopped, not judged yet? that is all
    -> render the parts -> learn, a checkpoint after each piece -> write the weights into the customer's tables, aside

It runs inside `adapt`, or in the work pool that the customer's file names. A worker that dies loses the piece that it
was at; one elsewhere begins anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect import flow, task

from blocks.collection import CustomerBlock
from flows.elsewhere import elsewhere, reporting
from flows.form import titled
from flows.page import progress, saying
from flows.patience import patiently
from flows.place import gpu, home, in_pool, ours
from flows.unkept import unkept
from tasks.tuning.course import Course
from tasks.tuning.work import opened

if TYPE_CHECKING:
    from tasks.tuning.work import Adaptation


@task(task_run_name="render", **patiently)
def render(work: Adaptation) -> int:
    """Render what the learning looks at; returns how many parts that are."""
    parts = work.render()
    return saying(f"{parts} parts rendered.", parts)


@task(task_run_name="learn up to {until:.0%}", **patiently)
def learn(work: Adaptation, until: float) -> float:
    """Learn up to a share of the whole and write a checkpoint; returns the share."""
    with gpu(work.customer, "adapt"):
        return work.learn(until)


@task(task_run_name="keep", **patiently)
def keep(work: Adaptation) -> str:
    """Write what was learned into the customer's tables; returns its digest."""
    return work.keep()


@flow(name="tune", flow_run_name="{customer.slug}", **unkept)
def tune(
    customer: CustomerBlock,
    course: Course = Course(),  # noqa: B008 it is frozen
    processes: int = 0,
    share: int = 0,
    shares: int = 1,
) -> dict[str, Any]:
    """Learn a customer's own parts, and keep what was learned aside, for the run of adapt that asked for it.

    Args:
        customer: Who the customer is, which model learns, and where their catalogue lives.
        course: How long and how hard it learns.
        processes: Processes that render; 0 takes one for each core.
        share: Which share of the work this run takes; there is one alone, 0.
        shares: Into how many shares the work is divided: 1.
    """
    ours(customer)
    if (share, shares) != (0, 1):
        raise ValueError("The learning is one piece of work, and cannot be divided into shares.")
    with (
        progress() as shown,
        opened(customer.settings, customer.catalogue.catalogue(), course, home(), processes, shown) as work,
    ):
        digest = learned(work)
        work.tidy()
        return reporting(f"Learned: {digest[:8]}.", {"weights": digest, "seconds": work.seconds, "notes": work.notes})


def learned(work: Adaptation) -> str:
    """Learn here, as far as it is not done; returns the digest of the weights in the customer's tables."""
    digest = work.waiting()
    if not digest:
        render(work)
        for until in work.stretches():
            learn(work, until)
        digest = keep(work)
    return digest


def tuned(work: Adaptation, customer: CustomerBlock, processes: int) -> str:
    """Learn here, or in the customer's pool; returns the digest of the weights in the customer's tables.

    Raises ValueError where the run in the pool says nothing of what it made.
    """
    if not in_pool(work.customer, "adapt"):
        return learned(work)
    if digest := work.waiting():
        return digest
    given = {
        "customer": customer.reference(),
        "course": work.course.model_dump(mode="json"),
        "processes": processes,
    }
    (told,) = elsewhere("tune", work.customer.slug, given, 1)
    work.tell(told)
    digest = str(told.get("weights") or work.waiting())
    if not digest:
        raise ValueError(f"The run of tune for {work.customer.slug} left no weights: start the run again.")
    return digest


titled(tune)
