"""The same pictures with another model: a new table of vectors, measured, then switched to.

    which pictures that searches read have no vector of this model? -> for each batch: embed, commit
    -> ask both models the same pictures -> report, and the row that makes the new vectors live

Searches go on against the old vectors. A run that was stopped anywhere is continued by the next one.
"""

from __future__ import annotations

from typing import Any

from prefect import flow, task

from blocks.collection import CustomerBlock, ModelBlock
from flows.embed import embedded
from flows.form import Limits, titled
from flows.page import progress, saying, table
from flows.patience import patiently
from flows.place import alone, home
from flows.unkept import unkept
from tasks.reembedding import Reembedding, opened
from tasks.release import RefusedError


@task(task_run_name="switch", **patiently)
def switch(work: Reembedding) -> dict[str, Any]:
    """Measure both models, write the report, and make the new vectors live."""
    return work.finish()


@flow(name="reembed", flow_run_name="{customer.slug}", **unkept)
def reembed(
    customer: CustomerBlock,
    model: ModelBlock = ModelBlock(model=""),  # noqa: B008 nothing changes it
    limits: Limits = Limits(),  # noqa: B008 it is frozen
    force: bool = False,
) -> dict[str, Any]:
    """Give a customer's pictures the vectors of another model.

    Args:
        customer: Who the customer is, and where their catalogue lives.
        model: Which model; none takes that of the customer's file.
        limits: How much this run may take; the number of files does not matter here.
        force: Go live also when less is found than before.
    """
    who = customer.settings
    embed = model.embed() if model.model else who.recipe.embed
    if force:
        who = who.model_copy(update={"release": who.release.model_copy(update={"tolerance": 1.0})})
    with (
        alone(customer),
        progress() as shown,
        opened(who, customer.catalogue.catalogue(), embed, home(), limits.processes, shown) as work,
    ):
        if work.nothing_to_do():
            return saying(f"{embed.model} is live already.", work.rest())
        work.tally.add({"vectors": embedded(work.filling, customer)})
        found = _switched(work)
        return saying(f"{found['vectors']} vectors of {found['model']}, live.", found)


def _switched(work: Reembedding) -> dict[str, Any]:
    """The summary of a run, once its page shows it: also that of one that was refused."""
    try:
        found = switch(work)
    except RefusedError as error:
        _show(error.summary, "What the switch would give: it was refused.")
        raise
    _show(found, "What the switch gives.")
    return found


def _show(found: dict[str, Any], description: str) -> None:
    rows = [{"what": f"recall@{k}", "value": f"{100 * v:.1f} %"} for k, v in (found["recall"] or {}).items()]
    table(f"{found['customer']}-reembed", [{"what": "vectors", "value": found["vectors"]}, *rows], description)


titled(reembed)
