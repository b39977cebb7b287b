"""A catalogue is asked the same questions as before, about the parts that it has now, and no picture is made twice."""

from __future__ import annotations

import io
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Release
from tasks import queries
from tasks.geometry import digest, shape
from tasks.progress import Silent
from tasks.queries import DIFFICULTIES, Prints, Query, Sitting, choice
from tasks.records import Body, Part
from tasks.workshop import Workshop

STUDIO = ("studio",)
BOTH = ("studio", "photoreal")
CUSTOMER = Customer(slug="acme", release=Release(queries=6))


def parts(count: int) -> list[Part]:
    """Parts of different geometries."""
    return [Part(number=f"P-{place:03d}", geometry=f"g{place}", material="steel") for place in range(count)]


def kinds(wanted: Any) -> Counter[tuple[str, str]]:
    """How many of each renderer and difficulty."""
    return Counter((one.renderer, one.difficulty) for one in wanted)


def test_every_difficulty_is_asked_as_often() -> None:
    """With more parts than questions no part gets two of a kind; a fifth of them come from the other renderer."""
    wanted = choice(parts(200), 300, "acme", BOTH)
    assert len(wanted) == len({one.id for one in wanted}) == 300
    counted = kinds(wanted)
    assert {counted["studio", difficulty] for difficulty in DIFFICULTIES} == {80}
    traced = [counted["photoreal", difficulty] for difficulty in DIFFICULTIES]
    assert sum(traced) == 60
    assert min(traced) > 10
    assert max(Counter((one.part.number, one.renderer, one.difficulty) for one in wanted).values()) == 1
    assert kinds(choice(parts(200), 301, "acme", STUDIO))["studio", "clean"] == 101


def test_few_parts_are_asked_several_times_and_traced_once() -> None:
    """Four pictures of each difficulty at most, as long as there are questions left; the slow renderer makes one."""
    wanted = choice(parts(5), 300, "acme", BOTH)
    counted = kinds(wanted)
    assert {counted["studio", difficulty] for difficulty in DIFFICULTIES} == {20}
    assert sum(counted["photoreal", difficulty] for difficulty in DIFFICULTIES) == 5
    assert len(choice(parts(5), 31, "acme", STUDIO)) == 31
    assert choice(parts(5), 0, "acme", BOTH) == choice([], 300, "acme", BOTH) == ()


@pytest.mark.parametrize("renderers", [STUDIO, BOTH])
def test_parts_that_come_and_go_leave_the_others_questions_alone(renderers: tuple[str, ...]) -> None:
    """Without ten of 400 parts nearly all questions are the same ones; no question about the others is dropped."""
    before = choice(parts(400), 300, "acme", renderers)
    left = parts(400)[10:]
    after = {one.id for one in choice(left, 300, "acme", renderers)}
    numbers = {part.number for part in left}
    assert {one.id for one in before if one.part.number in numbers} <= after
    assert len(after & {one.id for one in before}) > 280


def test_a_question_is_named_by_all_that_decides_its_picture() -> None:
    """Another geometry, size, material or customer has other pictures; another name has the same."""
    part = parts(1)[0]

    def names(changed: Part, salt: str = "acme") -> set[str]:
        return {one.id for one in choice([changed], 12, salt, BOTH)}

    assert names(part.replace(name="Flange", description="new words")) == names(part)
    for other in ({"geometry": "g9"}, {"size_mm": (1.0, 2.0, 3.0)}, {"material": "brass"}, {"number": "P-9"}):
        assert not names(part.replace(**other)) & names(part)
    assert not names(part, "other") & names(part)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """Three parts with CAD, one of them retired, and one known from a photograph alone."""
    made = Catalogue(uri=str(tmp_path / "db"))
    rows = []
    for number, box, status in (("A", 10, "active"), ("B", 20, "active"), ("C", 30, "retired")):
        mesh = trimesh.creation.box((box, 12, 5))
        body = Body(vertices=np.asarray(mesh.vertices), faces=np.asarray(mesh.faces), unit="mm")
        found = shape(body, "stl", digest(body, "acme"))
        made.upsert("shapes", [{**found.model_dump(), "same_as": ""}])
        rows.append({"part": number, "geometry": found.geometry, "status": status, "size_mm": list(found.size)})
    made.upsert("parts", [*rows, {"part": "photo only", "geometry": "", "status": "active"}])
    return made


