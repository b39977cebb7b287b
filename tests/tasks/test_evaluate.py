"""What an evaluation says is what searches would do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from blocks.catalogue import Catalogue
from blocks.customer import Embed
from tasks.codec import encode_photograph
from tasks.embed import Embedder, embedder
from tasks.evaluate import Evaluation, measure
from tasks.queries import Query
from tasks.records import Bytes, generator
from tasks.search import nearest

PARTS = ("A-1", "A-2", "B-1", "B-2", "C-1", "D-9")
RETIRED = "D-9"
VIEWS = 3


def drawing(part: str, view: int, ground: int = 230, ink: int = 60) -> Bytes:
    """A plain picture of `part` from one of its sides, (96, 96, 3)."""
    corners = generator("drawing", part, view).uniform(0.15, 0.85, (6, 2)) * 96
    picture = Image.new("RGB", (96, 96), (ground,) * 3)
    ImageDraw.Draw(picture).polygon([tuple(corner) for corner in corners.tolist()], fill=(ink,) * 3)
    return np.asarray(picture)


def lit(part: str, view: int) -> Bytes:
    """The same side in other light."""
    return drawing(part, view, ground=215, ink=75)


def query(part: str, view: int = 0, **changes: Any) -> Query:
    """A picture of the part in other light."""
    data = encode_photograph(lit(part, view))
    made = Query(id=f"{part} {view}", part=part, difficulty="clean", renderer="studio", picture=data)
    return made.replace(**changes)


@pytest.fixture(scope="module")
def model() -> Embedder:
    """The model that ships."""
    return embedder(Embed())


def filled(uri: Path, model: Embedder, rows: list[tuple[str, str, Bytes]], shapes: dict[str, str]) -> Catalogue:
    """A catalogue with these pictures: part, kind, pixels."""
    catalogue = Catalogue(uri=str(uri))
    catalogue.upsert(
        "parts",
        [
            {"part": part, "geometry": shapes.get(part, part), "status": "retired" if part == RETIRED else "active"}
            for part in PARTS
        ],
    )
    vectors = model.images([pixels for _, _, pixels in rows])
    catalogue.upsert(
        model.table,
        [
            {"id": f"{part}/{kind}/{place}", "part": part, "kind": kind, "vector": vector}
            for place, ((part, kind, _), vector) in enumerate(zip(rows, vectors, strict=True))
        ],
        dimension=model.dimension,
    )
    return catalogue


def views() -> list[tuple[str, str, Bytes]]:
    """Three views of each part."""
    return [(part, "view", drawing(part, view)) for part in PARTS for view in range(VIEWS)]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory, model: Embedder) -> Catalogue:
    """Six parts with their views, one of them retired."""
    return filled(tmp_path_factory.mktemp("evaluate"), model, views(), {})


def active() -> list[Query]:
    """A query about each view of each active part."""
    return [query(part, view) for part in PARTS if part != RETIRED for view in range(VIEWS)]


def asked(catalogue: Catalogue, model: Embedder, queries: list[Query], **more: Any) -> Evaluation:
    """The evaluation of the model's table."""
    return measure(catalogue, model, queries, model.table, **more)


def test_it_finds_what_a_search_finds(catalogue: Catalogue, model: Embedder) -> None:
    """Each query's parts, scores and pictures are those that the search itself gives, in its order."""
    found = asked(catalogue, model, [*active(), query("A-1", 7), query("C-1", 8)])
    assert found.queries == 17
    shown = {part for part in PARTS if part != RETIRED}
    for outcome in found.worst:
        part, view = outcome.query.split()
        looks = model.looks([query(part, int(view)).pixels])[0]
        whole, cut = (nearest(catalogue.table(model.table), look, 10, shown) for look in looks)
        likeness = {name: max(whole[name], cut[name], key=lambda one: one.cosine) for name in shown}
        ranked = sorted(likeness, key=lambda name: (-likeness[name].cosine, name))
        assert [one.part for one in outcome.found] == ranked
        assert [one.image for one in outcome.found] == [likeness[name].image for name in ranked]
        scores = [max(likeness[name].cosine, 0) for name in ranked]
        assert [one.score for one in outcome.found] == pytest.approx(scores, abs=1e-5)
        assert outcome.rank == ranked.index(part) + 1
        assert outcome.own == outcome.found[outcome.rank - 1]
        wrong = max(score for score, name in zip(scores, ranked, strict=True) if name != part)
        assert outcome.margin == pytest.approx(max(likeness[part].cosine, 0) - wrong, abs=1e-5)
    ranks = [outcome.rank for outcome in found.worst]
    assert found.recall["1"].value == pytest.approx(np.mean([rank == 1 for rank in ranks]))
    assert found.map.value == pytest.approx(np.mean([1 / rank for rank in ranks if rank]))


