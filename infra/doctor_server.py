"""What `partsight doctor` says of the Prefect server: does it answer, to whom, who works for it, whom does it tell."""

from __future__ import annotations

import ipaddress
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from infra.doctor import Check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PATIENCE: Final = 10.0  # seconds for one answer
_OFTEN: Final = 30  # seconds between heartbeats: a killed worker is then noticed within two minutes
_LATE: Final = timedelta(minutes=5)  # the background services mark a run late after seconds
_PAGE: Final = 200  # as many as the server gives at once; this client asks for none where no number is said
_YES: Final = {"1", "true", "yes"}
_PASSWORDS: Final = "PREFECT_SERVER_API_AUTH_STRING (the server) and PREFECT_API_AUTH_STRING (its clients) to user:word"


class Told(BaseModel):
    """What this machine is told of a Prefect server, by its environment and Prefect's profile."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field("", description="Address of the API; empty where flows run on this machine alone.")
    known: bool = Field(False, description="Whether a password is sent to it.")
    listens: str = Field("127.0.0.1", description="The address that a server started here listens on.")
    guarded: bool = Field(False, description="Whether a server started here asks for a password.")
    analytics: bool = Field(True, description="Whether a server started here reports to Prefect.")
    tracked: bool = Field(True, description="Whether clients on this machine report to Prefect.")
    heartbeat: int | None = Field(180, description="Seconds between the heartbeats of a run; none where they are off.")


def looked() -> dict[str, list[dict[str, Any]]]:
    """Every check, as JSON: Prefect takes seconds to import, so the doctor asks in a process of its own."""
    return {"checks": [check.model_dump(mode="json") for check in checks(told(os.environ))]}


def told(environ: Mapping[str, str]) -> Told:
    """Read Prefect's settings as it reads them itself."""
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    return Told(
        url=settings.api.url or "",
        known=settings.api.auth_string is not None,
        listens=settings.server.api.host,
        guarded=settings.server.api.auth_string is not None,
        analytics=settings.server.analytics_enabled,
        tracked=environ.get("DO_NOT_TRACK", "").lower() not in _YES,
        heartbeat=settings.flows.heartbeat_frequency,
    )


def checks(machine: Told) -> Iterator[Check]:
    """Look at the server; none of it is needed, since flows also run without one."""
    if not machine.listens or not loopback(machine.listens):
        yield listening(machine)
    if not machine.url:
        yield Check(
            name="Prefect server",
            ok=False,
            needed=False,
            found="none: flows run on this machine, one at a time",
            advice="partsight up starts one; PREFECT_API_URL names one that runs",
        )
        return
    here = answering(machine.url)
    yield here
    if here.ok:
        yield from asked(machine)
    yield heartbeats(machine)


