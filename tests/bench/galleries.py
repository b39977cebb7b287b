"""What is searched: a catalogue of made-up parts whose families no training has seen, and one of real parts.

Both are made by `partsight onboard` itself, in a home below build/recall that is kept: a second time it does only
what changed, and with other weights it embeds what is rendered already.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from blocks.catalogue import Catalogue
from blocks.customer_file import load
from tasks.generate import families, specimen
from tasks.plan import OCCURRENCES
from tasks.records import Part

if TYPE_CHECKING:
    from blocks.catalogue import Served
    from blocks.customer import Customer
    from tasks.generate import Specimen

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "recall"
REAL = ROOT.parent / "shared" / "cad" / "prusa-i3-mk3s"
PARTSIGHT = Path(sys.executable).with_name("partsight")
SIBLINGS = 4
VIEWS = 16


class Gallery:
    """A customer's catalogue that was onboarded: its parts by number, and the pictures in its index.

    `siblings` name the group of look-alikes that a part belongs to.
    """

    def __init__(self, customer: Customer, made: dict[str, Specimen] | None = None) -> None:
        self.customer, self.made = customer, made or {}
        self.catalogue = Catalogue(uri=str(KEPT / "home" / "customers" / customer.slug / "catalogue"))

    @cached_property
    def shown(self) -> Served:
        """What searches read."""
        return self.catalogue.served()

    @cached_property
    def parts(self) -> dict[str, Part]:
        """The active parts with CAD, in the order of their numbers."""
        from lancedb.expr import col, lit

        columns = ("part", "name", "description", "material", "colour", "geometry", "size_mm", "occurrences")
        rows = self.shown.rows("parts", columns, col("status") == lit("active"))
        return dict(sorted((row["part"], _part(row)) for row in rows if row["geometry"]))

    @cached_property
    def views(self) -> list[dict[str, Any]]:
        """Rows `id`, `part`, `image` of the pictures in the index."""
        from lancedb.expr import col, lit

        rows = self.shown.rows("images", ("id", "part", "image"), col("kind") == lit("view"))
        return sorted((row for row in rows if row["part"] in self.parts), key=lambda row: (row["part"], row["id"]))

    def identical(self, numbers: set[str]) -> frozenset[str]:
        """The parts `numbers`, and those of the same geometry: no picture can tell them apart."""
        shapes = {self.parts[number].geometry for number in numbers}
        return frozenset(number for number, part in self.parts.items() if part.geometry in shapes)

    def siblings(self, number: str) -> frozenset[str]:
        """The part, and those of the same family and series; of real ones, those in files of the same name."""
        own = self._group(number)
        return frozenset(other for other in self.parts if self._group(other) & own)

    def _group(self, number: str) -> set[object]:
        if number in self.made:
            return {(self.made[number].family, self.made[number].series)}
        return {Path(one.file).stem.casefold() for one in self.parts[number].occurrences}


def generated(count: int, weights: str) -> Gallery:
    """`count` made-up parts of the families that are held out, four siblings of each design, onboarded."""
    made = {one.number: one for one in (specimen(*key) for key in keys(count))}
    folder = KEPT / "parts" / f"generated-{count}"
    write(folder, made)
    return onboarded(f"generated-{count}", folder, weights, made)


def keys(count: int) -> list[tuple[str, int, int]]:
    """Family, series and sibling of the first `count` parts that training leaves out, the families by turns."""
    left_out = [name for name, family in families().items() if family.held_out]
    designs = [(left_out[number % len(left_out)], number // len(left_out)) for number in range(-(-count // SIBLINGS))]
    return [(family, series, sibling) for family, series in designs for sibling in range(SIBLINGS)][:count]


def write(folder: Path, made: dict[str, Specimen]) -> None:
    """An STL for each part, and a parts.csv that says what they are; what else is in `folder` goes."""
    import trimesh

    folder.mkdir(parents=True, exist_ok=True)
    for old in set(folder.glob("*.stl")) - {folder / f"{number}.stl" for number in made}:
        old.unlink()
    rows = []
    for number, one in made.items():
        trimesh.Trimesh(one.vertices, one.faces, process=False).export(folder / f"{number}.stl")
        said = one.part
        rows.append([number, said.name, said.description, said.material, f"{number}.stl"])
    with (folder / "parts.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["number", "name", "description", "material", "file"], *rows])


def real(weights: str) -> Gallery:
    """The printed parts of a real machine, STL and STEP, onboarded; twins are one part."""
    return onboarded("real", REAL, weights)


def onboarded(slug: str, source: Path, weights: str, made: dict[str, Specimen] | None = None, **recipe: Any) -> Gallery:
    """Onboard what is at `source` with `VIEWS` views of each part and nothing else but what `recipe` says."""
    file = KEPT / f"{slug}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    wanted: dict[str, Any] = {"variants": 0, "render": {"views": VIEWS}, "unit": "mm", **recipe}
    if weights:
        wanted["embed"] = {"weights": str(Path(weights).resolve())}
    customer = {"slug": slug, "source": str(source), "recipe": wanted, "release": {"queries": 0}}
    file.write_text(yaml.safe_dump(customer))
    if wrong := asked("onboard", str(file))["quarantine"]:
        raise SystemExit(f"onboarding {slug} put {len(wrong)} files into quarantine: {wrong[0]['reason']}")
    return Gallery(load(file), made)


def asked(*words: str) -> dict[str, Any]:
    """What `partsight` with these words and --json says; stderr shows how far it is."""
    environment = {**os.environ, "PARTSIGHT_HOME": str(KEPT / "home")}
    run = subprocess.run([str(PARTSIGHT), *words, "--json"], env=environment, stdout=subprocess.PIPE, check=False)
    if run.returncode:
        raise SystemExit(f"partsight {' '.join(words)} ended with {run.returncode}")
    return dict(json.loads(run.stdout))


def _part(row: dict[str, Any]) -> Part:
    known = {key: value for key, value in row.items() if value is not None and key not in ("part", "occurrences")}
    return Part(number=row["part"], occurrences=OCCURRENCES.validate_json(row["occurrences"]), **known)
