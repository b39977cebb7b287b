"""A small customer, and the steps of the flow run without Prefect."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import trimesh

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Recipe, Release, Render
from blocks.source import Source
from tasks import ingest
from tasks.job import opened
from tasks.sandbox import Answer, Sandbox

RECIPE = Recipe(render=Render(views=4, size=64), stages=("background",), templates=0)
CUSTOMER = Customer(slug="acme", recipe=RECIPE, release=Release(queries=0))  # recall has tests of its own

STAGE = '''
from typing import ClassVar

import numpy as np
from pydantic import BaseModel


class Paint(BaseModel):
    """Stands for a diffusion model: `strength` is how much of the picture it makes up."""

    needs_gpu: ClassVar[bool] = True
    strength: float = 0.02
    spoils: str = ""
    begins: str = "view"

    @property
    def source(self):
        return self.begins

    def __call__(self, view):
        yield from self.many([view])

    def many(self, views):
        with open(__file__ + ".log", "a") as log:
            log.write(f"{self.strength} {len(views)}\\n")
        return [self.painted(view) for view in views]

    def painted(self, view):
        noise = view.rng.normal(0, 60 * self.strength, view.image.shape)
        cover = view.alpha[..., None]
        slope = np.linspace(-1, 1, len(view.image))
        light = view.rng.uniform(-70, 70) * slope[:, None] + view.rng.uniform(-70, 70) * slope
        image = view.image * cover + 170 * (1 - cover) + noise + light[..., None]
        image = np.clip(image, 0, 255).astype(np.uint8)
        if self.spoils in view.part.number and self.spoils and self.strength > 0.012:
            image[:] = 255
        told = {"prompt": f"a photograph of {view.part.name}", "strength": self.strength}
        return view.replace(image=image, alpha=np.ones_like(view.alpha), lineage={"paint": told})

    def gentler(self, attempt):
        return self.model_copy(update={"strength": self.strength / 2**attempt}) if attempt < 3 else None
'''


class Kept(Sandbox):
    """A sandbox that waits on its shelf for the next run: a start takes a second, and there are hundreds of runs."""

    shelves: ClassVar[defaultdict[Any, list[Kept]]] = defaultdict(list)
    busy = False

    @classmethod
    def taken(cls, preload: list[str]) -> Kept:
        """One that finds the same modules: a new one where none is waiting."""
        shelf = cls.shelves[tuple(preload), tuple(sys.path)]
        box = shelf.pop() if shelf else cls(preload)
        box.shelf = shelf
        return box

    def run(self, *arguments: Any, **more: Any) -> Answer:
        """As any other."""
        self.busy = True
        try:
            return super().run(*arguments, **more)
        finally:
            self.busy = False

    def interrupt(self) -> None:
        """Kill it where it is at something."""
        if self.busy:
            super().interrupt()

    def close(self) -> None:
        """Put it on its shelf."""
        self.shelf.append(self)


@pytest.fixture(autouse=True, scope="session")
def usual() -> Iterator[Callable[..., Sandbox]]:
    """What opens a sandbox otherwise: here the processes that read files end with the session."""
    usual = ingest.sandbox
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest, "sandbox", lambda *plugins: Kept.taken(ingest.at_hand(*plugins)))
        yield usual
    for box in [box for shelf in Kept.shelves.values() for box in shelf]:
        Sandbox.close(box)


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
            for shapes in job.shape_batches():
                job.casting.make(shapes)
            return job.finish()

    return run


@pytest.fixture
def painter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, customer: Customer) -> Callable[..., Customer]:
    """A customer whose variants are made by a stage that wants a GPU; its settings may be given."""
    module = f"painting_{tmp_path.name}"  # each test has one of its own, and so a log of its own
    (tmp_path / f"{module}.py").write_text(STAGE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PARTSIGHT_STAGES", f"paint={module}:Paint")

    def made(**settings: Any) -> Customer:
        recipe = customer.recipe.model_copy(
            update={"stages": ("paint",), "settings": {"paint": settings}, "variants": 1}
        )
        return customer.model_copy(update={"recipe": recipe})

    return made