def test_the_worst_come_first(catalogue: Catalogue, model: Embedder) -> None:
    """By the place of the right part, then by how narrowly it was found."""
    found = asked(catalogue, model, [*active(), query("A-1", 7), query("C-1", 8), query("B-2", 9)])
    ranks = [outcome.rank or 0 for outcome in found.worst]
    assert ranks == sorted(ranks, reverse=True)
    margins = [outcome.margin for outcome in found.worst if outcome.rank == 1]
    assert margins == sorted(margins)
    assert all(margin > 0 for margin in margins)


def test_a_retired_part_is_neither_found_nor_missed(catalogue: Catalogue, model: Embedder) -> None:
    """Its vectors may still lie in the table; nobody who asks for another part gets it."""
    found = asked(catalogue, model, active())
    assert found.parts == len(PARTS) - 1
    assert RETIRED not in {one.part for outcome in found.worst for one in outcome.found}
    gone = asked(catalogue, model, [query(RETIRED)])
    assert (gone.worst[0].rank, gone.recall["10"].value, gone.map.value) == (None, 0, 0)


def test_only_some_parts_may_be_compared(catalogue: Catalogue, model: Embedder) -> None:
    """With `among` the others are as if they were not there."""
    found = asked(catalogue, model, [query("A-1")], among={"A-1", "B-1"})
    assert found.parts == 2
    assert {one.part for one in found.worst[0].found} == {"A-1", "B-1"}


def test_identical_parts_stand_for_one_another(tmp_path: Path, model: Embedder) -> None:
    """Two numbers of one geometry: finding either is right, and with one left out so is the other."""
    rows = [(part, kind, drawing("A-1" if part == "A-2" else part, 0)) for part, kind, _ in views()]
    twins = filled(tmp_path / "twins", model, rows, {"A-1": "same", "A-2": "same"})
    found = asked(twins, model, [query("A-2")])
    assert [one.part for one in found.worst[0].found][:2] == ["A-1", "A-2"]
    assert found.recall["1"].value == 1
    strangers = filled(tmp_path / "strangers", model, rows, {})
    apart = asked(strangers, model, [query("A-2")])
    assert apart.recall["1"].value == 0
    assert apart.scores["others"][0] == apart.scores["own"][0]  # another part of the same looks takes its place
    assert found.scores["others"][0] < found.scores["own"][0] - 0.01


def test_variants_that_harm_are_found_out(tmp_path: Path, model: Embedder) -> None:
    """Variants that look like another part: recall is lower with them than without, and it is said so."""
    names = [part for part in PARTS if part != RETIRED]
    wrong = [(names[k - 1], "variant", lit(part, v)) for k, part in enumerate(names) for v in range(3)]
    found = asked(filled(tmp_path / "db", model, [*views(), *wrong], {}), model, active())
    assert found.by_source["views"].recall["1"].value == 1
    assert found.by_source["views+variants"].recall["1"].value < 0.7
    assert found.by_source["all"] == found.by_source["views+variants"]
    assert found.variants.value == pytest.approx(found.by_source["views+variants"].recall["1"].value - 1)
    assert found.variants.high < 0
    good = [(part, "variant", lit(part, v)) for part in names for v in range(3)]
    better = asked(filled(tmp_path / "good", model, [*views(), *good], {}), model, active())
    assert better.by_source["views+variants"].recall["1"].value == 1
    assert better.variants.value == 0


def test_variants_are_left_out_where_they_cost_recall(tmp_path: Path, model: Embedder) -> None:
    """Decided by the measurement, unless somebody has decided; all figures are about what is searched then."""
    names = [part for part in PARTS if part != RETIRED]
    wrong = [(names[k - 1], "variant", lit(part, v)) for k, part in enumerate(names) for v in range(3)]
    harmed = filled(tmp_path / "db", model, [*views(), *wrong], {})
    without = asked(harmed, model, active(), variants="auto")
    assert without.searched == ("view", "photo")
    assert without.recall["1"].value == without.by_difficulty["clean"].recall["1"].value == 1
    assert without.scores == asked(filled(tmp_path / "views", model, views(), {}), model, active()).scores
    assert asked(harmed, model, active(), variants="never").recall == without.recall
    whatever = asked(harmed, model, active(), variants="always")
    assert whatever.searched == ("view", "variant", "photo")
    assert whatever.recall == whatever.by_source["all"].recall
    good = [(part, "variant", lit(part, v)) for part in names for v in range(3)]
    helped = asked(filled(tmp_path / "good", model, [*views(), *good], {}), model, active(), variants="auto")
    assert "variant" in helped.searched


