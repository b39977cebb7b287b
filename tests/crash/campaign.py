"""Stop an onboarding anywhere and start it again: `make crash`.

Each fault befalls an onboarding with all stages on; the next one completes what it left, and the tables are compared
with those of an undisturbed one: what is lost, what is there twice, what was done over although it was committed.
What met no run (a call that was never made, a commit that is not there) is told, and is not among what was tried.
Prints a table and writes build/crash.json; ends with 1 where anything is not as it should be.

`--moments` says how many moments of time, `--commits` at which share of all commits, `--calls` at how many calls to
the storage; `--only` takes some of the faults, by the beginning of their names.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "helpers"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
import outage
import together
from faults import Bench, Trial, moments
from storage import WAYS, Storage
from warm import Warm

from tasks.records import generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Trials = Iterator[Callable[[], Trial]]

ROOT: Final = Path(__file__).resolve().parents[2]
COMB: Final = 10  # a failed call is asked again: in so many runs, each failing at another one of ten, every call fails
STAGES: Final = "wear,background,occlude,camera,diffuse"
FOREVER: Final = 10**9
NO_PATIENCE: Final = {"client_max_retries": "0"}  # LanceDB's client asks nothing again, and the run is told


def commits(bench: Bench, wanted: argparse.Namespace) -> Trials:
    """Killed before and after each commit."""
    for stop in some(wanted, "commits", len(bench.commits), wanted.commits):
        yield lambda stop=stop: bench.at_commit(stop, "before")  # type: ignore[misc]
        yield lambda stop=stop: bench.at_commit(stop, "after")  # type: ignore[misc]


def times(bench: Bench, wanted: argparse.Namespace) -> Trials:
    """Killed at moments."""
    for share in moments(generator("crash", wanted.seed, "moments"), wanted.moments):
        yield lambda share=share: bench.at_moment(share)  # type: ignore[misc]


def rivals(bench: Bench, wanted: argparse.Namespace) -> Trials:
    """Another writer comes first at each commit."""
    for number in some(wanted, "rivals", len(bench.commits), wanted.commits):
        yield lambda number=number: bench.at_rival(number)  # type: ignore[misc]


def workers(bench: Bench, wanted: argparse.Namespace) -> Trials:
    """Two workers: one is killed at each of its commits, all at moments."""
    for stop in some(wanted, "workers", 9, wanted.commits):
        yield lambda stop=stop: together.worker_killed(bench, stop)  # type: ignore[misc]
    for share in moments(generator("crash", wanted.seed, "all"), max(1, wanted.moments // 5)):
        yield lambda share=share: together.all_killed(bench, share)  # type: ignore[misc]


def disks(bench: Bench, wanted: argparse.Namespace) -> Trials:
    """Disks that hold a part of it."""
    for share in moments(generator("crash", wanted.seed, "disk"), max(1, wanted.moments // 5)):
        yield lambda share=share: outage.full(bench, share)  # type: ignore[misc]


def storages(bench: Bench, storage: Storage, wanted: argparse.Namespace) -> Trials:
    """A storage that fails: at every call in turn, at one call where nothing is asked again, at many in a row."""
    for how in WAYS:
        for first in some(wanted, how, COMB, wanted.commits):
            comb = range(first, FOREVER, COMB)
            yield lambda how=how, comb=comb: outage.stored(bench, storage, how, comb)  # type: ignore[misc]
    random = generator("crash", wanted.seed, "storage")
    calls = outage.asked(bench, storage)
    for number in range(wanted.calls):
        call, how = int(random.integers(calls)), WAYS[number % len(WAYS)]
        one, row = range(call, call + 1), range(call, call + int(random.integers(2, 400)))
        yield lambda how=how, one=one: outage.stored(bench, storage, how, one, **NO_PATIENCE)  # type: ignore[misc]
        yield lambda how=how, row=row: outage.stored(bench, storage, how, row, **NO_PATIENCE)  # type: ignore[misc]
        yield lambda call=call: outage.killed_at_call(bench, storage, call)  # type: ignore[misc]


def some(wanted: argparse.Namespace, what: str, count: int, share: float) -> list[int]:
    """A share of the numbers below `count`, 1 at least, as the seed has them."""
    drawn = generator("crash", wanted.seed, what).permutation(count)[: max(1, round(share * count))]
    return sorted(int(number) for number in drawn)


def table(found: dict[str, list[Trial]]) -> Table:
    """Fault, how many met a run, and what of it was lost, twice, done over; and how many met none."""
    shown = Table("fault", "tried", "lost", "twice", "done over", "met nothing")
    for fault, trials in found.items():
        sums = [sum(map(len, kind)) for kind in zip(*((t.lost, t.twice, t.over) for t in trials), strict=True)]
        met = sum(trial.befell for trial in trials)
        shown.add_row(fault, *map(str, (met, *sums, len(trials) - met)))
    return shown


def written(found: dict[str, list[Trial]], seed: str, out: Path) -> None:
    """Each fault, how many were tried, where, and those that were not sound: as JSON."""
    out.parent.mkdir(parents=True, exist_ok=True)
    told: dict[str, Any] = {"seed": seed, "faults": {}}
    for fault, trials in found.items():
        bad = [trial._asdict() for trial in trials if not trial.sound]
        met = [trial.where for trial in trials if trial.befell]
        missed = len(trials) - len(met)
        told["faults"][fault] = {"tried": len(met), "met nothing": missed, "unsound": bad, "where": met}
    out.write_text(json.dumps(told, indent=1))


def arguments() -> argparse.Namespace:
    """What is wanted."""
    parser = argparse.ArgumentParser(description="Stop an onboarding anywhere and start it again.")
    parser.add_argument("--seed", default="crash")
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--commits", type=float, default=1.0, help="share of all commits")
    parser.add_argument("--calls", type=int, default=20, help="calls to the storage")
    parser.add_argument("--stages", default=STAGES, help="of the customer, by commas")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "crash.json")
    parser.add_argument("--only", default="", help="commits, times, rivals, workers, disks, storages; by commas")
    return parser.parse_args()


def main() -> int:
    """Run the campaign; 1 where anything is not as it should be."""
    wanted, console = arguments(), Console()
    only = tuple(word for word in wanted.only.split(",") if word)
    found: dict[str, list[Trial]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="partsight-crash-") as folder, Warm() as warm, Storage() as storage:
        bench = Bench(Path(folder), warm, wanted.stages.split(","))
        console.print(f"{len(bench.commits)} commits in {bench.seconds:.1f} s, seed {wanted.seed}")
        groups = {make.__name__: make(bench, wanted) for make in (commits, times, rivals, workers, disks)}
        groups["storages"] = storages(bench, storage, wanted)
        for trials in (some for name, some in groups.items() if not only or name.startswith(only)):
            for trial in trials:
                begun = time.monotonic()
                done = trial()
                found[done.fault].append(done)
                bad = "" if done.sound else f": {done.lost} {done.twice} {done.over}"
                console.print(f"{done.fault}, {done.where}, {time.monotonic() - begun:.0f} s{bad}", markup=False)
                written(found, wanted.seed, wanted.out)
    console.print(table(found))
    return int(not all(trial.sound for trials in found.values() for trial in trials))


if __name__ == "__main__":
    sys.exit(main())
