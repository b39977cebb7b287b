"""The catalogue keeps each key once, exchanges rows in one commit, and says which vectors are live."""

from __future__ import annotations

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import lancedb
import pyarrow as pa
import pytest
from lancedb.expr import col

from blocks.catalogue import Catalogue
from blocks.tables import DECLARED, key, schema, vectors_table


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """An empty database of one customer."""
    return Catalogue(uri=str(tmp_path / "db"))


def parts(*numbers: str, name: str = "") -> list[dict[str, Any]]:
    """Rows of the parts table."""
    return [{"part": number, "name": name, "status": "active"} for number in numbers]


def names(catalogue: Catalogue) -> dict[str, str]:
    """Number and name of each part."""
    rows = catalogue.rows("parts", ("part", "name"))
    assert len({row["part"] for row in rows}) == len(rows)
    return {row["part"]: row["name"] for row in rows}


def test_an_empty_catalogue_answers(catalogue: Catalogue) -> None:
    """Before the first run there is nothing, and that is no error."""
    assert catalogue.rows("parts", ("part", "size_mm")) == []
    assert catalogue.live() == ""
    catalogue.delete("parts", col("part").isin(["x"]))
    assert catalogue.tables() == []


def test_upsert_twice_keeps_one(catalogue: Catalogue) -> None:
    """The same rows again change nothing; a key twice in one batch is one row."""
    assert catalogue.upsert("parts", [*parts("a", "b"), *parts("a", name="later")]) == 2
    catalogue.upsert("parts", parts("b", "c"))
    assert names(catalogue) == {"a": "later", "b": "", "c": ""}


def test_replace_exchanges_what_is_in_scope(catalogue: Catalogue) -> None:
    """New rows come and old ones go in one commit; rows out of scope stay."""
    catalogue.upsert("parts", parts("a", "b", "c"))
    before = catalogue.table("parts").version
    catalogue.replace("parts", parts("a2"), col("part").isin(["a", "b"]))
    assert set(names(catalogue)) == {"a2", "c"}
    assert catalogue.table("parts").version == before + 1
    catalogue.replace("parts", [], col("part").isin(["a2"]))
    assert set(names(catalogue)) == {"c"}


def test_concurrent_writers_lose_and_double_nothing(catalogue: Catalogue) -> None:
    """Four threads upsert overlapping keys at once; each key is there once."""
    catalogue.upsert("parts", parts("start"))
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(catalogue.upsert, "parts", parts(*(f"p{n}" for n in range(i, i + 20)))) for i in range(0, 40, 5)
        ]
        for job in jobs:
            job.result()
    assert len(names(catalogue)) == 1 + 55


def test_a_table_whose_maker_was_stopped_has_its_key_declared(catalogue: Catalogue) -> None:
    """Made and declared in one commit; one from before that, stopped in between, is declared when it is written to."""
    assert any(word.startswith(DECLARED) for word in catalogue.table("images").schema.field("id").metadata)
    assert catalogue.table("images").version == 1
    lancedb.connect(catalogue.uri).create_table("parts", schema=schema("parts"))
    catalogue.upsert("parts", parts("start"))
    with ThreadPoolExecutor(4) as pool:
        for job in [pool.submit(catalogue.upsert, "parts", parts("a", "b", "c")) for _ in range(8)]:
            job.result()
    assert set(names(catalogue)) == {"start", "a", "b", "c"}


def test_a_filter_is_data(catalogue: Catalogue) -> None:
    """A part number that looks like SQL matches itself alone."""
    odd = "x' OR '1'='1"
    catalogue.upsert("parts", parts(odd, "b"))
    assert [row["part"] for row in catalogue.rows("parts", ("part",), col("part").isin([odd]))] == [odd]


def test_the_newest_completed_run_is_live(catalogue: Catalogue) -> None:
    """A run that failed never changes what searches read."""
    run = {"summary": "{}", "report": "", "started": ""}
    catalogue.upsert(
        "runs", [{**run, "run": "1", "finished": "2026-01-01", "status": "completed", "live": "vectors__a"}]
    )
    catalogue.upsert("runs", [{**run, "run": "2", "finished": "2026-01-02", "status": "failed", "live": "vectors__b"}])
    assert catalogue.live() == "vectors__a"


def run_row(**changes: Any) -> dict[str, Any]:
    """The row of a run that went live."""
    return {"run": "1", "finished": "1", "status": "completed", "live": "vectors__a", **changes}


