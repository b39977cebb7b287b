"""A table is made once: who comes later, or at the same time, changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from moto_server import served

from blocks.catalogue import Catalogue
from blocks.founding import found
from blocks.tables import DECLARED, declared


@pytest.fixture(params=["disk", "s3"])
def catalogue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalogue]:
    """An empty database, on a disk and in a bucket."""
    if request.param == "disk":
        yield Catalogue(uri=str(tmp_path / "db"))
        return
    with served("founding") as server:
        yield Catalogue(uri="s3://founding/acme", storage_options=server.options)  # type: ignore[arg-type]


def test_of_many_at_once_one_makes_it(catalogue: Catalogue) -> None:
    """It is empty, knows its key, and nothing is left beside it but the words of those who came too late."""
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: found(catalogue.storage(), "parts", declared("parts")), range(8)))
    assert sorted(made) == [False] * 7 + [True]
    table = catalogue.table("parts")
    assert (table.version, table.count_rows()) == (1, 0)
    assert any(word == DECLARED for word in table.schema.field("part").metadata)
    names = [name for name in catalogue.storage().sizes() if "/_transactions/" not in name]
    assert {name.partition("/")[2].rpartition("/")[0] for name in names} == {"_versions"}


def test_what_others_left_is_made_a_table(catalogue: Catalogue) -> None:
    """A folder without a version: of another writer that was killed before its first commit."""
    catalogue.storage().write("parts.lance/_transactions/0-x.txn", b"nothing")
    assert found(catalogue.storage(), "parts", declared("parts"))
    assert catalogue.table("parts").version == 1


def test_who_comes_late_takes_nothing_away(catalogue: Catalogue) -> None:
    """Who had looked before there was a table: LanceDB's own way would have put an empty one in its place."""
    catalogue.upsert("parts", [{"part": "a"}])
    assert not found(catalogue.storage(), "parts", declared("parts"))
    assert catalogue.rows("parts", ("part",)) == [{"part": "a"}]
    catalogue.upsert("parts", [{"part": "b"}])
    assert len(catalogue.rows("parts", ("part",))) == 2
