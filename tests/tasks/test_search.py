"""Pictures, words and both find the right part, in one honest order."""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from blocks.catalogue import Catalogue
from blocks.customer import Embed, Render
from tasks.embed import Embedder, embedder, network
from tasks.generate import specimen
from tasks.records import Bytes, View, over
from tasks.render import Studio
from tasks.search import MEANT, Hit, nearest, search

if TYPE_CHECKING:
    from pathlib import Path

PARTS = {
    "A-1": "hex bolt M6x20",
    "A-2": "hex bolt M6x30",
    "B-1": "bracket 40 aluminium",
    "B-2": "bracket 60 aluminium",
    "C-1": "flange DN 25 steel",
    "D-9": "flange DN 32 steel",
}
SHAPES = {
    "A-1": "hex bolt",
    "A-2": "lever arm",
    "B-1": "angle bracket",
    "B-2": "P-clamp",
    "C-1": "clevis",
    "D-9": "hinge",
    "P-1": "spur gear",
    "Z-1": "compression spring",
}
RETIRED = "D-9"
VIEWS = 4


@lru_cache
def views(part: str) -> tuple[View, ...]:
    """What the studio sees of `part` from four sides."""
    made, render = specimen(SHAPES[part], 0, 0), Render(views=VIEWS, size=96)
    return tuple(view for _, view in Studio(96).views(made.vertices, made.faces, made.part, render, "s"))


def shown(part: str, view: int, *, ground: int = 200, light: float = 1.0) -> Bytes:
    """A picture of `part` from one of four sides, on a plain ground, (96, 96, 3)."""
    seen = views(part)[view]
    picture = over(seen, np.full(seen.image.shape, ground, np.uint8))
    return np.clip(picture * light, 0, 255).astype(np.uint8)


def query(part: str, view: int) -> Bytes:
    """What a customer would photograph: the same side in other light."""
    return shown(part, view, light=0.85)


def filled(uri: Path, model: Embedder, parts: dict[str, str] = PARTS) -> Catalogue:
    """A catalogue of `parts`, each with four views, the last of which is a variant."""
    catalogue = Catalogue(uri=str(uri))
    kinds = ["view"] * (VIEWS - 1) + ["variant"]
    pictures = [(part, view) for part in parts for view in range(VIEWS)]
    vectors = model.images([shown(part, view) for part, view in pictures])
    empty: dict[str, Any] = dict.fromkeys(("material", "run"), "")
    catalogue.upsert(
        "parts",
        [
            {
                "part": part,
                "name": name,
                "words": f"{part} {name}",
                "status": "retired" if part == RETIRED else "active",
            }
            for part, name in parts.items()
        ],
    )
    catalogue.upsert(
        "images",
        [{"id": f"{part}/{view}", "part": part, "kind": kinds[view], "accepted": True} for part, view in pictures],
    )
    catalogue.upsert(
        model.table,
        [
            {"id": f"{part}/{view}", "part": part, "kind": kinds[view], "vector": vector, **empty}
            for (part, view), vector in zip(pictures, vectors, strict=True)
        ],
        dimension=model.dimension,
    )
    run = {"run": "1", "started": "1", "finished": "2", "status": "completed", "live": model.table}
    catalogue.upsert("runs", [run])
    return catalogue


@pytest.fixture(scope="module")
def model() -> Embedder:
    """The model that ships."""
    return embedder(Embed())


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory, model: Embedder) -> Catalogue:
    """Six parts, one of them retired."""
    return filled(tmp_path_factory.mktemp("catalogue"), model)


def found(catalogue: Catalogue, model: Embedder, pictures: list[Bytes], text: str, top: int) -> list[Hit]:
    """The parts that a search finds."""
    return list(search(catalogue, model, pictures, text, top).hits)


def check(hits: list[Hit]) -> None:
    """What holds for every answer: ranks without gaps, scores that fall and are shares, no part twice."""
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert all(one.score >= other.score for one, other in itertools.pairwise(hits))
    assert all(0 <= hit.score <= 1 for hit in hits)
    assert len({hit.part for hit in hits}) == len(hits)
    assert RETIRED not in {hit.part for hit in hits}


