"""Variants that want a GPU: every view gets them once, judged, whatever is stopped and whoever makes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Embed
from tasks import augmentation, codec
from tasks.augmentation import Augmentation
from tasks.embed import embedder
from tasks.gate.breaker import Breaker
from tasks.search import search

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], list[tuple[float, int]]]:
    """What the stage was asked for: strength, and how many pictures at once."""

    def read() -> list[tuple[float, int]]:
        log = tmp_path / f"painting_{tmp_path.name}.py.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [(float(line.split()[0]), int(line.split()[1])) for line in lines]

    return read


def pictures(catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """The rows of the pictures, by id."""
    columns = ("id", "part", "kind", "parent", "accepted", "reason", "prompt", "settings", "image", "run")
    return {row["id"]: row for row in catalogue.rows("images", columns)}


def variants(catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """Those that are variants."""
    return {name: row for name, row in pictures(catalogue).items() if row["kind"] == "variant"}


def vectors(catalogue: Catalogue) -> set[str]:
    """Ids of the pictures that searches compare with."""
    served = catalogue.served()
    return {row["id"] for row in served.rows(served.vectors, ("id",))}


def test_every_view_gets_its_variants_in_large_batches(
    onboard: Run, painter: Callable[..., Customer], catalogue: Catalogue, calls: Callable[[], list[Any]]
) -> None:
    """One of each of twelve views, in one call; with prompt and lineage, embedded, live; a rerun does nothing."""
    summary = onboard(painter())
    rows = variants(catalogue)
    assert len(rows) == 3 * 4
    assert [row["reason"] for row in rows.values() if not row["accepted"]] == []
    assert summary["images"] == {"views": 12, "variants": 12, "rejected": 0}
    assert calls() == [(0.02, 12)]
    assert {name for name, row in pictures(catalogue).items() if row["accepted"]} == vectors(catalogue)
    block = next(row for row in rows.values() if row["part"] == "block")
    assert block["prompt"] == "a photograph of Spacer"
    stages = json.loads(block["settings"])
    assert [link["stage"] for link in stages] == ["paint", "paint"]
    assert stages[1]["told"]["strength"] == 0.02
    again = onboard(painter())
    assert again["images"] == {"views": 0, "variants": 0, "rejected": 0}
    assert len(calls()) == 1


def test_a_rejected_picture_is_tried_again_more_gently(
    onboard: Run, painter: Callable[..., Customer], catalogue: Catalogue, calls: Callable[[], list[Any]]
) -> None:
    """Only those that were rejected, with less strength; what passes then is like any other."""
    onboard(painter(spoils="block"))
    assert calls() == [(0.02, 12), (0.01, 4)]
    rows = variants(catalogue)
    assert all(row["accepted"] for row in rows.values())
    told = {row["part"]: json.loads(row["settings"])[1]["told"]["strength"] for row in rows.values()}
    assert told == {"block": 0.01, "washer-3": 0.02, "washer-5": 0.02}


def test_what_never_passes_stays_out_with_its_reason(
    onboard: Run, painter: Callable[..., Customer], catalogue: Catalogue
) -> None:
    """The render alone stands for it; the other parts are not held up."""
    onboard(painter(spoils="block", strength=0.9))
    rows = [row for row in variants(catalogue).values() if row["part"] == "block"]
    assert [row["accepted"] for row in rows] == [False] * 4
    assert all(row["reason"] for row in rows)
    there = vectors(catalogue)
    assert not {row["id"] for row in rows} & there
    assert len([row for row in pictures(catalogue).values() if row["part"] == "block" and row["id"] in there]) == 4


def test_a_stage_that_is_rejected_too_often_is_stopped_and_the_check_is_named(
    onboard: Run, painter: Callable[..., Customer], catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a commit that the gate rejected whole no more pictures are made, and the summary says why."""
    monkeypatch.setattr(augmentation, "SMALLEST", 4)
    monkeypatch.setattr("tasks.jury.Breaker", lambda: Breaker(run_least=4))
    summary = onboard(painter(spoils="e", strength=0.9))  # there is one in "washer-3", and none in "block"
    made = variants(catalogue)
    assert [row["accepted"] for row in made.values() if row["part"] == "block"] == [True] * 4
    assert len([row for row in made.values() if row["part"] != "block"]) == 4 + 4
    (note,) = [note for note in summary["notes"] if note.startswith("No more pictures are made in this run")]
    assert "'exposure'" in note


