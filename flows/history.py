"""What Prefect remembers of a customer: their finished runs, with logs and artifacts, removed through its API."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterName,
    FlowRunFilterTags,
)
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings

from blocks.storage import Storage
from flows.place import LEASE, limit
from tasks.forget import look
from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tasks.forget.traces import Trace

_PAGE: Final = 200
_SOON: Final = 5.0  # seconds that a run in progress may take to end


class Removed(Record):
    """How many runs and artifacts went, and how many runs are not over yet."""

    runs: int = 0
    artifacts: int = 0
    working: int = 0


def is_there() -> bool:
    """Whether there is a server to ask, or the database of those that runs from the command line started."""
    return bool(get_current_settings().api.url) or (Path(get_current_settings().home) / "prefect.db").is_file()


def removed(slug: str, *, before: datetime | None = None, but: str = "") -> Removed:
    """Remove the runs of a customer that are over, and were before then, with their logs and artifacts.

    A run of `forget` names in its parameters what it forgot: it goes whenever it was. The run with the id `but` stays.
    """
    runs = artifacts = working = 0
    with get_client(sync_client=True) as client:
        for one in list(_runs(client, slug)):
            if str(one.id) == but:
                continue
            if one.state is None or not one.state.is_final():
                working += one.state is not None and not one.state.is_scheduled()
                continue
            if before is not None and one.end_time and one.end_time >= before and not one.parameters.get("parts"):
                continue
            artifacts += _without_artifacts(client, one.id)
            client.delete_flow_run(one.id)
            runs += 1
    return Removed(runs=runs, artifacts=artifacts, working=working)


def refuse(slug: str) -> None:
    """Raise ValueError with a sentence where a run of the customer from the command line is under way.

    No limit keeps those waiting, as it does the runs of deployments. One whose process was killed stays so for ever,
    and nobody can tell it from one that works for hours: the sentence says how to take it away.
    """
    with get_client(sync_client=True) as client:
        ours = [one for one in _runs(client, slug) if one.deployment_id is None and one.parent_task_run_id is None]
        found = [str(one.id) for one in ours if one.state and not (one.state.is_final() or one.state.is_scheduled())]
    if found:
        raise ValueError(
            f"A run of '{slug}' from the command line is under way: start this again when it is over. If its process "
            f"was killed, take it away first: prefect flow-run delete {found[0]}."
        )


def _runs(client: Any, slug: str) -> Iterator[Any]:
    """The runs of the customer's deployments, by their tag, and those from the command line, by their name."""
    seen: set[Any] = set()
    ours = FlowFilter(name=FlowFilterName(any_=["onboard"]))  # the one that the command line runs with Prefect
    for chosen, flows in (
        (FlowRunFilter(tags=FlowRunFilterTags(all_=[f"customer:{slug}"])), None),
        (FlowRunFilter(name=FlowRunFilterName(any_=[slug])), ours),
    ):
        offset, more = 0, True
        while more:
            page = client.read_flow_runs(flow_filter=flows, flow_run_filter=chosen, limit=_PAGE, offset=offset)
            for one in page:
                if one.id not in seen and (flows is None or one.deployment_id is None):
                    seen.add(one.id)
                    yield one
            offset, more = offset + _PAGE, len(page) == _PAGE


def _without_artifacts(client: Any, run: Any) -> int:
    """Remove the artifacts of a run; returns how many there were."""
    count = 0
    mine = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
    while found := client.read_artifacts(artifact_filter=mine, limit=_PAGE):
        for one in found:
            client.delete_artifact(one.id)
            count += 1
    return count


def results(traces: Sequence[Trace]) -> int:
    """Remove results that Prefect keeps on this machine where they say what was forgotten; returns how many."""
    there = Storage(root=str(get_current_settings().results.local_storage_path))
    found = {one.where for one in look.raw(there, traces).left}
    for name in found:
        there.remove(name)
    return len(found)


@contextmanager
def apart(slug: str) -> Iterator[None]:
    """Keep the customer's deployed runs waiting inside the `with` block, where there is a server that has any.

    Raises ValueError with a sentence where one of them works now.
    """
    if not get_current_settings().api.url:
        yield
        return
    with get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(limit(slug))
        except ObjectNotFound:
            yield
            return
    with _held(slug):
        yield


@contextmanager
def _held(slug: str) -> Iterator[None]:
    from prefect.concurrency.sync import concurrency

    begun = time.monotonic()
    entered = False
    try:
        with concurrency(limit(slug), strict=True, lease_duration=LEASE, timeout_seconds=_SOON):
            entered = True
            yield
    except TimeoutError as error:
        if entered:
            raise
        waited = time.monotonic() - begun
        raise ValueError(
            f"A run of '{slug}' is under way (waited {waited:.0f} s): cancel it, or start this again when it is over."
        ) from error