@pytest.mark.parametrize("part", [part for part in PARTS if part != RETIRED])
def test_a_picture_finds_its_part(catalogue: Catalogue, model: Embedder, part: str) -> None:
    """In other light, the part comes first, with the picture that is most alike and its kind."""
    for view, kind in ((1, "view"), (VIEWS - 1, "variant")):
        hits = found(catalogue, model, [query(part, view)], "", 3)
        check(hits)
        assert (hits[0].part, hits[0].name) == (part, PARTS[part])
        assert (hits[0].image, hits[0].source) == (f"{part}/{view}", kind)


def test_the_same_picture_scores_one(catalogue: Catalogue, model: Embedder) -> None:
    """A score of 1 means the same picture."""
    assert found(catalogue, model, [shown("B-1", 0)], "", 1)[0].score == pytest.approx(1, abs=1e-4)


def test_every_active_part_can_be_listed_and_no_retired_one(catalogue: Catalogue, model: Embedder) -> None:
    """Asking for more than there is gives what there is; retired parts never appear."""
    for pictures, text in (([query("D-9", 0)], ""), ([query("D-9", 0)], "flange DN 32"), ([], "flange DN 32 D-9")):
        hits = found(catalogue, model, pictures, text, 50)
        check(hits)
        assert len(hits) == len(PARTS) - 1 or not pictures


def test_several_pictures_are_one_question(catalogue: Catalogue, model: Embedder) -> None:
    """Pictures of one object are fused: the mean of what each says decides, and a good one gives the picture shown."""
    pictures = [query("B-2", 0), query("B-2", 1), query("A-1", 1)]
    hits = found(catalogue, model, pictures, "", 5)
    check(hits)
    assert hits[0].part == "B-2"
    assert hits[0].image in ("B-2/0", "B-2/1")
    alone = [{hit.part: hit.score for hit in found(catalogue, model, [picture], "", 5)} for picture in pictures]
    means = {part: np.mean([scores[part] for scores in alone]) for part in alone[0]}
    assert {hit.part: hit.score for hit in hits} == pytest.approx(means, abs=1e-5)


def test_words_alone_find_a_part(catalogue: Catalogue, model: Embedder) -> None:
    """The words decide, and a view of the part is shown."""
    hits = found(catalogue, model, [], "m6 x 30 bolts", 3)
    check(hits)
    assert (hits[0].part, hits[0].source, hits[0].image) == ("A-2", "words", "A-2/0")


def test_words_that_nobody_said_find_little(catalogue: Catalogue, model: Embedder) -> None:
    """Where no word fits, only looks speak, and never as loudly as words would."""
    assert all(hit.score <= MEANT for hit in found(catalogue, model, [], "quark", 5))


def test_a_model_that_learned_no_words_has_no_opinion_about_them(tmp_path: Path) -> None:
    """With random weights and nothing said, nothing is found."""
    model = embedder(Embed(weights="random"))
    assert found(filled(tmp_path, model), model, [], "quark", 5) == []


def test_words_decide_between_parts_that_look_alike(catalogue: Catalogue, model: Embedder) -> None:
    """With a picture that fits two parts, the one that the words mean comes first."""
    both = np.concatenate([query("B-1", 0)[:, :48], query("B-2", 0)[:, 48:]], axis=1)
    for part, words in (("B-1", "bracket 40"), ("B-2", "bracket 60")):
        hits = found(catalogue, model, [both], words, 5)
        check(hits)
        assert hits[0].part == part


def test_wrong_words_do_not_exclude_the_right_part(catalogue: Catalogue, model: Embedder) -> None:
    """Words are never a filter: what they miss stays in the list, found by its picture."""
    hits = found(catalogue, model, [query("C-1", 2)], "bracket", 5)
    check(hits)
    assert next(hit for hit in hits if hit.part == "C-1").source == "view"
    assert found(catalogue, model, [query("C-1", 2)], "quark", 5)[0].part == "C-1"


