"""How a run takes what another one says at its end: what it made, whether another try helps, and what went wrong."""

from __future__ import annotations

from typing import Any

import pytest
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed, Crashed, Failed

from flows.elsewhere import reporting, told
from flows.page import result

WHO = "Share 1 of make for acme"


def test_what_a_share_reports_is_heard_and_its_state_reads_like_a_sentence() -> None:
    """The numbers pass with the state: a worker elsewhere has another disk."""
    summary = {"parts": 7, "failures": 1, "seconds": {"render": 1.5}}
    ended = reporting("7 parts made,\n1 could not be made.", summary)
    assert result(ended) == summary  # type: ignore[arg-type]
    assert ended.message.startswith("7 parts made,")  # type: ignore[attr-defined]
    assert told(ended, WHO) == summary  # type: ignore[arg-type]


@pytest.mark.parametrize("message", [None, "", "done by hand", "12", "[1]"])
def test_a_share_whose_state_a_person_has_set_says_nothing(message: str | None) -> None:
    """What the tables lack, the run that waits finds out by itself."""
    assert told(Completed(message=message), WHO) == {}


@pytest.mark.parametrize(
    "ended",
    [
        Crashed(message="No sign of life for 90 s: the worker is gone."),
        Failed(message="Flow run encountered an exception: ConnectionResetError: peer"),
        Failed(message="Flow run encountered an exception: RuntimeError: lance error"),
        Failed(message="Flow run encountered an exception: torch.OutOfMemoryError: CUDA out of memory"),
    ],
    ids=lambda state: state.message,
)
def test_a_share_that_was_lost_is_tried_again(ended: State[Any]) -> None:
    """A RuntimeError is what a task is run again for."""
    with pytest.raises(RuntimeError, match=f"{WHO} ended as {ended.name}: {(ended.message or '')[:20]}"):
        told(ended, WHO)


@pytest.mark.parametrize(
    "ended",
    [
        Failed(message="Flow run encountered an exception: ValueError: there is no stage 'rust': RuntimeError"),
        Failed(message="Flow run encountered an exception: ModuleNotFoundError: No module named 'rust'"),
        Failed(),
        Cancelled(message="by a person, who saw exception: OSErrors"),
    ],
    ids=lambda state: state.message,
)
def test_a_share_that_cannot_do_its_work_or_was_cancelled_is_not_tried_again(ended: State[Any]) -> None:
    """A plug-in that is missing on the worker is missing the next time too, and who cancels means it."""
    with pytest.raises(ValueError, match=f"{WHO} ended as"):
        told(ended, WHO)
