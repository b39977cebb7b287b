"""A small customer, and the steps of the flow run without Prefect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trimesh

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Recipe, Release, Render
from blocks.source import Source
from tasks.job import opened

RECIPE = Recipe(render=Render(views=4, size=64), stages=("background",))
CUSTOMER = Customer(slug="acme", recipe=RECIPE, release=Release(queries=0))  # recall has tests of its own


def _washer(inner: float, outer: float = 10.0) -> trimesh.Trimesh:
    """A ring, 2 mm thick."""
    return trimesh.creation.annulus(inner, outer, 2.0)


@pytest.fixture
def customer() -> Customer:
    """The customer that the tests onboard."""
    return CUSTOMER


@pytest.fixture
def washer() -> Callable[..., trimesh.Trimesh]:
    """A maker of rings: inner and outer radius in mm."""
    return _washer


@pytest.fixture
def cad(tmp_path: Path) -> Path:
    """A customer's folder: two washers, a block and a table of parts."""
    folder = tmp_path / "cad"
    folder.mkdir()
    _washer(3).export(folder / "washer-3.stl")
    _washer(5).export(folder / "washer-5.stl")
    trimesh.creation.box((30, 20, 10)).export(folder / "block.ply")
    (folder / "parts.csv").write_text("number,name,material\nwasher-3,Washer small,brass\nblock,Spacer,POM\n")
    return folder


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """The customer's empty database."""
    return Catalogue(uri=str(tmp_path / "db"))


@pytest.fixture
def onboard(cad: Path, catalogue: Catalogue, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run the steps of the flow for the folder; a catalogue of one's own may be given."""

    def run(
        customer: Customer = CUSTOMER, into: Catalogue = catalogue, limit: int | None = None, source: Path = cad
    ) -> dict[str, Any]:
        with opened(customer, into, Source(location=str(source)), limit, tmp_path / "home", 1) as job:
            if job.nothing_to_do():
                return job.rest()
            for files in job.file_batches():
                job.read(files)
            job.find_parts()
            for parts in job.part_batches():
                job.make(parts)
            for views in job.augmentation.batches():
                job.augmentation.make(views)
            return job.finish()

    return run
