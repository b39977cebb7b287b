"""Work of one run that several workers do: parts in shares, vectors elsewhere; the catalogue is the same in the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from lancedb.expr import col, lit

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Pools
from blocks.source import Source
from tasks import shares
from tasks.job import Job, opened
from tasks.vectors import Filling

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A customer's folder with ten parts, which are two batches."""
    folder = tmp_path / "many"
    folder.mkdir()
    for size in range(10):
        trimesh.creation.box((10 + size, 20, 10)).export(folder / f"box-{size}.stl")
    return folder


@pytest.fixture
def two(customer: Customer) -> Customer:
    """The customer, two of whose workers share an onboarding."""
    render = customer.recipe.render.model_copy(update={"views": 2})
    recipe = customer.recipe.model_copy(update={"render": render})
    return customer.model_copy(update={"recipe": recipe, "pools": Pools(workers=2)})


def begun(job: Job) -> None:
    """Read the files and hand the parts out."""
    for files in job.file_batches():
        job.read(files)
    job.find_parts()
    job.hand_out()


def made(customer: Customer, catalogue: Catalogue, run: str, share: int, count: int = 2) -> dict[str, Any]:
    """What a worker makes of a run that handed out, and what it says of it."""
    with shares.opened(customer, catalogue, run, share, count, 1) as work:
        for batch in work.batches():
            work.make(batch)
        return work.summary()


def content(catalogue: Catalogue) -> dict[str, list[str]]:
    """Pictures and parts as searches read them, to the last bit, and what has a vector."""
    served = catalogue.served()
    images = served.rows("images", ("id", "part", "image", "accepted"))
    parts = served.rows("parts", ("part", "recipe", "status"))
    vectors = served.rows(served.vectors, ("id", "part", "kind", "material"))
    return {name: sorted(map(str, rows)) for name, rows in (("images", images), ("parts", parts), ("vectors", vectors))}


def matrix(catalogue: Catalogue) -> np.ndarray:
    """The vectors that searches read, (n, d), in the order of their ids."""
    served = catalogue.served()
    rows = sorted(served.rows(served.vectors, ("id", "vector")), key=lambda row: str(row["id"]))
    return np.array([row["vector"] for row in rows])


def assert_same(one: Catalogue, other: Catalogue) -> None:
    """Two catalogues are equal, but for the rounding of vectors that were made in other batches."""
    assert content(one) == content(other)
    np.testing.assert_allclose(matrix(one), matrix(other), atol=1e-5)


def test_shares_make_what_one_run_makes(
    onboard: Run, catalogue: Catalogue, many: Path, two: Customer, tmp_path: Path
) -> None:
    """Two workers; the run dies after one share, and the next run's workers make the rest: equal tables."""
    alone = Catalogue(uri=str(tmp_path / "alone"))
    expected = onboard(two, into=alone, source=many)
    with opened(two, catalogue, Source(location=str(many)), None, tmp_path / "home", 1) as job:
        begun(job)
        first = job.tally.run
        assert job.shares() == 2
        with pytest.raises(ValueError, match=r"10 parts were handed out and not made \(box-0, .*start the run again"):
            job.take_back([])
        with shares.opened(two, catalogue, first, 0, 2, 1) as work:
            (batch,) = work.batches()
            assert 1 < len(batch) < 9
            assert work.make(batch[:1]) > 0
            assert work.make(batch[:1]) == 0  # a second try, after a state that was lost
            work.make(batch)
            assert work.summary()["parts"] == len(batch)
    assert catalogue.live() == ""
    with opened(two, catalogue, Source(location=str(many)), None, tmp_path / "home", 1) as job:
        begun(job)
        assert made(two, catalogue, first, 1)["parts"] == 0  # a worker of the run that is no more
        told = [made(two, catalogue, job.tally.run, share) for share in (0, 1)]
        assert [one["parts"] for one in told] == [0, 10 - len(batch)]
        job.take_back(told)
        summary = job.finish()
    assert_same(catalogue, alone)
    assert summary["images"]["views"] == summary["parts"]["new"] * 2 == expected["images"]["views"] - 2 * len(batch)
    assert summary["vectors"] == sum(one["vectors"] for one in told) > 0
    assert "orders" not in catalogue.tables()
    assert onboard(two, source=many)["parts"]["unchanged"] == 10


