"""How long a search takes on one core, with everything on, in a large catalogue: `make bench-search`.

A catalogue of 10,000 parts on disk, 16 vectors of 256 numbers and shape templates of 160 sides each, all drawn at
random: what they say does not matter to how long it takes. Photographs of 12 megapixels are searched for, one at a
time, by a process that is bound to one core, threads of the database included. Every step is timed from outside.
Prints a table and writes build/search.json. The catalogue is kept in build/search, so that a second run is quick.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["LP_NUM_THREADS"] = "0"

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from blocks.catalogue import Catalogue
from blocks.customer import Embed, Recipe
from tasks.generate import families, specimen
from tasks.records import content_id, generator
from tasks.templates.plates import edition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.embed import Embedder

ROOT = Path(__file__).resolve().parents[2]
GOAL = 0.3  # seconds
VECTORS = 16  # of a part
PARTS_AT_ONCE = 500  # in one commit
PHOTOGRAPH = (4032, 3024)  # pixels
MADE = 12  # parts whose templates are made, to see how long that takes
STEPS = {  # what is timed, in the order of a search: module, function
    "picture opened": ("tasks.photograph", "opened"),
    "looked at, embedded": ("tasks.embed.Embedder", "looks"),
    "vectors searched": ("tasks.search", "nearest"),
    "object cut out": ("tasks.cutout", "cut"),
    "turned and described": ("tasks.templates.question", "asked"),
    "templates read, compared": ("tasks.templates.leading", "fits"),
}


def main() -> int:
    """Fill the catalogue, search, print, save."""
    arguments = _arguments()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # and every thread that is started from now on
    import torch

    torch.set_num_threads(1)
    from tasks.embed import embedder

    model = embedder(Embed())
    kept = ROOT / "build" / "search" / f"{arguments.parts}-{edition()[:8]}"
    catalogue = filled(kept, arguments.parts, model)
    report = {
        "parts": arguments.parts,
        "searches": arguments.searches,
        "goal_seconds": GOAL,
        **searched(catalogue, model, photographs(ROOT / "build" / "search"), arguments.searches),
        "templates": sizes(catalogue, arguments.parts) | {"seconds_per_part": made()},
    }
    report["reached"] = report["wall"]["whole search"]["p95"] <= GOAL
    console = Console(width=120)
    console.print(table(report))
    target = ROOT / "build" / "search.json"
    target.write_text(json.dumps(report, indent=1))
    console.print(said(report))
    console.print(f"written to {target.relative_to(ROOT)}")
    return 0


def filled(folder: Path, count: int, model: Embedder) -> Catalogue:
    """A catalogue of `count` parts in `folder`, live; one that is there is used again."""
    from tasks import publish
    from tasks.tally import Tally
    from tasks.templates.projection import KEPT

    catalogue = Catalogue(uri=str(folder))
    if catalogue.live() == model.table:
        return catalogue
    views = Recipe().templates
    for start in range(0, count, PARTS_AT_ONCE):
        rng = generator("search speed", start)
        numbers = [f"P-{number:05d}" for number in range(start, min(start + PARTS_AT_ONCE, count))]
        names = {number: content_id("geometry", number) for number in numbers}
        catalogue.upsert("parts", [_part(number, names[number]) for number in numbers])
        catalogue.upsert("shapes", [{"geometry": name, "mesh": b""} for name in names.values()])
        plates = rng.integers(-127, 128, (len(numbers), views, KEPT), dtype=np.int8)
        stands = rng.uniform(1, 2, (len(numbers), views, 4)).astype(np.float32)
        kept = zip(names.values(), plates, stands, strict=True)
        head = {"version": edition(), "views": views, "longest": 40.0}
        rows = [{"geometry": g, **head, "plates": p.tobytes(), "stands": s.tobytes()} for g, p, s in kept]
        catalogue.upsert("templates", rows)
        vectors = rng.normal(size=(len(numbers), VECTORS, model.dimension)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
        pictures = [(number, view) for number in numbers for view in range(VECTORS)]
        catalogue.upsert(
            model.table,
            [
                {"id": f"{number}-{view}", "part": number, "kind": "view", "material": "", "vector": vector}
                for (number, view), vector in zip(pictures, vectors.reshape(-1, model.dimension), strict=True)
            ],
            dimension=model.dimension,
        )
    for name in ("parts", "shapes", "templates", model.table):
        catalogue.index(name)
        catalogue.compact(name, days=0)
    publish.go_live(catalogue, Tally("bench", "run"), started="", table=model.table, embed=Embed())
    return catalogue


def _part(number: str, geometry: str) -> dict[str, Any]:
    return {"part": number, "name": number, "words": number, "status": "active", "geometry": geometry} | {
        "size_mm": [40.0, 30, 20]
    }


def photographs(folder: Path) -> list[Path]:
    """Photographs of the size that telephones send, made of those that are in the repository."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for path in sorted((ROOT / "infra" / "samples" / "queries").glob("*.jpg")):
        with Image.open(path) as opened:
            opened.convert("RGB").resize(PHOTOGRAPH, Image.Resampling.BICUBIC).save(folder / path.name, quality=92)
        made.append(folder / path.name)
    return made


