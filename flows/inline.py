"""Run a flow from the command line: at once, in this process, and without Prefect where it has nothing to add."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, Any

from blocks.source import Source
from tasks import inquiry, reembedding
from tasks.diffusion import finetuning
from tasks.job import Job, opened, prepared
from tasks.tuning import work as tuning

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer, Embed
    from tasks.diffusion.lora import Tuning
    from tasks.progress import Progress
    from tasks.tuning.course import Course


def run_onboard(
    customer: Customer,
    catalogue: Catalogue,
    *,
    source: str = "",
    limit: int | None = None,
    progress: Progress,
    home: Path,
    workers: int = 0,
) -> dict[str, Any]:
    """Onboard a customer and return the summary; without a Prefect server, a temporary one is used.

    Raises ValueError with a sentence when the run is not usable.
    """
    where = Source(location=source) if source else None
    with opened(customer, catalogue, where, limit, home, workers, progress) as job:
        if job.nothing_to_do():
            return job.rest()
        # the model takes seconds to load, and so does Prefect's temporary server: both at once
        Thread(target=job.warm_up, daemon=True).start()
        return _flow(job)


def _flow(job: Job) -> dict[str, Any]:
    from blocks.collection import CatalogueBlock, CustomerBlock
    from flows.onboard import onboard

    customer = CustomerBlock(settings=job.customer, catalogue=CatalogueBlock(uri=job.catalogue.uri))
    with prepared(job):  # the flow goes on with the source that is open already
        summary: dict[str, Any] = onboard(customer)
    return summary


def run_evaluate(
    customer: Customer,
    catalogue: Catalogue,
    *,
    photos: str = "",
    progress: Progress,
    home: Path,
    workers: int = 0,
) -> dict[str, Any]:
    """Measure a catalogue and return the figures: the steps of the flow, for which no server has to be started.

    Raises ValueError with a sentence when there is nothing to measure.
    """
    with inquiry.opened(customer, catalogue, photos, home, workers, progress) as asked:
        if asked.lacking:
            Thread(target=asked.warm_up, daemon=True).start()
        for batch in asked.batches():
            asked.make(batch)
        return asked.finish()


def run_reembed(
    customer: Customer, catalogue: Catalogue, *, embed: Embed, progress: Progress, home: Path, workers: int = 0
) -> dict[str, Any]:
    """Give a customer's pictures the vectors of another model and return the summary: the steps of the flow, here.

    Raises ValueError with a sentence when nothing is live, or when less would be found.
    """
    with reembedding.opened(customer, catalogue, embed, home, workers, progress) as work:
        if work.nothing_to_do():
            return work.rest()
        for batch in work.filling.batches():
            work.filling.make(batch)
        return work.finish()


def run_finetune(
    customer: Customer, catalogue: Catalogue, *, photos: str = "", progress: Progress, home: Path, tuning: Tuning
) -> dict[str, Any]:
    """Tune the diffusion model to a customer's photographs and return the figures: the steps of the flow.

    Raises ValueError with a sentence when there is nothing to learn from, to tune, or to judge by.
    """
    with finetuning.opened(customer, catalogue, photos, home, tuning, progress) as work:
        for until in work.stretches():
            work.learn(until)
        return work.finish()


def run_adapt(
    customer: Customer,
    catalogue: Catalogue,
    *,
    course: Course,
    told: Callable[[dict[str, Any]], bool],
    progress: Progress,
    home: Path,
    workers: int = 0,
) -> dict[str, Any]:
    """Tune the embedder to a customer's own parts and return the summary: the steps of the flow, here.

    `told` hears beforehand how long it will take, and says whether to go on; where not, that is all that is returned.
    Raises ValueError with a sentence when there is nothing to learn, or when less would be found.
    """
    with tuning.opened(customer, catalogue, course, home, workers, progress) as work:
        ahead = work.outlook()
        if not told(ahead):
            return ahead
        digest = work.waiting()
        if not digest:
            work.render()
            for until in work.stretches():
                work.learn(until)
            digest = work.keep()
        switching = work.switching(digest)
        for batch in switching.filling.batches():
            switching.filling.make(batch)
        return work.finish(switching)
