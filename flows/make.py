"""A share of an onboarding that another worker makes: parts that stand in the tables as orders.

    which of the parts that were handed out are mine, and not made?
    -> for each batch: render, augment, judge, embed, commit

`onboard` hands out where the customer's file says that several workers share its parts. The tables carry the data; a
worker that dies loses the batch that it was at, and the share is started again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect import flow, runtime, task
from prefect.futures import wait
from prefect.task_runners import ThreadPoolTaskRunner

from blocks.collection import CustomerBlock
from blocks.customer import Recipe
from flows.elsewhere import elsewhere, reporting
from flows.form import titled
from flows.page import deployed, progress, saying
from flows.patience import patiently
from flows.place import ours
from flows.unkept import unkept
from tasks.shares import Share, opened
from tasks.tuning.shelf import tuned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.job import Job
    from tasks.records import Part


def batch_name() -> str:
    """What a task run is called: what it does, and which batch it does it with."""
    of, parameters = runtime.task_run.task_name, runtime.task_run.parameters
    names = [getattr(one, "name", "") or one.number for one in parameters["batch"]]
    return f"{of.replace('_', ' ')}: {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")


@task(task_run_name=batch_name, **patiently)
def make_parts(work: Job | Share, batch: Sequence[Part]) -> int:
    """Render, augment, judge, embed and commit a batch of parts; returns how many vectors that gave."""
    vectors = work.make(batch)
    return saying(f"{vectors} vectors of {len(batch)} parts.", vectors)


@task(task_run_name="hand out", **patiently)
def hand_out(job: Job) -> None:
    """Write the parts that need work into the tables, for other workers to make."""
    job.hand_out()


@task(task_run_name="take back", **patiently)
def take_back(job: Job, told: Sequence[Mapping[str, Any]]) -> None:
    """Count what the workers made, and make sure that nothing was left."""
    job.take_back(told)


@flow(
    name="make",
    flow_run_name="{customer.slug} {share} of {shares}",
    # three batches at once: one renders, one is embedded, one waits ready
    task_runner=ThreadPoolTaskRunner(max_workers=3),  # type: ignore[arg-type]
    **unkept,
)
def make(
    customer: CustomerBlock,
    recipe: Recipe = Recipe(),  # noqa: B008 it is frozen
    run: str = "",
    share: int = 0,
    shares: int = 1,
    processes: int = 0,
) -> dict[str, Any]:
    """Make the parts that a run of onboarding has handed out to several workers.

    Args:
        customer: Who the customer is, what is made of their parts, and where their catalogue lives.
        recipe: What the run makes that waits for this; where nothing is said, what the customer's file says.
        run: Run that has handed the parts out.
        share: Which share of the work this run takes, from 0.
        shares: Into how many shares the work is divided.
        processes: Processes that render; 0 takes one for each core.
    """
    who = customer.settings
    if recipe.model_fields_set:
        who = who.model_copy(update={"recipe": recipe})
    ours(customer)
    catalogue = customer.catalogue.catalogue()
    with progress() as shown, opened(tuned(who, catalogue), catalogue, run, share, shares, processes) as work:
        work.progress = shown or work.progress
        make_all(work, work.batches())
        summary = work.summary()
        failures = f", {summary['failures']} could not be made" if summary["failures"] else ""
        return reporting(f"{summary['parts']} parts made{failures}.", summary)


def make_all(work: Job | Share, batches: Sequence[Sequence[Part]]) -> None:
    """Make batches of parts, three at a time; what fails after its retries fails the run, when all have ended."""
    made = [make_parts.submit(work, parts) for parts in batches]
    wait(made)
    for batch in made:
        batch.result()


def made(job: Job, customer: CustomerBlock, processes: int) -> None:
    """Make the parts that need it: here, or in shares on the workers of the customer's pool."""
    shares = job.shares() if deployed() else 1
    if shares == 1:
        make_all(job, job.part_batches())
        return
    hand_out(job)
    recipe = job.customer.recipe.model_dump(mode="json")
    given = {"customer": customer.reference(), "recipe": recipe, "run": job.tally.run, "processes": processes}
    take_back(job, list(elsewhere("make", customer.slug, given, shares)))


titled(make)
