"""The command line says what is not in the catalogue, and why a run did not go live."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lancedb.expr import col, lit

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Embed, Recipe
from infra.cli.who import remember
from infra.settings import Settings
from tasks.release import RefusedError
from tasks.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable


def refusal(_: None) -> None:
    """End like a run that does not go live."""
    tally = Tally("gamma", "1")
    figures = {"recall": {"1": 0.4, "5": 0.6, "10": 0.7}, "threshold": 0.5}
    tally.decide({"released": False, **figures, "compared": {"queries": 10, "before": 0.5, "after": 0.4}}, ())
    raise RefusedError("This run does not go live.", tally.summary())


def test_a_picture_of_no_part_is_said_to_be_none(
    home: Path, partsight: Any, picture: Callable[[int], bytes], tmp_path: Path
) -> None:
    """Below the threshold that is live, the answer says so; what is most alike is listed, and marked, all the same."""
    (tmp_path / "known.jpg").write_bytes(picture(2))
    (tmp_path / "stranger.jpg").write_bytes(picture(77))
    _, out, _ = partsight("search", "acme", "--image", tmp_path / "stranger.jpg", "--json")
    threshold = (json.loads(out)["results"][0]["score"] + 1) / 2
    there = Catalogue(uri=str(Settings(home=home).catalogue("acme")))
    row = {"run": "r2", "finished": "2027", "status": "completed", "live": there.live()}
    there.upsert("runs", [{**row, "threshold": threshold}])
    known, stranger = (
        json.loads(partsight("search", "acme", "--image", tmp_path / f"{name}.jpg", "--json")[1])
        for name in ("known", "stranger")
    )
    assert (known["in_catalogue"], known["threshold"], known["results"][0]["below"]) == (True, threshold, False)
    assert (stranger["in_catalogue"], len(stranger["results"])) == (False, 4)
    assert all(hit["below"] for hit in stranger["results"])
    _, out, _ = partsight("search", "acme", "--image", tmp_path / "stranger.jpg")
    first, *table = out.splitlines()
    assert re.fullmatch(r"Not in the catalogue: by its picture the best match scores \d\.\d\d, below \d\.\d\d\.", first)
    assert len(table) == 6
    assert "Not in" not in partsight("search", "acme", "--image", tmp_path / "known.jpg")[1]
    assert "Not in" not in partsight("search", "acme", "--text", "B-1")[1]
    there.delete("runs", col("run") == lit("r2"))


def test_search_goes_on_with_the_model_that_is_live(
    partsight: Any,
    picture: Callable[[int], bytes],
    tmp_path: Path,
    onboarded: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A customer's file that asks for another model, whose run was refused, does not stop the searches."""
    machine = onboarded(tmp_path, "beta", ["B-1", "B-2"])
    there = Catalogue(uri=str(machine.catalogue("beta")))
    row = {"run": "r2", "finished": "2027", "status": "completed", "live": there.live()}
    there.upsert("runs", [{**row, "embed": Embed().model_dump_json()}])
    remember(Customer(slug="beta", recipe=Recipe(embed=Embed(weights="gone.safetensors"))), machine)
    (tmp_path / "query.jpg").write_bytes(picture(1))
    monkeypatch.setenv("PARTSIGHT_HOME", str(tmp_path))
    _, out, _ = partsight("search", "beta", "--image", tmp_path / "query.jpg", "--json")
    assert json.loads(out)["results"][0]["part"] == "B-2"


def test_even_if_worse_is_for_one_run(tmp_path: Path, partsight: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With it any drop is allowed, without it the customer's tolerance holds; what is remembered is the customer's."""
    asked: list[Customer] = []
    monkeypatch.setattr("flows.inline.run_onboard", lambda who, *_, **__: refusal(asked.append(who)))
    for words in (("--even-if-worse",), ()):
        code, out, err = partsight("onboard", "gamma", "--source", tmp_path, *words, "--json")
        assert (code, json.loads(out)["released"]) == (1, False)
        assert "does not go live" in err
    assert [who.release.tolerance for who in asked] == [1.0, 0.05]
    _, out, _ = partsight("onboard", "gamma", "--source", tmp_path)
    assert (
        "recall    @1 40.0 %, @5 60.0 %, @10 70.0 %; of parts that were live @1 50.0 % before, 40.0 % now; "
        "in the catalogue from 0.50; not released\n" in out
    )