def loopback(host: str) -> bool:
    """Whether nobody but this machine reaches `host`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def listening(machine: Told) -> Check:
    """Whether a server that listens beyond this machine asks for a password."""
    return Check(
        name="Prefect listens",
        ok=machine.guarded,
        needed=False,
        found=f"a server started here listens on {machine.listens or 'every address'}, "
        f"{'and asks for a password' if machine.guarded else 'and lets everybody in who reaches this machine'}",
        advice="" if machine.guarded else f"set {_PASSWORDS}, or PREFECT_SERVER_API_HOST=127.0.0.1",
    )


def answering(url: str) -> Check:
    """Whether the server answers, and its database does; both are told without a password."""
    import httpx

    try:
        health = httpx.get(f"{url}/health", timeout=_PATIENCE)
        ready = httpx.get(f"{url}/ready", timeout=_PATIENCE)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return _silent(url, str(error) or type(error).__name__)
    if not health.is_success:
        return _silent(url, f"it answers with {health.status_code}")
    return Check(
        name="Prefect server",
        ok=ready.is_success,
        needed=False,
        found=f"{url} answers" if ready.is_success else f"{url} answers, its database does not",
        advice=""
        if ready.is_success
        else "start the database that PREFECT_SERVER_DATABASE_HOST names, and look for room",
    )


def asked(machine: Told) -> Iterator[Check]:
    """What only the server itself can say: who gets in, its version, telemetry, services, workers."""
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectHTTPStatusError

    try:
        open_to_all = httpx.get(f"{machine.url}/admin/version", timeout=_PATIENCE).is_success
        with get_client(sync_client=True) as client:
            version = str(client.api_version())
            settings = client.request("GET", "/admin/settings").json()["server"]
            yield access(machine, open_to_all=open_to_all, csrf=bool(settings["api"]["csrf_protection_enabled"]))
            yield versions(version)
            yield telemetry(machine, analytics=bool(settings["analytics_enabled"]))
            yield services(client)
            yield from workers(client)
    except (httpx.HTTPError, PrefectHTTPStatusError, KeyError, ValueError) as error:
        yield _unanswered(error)


def access(machine: Told, *, open_to_all: bool, csrf: bool) -> Check:
    """Whether everybody who reaches the server gets in."""
    near = loopback(urlsplit(machine.url).hostname or "")
    fault = (not near and open_to_all) or (not open_to_all and not csrf)
    found = (
        "lets everybody in who reaches it"
        if open_to_all
        else f"asks for a password, CSRF protection {'on' if csrf else 'off'}"
    )
    advice = f"set {_PASSWORDS}" if open_to_all else "set PREFECT_SERVER_CSRF_PROTECTION_ENABLED=true on the server"
    return Check(
        name="Prefect access",
        ok=not fault,
        needed=False,
        found=f"{found}{', which is this machine alone' if open_to_all and near else ''}",
        advice=advice if fault else "",
    )


def versions(server: str) -> Check:
    """Whether the server is of the version that runs here; Prefect serves older clients, not newer ones."""
    import prefect

    same = server == prefect.__version__
    return Check(
        name="Prefect version",
        ok=same,
        needed=False,
        found=server if same else f"the server has {server}, this machine {prefect.__version__}",
        advice="" if same else "bring the server, then the workers to the version in constraints.txt",
    )


def telemetry(machine: Told, *, analytics: bool) -> Check:
    """Whether the server or the clients here report to Prefect."""
    loud = [
        *(["the server: set PREFECT_SERVER_ANALYTICS_ENABLED=false for it"] if analytics else []),
        *(["clients on this machine: set DO_NOT_TRACK=1"] if machine.tracked else []),
    ]
    return Check(
        name="telemetry",
        ok=not loud,
        needed=False,
        found="on" if loud else "off",
        advice="; ".join(loud),
    )


def services(client: Any) -> Check:
    """Whether the background services run: where they do not, runs that are overdue are not marked late."""
    from prefect.client.schemas import filters as by

    overdue = client.count_flow_runs(
        flow_run_filter=by.FlowRunFilter(
            state=by.FlowRunFilterState(name=by.FlowRunFilterStateName(any_=["Scheduled"])),
            expected_start_time=by.FlowRunFilterExpectedStartTime(before_=datetime.now(UTC) - _LATE),
        )
    )
    return Check(
        name="services",
        ok=not overdue,
        needed=False,
        found=f"{overdue} runs are overdue and nobody marked them late" if overdue else "no run waits unnoticed",
        advice="start the background services: prefect server services start" if overdue else "",
    )


def workers(client: Any) -> Iterator[Check]:
    """How many workers of each pool are online."""
    pools = sorted(client.read_work_pools(limit=_PAGE), key=lambda pool: str(pool.name))
    if not pools:
        yield Check(name="workers", ok=False, needed=False, found="there is no work pool", advice="partsight deploy")
    for pool in pools:
        found = client.read_workers_for_work_pool(pool.name, offset=0, limit=_PAGE)
        online = [worker for worker in found if getattr(worker.status, "value", worker.status) == "ONLINE"]
        paused = ", the pool is paused" if pool.is_paused else ""
        yield Check(
            name=f"workers {pool.name}",
            ok=bool(online) and not paused,
            needed=False,
            found=f"{len(online)} online, {len(found) - len(online)} offline{paused}",
            advice=""
            if online and not paused
            else f"prefect worker start --pool {pool.name}"
            if not online
            else f"prefect work-pool resume {pool.name}",
        )


def heartbeats(machine: Told) -> Check:
    """Whether a worker that dies is noticed within two minutes."""
    often = machine.heartbeat is not None and machine.heartbeat <= _OFTEN
    return Check(
        name="heartbeats",
        ok=often,
        needed=False,
        found=f"every {machine.heartbeat} s" if machine.heartbeat else "off: a run whose worker died stays Running",
        advice="" if often else f"set PREFECT_FLOWS_HEARTBEAT_FREQUENCY={_OFTEN} for the workers",
    )


def _unanswered(error: Exception) -> Check:
    import httpx

    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in {401, 403}:
        found, advice = "asks for a password that is not known here", "set PREFECT_API_AUTH_STRING to its user:password"
        return Check(name="Prefect access", ok=False, needed=False, found=found, advice=advice)
    said = " ".join(str(error).split())[:200] or type(error).__name__
    return Check(name="Prefect API", ok=False, needed=False, found=said, advice="is PREFECT_API_URL a Prefect 3 API?")


def _silent(url: str, why: str) -> Check:
    return Check(
        name="Prefect server",
        ok=False,
        needed=False,
        found=f"{url} does not answer: {why}",
        advice="start it, or correct PREFECT_API_URL; partsight onboard also works without a server",
    )
