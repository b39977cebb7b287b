"""What finds clearly less than what is live does not go live, and what is live answers on as if nothing had been."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lancedb.expr import col
from PIL import Image, ImageDraw
from safetensors.torch import save_file

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Embed, Release
from tasks import publish
from tasks.embed import Embedder, embedder, network
from tasks.progress import Silent
from tasks.queries import Query
from tasks.records import Bytes, generator
from tasks.release import Verdict, judge
from tasks.search import search
from tasks.tally import Tally

CUSTOMER = Customer(slug="acme")
PARTS = ("A-1", "A-2", "B-1", "B-2", "C-1", "D-9")
VIEWS = 2


def drawing(shape: str, view: int, *, ground: int = 230, ink: int = 60) -> Bytes:
    """A plain picture of `shape` from one of two sides, (96, 96, 3)."""
    corners = generator("drawing", shape, view).uniform(0.15, 0.85, (6, 2)) * 96
    picture = Image.new("RGB", (96, 96), (ground,) * 3)
    ImageDraw.Draw(picture).polygon([tuple(corner) for corner in corners.tolist()], fill=(ink,) * 3)
    return np.asarray(picture)


def question(part: str, view: int) -> Query:
    """What is asked about `part`: the same side in slightly other light, which any model finds."""
    buffer = io.BytesIO()
    Image.fromarray(drawing(part, view, ground=226, ink=66)).save(buffer, "PNG")
    name = f"{part}/{view}"
    return Query(id=name, part=part, difficulty="clean", renderer="studio", picture=buffer.getvalue())


ASKED = tuple(question(part, view) for part in PARTS for view in range(VIEWS))


def fill(catalogue: Catalogue, model: Embedder, shown: dict[str, str] | None = None, table: str = "") -> None:
    """Make the newest rows those of `PARTS`; a part in `shown` has the pictures of another one."""
    pictures = [(part, view) for part in PARTS for view in range(VIEWS)]
    vectors = model.images([drawing((shown or {}).get(part, part), view) for part, view in pictures])
    catalogue.upsert("parts", [{"part": part, "words": part, "status": "active", "geometry": part} for part in PARTS])
    images = [{"id": f"{part}/{view}", "part": part, "kind": "view", "accepted": True} for part, view in pictures]
    catalogue.upsert("images", images)
    rows = [
        {"id": f"{part}/{view}", "part": part, "kind": "view", "material": "", "vector": vector}
        for (part, view), vector in zip(pictures, vectors, strict=True)
    ]
    catalogue.upsert(table or model.table, rows, dimension=model.dimension)


def mixed() -> dict[str, str]:
    """Every part with the pictures of the next one: nothing is found."""
    return dict(zip(PARTS, (*PARTS[1:], PARTS[0]), strict=True))


def judged(catalogue: Catalogue, model: Embedder, customer: Customer = CUSTOMER) -> Verdict:
    """What is said of the newest rows."""
    return judge(catalogue, customer, model, ASKED, Silent())


def live(catalogue: Catalogue, model: Embedder, verdict: Verdict, run: str = "1", embed: Embed | None = None) -> None:
    """Let the newest rows go live."""
    tally = Tally("acme", run)
    tally.decide(verdict.outcome, verdict.notes)
    publish.go_live(catalogue, tally, started=run, table=model.table, embed=embed or Embed())


def blind(folder: Path) -> Embed:
    """The model that ships, made blind: every picture has the same vector."""
    state = {key: value.clone() for key, value in network(embedder(Embed()).weights).state_dict().items()}
    eye = next(key for key, value in state.items() if key.startswith("visual.") and value.ndim == 4)
    state[eye].zero_()
    save_file(state, folder / "blind.safetensors")
    return Embed(weights=str(folder / "blind.safetensors"))


def answers(catalogue: Catalogue, model: Embedder) -> list[str]:
    """What is answered to a picture of each part, and to words, as JSON."""
    found = [search(catalogue, model, [query.pixels], "", 6) for query in ASKED[::VIEWS]]
    return [one.model_dump_json() for one in (*found, search(catalogue, model, [], "A", 6))]


@pytest.fixture(scope="module")
def model() -> Embedder:
    """The model that ships."""
    return embedder(Embed())


@pytest.fixture
def catalogue(tmp_path: Path, model: Embedder) -> Catalogue:
    """Six parts that are live."""
    there = Catalogue(uri=str(tmp_path / "db"))
    fill(there, model)
    live(there, model, judged(there, model))
    return there


def test_the_first_catalogue_goes_live_with_its_figures(tmp_path: Path, model: Embedder) -> None:
    """There is nothing to compare with; recall and threshold are told, and the threshold is what searches use."""
    there = Catalogue(uri=str(tmp_path))
    fill(there, model)
    verdict = judged(there, model)
    assert verdict.refusal == ""
    assert verdict.outcome["released"]
    assert verdict.outcome["recall"] == {"1": 1.0, "5": 1.0, "10": 1.0}
    assert verdict.outcome["compared"] is None
    live(there, model, verdict)
    assert search(there, model, [ASKED[0].pixels], "", 1).threshold == verdict.outcome["threshold"]
    assert 0 < verdict.outcome["threshold"] < 1


def test_what_finds_less_is_refused_and_the_old_one_answers_on(catalogue: Catalogue, model: Embedder) -> None:
    """The reason has both figures and what to do; every answer stays the same to the last byte."""
    before = answers(catalogue, model)
    fill(catalogue, model, mixed())
    verdict = judged(catalogue, model)
    for word in ("12 pictures", "100.0 %", "may lose 5.0 points", "run 1", "release.tolerance", "--even-if-worse"):
        assert word in verdict.refusal
    assert not verdict.outcome["released"]
    assert verdict.outcome["compared"]["before"] == 1
    assert verdict.outcome["compared"]["after"] < 0.5
    tally = Tally("acme", "2")
    publish.refuse(catalogue, tally, started="2")
    assert answers(catalogue, model) == before
    assert catalogue.served().run == "1"
    live(catalogue, model, verdict, "3")
    assert answers(catalogue, model) != before


def test_the_tolerance_is_the_customers(catalogue: Catalogue, model: Embedder) -> None:
    """A drop that the customer's file allows is none."""
    fill(catalogue, model, {"A-1": "A-2", "A-2": "A-1"})
    drop = 1 - judged(catalogue, model).outcome["compared"]["after"]
    assert 0.05 < drop < 0.5
    for tolerance, refused in ((drop - 0.01, True), (drop + 0.01, False)):
        generous = CUSTOMER.model_copy(update={"release": Release(tolerance=tolerance)})
        assert bool(judged(catalogue, model, generous).refusal) == refused


