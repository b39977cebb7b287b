"""Parsing, rendering, augmenting and embedding alone: no tables, no flow, no report. `python bare.py FOLDER`."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from blocks.customer import Quotas, Recipe
from blocks.source import Source
from tasks import codec
from tasks.embed import embedder
from tasks.geometry import glb
from tasks.ingest import readings, scan
from tasks.pictures import Made, Order
from tasks.records import Part
from tasks.workshop import Workshop

BATCH = 8


def main(folder: Path) -> int:
    """Make the vectors of all parts in a folder; returns how many there are."""
    recipe, cores = Recipe(), os.cpu_count() or 1
    with Source(location=str(folder)).open(Quotas()) as listing, Workshop(cores) as workshop:
        orders = [
            Order(
                part=Part(number=reading.found.name, geometry=reading.found.digest),
                mesh=glb(reading.bodies[0]),
                render=recipe.render,
                stages=recipe.stages,
                variants=recipe.variants,
            )
            for reading in readings(scan(listing, ""), Quotas(), cores)
        ]
        batches = [orders[start : start + BATCH] for start in range(0, len(orders), BATCH)]
        with ThreadPoolExecutor(2) as ahead:
            return sum(embedded(recipe, made) for made in ahead.map(workshop.make, batches))


def embedded(recipe: Recipe, made: list[Made]) -> int:
    """Embed the accepted pictures of a batch."""
    pictures = [codec.decode(row["image"]) for one in made for row in one.rows if row["accepted"]]
    return len(embedder(recipe.embed).images(pictures))


if __name__ == "__main__":
    sys.stdout.write(f"{main(Path(sys.argv[1]))}\n")
