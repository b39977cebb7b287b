"""An embedder that has seen the customer's own parts, used only if it finds no less.

    the shapes of the live catalogue, each once -> rendered from anywhere, as they come to lie
    -> the model learns to tell them apart, in photographs made of them and in supplied ones
    -> its weights into the customer's tables, aside
    -> which pictures that searches read have no vector of it? -> for each batch: embed, commit
    -> ask both models the same pictures -> report, and the row that makes the new vectors live; or refused, and why

Stopped anywhere and started again, it goes on from its last checkpoint. Where the customer's file has `adapt` done on a
GPU, the learning is a run of the flow `tune` in that pool. The next `onboard` goes on with the tuned weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect import flow, task

from blocks.collection import CustomerBlock
from flows.embed import embedded
from flows.form import Limits, titled
from flows.page import progress, result, saying, table
from flows.patience import patiently
from flows.place import alone, home
from flows.tune import tuned
from flows.unkept import unkept
from tasks.release import RefusedError
from tasks.tuning.course import Course
from tasks.tuning.work import opened

if TYPE_CHECKING:
    from tasks.reembedding import Reembedding
    from tasks.tuning.work import Adaptation


@task(task_run_name="look ahead", **patiently)
def look_ahead(work: Adaptation) -> dict[str, Any]:
    """Say how long it will take, and for what."""
    found = work.outlook()
    return saying(f"About {found['seconds']['total'] / 60:.0f} minutes for {found['parts']} parts.", found)


@task(task_run_name="judge", **patiently)
def judge(work: Adaptation, switching: Reembedding) -> dict[str, Any]:
    """Measure both models, write the report, and make the new vectors live."""
    return work.finish(switching)


@flow(name="adapt", flow_run_name="{customer.slug}", **unkept)
def adapt(
    customer: CustomerBlock,
    course: Course = Course(),  # noqa: B008 it is frozen
    limits: Limits = Limits(),  # noqa: B008 it is frozen
    force: bool = False,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Tune the embedder to a customer's own parts.

    Args:
        customer: Who the customer is, which model learns, and where their catalogue lives.
        course: How long and how hard it learns.
        limits: How much this run may take; the number of files does not matter here.
        force: Go live also when less is found than before.
        dry_run: Only say how long it would take.
    """
    who = customer.settings
    if force:
        who = who.model_copy(update={"release": who.release.model_copy(update={"tolerance": 1.0})})
    with (
        alone(customer),
        progress() as shown,
        opened(who, customer.catalogue.catalogue(), course, home(), limits.processes, shown) as work,
    ):
        ahead = result(look_ahead(work, return_state=True))
        _show(who.slug, ahead["seconds"], "Seconds that it will take.")
        if dry_run:
            return saying(f"It would take about {ahead['seconds']['total'] / 60:.0f} minutes.", ahead)
        switching = work.switching(tuned(work, customer, limits.processes))
        embedded(switching.filling, customer)
        found = _judged(work, switching)
        return saying(f"{found['vectors']} vectors of {found['model']}, live.", found)


def _judged(work: Adaptation, switching: Reembedding) -> dict[str, Any]:
    """The summary of a run, once its page shows it: also that of one that was refused."""
    try:
        found = judge(work, switching)
    except RefusedError as error:
        _figures(error.summary, "What the switch would give: it was refused.")
        raise
    _figures(found, "What the switch gives.")
    return found


def _figures(found: dict[str, Any], description: str) -> None:
    slug, both = found["customer"], found["figures"]["compared"]
    if both:
        rows = [{"what": f"recall@1 {when}", "value": f"{100 * both[when]:.1f} %"} for when in ("before", "after")]
        table(f"{slug}-adapt", rows, description)
    _show(slug, found["seconds"], "Seconds that it took.")


def _show(slug: str, seconds: dict[str, float], description: str) -> None:
    table(f"{slug}-adapt-seconds", [{"what": what, "seconds": spent} for what, spent in seconds.items()], description)


titled(adapt)
