"""Whose run this is: one at a time for a customer, with their own source, on a machine with a folder for reports."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prefect import runtime
from prefect.concurrency.sync import concurrency

from flows.page import deployed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blocks.collection import CustomerBlock, SourceBlock

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


@contextmanager
def alone(customer: CustomerBlock, source: SourceBlock | None = None) -> Iterator[None]:
    """Wait until no other run of this customer works, and keep others waiting inside the `with` block.

    Raises ValueError where customer, source and deployment are not one customer's.
    """
    slug = customer.slug
    if source is not None and source.customer and source.customer != slug:
        raise ValueError(f"This source is that of {source.customer}; it cannot be onboarded for {slug}.")
    if not deployed():
        yield
        return
    name: Any = runtime.deployment.name
    if name != slug:
        raise ValueError(f"This is the deployment of {name}: start that of {slug} for {slug}.")
    with concurrency(limit(slug), strict=True, lease_duration=LEASE):
        yield
