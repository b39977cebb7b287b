"""`make check-compose`: the services of compose.yaml without containers, with the very same commands and settings.

PostgreSQL and Redis are Debian's, the S3 storage is moto; everything else is started with the command and the
environment that infra/docker/compose.yaml has for it, on free ports of the loopback. What it shows: both halves of
the Prefect server agree through PostgreSQL and Redis, nobody gets in without the password, `partsight deploy` and a
worker do their part with the tables in the bucket, and a run whose worker is killed is marked as crashed.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "infra" / "docker" / "compose.yaml"
STANDARD = {"web": 4200, "queue": 6379, "storage": 8333}
PASSWORDS = {f"{name}_PASSWORD": f"pw{name.lower()}0123" for name in ("PARTSIGHT", "POSTGRES", "REDIS", "STORAGE")}
SLEEPER = """
import time
from prefect import flow

@flow
def sleeper(seconds: int = 600) -> None:
    time.sleep(seconds)
"""
DEPLOY = """
import asyncio
from prefect.client.orchestration import get_client

async def main():
    async with get_client() as client:
        flow = await client.create_flow_from_name("sleeper")
        await client.create_deployment(
            flow, name="check", work_pool_name="cpu", entrypoint="check_sleeper.sleeper", tags=["partsight"]
        )

asyncio.run(main())
"""
LISTED = """
import os
from infra.docker.bucket import client
bucket, prefix = os.environ["PARTSIGHT_CATALOGUES"].removeprefix("s3://").split("/", 1)
for page in client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/demo/", Delimiter="/"):
    print(*(found["Prefix"].rstrip("/") for found in page.get("CommonPrefixes", ())))
"""


def interpolated(value: Any, given: Mapping[str, str]) -> Any:
    """`value` as Compose reads it: ${A}, ${A:-default}, ${A:?sentence} and $$, in every string below it.

    Raises LookupError with the sentence where a value that must be given is missing or empty.
    """
    if isinstance(value, Mapping):
        return {key: interpolated(item, given) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolated(item, given) for item in value]
    if not isinstance(value, str):
        return value

    def one(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        held = given.get(found["name"], "")
        if not held and found["how"] == ":?":
            raise LookupError(found["rest"])
        return held or (found["rest"] if found["how"] == ":-" else "")

    return re.sub(r"\$\$|\$\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<rest>[^}]*))?\}", one, value)


def services(given: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The services of compose.yaml by name, with what is `given` filled in."""
    found: dict[str, dict[str, Any]] = interpolated(yaml.safe_load(COMPOSE.read_text(encoding="utf-8")), given)
    return found["services"]


