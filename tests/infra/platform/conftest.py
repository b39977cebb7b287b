"""The whole platform once, as `partsight up` starts it: a real server, a real worker, two small customers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trimesh

CUSTOMER = """
slug: {slug}
name: {slug} & Söhne
source: ../cad
recipe:
  render: {{views: 4, size: 64}}
  stages: [background]
  variants: 1
release: {{queries: 0}}
quotas: {{part_seconds: 300}}
"""

# nobody may ever see them again; test_secrets.py looks
PLANTED = {
    "AWS_ACCESS_KEY_ID": "PLANTEDKEYID0000001",
    "AWS_SECRET_ACCESS_KEY": "planted-secret-key-0002",
    "AWS_SESSION_TOKEN": "planted-session-token-0003",
}

# makes a picture as slowly as a file says, so that a run can be caught in the middle
SLOW = '''
import time
from pathlib import Path

from pydantic import BaseModel, Field


class Slow(BaseModel):
    """Take long over every picture."""

    word: str = Field("", description="File that says for how many seconds.")

    def __call__(self, view):
        with open(self.word + ".log", "a") as log:
            log.write(f"{view.part.number}\\n")
        word = Path(self.word)
        until = time.monotonic() + (float(word.read_text()) if word.exists() else 0)
        while time.monotonic() < until and word.exists():
            time.sleep(0.05)
        yield view
'''


class Patient(httpx.HTTPTransport):
    """Asks again where SQLite was busy, as Prefect's own client does."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """What the server answers once it can."""
        for _ in range(30):
            answer = super().handle_request(request)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            answer.close()
            time.sleep(1)
        return answer


class Platform:
    """The platform while it runs: its folders, and its server through plain HTTP."""

    planted = tuple(PLANTED.values())

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.home = folder, folder / "home"
        self.url = f"http://127.0.0.1:{port}"
        self.pid = 0  # of `partsight up`
        self.environment = {
            **os.environ,
            **PLANTED,
            "PARTSIGHT_PRIVATE_HOSTS": "127.0.0.1",
            "PARTSIGHT_HOME": str(self.home),
            "PARTSIGHT_CUSTOMERS": str(folder / "customers"),
            "PARTSIGHT_STAGES": "slow=slowstage:Slow",
            "PARTSIGHT_WORKERS": "1",
            "PYTHONPATH": str(folder),
            "PREFECT_API_URL": f"{self.url}/api",
            "PREFECT_HOME": str(self.home / "prefect"),
        }
        self.client = httpx.Client(base_url=f"{self.url}/api", timeout=60, transport=Patient())

    def workers(self) -> list[int]:
        """Processes of the workers, and all that they started."""
        lines = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in below(self.pid)}
        roots = [pid for pid, line in lines.items() if b"worker\0start" in line]
        return sorted({pid for root in roots for pid in below(root)})

    def processes(self) -> list[int]:
        """All processes of the platform."""
        return below(self.pid)

    def answers(self) -> bool:
        """Whether the server is there."""
        try:
            return bool(self.client.get("/health").is_success)
        except httpx.TransportError:
            return False

    def ask(self, path: str, **body: Any) -> Any:
        """What the server answers to a question, or to something that is to be done."""
        answer = self.client.post(path, json=body).raise_for_status()
        return answer.json() if answer.content else None

    def partsight(self, *tokens: str) -> subprocess.CompletedProcess[str]:
        """Run the command beside the platform."""
        code = "from infra.cli import main; main()"
        command = [sys.executable, "-c", code, *tokens]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=300, check=False)

    def deployment(self, name: str) -> dict[str, Any]:
        """A deployment, by flow/customer."""
        found: dict[str, Any] = self.client.get(f"/deployments/name/{name}").raise_for_status().json()
        return found

    def start(self, name: str, **parameters: Any) -> str:
        """Start a run of a deployment; returns its id."""
        run = self.ask(f"/deployments/{self.deployment(name)['id']}/create_flow_run", parameters=parameters)
        return str(run["id"])

    def run(self, run: str) -> dict[str, Any]:
        """A run as the server has it."""
        found: dict[str, Any] = self.client.get(f"/flow_runs/{run}").raise_for_status().json()
        return found

    def wait(self, run: str, *names: str, seconds: float = 90) -> dict[str, Any]:
        """The run once its state has one of these names; by default any end."""
        ends = names or ("Completed", "Failed", "Crashed", "Cancelled")
        deadline = time.monotonic() + seconds
        while (found := self.run(run))["state_name"] not in ends:
            assert time.monotonic() < deadline, f"still {found['state_name']} after {seconds} s: {self.logs(run)}"
            time.sleep(0.3)
        return found

    def logs(self, run: str) -> list[str]:
        """What a run said."""
        found = self.ask("/logs/filter", logs={"flow_run_id": {"any_": [run]}}, sort="TIMESTAMP_ASC", limit=200)
        return [one["message"] for one in found]

    def artifacts(self, run: str) -> list[dict[str, Any]]:
        """What lies on the page of a run."""
        return list(self.ask("/artifacts/filter", artifacts={"flow_run_id": {"any_": [run]}}))

    def tasks(self, run: str) -> list[dict[str, Any]]:
        """The task runs of a run."""
        return list(self.ask("/task_runs/filter", flow_runs={"id": {"any_": [run]}}, limit=200))


def below(pid: int) -> list[int]:
    """A process and all that it started, directly and indirectly."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Everything that `partsight up` starts, ended by one signal."""
    folder = tmp_path_factory.mktemp("platform")
    (folder / "customers").mkdir()
    (folder / "cad").mkdir()
    for slug in ("acme", "beta"):
        (folder / "customers" / f"{slug}.yaml").write_text(CUSTOMER.format(slug=slug), encoding="utf-8")
    for inner in (3, 5, 7):
        trimesh.creation.annulus(inner, 10.0, 2.0).export(folder / "cad" / f"washer-{inner}.stl")
    (folder / "cad" / "broken.step").write_text("no STEP file")
    (folder / "slowstage.py").write_text(SLOW)
    with httpx.Client() as client:
        port = _free_port()
        made = Platform(folder, port)
        code = "from infra.cli import main; main()"
        command = [sys.executable, "-c", code, "up", "--port", str(port), "--no-gpu", "--no-browser", "--json"]
        with (folder / "up.log").open("w") as log:
            up = subprocess.Popen(command, env=made.environment, stdout=subprocess.PIPE, stderr=log, text=True)
        assert up.stdout is not None
        made.pid = up.pid
        line = up.stdout.readline()
        assert line, (folder / "up.log").read_text()
        assert json.loads(line)["pools"] == ["cpu"]
        assert client.get(f"{made.url}/api/health").is_success
    try:
        yield made
    finally:
        everything = below(up.pid)
        up.send_signal(signal.SIGINT)
        assert up.wait(60) == 0
        up.stdout.close()
        made.client.close()
        assert [pid for pid in everything if Path(f"/proc/{pid}/exe").exists()] == []


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