def searched(catalogue: Catalogue, model: Embedder, files: list[Path], count: int) -> dict[str, Any]:
    """Seconds of a search and of its steps, by the wall clock and of the processor: median and 95th percentile."""
    from tasks import photograph
    from tasks.search import search

    walls: dict[str, list[float]] = defaultdict(list)
    processors: dict[str, list[float]] = defaultdict(list)
    with timed() as spent:
        for number in range(-len(files), count):  # the first ones load models and warm the disk's cache
            spent.clear()
            begun, busy = time.perf_counter(), time.process_time()
            found = search(catalogue, model, [photograph.opened(files[number % len(files)])], "", 10)
            whole = time.perf_counter() - begun, time.process_time() - busy
            if len(found.hits) != 10 or found.hits[0].pose is None:
                raise SystemExit("the search did not do all that is measured")
            if number >= 0:
                rest = tuple(whole[at] - sum(some[at] for some in spent.values()) for at in (0, 1))
                for name, (wall, processor) in {**spent, "the rest": rest, "whole search": whole}.items():
                    walls[name].append(wall)
                    processors[name].append(processor)
    return {"wall": _percentiles(walls), "processor": _percentiles(processors)}


def _percentiles(some: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    return {
        name: {f"p{share}": round(float(np.percentile(values, share)), 4) for share in (50, 95)}
        for name, values in some.items()
    }


@contextmanager
def timed() -> Iterator[dict[str, tuple[float, float]]]:
    """Seconds that each of the STEPS takes, by the clock and of the processor, while the `with` block runs."""
    from pydoc import locate

    spent: dict[str, tuple[float, float]] = {}

    def watched(name: str, call: Any) -> Any:
        @wraps(call)
        def within(*given: Any, **named: Any) -> Any:
            begun, busy = time.perf_counter(), time.process_time()
            try:
                return call(*given, **named)
            finally:
                wall, processor = spent.get(name, (0.0, 0.0))
                spent[name] = wall + time.perf_counter() - begun, processor + time.process_time() - busy

        return within

    before = []
    for name, (module, function) in STEPS.items():
        owner = locate(module)
        before.append((owner, function, getattr(owner, function)))
        setattr(owner, function, watched(name, before[-1][2]))
    try:
        yield spent
    finally:
        for owner, function, call in before:
            setattr(owner, function, call)


def sizes(catalogue: Catalogue, count: int) -> dict[str, float]:
    """Bytes of the templates: of a part, and on the disk."""
    folder = Path(catalogue.uri) / "templates.lance"
    disk = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return {"bytes_per_part": round(disk / count), "megabytes": round(disk / 1e6, 1), "sides": Recipe().templates}


def made() -> float:
    """Processor seconds of one core to make the templates of a part: a mean over made-up parts."""
    from tasks.geometry import glb
    from tasks.records import Body
    from tasks.templates.plates import Blank, cast

    names = [name for name, family in families().items() if family.held_out][:MADE]
    blanks = []
    for name in names:
        one = specimen(name, 0, 0)
        mesh = glb(Body(vertices=one.vertices, faces=one.faces))
        blanks.append(Blank(geometry=name, mesh=mesh, views=Recipe().templates))
    cast(blanks[0])  # the renderer starts, the projection is loaded
    busy = time.process_time()
    for blank in blanks:
        if failure := cast(blank).failure:
            raise SystemExit(failure)
    return round((time.process_time() - busy) / len(blanks), 3)


def table(report: dict[str, Any]) -> Table:
    """The steps of a search, in milliseconds."""
    title = f"{report['searches']} searches among {report['parts']:,} parts, one core, milliseconds"
    shown = Table("step", "p50", "p95", "of processor p50", "p95", title=title)
    for name in [*STEPS, "the rest", "whole search"]:
        both = [report[clock].get(name, {"p50": 0, "p95": 0}) for clock in ("wall", "processor")]
        shown.add_row(name, *(f"{1000 * one[share]:.0f}" for one in both for share in ("p50", "p95")))
    return shown


def said(report: dict[str, Any]) -> str:
    """What it comes to, in words."""
    found, kept = report["wall"]["whole search"]["p95"], report["templates"]
    return (
        f"goal: 95 % of searches within {1000 * GOAL:.0f} ms: {'reached' if report['reached'] else 'missed'} "
        f"({1000 * found:.0f} ms)\n"
        f"templates from {kept['sides']} sides: {kept['bytes_per_part'] / 1000:.1f} kB a part, "
        f"{kept['megabytes']:.0f} MB on the disk for {report['parts']:,}; "
        f"made in {kept['seconds_per_part']:.2f} s of a core"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", type=int, default=10_000, help="parts in the catalogue")
    parser.add_argument("--searches", type=int, default=60, help="searches that are timed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
