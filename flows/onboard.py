"""A customer's CAD files -> a searchable catalogue: the main job.

    scan the source -> read what is new (in the sandbox) -> which parts are there now?
    -> for each batch of parts that need it: render, augment, judge, embed, commit
    -> where a stage wants a GPU: the flow `augment`, here or where a GPU is
    -> index, report, and the row that makes it live

Nothing is passed between tasks but numbers: the tables carry the data. So a run that was stopped
anywhere is continued by the next one, which does what is missing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import flow, runtime, task
from prefect.futures import wait
from prefect.task_runners import ThreadPoolTaskRunner

from blocks.catalogue import Catalogue
from blocks.customer import Customer
from flows.augment import augmented
from flows.patience import patiently
from tasks.job import Job, opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.ingest import Found
    from tasks.records import Part


def batch_name() -> str:
    """What a task run is called: what it does, and which batch it does it with."""
    of, parameters = runtime.task_run.task_name, runtime.task_run.parameters
    names = [getattr(one, "name", "") or one.number for one in parameters["batch"]]
    return f"{of.replace('_', ' ')}: {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")


@task(task_run_name=batch_name, **patiently)
def read_files(job: Job, batch: Sequence[Found]) -> int:
    """Read a batch of files in the sandbox and commit what was found; returns how many can be used."""
    return job.read(batch)


@task(task_run_name="find parts", **patiently)
def find_parts(job: Job) -> int:
    """Find out which parts there are and what each of them lacks; returns how many need work."""
    return job.find_parts()


@task(task_run_name=batch_name, **patiently)
def make_parts(job: Job, batch: Sequence[Part]) -> int:
    """Render, augment, judge, embed and commit a batch of parts; returns how many vectors that gave."""
    return job.make(batch)


@task(task_run_name="finish", **patiently)
def finish(job: Job) -> dict[str, Any]:
    """Retire what left, bring the indices up to date, write the report, go live."""
    return job.finish()


@flow(
    name="onboard",
    flow_run_name="{customer.slug}",
    # three batches at once: one renders, one is embedded, one waits ready
    task_runner=ThreadPoolTaskRunner(max_workers=3),  # type: ignore[arg-type]
)
def onboard(
    customer: Customer,
    catalogue: Catalogue,
    source: str = "",
    limit: int | None = None,
    home: Path = Path(".partsight"),
    workers: int = 0,
) -> dict[str, Any]:
    """Turn a customer's CAD files into a searchable catalogue.

    Args:
        customer: Who the customer is and what is made of their parts.
        catalogue: Where the customer's tables live.
        source: Folder, archive or URL with the CAD; empty takes the one in the customer's file.
        limit: Most files to read in this run, CAD first; the others wait for the next one. Empty reads all.
        home: Folder that holds the reports.
        workers: Processes that render, one a core; 0 takes as many as there are cores.
    """
    with opened(customer, catalogue, source, limit, home, workers) as job:
        for files in job.file_batches():
            read_files(job, files)
        find_parts(job)
        made = [make_parts.submit(job, parts) for parts in job.part_batches()]
        wait(made)
        for batch in made:
            batch.result()  # what failed after its retries fails the run, when the other batches are done
        augmented(job.augmentation)
        return finish(job)
