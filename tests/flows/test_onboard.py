"""Onboarding: a folder becomes a catalogue, and a second run does only what changed; the last tests use Prefect."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from lancedb.expr import col, lit
from PIL import Image

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Embed
from blocks.tables import VECTORS
from tasks import codec
from tasks.embed import embedder
from tasks.search import search

Run = Callable[..., dict[str, Any]]
Ring = Callable[..., trimesh.Trimesh]


def ids(catalogue: Catalogue, part: str) -> set[str]:
    """Ids of the pictures of a part."""
    return {row["id"] for row in catalogue.rows("images", ("id",), col("part") == lit(part))}


def test_a_folder_becomes_a_catalogue(onboard: Run, catalogue: Catalogue) -> None:
    """Every part has its views and variants, each accepted picture one vector, and the numbers add up."""
    summary = onboard()
    assert summary["files"] == {"ok": 3, "quarantined": 0, "unchanged": 0}
    assert summary["parts"] == {"new": 3, "changed": 0, "unchanged": 0, "retired": 0}
    assert summary["images"]["views"] == 12
    assert summary["images"]["variants"] == 12
    assert summary["vectors"] == 24 - summary["images"]["rejected"]
    assert set(summary["seconds"]) == {
        "scan",
        "ingest",
        "render",
        "augment",
        "embed",
        "templates",
        "publish",
        "evaluate",
        "total",
    }
    assert Path(summary["report"]).is_file()
    rows = {row["part"]: row for row in catalogue.rows("parts", ("part", "name", "material", "size_mm"))}
    assert rows["washer-3"]["material"] == "brass"
    assert rows["block"]["name"] == "Spacer"
    assert rows["block"]["size_mm"] is None
    accepted = {row["id"] for row in catalogue.rows("images", ("id",), col("accepted") == lit(value=True))}
    assert {row["id"] for row in catalogue.rows(catalogue.live(), ("id",))} == accepted


def test_a_part_is_found_by_its_own_picture_and_by_words(
    onboard: Run, catalogue: Catalogue, customer: Customer
) -> None:
    """What was put in comes out: by each of its views at rank 1, and by its words."""
    onboard()
    engine = embedder(customer.recipe.embed)
    for row in catalogue.rows("images", ("part", "kind", "image")):
        if row["kind"] == "view":
            assert search(catalogue, engine, [codec.decode(row["image"])], "", 3).hits[0].part == row["part"]
    assert search(catalogue, engine, [], "brass washer", 3).hits[0].part == "washer-3"


def test_a_second_run_has_nothing_to_do(onboard: Run, catalogue: Catalogue) -> None:
    """Nothing is read, made or written again."""
    first = onboard()
    before = {name: catalogue.table(name).version for name in catalogue.tables()}
    again = onboard()
    assert again["files"] == {"ok": 0, "quarantined": 0, "unchanged": 3}
    assert again["parts"] == {"new": 0, "changed": 0, "unchanged": 3, "retired": 0}
    assert again["vectors"] == 0
    assert again["report"] == first["report"]
    assert {name: catalogue.table(name).version for name in catalogue.tables()} == before


def test_a_changed_file_changes_its_part_alone(onboard: Run, catalogue: Catalogue, cad: Path, washer: Ring) -> None:
    """New geometry brings new pictures and takes the old ones away; the others stay as they are."""
    onboard()
    old, others = ids(catalogue, "washer-5"), ids(catalogue, "washer-3") | ids(catalogue, "block")
    washer(6).export(cad / "washer-5.stl")
    summary = onboard()
    assert summary["files"] == {"ok": 1, "quarantined": 0, "unchanged": 2}
    assert summary["parts"] == {"new": 0, "changed": 1, "unchanged": 2, "retired": 0}
    assert summary["images"]["views"] == 4
    assert not ids(catalogue, "washer-5") & old
    assert others <= {row["id"] for row in catalogue.rows("images", ("id",))}
    assert not old & {row["id"] for row in catalogue.rows(catalogue.live(), ("id",))}
    assert len(catalogue.rows("shapes", ("geometry",))) == 3


def test_a_removed_file_retires_its_part_and_comes_back(
    onboard: Run, catalogue: Catalogue, cad: Path, customer: Customer
) -> None:
    """A retired part is out of search but kept; when its file returns, only its vectors are made again."""
    onboard()
    (cad / "block.ply").rename(cad.parent / "block.ply")
    summary = onboard()
    assert summary["parts"]["retired"] == 1
    assert ids(catalogue, "block")
    assert catalogue.rows(catalogue.live(), ("id",), col("part") == lit("block")) == []
    hits = search(catalogue, embedder(customer.recipe.embed), [], "Spacer POM", 5).hits
    assert "block" not in [hit.part for hit in hits]
    (cad.parent / "block.ply").rename(cad / "block.ply")
    back = onboard()
    assert back["parts"]["new"] == 1
    assert back["images"]["views"] == 0
    assert back["vectors"] > 0


def test_new_words_render_nothing_again(onboard: Run, catalogue: Catalogue, cad: Path, customer: Customer) -> None:
    """A new name is written; the pictures are the same. Another material looks different, so it is rendered."""
    onboard()
    table = cad / "parts.csv"
    table.write_text(table.read_text().replace("Spacer", "Distance piece"))
    summary = onboard()
    assert (summary["parts"]["changed"], summary["images"]["views"], summary["vectors"]) == (1, 0, 0)
    assert search(catalogue, embedder(customer.recipe.embed), [], "distance piece", 1).hits[0].part == "block"
    table.write_text(table.read_text().replace("brass", "black rubber"))
    assert onboard()["images"]["views"] == 4


def test_a_photograph_is_enough_to_be_found(onboard: Run, catalogue: Catalogue, cad: Path, customer: Customer) -> None:
    """A picture of a part without CAD makes it a part that is found by that picture."""
    noise = np.random.default_rng(1).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((480, 360)).save(cad / "GASKET-7_1.jpg")
    summary = onboard()
    assert summary["parts"]["new"] == 4
    with Image.open(cad / "GASKET-7_1.jpg") as picture:
        hit = search(catalogue, embedder(customer.recipe.embed), [np.asarray(picture)], "", 1).hits[0]
    assert (hit.part, hit.source) == ("GASKET-7", "photo")


def test_other_settings_keep_what_they_do_not_touch(onboard: Run, catalogue: Catalogue, customer: Customer) -> None:
    """Other stages leave the views as they are; another model leaves all pictures, and replaces the vectors."""
    onboard()
    views = {row["id"] for row in catalogue.rows("images", ("id",), col("kind") == lit("view"))}
    other = customer.model_copy(
        update={"recipe": customer.recipe.model_copy(update={"stages": ("background", "camera")})}
    )
    onboard(other)
    assert views == {row["id"] for row in catalogue.rows("images", ("id",), col("kind") == lit("view"))}
    live = catalogue.live()
    model = Embed(model="RN50", weights="random")
    tiny = other.model_copy(update={"recipe": other.recipe.model_copy(update={"embed": model})})
    summary = onboard(tiny)
    assert summary["images"]["views"] == summary["images"]["variants"] == 0
    assert catalogue.live() != live
    assert {name for name in catalogue.tables() if name.startswith(VECTORS)} == {catalogue.live(), live}


def test_bad_files_are_quarantined_and_named(onboard: Run, cad: Path) -> None:
    """The run goes on, the reason is a sentence with the file's name, and the next run says it again."""
    (cad / "half.step").write_text("ISO-10303-21;\nHEADER;\n")
    (cad / "nothing.stl").write_bytes(b"")
    summary = onboard()
    assert {entry["file"] for entry in summary["quarantine"]} == {"half.step", "nothing.stl"}
    assert all(entry["file"] in entry["reason"] and entry["reason"].endswith(".") for entry in summary["quarantine"])
    assert summary["parts"]["new"] == 3
    assert onboard()["files"] == {"ok": 0, "quarantined": 2, "unchanged": 3}


