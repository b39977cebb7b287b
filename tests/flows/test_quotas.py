"""What a customer may have: parts and seconds of a GPU; what is over is named, and nothing that is there is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trimesh

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Pools
from tasks import budget, vectors
from tasks.report import brief
from tasks.tuning.course import Course
from tasks.tuning.work import opened as learning
from tasks.vectors import Filling

Run = Callable[..., dict[str, Any]]


def allowed(customer: Customer, **quotas: float) -> Customer:
    """The customer with other quotas."""
    return customer.model_copy(update={"quotas": customer.quotas.model_copy(update=quotas)})


def _quick(customer: Customer) -> Customer:
    """The customer with one picture of each part."""
    render = customer.recipe.render.model_copy(update={"views": 1})
    recipe = customer.recipe.model_copy(update={"render": render, "variants": 0})
    return customer.model_copy(update={"recipe": recipe})


def spend(catalogue: Catalogue, seconds: float, month: str = "") -> None:
    """Write seconds of a GPU down, for this month or another one."""
    with budget.counted(catalogue, "augment", "before"):
        pass
    columns = ("id", "month", "at", "what", "run", "seconds")
    (row,) = [one for one in catalogue.rows("usage", columns) if one["seconds"] < 0.5]
    catalogue.upsert("usage", [row | {"seconds": seconds, "month": month or row["month"]}])


def active(catalogue: Catalogue) -> set[str]:
    """Numbers of the parts that are in search."""
    return {row["part"] for row in catalogue.rows("parts", ("part", "status")) if row["status"] == "active"}


def test_parts_over_the_quota_are_named_and_not_made(
    onboard: Run, catalogue: Catalogue, customer: Customer, cad: Path
) -> None:
    """In the order of their numbers; a smaller quota takes nothing away, and a larger one makes all."""
    two = allowed(_quick(customer), parts=2)
    first = onboard(two)
    assert active(catalogue) == {"block", "washer-3"}
    assert first["parts"]["new"] == 2
    (over,) = first["quarantine"]
    assert over["file"] == "washer-5.stl"
    assert "the part washer-5 was not made: the customer may have 2 parts (`quotas.parts`" in over["reason"]
    assert any(note.startswith("1 part was not made") for note in first["notes"])
    trimesh.creation.box((1, 2, 3)).export(cad / "a-first.stl")
    one = onboard(allowed(two, parts=1))
    assert active(catalogue) == {"block", "washer-3"}  # a new part does not push out what is there
    assert [told["file"] for told in one["quarantine"]] == ["a-first.stl", "washer-5.stl"]
    assert one["parts"]["retired"] == 0
    (cad / "block.ply").unlink()
    room = onboard(two)
    assert (active(catalogue), room["parts"]["retired"]) == ({"a-first", "washer-3"}, 1)
    assert [one["file"] for one in onboard(two)["quarantine"]] == [
        "washer-5.stl"
    ]  # there is nothing to do, and it is said
    assert onboard(allowed(two, parts=9))["quarantine"] == []
    assert active(catalogue) == {"a-first", "washer-3", "washer-5"}


def test_a_month_of_a_gpu_has_an_end_and_the_next_run_goes_on(
    onboard: Run, painter: Callable[..., Customer], catalogue: Catalogue
) -> None:
    """Variants stop with a sentence, the views go live, and with more seconds just what is missing is made."""
    spend(catalogue, 3000, "2001-01")  # of another month: it does not matter
    spend(catalogue, 100)
    who = allowed(painter(), gpu_seconds=100)
    summary = onboard(who)
    assert summary["images"] == {"views": 12, "variants": 0, "rejected": 0}
    assert summary["released"]
    assert summary["gpu_seconds"] == {"run": 0.0, "month": 100.0, "quota": 100.0}
    (note,) = [note for note in summary["notes"] if "GPU seconds" in note]
    assert "are used up: 100 of 100 (`quotas.gpu_seconds` in the customer's file)" in note
    more = onboard(allowed(who, gpu_seconds=1000))
    assert more["images"] == {"views": 0, "variants": 12, "rejected": 0}
    assert 0 < more["gpu_seconds"]["run"] < 100
    assert more["gpu_seconds"]["month"] == pytest.approx(100 + more["gpu_seconds"]["run"], abs=0.01)
    shown = {row["what"]: row["count"] for row in brief.summary_rows(more)}
    assert shown["GPU seconds: month"] == round(more["gpu_seconds"]["month"])


def test_learning_and_embedding_end_with_the_month_too(
    onboard: Run, catalogue: Catalogue, customer: Customer, tmp_path: Path
) -> None:
    """A sentence before anything is rendered; with seconds left they are counted."""
    pooled = customer.model_copy(update={"pools": Pools(gpu="gpu", on_gpu=("embed", "adapt"))})
    who = allowed(pooled, gpu_seconds=50)
    onboard(_quick(customer))
    spend(catalogue, 50)
    course = Course(steps=4, parts=2, pictures=1, views=4)
    with learning(who, catalogue, course, tmp_path / "home", 1) as work:
        for refused in (work.render, lambda: work.learn(1.0), lambda: Filling(who, catalogue).make(["x"])):
            with pytest.raises(ValueError, match=r"No more work of a GPU is begun for 'acme'.*used up: 50 of 50"):
                refused()
    assert not (tmp_path / "home" / "customers" / "acme" / "tuning").exists()
    with learning(allowed(who, gpu_seconds=1000), catalogue, course, tmp_path / "home", 1) as work:
        work.render()
        assert work.learn(1.0) == 1.0
    catalogue.drop(catalogue.served().vectors)
    filling = Filling(allowed(who, gpu_seconds=0), catalogue)
    assert sum(filling.make(batch) for batch in filling.batches()) > 0
    assert sorted(row["what"] for row in catalogue.rows("usage", ("what",))) == ["adapt", "augment", "embed"]
    assert budget.spent(who, catalogue).seconds > 50


def test_vectors_end_within_a_commit_and_what_is_made_is_kept(
    onboard: Run, catalogue: Catalogue, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seconds are looked at after each piece of a commit, so that at most one piece is over them."""
    onboard(_quick(customer))
    catalogue.drop(catalogue.served().vectors)
    monkeypatch.setattr(vectors, "SMALLEST", 1)
    pooled = customer.model_copy(update={"pools": Pools(gpu="gpu", on_gpu=("embed",))})
    filling = Filling(allowed(pooled, gpu_seconds=1e-6), catalogue)
    names = filling.lacking()
    assert len(names) == 3
    with pytest.raises(ValueError, match="No more work of a GPU is begun"):
        filling.make(names)
    assert len(catalogue.rows(filling.embedder.table, ("id",))) == 1
    rest = Filling(customer, catalogue)
    assert rest.make(rest.lacking()) == 2