class Machine:
    """Starts what a container would run, on this machine, and ends all of it."""

    def __init__(self, folder: Path, ends: ExitStack) -> None:
        self.folder, self._ends = folder, ends
        names = ("database", "queue", "storage", "web", "worker")
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.services = services(PASSWORDS)
        self.worker: subprocess.Popen[bytes]
        self.account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if self.account:
            os.chown(folder, self.account.pw_uid, self.account.pw_gid)
            folder.chmod(0o700)

    def environment(self, name: str) -> dict[str, str]:
        """The environment of the service `name`, with this machine's ports and folders in the place of Compose's."""
        ports = {f"{host}:{port}": f"127.0.0.1:{self.ports[host]}" for host, port in STANDARD.items()}
        own = dict(self.services[name]["environment"])
        for key, value in own.items():
            for theirs, ours in ports.items():
                own[key] = own[key].replace(theirs, ours) if "://" in value else value
        if "PARTSIGHT_CUSTOMERS" in own:
            own["PARTSIGHT_CUSTOMERS"] = str(ROOT / "infra" / "customers")
        for key, held in own.items():
            if key.endswith("_HOST") and held in self.ports:
                own[key] = "127.0.0.1"
                own[key.replace("_HOST", "_PORT")] = str(self.ports[held])
        own |= {"PREFECT_HOME": f"{self.folder}/prefect-{name}", "HOME": str(self.folder), "TMPDIR": str(self.folder)}
        own |= {"PARTSIGHT_HOME": f"{self.folder}/home", "PYTHONPATH": f"{ROOT}:{self.folder}", "PYTHONUNBUFFERED": "1"}
        own["PREFECT_WORKER_WEBSERVER_PORT"] = str(self.ports["worker"])
        own["PREFECT_SERVER_UI_STATIC_DIRECTORY"] = f"{self.folder}/ui"
        return own | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PARTSIGHT_DISCOVERY": "off"}

    def command(self, name: str) -> list[str]:
        """The command of the service `name`, listening on the loopback and on the port that is free."""
        ours = {"0.0.0.0": "127.0.0.1", "4200": str(self.ports["web"])}  # noqa: S104
        return [ours.get(word, word) for word in self.services[name]["command"]]

    def once(self, *command: str, environment: dict[str, str] | None = None) -> str:
        """Run to the end and give what was printed; ends the check where it fails."""
        done = subprocess.run(
            command,
            env=environment or dict(os.environ),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            **self._who(command[0]),
        )
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-4000:]}")
        return done.stdout + done.stderr

    def start(
        self, name: str, command: list[str], environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start in the background, with a log in the folder; ended with everything it started."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                env=environment or dict(os.environ),
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._who(command[0]),
            )
        self._ends.callback(end, process)
        return process

    def log(self, name: str) -> str:
        """The end of what a service printed."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")[-20000:]

    def until(self, what: str, works: Callable[[], object], seconds: int = 90, log: str = "") -> None:
        """Wait until `works` neither raises nor says no."""
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            try:
                if works():
                    return
            except (OSError, subprocess.CalledProcessError):
                pass
            time.sleep(0.5)
        sys.exit(f"{what}: not within {seconds} s\n{self.log(log) if log else ''}")

    def _who(self, program: str) -> dict[str, Any]:
        if not self.account or Path(program).name not in {"initdb", "postgres"}:  # which refuse to run as root
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask the whole group to end, then make it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            continue


def free_ports(count: int) -> list[int]:
    """As many ports of the loopback that nobody listens on."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def answers(url: str, password: str = "") -> tuple[int, str]:
    """Status and text of what `url` answers, as somebody with this password or with none."""
    import base64

    asked = urllib.request.Request(url)  # noqa: S310
    if password:
        asked.add_header("Authorization", "Basic " + base64.b64encode(password.encode()).decode())
    try:
        with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


@contextmanager
def machine() -> Iterator[Machine]:
    """A folder of its own and nothing left running."""
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="partsight-compose-")))
        yield Machine(folder, ends)


def start_stores(here: Machine) -> None:
    """Start PostgreSQL, Redis and the S3 storage, with the passwords that compose.yaml asks for."""
    where = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    postgres = str(where[-1]) if where else ""
    initdb = shutil.which("initdb", path=f"{postgres}:{os.environ['PATH']}")
    redis = shutil.which("redis-server")
    if not initdb or not redis:
        sys.exit("Install PostgreSQL and Redis first: apt install postgresql redis-server")
    secret, port = here.folder / "secret", str(here.ports["database"])
    secret.write_text(PASSWORDS["POSTGRES_PASSWORD"])
    secret.chmod(0o644)
    data = str(here.folder / "database")
    here.once(initdb, "-D", data, "-U", "prefect", "--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8")
    server = str(Path(initdb).with_name("postgres"))
    here.start("database", [server, "-D", data, "-h", "127.0.0.1", "-p", port, "-k", str(here.folder)])
    queue = ["--port", str(here.ports["queue"]), "--bind", "127.0.0.1", "--requirepass", PASSWORDS["REDIS_PASSWORD"]]
    here.start("queue", [redis, *queue, "--appendonly", "yes", "--maxmemory-policy", "noeviction"])
    moto = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(here.ports["storage"])]
    here.start("storage", moto, here.environment("bucket"))
    login = dict(os.environ) | {"PGPASSWORD": PASSWORDS["POSTGRES_PASSWORD"]}
    ask = [str(Path(initdb).with_name("psql")), "-h", "127.0.0.1", "-p", port, "-U", "prefect", "-d", "postgres", "-c"]

    def ready() -> bool:
        return subprocess.run([*ask, "select 1"], env=login, capture_output=True, check=False).returncode == 0

    here.until("PostgreSQL answers", ready, log="database")
    here.once(*ask, "create database prefect", environment=login)
    here.until("the storage answers", lambda: answers(f"http://127.0.0.1:{here.ports['storage']}/moto-api/"))


def start_server(here: Machine) -> str:
    """Start both halves of the Prefect server; gives the address of its API."""
    api = f"http://127.0.0.1:{here.ports['web']}/api"
    here.start("web", here.command("web"), here.environment("web"))
    here.start("services", here.command("services"), here.environment("services"))
    here.until("web is ready", lambda: answers(f"{api}/ready")[0] == 200, log="web")
    return api


