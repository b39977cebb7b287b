"""A customer's CAD files -> a searchable catalogue: the main job.

    scan the source; where all is as it was when a run went live, that is all
    -> read what is new (in the sandbox) -> which parts are there now?
    -> for each batch of parts that need it: render, augment, judge, embed, commit; here, or in shares on other workers
    -> where embedding wants a GPU: the flow `embed`, where a GPU is
    -> where a stage wants a GPU: the flow `augment`, here or where a GPU is
    -> for each batch of parts whose shape has none: templates, commit
    -> index, report, and the row that makes it live

Nothing is passed between tasks but numbers: the tables carry the data. So a run that was stopped
anywhere is continued by the next one, which does what is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner

from blocks.collection import CustomerBlock, SourceBlock
from flows.augment import augmented
from flows.embed import embedded
from flows.form import Limits, StageName, StageSettings, chosen, titled
from flows.make import batch_name, made
from flows.page import deployed, progress, result, saying, show, table
from flows.patience import patiently
from flows.place import alone, home
from flows.unkept import unkept
from tasks.job import Job, opened
from tasks.release import RefusedError
from tasks.report import brief

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.ingest import Found


@task(task_run_name=batch_name, **patiently)
def read_files(job: Job, batch: Sequence[Found]) -> int:
    """Read a batch of files in the sandbox and commit what was found; returns how many can be used."""
    good = job.read(batch)
    return saying(f"{good} of {len(batch)} files can be used.", good)


@task(task_run_name="find parts", **patiently)
def find_parts(job: Job) -> int:
    """Find out which parts there are and what each of them lacks; returns how many need work."""
    work = job.find_parts()
    return saying(f"{work} parts need work.", work)


@task(task_run_name="outline shapes", **patiently)
def outline(job: Job, batch: Sequence[str]) -> int:
    """Make the shape templates of a batch of parts and commit them; returns how many parts that gave some."""
    made = job.casting.make(batch)
    return saying(f"{made} of {len(batch)} parts have templates now.", made)


@task(task_run_name="look for changes", **patiently)
def rest(job: Job) -> dict[str, Any]:
    """Find out whether anything changed since a run went live; returns the summary where nothing did, or nothing."""
    if not job.nothing_to_do():
        return saying("There is work to do.", {})
    return saying("Nothing has changed.", job.rest())


@task(task_run_name="finish", **patiently)
def finish(job: Job) -> dict[str, Any]:
    """Retire what left, bring the indices up to date, write the report, go live."""
    return job.finish()


@flow(
    name="onboard",
    flow_run_name="{customer.slug}",
    # three batches at once: one renders, one is embedded, one waits ready
    task_runner=ThreadPoolTaskRunner(max_workers=3),  # type: ignore[arg-type]
    **unkept,
)
def onboard(
    customer: CustomerBlock,
    source: SourceBlock = SourceBlock(location=""),  # noqa: B008 nothing changes it
    stages: list[StageName] = [],  # noqa: B006 the form shows it
    settings: StageSettings = StageSettings(),  # noqa: B008
    limits: Limits = Limits(),  # noqa: B008
    dry_run: bool = False,
    force: bool = False,
) -> dict[str, Any]:
    """Turn a customer's CAD files into a searchable catalogue.

    Args:
        customer: Who the customer is, what is made of their parts, and where their catalogue lives.
        source: Where the CAD is; none takes the source in the customer's file.
        stages: What makes the renders look like photographs, in the order of choosing; none are those of the file.
        settings: Settings of the stages; those of a stage that is not chosen do not matter.
        limits: How much this run may do, and take.
        dry_run: Only look, and say what would be done.
        force: Go live also when less is found than before.
    """
    who = chosen(customer.settings, stages, settings, force=force)
    catalogue = customer.catalogue.catalogue()
    with (
        alone(customer, source),
        progress() as shown,
        opened(who, catalogue, source.source(), limits.files or None, home(), limits.processes, shown) as job,
    ):
        if dry_run:
            return _looked(job.outlook())
        # the command line has looked before it starts a flow
        if deployed() and (summary := result(rest(job, return_state=True))):
            show(who.slug, summary, catalogue)
            return saying(f"Nothing has changed: {brief.sentence(summary)}", summary)
        for files in job.file_batches():
            read_files(job, files)
        find_parts(job)
        made(job, customer, limits.processes)
        job.tally.add({"vectors": embedded(job.filling, customer)})
        augmented(job.augmentation, customer)
        for shapes in job.shape_batches():
            outline(job, shapes)
        summary = _finished(job)
        return saying(brief.sentence(summary), summary)


def _finished(job: Job) -> dict[str, Any]:
    """The summary of a run, once its page shows it: also that of one that was refused."""
    slug = job.customer.slug
    try:
        summary = finish(job)
    except RefusedError as error:
        show(slug, error.summary, job.catalogue)
        raise
    show(slug, summary, job.catalogue)
    return summary


def _looked(outlook: dict[str, Any]) -> dict[str, Any]:
    """The end of a run that only looked."""
    files, parts = outlook["files"], outlook["parts"]
    rows = [
        {"what": f"{group}: {name}", "count": n} for group in ("files", "parts") for name, n in outlook[group].items()
    ]
    table(f"{outlook['customer']}-outlook", rows, "What a run would do now.")
    said = f"A run would read {files['read']} files and work on {parts['work']} parts that are known already."
    return saying(said, outlook)


titled(onboard)
