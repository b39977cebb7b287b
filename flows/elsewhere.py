"""Work that other runs do, on other workers: all started at once, waited for, and started again where one failed."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from prefect import runtime, task
from prefect.deployments import run_deployment

from flows.patience import patiently

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    from prefect.client.schemas.objects import State

LOOK: Final = 1.0  # seconds between two looks at a run elsewhere


def elsewhere(flow: str, slug: str, parameters: Mapping[str, Any], shares: int) -> Iterator[dict[str, Any]]:
    """Run the deployment of `flow` for a customer once for each share of the work; yields what each says at its end.

    All are started at once: how many work at the same time is up to the workers of their pool. Whatever ends this run
    ends them too. Raises RuntimeError when a share did not end well, three times over.
    """
    asked = [{**parameters, "share": share, "shares": shares} for share in range(shares)]
    runs = [_started(flow, slug, one).id for one in asked]
    with _ended_with_us(runs):
        waiting = [in_the_pool.submit(flow, slug, one, run) for one, run in zip(asked, runs, strict=True)]
        for one in waiting:
            yield one.result()


@task(task_run_name="{flow} in the pool, {parameters[share]} of {parameters[shares]}", **patiently)
def in_the_pool(flow: str, slug: str, parameters: Mapping[str, Any], run: UUID) -> dict[str, Any]:
    """Wait for the run of a share, or start it again where it failed before; returns what its state says.

    Credentials are never sent along: a worker has them from the customer's block, or in its own environment.
    """
    again: Any = runtime.task_run.run_count
    ended = _ended(_started(flow, slug, parameters).id if again > 1 else run)
    if not ended.is_completed():
        said = ended.message or "no reason was given"
        raise RuntimeError(f"Share {parameters['share']} of {flow} for {slug} ended as {ended.name}: {said}")
    return dict(json.loads(ended.message or "{}"))


def _started(flow: str, slug: str, parameters: Mapping[str, Any]) -> Any:
    return run_deployment(f"{flow}/{slug}", parameters=dict(parameters), timeout=0)


def _ended(run: UUID) -> State[Any]:
    """The state in which a run ended, once it has."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        while (state := client.read_flow_run(run).state) is None or not state.is_final():
            time.sleep(LOOK)
    return state


@contextmanager
def _ended_with_us(runs: Sequence[UUID]) -> Iterator[None]:
    """Cancel what is still going when the `with` block ends before its time."""
    from prefect.client.orchestration import get_client
    from prefect.states import Cancelling

    try:
        yield
    except BaseException:
        with get_client(sync_client=True) as client:
            for run in runs:
                state = client.read_flow_run(run).state
                if state is not None and not state.is_final():
                    client.set_flow_run_state(run, Cancelling(message="The run that asked for it has ended."))
        raise