def test_what_finds_more_goes_live(tmp_path: Path, model: Embedder) -> None:
    """After a bad catalogue, a good one is welcome."""
    there = Catalogue(uri=str(tmp_path))
    fill(there, model, mixed())
    live(there, model, judged(there, model))
    fill(there, model)
    verdict = judged(there, model)
    assert verdict.refusal == ""
    assert verdict.outcome["compared"]["before"] < 0.5
    assert verdict.outcome["compared"]["after"] == 1


def test_a_catalogue_that_grows_or_changes_shape_is_not_worse(catalogue: Catalogue, model: Embedder) -> None:
    """New look-alikes of every part halve what is found; but the parts that stayed are found as well as before."""
    twins = [f"{part}x" for part in PARTS]
    rows = [{"part": twin, "words": twin, "status": "active", "geometry": twin} for twin in twins]
    catalogue.upsert("parts", [*rows, {"part": "D-9", "words": "D-9", "status": "active", "geometry": "another"}])
    vectors = model.images([question(part, view).pixels for part in PARTS for view in range(VIEWS)])
    names = [(twin, view) for twin in twins for view in range(VIEWS)]
    catalogue.upsert(
        model.table,
        [
            {"id": f"{twin}/{view}", "part": twin, "kind": "view", "material": "", "vector": vector}
            for (twin, view), vector in zip(names, vectors, strict=True)
        ],
        dimension=model.dimension,
    )
    verdict = judged(catalogue, model)
    assert verdict.refusal == ""
    assert verdict.outcome["recall"]["1"] == 0
    compared = verdict.outcome["compared"]
    assert (compared["queries"], compared["before"], compared["after"]) == (10, 1, 1)
    assert compared["before_interval"] == compared["after_interval"]
    assert 0 < compared["after_interval"][0] < compared["after_interval"][1] == 1


