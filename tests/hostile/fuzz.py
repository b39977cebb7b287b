"""Fuzzes everything that reads what customers send, and counts what becomes of it.

`python tests/hostile/fuzz.py --count 400` sends 400 mutations of each format, all corners and all archives,
and prints a table: loaded, quarantined, and what may never be: down (an exception), hung, over the memory, a
sentence that no customer should see. It ends with 1 where there is any.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).parent))

import archives
import corners
import corners_external
import formats
import structures
from formats import Upload
from mutations import lines_mutated, mutated

from blocks.customer import Quotas
from blocks.source import Source
from tasks.contents import contents, rows
from tasks.ingest import read, sandbox, scan
from tasks.records import generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

    from tasks.records import Body
    from tasks.sandbox import Sandbox

    Fault = Callable[[bytes, np.random.Generator], bytes]

ROOT = Path(__file__).resolve().parents[2]
QUOTAS = Quotas(parse_seconds=20, parse_memory_mb=1024, files=500, file_mb=64, source_mb=256)
PATIENCE = 5.0  # seconds beyond the limit: to end a child, and for what is done with its answer
TEXT: tuple[Fault, ...] = (mutated, lines_mutated, lines_mutated)
FAULTS: dict[str, tuple[Fault, ...]] = {
    **dict.fromkeys(("step", "step-frame", "stl-text", "ply-text", "off", "obj"), TEXT),
    "iges": (mutated, lines_mutated, structures.iges_mutated, structures.iges_mutated),
    "stl": (mutated, structures.stl_mutated, structures.stl_mutated),
    "ply": (mutated, lines_mutated),
    "3mf": (mutated, structures.package_mutated, structures.package_mutated, structures.zip_mutated),
    "glb": (mutated, structures.glb_mutated, structures.glb_mutated),
    "gltf": (mutated, lines_mutated, structures.gltf_mutated, structures.gltf_mutated),
    "dae": (*TEXT, structures.xml_mutated, structures.xml_mutated),
    "zip": (mutated, structures.zip_mutated, structures.zip_mutated),
}
KINDS = [*FAULTS, "corners", "archives"]
BAD = ("down", "hung", "sentences")
SUMS = ("tried", "loaded", "quarantined", "given up", *BAD, "restarts", "seconds")
COLUMNS = ("kind", *SUMS[:-1], "slowest", "seconds", "peak MB", "most MB", "worker MB")
# words of programs and of machines, which say nothing to a customer, or too much
_FOREIGN = re.compile(
    r"\w(?:Error|Exception|Warning)\b|Traceback|\bErrno\b|NoneType|has no attribute|site-packages|0x[0-9a-f]{6}|"
    r"\bobject at\b|\bb'|/(?:tmp|home|usr|root|var|opt|work|proc)/|<class|line \d+, in|\{\}|\[\]|\bnan\b"
)


class Outcome(NamedTuple):
    """What became of an upload: files that were `loaded`, what was in them, why others were not, what may not be."""

    loaded: int
    bodies: tuple[Body, ...]
    sentences: tuple[str, ...]
    problems: tuple[tuple[str, str], ...]
    seconds: float


def mutation(upload: Upload, kind: str, index: int, seed: str) -> Upload:
    """Mutation `index` of an upload; now and then it is a file that belongs to it that is broken."""
    rng = generator("fuzz", seed, kind, index)
    others = sorted(set(upload.files) - {upload.name})
    if others and not rng.integers(4):
        name = others[int(rng.integers(len(others)))]
        return upload.with_data((lines_mutated if name.endswith(".mtl") else mutated)(upload.files[name], rng), name)
    fault = FAULTS[kind][int(rng.integers(len(FAULTS[kind])))]
    data = fault(upload.files[upload.name], rng)
    if kind.startswith("step") and rng.integers(2):  # cut off is seen at once: let it be read
        data += b"\nENDSEC;\nEND-ISO-10303-21;\n"
    return upload.with_data(data)


def outcome(upload: Upload, folder: Path, within: Sandbox, quotas: Quotas = QUOTAS) -> Outcome:
    """Send an upload the way that a customer's files come: listed, scanned, read, and made rows of."""
    start = time.monotonic()
    loaded, bodies, sentences, problems = 0, [], [], []
    try:
        upload.written(folder)
        with Source(location=str(folder)).open(quotas) as listing:
            sentences += [(one.name, one.reason) for one in listing.refused]
            for found in scan(listing, "fuzz"):
                if found.kind == "metadata":
                    continue
                began = time.monotonic()
                reading = read(found, quotas, within)
                made = contents(reading, "fuzz")
                if rows(made.json_rows) != made.bodies or bool(reading.reason) == bool(reading.bodies or reading.photo):
                    problems.append(("down", f"{found.name} is neither whole nor refused"))
                sentences += [(found.name, reading.reason)] if reading.reason else []
                loaded += not reading.reason
                bodies += reading.bodies
                if (took := time.monotonic() - began) > quotas.parse_seconds + PATIENCE:
                    problems.append(("hung", f"{found.name} took {took:.0f} s"))
    except Exception as error:  # noqa: BLE001 - to be counted: none may come
        problems.append(("down", f"{type(error).__name__}: {error}"[:300]))
    problems += [("sentences", text) for name, text in sentences if unfit(text, name)]
    shutil.rmtree(folder, ignore_errors=True)
    said = tuple(text for _, text in sentences)
    return Outcome(loaded, tuple(bodies), said, tuple(problems), time.monotonic() - start)


