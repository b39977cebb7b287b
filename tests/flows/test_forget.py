"""A customer's part is forgotten, the customer is onboarded again, and the part does not come back."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trimesh
from lancedb.expr import col, lit
from prefect import flow as prefect_flow
from prefect.testing.utilities import prefect_test_harness

from blocks.catalogue import Catalogue
from blocks.collection import CatalogueBlock, CustomerBlock
from blocks.customer import Customer, Quotas, Release, Retention
from flows import forget as flow
from flows import history
from flows.inline import run_adapt
from tasks.forget import work
from tasks.forget.work import WEIGHTS
from tasks.progress import Silent
from tasks.tuning.course import Course

Run = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody searches meanwhile; and this machine's folder is the test's."""
    monkeypatch.setattr(work, "GRACE", 0.0)
    monkeypatch.setenv("PARTSIGHT_HOME", str(tmp_path / "home"))


def numbers(catalogue: Catalogue) -> set[str]:
    """The parts that searches can find."""
    return {row["part"] for row in catalogue.served().rows("parts", ("part",), col("status") == lit("active"))}


def test_what_was_forgotten_does_not_come_back(
    onboard: Run, customer: Customer, catalogue: Catalogue, cad: Path, tmp_path: Path, washer: Callable[..., Any]
) -> None:
    """Not with the same file, not with a new edition of it, not inside of another file; what stays is not made anew."""
    onboard()
    home = tmp_path / "home"
    ids = {row["id"] for row in catalogue.rows("images", ("id",), col("part") != lit("washer-5"))}
    done = flow.forgotten(customer, catalogue, home, ["washer-5"])
    assert (done["status"], done["left"], done["parts"]) == ("done", [], 1)
    assert numbers(catalogue) == {"washer-3", "block"}
    (page,) = (home / "customers" / "acme" / "reports").glob("*.html")
    assert "washer-5" not in page.read_text()
    again = onboard()
    assert again["parts"] == {"new": 0, "changed": 0, "unchanged": 2, "retired": 0}
    assert "1 file was left out: their parts were forgotten." in again["notes"]
    assert {row["id"] for row in catalogue.rows("images", ("id",))} == ids
    washer(4.5).export(cad / "washer-5.stl")
    scene = trimesh.Scene({"washer-5": washer(5), "pin": trimesh.creation.cylinder(2, 20)})
    scene.export(cad / "unit.glb")
    more = onboard()
    assert more["parts"]["new"] == 1
    assert not [one for one in numbers(catalogue) if "washer-5" in one]
    assert len(numbers(catalogue)) == 3
    assert not [row for row in catalogue.rows("files", ("name", "bodies")) if "washer-5" in str(row)]
    assert b"washer-5" not in b"".join(path.read_bytes() for path in (tmp_path / "db").rglob("*") if path.is_file())


def test_retention_and_what_may_return(
    onboard: Run, customer: Customer, catalogue: Catalogue, cad: Path, tmp_path: Path, washer: Callable[..., Any]
) -> None:
    """A part that left the source long ago goes, and no other; one that may return is made as if it were new."""
    onboard()
    (cad / "washer-5.stl").unlink()
    done = flow.forgotten(customer, catalogue, tmp_path / "home", ["block"], may_return=True)
    assert any("brings back" in sentence for sentence in done["elsewhere"])
    assert numbers(catalogue) == {"washer-3", "washer-5"}
    again = onboard()["parts"]
    assert (again["new"], again["retired"]) == (1, 1)
    assert numbers(catalogue) == {"washer-3", "block"}
    kept = customer.model_copy(update={"retention": Retention(retired_days=30)})
    block = CustomerBlock(settings=kept, catalogue=CatalogueBlock(uri=catalogue.uri))
    assert flow.forget.fn(block).message == "Nothing was due to be forgotten."
    old = col("part") == lit("washer-5")
    catalogue.table("parts").update(where=old, values={"run": "20250101-000000-000000"})
    ended: Any = flow.forget.fn(block)
    assert ended.message.startswith("1 part is forgotten: ")
    assert {row["part"] for row in catalogue.rows("parts", ("part",))} == {"washer-3", "block"}
    washer(5).export(cad / "washer-5.stl")  # retention only keeps less: what comes back is a part as any other
    assert onboard()["parts"]["new"] == 1
    assert "washer-5" in numbers(catalogue)


def test_a_run_from_the_command_line_is_not_worked_against(
    onboard: Run, customer: Customer, catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one is under way nothing is removed; the sentence says how to take away one that was killed.

    What Prefect remembers goes before a receipt says that all is done.
    """
    onboard()
    before = catalogue.newest(catalogue.live())

    @prefect_flow(name="onboard", flow_run_name="acme")
    def meanwhile() -> str:
        with pytest.raises(ValueError, match="prefect flow-run delete ") as found:
            flow.forgotten(customer, catalogue, tmp_path / "home", ["block"])
        return str(found.value)

    def failing(*_: object, **__: object) -> None:
        raise OSError("The server went away.")

    with prefect_test_harness(server_startup_timeout=90):
        assert "'acme' from the command line is under way" in meanwhile()
        assert catalogue.newest(catalogue.live()) == before
        assert not (tmp_path / "home" / "receipts").exists()
        with monkeypatch.context() as patch:
            patch.setattr(history, "removed", failing)
            with pytest.raises(OSError, match="went away"):
                flow.forgotten(customer, catalogue, tmp_path / "home", ["block"])
        (receipt,) = (tmp_path / "home" / "receipts" / "acme").iterdir()
        assert '"status": "begun"' in receipt.read_text()
        done = flow.forgotten(customer, catalogue, tmp_path / "home", ["block"])
        assert (done["status"], done["history"]["runs"]) == ("done", 1)


@pytest.mark.skipif("PARTSIGHT_EVERY_STOP" not in os.environ, reason="make forget tunes weights, which takes a while")
def test_weights_that_may_have_learned_from_it_go(
    onboard: Run, customer: Customer, catalogue: Catalogue, tmp_path: Path
) -> None:
    """Searches read the model as it ships again; the receipt says so, and the next onboarding has nothing to do."""
    who = customer.model_copy(update={"release": Release(queries=0, tolerance=1.0)})
    onboard(who)
    course = Course(steps=4, parts=2, pictures=1, views=4)
    home: dict[str, Any] = {"home": tmp_path / "home", "workers": 1, "progress": Silent()}
    run_adapt(who, catalogue, course=course, told=lambda _: True, **home)
    tuned = catalogue.served().embed
    assert tuned is not None
    assert tuned.digest
    month = f"{datetime.now(UTC):%Y-%m}"
    catalogue.upsert("usage", [{"id": "1", "month": month, "at": month, "what": "adapt", "run": "r", "seconds": 9.0}])
    poor = who.model_copy(update={"quotas": Quotas(gpu_seconds=1)})  # used up: forgetting is owed all the same
    done = flow.forgotten(poor, catalogue, tmp_path / "home", ["block"], processes=1)
    assert done["looked_for"]["tuned weights"] == {"patterns": 1, "seen": 1, "left": 0}
    assert WEIGHTS in done["elsewhere"]
    plain = catalogue.served().embed
    assert plain is not None
    assert plain.digest == ""
    assert "models" not in catalogue.tables()
    assert numbers(catalogue) == {"washer-3", "washer-5"}
    assert onboard(who)["vectors"] == 0
