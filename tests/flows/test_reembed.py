"""Another model for the same pictures: filled aside, measured, switched to; and what onboarding makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trimesh
import yaml
from lancedb.expr import col, lit

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Embed, Release
from blocks.tables import VECTORS
from infra import cli
from tasks import vectors
from tasks.embed import embedder
from tasks.publish import stay_live
from tasks.reembedding import opened
from tasks.vectors import Filling

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def partsight(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, dict[str, Any], str]]:
    """The command in this process, for the customer acme: exit code, what it printed as JSON, and what it said."""
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "acme").symlink_to(catalogue.uri)
    for name, value in (("HOME", tmp_path / "home"), ("CATALOGUES", tmp_path / "all"), ("WORKERS", "1")):
        monkeypatch.setenv(f"PARTSIGHT_{name}", str(value))

    def run(*tokens: object) -> tuple[int, dict[str, Any], str]:
        capfd.readouterr()
        code = cli.run([*map(str, tokens), "--json"])
        seen = capfd.readouterr()
        return code, json.loads(seen.out or "{}"), seen.err

    return run


def test_another_model_goes_live_when_it_finds_no_less(
    onboard: Run,
    catalogue: Catalogue,
    customer: Customer,
    cad: Path,
    tmp_path: Path,
    partsight: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Refused, wanted all the same, resumed after a stop; no picture is made again; the file's line is named."""
    for shape in (trimesh.creation.icosphere(3, 9), trimesh.creation.cylinder(2, 60)):
        shape.export(cad / f"part-{len(shape.faces)}.stl")
    who = customer.model_copy(update={"release": Release(queries=24)})
    onboard(who)
    old, run = catalogue.live(), catalogue.served().run
    pictures = catalogue.table("images").version
    file = tmp_path / "acme.yaml"
    file.write_text(yaml.safe_dump(who.model_dump(mode="json") | {"source": str(cad)}))

    monkeypatch.setattr(vectors, "SMALLEST", 16)
    with opened(who, catalogue, Embed(model="hog"), tmp_path / "home", 1) as stopped:
        first, *rest = stopped.filling.batches()
        stopped.filling.make(first)
        with pytest.raises(ValueError, match=rf"{sum(map(len, rest))} pictures have no vector"):
            stopped.finish()
    assert catalogue.served().vectors == old

    code, summary, said = partsight("reembed", file, "--model", "hog")
    assert (code, summary["released"], summary["vectors"]) == (1, False, sum(map(len, rest)))
    assert summary["compared"]["before"] > summary["compared"]["after"] + 0.05
    assert "partsight reembed acme --model hog --even-if-worse" in said
    assert (catalogue.served().vectors, catalogue.served().run) == (old, run)

    code, summary, said = partsight("reembed", file, "--model", "hog", "--even-if-worse")
    assert (code, said, summary["vectors"], summary["released"]) == (0, "", 0, True)
    back = "or the next onboarding goes back to the old model."
    assert summary["notes"][-2:] == [
        f"The customer's file names partsight-small: write model: hog below recipe.embed, {back}",
        f"That is {file}, line {1 + file.read_text().splitlines().index('    model: partsight-small')}.",
    ]
    served = catalogue.served()
    assert served.vectors == embedder(Embed(model="hog")).table
    assert (served.embed, catalogue.table("images").version) == (Embed(model="hog"), pictures)
    assert {name for name in catalogue.tables() if name.startswith(VECTORS)} == {served.vectors, old}
    assert partsight("reembed", file, "--model", "hog")[1]["notes"][0].endswith("is live already.")

    there = {name: catalogue.table(name).version for name in catalogue.tables()}
    new = who.model_copy(update={"recipe": who.recipe.model_copy(update={"embed": Embed(model="hog")})})
    assert onboard(new)["parts"]["unchanged"] == 5  # the file says it too: nothing is left to do
    assert {name: catalogue.table(name).version for name in catalogue.tables()} == there
    assert onboard(who)["compared"]["after"] > summary["compared"]["after"]  # the file still names the old model
    assert catalogue.live() == old


def test_what_a_stopped_run_left_does_not_go_live_with_it(
    onboard: Run, catalogue: Catalogue, customer: Customer, tmp_path: Path
) -> None:
    """The rows that were live stay live, with other vectors; the next onboarding goes on with the newer ones."""
    onboard()
    (row,) = catalogue.rows("parts", ("part", "name", "status", "material"), col("part") == lit("block"))
    catalogue.upsert("parts", [row | {"name": "half done"}])
    with opened(customer, catalogue, Embed(model="hog"), tmp_path / "home", 1) as work:
        for batch in work.filling.batches():
            work.filling.make(batch)
        work.finish()
    served = catalogue.served()
    assert served.embed == Embed(model="hog")
    names = {row["part"]: row["name"] for row in served.rows("parts", ("part", "name"))}
    assert names["block"] == "Spacer"
    assert Filling(work.customer, catalogue, live=True).lacking() == ()


def test_only_vectors_of_live_pictures_go_live_with_the_material_of_today(
    onboard: Run, catalogue: Catalogue, customer: Customer, tmp_path: Path
) -> None:
    """Of a picture that is not live, or was rejected since, there is none; one of another material is made anew."""
    onboard()
    hog = customer.model_copy(update={"recipe": customer.recipe.model_copy(update={"embed": Embed(model="hog")})})
    work = Filling(hog, catalogue, live=True)
    for batch in work.batches():
        work.make(batch)
    there = catalogue.rows(work.embedder.table, ("id", "part", "kind", "material", "vector"))
    dimension = work.embedder.dimension
    before = [row | {"material": "PA66"} for row in there if row["part"] == "block"]
    catalogue.upsert(work.embedder.table, [there[0] | {"id": "f" * 32}, *before], dimension=dimension)
    rejected = next(row["id"] for row in there if row["part"] == "washer-3")
    catalogue.table("images").update(where=col("id") == lit(rejected), values={"accepted": False})
    stay_live(catalogue)
    with opened(customer, catalogue, Embed(model="hog"), tmp_path / "home", 1) as switch:
        assert set(switch.filling.lacking()) == {row["id"] for row in before}
        with pytest.raises(ValueError, match=f"{len(before)} pictures have no vector"):
            switch.finish()
        for batch in switch.filling.batches():
            switch.filling.make(batch)
        switch.finish()
    served = catalogue.served()
    assert served.vectors == work.embedder.table
    rows = {row["id"]: row for row in served.rows(served.vectors, ("id", "part", "material"))}
    accepted = served.rows("images", ("id",), col("accepted") == lit(value=True))
    assert set(rows) == {row["id"] for row in accepted} == {row["id"] for row in there} - {rejected}
    assert {row["material"] for row in rows.values() if row["part"] == "block"} == {"POM"}
