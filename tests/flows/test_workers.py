"""A Prefect server, and workers in two pools: one customer's run spread over them, data passing through tables only.

The worker of the pool with the GPUs stands for another machine: it has a folder of its own, and, with the tables in a
bucket, nothing on its disk that the others have.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import trimesh
from moto_server import served

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Pools
from infra.settings import Settings

BUCKET = "partsight-workers"
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A customer's folder with ten parts, which are two batches."""
    folder = tmp_path / "many"
    folder.mkdir()
    for size in range(10):
        trimesh.creation.box((10 + 2 * size, 20, 10)).export(folder / f"box-{size}.stl")
    return folder


@pytest.fixture
def who(painter: Callable[..., Customer], many: Path) -> Customer:
    """The customer: two pictures of each part, a variant of each by a stage that wants a GPU."""
    made = painter()
    render = made.recipe.render.model_copy(update={"views": 2})
    recipe = made.recipe.model_copy(update={"render": render})
    return made.model_copy(update={"recipe": recipe, "source": str(many)})


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An S3-compatible server on this machine, named in the environment as AWS's own tools have it."""
    with served(BUCKET) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield f"s3://{BUCKET}/customers"


@contextmanager
def worker(pool: str, folder: Path, modules: Path) -> Iterator[None]:
    """A worker of a pool, with a folder and a home of its own; at the end it is told to go."""
    from prefect.settings import get_current_settings

    (folder / pool).mkdir()
    environment = {
        **os.environ,
        "PARTSIGHT_HOME": str(folder / pool / "home"),
        "PREFECT_API_URL": get_current_settings().api.url or "",
        "PREFECT_HOME": str(folder / pool / "prefect"),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PYTHONPATH": str(modules),
    }
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--type", "process"]
    with (folder / f"{pool}.log").open("w") as told:
        running = subprocess.Popen(command, env=environment, cwd=folder / pool, stdout=told, stderr=told)
    try:
        yield
    finally:
        running.terminate()
        try:
            running.wait(60)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()  # a process that nobody waits for is a warning, and so a failure, when it is collected


def deployed(who: Customer, machine: Settings) -> None:
    """What `partsight deploy` does for one customer."""
    from infra.deploy import planned, wanted
    from infra.deploy.server import connected

    with warnings.catch_warnings(), connected() as server:
        warnings.simplefilter("ignore", DeprecationWarning)  # a field of Prefect's answers that it calls deprecated
        for change in planned(wanted([who], machine), server, whole=False).changes:
            server.apply(change)


def onboarded(who: Customer, machine: Settings, tmp_path: Path) -> tuple[Catalogue, dict[str, Any]]:
    """Start a run of onboarding as a schedule would, and wait for it: the tables and the summary."""
    from prefect.deployments import run_deployment

    ended: Any = run_deployment(f"onboard/{who.slug}", timeout=900, poll_interval=1)
    logs = "\n".join(path.read_text()[-3000:] for path in sorted(tmp_path.glob("*.log")))
    assert ended.state.is_completed(), f"{ended.state} {logs}"
    catalogue = Catalogue(uri=machine.uri(who.slug))
    (row,) = catalogue.rows("runs", ("summary",))
    return catalogue, json.loads(row["summary"])


def runs() -> list[dict[str, Any]]:
    """All runs that the server knows, each with the name of its `flow`."""
    from prefect.settings import get_current_settings

    with httpx.Client(base_url=get_current_settings().api.url or "", timeout=120) as client:
        found = answered(lambda: client.post("/flow_runs/filter", json={}))
        names = {
            flow: answered(lambda flow=flow: client.get(f"/flows/{flow}")) for flow in {run["flow_id"] for run in found}
        }
        return [run | {"flow": names[run["flow_id"]]["name"]} for run in found]


def answered(ask: Callable[[], httpx.Response]) -> Any:
    """What the server says; asked again where SQLite was busy, as Prefect's own client does."""
    for _ in range(60):
        answer = ask()
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        time.sleep(1)
    return answer.raise_for_status().json()