@pytest.fixture
def studio_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The path tracer, where it is installed, is slow and has tests of its own."""
    monkeypatch.setattr(queries, "_renderers", lambda: STUDIO)


def asked(catalogue: Catalogue, customer: Customer = CUSTOMER) -> tuple[Query, ...]:
    """All questions, the missing ones made."""
    found, failures = queries.ready(catalogue, catalogue, customer, workers=1, run="r1", progress=Silent())
    assert failures == ()
    return found


@pytest.mark.usefixtures("studio_alone")
def test_what_is_there_is_not_made_again(catalogue: Catalogue) -> None:
    """The first time every picture is made; then none; then those of the part that changed alone.

    When fewer questions are asked, those that were made stay for another day.
    """
    first = asked(catalogue)
    assert Counter(query.part for query in first) == {"A": 3, "B": 3}
    assert {query.difficulty for query in first} == set(DIFFICULTIES)
    assert all(query.pixels.shape == (224, 224, 3) for query in first)
    version = catalogue.table("queries").version
    assert queries.plan(catalogue, catalogue, CUSTOMER).lacking == 0
    assert asked(catalogue) == first
    fewer = CUSTOMER.model_copy(update={"release": Release(queries=3)})
    assert {query.id for query in asked(catalogue, fewer)} < {query.id for query in first}
    assert queries.forget_others(catalogue, catalogue, fewer) == 0
    assert catalogue.table("queries").version == version
    row = catalogue.rows("parts", ("part", "geometry", "status", "size_mm"))
    changed = next(one for one in row if one["part"] == "B")
    catalogue.upsert("parts", [changed | {"material": "brass"}])
    plan = queries.plan(catalogue, catalogue, CUSTOMER)
    assert {one.part.number for batch in plan.missing for one in batch} == {"B"}
    assert plan.lacking == 3
    second = asked(catalogue)
    assert {query.id for query in second if query.part == "A"} == {query.id for query in first if query.part == "A"}
    assert len(catalogue.rows("queries", ("id",))) == 9
    assert queries.forget_others(catalogue, catalogue, CUSTOMER) == 3
    assert {row["id"] for row in catalogue.rows("queries", ("id",))} == {query.id for query in second}


def test_a_part_that_cannot_be_pictured_is_named() -> None:
    """A mesh without faces costs its own questions, with a reason; it raises nothing."""
    empty = io.BytesIO()
    trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [2, 0, 0]], [[0, 1, 2]], process=False).export(empty, file_type="glb")
    wanted = choice(parts(1), 3, "acme", STUDIO)
    made = queries.pictured(Sitting(part=wanted[0].part, mesh=empty.getvalue(), scale=1.0, wanted=wanted))
    assert made.rows == ()
    assert made.failure.startswith("P-000 is not asked for: ")


def end(_sitting: Sitting) -> Prints:
    """Die, as a driver does."""
    os._exit(11)


def test_a_part_that_ends_the_renderer_is_named_too() -> None:
    """The workshop's second try finds it out."""
    wanted = choice(parts(1), 3, "acme", STUDIO)
    with Workshop(1, end, queries.lost) as workshop:
        (made,) = workshop.make([Sitting(part=wanted[0].part, mesh=b"", scale=1.0, wanted=wanted)])
    assert made.failure.startswith("P-000 is not asked for: its process was ended: by its mesh")


def test_a_photograph_stays_in_its_file(tmp_path: Path) -> None:
    """A query with a file opens it when it is looked at, upright and within bounds."""
    Image.fromarray(np.zeros((1500, 3000, 3), np.uint8)).save(tmp_path / "large.png")
    query = Query(id="1", part="A", difficulty="photo", renderer="photo", file=str(tmp_path / "large.png"))
    assert query.pixels.shape == (512, 1024, 3)


def test_the_path_tracer_makes_its_share(catalogue: Catalogue) -> None:
    """Where it is installed, one question in five is a picture of another renderer."""
    if queries._renderers() == STUDIO:
        pytest.skip("the path tracer (extra photoreal) is not installed")
    wanted = [one for one in queries.plan(catalogue, catalogue, CUSTOMER).wanted if one.renderer == "photoreal"]
    assert len(wanted) == 1
    (sitting,) = queries._sittings(catalogue, wanted, CUSTOMER)
    made = queries.pictured(sitting)
    assert made.failure == ""
    assert [(row["id"], row["renderer"], row["difficulty"]) for row in made.rows] == [
        (wanted[0].id, "photoreal", wanted[0].difficulty)
    ]