def main() -> None:
    """Print each thing that was shown, with the seconds it took; exit code 1 at the first that is not so."""
    with machine() as here:
        began = time.monotonic()

        def shown(what: str) -> None:
            sys.stdout.write(f"{time.monotonic() - began:6.1f} s  {what}\n")
            sys.stdout.flush()

        start_stores(here)
        shown("PostgreSQL, Redis and the storage answer, each with its password")
        shown(here.once(*here.command("bucket"), environment=here.environment("bucket")).strip().splitlines()[-1])
        here.once(*here.command("migrate"), environment=here.environment("migrate"))
        shown(f"{' '.join(here.command('migrate'))}: the database is made")
        api = start_server(here)
        shown("web and services are two processes, the database answers through web")
        for page, password, wanted in (("version", "", 401), ("version", "partsight:wrong", 401)):
            assert answers(f"{api}/admin/{page}", password)[0] == wanted
        user = here.environment("worker")["PREFECT_API_AUTH_STRING"]
        settings = json.loads(answers(f"{api}/admin/settings", user)[1])["server"]
        assert not settings["analytics_enabled"]
        assert settings["api"]["csrf_protection_enabled"]
        shown("without the password: 401; with it: CSRF protection is on, analytics are off")
        onboard(here, shown)
        lose(here, shown)
        look_back(here, shown)


def onboard(here: Machine, shown: Callable[[str], None]) -> None:
    """Deploy what is in infra/customers, start a worker, see parts of the demo come into the bucket."""
    client = here.environment("deploy")
    here.once(*here.command("deploy"), environment=client)
    shown("partsight deploy: what infra/customers wants is on the server")
    here.worker = here.start("worker", here.command("worker"), here.environment("worker"))
    health = f"http://127.0.0.1:{here.ports['worker']}/health"
    here.until("the worker is healthy", lambda: answers(health)[0] == 200, log="worker")
    shown("a worker of the pool cpu is healthy")
    few = ("--param", 'limits={"files": 2}', "--watch")
    said = here.once("prefect", "deployment", "run", "onboard/demo", *few, environment=client)
    assert "successfully" in said.lower(), said
    made = here.once(sys.executable, "-c", LISTED, environment=client).split()
    assert "customers/demo/parts.lance" in made, made
    shown(f"onboard/demo ran on that worker and left {len(made)} tables in the bucket")


def lose(here: Machine, shown: Callable[[str], None]) -> None:
    """Kill the worker in the middle of a run, with everything it started, and see the run marked as crashed."""
    import psutil

    client = here.environment("deploy")
    (here.folder / "check_sleeper.py").write_text(SLEEPER)
    here.once(sys.executable, "-c", DEPLOY, environment=client)
    run = here.once("prefect", "deployment", "run", "sleeper/check", environment=client)
    found = re.search(r"UUID: (\S+)", run)
    assert found, run

    def state() -> str:
        said = here.once("prefect", "flow-run", "inspect", found[1], "-o", "json", environment=client)
        return str(json.loads(said)["state"]["name"])

    here.until("the run is running", lambda: state() == "Running", log="worker")
    time.sleep(35)  # for its first heartbeat
    worker = psutil.Process(here.worker.pid)
    for process in (*worker.children(recursive=True), worker):
        process.kill()
    began = time.monotonic()
    here.until("the run is marked as crashed", lambda: state() == "Crashed", seconds=180, log="services")
    shown(f"its worker was killed in the middle of a run: marked as crashed after {time.monotonic() - began:.0f} s")


def look_back(here: Machine, shown: Callable[[str], None]) -> None:
    """Events went through Redis, the page is served, nothing complained."""
    redis = ["redis-cli", "-h", "127.0.0.1", "-p", str(here.ports["queue"]), "--scan"]
    keys = here.once(*redis, environment=dict(os.environ) | {"REDISCLI_AUTH": PASSWORDS["REDIS_PASSWORD"]})
    assert "events" in keys.split(), keys
    assert answers(f"http://127.0.0.1:{here.ports['web']}/")[0] == 200
    for name in ("web", "services", "worker"):
        bad = [line for line in here.log(name).splitlines() if re.search(r"\bERROR\b|Traceback", line)]
        assert not bad, f"{name}: {bad}"
    shown("events went through Redis, the page is served, and nobody logged an error")


if __name__ == "__main__":
    main()
