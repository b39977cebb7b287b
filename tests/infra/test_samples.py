"""The sample catalogue holds what `expected.json` says, and onboarding reads it to the kernel's measures."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from blocks.customer import Customer
from blocks.customer_file import load
from blocks.source import Source
from infra.samples.items import ZIP, items
from tasks.ingest import Reading, readings, scan

HERE = Path(__file__).resolve().parent.parent.parent / "infra" / "samples"
FORMATS = {".step", ".stp", ".igs", ".stl", ".obj", ".ply", ".off", ".3mf", ".glb", ".gltf", ".dae"}


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """What onboarding must find."""
    found: dict[str, Any] = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def demo() -> Customer:
    """The customer of the demo."""
    return load(HERE.parent / "customers" / "demo.yaml")


@pytest.fixture(scope="module")
def read(demo: Customer) -> dict[str, Reading]:
    """Every file of the catalogue as onboarding reads it, by its name."""
    with Source(location=demo.source).open(demo.quotas) as listing:
        assert listing.refused == ()
        return {reading.found.name: reading for reading in readings(scan(listing, demo.slug), demo.quotas, 2)}


@pytest.fixture(scope="module")
def members() -> dict[str, bytes]:
    """The bytes of every file of the catalogue, those in the zip included."""
    folder = HERE / "catalogue"
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with zipfile.ZipFile(io.BytesIO(files[ZIP])) as package:
        return files | {f"{ZIP}/{name}": package.read(name) for name in package.namelist()}


def test_ships_in_five_megabytes() -> None:
    """All that is shipped stays under 5 MB."""
    shipped = [path for name in ("catalogue", "queries") for path in (HERE / name).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in shipped) < 5e6


def test_has_the_parts_and_every_format(members: dict[str, bytes], expected: dict[str, Any]) -> None:
    """At least 40 parts, and each format is used by at least two of them."""
    assert len(expected["parts"]) >= 40
    used = Counter(Path(item.file).suffix.lower() for item in items())
    assert set(used) == FORMATS
    assert min(count for suffix, count in used.items() if suffix != ".stp") >= 2
    texts = [data[:6] == b"solid " for name, data in members.items() if name.lower().endswith(".stl")]
    assert texts.count(True) >= 2
    assert texts.count(False) >= 2


def test_table_and_files_agree(members: dict[str, bytes], expected: dict[str, Any]) -> None:
    """Every file and photograph that `parts.csv` names is there, no number twice, and some files are not listed."""
    rows = list(csv.DictReader(io.StringIO(members["parts.csv"].decode("utf-8"))))
    named = {row[column] for row in rows for column in ("file", "photo") if row[column]}
    assert named <= set(members)
    numbers = [row["number"] for row in rows]
    assert len(set(numbers)) == len(numbers)
    assert set(numbers) <= {*expected["parts"], *expected["photo_only"]}
    assert len({item.file for item in items()} - named) >= 4


def test_truncated_file_ends_in_the_middle(members: dict[str, bytes], expected: dict[str, Any]) -> None:
    """The one file made to fail is a STEP file without its end; every other STEP file is whole."""
    steps = {name: data for name, data in members.items() if Path(name).suffix.lower() in {".step", ".stp"}}
    broken = [name for name, data in steps.items() if b"END-ISO-10303-21;" not in data]
    assert broken == expected["files"]["quarantined"]


def test_one_file_is_in_inches(members: dict[str, bytes]) -> None:
    """Exactly one STEP file counts in inches."""
    assert [Path(name).name for name, data in members.items() if b"CONVERSION_BASED_UNIT('INCH'" in data] == [
        "AK30 SHEAVE 0.875 BORE.STEP"
    ]


def test_demo_reads_all_but_the_truncated_file(read: dict[str, Reading], expected: dict[str, Any]) -> None:
    """Onboarding reads as many files as promised and quarantines the one, with its name in the reason."""
    kinds = Counter(reading.found.kind for reading in read.values())
    assert (kinds["cad"], kinds["photo"]) == (expected["files"]["cad"], expected["files"]["photographs"])
    refused = {
        name: reading.reason for name, reading in read.items() if reading.reason and reading.found.kind != "metadata"
    }
    assert list(refused) == expected["files"]["quarantined"]
    assert all(name in reason for name, reason in refused.items())


def test_sizes_are_the_kernels(read: dict[str, Reading], expected: dict[str, Any]) -> None:
    """Every part is read at the size that the CAD kernel gives, whatever its format and unit."""
    for number, part in expected["parts"].items():
        for file in part["files"]:
            (body,) = read[file].bodies
            size = np.ptp(body.vertices, axis=0)
            np.testing.assert_allclose(size, part["size_mm"], rtol=0.012, atol=0.05, err_msg=f"{number} in {file}")


def test_units_are_known_where_a_format_says_them(read: dict[str, Reading]) -> None:
    """A format with a unit is read in mm; one without stays unknown unless the file's name says it."""
    for item in items():
        unit = "mm" if item.has_unit or "_mm." in item.file else "unknown"
        assert [body.unit for body in read[item.file].bodies] == [unit], item.file


def test_assembly_keeps_names_paths_counts_and_colours(read: dict[str, Reading], expected: dict[str, Any]) -> None:
    """The assembly's parts arrive with their names, how often they occur under which path, and their colours."""
    bodies = next(reading.bodies for name, reading in read.items() if name.startswith("assemblies/"))
    occurrences = {(body.name, body.path): body.count for body in bodies}
    assert occurrences == {
        (number, path): count
        for number, part in expected["parts"].items()
        for path, count in part.get("assembly", {}).items()
    }
    assert sum(occurrences.values()) == 20
    assert {body.name: tuple(np.round(body.colour, 2)) for body in bodies if body.colour}["PB-100-02"] == (
        0.1,
        0.25,
        0.62,
    )
    assert all(body.colour is not None for body in bodies)


def test_pictures_are_photographs_of_parts(expected: dict[str, Any]) -> None:
    """Each photograph and each query is a picture of a part of the catalogue, and no query is in it."""
    known = {*expected["parts"], *expected["photo_only"]}
    pictures = {**{f"catalogue/{n}": p for n, p in expected["photographs"].items()},
                **{f"queries/{n}": p for n, p in expected["queries"].items()}}  # fmt: skip
    inside = {path.read_bytes() for path in (HERE / "catalogue").rglob("*.jpg")}
    for name, number in pictures.items():
        with Image.open(HERE / name) as picture:
            assert picture.size == (400, 400)
        assert number in known
        assert name.startswith("catalogue/") or (HERE / name).read_bytes() not in inside


def test_kernel_makes_the_same_geometry_again(expected: dict[str, Any]) -> None:
    """The shapes of one family, made anew, have the volume that was shipped."""
    pytest.importorskip("build123d", exc_type=ImportError, reason="the CAD kernel (development extra) is not installed")
    family = [item for item in items() if item.file.startswith("fasteners/DIN 9")]
    assert len(family) >= 5
    for item in family:
        assert item.shape().volume == pytest.approx(expected["parts"][item.number]["volume_mm3"], abs=0.01), item.number
