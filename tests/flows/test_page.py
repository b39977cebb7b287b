"""The page of a run is a picture of the work and not the work: what cannot be shown ends nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows import onboard, page, reembed
from tasks.job import Job
from tasks.reembedding import Reembedding
from tasks.release import RefusedError
from tasks.tally import Tally

if TYPE_CHECKING:
    from blocks.catalogue import Catalogue
    from blocks.customer import Customer

GONE = "http://127.0.0.1:9/api"  # where nobody listens


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a run that a deployment started."""
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "00000000-0000-0000-0000-000000000001")
    assert page.deployed()


@pytest.mark.usefixtures("deployed")
def test_a_page_that_cannot_be_written_ends_no_run(catalogue: Catalogue, caplog: pytest.LogCaptureFixture) -> None:
    """What went live is live, also where the server is gone: its log says what is lacking."""
    summary = Tally("acme", "1").summary() | {"quarantine": [{"file": "a.stl", "reason": "It is empty."}]}
    settings = {PREFECT_API_URL: GONE, PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(settings), caplog.at_level(logging.WARNING, "partsight"):
        page.show("acme", summary, catalogue)
    lacking = [record.getMessage() for record in caplog.records if record.name == "partsight"]
    assert lacking == [
        f"The page of this run lacks its {what}." for what in ("acme-summary", "acme-quarantine", "report")
    ]


def test_a_run_that_is_refused_has_its_page_too(
    customer: Customer, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever decides whether it goes live all the same wants to see what was made."""
    shown: list[Any] = []

    def refused(_: Job) -> None:
        raise RefusedError("It finds less.", {"run": "1"})

    monkeypatch.setattr(onboard, "finish", refused)
    monkeypatch.setattr(onboard, "show", lambda *given: shown.append(given))
    job = Job.__new__(Job)
    job.customer, job.catalogue = customer, catalogue
    with pytest.raises(RefusedError):
        onboard._finished(job)
    assert shown == [("acme", {"run": "1"}, catalogue)]


def test_another_model_that_is_refused_has_its_page_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the recall that was not enough."""
    shown: list[Any] = []

    def refused(_: Reembedding) -> None:
        raise RefusedError("It finds less.", {"customer": "acme", "vectors": 7, "recall": {"1": 0.5}})

    monkeypatch.setattr(reembed, "switch", refused)
    monkeypatch.setattr(reembed, "table", lambda *given: shown.append(given))
    with pytest.raises(RefusedError):
        reembed._switched(Reembedding.__new__(Reembedding))
    ((key, rows, _),) = shown
    assert (key, rows) == ("acme-reembed", [{"what": "vectors", "value": 7}, {"what": "recall@1", "value": "50.0 %"}])