def unfit(text: str, name: str) -> str:
    """What is wrong with a sentence about the file `name`, or nothing."""
    said = text.removeprefix(f"{name} ")
    checks = (
        (said == text, "does not begin with the file's name"),
        (not text.endswith(".") or text.endswith(".."), "does not end like a sentence"),
        (not text.isprintable(), "holds what cannot be printed"),
        (len(said.split()) < 3 or len(said) > 600, "is too short or too long"),
        (bool(found := _FOREIGN.search(said)), f"holds {found[0] if found else ''}"),
    )
    return next((what for wrong, what in checks if wrong), "")


def uploads(kind: str, count: int, seed: str) -> Iterator[Upload]:
    """What is sent: `count` mutations of a format; or all corners, or all archives, which are what they are."""
    if kind == "corners":
        yield from (corner.upload for corner in (*corners.catalogue(), *corners_external.corners()))
    elif kind == "archives":
        yield from (Upload("base.zip", {"base.zip": archive.data}) for archive in archives.archives())
    else:
        sound = formats.sound()[kind]
        yield from (mutation(sound, kind, index, seed) for index in range(count))


def tally(kind: str, count: int, seed: str) -> dict[str, Any]:
    """What became of the uploads of a kind, in numbers; to be run in a process of its own, for the memory."""
    counts: Counter[str] = Counter()
    problems: list[tuple[int, str, str]] = []
    reasons: Counter[str] = Counter()
    slowest, start = 0.0, time.monotonic()
    with tempfile.TemporaryDirectory() as name, sandbox() as within:
        for index, upload in enumerate(uploads(kind, count, seed)):
            one = outcome(upload, Path(name) / str(index), within)
            whole = one.loaded and not one.sentences
            counts["tried"] += 1
            counts["loaded" if whole else "quarantined"] += not one.problems
            problems += [(index, what, said) for what, said in one.problems]
            counts.update({what for what, _ in one.problems})
            counts["given up"] += any("was given up" in text or "processor time" in text for text in one.sentences)
            reasons.update(_reason(text) for text in one.sentences)
            slowest = max(slowest, one.seconds)
        own = _resident(within)
        starts = within.starts
    return {
        "kind": kind,
        **{key: counts[key] for key in ("tried", "loaded", "quarantined", "given up", *BAD)},
        "restarts": starts - 1,
        "slowest": round(slowest, 1),
        "seconds": round(time.monotonic() - start),
        # the largest of all children, which begin with what their parent has
        "peak MB": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
        "most MB": own + QUOTAS.parse_memory_mb,
        "worker MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "reasons": dict(reasons.most_common(25)),
        "problems": problems[:50],
    }


def _resident(within: Sandbox) -> int:
    """MB that the process of which children are forked has in memory: what the libraries take."""
    process = within._process
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii") if process else ""
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) // 1024 if status else 0


def _reason(text: str) -> str:
    """The sentence without names and numbers, so that equal ones can be counted."""
    return re.sub(r"\d+|\S*base\.\S+", "#", text)[:90]


def run(kinds: list[str], count: int, seed: str, jobs: int) -> Iterator[dict[str, Any]]:
    """The tallies of these kinds as they are made, `jobs` of them at once."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=1) as pool:
        waiting = [pool.submit(tally, kind, count, seed) for kind in kinds]
        yield from (one.result() for one in waiting)


def _printed(row: dict[str, Any]) -> None:
    sys.stdout.write("".join(f"{row.get(key, '')!s:>12}" for key in COLUMNS) + "\n")
    sys.stdout.flush()


def _onboarded() -> dict[str, Any]:
    """What a whole onboarding says of a folder of the worst files, pictures and all."""
    import worst

    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "cad"
        wanted = worst.laid(source)
        found = worst.onboarded(source, Path(name), pictures=True)
    lost = sorted(set(wanted) - set(found.files))
    return {"lost": lost, **{key: found.summary[key] for key in ("files", "parts", "images", "vectors")}}


def failed(tallies: list[dict[str, Any]]) -> int:
    """How often something happened that may never be."""
    return sum(row[key] for row in tallies for key in BAD) + sum(row["peak MB"] > row["most MB"] for row in tallies)


def main() -> None:
    """Send what is hostile, print what became of it, and write that to build/fuzz.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=400, help="Mutations of each of the formats.")
    parser.add_argument("--seed", default="partsight", help="Other seeds give other mutations.")
    parser.add_argument("--kinds", nargs="*", default=KINDS, choices=KINDS, help="What to send.")
    parser.add_argument("--jobs", type=int, default=1, help="Formats at once.")
    options = parser.parse_args()
    tallies = []
    for row in run(options.kinds, options.count, options.seed, options.jobs):
        if not tallies:
            _printed({key: key for key in COLUMNS})
        tallies.append(row)
        _printed(row)
    _printed({"kind": "all", **{key: sum(row[key] for row in tallies) for key in SUMS}})
    for row in tallies:
        for index, what, said in row["problems"]:
            sys.stdout.write(f"{row['kind']} {index}: {what}: {said!r}\n")
    onboarded = _onboarded() if set(options.kinds) == set(KINDS) else {}
    for key, value in onboarded.items():
        sys.stdout.write(f"onboarding of the worst, {key}: {value}\n")
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "fuzz.json").write_text(json.dumps([*tallies, onboarded], indent=2), encoding="utf-8")
    sys.exit(bool(failed(tallies) or onboarded.get("lost")))


if __name__ == "__main__":
    main()
