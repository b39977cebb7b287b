"""Whose run this is: one at a time for a customer, with their own source, on a machine with a folder for reports."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prefect import runtime
from prefect.concurrency.sync import concurrency

from flows.page import deployed
from tasks import owner
from tasks.making import on_gpu

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blocks.collection import CustomerBlock, SourceBlock
    from blocks.customer import Customer

LEASE: Final = 120.0  # seconds after which a dead run no longer stands in the way of the next


def home() -> Path:
    """The folder of this machine that holds reports and adapters: PARTSIGHT_HOME."""
    return Path(os.environ.get("PARTSIGHT_HOME") or ".partsight").absolute()


def limit(slug: str) -> str:
    """Name of the limit that keeps the runs of a customer one after another."""
    return f"partsight-customer-{slug}"


def slots(pool: str) -> str:
    """Name of the limit that gives each GPU of a pool one batch at a time."""
    return f"partsight-gpu-{pool}"


def in_pool(customer: Customer, what: str) -> bool:
    """Whether `what` (augment, embed) is done in the pool with the GPUs; the command line does all itself."""
    return deployed() and on_gpu(customer, what)


@contextmanager
def gpu(customer: Customer, what: str) -> Iterator[None]:
    """Have a GPU to oneself inside the `with` block, where `what` is done in the pool that has them.

    One batch on each GPU, however many runs share it; `deploy` makes the limit, and without it nothing is begun.
    """
    if not in_pool(customer, what):
        yield
        return
    with concurrency(slots(customer.pools.gpu), strict=True, lease_duration=LEASE):
        yield


def ours(customer: CustomerBlock, source: SourceBlock | None = None, *, only_looks: bool = False) -> None:
    """Raise ValueError where customer, source, catalogue and deployment are not one customer's.

    So it does where a damaged catalogue cannot say whose it is, unless the run `only_looks`.
    """
    slug = customer.slug
    name: Any = runtime.deployment.name if deployed() else slug
    if name != slug:
        raise ValueError(f"This is the deployment of {name}: start that of {slug} for {slug}.")
    try:
        owner.owner(customer.catalogue.catalogue())
    except (RuntimeError, ValueError, OSError) as error:
        if not only_looks:
            what = f"The catalogue of {slug} does not say whose it is, since its runs cannot be read"
            raise ValueError(f"{what}: look with an audit that repairs nothing.") from error
    else:
        owner.check(customer.catalogue.catalogue(), slug)
    if source is None or not source.location:
        return
    if source.customer and source.customer != slug:
        raise ValueError(f"This source is that of {source.customer}; it cannot be onboarded for {slug}.")
    if deployed() and not source.customer:
        raise ValueError(f"This source does not say whose it is: write {slug} into the field customer of its block.")


@contextmanager
def alone(customer: CustomerBlock, source: SourceBlock | None = None, *, only_looks: bool = False) -> Iterator[None]:
    """Wait until no other run of this customer works, and keep others waiting inside the `with` block.

    Raises ValueError where customer, source and deployment are not one customer's, as `ours` does.
    """
    ours(customer, source, only_looks=only_looks)
    if not deployed():
        yield
        return
    with concurrency(limit(customer.slug), strict=True, lease_duration=LEASE):
        yield
