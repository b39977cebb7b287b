"""What a person decides about a picture stands above the gate, at once and in every run to come."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from blocks.catalogue import Catalogue
from blocks.customer import Embed
from tasks import codec, publish
from tasks.embed import Embedder, embedder
from tasks.records import generator
from tasks.reviews import REJECTED, Reviews, decide
from tasks.tally import Tally


@pytest.fixture(scope="module")
def model() -> Embedder:
    """The model that ships."""
    return embedder(Embed())


@pytest.fixture
def catalogue(tmp_path: Path, model: Embedder) -> Catalogue:
    """A part with a view, a variant that was accepted and one that was rejected; all of it live."""
    made = Catalogue(uri=str(tmp_path / "db"))
    made.upsert("parts", [{"part": "A", "status": "active", "material": "steel"}])
    pictures = {name: generator(name).integers(0, 256, (64, 64, 3), dtype=np.uint8) for name in ("v", "good", "bad")}
    rows = [
        {"id": name, "part": "A", "kind": "view" if name == "v" else "variant", "accepted": name != "bad"}
        | {"reason": "It lost a hole." if name == "bad" else "", "image": codec.encode_photograph(picture)}
        for name, picture in pictures.items()
    ]
    made.upsert("images", rows)
    publish.embed_again(made, [row for row in rows if row["accepted"]], model)
    tally = Tally("acme", "r1")
    publish.go_live(made, tally, started="2026-01-01", table=model.table, embed=Embed())
    return made


def state(catalogue: Catalogue, model: Embedder) -> tuple[dict[str, tuple[bool, str]], set[str]]:
    """Verdict and reason of each picture, and which have a vector, as searches read them."""
    there = catalogue.served()
    images = {row["id"]: (row["accepted"], row["reason"]) for row in there.rows("images", ("id", "accepted", "reason"))}
    return images, {row["id"] for row in there.rows(model.table, ("id",))}


def test_a_rejected_picture_leaves_search_at_once(catalogue: Catalogue, model: Embedder) -> None:
    """Its vector goes, its row says why; nothing else changes."""
    assert decide(catalogue, model, ["good"], accepted=False) == (True, 1)
    images, vectors = state(catalogue, model)
    assert images == {"v": (True, ""), "good": (False, REJECTED), "bad": (False, "It lost a hole.")}
    assert vectors == {"v"}
    assert decide(catalogue, model, ["good"], accepted=False) == (True, 0)


def test_an_accepted_picture_comes_into_search_at_once(catalogue: Catalogue, model: Embedder) -> None:
    """With the vector that it would have had, and the material to filter by."""
    decide(catalogue, model, ["bad"], accepted=True)
    images, vectors = state(catalogue, model)
    assert images["bad"] == (True, "")
    assert vectors == {"v", "good", "bad"}
    rows = {row["id"]: row for row in catalogue.rows(model.table, ("id", "vector", "material", "kind"))}
    (row,) = [row for row in catalogue.rows("images", ("id", "image")) if row["id"] == "bad"]
    assert rows["bad"]["vector"] == pytest.approx(model.images([codec.decode(row["image"])])[0], abs=1e-5)
    assert (rows["bad"]["material"], rows["bad"]["kind"]) == ("steel", "variant")


def test_a_decision_holds_for_the_picture_made_anew(catalogue: Catalogue, model: Embedder) -> None:
    """Whatever the gate says of it then; of other pictures nothing is known."""
    decide(catalogue, model, ["bad"], accepted=True)
    decide(catalogue, model, ["good"], accepted=False)
    reviews = Reviews(catalogue)
    judged = {"accepted": False, "reason": "It lost a hole."}
    assert reviews.over({"id": "bad", **judged}) == {"id": "bad", "accepted": True, "reason": ""}
    assert reviews.over({"id": "good", "accepted": True, "reason": ""})["reason"] == REJECTED
    assert reviews.over({"id": "other", **judged}) == {"id": "other", **judged}


def test_what_an_unfinished_run_left_is_not_brought_live(catalogue: Catalogue, model: Embedder) -> None:
    """A decision in between waits for the next run that goes live."""
    catalogue.upsert("images", [{"id": "new", "part": "A", "kind": "view", "accepted": True}])
    assert decide(catalogue, model, ["good"], accepted=False) == (False, 1)
    images, vectors = state(catalogue, model)
    assert "new" not in images
    assert vectors == {"v", "good"}
    assert not Reviews(catalogue).over({"id": "good", "accepted": True, "reason": ""})["accepted"]


def test_only_variants_that_are_there_are_reviewed(catalogue: Catalogue, model: Embedder) -> None:
    """A picture that nobody knows, and a view, are sentences; nothing is decided then."""
    with pytest.raises(ValueError, match="There is no picture nowhere"):
        decide(catalogue, model, ["good", "nowhere"], accepted=False)
    with pytest.raises(ValueError, match="v is a view, not a variant"):
        decide(catalogue, model, ["v"], accepted=False)
    assert catalogue.rows("reviews", ("id",)) == []
