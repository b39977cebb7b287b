"""What plug-ins may do in a run: nothing that the customer's file does not allow, and no harm to the others."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lancedb.expr import col, lit

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Embed
from tasks import codec
from tasks.embed import embedder
from tasks.gate import CheckError
from tasks.search import search
from tasks.stages import StageError

Run = Callable[..., dict[str, Any]]

STAGES = '''
import os, time
from typing import ClassVar
from pydantic import BaseModel


class Moody(BaseModel):
    """Ends the process, or hangs, for the parts of these names."""

    exits: str = ""
    hangs: str = ""

    def __call__(self, view):
        if view.part.number == self.exits:
            os._exit(1)
        if view.part.number == self.hangs:
            time.sleep(900)
        yield view


class Painter(Moody):
    """The same, where a GPU is."""

    needs_gpu: ClassVar[bool] = True


class Strict(BaseModel):
    """Lets nothing through."""

    def __call__(self, variant, view):
        return {}, "Strict says no."
'''


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Stages and a check of others; gives the name of their module."""
    module = f"plugged_{tmp_path.name}"
    (tmp_path / f"{module}.py").write_text(STAGES)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PARTSIGHT_STAGES", f"moody={module}:Moody,painter={module}:Painter")
    return module


def of(customer: Customer, *stages: str, plugins: tuple[str, ...] = ("*",), seconds: float = 900, **moody: str) -> Any:
    """The customer with these stages."""
    given = {name: moody for name in stages if name in {"moody", "painter"}}
    render = customer.recipe.render.model_copy(update={"views": 2})
    recipe = customer.recipe.model_copy(update={"render": render, "stages": stages, "settings": given})
    quotas = customer.quotas.model_copy(update={"part_seconds": seconds})
    return customer.model_copy(update={"recipe": recipe, "quotas": quotas, "plugins": plugins})


@pytest.mark.usefixtures("installed")
def test_a_part_whose_stage_crashes_or_hangs_is_lost_alone(
    onboard: Run, customer: Customer, catalogue: Catalogue
) -> None:
    """Its sentence says why and names the limit; the others go live, and the next run makes it up."""
    summary = onboard(of(customer, "moody", seconds=12, exits="washer-3", hangs="washer-5"))
    told = {entry["file"]: entry["reason"] for entry in summary["quarantine"]}
    assert "its process was ended" in told["washer-3.stl"]
    assert "took longer than 12 s (`quotas.part_seconds` in the customer's file)" in told["washer-5.stl"]
    assert "line 17, __call__" in told["washer-5.stl"]
    assert [row["part"] for row in catalogue.served().rows("parts", ("part",))] == ["block"]
    assert multiprocessing.active_children() == []
    mended = onboard(of(customer, "moody"))
    assert (mended["quarantine"], mended["parts"]["new"]) == ([], 2)


@pytest.mark.usefixtures("installed")
def test_a_batch_whose_stage_crashes_on_a_gpu_is_lost_alone(onboard: Run, customer: Customer) -> None:
    """The run says so in a note, goes live without those variants, and the next one makes them."""
    summary = onboard(of(customer, "painter", exits="block"))
    assert summary["images"] == {"views": 6, "variants": 0, "rejected": 0}
    (note,) = summary["notes"]
    assert note.startswith("A batch of 6 pictures was lost in the stages of others (painter): its process was ended")
    assert multiprocessing.active_children() == []
    assert onboard(of(customer, "painter", exits="none"))["images"]["variants"] == 6


@pytest.mark.usefixtures("installed")
def test_a_stage_that_is_not_allowed_stops_the_run_at_once(
    onboard: Run, customer: Customer, catalogue: Catalogue
) -> None:
    """The sentence says what to write where; by name or by package it is allowed."""
    with pytest.raises(StageError, match=r"'moody' \(PARTSIGHT_STAGES\) is installed, but .* may not use it: add"):
        onboard(of(customer, "moody", plugins=("rust",)))
    assert catalogue.tables() == []
    onboard(of(customer, "moody", plugins=("moody",)))
    assert onboard(of(customer, "moody", plugins=("partsight-stages",)))["parts"]["unchanged"] == 3


def test_a_check_that_is_not_allowed_does_not_judge(
    onboard: Run, customer: Customer, installed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the render workers nor in the name of what was made; set by name, it is refused."""
    monkeypatch.setenv("PARTSIGHT_CHECKS", f"strict={installed}:Strict")
    barred = of(customer, "background", plugins=())
    assert onboard(barred)["images"]["rejected"] < 6
    allowed = onboard(of(customer, "background"))
    assert allowed["images"]["rejected"] == 6
    recipe = barred.recipe.model_copy(update={"checks": {"strict": {}}})
    with pytest.raises(CheckError, match=r"The check 'strict' .* may not use it"):
        onboard(barred.model_copy(update={"recipe": recipe}))


def test_another_embedder_fills_a_table_of_its_own(onboard: Run, customer: Customer, catalogue: Catalogue) -> None:
    """Pictures stay, vectors are new, searches by picture and by words go on; the run remembers what embedded."""
    plain = of(customer, "background")
    onboard(plain)
    hog = Embed(model="hog", settings={"cells": 4})
    summary = onboard(plain.model_copy(update={"recipe": plain.recipe.model_copy(update={"embed": hog})}))
    assert summary["images"]["views"] == 0
    served = catalogue.served()
    assert served.embed == hog
    model = embedder(served.embed)
    assert served.vectors == model.table
    row = served.rows("images", ("id", "part", "image"), col("kind") == lit("view"))[0]
    found = search(catalogue, model, [codec.decode(row["image"])], "", 1)
    assert (found.hits[0].part, found.hits[0].image) == (row["part"], row["id"])
    assert search(catalogue, model, [], "Spacer POM", 3).hits[0].part == "block"