def test_another_model_is_compared_by_what_each_finds(catalogue: Catalogue, model: Embedder, tmp_path: Path) -> None:
    """What is live is asked in its own model and the new one in its own; the blind one does not go live."""
    settings = blind(tmp_path)
    sightless = embedder(settings)
    fill(catalogue, sightless)
    verdict = judged(catalogue, sightless)
    assert verdict.outcome["compared"]["before"] == 1
    assert verdict.outcome["compared"]["after"] < 0.5
    assert verdict.refusal
    live(catalogue, sightless, verdict, "2", settings)
    assert catalogue.served().embed == settings
    fill(catalogue, model)
    back = judged(catalogue, model)
    assert back.refusal == ""
    assert back.outcome["compared"]["before"] == verdict.outcome["compared"]["after"]


def test_a_model_that_is_gone_is_compared_by_what_was_measured(
    catalogue: Catalogue, model: Embedder, tmp_path: Path
) -> None:
    """Where the live one's weights are not here any more its recorded recall counts, and that is said."""
    live(catalogue, model, judged(catalogue, model), "2", Embed(weights=str(tmp_path / "gone.safetensors")))
    fill(catalogue, model, mixed())
    verdict = judged(catalogue, model)
    assert verdict.outcome["compared"]["before"] == 1
    assert verdict.refusal
    assert "measured back then" in verdict.notes[0]
    live(catalogue, model, Verdict(), "3", Embed(weights=str(tmp_path / "gone.safetensors")))
    unknown = judged(catalogue, model)
    assert unknown.refusal == ""
    assert "not here any more" in unknown.notes[0]


def test_where_nothing_can_be_asked_it_goes_live_and_says_so(catalogue: Catalogue, model: Embedder) -> None:
    """Parts known from photographs alone have no questions."""
    verdict = judge(catalogue, CUSTOMER, model, (), Silent())
    assert verdict.outcome == dict.fromkeys(("recall", "threshold", "compared", "searched")) | {"released": True}
    assert "not measured" in verdict.notes[0]


def test_a_run_in_progress_is_not_seen(catalogue: Catalogue, model: Embedder) -> None:
    """Rows that come, change and go before the run has ended change no answer, and none is half old and half new."""
    before, opened = answers(catalogue, model), catalogue.served()
    fill(catalogue, model, mixed())
    catalogue.delete(model.table, col("part").isin(["B-1"]))
    catalogue.upsert("parts", [{"part": "C-1", "words": "C-1", "status": "retired"}])
    for table in ("parts", "images", model.table):
        catalogue.compact(table)
    assert answers(catalogue, model) == before
    live(catalogue, model, Verdict(), "2")
    assert answers(opened, model) == before  # a search that began before the switch ends as it began
    parts = {hit.part for hit in search(catalogue, model, [ASKED[0].pixels], "", 6).hits}
    assert parts == set(PARTS) - {"B-1", "C-1"}


def test_old_vectors_stay_until_others_are_live(catalogue: Catalogue, model: Embedder, tmp_path: Path) -> None:
    """A refused model leaves the live one's table where it is; one that goes live keeps it for searches under way.

    The next that goes live removes it.
    """
    settings = blind(tmp_path)
    sightless = embedder(settings)
    fill(catalogue, sightless)
    publish.refuse(catalogue, Tally("acme", "2"), started="2")
    assert {model.table, sightless.table} <= set(catalogue.tables())
    live(catalogue, sightless, Verdict(), "3", settings)
    assert model.table in catalogue.tables()
    live(catalogue, sightless, Verdict(), "4", settings)
    assert {name for name in catalogue.tables() if name.startswith("vectors")} == {sightless.table}


def told(verdict: Verdict) -> dict[str, Any]:
    """The summary of a run with this outcome."""
    tally = Tally("acme", "1")
    tally.settle({}, [], ["a note"])
    tally.decide(verdict.outcome, verdict.notes)
    return tally.summary()


def test_the_summary_tells_figures_and_notes(catalogue: Catalogue, model: Embedder) -> None:
    """What `partsight onboard --json` prints has recall, threshold and whether it was released."""
    summary = told(judged(catalogue, model).replace(notes=("another",)))
    assert summary["released"]
    assert set(summary["recall"]) == {"1", "5", "10"}
    assert summary["notes"] == ["a note", "another"]