def test_an_index_of_the_words_changes_nothing(tmp_path: Path, model: Embedder) -> None:
    """Large catalogues narrow by LanceDB's full-text index; the ranking is the same."""
    from lancedb.index import FTS

    own = filled(tmp_path, model)
    asked = ("m6 x 30 bolts", "bracket 60", "B-1", "flange")
    before = [found(own, model, [], text, 1)[0].part for text in asked]
    own.table("parts").create_index("words", config=FTS(base_tokenizer="ngram", ngram_min_length=2, stem=False))
    assert [found(own, model, [], text, 1)[0].part for text in asked] == before


def test_many_pictures_of_one_part_do_not_hide_the_others(tmp_path: Path, model: Embedder) -> None:
    """A part with hundreds of similar pictures takes one place in the list."""
    own = filled(tmp_path, model)
    vector = model.images([shown("A-1", 0)])[0]
    crowd = [{"id": f"crowd/{k}", "part": "A-1", "kind": "photo", "material": "", "vector": vector} for k in range(300)]
    own.upsert(model.table, crowd, dimension=model.dimension)
    best = nearest(own.table(model.table), vector, 3, PARTS)
    assert len(best) >= 3
    check(found(own, model, [query("A-1", 0)], "", 5))


def test_a_part_known_from_one_photograph_is_found(tmp_path: Path, model: Embedder) -> None:
    """One picture is enough, and it is said that it was a photograph."""
    own = filled(tmp_path, model)
    own.upsert("parts", [{"part": "P-1", "name": "lamp", "words": "P-1 lamp", "status": "active"}])
    vector = model.images([shown("P-1", 0)])[0]
    row = {"id": "P-1/0", "part": "P-1", "kind": "photo", "material": "", "vector": vector}
    own.upsert(model.table, [row], dimension=model.dimension)
    own.upsert("images", [{"id": "P-1/0", "part": "P-1", "kind": "photo", "accepted": True}])
    hit = found(own, model, [query("P-1", 0)], "", 1)[0]
    assert (hit.part, hit.source, hit.image) == ("P-1", "photo", "P-1/0")
    assert found(own, model, [], "lamp", 1)[0].image == "P-1/0"


def test_a_trained_model_understands_words_by_pictures_too(tmp_path: Path, model: Embedder) -> None:
    """Where the model has learned words, a text that no part says still ranks them by their pictures."""
    from safetensors.torch import save_file

    save_file(
        {key: value.clone() for key, value in network(model.weights).state_dict().items()}, tmp_path / "m.safetensors"
    )
    trained = embedder(Embed(weights=str(tmp_path / "m.safetensors")))
    own = filled(tmp_path / "db", trained)
    check(found(own, trained, [], "quark", 5))
    assert found(own, trained, [], "bracket 60", 1)[0].part == "B-2"


def calibrated(uri: Path, model: Embedder, threshold: float) -> Catalogue:
    """The catalogue of six parts, live with a threshold."""
    own = filled(uri, model)
    run = {"run": "2", "started": "2", "finished": "3", "status": "completed", "live": model.table}
    own.upsert("runs", [{**run, "threshold": threshold}])
    return own


def test_below_the_threshold_it_is_not_in_the_catalogue(tmp_path: Path, model: Embedder) -> None:
    """What looks less alike than a part of the catalogue does is listed all the same, and marked."""
    own = calibrated(tmp_path, model, 0.999)
    stranger, known = search(own, model, [query("Z-1", 0)], "", 5), search(own, model, [shown("A-1", 0)], "", 5)
    assert (stranger.in_catalogue, known.in_catalogue) == (False, True)
    assert [hit.below for hit in stranger.hits] == [True] * 5
    assert [hit.below for hit in known.hits] == [False] + [True] * 4
    assert stranger.likeness == pytest.approx(stranger.hits[0].score)


