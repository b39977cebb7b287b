"""Tuned weights are one customer's: whole or not at all, found by whoever has the tables, and by nobody else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from blocks.catalogue import Catalogue
from blocks.customer import NEVER, Customer, Embed, Recipe, Release
from tasks.embed import embedder, network
from tasks.publish import go_live, refuse
from tasks.tally import Tally
from tasks.tuning import shelf

HEAD = "visual.head.proj.weight"
PICTURE = np.kron(np.random.default_rng(1).integers(0, 256, (4, 4, 3), dtype=np.uint8), np.ones((24, 24, 1), np.uint8))


def learned(scale: float = 1.5) -> dict[str, torch.Tensor]:
    """What an embedder might have learned: another head."""
    return {HEAD: network(embedder(Embed()).weights).state_dict()[HEAD] * scale + 0.01}


def put(
    catalogue: Catalogue, slug: str = "acme", scale: float = 1.5, tensors: dict[str, torch.Tensor] | None = None
) -> str:
    """Put weights tuned from the model that ships into a customer's tables; returns their digest."""
    base = embedder(Embed())
    card = shelf.Card(
        digest="", customer=slug, base=base.name, base_digest=base.digest, course={"minutes": 1.0}, parts=3
    )
    return shelf.put(catalogue, card, shelf.packed(learned(scale) if tensors is None else tensors))


def live(catalogue: Catalogue, embed: Embed, *, released: bool = True) -> None:
    """A run that went live with a model, or was refused."""
    tally = Tally("acme", f"run-{len(catalogue.rows('runs', ('run',)))}")
    model = embedder(embed, ("*",), catalogue)
    catalogue.table(model.table, model.dimension)
    if released:
        go_live(catalogue, tally, started="2026-01-01", table=model.table, embed=embed)
    else:
        refuse(catalogue, tally, started="2026-01-01")


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """An empty database of acme's."""
    return Catalogue(uri=str(tmp_path / "acme"))


def test_tuned_weights_are_laid_over_the_models_own(catalogue: Catalogue) -> None:
    """Another model: its own name, table and vectors; the same from anybody who has the tables; half as large."""
    digest = put(catalogue)
    plain, tuned = embedder(Embed()), embedder(Embed(tuned=digest), ("*",), catalogue)
    assert (tuned.name, tuned.dimension, tuned.trained, tuned.words) == (
        "partsight-small tuned",
        plain.dimension,
        True,
        True,
    )
    assert tuned.table.startswith("vectors__partsight_small_tuned_")
    one, other = plain.images([PICTURE])[0], tuned.images([PICTURE])[0]
    assert np.linalg.norm(other) == pytest.approx(1, abs=1e-5)
    assert one @ other < 0.999
    assert tuned.texts(["bolt"]) == pytest.approx(plain.texts(["bolt"]), abs=1e-5)
    np.testing.assert_array_equal(tuned.loaded().state_dict()[HEAD], learned()[HEAD].half().float())
    assert put(catalogue) == digest
    assert len(shelf.cards(catalogue)) == 1


def test_its_names_are_known_without_the_tables_and_nothing_else_is(catalogue: Catalogue) -> None:
    """Who only asks for the name of its table needs no tensors."""
    digest = put(catalogue)
    nameless = embedder(Embed(tuned=digest))
    assert nameless.table == embedder(Embed(tuned=digest), ("*",), catalogue).table
    with pytest.raises(ValueError, match="can't be used without the tables of the customer"):
        nameless.images([PICTURE])


def test_another_customers_weights_are_refused(catalogue: Catalogue, tmp_path: Path) -> None:
    """A digest that was carried over finds nothing, in tables that have tuned weights and in those that have none."""
    digest = put(catalogue)
    other = Catalogue(uri=str(tmp_path / "globex"))
    for _ in range(2):
        with pytest.raises(ValueError, match=f"{digest[:8]} are not among this customer's"):
            embedder(Embed(tuned=digest), ("*",), other)
        assert put(other, "globex") != digest  # the same numbers of another customer have another name