def test_a_run_that_was_stopped_goes_on_with_what_is_missing(
    onboard: Run,
    painter: Callable[..., Customer],
    catalogue: Catalogue,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After one batch of four the others are made, and the pictures are those of a run that was not stopped."""
    whole = Catalogue(uri=str(tmp_path / "whole"))
    onboard(painter(), into=whole)
    monkeypatch.setattr(augmentation, "SMALLEST", 4)
    made: list[int] = []
    make = Augmentation.make

    def stopped(self: Augmentation, names: Any) -> int:
        if made:
            raise KeyboardInterrupt
        made.append(len(names))
        return make(self, names)

    with monkeypatch.context() as patch:
        patch.setattr(Augmentation, "make", stopped)
        with pytest.raises(KeyboardInterrupt):
            onboard(painter())
    assert len(variants(catalogue)) == 4
    assert catalogue.live() == ""
    onboard(painter())
    one, other = variants(catalogue), variants(whole)
    assert {name: row["image"] for name, row in one.items()} == {name: row["image"] for name, row in other.items()}
    assert vectors(catalogue) == vectors(whole)


def test_a_commit_that_failed_is_made_again_as_if_nothing_had_been(
    onboard: Run, painter: Callable[..., Customer], catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second try is not taken for a repetition of the first."""
    onboard(painter().model_copy(update={"recipe": painter().recipe.model_copy(update={"variants": 0})}))
    work = Augmentation(painter(), catalogue, "r")
    (batch,) = work.batches()
    with monkeypatch.context() as patch:
        patch.setattr("tasks.publish.exchange", lambda *_, **__: (_ for _ in ()).throw(OSError("storage is away")))
        with pytest.raises(OSError, match="away"):
            work.make(batch)
    assert variants(catalogue) == {}
    assert work.make(batch) == 12
    assert [row["accepted"] for row in variants(catalogue).values()] == [True] * 12


def test_workers_that_share_the_work_do_all_of_it_once(
    onboard: Run, painter: Callable[..., Customer], catalogue: Catalogue
) -> None:
    """Each part is some share's, and no view is in two."""
    onboard(painter().model_copy(update={"recipe": painter().recipe.model_copy(update={"variants": 0})}))
    shares = [Augmentation(painter(), catalogue, "r", share, 3) for share in range(3)]
    lacking = [share.lacking() for share in shares]
    assert sorted(name for some in lacking for name in some) == sorted(pictures(catalogue))
    for share in shares:
        for batch in share.batches():
            share.make(batch)
    assert len(variants(catalogue)) == 12
    assert Augmentation(painter(), catalogue, "r").lacking() == ()


def test_another_recipe_takes_the_old_variants_away(
    onboard: Run, painter: Callable[..., Customer], catalogue: Catalogue, customer: Customer
) -> None:
    """Their rows and vectors go, the views stay as they are; without the stage nothing of it is left."""
    onboard(painter())
    views = {name for name, row in pictures(catalogue).items() if row["kind"] == "view"}
    before = set(variants(catalogue))
    onboard(painter(strength=0.01))
    after = variants(catalogue)
    assert len(after) == 12
    assert not before & set(after)
    assert {name for name, row in pictures(catalogue).items() if row["kind"] == "view"} == views
    assert vectors(catalogue) == views | set(after)
    plain = customer.recipe.model_copy(update={"variants": 0})
    onboard(customer.model_copy(update={"recipe": plain}))
    assert set(pictures(catalogue)) == views == vectors(catalogue)


def test_whether_variants_are_searched_can_be_said_at_any_time(
    onboard: Run, painter: Callable[..., Customer], catalogue: Catalogue
) -> None:
    """Another word in the customer's file makes nothing anew and takes effect with the next run."""
    who = painter()
    for wanted, there in (("auto", True), ("never", False), ("always", True)):
        who = who.model_copy(update={"release": who.release.model_copy(update={"variants": wanted})})
        summary = onboard(who)
        assert ("variant" in (catalogue.served().kinds or ())) is there
        assert summary["images"]["variants"] == (12 if wanted == "auto" else 0)
    live = catalogue.served().run
    onboard(who)
    assert catalogue.served().run == live


def test_a_photograph_is_a_beginning_as_well(
    onboard: Run,
    painter: Callable[..., Customer],
    catalogue: Catalogue,
    cad: Path,
    calls: Callable[[], list[Any]],
) -> None:
    """Each supplied photograph gets its variant, named as its child, views get none; another name makes none anew."""
    shades = np.random.default_rng(1).integers(40, 220, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(shades).resize((160, 120), Image.Resampling.BICUBIC).save(cad / "block.jpg")
    onboard(painter(begins="photo"))
    rows = pictures(catalogue)
    (photo,) = [name for name, row in rows.items() if row["kind"] == "photo"]
    (variant,) = variants(catalogue).values()
    assert (variant["part"], variant["parent"], variant["accepted"]) == ("block", photo, True)
    assert {photo, variant["id"]} <= vectors(catalogue)
    (cad / "parts.csv").write_text("number,name,material\nblock,Spacer block,POM\n")
    onboard(painter(begins="photo"))
    assert set(variants(catalogue)) == {variant["id"]}
    assert len(calls()) == 1


def test_a_part_that_is_only_written_of_is_painted_and_kept_out_of_search(
    onboard: Run, painter: Callable[..., Customer], catalogue: Catalogue, cad: Path
) -> None:
    """Its pictures are marked as what they are; searches compare with them only where the customer wants it."""
    with (cad / "parts.csv").open("a") as file:
        file.write("ghost,Phantom bracket,steel\n")
    who = painter(begins="part")
    onboard(who)
    (row,) = [row for row in pictures(catalogue).values() if row["kind"] == "text"]
    assert (row["part"], row["accepted"], row["prompt"]) == ("ghost", True, "a photograph of Phantom bracket")
    assert variants(catalogue) == {}
    model, picture = embedder(Embed()), codec.decode(row["image"])
    assert "ghost" not in {hit.part for hit in search(catalogue, model, [picture], "", 9).hits}
    wanted = who.release.model_copy(update={"texts": True})
    onboard(who.model_copy(update={"release": wanted}))
    assert search(catalogue, model, [picture], "", 9).hits[0].part == "ghost"
