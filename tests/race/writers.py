"""Processes that write to one catalogue at once, and what is counted afterwards: keys that are doubled, and lost.

`python tests/race/writers.py --count 20` lets 8 processes write 20 times each, in every way, to a folder and to an
S3-compatible server on this machine, and prints a table. It ends with 1 where anything was doubled or lost.

    upsert     the table is there: keys that overlap are written again and again
    create     there is no table: all make it at once
    declare    a table from before keys were declared with it: all declare it at once
    grow       a table from before some columns: all add them at once
    replace    each exchanges its own rows, beside others that write to the same table
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "helpers"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from blocks.catalogue import Catalogue
from tasks.records import content_id, generator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier

ROOT: Final = Path(__file__).resolve().parents[2]
WAYS: Final = ("upsert", "create", "declare", "grow", "replace")
TABLE: Final = "parts"
PROCESSES: Final = 8
POOL: Final = 60  # keys that all of them write to
TRIES: Final = 20  # of a commit that the storage refuses, as the tasks of a flow try again


class Tally(NamedTuple):
    """What came of a race: commits, keys that were written, and what may never be."""

    commits: int
    keys: int
    doubled: int
    lost: int
    stale: int
    refused: int
    seconds: float

    @property
    def is_clean(self) -> bool:
        """Whether nothing was doubled, lost, or overwritten by what was older."""
        return not (self.doubled or self.lost or self.stale)


class Course(NamedTuple):
    """A race: where the tables are and how to speak to the storage, in which way, and how often each writes."""

    uri: str
    options: dict[str, str]
    way: str
    count: int
    seed: str

    @property
    def catalogue(self) -> Catalogue:
        """The tables."""
        return Catalogue(uri=self.uri, storage_options=self.options)


def race(courses: Sequence[Course], processes: int = PROCESSES) -> Iterator[Tally]:
    """Let the same processes run one course after another, and count. Raises RuntimeError where one cannot write."""
    for course in courses:
        _prepared(course.catalogue, course.way)
    context = multiprocessing.get_context("spawn")
    ready, told = context.Barrier(processes), context.Queue()
    workers = [context.Process(target=_run, args=(courses, number, ready, told)) for number in range(processes)]
    for worker in workers:
        worker.start()
    try:
        for course in courses:
            answers = [told.get(timeout=300) for _ in workers]
            if broken := [answer["error"] for answer in answers if "error" in answer]:
                raise RuntimeError(f"{course.way}: {broken[0]}")
            yield _counted(course.catalogue, answers)
    finally:
        for worker in workers:
            worker.join(30)
            worker.kill()


def _run(courses: Sequence[Course], number: int, ready: Barrier, told: Queue[Any]) -> None:
    """One of the processes."""
    courses[0].catalogue.tables()  # the library is loaded before they start
    for course in courses:
        ready.wait(120)
        told.put(_written(course, number))


def _prepared(catalogue: Catalogue, way: str) -> None:
    """What is there before the race."""
    import lancedb

    from blocks.tables import schema

    if way in {"upsert", "replace"}:
        catalogue.upsert(TABLE, [{"part": "first", "name": "first"}])
        return
    given = {name: secret.get_secret_value() for name, secret in catalogue.storage_options.items()}
    if way in {"declare", "grow"}:
        import pyarrow as pa

        fields = [field for field in schema(TABLE) if way == "declare" or field.name not in {"colour", "recipe"}]
        lancedb.connect(catalogue.uri, storage_options=given or None).create_table(TABLE, schema=pa.schema(fields))


def _written(course: Course, number: int) -> dict[str, Any]:
    """What a process wrote last to each key, and how often it was refused; or why it could not go on."""
    _, _, way, count, seed = course
    catalogue, rng = course.catalogue, generator("race", seed, way, number)
    last: dict[str, str] = {}
    refused, begun = 0, time.time()
    try:
        for turn in range(count):
            keys = [f"shared-{key}" for key in rng.choice(POOL, POOL // 3, replace=False)]
            keys += [f"own-{number}-{turn % 3}-{key}" for key in range(3)]
            rows = [{"part": key, "name": f"{number}:{turn}", "material": str(number)} for key in keys]
            for attempt in range(TRIES):
                try:
                    if way == "replace":
                        _exchange(catalogue, rows, number)
                    else:
                        catalogue.upsert(TABLE, rows)
                    break
                except (OSError, RuntimeError):
                    refused += 1
                    if attempt == TRIES - 1:
                        raise
                    time.sleep(rng.uniform(0, 0.05 * 2 ** min(attempt, 5)))
            if way == "replace":
                last = {}
            last |= {row["part"]: row["name"] for row in rows}
    except Exception as error:  # noqa: BLE001 - whatever it was, the race has to hear of it
        return {"error": f"{type(error).__name__}: {error}"}
    return {"last": last, "refused": refused, "commits": count, "begun": begun, "ended": time.time()}


def _exchange(catalogue: Catalogue, rows: list[dict[str, Any]], number: int) -> None:
    """Only rows of one's own are exchanged: nobody else writes to these."""
    from lancedb.expr import col, lit

    rows[:] = [row for row in rows if row["part"].startswith("own")]
    catalogue.replace(TABLE, rows, col("material") == lit(str(number)))


