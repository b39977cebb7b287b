"""Shape templates come with onboarding, once for each shape, and searches use what is live of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Release
from tasks.codec import decode
from tasks.embed import embedder
from tasks.records import Bytes
from tasks.search import Findings, search
from tasks.templates import work
from tasks.templates.plates import Blank, Cast, cast, edition, lost
from tasks.workshop import Workshop

VIEWS = 24

Onboard = Callable[..., dict[str, Any]]


@pytest.fixture
def customer(customer: Customer) -> Customer:
    """One whose parts get templates, if few."""
    return with_templates(customer, VIEWS)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates are made in this process: that of others is tested with the first of these tests."""

    class Bench(Workshop):
        def make(self, orders: Sequence[Any]) -> list[Any]:
            return [self._work(order) for order in orders]

    monkeypatch.setattr(work, "Workshop", Bench)


def with_templates(customer: Customer, views: int) -> Customer:
    """The customer, who wants so many templates of each part."""
    return customer.model_copy(update={"recipe": customer.recipe.model_copy(update={"templates": views})})


def rows(catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """The templates, by geometry."""
    columns = ("geometry", "version", "views", "plates", "stands", "run")
    return {row["geometry"]: row for row in catalogue.rows("templates", columns)}


def picture(catalogue: Catalogue, part: str) -> Bytes:
    """A picture of a part."""
    return next(decode(row["image"]) for row in catalogue.rows("images", ("part", "image")) if row["part"] == part)


def asked(catalogue: Catalogue, customer: Customer, part: str) -> Findings:
    """What a search with a picture of a part finds."""
    return search(catalogue, embedder(customer.recipe.embed), [picture(catalogue, part)], "", 3)


def test_every_shape_gets_templates_and_searches_say_how_the_part_lies(
    onboard: Onboard, catalogue: Catalogue, customer: Customer
) -> None:
    """Once: a second run makes none."""
    summary = onboard(customer)
    assert summary["templates"] == 3
    assert summary["seconds"]["templates"] > 0
    made = rows(catalogue)
    for row in made.values():
        assert row["version"] == edition()
        assert np.frombuffer(row["plates"], np.int8).reshape(VIEWS, -1).any(axis=1).all()
        assert len(row["stands"]) == VIEWS * 4 * 4
    found = asked(catalogue, customer, "block")
    assert found.hits[0].part == "block"
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
    for hit in found.hits:
        assert hit.shape is not None
        assert hit.pose is not None
        pose = np.array(hit.pose.camera)
        assert np.allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3))
        assert 20 < np.linalg.norm(pose[:3, 3]) < 500, "millimetres"
    assert onboard(customer)["templates"] == 0
    assert rows(catalogue) == made


