"""The part of onboarding that wants a GPU: variants of the views that stand in the tables.

    which views lack variants? -> for each batch: diffuse, judge, try again more gently, embed, commit

It runs inside `onboard` on one machine, or in the work pool that the customer's file names: one run for each large
batch. The tables carry the data; a worker that dies loses the batch that it was at, and another one makes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect import flow, task

from blocks.collection import CustomerBlock
from blocks.customer import Recipe
from flows.elsewhere import elsewhere, reporting
from flows.form import titled
from flows.page import progress
from flows.patience import patiently
from flows.place import gpu, in_pool, ours
from flows.unkept import unkept
from tasks.augmentation import Augmentation, opened, prepared
from tasks.tuning.shelf import tuned

if TYPE_CHECKING:
    from collections.abc import Sequence


@task(task_run_name="make variants", **patiently)
def make_variants(work: Augmentation, batch: Sequence[str]) -> int:
    """Make the variants of a batch of views and commit them; returns how many were accepted."""
    with gpu(work.customer, "augment"):
        return work.make(batch)


@flow(name="augment", flow_run_name="{customer.slug} {share} of {shares}", **unkept)
def augment(
    customer: CustomerBlock,
    recipe: Recipe = Recipe(),  # noqa: B008 it is frozen
    run: str = "",
    share: int = 0,
    shares: int = 1,
) -> dict[str, Any]:
    """Make the variants that a customer's views lack, with the stages in their file.

    Args:
        customer: Who the customer is, which stages make the variants, and where their catalogue lives.
        recipe: What the run makes that waits for this; where nothing is said, what the customer's file says.
        run: Run that the variants are counted for; empty for none.
        share: Which share of the work this run takes, from 0.
        shares: Into how many shares the work is divided.
    """
    ours(customer)
    who = customer.settings
    if recipe.model_fields_set:
        who = who.model_copy(update={"recipe": recipe})
    catalogue = customer.catalogue.catalogue()
    with opened(tuned(who, catalogue), catalogue, run, share, shares) as work, progress() as shown:
        work.progress = shown or work.progress
        for batch in work.batches():
            make_variants(work, batch)
        summary = work.summary()
        return reporting(f"{summary['accepted']} of {summary['made']} variants accepted.", summary)


def augmented(work: Augmentation, customer: CustomerBlock) -> None:
    """Run `augment` for all that `work` lacks, here or in the customer's pool, and wait for it."""
    lacking = len(work.lacking())
    if not lacking:
        return
    pools = work.customer.pools
    if not in_pool(work.customer, "augment"):
        with prepared(work):  # the flow goes on with what is open already
            augment(customer, run=work.run)
        return
    shares = -(-lacking // pools.views)
    given = {"customer": customer.reference(), "recipe": work.customer.recipe.model_dump(mode="json"), "run": work.run}
    for told in elsewhere("augment", work.customer.slug, given, shares):
        work.tell(told.get("notes", ()))


titled(augment)