def test_nothing_usable_is_an_error_in_words(onboard: Run, cad: Path) -> None:
    """A folder without CAD, and one whose files are all broken, end with a sentence."""
    for path in cad.iterdir():
        path.unlink()
    (cad / "readme.txt").write_text("hello")
    with pytest.raises(ValueError, match="holds no CAD file"):
        onboard()
    (cad / "broken.stl").write_bytes(b"solid nothing")
    with pytest.raises(ValueError, match=r"None of the 1 files gave a part\. .*broken\.stl"):
        onboard()


def test_a_limit_reads_some_and_takes_nothing_away(onboard: Run, catalogue: Catalogue, cad: Path, washer: Ring) -> None:
    """A first look at one file; the rest in another run; and a limit harms nothing that is there."""
    first = onboard(limit=1)
    assert first["parts"]["new"] == 1
    assert any("left for another run" in note for note in first["notes"])
    assert onboard()["parts"] == {"new": 2, "changed": 0, "unchanged": 1, "retired": 0}
    washer(6).export(cad / "washer-3.stl")
    washer(7).export(cad / "washer-5.stl")
    assert onboard(limit=1)["parts"] == {"new": 0, "changed": 1, "unchanged": 2, "retired": 0}
    assert onboard()["parts"] == {"new": 0, "changed": 1, "unchanged": 2, "retired": 0}
    assert {row["part"] for row in catalogue.rows(catalogue.live(), ("part",))} == {"block", "washer-3", "washer-5"}


