"""The whole platform on this machine: server, workers, deployments; what dies is started again, one signal ends all."""

from __future__ import annotations

import fcntl
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
GRACE: Final = 25.0  # seconds for the workers to end their runs
OFTEN: Final = 5  # starts within LATELY that are not too many
LATELY: Final = 600.0  # seconds
LARGE: Final = 20_000_000  # bytes from which a log begins anew, the old one kept beside it
_ROOT: Final = Path(__file__).parents[1]


class Process(NamedTuple):
    """One process of the platform: what it is called, and how it is started."""

    name: str
    command: tuple[str, ...]


class UpError(ValueError):
    """The platform does not start: a sentence."""


def environment(machine: Settings, host: str, port: int, url: str = "") -> dict[str, str]:
    """What all processes of the platform are told; what somebody set in the environment counts.

    `url` is the address under which people open the pages, where that is not this machine's own.
    """
    home = machine.home.absolute()
    here = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104 what is listened on is no address
    password = os.environ.get("PREFECT_SERVER_API_AUTH_STRING", "")
    told = {
        "PARTSIGHT_HOME": str(home),
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_API_URL": f"{here}/api",
        "PREFECT_UI_URL": (url or here).rstrip("/"),
        "PREFECT_SERVER_UI_API_URL": f"{(url or here).rstrip('/')}/api",
        "PREFECT_SERVER_API_HOST": host,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_WORKER_QUERY_SECONDS": "3",  # on one machine a run may start at once
        # beside the database and not in memory: a run that holds a place goes on when the server has been restarted
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",  # SQLite has one writer: on a busy machine the others wait longer
    }
    if password:
        told |= {"PREFECT_API_AUTH_STRING": password, "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true"}
    # an address or a folder from a shell that talks to another server would tear the platform apart
    firm = {"PREFECT_API_URL", "PREFECT_UI_URL", "PREFECT_SERVER_UI_API_URL", "PARTSIGHT_HOME"}
    firm |= {"PREFECT_SERVER_API_HOST", "PREFECT_SERVER_API_PORT"}
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
        self._starts: dict[str, list[float]] = {}
        self._over = threading.Event()

    def start(self, process: Process) -> None:
        """Start a process, in a group of its own: a Ctrl-C at the terminal is ours to pass on, in the right order."""
        with self._log(process.name).open("ab") as log:
            made = subprocess.Popen(
                process.command,
                env=self._environment,
                cwd=_ROOT,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._running[process.name] = (process, made)
        self._starts.setdefault(process.name, []).append(time.monotonic())

    def answers(self, url: str, patience: float = PATIENCE) -> bool:
        """Wait until the server answers; false when it was stopped meanwhile.

        Raises UpError with the end of its log when it does not answer.
        """
        import httpx

        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if self._over.is_set():
                return False
            if (code := self._running["server"][1].poll()) is not None:
                raise UpError(f"The server ended with {code}. {self._last_words('server')}")
            try:
                if httpx.get(f"{url}/health", timeout=2).is_success:
                    return True
            except httpx.HTTPError:
                self._over.wait(0.3)
        raise UpError(f"The server did not answer within {patience:.0f} s. {self._last_words('server')}")

    def watch(self) -> None:
        """Start again what died, until `stop`. Raises UpError when something dies again and again."""
        while not self._over.wait(1.0):
            for name, (process, running) in list(self._running.items()):
                if (code := running.poll()) is None:
                    continue
                lately = [start for start in self._starts[name] if time.monotonic() - start < LATELY]
                if len(lately) > OFTEN:
                    words = self._last_words(name)
                    raise UpError(f"{name} ended {len(lately)} times lately, at last with {code}. {words}")
                self._say(f"{name} ended with {code}; it is started again.")
                self._over.wait(len(lately) - 1)  # at once, then with growing pauses
                self.start(process)

    def stop(self) -> None:
        """End the watch."""
        self._over.set()

    def close(self) -> None:
        """End all processes: first the workers, all at once, which end their runs; then the server they report to."""
        self._over.set()
        everything = [running for _, running in self._running.values()]
        server = [running for process, running in self._running.values() if process.name == "server"]
        for some in ([running for running in everything if running not in server], server):
            _ended(some)

    def _log(self, name: str) -> Path:
        """The log of a process; one that has grown large is put aside."""
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{name.replace(' ', '-')}.log"
        if log.is_file() and log.stat().st_size > LARGE:
            log.replace(log.with_suffix(".old.log"))
        return log

    def _last_words(self, name: str) -> str:
        log = self._log(name)
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
        return f"The end of {log}: " + " / ".join(lines[-3:])


def _ended(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask all of them to end, give them time together, and kill what is left with all that it started."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Keep other platforms out of this home: they would share its database. Raises UpError where one is there."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UpError(
                f"A platform runs in {home} already: end it, or set PARTSIGHT_HOME to another folder."
            ) from error
        yield


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


def pools(machine: Settings, *, gpu: bool) -> list[str]:
    """The pools that this machine serves: those of the customers' files for processors, and with `gpu` for GPUs."""
    from infra.cli.who import everybody
    from infra.deploy.wanted import used

    people = everybody(machine)
    found = {pool for one in people for pool in used(one) if gpu or pool != one.pools.gpu}
    return sorted(found) or ["cpu"]
