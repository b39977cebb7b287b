"""How often parts are found, and how fast pictures are embedded, against baselines in one run: `make bench-recall`.

    (a) 200 made-up parts of families that training leaves out, four siblings of each design
    (b) the real parts in ../shared/cad/prusa-i3-mk3s: onboarded, and asked with our pictures and with those that
        came with them; skipped where they are not

16 index views of each part; queries by another renderer, clean and cluttered, and by the studio (`questions.py`).
Prints tables with 95 % intervals and writes build/recall.json. Goals that are missed are marked, never hidden.
Pictures and the baselines' vectors are kept in build/recall, so that other weights are measured in a minute:
`python tests/bench/recall.py --weights FILE`. Then each catalogue is tuned, 30 minutes unless --minutes says otherwise,
and what each ingredient of a search gives is told apart (`ablation.py`); --minutes 0 leaves that out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

sys.path.insert(0, str(Path(__file__).parent))
import ablation
import baselines
import galleries
import questions
import sheets
import subjects
import wording

from blocks.customer import Embed
from tasks import score
from tasks.embed import embedder
from tasks.score import Ranking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from galleries import Gallery
    from numpy.typing import NDArray

    from tasks.queries import Query

QUIET = 5.0  # seconds between two lines that say how far it is


def main() -> int:
    """Measure, print, save; returns 0 also when a goal is missed, for a benchmark is no test."""
    arguments = _arguments()
    begun = time.perf_counter()
    galleries.KEPT.mkdir(parents=True, exist_ok=True)
    _progress("the embedder's pace on one core")
    pace = _pace(arguments.weights)
    found = {name: measured(gallery, arguments) for name, gallery in _galleries(arguments)}
    if arguments.minutes:
        for name, gallery in _galleries(arguments):
            found[name]["ablation"] = taken_apart(gallery, arguments)
    own = embedder(Embed(weights=arguments.weights))
    report: dict[str, Any] = {
        "model": {"name": own.name, "digest": own.digest, "trained": own.trained},
        "cores": os.cpu_count(),
        "sets": found,
        "speed": pace,
    }
    report["figures"] = goals(report)
    report["seconds"] = round(time.perf_counter() - begun, 1)
    console = Console(width=140)
    for table in sheets.tables(report):
        console.print(table)
    target = galleries.ROOT / "build" / ("recall-small.json" if arguments.small else "recall.json")
    target.write_text(json.dumps(report, indent=1))
    console.print(f"{report['seconds']:.0f} s; written to {target.relative_to(galleries.ROOT)}")
    return 0


def _galleries(arguments: argparse.Namespace) -> list[tuple[str, Gallery]]:
    _progress("onboarding made-up parts")
    made = [("(a)", galleries.generated(40 if arguments.small else arguments.parts, arguments.weights))]
    if not galleries.REAL.exists():
        _progress(f"there are no real parts at {galleries.REAL}: (b) is left out")
        return made
    _progress("onboarding real parts")
    return [*made, ("(b)", galleries.real(arguments.weights))]


def taken_apart(gallery: Gallery, arguments: argparse.Namespace) -> dict[str, Any]:
    """What each ingredient of a search gives once `gallery` is tuned, and what the tuning took."""
    step = Steps()
    step.say(f"tuning {gallery.customer.slug}: {arguments.minutes:g} minutes of learning")
    told = ablation.tuned(gallery, arguments.minutes)
    asked = questions.asked(gallery, 20 if arguments.small else len(gallery.parts), step)
    return {"adapt": told, **ablation.Ablation(gallery, asked, step).measured()}


def measured(gallery: Gallery, arguments: argparse.Namespace) -> dict[str, Any]:
    """What every subject finds in `gallery`, by who made the pictures and how difficult they are."""
    step = Steps()
    asked = questions.asked(gallery, 20 if arguments.small else len(gallery.parts), step)
    owners = [row["part"] for row in gallery.views]
    pictures = [row["image"] for row in gallery.views] + [_bytes(query) for query in asked]
    split, found = len(owners), _vectors(pictures, arguments.weights, step)
    cosines = {name: vectors[split:] @ vectors[:split].T for name, vectors in found.items()}
    for name, embed in ((subjects.SHIPPED, subjects.shipped), (subjects.EXACT, subjects.exact)):
        closer = embed(arguments.weights, pictures[split:], step, cut=True)
        cosines[name] = np.maximum(cosines[name], closer @ found[name][:split].T)
    cosines[baselines.TURNED] = _turned(subjects.turned(pictures[split:], step), found["HOG cropped 64"][:split])
    rankings = {name: ranked(gallery, asked, some, owners) for name, some in cosines.items()}
    cells: dict[str, Any] = {}
    for cell in sorted({(query.renderer, query.difficulty) for query in asked}):
        places = [place for place, query in enumerate(asked) if (query.renderer, query.difficulty) == cell]
        cells[" ".join(cell)] = {
            name: _figures(gallery, [some[place] for place in places]) for name, some in rankings.items()
        }
    first = {name: [float(one.rank == 1) for one in some] for name, some in rankings.items()}
    same = score.change(first[subjects.EXACT], first[subjects.SHIPPED], [query.part for query in asked])
    return {
        "parts": len(gallery.parts),
        "views": split,
        "cells": cells,
        "text": wording.measured(gallery, found[subjects.SHIPPED][:split], owners, step) if gallery.made else None,
        "shipped_less_exact": same.model_dump(),
    }


def _vectors(pictures: Sequence[bytes], weights: str, step: Steps) -> dict[str, NDArray[np.float32]]:
    """Vectors of `pictures` by each subject."""
    return {
        **subjects.classical(pictures, step),
        subjects.RANDOM: subjects.generic(pictures, step),
        subjects.SHIPPED: subjects.shipped(weights, pictures, step),
        subjects.EXACT: subjects.exact(weights, pictures, step),
    }


def _turned(queries: NDArray[np.float32], index: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosines (queries, pictures) of each query (n, angles, d) at its best angle with `index` (m, d)."""
    angles = [queries[:, angle] @ index.T for angle in range(queries.shape[1])]
    return np.asarray(np.max(angles, axis=0), dtype=np.float32)


