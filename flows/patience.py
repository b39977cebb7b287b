"""When a step that failed is tried again: storage and network come back, a bad file does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from flows.unkept import unkept

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State, TaskRun


PASSING: Final = (OSError, RuntimeError)  # storage and network, the GPU's memory among them


def can_pass(_task: object, _run: TaskRun, state: State[Any]) -> bool:
    """Whether a failure may go away by itself: storage and network, never a bad file or setting."""
    return isinstance(state.result(raise_on_failure=False), PASSING)


patiently: dict[str, Any] = {
    "cache_policy": NO_CACHE,  # truth is in the tables; and a job is no key
    "retries": 2,
    "retry_delay_seconds": exponential_backoff(backoff_factor=2),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": can_pass,
    **unkept,
}
