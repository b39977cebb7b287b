"""Faults of an onboarding that two workers share."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import sharing
from faults import EARLIER, KILLED, Bench, Trial
from manifest import manifest

from blocks.catalogue import Catalogue

if TYPE_CHECKING:
    from pathlib import Path

    from warm import Child

WORKERS: Final = 2


class Run(NamedTuple):
    """A run that two workers share: the processes, and the name of the run."""

    home: Path
    uri: str
    leader: Child
    workers: list[Child]
    name: str

    def kill(self) -> bool:
        """All of them, at once; whether a worker was still at it (the run itself waits for them)."""
        for child in (self.leader, *self.workers):
            child.kill()
        self.leader.wait()
        return KILLED in [child.wait() for child in self.workers]


def begun(bench: Bench, home: Path, uri: str, **told: Any) -> Run:
    """Start a run and, once it has handed out, its workers; `told` says what befalls the first of these."""
    leader = bench.start(home, uri, do="sharing:coordinator", shares=WORKERS)
    handed = home / sharing.HANDED
    while not handed.exists():
        assert not (home / "outcome.json").exists(), leader.outcome()
        time.sleep(0.02)
    name = json.loads(handed.read_text())["run"]
    workers = [worker(bench, home, uri, name, share, **(told if share == 0 else {})) for share in range(WORKERS)]
    return Run(home, uri, leader, workers, name)


def worker(bench: Bench, home: Path, uri: str, name: str, share: int, again: str = "", **told: Any) -> Child:
    """Start a worker of a run, for the first time or `again`."""
    common = {"shares": WORKERS, "share": share, "run": name}
    return bench.start(home / f"worker-{share}{again}", uri, do="sharing:worker", **common, **told)


def finished(run: Run) -> tuple[list[str], list[Child]]:
    """Wait for the workers, tell the run of them, and wait for its end: sentences of what failed, and who worked."""
    failed = []
    for share, child in enumerate(run.workers):
        if status := child.wait():
            failed.append(f"worker {share} ended with {status}: {child.outcome().get('error')}")
        (run.home / f"told-{share}").write_text(json.dumps(child.outcome().get("summary", {})))
        (run.home / f"told-{share}").rename(run.home / f"share-{share}.json")
    if status := run.leader.wait():
        failed.append(f"the run ended with {status}: {run.leader.outcome().get('error')}")
    return failed, [run.leader, *run.workers]


def worker_killed(bench: Bench, stop: int) -> Trial:
    """One of two workers is killed at a commit of its own, and started again within the run."""
    place = bench.place()
    run = begun(bench, place / "first", str(place / "tables"), stop=stop)
    status = run.workers[0].wait()
    assert status in (0, KILLED), run.workers[0].outcome()
    where = f"before its commit {stop}" if status else f"it has no commit {stop}"
    catalogue = Catalogue(uri=run.uri)
    before = manifest(catalogue)
    early = [child.made() for child in (run.leader, *run.workers)]
    again = worker(bench, run.home, run.uri, run.name, 0, "-again")
    failed, children = finished(run._replace(workers=[again, *run.workers[1:]]))
    trial = Trial("one of two workers killed, started again", where, tuple(failed), befell=status == KILLED)
    late = sum((child.made() for child in children), start=type(early[0])())
    late.subtract(early[0])  # the run and the other worker went on meanwhile
    late.subtract(early[2])
    return bench.judged(trial, place, before, manifest(catalogue), late)


def all_killed(bench: Bench, share: float) -> Trial:
    """Run and workers are killed when so much time is over, earlier where both were done; two finish it."""
    place = bench.place()
    run = begun(bench, place / "first", str(place / "tables"))
    time.sleep(share * bench.seconds)
    if not run.kill():
        shutil.rmtree(place)
        return all_killed(bench, share * EARLIER)
    catalogue = Catalogue(uri=run.uri)
    before = manifest(catalogue)
    failed, children = finished(begun(bench, place / "second", run.uri))
    made = sum((child.made() for child in children), start=type(children[0].made())())
    trial = Trial("a run and its two workers killed", f"{share:.3f} of an onboarding after handing out", tuple(failed))
    return bench.judged(trial, place, before, manifest(catalogue), made)