def test_what_a_share_cannot_make_is_in_the_quarantine(
    catalogue: Catalogue, cad: Path, two: Customer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part that ends its process is named with its file; the share, started again, leaves it alone."""
    (tmp_path / "fatal.py").write_text(
        "import os\n"
        "from pydantic import BaseModel\n"
        "class Fatal(BaseModel):\n"
        "    def __call__(self, view):\n"
        "        if view.part.number == 'block':\n"
        "            os._exit(11)\n"
        "        yield view\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PARTSIGHT_STAGES", "fatal=fatal:Fatal")
    who = two.model_copy(update={"recipe": two.recipe.model_copy(update={"stages": ("fatal",)})})
    with opened(who, catalogue, Source(location=str(cad)), None, tmp_path / "home", 1) as job:
        begun(job)
        told = made(who, catalogue, job.tally.run, 0, 1)
        assert (told["parts"], told["failures"]) == (2, 1)
        assert made(who, catalogue, job.tally.run, 0, 1)["failures"] == 0
        job.take_back([told])
        summary = job.finish()
    (entry,) = summary["quarantine"]
    assert entry["file"] == "block.ply"
    assert "block cannot be rendered" in entry["reason"]
    assert summary["parts"]["new"] == 2


FRAGILE = """
import os
from pathlib import Path

from pydantic import BaseModel


class Fragile(BaseModel):
    def __call__(self, view):
        if view.part.number == "block" and Path(__file__).with_suffix(".fail").exists():
            os._exit(11)
        yield view
"""


@pytest.fixture
def fragile(two: Customer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Customer:
    """A customer one of whose parts cannot be made while there is a file `fragile.fail`."""
    (tmp_path / "fragile.py").write_text(FRAGILE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PARTSIGHT_STAGES", "fragile=fragile:Fragile")
    return two.model_copy(update={"recipe": two.recipe.model_copy(update={"stages": ("fragile",)})})


def test_a_worker_of_a_run_that_is_no_more_takes_no_part_away(
    catalogue: Catalogue, cad: Path, fragile: Customer, tmp_path: Path
) -> None:
    """It is at a batch when the next run hands out: what it fails at that run makes, what it commits counts as made."""
    with opened(fragile, catalogue, Source(location=str(cad)), None, tmp_path / "home", 1) as job:
        begun(job)
        old, first = shares.Share(fragile, catalogue, job.tally.run, 0, 1, 1), job.tally.run
    (batch,) = old.batches()
    with opened(fragile, catalogue, Source(location=str(cad)), None, tmp_path / "home", 1) as job:
        making = old._making.make

        def late(parts: Any) -> int:
            begun(job)
            return making(parts)

        old._making.make = late  # type: ignore[method-assign]
        (tmp_path / "fragile.fail").touch()
        old.make(batch)
        old.close()
        assert list(old.tally.failures) == ["block"]
        (tmp_path / "fragile.fail").unlink()
        told = made(fragile, catalogue, job.tally.run, 0, 1)
        assert (told["parts"], told["failures"]) == (1, 0)
        # and one commits a part once more, when the next run has made it
        catalogue.table("parts").update(where=col("part") == lit("block"), values={"run": first})
        job.take_back([told])
        summary = job.finish()
    assert summary["quarantine"] == []
    assert {row["part"] for row in catalogue.served().rows("parts", ("part",))} == {"block", "washer-3", "washer-5"}


def test_a_run_whose_orders_are_gone_does_not_go_live(
    onboard: Run, catalogue: Catalogue, cad: Path, two: Customer, tmp_path: Path
) -> None:
    """An onboarding beside it leaves them alone, but for those that nobody takes back any more."""
    with opened(two, catalogue, Source(location=str(cad)), None, tmp_path / "home", 1) as job:
        begun(job)
        shares.forget(catalogue)
        assert len(catalogue.rows(shares.ORDERS, ("part",))) == 3
        onboard(two, source=cad)
        assert len(catalogue.rows(shares.ORDERS, ("part",))) == 3
        catalogue.table("parts").delete("part = 'block'")
        shares.forget(catalogue, days=-1)
        assert catalogue.rows(shares.ORDERS, ("part",)) == []
        assert made(two, catalogue, job.tally.run, 0, 1)["parts"] == 0
        with pytest.raises(ValueError, match=r"1 parts were handed out and not made \(block\)"):
            job.take_back([])


def test_taking_back_again_counts_once(catalogue: Catalogue, cad: Path, fragile: Customer, tmp_path: Path) -> None:
    """After a failure of the storage in its midst; a share of which nothing is known counts as nothing."""
    (tmp_path / "fragile.fail").touch()
    with opened(fragile, catalogue, Source(location=str(cad)), None, tmp_path / "home", 1) as job:
        begun(job)
        told = made(fragile, catalogue, job.tally.run, 0, 1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Catalogue, "drop", lambda *_: (_ for _ in ()).throw(OSError("storage is away")))
            with pytest.raises(OSError, match="away"):
                job.take_back([told, {}])
        job.take_back([told, {}])
        assert job.tally.summary()["vectors"] == told["vectors"] > 0
        assert list(job.tally.failures) == ["block"]


def test_pictures_wait_for_vectors_that_are_made_elsewhere(
    onboard: Run, catalogue: Catalogue, cad: Path, customer: Customer, tmp_path: Path
) -> None:
    """Nothing goes live without them, and none with another material or shape; in the end it is as made in one run."""
    onboard()
    before = catalogue.served().run
    table = cad / "parts.csv"
    table.write_text(table.read_text().replace("POM", "PA66"))
    trimesh.creation.annulus(6, 10, 2).export(cad / "washer-5.stl")
    who = customer.model_copy(update={"pools": Pools(gpu="gpu", on_gpu=("embed",))})
    with opened(who, catalogue, Source(location=str(cad)), None, tmp_path / "home", 1) as job:
        for files in job.file_batches():
            job.read(files)
        assert job.find_parts() == 2
        for parts in job.part_batches():
            assert job.make(parts) == 0
        lacking = len(job.filling.lacking())
        with pytest.raises(ValueError, match=rf"{lacking} pictures of 'acme' have no vector yet"):
            job.finish()
        assert catalogue.served().run == before
    with opened(who, catalogue, Source(location=str(cad)), None, tmp_path / "home", 1) as job:
        assert not job.nothing_to_do()
        assert job.find_parts() == 0
        for share in (0, 1):
            work = Filling(who, catalogue, share=share, shares=2)
            for batch in work.batches():
                work.make(batch)
            assert work.lacking() == ()
        job.finish()
    fresh = Catalogue(uri=str(tmp_path / "fresh"))
    onboard(into=fresh)
    assert content(catalogue)["vectors"] == content(fresh)["vectors"]
    np.testing.assert_allclose(matrix(catalogue), matrix(fresh), atol=1e-5)
    of_block = catalogue.rows(catalogue.live(), ("material",), col("part") == lit("block"))
    assert {row["material"] for row in of_block} == {"PA66"}
