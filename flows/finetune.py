"""Tune Stable Diffusion to what a customer's own photographs look like, and use the result only if it is no worse.

    photographs of the catalogue, or of a folder, and renders beside them
    -> an adapter (LoRA) learns from them, a rare word for the look of each family
    -> the same views and seeds without and with it: what does the gate accept, which part do the pictures find?
    -> into use, or aside with both figures and the reason

Stopped anywhere and started again, it goes on from its last checkpoint. The next `onboard` makes pictures with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect import flow, task

from blocks.collection import CustomerBlock
from flows.form import titled
from flows.page import progress, saying
from flows.patience import patiently
from flows.place import alone, home
from flows.unkept import unkept
from tasks.diffusion.finetuning import opened
from tasks.diffusion.lora import Tuning

if TYPE_CHECKING:
    from tasks.diffusion.finetuning import FineTuning


@task(task_run_name="learn up to step {until}", **patiently)
def learn(work: FineTuning, until: int) -> int:
    """Learn up to a step and write a checkpoint; returns the step."""
    return work.learn(until)


@task(task_run_name="try it", **patiently)
def judge(work: FineTuning) -> dict[str, Any]:
    """Make pictures without the adapter and with it, and put it where it belongs."""
    return work.finish()


@flow(name="finetune", flow_run_name="{customer.slug}", **unkept)
def finetune(customer: CustomerBlock, photos: str = "", tuning: Tuning = Tuning()) -> dict[str, Any]:  # noqa: B008 it is frozen
    """Tune the model that makes a customer's pictures to their own photographs.

    Args:
        customer: Who the customer is, with which settings their pictures are made, and where their catalogue lives.
        photos: Folder or CSV of photographs whose part is known; empty takes those of the catalogue.
        tuning: How long and how hard to train.
    """
    catalogue = customer.catalogue.catalogue()
    with (
        alone(customer),
        progress() as shown,
        opened(customer.settings, catalogue, photos, home(), tuning, shown) as work,
    ):
        for until in work.stretches():
            learn(work, until)
        found = judge(work)
        return saying(f"The adapter is {'in use' if found['used'] else 'aside'}. {found['reason']}".strip(), found)


titled(finetune)