@pytest.mark.usefixtures("at_once")
def test_who_was_stopped_goes_on_where_he_was(
    onboard: Onboard, catalogue: Catalogue, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is committed stays as it is, and what is live is not touched."""
    monkeypatch.setattr(work, "COMMIT", 1)
    real, made = work.Casting._make, list[Sequence[str]]()

    def stopped(self: work.Casting, names: Sequence[str]) -> int:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(names)
        return real(self, names)

    monkeypatch.setattr(work.Casting, "_make", stopped)
    with pytest.raises(KeyboardInterrupt):
        onboard(customer)
    monkeypatch.setattr(work.Casting, "_make", real)
    before = rows(catalogue)
    assert len(before) == 2
    assert not catalogue.live()
    assert onboard(customer)["templates"] == 1
    after = rows(catalogue)
    assert len(after) == 3
    assert {name: after[name] for name in before} == before


@pytest.mark.usefixtures("at_once")
def test_templates_of_a_shape_that_changed_go_and_other_pictures_stay(
    onboard: Onboard, catalogue: Catalogue, customer: Customer, cad: Path
) -> None:
    """The new shape gets its own; nothing else is made anew."""
    onboard(customer)
    before = rows(catalogue)
    trimesh.creation.box((30, 20, 14)).export(cad / "block.ply")
    summary = onboard(customer)
    assert (summary["templates"], summary["images"]["views"]) == (1, 4)
    after = rows(catalogue)
    assert (len(after), len(set(after) & set(before))) == (3, 2)


@pytest.mark.usefixtures("at_once")
def test_another_number_of_them_makes_no_picture_anew(
    onboard: Onboard, catalogue: Catalogue, customer: Customer
) -> None:
    """And none takes them all away: searches do without, as in a catalogue from before there were any."""
    onboard(with_templates(customer, 0))
    assert "templates" not in catalogue.tables()
    plain = asked(catalogue, customer, "block")
    assert [(hit.shape, hit.pose) for hit in plain.hits] == [(None, None)] * 3
    summary = onboard(with_templates(customer, 8))
    assert (summary["templates"], summary["images"]["views"], summary["vectors"]) == (3, 0, 0)
    assert {row["views"] for row in rows(catalogue).values()} == {8}
    assert all(hit.pose for hit in asked(catalogue, customer, "block").hits)
    onboard(with_templates(customer, 0))
    assert rows(catalogue) == {}
    assert asked(catalogue, customer, "block") == plain


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("final", [True, False])
def test_a_mesh_that_trips_is_a_note_and_its_part_is_found_all_the_same(
    onboard: Onboard, catalogue: Catalogue, customer: Customer, monkeypatch: pytest.MonkeyPatch, final: bool
) -> None:
    """It is not tried at each run; one whose process was ended, for want of memory perhaps, is."""
    tried: list[Blank] = []

    def tripping(blank: Blank) -> Cast:
        tried.append(blank)
        if len(tried) > 1:
            return cast(blank)
        return Cast(geometry=blank.geometry, failure="it has no extent.", final=True) if final else lost(blank, "lost.")

    monkeypatch.setattr(work, "cast", tripping)
    summary = onboard(customer)
    (note,) = [note for note in summary["notes"] if "no shape templates" in note]
    part = note.split()[0]
    assert summary["templates"] == 2
    found = {hit.part: hit for hit in asked(catalogue, customer, part).hits}
    assert len(found) == 3
    assert [name for name, hit in found.items() if hit.pose is None] == [part]
    assert onboard(customer)["templates"] == (0 if final else 1)
    assert len(tried) == (3 if final else 4)


@pytest.mark.usefixtures("at_once")
def test_a_search_calls_a_score_what_the_measurement_calls_one(
    onboard: Onboard, catalogue: Catalogue, customer: Customer
) -> None:
    """So the threshold that was calibrated with the one holds for the other."""
    from tasks.evaluate import measure
    from tasks.queries import Query

    onboard(customer.model_copy(update={"release": Release(queries=0)}))
    model = embedder(customer.recipe.embed)
    kept = {row["part"]: row["image"] for row in catalogue.rows("images", ("part", "image"))}
    queries = [
        Query(id=part, part=part, difficulty="clean", renderer="studio", picture=image) for part, image in kept.items()
    ]
    evaluation = measure(catalogue.served(), model, queries, model.table)
    for outcome in evaluation.worst:
        found = search(catalogue, model, [decode(kept[outcome.part])], "", 3)
        assert [hit.part for hit in found.hits] == [one.part for one in outcome.found]
        assert [hit.score for hit in found.hits] == pytest.approx([one.score for one in outcome.found], abs=1e-5)
    assert len(evaluation.worst) == 3


@pytest.mark.usefixtures("at_once")
def test_a_threshold_holds_for_the_scores_that_it_was_set_with(
    onboard: Onboard, catalogue: Catalogue, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of another edition no template is compared: nobody knows then what a score without shapes is worth."""
    from tasks.templates import shelf

    onboard(customer)
    live = catalogue.served().model_copy(update={"threshold": 0.5})
    model, shown = embedder(customer.recipe.embed), [picture(catalogue, "block")]
    assert search(live, model, shown, "", 3).threshold == 0.5
    monkeypatch.setattr(shelf, "edition", lambda: "another")
    found = search(live, model, shown, "", 3)
    assert (found.threshold, found.in_catalogue) == (None, None)
    assert all(hit.pose is None for hit in found.hits)
