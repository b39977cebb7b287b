"""Runs that are killed, cancelled, or started twice: noticed, ended, queued, and the catalogue is whole in the end."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from lancedb.expr import col, lit

from blocks.catalogue import Catalogue

FILE = """
slug: {slug}
source: ../cad
recipe:
  render: {{views: 4, size: 64}}
  stages: [slow]
  settings: {{slow: {{word: "{word}"}}}}
release: {{queries: 0}}
notify: custom-webhook/{slug}
"""


class Slow:
    """A customer whose pictures take as long as a file says."""

    def __init__(self, platform: Any, slug: str, hook: str) -> None:
        self.platform, self.slug = platform, slug
        self.word = platform.folder / f"{slug}.seconds"
        self.catalogue = Catalogue(uri=str(platform.home / "customers" / slug / "catalogue"))
        _webhook(platform, slug, hook)
        path = platform.folder / "customers" / f"{slug}.yaml"
        path.write_text(FILE.format(slug=slug, word=self.word))
        done = platform.partsight("deploy", slug)
        assert done.returncode == 0, done.stderr

    def caught(self) -> str:
        """A run that is in the middle of its pictures; its id."""
        self.word.write_text("600")
        run = self.platform.start(f"onboard/{self.slug}")
        log = Path(f"{self.word}.log")
        self.until(lambda: log.exists() and bool(log.read_text()), 90, "no picture was begun")
        return str(run)

    def until(self, true: Callable[[], bool], seconds: float, complaint: str) -> None:
        """Wait for something."""
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, complaint
            time.sleep(0.2)

    def processes(self, run: str) -> list[int]:
        """The process of a run, and all below it."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    environment = (entry / "environ").read_bytes()
                except OSError:
                    continue
                if run.encode() in environment:
                    found.append(int(entry.name))
        return found

    def whole(self) -> None:
        """Every part has its four views and four variants, each picture once, and all are live."""
        rows = self.catalogue.rows("images", ("id", "part", "kind"))
        assert Counter((row["part"], row["kind"]) for row in rows) == {
            (f"washer-{inner}", kind): 4 for inner in (3, 5, 7) for kind in ("view", "variant")
        }
        served = self.catalogue.served()
        accepted = {row["id"] for row in self.catalogue.rows("images", ("id",), col("accepted") == lit(value=True))}
        assert {row["id"] for row in served.rows(served.vectors, ("id",))} == accepted


def _webhook(platform: Any, name: str, url: str) -> None:
    """A notification block, as an operator makes it in the UI."""
    kind = platform.client.get("/block_types/slug/custom-webhook").json()
    schema = platform.ask("/block_schemas/filter", block_schemas={"block_type_id": {"any_": [kind["id"]]}})[0]
    data = {"name": name, "url": url, "method": "POST", "json_data": {"text": "{{subject}}: {{body}}"}}
    document = {"name": name, "data": data, "block_schema_id": schema["id"], "block_type_id": kind["id"]}
    platform.ask("/block_documents/", **document)


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[str, list[str]]]:
    """A server that is told of failures: its address, and what it was told."""
    heard: list[str] = []

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["content-length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Ear) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", heard
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def killed(platform: Any, told: tuple[str, list[str]]) -> tuple[Slow, str, float]:
    """A customer whose run lost its processes in the middle of a batch, as when a machine goes down, and when."""
    slow = Slow(platform, "killed", told[0])
    run = slow.caught()
    processes = {*platform.workers(), *slow.processes(run)}  # the worker could still say what befell its run
    assert slow.processes(run)
    for process in processes:
        os.kill(process, signal.SIGKILL)
    return slow, run, time.monotonic()


@pytest.mark.usefixtures("killed")  # it takes its time to be noticed: meanwhile the others are tested
def test_a_second_run_of_a_customer_waits_and_other_customers_do_not(
    platform: Any, told: tuple[str, list[str]]
) -> None:
    """Onboarding twice and an evaluation: one after another, while somebody else's run goes through."""
    slow = Slow(platform, "queued", told[0])
    first = slow.caught()
    second = platform.start("onboard/queued")
    measured = platform.start("evaluate/queued")
    other = platform.wait(platform.start("onboard/acme"), seconds=120)
    assert other["state_name"] == "Completed"
    assert platform.wait(second, "AwaitingConcurrencySlot")["start_time"] is None
    assert platform.run(first)["state_name"] == "Running"
    slow.word.unlink()
    ends = [platform.wait(run, seconds=120) for run in (first, second)]
    assert [one["state_name"] for one in ends] == ["Completed", "Completed"], platform.logs(second)
    assert ends[1]["start_time"] >= ends[0]["end_time"]
    assert "3 parts, 0 new and 0 changed" in ends[1]["state"]["message"]
    platform.wait(measured, seconds=120)
    begun = [one["start_time"] for one in platform.tasks(measured)]
    assert all(start >= ends[0]["end_time"] for start in begun)
    slow.whole()


@pytest.mark.usefixtures("killed")
def test_a_run_that_is_cancelled_stops_soon_and_leaves_what_it_has(platform: Any, told: tuple[str, list[str]]) -> None:
    """As from the UI: within 30 seconds nothing of it runs any more, and the next run goes on from there."""
    slow = Slow(platform, "stopped", told[0])
    run = slow.caught()
    assert slow.processes(run)
    begun = time.monotonic()
    platform.ask(f"/flow_runs/{run}/set_state", state={"type": "CANCELLING", "name": "Cancelling"})
    platform.wait(run, "Cancelled", seconds=30)
    slow.until(lambda: not slow.processes(run), 30 - (time.monotonic() - begun), "something of the run goes on")
    assert slow.catalogue.served().run == ""
    slow.word.unlink()
    again = platform.wait(platform.start("onboard/stopped"), seconds=150)
    assert again["state_name"] == "Completed", platform.logs(again["id"])
    slow.whole()


def test_a_run_whose_machine_is_lost_counts_as_crashed_within_two_minutes_and_the_next_one_completes_it(
    platform: Any, told: tuple[str, list[str]], killed: tuple[Slow, str, float]
) -> None:
    """Nobody could say goodbye; the heartbeats stopped, somebody is told, and what was committed is not made again."""
    slow, run, when = killed
    ended = platform.wait(run, "Crashed", seconds=max(1.0, 120 - (time.monotonic() - when)))
    assert "the worker is gone" in ended["state"]["message"]
    slow.until(lambda: any("killed" in one for one in told[1]), 30, f"nobody was told of it: {told[1]}")
    slow.word.unlink()
    again = platform.wait(platform.start("onboard/killed"), seconds=180)
    assert again["state_name"] == "Completed", platform.logs(again["id"])
    slow.whole()


def test_a_run_whose_server_is_restarted_leaves_a_whole_catalogue(platform: Any, told: tuple[str, list[str]]) -> None:
    """The server is killed in the middle of the pictures and comes back: that run, or the next one, completes them."""
    slow = Slow(platform, "restarted", told[0])
    run = slow.caught()
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in platform.processes()}
    (server,) = [pid for pid, command in commands.items() if b"-m\0infra.server\0" in command]
    os.kill(server, signal.SIGKILL)
    slow.word.unlink()  # it goes on while there is nobody to tell
    slow.until(platform.answers, 120, "the server did not come back")
    ended = platform.wait(run, seconds=240)
    if ended["state_name"] != "Completed":
        ended = platform.wait(platform.start("onboard/restarted"), seconds=240)
    assert ended["state_name"] == "Completed", platform.logs(ended["id"])
    slow.whole()
