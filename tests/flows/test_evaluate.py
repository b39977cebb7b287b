"""An evaluation makes what is missing, measures what searches read, and changes nothing that they read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trimesh
from PIL import Image

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Embed, Recipe, Release, Render
from blocks.source import Source
from tasks import codec, queries
from tasks.inquiry import opened
from tasks.job import opened as opened_job
from tasks.records import Part

Run = Callable[..., dict[str, Any]]
ROOT = Path(__file__).resolve().parents[2]
RECIPE = Recipe(render=Render(views=4, size=64), stages=("background",), templates=0)
CUSTOMER = Customer(slug="acme", recipe=RECIPE, release=Release(queries=0))
ASKING = CUSTOMER.model_copy(update={"release": Release(queries=6)})
KEYS = {"queries", "recall", "map", "by_difficulty", "by_source", "groups", "threshold"}


@pytest.fixture(scope="module")
def onboarded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of three parts; recall was not measured when it went live."""
    folder = tmp_path_factory.mktemp("onboarded")
    (folder / "cad").mkdir()
    for inner in (3, 5):
        trimesh.creation.annulus(inner, 10, 2).export(folder / "cad" / f"washer-{inner}.stl")
    trimesh.creation.box((30, 20, 10)).export(folder / "cad" / "block.ply")
    catalogue = Catalogue(uri=str(folder / "db"))
    with opened_job(CUSTOMER, catalogue, Source(location=str(folder / "cad")), None, folder / "home", 1) as job:
        for files in job.file_batches():
            job.read(files)
        job.find_parts()
        for parts in job.part_batches():
            job.make(parts)
        job.finish()
    return folder / "db"


@pytest.fixture
def catalogue(onboarded: Path, tmp_path: Path) -> Catalogue:
    """That database, to do with as one likes."""
    shutil.copytree(onboarded, tmp_path / "db")
    return Catalogue(uri=str(tmp_path / "db"))


@pytest.fixture(autouse=True)
def studio_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The path tracer, where it is installed, is slow and has tests of its own."""
    monkeypatch.setattr(queries, "_renderers", lambda: ("studio",))


@pytest.fixture
def evaluate(catalogue: Catalogue, tmp_path: Path) -> Run:
    """Run the steps of the flow; returns the summary with the number of pictures that were made."""

    def run(photos: Path | None = None, customer: Customer = ASKING) -> dict[str, Any]:
        with opened(customer, catalogue, str(photos or ""), tmp_path / "home", 1) as inquiry:
            made = sum(inquiry.make(batch) for batch in inquiry.batches())
            return inquiry.finish() | {"made": made}

    return run


def test_a_catalogue_is_measured_and_stays_as_it_is(evaluate: Run, catalogue: Catalogue) -> None:
    """Pictures are made once; the figures come out the same again; only the table of questions is written to."""
    tables = [name for name in catalogue.tables() if name != "queries"]
    before = {name: catalogue.table(name).version for name in tables}
    first = evaluate()
    assert set(first) >= KEYS
    assert (first["made"], first["queries"], first["parts"]) == (6, 6, 3)
    assert {name: figures["queries"] for name, figures in first["by_difficulty"].items()} == dict.fromkeys(
        ("clean", "cluttered", "occluded"), 2
    )
    assert list(first["by_source"]) == ["views", "views+variants", "all"]
    assert any("photoreal" in note for note in first["notes"])
    page = Path(first["report"])
    assert page.parent.name == "reports"
    assert "evaluation report" in page.read_text(encoding="utf-8")
    assert json.loads(json.dumps(first)) == first
    again = evaluate()
    assert again["made"] == 0
    assert {key: again[key] for key in KEYS} == {key: first[key] for key in KEYS}
    other = CUSTOMER.recipe.model_copy(update={"embed": Embed(model="RN50", weights="random")})
    assert evaluate(customer=ASKING.model_copy(update={"recipe": other}))["model"] == first["model"]  # what is live
    assert {name: catalogue.table(name).version for name in tables} == before


def test_photographs_take_the_place_of_rendered_questions(evaluate: Run, catalogue: Catalogue, tmp_path: Path) -> None:
    """A part's own views are found at the first place; nothing is rendered, and what fits no part is named."""
    for row in catalogue.rows("images", ("id", "part", "kind", "image")):
        if row["kind"] == "view":
            folder = tmp_path / "photos" / ("BLOCK" if row["part"] == "block" else row["part"])
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(codec.decode(row["image"])).save(folder / f"{row['id']}.png")
    (tmp_path / "photos" / "nonsense").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "photos" / "nonsense" / "1.png")
    found = evaluate(tmp_path / "photos")
    assert (found["made"], found["queries"]) == (0, 12)
    assert found["recall"]["1"]["value"] == 1
    assert list(found["by_difficulty"]) == list(found["by_renderer"]) == ["photo"]
    assert any("nonsense" in note for note in found["notes"])
    assert "queries" not in catalogue.tables()


def test_what_cannot_be_measured_is_said_in_words(
    evaluate: Run, catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing to ask, photographs of nothing, no renderer, nothing live: each is a sentence that says what to do."""
    with pytest.raises(ValueError, match="--photos FOLDER"):
        evaluate(customer=CUSTOMER)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no photograph"):
        evaluate(tmp_path / "empty")
    lost = queries.Prints(part=Part(number="block"), failure="block is not asked for: no OpenGL here.")
    monkeypatch.setattr(queries, "make", lambda *_: [lost])
    with pytest.raises(ValueError, match="block is not asked for: no OpenGL here"):
        evaluate()
    catalogue.drop("runs")
    with pytest.raises(ValueError, match="onboard the customer first"):
        evaluate()


@pytest.mark.slow
def test_the_flow_is_one_of_prefects(catalogue: Catalogue, tmp_path: Path) -> None:
    """Started by Prefect it does the same; its form has a sentence for each parameter."""
    (tmp_path / "run.py").write_text(
        "import json, sys\n"
        "from blocks.collection import CatalogueBlock, CustomerBlock\n"
        "from blocks.customer import Customer\n"
        "from flows.evaluate import evaluate\n"
        "if __name__ == '__main__':\n"
        "    fields = evaluate.parameters.properties\n"
        "    assert all(field['description'] for field in fields.values()), fields\n"
        "    who = Customer.model_validate_json(sys.argv[1])\n"
        "    print(json.dumps(evaluate(CustomerBlock(settings=who, catalogue=CatalogueBlock(uri=sys.argv[2])))))\n"
    )
    few = CUSTOMER.model_copy(update={"release": Release(queries=3)})
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_LOGGING_LEVEL": "CRITICAL"}
    environment["PARTSIGHT_HOME"] = str(tmp_path / "home")
    command = [sys.executable, tmp_path / "run.py", few.model_dump_json(), catalogue.uri]
    run = subprocess.run(
        command, env=environment | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["queries"] == 3
