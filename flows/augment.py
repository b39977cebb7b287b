"""The part of onboarding that wants a GPU: variants of the views that stand in the tables.

    which views lack variants? -> for each batch: diffuse, judge, try again more gently, embed, commit

It runs inside `onboard` on one machine, or in the work pool that the customer's file names: one run for each large
batch. The tables carry the data; a worker that dies loses the batch that it was at, and another one makes it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from prefect import flow, task
from prefect.concurrency.sync import concurrency
from prefect.states import Completed

from blocks.catalogue import Catalogue
from blocks.customer import Customer
from flows.patience import patiently
from tasks.augmentation import Augmentation, opened, prepared

if TYPE_CHECKING:
    from collections.abc import Sequence


@task(task_run_name="make variants", **patiently)
def make_variants(work: Augmentation, batch: Sequence[str]) -> int:
    """Make the variants of a batch of views and commit them; returns how many were accepted."""
    pool = work.customer.pools.gpu
    if not pool:
        return work.make(batch)
    # one batch on each GPU, however many runs share it; `deploy` makes the limit, and without it nothing is begun
    with concurrency(f"partsight-gpu-{pool}", strict=True):
        return work.make(batch)


@flow(name="augment", flow_run_name="{customer.slug}")
def augment(customer: Customer, catalogue: Catalogue, run: str = "", share: int = 0, shares: int = 1) -> Any:
    """Make the variants that a customer's views lack, with the stages in their file.

    Args:
        customer: Who the customer is and which stages make the variants.
        catalogue: Where the customer's tables live.
        run: Run that the variants are counted for; empty for none.
        share: Which share of the work this run takes, from 0.
        shares: Into how many shares the work is divided.
    """
    with opened(customer, catalogue, run, share, shares) as work:
        for batch in work.batches():
            make_variants(work, batch)
        summary = work.summary()
        # who waits for it elsewhere reads it from the state: results stay on the worker's disk
        return Completed(message=json.dumps(summary), data=summary)


def augmented(work: Augmentation) -> None:
    """Run `augment` for all that `work` lacks, here or in the customer's pool, and wait for it."""
    lacking = len(work.lacking())
    if not lacking:
        return
    pools = work.customer.pools
    if not pools.gpu:
        with prepared(work):  # the flow goes on with what is open already
            augment(work.customer, work.catalogue, work.run)
        return
    shares = -(-lacking // pools.views)
    for run in [in_the_pool.submit(work, share, shares) for share in range(shares)]:
        work.tell(run.result())


@task(task_run_name="augment in the pool, {share} of {shares}", **patiently)
def in_the_pool(work: Augmentation, share: int, shares: int) -> list[str]:
    """Start a run of the deployment of `augment` and wait for its end; returns its notes.

    Credentials are never sent along: a worker has those of the bucket in its own environment. Raises RuntimeError when
    the run did not end well.
    """
    from prefect.deployments import run_deployment

    customer, where = work.customer, work.catalogue
    run: Any = run_deployment(
        f"augment/{customer.slug}",
        parameters={
            "customer": customer.model_dump(mode="json"),
            "catalogue": {"uri": where.uri},
            "run": work.run,
            "share": share,
            "shares": shares,
        },
    )
    if run.state is None or not run.state.is_completed():
        raise RuntimeError(f"The run {run.name} in the pool {customer.pools.gpu} ended as {run.state_name}.")
    told = json.loads(run.state.message or "{}")
    return list(told.get("notes", ()))