def test_what_is_served_stands_still(catalogue: Catalogue) -> None:
    """Searches read the versions that the run named; what is not named is not there, and nothing can be written."""
    catalogue.upsert("parts", parts("a"))
    catalogue.upsert("runs", [run_row(versions=json.dumps(catalogue.newest("vectors__a")), threshold=0.5)])
    catalogue.upsert("parts", parts("b"))
    catalogue.upsert("images", [{"id": "x"}])
    served = catalogue.served()
    assert names(served) == {"a": ""}
    assert names(catalogue) == {"a": "", "b": ""}
    assert (served.tables(), served.threshold, served.live()) == (["parts"], 0.5, "vectors__a")
    assert served.rows("images", ("id",)) == []
    assert served.served() is served
    writes = (
        lambda: served.upsert("parts", parts("c")),
        lambda: served.replace("parts", [], col("part").isin(["a"])),
        lambda: served.delete("parts", col("part").isin(["a"])),
        lambda: served.drop("parts"),
        lambda: served.compact("parts"),
        lambda: served.index("parts"),
    )
    for write in writes:
        with pytest.raises(ValueError, match="not written to"):
            write()
    with pytest.raises(ValueError, match="no table images"):
        served.table("images")
    assert names(catalogue) == {"a": "", "b": ""}


def test_nothing_is_served_before_a_run_went_live(catalogue: Catalogue) -> None:
    """Rows of a first run that is under way, or was refused, are not seen."""
    catalogue.upsert("parts", parts("a"))
    assert catalogue.served().tables() == []
    catalogue.upsert("runs", [run_row(status="refused", live="")])
    assert names(catalogue.served()) == {}


def test_a_database_from_before_there_were_versions_is_served_and_grows(tmp_path: Path) -> None:
    """A runs table without the newer columns is read, its newest rows are served, and the columns come with a write."""
    old = Catalogue(uri=str(tmp_path))
    early = pa.schema([field for field in schema("runs") if field.name not in {"versions", "embed", "threshold"}])
    row = {**dict.fromkeys(early.names, ""), **run_row()}
    lancedb.connect(old.uri).create_table("runs", pa.Table.from_pylist([row], schema=early))
    old.upsert("parts", parts("a"))
    served = old.served()
    assert (served.vectors, served.versions, served.embed, served.threshold) == ("vectors__a", None, None, None)
    assert names(served) == {"a": ""}
    old.upsert("runs", [run_row(run="2", finished="2", versions="{}", threshold=0.25)])
    assert old.served().threshold == 0.25
    assert {row["run"] for row in old.rows("runs", ("run",))} == {"1", "2"}


def test_tidying_keeps_what_is_live_and_drops_what_is_older(catalogue: Catalogue) -> None:
    """However old it is, the version that is live can be read after a clean-up; those before it are gone."""
    days = 2e-5  # 1.7 seconds
    catalogue.upsert("parts", parts("a"))
    time.sleep(2)
    catalogue.upsert("parts", parts("b"))
    live = catalogue.newest("")
    catalogue.upsert("runs", [run_row(versions=json.dumps(live))])
    catalogue.upsert("parts", parts("c"))
    catalogue.compact("parts", days)
    assert min(entry["version"] for entry in catalogue.table("parts").list_versions()) == live["parts"]
    assert set(names(catalogue.served())) == {"a", "b"}
    time.sleep(2)
    catalogue.upsert("parts", parts("d"))
    catalogue.upsert("runs", [run_row(run="2", finished="2", versions=json.dumps(catalogue.newest("")))])
    catalogue.compact("parts", days)
    assert min(entry["version"] for entry in catalogue.table("parts").list_versions()) > live["parts"]
    assert set(names(catalogue.served())) == {"a", "b", "c", "d"}


def test_vector_tables_have_safe_names() -> None:
    """Any model name becomes a table name, and its key is the picture's id."""
    assert vectors_table("ViT-B-32/laion 2B") == "vectors__vit_b_32_laion_2b"
    assert key("vectors__x") == "id"
    assert schema("vectors__x", 8).field("vector").type.list_size == 8
    assert not schema("images").field("id").nullable


def test_reading_makes_nothing(catalogue: Catalogue, tmp_path: Path) -> None:
    """Be it of a table whose first commit is not there, or one that lost its versions; searches are told so."""
    catalogue.upsert("parts", parts("a"))
    catalogue.upsert("runs", [run_row(versions=json.dumps(catalogue.newest("vectors__a")))])
    served = catalogue.served()
    versions = next(tmp_path.rglob("parts.lance/_versions"))
    shutil.rmtree(versions)
    assert catalogue.rows("parts", ("part",)) == []
    with pytest.raises(ValueError, match="none of its versions is there: `partsight audit`"):
        served.rows("parts", ("part",))
    with pytest.raises(ValueError, match="There is no table vectors__b"):
        catalogue.table("vectors__b")
    assert not versions.exists()
    assert "vectors__b" not in catalogue.tables()