def _counted(catalogue: Catalogue, answers: list[dict[str, Any]]) -> Tally:
    """What is in the table, held against what each of the processes wrote last to each key."""
    rows = [row for row in catalogue.rows(TABLE, ("part", "name", "material")) if row["part"] != "first"]
    there = Counter(row["part"] for row in rows)
    names = {row["part"]: row["name"] for row in rows}
    wanted: dict[str, set[str]] = {}
    for answer in answers:
        for key, name in answer["last"].items():
            wanted.setdefault(key, set()).add(name)
    seconds = max(answer["ended"] for answer in answers) - min(answer["begun"] for answer in answers)
    return Tally(
        commits=sum(answer["commits"] for answer in answers),
        keys=len(wanted),
        doubled=sum(count > 1 for count in there.values()),
        lost=len(set(wanted) - set(there)),
        stale=sum(names[key] not in wanted.get(key, set()) for key in names),
        refused=sum(answer["refused"] for answer in answers),
        seconds=round(seconds, 2),
    )


@contextmanager
def bucket() -> Iterator[tuple[str, dict[str, str]]]:
    """A prefix of a bucket on an S3-compatible server of this machine, and how to speak to it."""
    from moto_server import served

    with served("race") as server:
        yield "s3://race", server.options


def main() -> None:
    """Race in every way, print what came of it, and write that to build/race.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20, help="How often each of the processes writes.")
    parser.add_argument("--processes", type=int, default=PROCESSES, help="How many write at once.")
    parser.add_argument("--rounds", type=int, default=3, help="Races of each way.")
    parser.add_argument("--seed", default="partsight", help="Other seeds write other keys.")
    options = parser.parse_args()
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, bucket() as (prefix, spoken):
        for where, root, given in (("disk", folder, {}), ("s3", prefix, spoken)):
            courses = [
                Course(f"{root}/{way}-{number}", given, way, options.count, content_id(options.seed, number))
                for way in WAYS
                for number in range(options.rounds)
            ]
            for course, tally in zip(courses, race(courses, options.processes), strict=True):
                found.append({"where": where, "way": course.way, **tally._asdict()})
                if len(found) == 1:
                    sys.stdout.write("".join(f"{key:>10}" for key in found[0]) + "\n")
                sys.stdout.write("".join(f"{value!s:>10}" for value in found[-1].values()) + "\n")
                sys.stdout.flush()
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "race.json").write_text(json.dumps(found, indent=2), encoding="utf-8")
    sys.exit(any(row["doubled"] or row["lost"] or row["stale"] for row in found))


if __name__ == "__main__":
    main()