def test_a_wrong_model_is_said_before_anything_is_read(onboard: Run, catalogue: Catalogue, customer: Customer) -> None:
    """Settings that cannot work end the run with a sentence, and no table is made."""
    for update, sentence in (
        ({"embed": Embed(weights="/nowhere/x.safetensors")}, "no weights at"),
        ({"stages": ("backgroud",)}, "background"),
    ):
        wrong = customer.model_copy(update={"recipe": customer.recipe.model_copy(update=update)})
        with pytest.raises(ValueError, match=sentence):
            onboard(wrong)
    assert catalogue.tables() == []


def test_a_quarantined_file_is_tried_again_when_limits_change(onboard: Run, customer: Customer) -> None:
    """What was too much under one quota may be fine under another."""
    tight = customer.model_copy(update={"quotas": customer.quotas.model_copy(update={"parse_seconds": 1e-4})})
    with pytest.raises(ValueError, match="None of the 3 files gave a part"):
        onboard(tight)
    assert onboard()["files"] == {"ok": 3, "quarantined": 0, "unchanged": 0}


def test_two_customers_share_no_id(onboard: Run, catalogue: Catalogue, tmp_path: Path, customer: Customer) -> None:
    """The same folder for another customer has other ids throughout."""
    other = Catalogue(uri=str(tmp_path / "other"))
    onboard()
    onboard(customer.model_copy(update={"slug": "other"}), into=other)
    for table, column in (("files", "id"), ("shapes", "geometry"), ("images", "id")):
        mine, theirs = ({row[column] for row in one.rows(table, (column,))} for one in (catalogue, other))
        assert mine
        assert not mine & theirs


def test_a_part_that_kills_the_renderer_costs_itself_alone(
    onboard: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, customer: Customer
) -> None:
    """A worker process that dies is replaced, the part is named, and the others are made."""
    (tmp_path / "deadly.py").write_text(
        "import os\n"
        "from pydantic import BaseModel\n"
        "class Deadly(BaseModel):\n"
        "    def __call__(self, view):\n"
        "        if view.part.number == 'block':\n"
        "            os._exit(11)\n"
        "        yield view\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PARTSIGHT_STAGES", "deadly=deadly:Deadly")
    recipe = customer.recipe.model_copy(update={"stages": ("deadly",)})
    summary = onboard(customer.model_copy(update={"recipe": recipe}))
    assert summary["images"]["views"] == 8
    (entry,) = summary["quarantine"]
    assert entry["file"] == "block.ply"
    assert "block cannot be rendered" in entry["reason"]


def command(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    """The command line as a person calls it."""
    environment = {**os.environ, "PARTSIGHT_HOME": str(home), "PREFECT_HOME": str(home / "prefect")}
    partsight = Path(sys.executable).with_name("partsight")
    return subprocess.run([partsight, *words], env=environment, capture_output=True, text=True, check=False)


def test_the_flow_runs_without_a_server_being_set_up(cad: Path, tmp_path: Path) -> None:
    """`partsight onboard` is a real Prefect flow; JSON alone is on stdout, and a second call has nothing to do."""
    shutil.copy(cad / "washer-3.stl", cad / "copy.stl")
    source = cad.parent / "recipe.yaml"
    source.write_text("slug: acme\nsource: cad\nrecipe: {render: {views: 2, size: 64}, stages: []}\n")
    first = command("onboard", str(source), "--json", home=tmp_path / "home")
    assert first.returncode == 0, first.stderr
    summary = json.loads(first.stdout)
    assert summary["parts"]["new"] == 3
    assert summary["images"] == {"views": 6, "variants": 0, "rejected": 0}
    assert first.stderr == ""
    again = json.loads(command("onboard", str(source), "--json", home=tmp_path / "home").stdout)
    assert again["parts"]["unchanged"] == 3


def test_what_cannot_pass_is_not_tried_again() -> None:
    """Storage and network may recover; a bad file or setting will not."""
    from prefect.states import Failed

    from flows.make import make_parts
    from flows.patience import can_pass

    def failed(error: Exception) -> bool:
        return can_pass(None, None, Failed(data=error))  # type: ignore[arg-type]

    assert failed(ConnectionResetError("storage"))
    assert failed(RuntimeError("lance error: commit conflict"))
    assert not failed(ValueError("bad setting"))
    assert make_parts.retries == 2