def kill_one(flow: str) -> None:
    """Kill the process of the first run of a flow that works."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        for run in runs():
            if run["flow"] == flow and run["state_type"] == "RUNNING" and run["infrastructure_pid"]:
                os.kill(int(run["infrastructure_pid"].rpartition(":")[2]), signal.SIGKILL)
                return
        time.sleep(0.2)


def ends_of_two_whose_third_cannot_start(slug: str) -> list[str]:
    """How the runs of two shares end, of three that a run wanted; the server was away for the third."""
    from prefect import flow

    from flows.elsewhere import Started, elsewhere

    before, start = {run["id"] for run in runs()}, Started.start

    def started(self: Started, parameters: Any) -> Any:
        if parameters["share"] == 2:
            raise OSError("the server is away")
        return start(self, parameters)

    @flow
    def asks() -> None:
        list(elsewhere("make", slug, {}, 3))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Started, "start", started)
        with pytest.raises(OSError, match="away"):
            asks()
    return [run["state_type"] for run in runs() if run["flow"] == "make" and run["id"] not in before]


def content(catalogue: Catalogue) -> dict[str, list[str]]:
    """Pictures and parts as searches read them, to the last bit, and what has a vector."""
    served = catalogue.served()
    images = served.rows("images", ("id", "part", "kind", "image", "accepted", "reason"))
    parts = served.rows("parts", ("part", "recipe", "status"))
    vectors = served.rows(served.vectors, ("id", "part", "kind"))
    return {name: sorted(map(str, rows)) for name, rows in (("images", images), ("parts", parts), ("vectors", vectors))}


def matrix(catalogue: Catalogue) -> np.ndarray:
    """The vectors that searches read, (n, d), in the order of their ids."""
    served = catalogue.served()
    rows = sorted(served.rows(served.vectors, ("id", "vector")), key=lambda row: str(row["id"]))
    return np.array([row["vector"] for row in rows])


@pytest.mark.slow
def test_a_run_that_is_spread_over_workers_makes_what_one_process_makes(
    onboard: Run, who: Customer, bucket: str, many: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    """On disk with a GPU worker; then in a bucket, its parts in two shares, one of which is killed while it works."""
    from prefect.testing.utilities import prefect_test_harness

    import flows  # noqa: F401 it says what Prefect tells nobody, and that is read when Prefect is imported
    from flows.elsewhere import Started

    here, there = (Settings(home=tmp_path / "home", catalogues=where) for where in (str(tmp_path / "disk"), bucket))
    one = who.model_copy(update={"pools": Pools(gpu="gpu", on_gpu=("augment", "embed"))})
    two = one.model_copy(update={"pools": one.pools.model_copy(update={"workers": 2})})
    with ThreadPoolExecutor() as beside:
        alone = beside.submit(onboard, who, source=many)
        with prefect_test_harness(server_startup_timeout=90):
            expected = alone.result()
            assert (expected["images"]["views"], expected["images"]["variants"]) == (20, 20)
            deployed(one, here)
            pools = ("cpu", "cpu-shares", "gpu")
            with ExitStack() as workers:
                for pool in pools:
                    workers.enter_context(worker(pool, tmp_path, tmp_path))
                disk = onboarded(one, here, tmp_path)
                where = sorted(f"{run['flow']} in {run['work_pool_name']}" for run in runs())
                assert where == ["augment in gpu", "embed in gpu", "onboard in cpu"]
                deployed(two, there)
                killed = beside.submit(kill_one, "make")
                far = onboarded(two, there, tmp_path)
                killed.result()
                shares = [run for run in runs() if run["flow"] == "make"]
                assert {run["work_pool_name"] for run in shares} == {"cpu-shares"}
                assert sorted(run["state_type"] for run in shares) == ["COMPLETED", "COMPLETED", "CRASHED"]
                said = {run["state"]["message"].partition("\n")[0] for run in runs() if run["flow"] == "augment"}
                assert said == {f"{20 - expected['images']['rejected']} of 20 variants accepted."}
            with pytest.raises(ValueError, match="There is no deployment wake/acme: run `partsight deploy acme`"):
                Started("wake", who.slug).start({})
            assert ends_of_two_whose_third_cannot_start(who.slug) == ["CANCELLED", "CANCELLED"]
    for made, summary in (disk, far):
        assert {name: summary[name] for name in ("parts", "images", "quarantine", "notes")} == {
            name: expected[name] for name in ("parts", "images", "quarantine", "notes")
        }
        assert content(made) == content(catalogue)
        np.testing.assert_allclose(matrix(made), matrix(catalogue), atol=1e-5)
    assert far[0].uri.startswith("s3://")
    assert list((tmp_path / "gpu" / "home").rglob("*.lance")) == []