def test_photographs_count_as_a_source_of_their_own(tmp_path: Path, model: Embedder) -> None:
    """A part that is known from a photograph alone is found in all pictures, and not in views."""
    rows = [row for row in views() if row[0] != "C-1"] + [("C-1", "photo", lit("C-1", 0))]
    found = asked(filled(tmp_path / "db", model, rows, {}), model, [query("C-1")])
    recalls = {source: figures.recall["10"].value for source, figures in found.by_source.items()}
    assert recalls == {"views": 0, "views+variants": 0, "all": 1}


def test_figures_are_told_apart_by_difficulty_and_renderer(catalogue: Catalogue, model: Embedder) -> None:
    """Each query counts under its own labels, in the order in which people read them."""
    queries = [
        query("A-1", difficulty="occluded"),
        query("A-2", 9, difficulty="clean", renderer="photoreal"),
        query("B-1", difficulty="cluttered"),
    ]
    found = asked(catalogue, model, queries)
    assert list(found.by_difficulty) == ["clean", "cluttered", "occluded"]
    assert list(found.by_renderer) == ["studio", "photoreal"]
    assert {name: figures.queries for name, figures in found.by_renderer.items()} == {"studio": 2, "photoreal": 1}
    assert found.by_difficulty["cluttered"].recall["1"].value == 1


def test_parts_that_are_taken_for_one_another_are_a_group(tmp_path: Path, model: Embedder) -> None:
    """Two parts whose pictures were exchanged: each is found for the other; the rest look like nothing else."""
    swap = {"A-1": "A-2", "A-2": "A-1"}
    rows = [(swap.get(part, part), "view", drawing(part, 0, ground)) for part in PARTS for ground in (230, 220)]
    found = asked(filled(tmp_path / "db", model, rows, {}), model, [query(part) for part in ("A-1", "A-2", "B-1")])
    (group,) = found.groups
    assert (group.parts, group.queries, group.confused) == (("A-1", "A-2"), 2, 2)
    alike = [("B-2", "view", drawing("B-1", 0, ground)) for ground in (230, 220)]
    rows = [row for row in rows if row[0] != "B-2"] + alike
    found = asked(filled(tmp_path / "alike", model, rows, {}), model, [query("C-1")])
    assert [(group.parts, group.queries, group.confused) for group in found.groups] == [(("B-1", "B-2"), 0, 0)]


def test_a_picture_that_cannot_be_opened_is_named_and_left_out(
    catalogue: Catalogue, model: Embedder, tmp_path: Path
) -> None:
    """The others are measured; and where there is no other, that is an error in words."""
    broken = query("A-1", picture=b"", file=str(tmp_path / "gone.jpg"))
    found = asked(catalogue, model, [broken, query("B-1")])
    assert found.queries == 1
    assert "gone.jpg" in found.notes[0]
    with pytest.raises(ValueError, match=r"no picture to measure with.*gone\.jpg"):
        asked(catalogue, model, [broken])
    with pytest.raises(ValueError, match="no picture to measure with"):
        asked(catalogue, model, [])


def test_the_summary_is_json_with_the_keys_of_the_contract(catalogue: Catalogue, model: Embedder) -> None:
    """What scripts read: shares with their intervals, at four places."""
    told = json.loads(json.dumps(asked(catalogue, model, active()).summary))
    assert {"queries", "recall", "map", "by_difficulty", "by_source", "groups", "threshold"} <= set(told)
    assert set(told["recall"]) == {"1", "5", "10"}
    assert set(told["recall"]["1"]) == {"value", "low", "high"} == set(told["map"])
    assert set(told["threshold"]) == {"value", "false_accept", "false_reject"}
    assert told["queries"] == len(active())
    assert told["recall"]["1"]["low"] == round(told["recall"]["1"]["low"], 4)


def test_every_query_is_told_of_once(catalogue: Catalogue, model: Embedder) -> None:
    """Whoever watches sees the count reach the number of queries."""
    seen: list[int] = []
    asked(catalogue, model, active() * 5, done=seen.append)
    assert sum(seen) == 5 * len(active())
    assert len(seen) > 1
