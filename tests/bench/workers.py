"""What the platform costs beside the work itself: `make bench-platform`.

    run start    from asking the server for a run until its first line of ours, by a worker in a process of its own
    task run     what it takes of a run, and of the server's processor
    batch        commits and the report, spread over the batches of parts
    onboarding   the same catalogue by `partsight onboard` and through server and worker
    workers      one onboarding whose parts 1, 2 and 4 workers share, each with its part of the cores

The platform is what `partsight up` starts. Nothing measures recall, so all figures are of the same work. Prints a table
and writes build/platform.json. Goals that are missed are marked, never hidden.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))
import parts

ROOT = Path(__file__).resolve().parents[2]
PARTSIGHT = str(Path(sys.executable).with_name("partsight"))
CORES = os.cpu_count() or 1
SHARED = (1, 2, 4)  # workers of one onboarding
TASKS = 60
SETTLE = 6.0  # seconds until a server has worked on what it was told
PATIENCE = 30  # times that a busy server is asked again
RUN = 600.0  # seconds of the run that the goal is about
GOAL = 0.10
EMPTY = """
import time
from prefect import flow, task

@task
def nothing():
    pass

@flow
def empty(count: int):
    begun = time.perf_counter()
    for _ in range(count):
        nothing()
    print("seconds", (time.perf_counter() - begun) / count)

empty(int(__import__("sys").argv[1]))
"""


class Ended(NamedTuple):
    """A run that ended: seconds until it began, seconds in all, and the runs that it started, with theirs."""

    start: float
    wall: float
    helpers: tuple[tuple[float, float], ...] = ()


class Platform:
    """The server of a platform, through plain HTTP."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/api", timeout=60)

    def ran(self, name: str, **parameters: Any) -> Ended:
        """Start a run of a deployment, wait for its end, and say how long that took."""
        there = self._client.get(f"/deployments/name/{name}").raise_for_status().json()["id"]
        made = self._asked(f"/deployments/{there}/create_flow_run", parameters=parameters)["id"]
        while not (run := self._run(made))["end_time"]:
            time.sleep(0.2)
        if run["state_type"] != "COMPLETED":
            raise SystemExit(f"{name} ended as {run['state_name']}: {run['state']['message']}")
        since = {"expected_start_time": {"after_": run["start_time"]}, "state": {"type": {"any_": ["COMPLETED"]}}}
        others = self._asked("/flow_runs/filter", flow_runs=since)
        helpers = tuple(_times(one) for one in others if one["id"] != made)
        return Ended(*_times(run), helpers)

    def _asked(self, path: str, **body: Any) -> Any:
        for _ in range(PATIENCE):
            answer = self._client.post(path, json=body)
            if (
                answer.status_code != httpx.codes.SERVICE_UNAVAILABLE
            ):  # SQLite is locked: Prefect's client asks again too
                break
            time.sleep(1)
        if answer.is_error:
            raise SystemExit(f"{path} answers {answer.status_code}: {answer.text[:500]}")
        return answer.json()

    def _run(self, run: str) -> dict[str, Any]:
        found: dict[str, Any] = self._client.get(f"/flow_runs/{run}").raise_for_status().json()
        return found


