"""A customer's folder of the worst files, and what an onboarding makes of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from archives import archives
from corners import catalogue
from corners_mesh import FACES
from formats import stl

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Quotas, Recipe, Release, Render
from blocks.source import Source
from tasks.job import opened

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = Recipe(render=Render(views=2, size=64), stages=("background",), templates=0)
QUOTAS = Quotas(parse_seconds=20, parse_memory_mb=512, files=500, file_mb=64, source_mb=256)
CUSTOMER = Customer(slug="acme", recipe=RECIPE, release=Release(queries=0), quotas=QUOTAS)
GOOD = "good.stl"
ARCHIVES = ("a bomb", "cut off", "a way through a link", "a password")
WORST = (
    *("step: billion laughs", "step: a circle of two", "step: brackets", "step: exametres", "step: a name of HTML"),
    *("step: a name of not ASCII", "step: an entity that is itself", "step: a curve of a curve", "step: kilometres"),
    *("step: micrometres", "step: one name for all", "iges: a count that lies", "iges: numbers beyond all"),
    *(
        "stl: 10^9 triangles",
        "stl: a coordinate that is no number",
        "stl: a coordinate of 1e-45",
        "stl: a part of 1 µm",
    ),
    *("stl: a part of 1 µm", "stl: a part of 1 km", "stl: a part far away", "stl: one triangle"),
    "stl: three faces at an edge",
    *("stl: every face twice and turned", "stl: inside out", "obj: a name of HTML", "obj: one name for all"),
    *("obj: colours that are none", "mtl: a map of blanks", "mtl: a colour that is none", "ply: 10^9 faces"),
    *("3mf: entities", "3mf: a bomb", "3mf: billion laughs", "3mf: a part of 1 µm", "3mf: a part of 1 km"),
    *("3mf: one name for all", "gltf: half a letter for a buffer", "gltf: half a letter for a name"),
    *("gltf: a colour that is none", "gltf: 10^8 vertices of nothing", "gltf: a list for a name", "dae: entities"),
    *("dae: a circle of one", "dae: a unit of 1e300", "name: <img src=x onerror=alert(1)>.stl", "name: a line break"),
)


class Onboarded(NamedTuple):
    """Rows of the table `files` by name, what the source refused, numbers of parts, and what the run says of itself."""

    files: dict[str, dict[str, Any]]
    refused: tuple[dict[str, str], ...]
    parts: set[str]
    summary: dict[str, Any]


def laid(folder: Path) -> dict[str, bool | None]:
    """Lay the worst files into `folder`, each in one of its own, and a sound part; returns which of them load."""
    known = {corner.label: corner for corner in catalogue() if corner.label in WORST}
    wanted: dict[str, bool | None] = {GOOD: True}
    for number, label in enumerate(WORST):
        corner = known[label]
        name = f"{number:02}-{re.sub(r'[^a-z0-9]+', '-', label.lower())}"
        corner.upload.written(folder / name)
        if corner.upload.name.isprintable():  # else it is refused by the source, and has no row
            wanted[f"{name}/{corner.upload.name}"] = corner.loads
    (folder / GOOD).write_bytes(stl([[[2 * x for x in point] for point in face] for face in FACES]))
    for archive in archives():
        if archive.label in ARCHIVES:
            (folder / f"{archive.label}.zip").write_bytes(archive.data)
    return wanted


def onboarded(source: Path, home: Path, *, pictures: bool) -> Onboarded:
    """Onboard a folder into an empty catalogue, as the flow does step by step; without `pictures` up to the parts."""
    tables = Catalogue(uri=str(home / "db"))
    summary: dict[str, Any] = {}
    with opened(CUSTOMER, tables, Source(location=str(source)), None, home / "home", 1) as job:
        for files in job.file_batches():
            job.read(files)
        job.find_parts()
        parts = {part.number for batch in job.part_batches() for part in batch}
        if pictures:
            for batch in job.part_batches():
                job.make(batch)
            summary = job.finish()
        refused = job.seen.refused
    rows = tables.rows("files", ("name", "status", "reason", "bodies"))
    return Onboarded({row["name"]: row for row in rows}, refused, parts, summary)
