"""`partsight doctor` about the Prefect server: judged from settings, from a small server, and from a real one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra import doctor_server as doctor
from infra.doctor import Check
from infra.doctor_server import Told

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "partsight:test-word"  # noqa: S105


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("10.1.2.3", False),
        ("prefect.example.com", False),
        ("127.0.0.1.example.com", False),
        ("", False),
    ],
)
def test_what_is_this_machine_alone(host: str, near: bool) -> None:
    """Only loopback addresses and localhost; every name of another machine is beyond."""
    assert doctor.loopback(host) is near


def test_a_server_that_listens_to_the_world_needs_a_password() -> None:
    """The warning comes where it listens beyond loopback without one, and says both settings."""
    open_one, closed = (Told(listens="0.0.0.0", guarded=guarded) for guarded in (False, True))  # noqa: S104
    warning, fine = doctor.listening(open_one), doctor.listening(closed)
    assert not warning.ok
    assert not warning.needed
    assert "lets everybody in" in warning.found
    assert "PREFECT_SERVER_API_AUTH_STRING" in warning.advice
    assert "PREFECT_API_AUTH_STRING" in warning.advice
    assert fine.ok
    assert [check.name for check in doctor.checks(Told(listens="127.0.0.1"))] == ["Prefect server"]
    assert next(check.name for check in doctor.checks(open_one)) == "Prefect listens"


@pytest.mark.parametrize(
    ("url", "open_to_all", "csrf", "ok"),
    [
        ("http://127.0.0.1:4200/api", True, False, True),
        ("http://10.0.0.7:4200/api", True, False, False),
        ("http://10.0.0.7:4200/api", False, True, True),
        ("http://127.0.0.1:4200/api", False, False, False),
    ],
)
def test_who_gets_into_the_server(url: str, open_to_all: bool, csrf: bool, ok: bool) -> None:
    """Open is fine on this machine alone; with a password CSRF protection belongs to it."""
    check = doctor.access(Told(url=url), open_to_all=open_to_all, csrf=csrf)
    assert check.ok is ok
    assert bool(check.advice) is not ok


def test_telemetry_names_who_is_still_loud() -> None:
    """The server and the clients are switched off by two settings; each is named where it is missing."""
    assert doctor.telemetry(Told(tracked=False), analytics=False).found == "off"
    loud = doctor.telemetry(Told(tracked=True), analytics=True)
    assert not loud.ok
    assert "PREFECT_SERVER_ANALYTICS_ENABLED=false" in loud.advice
    assert "DO_NOT_TRACK=1" in loud.advice
    assert "DO_NOT_TRACK" not in doctor.telemetry(Told(tracked=False), analytics=True).advice


@pytest.mark.parametrize(("seconds", "ok"), [(30, True), (180, False), (None, False)])
def test_heartbeats_come_often_enough(seconds: int | None, ok: bool) -> None:
    """Every 30 s, or a killed worker is not noticed within two minutes."""
    check = doctor.heartbeats(Told(heartbeat=seconds))
    assert check.ok is ok
    assert ok or "PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30" in check.advice


def test_settings_are_read_as_prefect_reads_them() -> None:
    """Environment and profile count, whatever they are called; passwords are seen, never kept."""
    code = "import os; from infra.doctor_server import told; print(told(os.environ).model_dump_json(), end='')"
    given = {
        "PREFECT_API_URL": "http://10.0.0.7:4200/api",
        "PREFECT_SERVER_API_HOST": "0.0.0.0",  # noqa: S104
        "PREFECT_SERVER_API_AUTH_STRING": PASSWORD,
        "PREFECT_API_AUTH_STRING": PASSWORD,
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=clean() | given, capture_output=True, text=True, check=True
    )
    assert PASSWORD.split(":")[1] not in done.stdout
    assert Told.model_validate_json(done.stdout) == Told(
        url=given["PREFECT_API_URL"],
        known=True,
        listens="0.0.0.0",  # noqa: S104
        guarded=True,
        analytics=False,
        tracked=False,
        heartbeat=30,
    )


def test_a_server_that_is_not_there_is_a_line_with_advice() -> None:
    """Nobody listens: said with the address, and that onboarding works without."""
    check = doctor.answering(f"http://127.0.0.1:{free_port()}/api")
    assert not check.ok
    assert not check.needed
    assert "does not answer" in check.found
    assert "PREFECT_API_URL" in check.advice


def test_a_server_without_its_database_is_told_apart() -> None:
    """It answers, but is not ready: the advice is about the database."""
    with small(health=200, ready=503) as url:
        check = doctor.answering(url)
    assert not check.ok
    assert check.found == f"{url} answers, its database does not"
    assert "PREFECT_SERVER_DATABASE_HOST" in check.advice
    with small(health=502, ready=502) as url:
        assert doctor.answering(url).found == f"{url} does not answer: it answers with 502"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prefect server on the loopback, with a password and CSRF protection, without background services."""
    folder = tmp_path_factory.mktemp("prefect")
    port = free_port()
    environ = clean() | {
        "PREFECT_HOME": str(folder),
        "PREFECT_SERVER_API_AUTH_STRING": PASSWORD,
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port), "--no-services"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, cwd=folder)
    url = f"http://127.0.0.1:{port}/api"
    try:
        wait_for(f"{url}/ready", folder / "log")
        yield url
    finally:
        process.terminate()
        process.wait(20)