def main() -> int:
    """Measure, print, save; returns 0 also when a goal is missed, for a benchmark is no test."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="partsight-bench-", ignore_cleanup_errors=True) as folder:
        figures = measured(Path(folder), arguments.parts, arguments.repeats)
    console = Console(width=130)
    console.print(_table(figures))
    target = ROOT / "build" / "platform.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(figures, indent=1))
    console.print(f"written to {target.relative_to(ROOT)}")
    return 0


def measured(folder: Path, count: int, repeats: int) -> dict[str, Any]:
    """All figures, with an onboarding of `count` parts; the start of a run is the median of `repeats`."""
    _progress(f"making {count} parts")
    parts.write(folder / "cad", count)
    parts.write(folder / "few", 1)
    (folder / "customers").mkdir()
    _customer(folder, "few", "few", 1)
    for workers in SHARED:
        _customer(folder, f"by-{workers}", "cad", workers)
    _progress(f"partsight onboard, {count} parts")
    wall, summary = inline(folder)
    with platform(folder) as (url, environment, up):
        server = Platform(url)
        _progress("starts of a run")
        server.ran("onboard/few")  # its files are in the memory of the machine from now on
        starts = [server.ran("onboard/few", dry_run=True) for _ in range(repeats)]
        _progress("task runs")
        one_task = task_run(environment, up)
        shared = {}
        for workers in SHARED:
            _progress(f"{count} parts through server and worker, in {workers} shares")
            shared[workers] = server.ran(f"onboard/by-{workers}", limits={"processes": max(1, CORES // workers)})
    return _figures(count, wall, summary, starts, one_task, shared)


def _figures(
    count: int,
    wall: float,
    summary: dict[str, Any],
    starts: list[Ended],
    one_task: tuple[float, float],
    shared: dict[int, Ended],
) -> dict[str, Any]:
    batches = -(-count // max(8, -(-count // 90)))
    begin = statistics.median(one.start for one in starts)
    more = shared[1].wall - wall
    rows = {
        "run start": _row(begin, f"s, median of {len(starts)}; server, worker and process, until our first line"),
        "run that only looks": _row(statistics.median(one.wall for one in starts), "s from asking to its end"),
        "task run": _row(one_task[0], f"s of the run, mean of {TASKS} that do nothing"),
        "task run, server": _row(one_task[1], "s of the server's processor, which works on it meanwhile and after"),
        "batch": _row(summary["seconds"]["publish"] / batches, "s of commits and report, for each batch of parts"),
        "onboarding, inline": _row(wall, f"s, partsight onboard, {count} parts"),
        "onboarding, platform": _row(shared[1].wall, f"s, the same through server and worker ({more:+.1f} s)"),
        "overhead of this run": _row(more / wall, "of the inline time", GOAL),
        "overhead of ten minutes": _row(more / RUN, f"computed: {more:+.1f} s of {RUN:.0f} s", GOAL),
    }
    for workers, ended in shared.items():
        rows[f"{workers} workers"] = _row(ended.wall, _told(workers, ended, shared[1]))
    return {"parts": count, "cores": CORES, "figures": rows, "seconds": summary["seconds"]}


def _told(workers: int, ended: Ended, alone: Ended) -> str:
    """What was measured of an onboarding by so many workers."""
    if workers == 1:
        return f"s, {CORES} processes"
    late = max((start for start, _ in ended.helpers), default=0.0)
    longest = max((wall - start for start, wall in ended.helpers), default=0.0)
    return (
        f"s, {max(1, CORES // workers)} processes each; {ended.wall - alone.wall:+.1f} s beside one worker; "
        f"shares began after {late:.1f} s and worked {longest:.1f} s"
    )


def _row(value: float, what: str, goal: float | None = None) -> dict[str, Any]:
    """A measured value, and its goal where there is one."""
    found: dict[str, Any] = {"value": round(value, 4), "what": what}
    return found | ({"goal": goal, "reached": value <= goal} if goal is not None else {})


def inline(folder: Path) -> tuple[float, dict[str, Any]]:
    """Seconds that the command takes, and its summary."""
    environment = os.environ | {"PARTSIGHT_HOME": str(folder / "alone"), "PREFECT_HOME": str(folder / "alone-prefect")}
    begun = time.perf_counter()
    command = [PARTSIGHT, "onboard", str(folder / "customers" / "by-1.yaml"), "--json"]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return time.perf_counter() - begun, json.loads(done.stdout)


def task_run(environment: dict[str, str], up: int) -> tuple[float, float]:
    """Seconds that a task run which does nothing takes of its run, and of the processors of what `up` started."""
    quiet = environment | {"PREFECT_LOGGING_LEVEL": "ERROR"}
    command = [sys.executable, "-c", EMPTY, str(TASKS)]
    before = _cpu(up)
    time.sleep(SETTLE)
    begun, idle = time.perf_counter(), _cpu(up) - before
    before = _cpu(up)
    done = subprocess.run(command, env=quiet, stdout=subprocess.PIPE, text=True, check=True)
    time.sleep(SETTLE)  # what tasks tell the server is worked on after them
    spent = _cpu(up) - before - idle * (time.perf_counter() - begun) / SETTLE
    return float(done.stdout.split()[-1]), spent / TASKS


def _cpu(root: int) -> float:
    """Seconds of processors that a process and all below it have used."""
    stats = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            stats[int(entry.parent.name)] = entry.read_text().rpartition(")")[2].split()
    found = {root}
    while more := {pid for pid, stat in stats.items() if int(stat[1]) in found} - found:
        found |= more
    ticks = sum(int(stats[pid][11]) + int(stats[pid][12]) for pid in found if pid in stats)
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def platform(folder: Path) -> Iterator[tuple[str, dict[str, str], int]]:
    """What `partsight up` starts, with its address, environment and process; ended by one signal."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    url, home = f"http://127.0.0.1:{port}", folder / "home"
    environment = {
        **os.environ,
        "PARTSIGHT_HOME": str(home),
        "PARTSIGHT_CUSTOMERS": str(folder / "customers"),
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_API_URL": f"{url}/api",
    }
    _progress("partsight up")
    runs = str(2 + max(SHARED))
    command = [PARTSIGHT, "up", "--port", str(port), "--no-gpu", "--no-browser", "--runs", runs, "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as up:
        try:
            if up.stdout is None or not up.stdout.readline():
                raise SystemExit("partsight up did not come up")
            yield url, environment, up.pid
        finally:
            up.send_signal(signal.SIGINT)


def _customer(folder: Path, slug: str, source: str, workers: int) -> None:
    """A customer's file; the defaults but for recall, which is not measured."""
    text = f"slug: {slug}\nsource: ../{source}\nrelease: {{queries: 0}}\npools: {{workers: {workers}}}\n"
    (folder / "customers" / f"{slug}.yaml").write_text(text)


def _times(run: dict[str, Any]) -> tuple[float, float]:
    """Seconds until a run began, and until it ended, from when it was asked for."""
    created, begun, ended = (datetime.fromisoformat(run[name]) for name in ("created", "start_time", "end_time"))
    return (begun - created).total_seconds(), (ended - created).total_seconds()


def _table(figures: dict[str, Any]) -> Table:
    table = Table(title=f"{figures['parts']} parts on {figures['cores']} cores", title_justify="left")
    for head in ("figure", "value", "goal", "", "measured"):
        table.add_column(head)
    for name, row in figures["figures"].items():
        goal, mark = "", ""
        if "goal" in row:
            goal, mark = f"≤ {row['goal']:g}", "[green]reached[/]" if row["reached"] else "[red]missed[/]"
        table.add_row(name, f"{row['value']:.3f}", goal, mark, row["what"])
    if figures["cores"] < max(SHARED):
        table.caption = (
            f"With {figures['cores']} cores several workers cannot be quicker than one that uses them all: what they "
            "take longer is their overhead. On machines of their own they divide the time of the shares."
        )
    return table


def _progress(what: str) -> None:
    sys.stderr.write(f"bench: {what}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=int, default=240, help="parts of an onboarding")
    parser.add_argument("--repeats", type=int, default=5, help="starts that are measured")
    parser.add_argument("--quick", action="store_true", help="so few of both that it only shows that it works")
    given = parser.parse_args()
    if given.quick:
        given.parts, given.repeats = 17, 1
    return given


if __name__ == "__main__":
    sys.exit(main())
