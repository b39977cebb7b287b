"""`partsight up`: the whole platform on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from infra.cli.output import Answer, Json, WrongCallError, answer, complain
from infra.cli.who import here

if TYPE_CHECKING:
    from infra.settings import Settings
    from infra.up import Platform

_LOOPBACK = {"127.0.0.1", "localhost"}


def up(
    *,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=Number(gte=1, lte=65535))] = 4200,
    url: str = "",
    gpu: Annotated[bool | None, Parameter(negative="--no-gpu")] = None,
    runs: Annotated[int, Parameter(validator=Number(gte=1, lte=64))] = 4,
    no_browser: bool = False,
    as_json: Json = False,
) -> int:
    """Start server, workers and deployments on this machine, and open the dashboard; Ctrl-C ends all of it.

    For example:

    ```
    partsight up
    partsight up --port 4300 --no-browser
    ```

    Args:
        host: Address to listen on; beyond this machine only with a password (PREFECT_SERVER_API_AUTH_STRING).
        port: Port of the server.
        url: Address under which people open the pages, where it is not this machine's own (a proxy's, say).
        gpu: Whether to start workers for the pools with GPUs; by default where this machine has a GPU.
        runs: Runs that one worker takes at once; one that waits for another of its customer counts too.
        no_browser: Do not open the dashboard in a browser.
        as_json: Print JSON alone on stdout: one line when everything runs.
    """
    from infra.up import UpError, alone, environment, free, running

    machine = here()
    _guard(host, url)
    if not free(host, port):
        raise WrongCallError(f"Something listens on port {port} already: choose another one with --port.")
    told, home = environment(machine, host, port, url), machine.home.absolute()
    try:
        with answer(as_json) as out, alone(home), running(told, home / "logs", complain) as platform:
            served = _start(platform, machine, told, gpu=gpu, runs=runs)
            if served is None:  # stopped before it had started
                return 0
            _welcome(out, served, told, as_json=as_json)
            if not no_browser and sys.stdout.isatty():
                import webbrowser

                webbrowser.open(served["dashboard"])
            platform.watch()
    except UpError as error:
        complain(str(error))
        return 1
    return 0


def _guard(host: str, url: str) -> None:
    if host not in _LOOPBACK and not url:
        raise WrongCallError(f"Say with --url under which address people open the pages that {host} listens for.")
    if host not in _LOOPBACK and not os.environ.get("PREFECT_SERVER_API_AUTH_STRING"):
        raise WrongCallError(
            f"{host} can be reached from other machines: set a password first, "
            "PREFECT_SERVER_API_AUTH_STRING=name:password."
        )


def _start(
    platform: Platform, machine: Settings, told: dict[str, str], *, gpu: bool | None, runs: int
) -> dict[str, str] | None:
    """Start everything in its order; returns what can be reached where, or None when it was stopped meanwhile."""
    from infra.up import UpError, pools, server, worker

    url = told["PREFECT_API_URL"]
    host, port = told["PREFECT_SERVER_API_HOST"], int(told["PREFECT_SERVER_API_PORT"])
    platform.start(server(host, port))
    if not platform.answers(url):
        return None
    command = [sys.executable, "-c", "from infra.cli import main; main()", "deploy"]
    deployed = subprocess.run(command, env=told, capture_output=True, text=True, check=False, start_new_session=True)
    if deployed.returncode:
        raise UpError((deployed.stderr.strip() or "The deployments could not be made.").splitlines()[-1])
    wanted = pools(machine, gpu=_has_gpu() if gpu is None else gpu)
    for pool in wanted:
        platform.start(worker(pool, runs))
    return {"dashboard": told["PREFECT_UI_URL"], "api": url, "pools": ", ".join(wanted), "deployed": deployed.stdout}


def _welcome(out: Answer, served: dict[str, str], told: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        out.json({"dashboard": served["dashboard"], "api": served["api"], "pools": served["pools"].split(", ")})
        return
    out.line(served["deployed"].strip().splitlines()[-1] if served["deployed"].strip() else "")
    out.line(f"Dashboard   {served['dashboard']}", style="bold")
    out.line(f"Workers     {served['pools']}")
    out.line(f"Logs        {told['PARTSIGHT_HOME']}/logs")
    out.line("Ctrl-C ends all of it; what was committed stays.", style="dim")


def _has_gpu() -> bool:
    """Whether this machine has a GPU, asked in a process of its own: nobody here needs torch."""
    code = "import torch, sys; sys.exit(not torch.cuda.is_available())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
