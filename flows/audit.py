"""A customer's tables held against what they should hold; and mended, where that is wanted.

    every row of every table, every picture, mesh and vector -> what is not as it should be
    -> with repair: rows that go, marks for the next onboarding, vectors made again -> look again -> searches read it

Stopped anywhere, searches read what they read before. What needs the CAD, the next onboarding makes again.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from prefect import flow, task

from blocks.collection import CustomerBlock
from flows.form import titled
from flows.page import saying, table
from flows.patience import patiently
from flows.place import alone
from flows.unkept import unkept
from tasks.audit.work import Audit

if TYPE_CHECKING:
    from blocks.catalogue import Catalogue
    from blocks.customer import Customer


@task(task_run_name="look", **patiently)
def look(work: Audit) -> int:
    """Look at everything; returns how much is not as it should be."""
    return len(work.look())


@task(task_run_name="repair", **patiently)
def repaired(work: Audit) -> int:
    """Mend what can be mended and look again; returns how much is left."""
    return len(work.repair())


@flow(name="audit", flow_run_name="{customer.slug}", **unkept)
def audit(customer: CustomerBlock, repair: bool = False) -> dict[str, Any]:
    """Compare a customer's tables with what they should hold.

    Args:
        customer: Who the customer is, and where their catalogue lives.
        repair: Mend what can be mended; what needs the CAD is marked, and the next onboarding makes it again.
    """
    with (
        alone(customer, only_looks=not repair),
        closing(Audit(customer.settings, customer.catalogue.catalogue())) as work,
    ):
        if look(work) and repair:
            repaired(work)
        found = work.summary()
        for what in ("first", "mended"):
            table(f"{customer.slug}-audit-{what}", found[what], "What was mended." if what == "mended" else "Findings.")
        return saying(sentence(found), found)


def audited(customer: Customer, catalogue: Catalogue, *, repair: bool) -> dict[str, Any]:
    """The same steps from the command line, for which no server has to be started."""
    with closing(Audit(customer, catalogue)) as work:
        if work.look() and repair:
            work.repair()
        return work.summary()


def sentence(found: dict[str, Any]) -> str:
    """What came of an audit, in a sentence."""
    left, mended = sum(found["findings"].values()), sum(found["repaired"].values())
    rows = sum(count or 0 for count in found["rows"].values())
    said = f"{rows} rows are as they should be" if not left else f"{left} findings in {rows} rows"
    if mended:
        said += f", {mended} were mended"
    waiting = found["waiting"]["parts"] + found["waiting"]["files"]
    if waiting:
        said += f", {waiting} parts and files wait for the next onboarding"
    return f"{said}."


titled(audit)
