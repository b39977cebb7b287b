"""A part taken out of everything that is kept of a customer, with a receipt; and what their retention says is due.

    which parts? those that are named, else the retired ones that were kept long enough
    -> tables written anew without them -> searches switched to these -> old versions, reports, exports removed
    -> the raw storage looked through -> receipt

Stopped anywhere, the next run goes on. A customer as a whole is forgotten from the command line alone: nobody should be
able to do that by a slip in a form.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from prefect import flow, runtime, task

from blocks.collection import CustomerBlock
from flows import history
from flows.form import titled
from flows.page import deployed, saying, table
from flows.patience import patiently
from flows.place import alone, home
from flows.unkept import unkept
from tasks.forget import receipts, retention
from tasks.forget.work import WEIGHTS, Forgetting, is_stopped, settled

if TYPE_CHECKING:
    from pathlib import Path

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer

RETAINED: Final = "the customer's retention"
ASKED: Final = "a person"
ITSELF: Final = "This run itself names the parts in its parameters: the next run of forget removes it."
EVENTS: Final = "Prefect's own database keeps events for some days more, and its files were not looked through."


@task(task_run_name="fall back", **patiently)
def fall_back(work: Forgetting, processes: int) -> bool:
    """Let searches read the model as it ships, where they read one that learned from the customer's parts."""
    return work.fall_back(processes)


@task(task_run_name="rewrite", **patiently)
def rewrite(work: Forgetting) -> None:
    """Write the tables without the parts, and let searches read these."""
    work.switch(work.rewrite())


@task(task_run_name="clean", **patiently)
def clean(work: Forgetting) -> None:
    """Remove old versions, and what lies beside the tables; write the report of what is live again."""
    work.clean()
    work.report()


@task(task_run_name="look", **patiently)
def verify(work: Forgetting) -> int:
    """Look through the raw storage; returns how much was found."""
    return len(work.verify().left)


@flow(name="forget", flow_run_name="{customer.slug}", **unkept)
def forget(
    customer: CustomerBlock,
    parts: list[str] = [],  # noqa: B006 the form shows it
    may_return: bool = False,
    processes: int = 0,
) -> dict[str, Any]:
    """Remove parts of a customer everywhere, with a receipt; where none are named, what their retention says is due.

    Args:
        customer: Who the customer is, what is kept for how long, and where their catalogue lives.
        parts: Numbers of the parts to forget; none looks after the customer's retention.
        may_return: Let the next onboarding bring the parts back, where they are still in the customer's CAD.
        processes: Processes that work where the model has to be changed; 0 takes one for each core.
    """
    with alone(customer):
        found = forgotten(
            customer.settings,
            customer.catalogue.catalogue(),
            home(),
            parts,
            may_return=may_return,
            processes=processes,
        )
    rows = [{"table": name, **counts} for name, counts in found["tables"].items()]
    table(f"{customer.slug}-forgotten", rows, "Rows before and after.")
    return saying(_sentence(found), found)


def forgotten(
    customer: Customer,
    catalogue: Catalogue,
    here: Path,
    parts: list[str],
    *,
    may_return: bool = False,
    processes: int = 0,
    grace: float | None = None,
) -> dict[str, Any]:
    """Forget parts, or go on with it, or do what retention says; returns the receipt with what else was done.

    Raises ValueError with a sentence where a run of the customer is under way: nothing was changed then.
    """
    applied: dict[str, int] = {}
    last = settled(customer, catalogue, here)
    if last and parts and all(last.is_about(number) for number in parts):
        return receipts.told(last)
    if history.is_there():
        history.refuse(customer.slug)
    why = ASKED if parts else RETAINED
    if not parts and not is_stopped(catalogue):
        applied = retention.applied(catalogue, customer, here)
        parts, may_return = retention.due(catalogue, customer), True  # a person asked for none of it
        before = datetime.now(UTC) - timedelta(days=customer.retention.history_days)
        applied |= _history(customer.slug, before)
        if not parts:
            return (receipts.told(last) if last else {"customer": customer.slug, "parts": 0, "tables": {}}) | {
                "retention": applied
            }
    extra = {} if grace is None else {"grace": grace}
    work = Forgetting(customer, catalogue, parts, here, why=why, may_return=may_return, **extra)
    notes = [WEIGHTS] if _step(fall_back)(work, processes) else []
    _step(rewrite)(work)
    _step(clean)(work)
    gone = history.Removed()
    if history.is_there():
        gone = history.removed(customer.slug, but=str(runtime.flow_run.id or ""))
        notes += [ITSELF, EVENTS] if deployed() else [EVENTS]
    history.results(work.traces)
    _step(verify)(work)
    return receipts.told(work.finish(notes)) | {"retention": applied, "history": gone.model_dump()}


def _step(one: Any) -> Any:
    """A step of the flow; the command line does it without Prefect."""
    return one if runtime.flow_run.id else one.fn


def _history(slug: str, before: datetime) -> dict[str, int]:
    """Remove what Prefect keeps for longer than the customer wants, where a server runs us."""
    if not deployed():
        return {}
    gone = history.removed(slug, before=before, but=str(runtime.flow_run.id))
    return {"runs on the server": gone.runs, "artifacts": gone.artifacts}


def _sentence(found: dict[str, Any]) -> str:
    if not found["parts"]:
        return "Nothing was due to be forgotten."
    count = "1 part is" if found["parts"] == 1 else f"{found['parts']} parts are"
    return f"{count} forgotten: {found['objects']} objects were looked through, and nothing was left."


titled(forget)
