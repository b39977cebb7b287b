"""What an onboarding costs, as ratios within one run: `make bench`.

    naive      wall time of `partsight onboard` over that of the script a competent user would write
    overhead   share of a run that is not parsing, rendering, augmenting or embedding
    nothing    a second run with nothing to do, over the first
    one        a run with one part of all changed, over the first
    gate       what measuring recall takes of a first run, and of a run with one part changed over the first
    memory     peak of a run over that of one with a quarter of the parts
    help       seconds until `partsight --help` has answered

The naive script measures no recall, so all other figures are without the gate. Prints a table and writes
build/bench.json. Goals that are missed are marked, never hidden.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))
import parts

ROOT = Path(__file__).resolve().parents[2]
PARTSIGHT = Path(sys.executable).with_name("partsight")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Ran(NamedTuple):
    """A command that ended: wall and processor seconds of it and its children, peak of their memory in MB."""

    wall: float
    cpu: float
    peak_mb: float
    output: str


def main() -> int:
    """Measure, print, save; returns 0 also when a goal is missed, for a benchmark is no test."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="partsight-bench-") as folder:
        figures = measured(Path(folder), arguments.parts, arguments.naive)
    console = Console(width=110)
    console.print(_table(figures))
    target = ROOT / "build" / "bench.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(figures, indent=1))
    console.print(f"written to {target.relative_to(ROOT)}")
    return 0


def measured(folder: Path, count: int, naive: int) -> dict[str, Any]:
    """All figures, with `count` parts, and `naive` of them for the comparison."""
    _progress(f"making {count} parts")
    parts.write(folder / "all", count)
    for name, few in (("few", naive), ("quarter", count // 4)):
        parts.write(folder / name, few)
    _progress(f"the naive script, {naive} parts")
    simple = ran([sys.executable, str(Path(__file__).with_name("naive.py")), str(folder / "few"), str(folder / "db")])
    _progress(f"onboard, {naive} parts")
    few = onboard(folder, "few")
    if int(simple.output) != few[1]["vectors"] + few[1]["images"]["rejected"]:
        raise SystemExit(f"the naive script made {simple.output.strip()} pictures, onboard {few[1]['vectors']}")
    _progress(f"onboard, {count // 4} parts")
    quarter = onboard(folder, "quarter")
    _progress(f"onboard, {count} parts")
    first = onboard(folder, "all")
    _progress("nothing to do, then one changed")
    again = onboard(folder, "all")
    changed = next(iter(sorted((folder / "all").glob("bracket-*.stl"))))
    parts.washer().export(changed)
    one = onboard(folder, "all")
    if (again[1]["parts"]["unchanged"], one[1]["parts"]["changed"]) != (count, 1):
        raise SystemExit("the reruns did not do what they should")
    _progress(f"onboard, {count} parts, with the gate; then one changed")
    gated = onboard(folder, "all", gate=True)
    larger = parts.washer()
    larger.apply_scale(1.3)
    larger.export(changed)
    gated_one = onboard(folder, "all", gate=True)
    _progress("the steps alone, without platform")
    alone = ran([sys.executable, str(Path(__file__).with_name("bare.py")), str(folder / "all")])
    page = ran([str(PARTSIGHT), "--help"])
    figures = {
        "naive": figure(few[0].wall / simple.wall, 0.5, f"{few[0].wall:.1f} s / {simple.wall:.1f} s, {naive} parts"),
        "overhead (processor)": figure(
            1 - alone.cpu / first[0].cpu, 0.10, f"{first[0].cpu:.0f} s, bare {alone.cpu:.0f} s"
        ),
        "overhead (wall)": figure(
            1 - alone.wall / first[0].wall, 0.10, f"{first[0].wall:.1f} s, bare {alone.wall:.1f} s"
        ),
        "nothing": figure(again[0].wall / first[0].wall, 0.03, f"{again[0].wall:.1f} s / {first[0].wall:.1f} s"),
        "one": figure(one[0].wall / first[0].wall, 0.05, f"{one[0].wall:.1f} s / {first[0].wall:.1f} s"),
        "gate": figure(
            gated[1]["seconds"]["evaluate"] / gated[1]["seconds"]["total"],
            0.25,
            f"{gated[1]['seconds']['evaluate']:.1f} s / {gated[1]['seconds']['total']:.1f} s, 300 questions",
        ),
        "gate, one": figure(
            gated_one[0].wall / gated[0].wall, 0.10, f"{gated_one[0].wall:.1f} s / {gated[0].wall:.1f} s"
        ),
        "memory": figure(
            first[0].peak_mb / quarter[0].peak_mb, 1.1, f"{first[0].peak_mb:.0f} MB / {quarter[0].peak_mb:.0f} MB"
        ),
        "help": figure(page.wall, 1.0, "seconds"),
    }
    return {"parts": count, "cores": os.cpu_count(), "figures": figures, "seconds": first[1]["seconds"]}


def figure(value: float, goal: float, what: str) -> dict[str, Any]:
    """A measured value beside its goal."""
    return {"value": round(value, 4), "goal": goal, "reached": value <= goal, "what": what}


def onboard(folder: Path, name: str, *, gate: bool = False) -> tuple[Ran, dict[str, Any]]:
    """Onboard the folder `name` as a customer of that name, with or without measuring what is found."""
    file = folder / f"{name}{'-gate' if gate else ''}.yaml"
    # beside the naive script and the bare steps: what these do not do is left out
    questions = "" if gate else "release: {queries: 0}\nrecipe: {templates: 0}"
    file.write_text(f"slug: {file.stem}\nsource: {name}\n{questions}\n")
    run = ran([str(PARTSIGHT), "onboard", str(file), "--json"], PARTSIGHT_HOME=str(folder / "home"))
    return run, json.loads(run.output)


def ran(command: list[str], **environment: str) -> Ran:
    """Run a command to its end, watching the memory of its whole tree."""
    before, start = os.times(), time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    peak = [0.0]
    watcher = threading.Thread(target=_watch, args=(process, peak), daemon=True)
    watcher.start()
    output = process.communicate()[0]
    wall, after = time.perf_counter() - start, os.times()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Ran(wall, cpu, peak[0], output)


def _watch(process: subprocess.Popen[str], peak: list[float]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], sum(_private_mb(pid) for pid in _tree(process.pid)))
        time.sleep(0.25)


def _tree(root: int) -> set[int]:
    """The process `root` and all below it."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue  # it ended meanwhile
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _private_mb(pid: int) -> float:
    """Memory of a process that is not a library's pages."""
    try:
        fields = (Path("/proc") / str(pid) / "statm").read_text().split()
    except OSError:
        return 0.0
    return (int(fields[1]) - int(fields[2])) * PAGE / 2**20


def _table(figures: dict[str, Any]) -> Table:
    table = Table(title=f"{figures['parts']} parts on {figures['cores']} cores", title_justify="left")
    for head in ("figure", "value", "goal", "", "measured"):
        table.add_column(head)
    for name, row in figures["figures"].items():
        mark = "[green]reached[/]" if row["reached"] else "[red]missed[/]"
        table.add_row(name, f"{row['value']:.3f}", f"≤ {row['goal']:g}", mark, row["what"])
    return table


def _progress(what: str) -> None:
    sys.stderr.write(f"bench: {what}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=int, default=200, help="parts of the long runs")
    parser.add_argument("--naive", type=int, default=40, help="parts of the comparison with the naive script")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
