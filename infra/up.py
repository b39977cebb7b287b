"""The whole platform on this machine: server, workers, deployments; what dies is started again, one signal ends all."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from infra.settings import Settings

PATIENCE: Final = 120.0  # seconds until the server must answer; its database is made at the first start
GRACE: Final = 25.0  # seconds for a worker to end its runs
AGAIN: Final = 5  # times that a process is started again before it is given up
_ROOT: Final = Path(__file__).parents[1]


class Process(NamedTuple):
    """One process of the platform: what it is called, and how it is started."""

    name: str
    command: tuple[str, ...]


class UpError(ValueError):
    """The platform does not start: a sentence."""


def environment(machine: Settings, host: str, port: int) -> dict[str, str]:
    """What all processes of the platform are told; what somebody set in the environment counts."""
    home = machine.home.absolute()
    password = os.environ.get("PREFECT_SERVER_API_AUTH_STRING", "")
    told = {
        "PARTSIGHT_HOME": str(home),
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_API_URL": f"http://{host}:{port}/api",
        "PREFECT_SERVER_API_HOST": host,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_WORKER_QUERY_SECONDS": "3",  # on one machine a run may start at once
    }
    if password:
        told |= {"PREFECT_API_AUTH_STRING": password, "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true"}
    # an address or a folder from a shell that talks to another server would tear the platform apart
    firm = {"PREFECT_API_URL", "PREFECT_SERVER_API_HOST", "PREFECT_SERVER_API_PORT", "PARTSIGHT_HOME"}
    return told | {name: value for name, value in os.environ.items() if name not in firm}


def server(host: str, port: int) -> Process:
    """Prefect's server with its pages."""
    return Process("server", (sys.executable, "-m", "infra.server", "--host", host, "--port", str(port)))


def worker(pool: str, runs: int) -> Process:
    """A worker of a pool, for so many runs at once."""
    name = f"{socket.gethostname()} {pool}"
    command = ("prefect", "worker", "start", "--pool", pool, "--type", "process", "--name", name, "--limit", str(runs))
    return Process(f"worker {pool}", (sys.executable, "-m", *command))


class Platform:
    """Processes that are kept alive until `stop`; each writes to a log of its own in `logs`."""

    def __init__(self, environ: dict[str, str], logs: Path, say: Callable[[str], None]) -> None:
        self._environment, self._logs, self._say = environ, logs, say
        self._running: dict[str, tuple[Process, subprocess.Popen[bytes]]] = {}
        self._starts: dict[str, int] = {}
        self._over = threading.Event()

    def start(self, process: Process) -> None:
        """Start a process."""
        self._logs.mkdir(parents=True, exist_ok=True)
        with (self._logs / f"{process.name.replace(' ', '-')}.log").open("ab") as log:
            made = subprocess.Popen(
                process.command, env=self._environment, cwd=_ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self._running[process.name] = (process, made)
        self._starts[process.name] = self._starts.get(process.name, 0) + 1

    def answers(self, url: str, patience: float = PATIENCE) -> None:
        """Wait until the server answers. Raises UpError with the end of its log when it does not."""
        import httpx

        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and not self._over.is_set():
            if (code := self._running["server"][1].poll()) is not None:
                raise UpError(f"The server ended with {code}. {self._last_words('server')}")
            try:
                if httpx.get(f"{url}/health", timeout=2).is_success:
                    return
            except httpx.HTTPError:
                self._over.wait(0.3)
        raise UpError(f"The server did not answer within {patience:.0f} s. {self._last_words('server')}")

    def watch(self) -> None:
        """Start again what died, until `stop`. Raises UpError when something dies again and again."""
        while not self._over.wait(1.0):
            for name, (process, running) in list(self._running.items()):
                if (code := running.poll()) is None:
                    continue
                if self._starts[name] > AGAIN:
                    raise UpError(f"{name} ended {AGAIN + 1} times, at last with {code}. {self._last_words(name)}")
                self._say(f"{name} ended with {code}; it is started again.")
                self.start(process)

    def stop(self) -> None:
        """End the watch."""
        self._over.set()

    def close(self) -> None:
        """End all processes, the workers first: they say goodbye to the server."""
        self._over.set()
        for name, (_, running) in sorted(self._running.items(), key=lambda one: one[0] == "server"):
            if running.poll() is None:
                running.send_signal(signal.SIGINT if name == "server" else signal.SIGTERM)
                try:
                    running.wait(GRACE)
                except subprocess.TimeoutExpired:
                    running.kill()
                    running.wait()

    def _last_words(self, name: str) -> str:
        log = self._logs / f"{name.replace(' ', '-')}.log"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
        return f"The end of {log}: " + " / ".join(lines[-3:])


@contextmanager
def running(environ: dict[str, str], logs: Path, say: Callable[[str], None]) -> Iterator[Platform]:
    """A platform that ends with the `with` block, or with a signal."""
    platform = Platform(environ, logs, say)

    def end(*_: Any) -> None:
        platform.stop()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield platform
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        platform.close()


def free(host: str, port: int) -> bool:
    """Whether nobody listens there yet."""
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) != 0


def pools(machine: Settings, slugs: Sequence[str], *, gpu: bool) -> list[str]:
    """The pools that this machine serves: those of the customers' files for processors, and with `gpu` for GPUs."""
    from infra.cli.who import everybody

    people = [one for one in everybody(machine) if not slugs or one.slug in slugs]
    found = {one.pools.cpu for one in people} | ({one.pools.gpu for one in people} if gpu else set())
    return sorted(filter(None, found)) or ["cpu"]
