"""A million vectors of 512 numbers in one catalogue: written, indexed and searched: `make bench-million`.

They are like those of a real catalogue: 16 pictures of a part lie around the part, parts around their family,
families around what all pictures have in common. They are written through `Catalogue.upsert`, in as many
commits as `tasks.vectors` makes. Searches are `tasks.search.alike`, beside numpy that compares with all rows and beside
faiss, in the same run. Prints a curve and tables and writes build/million.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.table import Table as Shown

from blocks.catalogue import Catalogue
from blocks.tables import vectors_table
from tasks.making import BATCHES
from tasks.records import content_id, generator
from tasks.search import alike, nearest
from tasks.vectors import COMMIT, SMALLEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

ROOT = Path(__file__).resolve().parents[2]
TABLE: Final = vectors_table("million")
VIEWS: Final = 16  # pictures of a part
FAMILY: Final = 64  # parts of a family
SPREAD: Final = (0.5, 0.55, 0.45, 0.5)  # how far all, families, parts and pictures are from what is around them
TOP: Final = 10
FILTERS: Final[dict[str, tuple[str, ...] | None]] = {
    "none": None,
    "most: view, variant": ("view", "variant"),
    "few: photo": ("photo",),
}


class Gallery:
    """Vectors (n, d) of unit length that depend on the seed alone, and what a catalogue says of each."""

    def __init__(self, count: int, dimension: int, seed: int) -> None:
        self.count, self.dimension, self.seed = count, dimension, seed
        self._all = self._drawn("all", 0, 1)

    def rows(self, start: int, stop: int) -> Vectors:
        """The vectors from `start` to `stop`, multiples of a family's rows."""
        size = VIEWS * FAMILY
        blocks = [self._family(number) for number in range(start // size, -(-stop // size))]
        return np.concatenate(blocks)[: stop - start]

    def queries(self, count: int) -> Vectors:
        """Further pictures of parts of the gallery, none of which is in it."""
        rng = generator("which", self.seed)
        families = rng.integers(0, self.count // (VIEWS * FAMILY), count)
        found = [
            self._centres(int(family))[int(rng.integers(FAMILY))] + SPREAD[3] * self._drawn("query", number, 1)[0]
            for number, family in enumerate(families)
        ]
        return _unit(np.stack(found))

    def described(self, start: int, vectors: Vectors) -> Iterator[dict[str, Any]]:
        """Rows of the table: one picture in a hundred is a photograph, one in four a variant."""
        for number, vector in enumerate(vectors, start=start):
            kind = "photo" if number % 100 == 7 else "variant" if number % 4 == 1 else "view"
            name = content_id("million", self.seed, number)
            yield {"id": name, "part": part(number), "kind": kind, "material": "steel", "vector": vector}

    def _family(self, number: int) -> Vectors:
        parts = np.repeat(self._centres(number), VIEWS, axis=0)
        return _unit(parts + SPREAD[3] * self._drawn("view", number, len(parts)))

    def _centres(self, number: int) -> Vectors:
        family = SPREAD[0] * self._all + SPREAD[1] * self._drawn("family", number, 1)
        return np.asarray(family + SPREAD[2] * self._drawn("part", number, FAMILY), dtype=np.float32)

    def _drawn(self, what: str, number: int, count: int) -> Vectors:
        rng = generator("million", self.seed, what, number)
        return _unit(rng.standard_normal((count, self.dimension), dtype=np.float32))


def part(number: int) -> str:
    """Number of the part that a row belongs to."""
    return f"P-{number // VIEWS:06d}"


def batch(count: int) -> int:
    """Vectors in a commit when so many are made, in whole families."""
    size = VIEWS * FAMILY
    return -(-min(COMMIT, max(SMALLEST, -(-count // BATCHES))) // size) * size


def written(catalogue: Catalogue, gallery: Gallery, every: int) -> Iterator[dict[str, float]]:
    """Write the gallery; for each `every` rows, how many a second that were, by the clock and of the processor."""
    clock = busy = 0.0
    done, size = 0, batch(gallery.count)
    for start in range(0, gallery.count, size):
        rows = list(gallery.described(start, gallery.rows(start, min(start + size, gallery.count))))
        begun, worked = time.perf_counter(), time.process_time()
        done += catalogue.upsert(TABLE, rows, dimension=gallery.dimension)
        clock, busy = clock + time.perf_counter() - begun, busy + time.process_time() - worked
        if done % every < size or done == gallery.count:
            yield {"rows": done, "seconds": clock, "processor": busy}
            clock = busy = 0.0


def curve(laps: list[dict[str, float]]) -> dict[str, Any]:
    """Rows a second in each lap, and the median of the last third of them as a share of that of the first."""
    before, points = 0.0, []
    for lap in laps:
        more, before = lap["rows"] - before, lap["rows"]
        rates = {"per_second": more / lap["seconds"], "per_processor_second": more / lap["processor"]}
        points.append({"rows": int(lap["rows"])} | {name: round(rate) for name, rate in rates.items()})
    third = max(1, len(points) // 3)
    flat = {
        name: float(
            np.median([one[name] for one in points[-third:]]) / np.median([one[name] for one in points[:third]])
        )
        for name in ("per_second", "per_processor_second")
    }
    return {"points": points, "last_third_to_first": {name: round(share, 3) for name, share in flat.items()}}


def exact(matrix: Vectors, queries: Vectors, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The nearest TOP rows of each query by brute force, among those that are allowed."""
    where = np.flatnonzero(allowed)
    best = np.full((len(queries), 0), 0, np.int64)
    scores = np.zeros((len(queries), 0), np.float32)
    for start in range(0, len(where), 50_000):
        some = where[start : start + 50_000]
        scores = np.hstack([scores, queries @ np.asarray(matrix[some]).T])
        best = np.hstack([best, np.broadcast_to(some, (len(queries), len(some)))])
        keep = np.argsort(-scores, axis=1, kind="stable")[:, :TOP]
        scores, best = np.take_along_axis(scores, keep, 1), np.take_along_axis(best, keep, 1)
    return best


def timed(ask: Callable[[Vectors], Any], queries: Vectors) -> tuple[list[Any], dict[str, float]]:
    """Answers, and milliseconds of an answer: median and 95th percentile; the first ones warm up."""
    for query in queries[:5]:
        ask(query)
    answers, spent = [], []
    for query in queries:
        begun = time.perf_counter()
        answers.append(ask(query))
        spent.append(1000 * (time.perf_counter() - begun))
    return answers, {f"p{share}_ms": round(float(np.percentile(spent, share)), 2) for share in (50, 95)}


def shared(found: list[Any], right: list[Any]) -> float:
    """Recall: the mean share of what is right that was found."""
    return round(float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found, right, strict=True)])), 4)


def searched(catalogue: Catalogue, gallery: Gallery, matrix: Vectors, count: int) -> list[dict[str, Any]]:
    """What the product, numpy and faiss find, and how long it takes them."""
    queries = gallery.queries(count)
    kinds = np.array([row["kind"] for row in gallery.described(0, np.zeros((gallery.count, 1), np.float32))])
    names = np.array([content_id("million", gallery.seed, number) for number in range(gallery.count)])
    active = {part(number): "geometry" for number in range(0, gallery.count, VIEWS)}
    table = catalogue.table(TABLE)
    report: list[dict[str, Any]] = []
    for label, wanted in FILTERS.items():
        allowed = np.ones(len(kinds), bool) if wanted is None else np.isin(kinds, wanted)
        right = exact(matrix, queries, allowed)

        def product(query: Vectors, wanted: tuple[str, ...] | None = wanted) -> list[str]:
            return [str(name) for name in alike(table, query, TOP, wanted)["id"].to_pylist()]

        def parts(query: Vectors, wanted: tuple[str, ...] | None = wanted) -> list[str]:
            return list(nearest(table, query, TOP, active, wanted))

        found, spent = timed(product, queries)
        recall = shared(found, [names[row] for row in right])
        report.append({"who": "partsight: pictures", "filter": label, "recall": recall, **spent})
        found, spent = timed(parts, queries)
        best = [[part(int(row)) for row in rows[:1]] for rows in right]
        report.append({"who": "partsight: 10 parts", "filter": label, "first": shared(found, best), **spent})
        if wanted is None:
            report += _others(matrix, queries, right)
    return report


def _others(matrix: Vectors, queries: Vectors, right: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Numpy that compares with all rows, faiss that does so, and faiss with an index like ours."""
    import faiss

    faiss.omp_set_num_threads(1)

    def brute(query: Vectors) -> NDArray[np.intp]:
        scores = matrix @ query
        few = np.argpartition(-scores, TOP)[:TOP]
        return few[np.argsort(-scores[few])]

    lists = round(len(matrix) ** 0.5)
    began = time.perf_counter()
    coarse = faiss.IndexFlatIP(matrix.shape[1])
    quantised = faiss.IndexIVFScalarQuantizer(
        coarse, matrix.shape[1], lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    quantised.cp.niter = 10
    quantised.train(matrix[:: max(1, len(matrix) // (64 * lists))])
    for start in range(0, len(matrix), 50_000):
        quantised.add(matrix[start : start + 50_000])
    quantised.nprobe = min(lists, 128)
    took = round(time.perf_counter() - began, 1)
    report = []
    for who, ask, more in (
        ("numpy, all rows", brute, {}),
        ("faiss IVF SQ8", lambda query: quantised.search(query[None], TOP)[1][0], {"built_seconds": took}),
    ):
        found, spent = timed(ask, queries)
        report.append({"who": who, "filter": "none", "recall": shared(found, list(right)), **spent, **more})
    return report


def memory(*, anew: bool = False) -> int:
    """Most memory of this process in MB, since the start or since it was last asked for `anew`."""
    lines = Path("/proc/self/status").read_text().splitlines()
    most = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    return most // 1024


def measured(count: int, dimension: int, seed: int, asked: int, folder: Path, every: int) -> dict[str, Any]:
    """All of it, in an empty `folder`."""
    gallery, catalogue = Gallery(count, dimension, seed), Catalogue(uri=str(folder / "catalogue"))
    console = Console(stderr=True, width=120)
    list(written(Catalogue(uri=str(folder / "warm")), Gallery(VIEWS * FAMILY, dimension, seed), every))
    laps = []
    for lap in written(catalogue, gallery, every):
        laps.append(lap)
        console.print(f"{lap['rows']:>9,} rows, {lap['seconds']:.1f} s for the last of them")
    report: dict[str, Any] = {
        "vectors": count,
        "dimension": dimension,
        "seed": seed,
        "commit": batch(count),
        "upsert": curve(laps) | {"memory_mb": memory(anew=True)},
        "distinct": len(set(catalogue.read(TABLE, ("id",))["id"].to_pylist())),
        "rows": catalogue.table(TABLE).count_rows(),
    }
    begun = time.perf_counter()
    catalogue.compact(TABLE, days=0)
    compacted = time.perf_counter()
    catalogue.index(TABLE)
    report["index"] = {
        "compact_seconds": round(compacted - begun, 1),
        "seconds": round(time.perf_counter() - compacted, 1),
        "memory_mb": memory(anew=True),
        "megabytes": round(_size(folder / "catalogue" / f"{TABLE}.lance" / "_indices") / 1e6, 1),
        "data_megabytes": round(_size(folder / "catalogue" / f"{TABLE}.lance" / "data") / 1e6, 1),
    }
    console.print(f"indexed: {report['index']}")
    matrix = np.empty((count, dimension), np.float32)
    size = batch(count)
    for start in range(0, count, size):
        matrix[start : start + size] = gallery.rows(start, min(start + size, count))
    report["search"] = searched(catalogue, gallery, matrix, asked)
    report["search_memory_mb"] = memory()
    return report


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def tables(report: dict[str, Any]) -> list[Shown]:
    """The curve of writing, and the table of searching."""
    points = report["upsert"]["points"]
    most = max(one["per_processor_second"] for one in points)
    written = Shown("rows there", "rows/s", "rows/s of processor", "", title=f"{report['commit']} rows a commit")
    for one in points:
        bar = "█" * round(40 * one["per_processor_second"] / most)
        written.add_row(f"{one['rows']:,}", f"{one['per_second']:,}", f"{one['per_processor_second']:,}", bar)
    found = Shown(
        "search", "filter", "recall@10", "nearest's part", "p50 ms", "p95 ms", title=f"{report['rows']:,} rows"
    )
    for one in report["search"]:
        shares = [f"{one[name]:.3f}" if name in one else "" for name in ("recall", "first")]
        found.add_row(one["who"], one["filter"], *shares, f"{one['p50_ms']:.1f}", f"{one['p95_ms']:.1f}")
    return [written, found]


def main() -> int:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=1_000_000, help="vectors in the catalogue")
    parser.add_argument("--dimension", type=int, default=512, help="numbers of a vector")
    parser.add_argument("--searches", type=int, default=200, help="queries of each kind")
    parser.add_argument("--seed", type=int, default=0, help="what the vectors are drawn from")
    parser.add_argument("--keep", action="store_true", help="leave the catalogue in build/million")
    given = parser.parse_args()
    folder = ROOT / "build" / "million"
    shutil.rmtree(folder, ignore_errors=True)
    every = max(batch(given.vectors), given.vectors // 20)
    report = measured(given.vectors, given.dimension, given.seed, given.searches, folder, every)
    console = Console(width=120)
    for shown in tables(report):
        console.print(shown)
    (ROOT / "build" / "million.json").write_text(json.dumps(report, indent=1))
    if not given.keep:
        shutil.rmtree(folder)
    console.print("written to build/million.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
