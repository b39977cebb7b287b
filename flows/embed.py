"""The part of onboarding that turns pictures into vectors: from pictures that stand in the tables.

    which accepted pictures have no vector of this model? -> for each batch: embed, commit

It runs inside `onboard` and `reembed`, or in the work pool that the customer's file names. The tables carry the data; a
worker that dies loses the batch that it was at, and another one makes it.
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
from tasks.tuning.shelf import tuned
from tasks.vectors import Filling

if TYPE_CHECKING:
    from collections.abc import Sequence


@task(task_run_name="embed pictures", **patiently)
def embed_pictures(work: Filling, batch: Sequence[str]) -> int:
    """Embed a batch of pictures and commit the vectors; returns how many there are now."""
    with gpu(work.customer, "embed"):
        return work.make(batch)


@flow(name="embed", flow_run_name="{customer.slug} {share} of {shares}", **unkept)
def embed(
    customer: CustomerBlock,
    recipe: Recipe = Recipe(),  # noqa: B008 it is frozen
    live: bool = False,
    share: int = 0,
    shares: int = 1,
) -> dict[str, Any]:
    """Turn those of a customer's pictures into vectors that have none of the model yet.

    Args:
        customer: Who the customer is, which model makes the vectors, and where their catalogue lives.
        recipe: What the run makes that waits for this; where nothing is said, what the customer's file says.
        live: Whether it is for the pictures that searches read; without it, for the newest ones.
        share: Which share of the work this run takes, from 0.
        shares: Into how many shares the work is divided.
    """
    ours(customer)
    who = customer.settings
    if recipe.model_fields_set:
        who = who.model_copy(update={"recipe": recipe})
    catalogue = customer.catalogue.catalogue()
    work = Filling(tuned(who, catalogue), catalogue, live=live, share=share, shares=shares)
    with progress() as shown:
        work.progress = shown or work.progress
        for batch in work.batches():
            embed_pictures(work, batch)
        summary = work.summary()
        return reporting(f"{summary['vectors']} vectors made.", summary)


def embedded(work: Filling, customer: CustomerBlock) -> int:
    """Make all vectors that `work` lacks, here or in the customer's pool; returns how many there are more now."""
    lacking = len(work.lacking())
    if not lacking:
        return 0
    if not in_pool(work.customer, "embed"):
        return sum(embed_pictures(work, batch) for batch in work.batches())
    pools = work.customer.pools
    work.ready()
    # embedding is quick beside the start of a run: no more runs than there are GPUs
    shares = min(pools.slots, -(-lacking // pools.views))
    recipe = work.customer.recipe.model_dump(mode="json")
    given = {"customer": customer.reference(), "recipe": recipe, "live": work.live}
    return sum(told.get("vectors", 0) for told in elsewhere("embed", customer.slug, given, shares))


titled(embed)
