"""The gate in a whole run: real CAD, real questions, and a model that sees nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trimesh
import yaml
from lancedb.expr import col, lit
from safetensors.torch import save_file

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Embed, Release
from blocks.tables import VECTORS
from tasks import codec
from tasks.embed import embedder, network
from tasks.release import RefusedError
from tasks.search import search

Run = Callable[..., dict[str, Any]]
Ring = Callable[..., trimesh.Trimesh]


def blind(folder: Path) -> Embed:
    """The model that ships, made blind: every picture has the same vector."""
    state = {key: value.clone() for key, value in network(embedder(Embed()).weights).state_dict().items()}
    eye = next(key for key, value in state.items() if key.startswith("visual.") and value.ndim == 4)
    state[eye].zero_()
    save_file(state, folder / "blind.safetensors")
    return Embed(weights=str(folder / "blind.safetensors"))


def answers(catalogue: Catalogue, queries: list[Any]) -> list[str]:
    """What searches answer, as JSON."""
    served = catalogue.served()
    assert served.embed is not None
    model = embedder(served.embed)
    found = [search(catalogue, model, [picture], "", 5) for picture in queries]
    return [one.model_dump_json() for one in (*found, search(catalogue, model, [], "Spacer", 5))]


def written(who: Customer, source: Path, folder: Path) -> Path:
    """The customer's file; the command line finds their catalogue where the tests have it."""
    home = folder / "home" / "customers" / who.slug
    home.mkdir(parents=True, exist_ok=True)
    (home / "catalogue").symlink_to(folder / "db")
    path = folder / f"{who.slug}.yaml"
    path.write_text(yaml.safe_dump(who.model_dump(mode="json") | {"source": str(source)}))
    return path


def command(*words: str, home: Path) -> tuple[int, dict[str, Any], str]:
    """The command line as a person calls it: exit code, what it printed as JSON, and what it said."""
    environment = {**os.environ, "PARTSIGHT_HOME": str(home), "PREFECT_HOME": str(home / "prefect")}
    partsight = [str(Path(sys.executable).with_name("partsight")), *words, "--json"]
    done = subprocess.run(partsight, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def refused(onboard: Run, who: Customer) -> dict[str, Any]:
    """The summary of a run that does not go live."""
    with pytest.raises(RefusedError, match=r"does not go live: of \d+ pictures .* --even-if-worse") as error:
        onboard(who)
    return error.value.summary


def test_a_worse_model_is_refused_until_it_is_wanted(
    onboard: Run, catalogue: Catalogue, customer: Customer, cad: Path, tmp_path: Path, washer: Ring
) -> None:
    """The old catalogue answers on to the last byte, a rerun makes nothing and says it again, and a word lets it pass.

    What is set right in between goes live, with nothing of the refused run in its way.
    """
    for shape in (trimesh.creation.icosphere(3, 9), trimesh.creation.cylinder(2, 60)):
        shape.export(cad / f"part-{len(shape.faces)}.stl")
    who = customer.model_copy(update={"release": Release(queries=24, variants="always")})
    first = onboard(who)
    assert (first["released"], first["compared"], set(first["recall"])) == (True, None, {"1", "5", "10"})
    asked = [codec.decode(row["image"]) for row in catalogue.rows("queries", ("id", "image"))]
    assert len(asked) == 24
    before = answers(catalogue, asked)
    rested = onboard(who)
    assert {name: rested[name] for name in ("released", "recall", "threshold", "report")} == {
        name: first[name] for name in ("released", "recall", "threshold", "report")
    }

    worse = who.model_copy(update={"recipe": who.recipe.model_copy(update={"embed": blind(tmp_path)})})
    summary = refused(onboard, worse)
    assert not summary["released"]
    assert summary["compared"]["before"] > summary["compared"]["after"] + 0.05
    assert Path(summary["report"]).is_file()
    assert answers(catalogue, asked) == before
    (row,) = catalogue.rows("runs", ("status", "live", "summary"), col("run") == lit(summary["run"]))
    assert (row["status"], row["live"], json.loads(row["summary"])["released"]) == ("refused", "", False)

    pictures = catalogue.rows("queries", ("id", "run"))
    code, again, said = command("onboard", str(written(worse, cad, tmp_path)), home=tmp_path / "home")
    assert code == 1
    assert "does not go live" in said
    assert not again["released"]
    assert (again["images"], again["vectors"]) == ({"views": 0, "variants": 0, "rejected": 0}, 0)
    assert again["compared"] == summary["compared"]
    assert catalogue.rows("queries", ("id", "run")) == pictures
    assert answers(catalogue, asked) == before

    washer(7, 20).export(cad / "washer-7.stl")
    right = onboard(who)
    assert (right["released"], right["images"]["views"]) == (True, 4)
    assert right["compared"]["before"] == right["compared"]["after"]
    assert len({row["part"] for row in catalogue.served().rows(catalogue.live(), ("part",))}) == 6

    wanted = onboard(worse.model_copy(update={"release": Release(queries=24, tolerance=1, variants="always")}))
    assert wanted["released"]
    assert wanted["compared"]["after"] < wanted["compared"]["before"]
    assert catalogue.served().embed == worse.recipe.embed
    assert len([name for name in catalogue.tables() if name.startswith(VECTORS)]) == 2  # the one before, for a while
    assert onboard(worse)["parts"]["unchanged"] == 6  # it is live now, and nothing is left to do