def test_a_real_server_is_described(server: str) -> None:
    """Who gets in, the version, telemetry, overdue runs, workers by pool: asked of a real server."""
    before = by_name(seen(server, PASSWORD))
    assert before["Prefect server"].ok
    assert before["Prefect access"].ok
    assert before["Prefect access"].found == "asks for a password, CSRF protection on"
    assert before["Prefect version"].ok
    assert before["telemetry"].found == "off"
    assert before["services"].ok
    assert before["workers"].advice == "partsight deploy"
    busy(server)
    after = by_name(seen(server, PASSWORD))
    assert "Prefect API" not in after, after
    assert after["workers cpu"].found == "1 online, 0 offline"
    assert after["workers cpu"].ok
    assert not after["workers gpu"].ok
    assert after["workers gpu"].advice == "prefect worker start --pool gpu"
    assert after["services"].found == "1 runs are overdue and nobody marked them late"


def test_a_real_server_refuses_who_has_no_password(server: str) -> None:
    """The doctor says that a password is wanted, and which setting gives it."""
    found = by_name(seen(server, ""))
    assert found["Prefect server"].ok
    assert not found["Prefect access"].ok
    assert "PREFECT_API_AUTH_STRING" in found["Prefect access"].advice


def seen(url: str, password: str) -> list[Check]:
    """What the doctor says of the server at `url`, asked as `partsight doctor` asks: in a process of its own."""
    code = "import json; from infra.doctor_server import looked; print(json.dumps(looked()), end='')"
    given = {"PREFECT_API_URL": url, "DO_NOT_TRACK": "1"} | ({"PREFECT_API_AUTH_STRING": password} if password else {})
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=clean() | given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    import json

    return [Check(**check) for check in json.loads(done.stdout)["checks"]]


def busy(url: str) -> None:
    """Two pools, a worker that is online in one, and a run that should have started ten minutes ago."""
    import prefect
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.settings import PREFECT_CLIENT_CSRF_SUPPORT_ENABLED, temporary_settings
    from prefect.states import Scheduled

    @prefect.flow
    def nothing() -> None:
        """Do nothing."""

    due = datetime.now(UTC) - timedelta(minutes=10)
    with (
        temporary_settings({PREFECT_CLIENT_CSRF_SUPPORT_ENABLED: True}),
        SyncPrefectClient(url, auth_string=PASSWORD) as client,
    ):
        for pool in ("cpu", "gpu"):
            client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
        client.send_worker_heartbeat("cpu", "here", heartbeat_interval_seconds=30)
        client.create_flow_run(nothing, state=Scheduled(scheduled_time=due))


def by_name(checks: list[Check]) -> dict[str, Check]:
    """The checks by what was looked at; a name is there once."""
    named = {check.name: check for check in checks}
    assert len(named) == len(checks)
    return named


def clean() -> dict[str, str]:
    """This environment without anything of Prefect in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "DO_NOT_TRACK"))}


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def wait_for(url: str, log: Path) -> None:
    """Wait until `url` answers."""
    end = time.monotonic() + 90
    while time.monotonic() < end:
        try:
            if httpx.get(url, timeout=2).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    pytest.fail(f"the server did not start: {log.read_text()[-2000:]}")


@contextmanager
def small(**answers: int) -> Iterator[str]:
    """A real HTTP server that answers each page with a status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answers[self.path.rsplit("/", 1)[-1]])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api"
    finally:
        server.shutdown()
        server.server_close()