def test_only_pictures_say_that_something_is_not_there(tmp_path: Path, model: Embedder) -> None:
    """Words alone know no threshold; words beside a picture change the order, but not what the picture shows."""
    own = calibrated(tmp_path, model, 0.999)
    assert search(own, model, [], "bolt", 5).in_catalogue is None
    assert not any(hit.below for hit in search(own, model, [], "bolt", 5).hits)
    both = search(own, model, [shown("A-1", 0)], "bracket 40", 5)
    assert both.in_catalogue is True
    assert {hit.part for hit in both.hits if not hit.below} == {"A-1"}
    assert search(own, model, [query("Z-1", 0)], "bracket 40 aluminium", 5).in_catalogue is False


def test_several_pictures_are_judged_together(tmp_path: Path, model: Embedder) -> None:
    """The mean likeness of the part that fits them all decides, not the best single picture."""
    pictures = [shown("B-2", 0), query("A-1", 1)]
    known = filled(tmp_path / "a", model)
    likeness, best = (search(known, model, shown, "", 5).likeness or 0.0 for shown in (pictures, pictures[:1]))
    assert 0 < likeness < best
    for threshold, there in ((likeness - 0.01, True), ((likeness + best) / 2, False)):
        own = calibrated(tmp_path / str(there), model, threshold)
        assert search(own, model, pictures, "", 5).in_catalogue is there
        assert search(own, model, pictures[:1], "", 5).in_catalogue is True


def test_only_the_kinds_that_are_live_are_compared(tmp_path: Path, model: Embedder) -> None:
    """A picture of a kind that is left out finds nothing, in pictures and in words; the part's others still do."""
    own = filled(tmp_path, model)
    stranger = {"id": "x", "part": "C-1", "kind": "variant", "vector": model.images([shown("A-1", 0)])[0]}
    own.upsert(model.table, [stranger], dimension=model.dimension)
    assert {hit.part for hit in search(own, model, [shown("A-1", 0)], "", 2).hits} == {"A-1", "C-1"}
    run = {"run": "2", "started": "2", "finished": "3", "status": "completed", "live": model.table}
    own.upsert("runs", [{**run, "kinds": '["view", "photo"]'}])
    hits = search(own, model, [shown("A-1", 0)], "", 6).hits
    assert hits[0].part == "A-1"
    assert {hit.source for hit in hits} <= {"view", "photo"}
    assert {hit.part for hit in hits} >= {"A-1", "C-1"}


def test_where_nothing_was_calibrated_nobody_knows(catalogue: Catalogue, model: Embedder) -> None:
    """A catalogue that was never measured has no threshold, and nothing is marked."""
    found_all = search(catalogue, model, [query("Z-1", 0)], "", 5)
    assert (found_all.threshold, found_all.in_catalogue) == (None, None)
    assert not any(hit.below for hit in found_all.hits)


def test_searching_writes_nothing(tmp_path: Path, model: Embedder) -> None:
    """Every table has the same version afterwards."""
    own = filled(tmp_path, model)
    before = {name: own.table(name).version for name in own.tables()}
    found(own, model, [query("A-1", 0)], "bolt", 3)
    assert {name: own.table(name).version for name in own.tables()} == before


def test_an_empty_question_and_an_empty_catalogue_are_sentences(tmp_path: Path, model: Embedder) -> None:
    """What to do is said, and words in an empty catalogue find nothing."""
    empty = Catalogue(uri=str(tmp_path))
    with pytest.raises(ValueError, match="give a picture, words, or both"):
        found(empty, model, [], "  ", 5)
    with pytest.raises(ValueError, match="no pictures to compare with yet"):
        found(empty, model, [query("A-1", 0)], "", 5)
    assert found(empty, model, [], "bolt", 5) == []


def test_vectors_of_another_model_are_refused(tmp_path: Path, model: Embedder) -> None:
    """A picture is never compared with vectors of another model."""
    own = filled(tmp_path, model)
    run = {"run": "2", "started": "3", "finished": "4", "status": "completed", "live": "vectors__other"}
    own.upsert("runs", [run])
    with pytest.raises(ValueError, match=r"not embedded with partsight-small: onboard the customer again"):
        found(own, model, [query("A-1", 0)], "", 5)
