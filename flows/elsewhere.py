"""Work that other runs do, on other workers: all started at once, waited for, and started again where it may help."""

from __future__ import annotations

import builtins
import json
import logging
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from prefect import runtime, task
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound

from flows.page import saying
from flows.patience import PASSING, patiently

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from prefect.client.schemas.objects import State

T = TypeVar("T", bound="Mapping[str, Any]")
log = logging.getLogger("partsight")
LOOK: Final = 1.0  # seconds between two looks at a run elsewhere
# errors of that kind that are none of Python's own: of torch, and of a process that the system ended
ALSO_PASSING: Final = frozenset({"OutOfMemoryError", "AcceleratorError", "BrokenProcessPool"})


class Started:
    """The runs that a run has started, those of a second try among them; no list, which Prefect would copy."""

    def __init__(self, flow: str, slug: str) -> None:
        self.ids: list[UUID] = []
        self._flow, self._slug = flow, slug

    def start(self, parameters: Mapping[str, Any]) -> UUID:
        """Start one more run; returns its id. Raises ValueError where there is no such deployment."""
        name = f"{self._flow}/{self._slug}"
        try:
            made: Any = run_deployment(name, parameters=dict(parameters), timeout=0)
        except ObjectNotFound as error:
            raise ValueError(f"There is no deployment {name}: run `partsight deploy {self._slug}`.") from error
        self.ids.append(made.id)
        return self.ids[-1]


def elsewhere(flow: str, slug: str, parameters: Mapping[str, Any], shares: int) -> Iterator[dict[str, Any]]:
    """Run the deployment of `flow` for a customer once for each share of the work; yields what each says at its end.

    All are started at once: how many work at the same time is up to the workers of their pool. Whatever ends this run
    ends them too. What a share has to say is empty where a person set its state. Raises ValueError when a share could
    not do its work, RuntimeError when it was lost three times over.
    """
    asked = [{**parameters, "share": share, "shares": shares} for share in range(shares)]
    with _ended_with_us(Started(flow, slug)) as runs:
        begun = [(one, runs.start(one)) for one in asked]
        waiting = [in_the_pool.submit(flow, slug, one, run, runs) for one, run in begun]
        for one in waiting:
            yield one.result()


@task(task_run_name="{flow} in the pool, {parameters[share]} of {parameters[shares]}", **patiently)
def in_the_pool(flow: str, slug: str, parameters: Mapping[str, Any], run: UUID, runs: Started) -> dict[str, Any]:
    """Wait for the run of a share, or start it again where it failed before; returns what its state says.

    Credentials are never sent along: a worker has them from the customer's block, or in its own environment.
    """
    again: Any = runtime.task_run.run_count
    ended = _ended(runs.start(parameters) if again > 1 else run)
    return told(ended, f"Share {parameters['share']} of {flow} for {slug}")


def reporting(sentence: str, summary: T) -> T:
    """The end of a run whose `summary` another one waits for: results stay on the worker's disk, its state does not."""
    return saying(f"{sentence}\n{json.dumps(summary)}", summary)


def told(ended: State[Any], who: str) -> dict[str, Any]:
    """What a run that ended by `reporting` has to say.

    Raises RuntimeError where another try may help: its worker is gone, or storage or network failed. Raises ValueError
    where it does not, or where a person has cancelled it.
    """
    message = ended.message or ""
    if not ended.is_completed():
        sentence = f"{who} ended as {ended.name}: {message or 'no reason was given'}"
        raise RuntimeError(sentence) if ended.is_crashed() or _passes(message) else ValueError(sentence)
    try:
        found = json.loads(message.rpartition("\n")[2])
    except ValueError:
        found = None
    if not isinstance(found, dict):
        log.warning("%s says nothing of what it made: somebody else has ended it.", who)
        return {}
    return found


def _passes(message: str) -> bool:
    """Whether the error in the message of a run that failed may go away by itself; only its name is left of it."""
    named = re.search(r"exception: (?:\w+\.)*(\w+)", message)
    name = named[1] if named else ""
    kind = getattr(builtins, name, None)
    return name in ALSO_PASSING or (isinstance(kind, type) and issubclass(kind, PASSING))


def _ended(run: UUID) -> State[Any]:
    """The state in which a run ended, once it has."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        while (state := client.read_flow_run(run).state) is None or not state.is_final():
            time.sleep(LOOK)
    return state


@contextmanager
def _ended_with_us(runs: Started) -> Iterator[Started]:
    """Cancel what is still going when the `with` block ends before its time."""
    try:
        yield runs
    except BaseException:
        for run in runs.ids:
            try:
                _cancel(run)
            except Exception:  # the others are to be ended all the same
                log.warning("The run %s could not be cancelled.", run, exc_info=True)
        raise


def _cancel(run: UUID) -> None:
    from prefect.client.orchestration import get_client
    from prefect.states import Cancelling

    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run).state
        if state is not None and not state.is_final():
            client.set_flow_run_state(run, Cancelling(message="The run that asked for it has ended."))
