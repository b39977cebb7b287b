"""Real catalogues: the sample that ships, measured against its CAD kernel, and CAD that nobody here made."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Render
from tasks.plan import OCCURRENCES

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def quick(customer: Customer) -> Customer:
    """One small view of each part: what is found counts here, not how it looks."""
    recipe = customer.recipe.model_copy(update={"render": Render(views=1, size=64), "stages": ()})
    return customer.model_copy(update={"recipe": recipe})


def found(catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """The parts, by number, and how often each occurs."""
    rows = catalogue.rows("parts", ("part", "name", "size_mm", "occurrences", "material"))
    for row in rows:
        row["count"] = sum(place.count for place in OCCURRENCES.validate_json(row["occurrences"]))
    return {row["part"]: row for row in rows}


def test_the_sample_catalogue_is_what_the_kernel_says(
    onboard: Run, quick: Customer, catalogue: Catalogue, samples: Path
) -> None:
    """Every part once, under its number, as large as the CAD kernel measured it; the truncated file is named."""
    expected = json.loads((samples.parent / "expected.json").read_text())
    summary = onboard(quick, source=samples)
    assert [entry["file"] for entry in summary["quarantine"]] == expected["files"]["quarantined"]
    assert summary["files"]["ok"] == expected["files"]["ok"]
    parts = found(catalogue)
    assert set(parts) == {*expected["parts"], "MAN-63-16"}  # a manometer, known from its photograph alone
    for number, truth in expected["parts"].items():
        size = parts[number]["size_mm"]
        assert (size is not None) == truth["unit_known"], number
        if size is not None:
            assert sorted(size) == pytest.approx(sorted(truth["size_mm"]), rel=0.015, abs=0.06), number


def test_assemblies_that_nobody_here_made(
    onboard: Run, quick: Customer, catalogue: Catalogue, shared_cad: Path
) -> None:
    """The classic assembly has its bolts, nuts, brackets, rod and plate, as often as they are in it."""
    summary = onboard(quick, source=shared_cad / "assemblies")
    assert summary["quarantine"] == []
    parts = found(catalogue)
    counts = Counter({row["name"]: 0 for row in parts.values()})
    for row in parts.values():
        counts[row["name"]] += row["count"]
    assert {"bolt", "nut", "l-bracket", "rod", "plate"} <= set(counts)
    as1 = {
        row["part"]: sum(p.count for p in OCCURRENCES.validate_json(row["occurrences"]) if p.file == "as1-oc-214.stp")
        for row in parts.values()
    }
    assert sum(as1.values()) == 18
    assert sorted(count for count in as1.values() if count) == [1, 1, 2, 6, 8]


def test_printed_parts_in_two_formats_are_found_once(
    onboard: Run, quick: Customer, catalogue: Catalogue, shared_cad: Path, tmp_path: Path
) -> None:
    """STL and STEP of one printed part become one part that knows its size."""
    source = tmp_path / "printed"
    source.mkdir()
    for name in ("y-belt-holder", "y-belt-tensioner", "fs-cover", "fs-cover-mmu2s"):
        for folder, suffix in (("STL", "stl"), ("STEP", "stp")):
            path = shared_cad / "prusa-i3-mk3s" / "Printed-Parts" / folder / f"{name}.{suffix}"
            (source / path.name).write_bytes(path.read_bytes())
    onboard(quick, source=source)
    parts = found(catalogue)
    assert {number: row["count"] for number, row in parts.items()} == {
        "y-belt-holder": 2,
        "y-belt-tensioner": 2,
        "fs-cover": 2,
        "fs-cover-mmu2s": 2,
    }
    assert all(row["size_mm"] for row in parts.values())