def ranked(
    gallery: Gallery, asked: Sequence[Query], cosines: NDArray[np.float32], owners: Sequence[str]
) -> list[Ranking]:
    """The parts for each query, by their most similar picture; `cosines` (queries, pictures), each of its owner."""
    parts = list(dict.fromkeys(owners))
    place = {part: number for number, part in enumerate(parts)}
    best = np.full((len(asked), len(parts)), -np.inf, dtype=np.float32)
    np.maximum.at(best.T, [place[owner] for owner in owners], cosines.T)
    rankings = []
    for query, row in zip(asked, best, strict=True):
        order = np.argsort(-row, kind="stable")
        right = gallery.identical({query.part})
        names, scores = (parts[int(at)] for at in order), (float(row[at]) for at in order)
        rankings.append(Ranking(part=query.part, relevant=right, parts=tuple(names), scores=tuple(scores)))
    return rankings


def _figures(gallery: Gallery, rankings: Sequence[Ranking]) -> dict[str, Any]:
    """Recall and mean average precision; `siblings` is recall where a sibling counts as well."""
    wider = [one.replace(relevant=gallery.siblings(one.part) | one.relevant) for one in rankings]
    return {
        **score.figures(rankings).model_dump(),
        "siblings": score.recall([one.rank for one in wider], 1).model_dump(),
    }


def goals(report: dict[str, Any]) -> dict[str, Any]:
    """Each goal of the issue with its figure; and what is left of it when HOG may turn the query as well."""
    found: dict[str, Any] = {}
    for name, one in report["sets"].items():
        for cell, figures in one["cells"].items():
            if cell.startswith("studio"):
                continue  # the renderer of the index asks itself: shown, but no goal
            at = {subject: figures[subject]["recall"]["1"]["value"] for subject in figures}
            best = max(baselines.NAMES, key=lambda subject: at[subject])
            found[f"{name} {cell}, recall@1 over the best baseline"] = _ratio(at, best)
            found[f"{name} {cell}, recall@1 over HOG turned"] = _ratio(at, baselines.TURNED)
        for way, figures in (one["text"] or {}).items():
            if way != "example":
                share = figures["part"]["5"]
                what = f"{100 * share['low']:.1f} to {100 * share['high']:.1f} %"
                found[f"{name} text, {way}, recall@5"] = figure(share["value"], 0.8, what)
        if "ablation" in one:
            for what, (value, goal, beside) in ablation.goals(name, one["ablation"]).items():
                found[what] = figure(value, goal, beside)
    speed = report["speed"]
    what = f"{speed['pictures_per_second_per_core']} of {speed['ideal_pictures_per_second']} pictures/s/core"
    found["embedding over matrix product"] = figure(speed["share"], 0.6, f"{what}, {speed['arithmetic']}")
    return found


def _ratio(at: dict[str, float], to: str) -> dict[str, Any]:
    """recall@1 of what ships over that of a baseline."""
    what = f"{100 * at[subjects.SHIPPED]:.1f} % / {100 * at[to]:.1f} % ({to})"
    return figure(at[subjects.SHIPPED] / max(at[to], 1e-9), 2, what)


def figure(value: float, goal: float, what: str) -> dict[str, Any]:
    """A measured value beside its goal."""
    return {"value": round(min(value, 999), 4), "goal": goal, "reached": value >= goal, "what": what}


def _pace(weights: str) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("pace.py")), *([weights] if weights else [])],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    return dict(json.loads(run.stdout))


def _bytes(query: Query) -> bytes:
    return query.picture or Path(query.file).read_bytes()


class Steps:
    """Says how far something is, every few seconds."""

    def __init__(self) -> None:
        self._said = 0.0

    def __call__(self, what: str, done: int, of: int) -> None:
        """Say it, unless something was said just now."""
        if time.monotonic() - self._said > QUIET:
            self.say(f"{what}: {done} of {of}")

    def say(self, what: str) -> None:
        """Say it in any case."""
        self._said = time.monotonic()
        _progress(what)


def _progress(what: str) -> None:
    sys.stderr.write(f"bench: {what}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=int, default=200, help="made-up parts")
    parser.add_argument("--small", action="store_true", help="40 made-up parts, and questions about 20 of each set")
    parser.add_argument("--weights", default="", help="safetensors file to measure instead of what ships")
    parser.add_argument(
        "--minutes", type=float, default=30, help="minutes that each catalogue is tuned; 0 leaves it out"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