def test_weights_that_do_not_fit_are_a_sentence(catalogue: Catalogue) -> None:
    """Another base, a strange name, another shape, no tensors, numbers that are none, a plug-in."""
    digest = put(catalogue)
    with pytest.raises(ValueError, match="were tuned from another partsight-small than the one that is here"):
        embedder(Embed(weights="random", tuned=digest), ("*",), catalogue)
    for tensors, said in (
        ({"visual.nose": torch.ones(2)}, "visual.nose is not in it"),
        ({HEAD: torch.ones(2)}, "has another shape"),
        ({}, "there are none"),
    ):
        model = embedder(Embed(tuned=put(catalogue, tensors=tensors)), ("*",), catalogue)
        with pytest.raises(ValueError, match=f"do not fit partsight-small: .*{said}"):
            model.images([PICTURE])
    with pytest.raises(ValueError, match="not finite"):
        shelf.packed({HEAD: torch.tensor([np.inf])})
    with pytest.raises(ValueError, match="plug-in, which cannot have tuned weights"):
        embedder(Embed(model="hog", tuned=digest), ("*",), catalogue)
    with pytest.raises(ValueError, match="tuned"):
        Embed(tuned="newest")


def test_damaged_weights_are_a_sentence(catalogue: Catalogue) -> None:
    """What has not the digest that it is asked for by is not used."""
    from lancedb.expr import col, lit

    digest = put(catalogue)
    catalogue.table("models").update(where=col("digest") == lit(digest), values={"tensors": b"nothing"})
    with pytest.raises(ValueError, match=f"{digest[:8]} are damaged"):
        shelf.tensors(catalogue, digest)


def test_out_of_a_bucket_they_are_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept below the home of the machine; a damaged file is fetched anew; without a row it is worth nothing."""
    from lancedb.expr import col, lit

    monkeypatch.setenv("PARTSIGHT_HOME", str(tmp_path / "home"))
    catalogue = Catalogue(uri=f"file://{tmp_path / 'bucket'}")
    digest = put(catalogue)
    np.testing.assert_array_equal(shelf.tensors(catalogue, digest)[HEAD], learned()[HEAD].half())
    file = tmp_path / "home" / "customers" / "acme" / "models" / f"{digest}.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    assert set(shelf.tensors(catalogue, digest)) == {HEAD}
    assert file.read_bytes() == whole
    catalogue.table("models").update(where=col("digest") == lit(digest), values={"tensors": b""})
    assert set(shelf.tensors(catalogue, digest)) == {HEAD}  # from the disk
    assert [one.name for one in file.parent.iterdir()] == [file.name]
    catalogue.delete("models", col("digest") == lit(digest))
    with pytest.raises(ValueError, match="not among this customer's"):
        shelf.tensors(catalogue, digest)


def test_what_is_live_says_what_the_file_means(catalogue: Catalogue) -> None:
    """The file names the model; the weights tuned from it that went live are meant, and only those."""
    plain = Embed()
    assert shelf.resolved(plain, catalogue) == plain
    digest = put(catalogue)
    tuned = Embed(tuned=digest)
    live(catalogue, plain)
    assert shelf.resolved(plain, catalogue) == plain  # they are there, and aside
    live(catalogue, tuned, released=False)
    assert shelf.resolved(plain, catalogue) == plain
    live(catalogue, tuned)
    assert shelf.resolved(plain, catalogue) == tuned
    assert shelf.cards(catalogue)[0].status == "live"
    for other in (Embed(weights="random"), Embed(model="hog"), Embed(tuned=NEVER), Embed(settings={"weights": "x"})):
        assert shelf.resolved(other, catalogue) == other
    who = Customer(slug="acme", recipe=Recipe(variants=0), release=Release(queries=0))
    assert shelf.tuned(who, catalogue).recipe == Recipe(variants=0, embed=tuned)
    never = who.model_copy(update={"recipe": Recipe(embed=Embed(tuned=NEVER))})
    assert shelf.tuned(never, catalogue) == never
    live(catalogue, Embed(model="hog"))
    assert shelf.resolved(plain, catalogue) == plain
    assert (shelf.cards(catalogue)[0].status, shelf.cards(catalogue)[0].reason) == (
        "aside",
        "A model that is not tuned took their place.",
    )


def test_weights_that_are_gone_leave_the_model(catalogue: Catalogue) -> None:
    """Live says that they are, and the table does not have them: onboarding goes on without."""
    digest = put(catalogue)
    live(catalogue, Embed(tuned=digest))
    catalogue.drop("models")
    assert shelf.resolved(Embed(), catalogue) == Embed()


def test_the_ones_before_are_kept_and_no_more(catalogue: Catalogue) -> None:
    """Those that are live, and the newest others."""
    names = [put(catalogue, scale=scale) for scale in (1.1, 1.2, 1.3, 1.4)]
    live(catalogue, Embed(tuned=names[1]))
    assert set(shelf.forget(catalogue, names[1])) == {names[0], names[2]}
    assert [card.digest for card in shelf.cards(catalogue)] == [names[3], names[1]]
    assert set(shelf.tensors(catalogue, names[1])) == {HEAD}
