"""A large table is written to as quickly as it was when its index was new; what a process remembers is never wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from blocks import upkeep
from blocks.catalogue import Catalogue
from blocks.tables import key, schema, vectors_table

ROOT = Path(__file__).parents[2]
TABLE = vectors_table("upkeep")
REMADE = """
import sys
from blocks.catalogue import Catalogue

catalogue = Catalogue(uri=sys.argv[1])
catalogue.drop("parts")
catalogue.upsert("parts", [{"part": "new", "name": "new", "status": "active"}])
"""


def vectors(start: int, count: int, dimension: int = 4) -> list[dict[str, Any]]:
    """Rows of a vectors table."""
    row: dict[str, Any] = {"part": "P", "kind": "view", "material": ""}
    return [row | {"id": f"v{number}", "vector": np.full(dimension, number)} for number in range(start, start + count)]


def test_many_small_commits_are_merged_and_all_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of many small files becomes one of few, on the way; no version that was there goes."""
    monkeypatch.setattr(upkeep, "FRAGMENTS", 16)
    monkeypatch.setattr(upkeep, "LOOKS", 8)
    catalogue = Catalogue(uri=str(tmp_path / "db"))
    for number in range(40):
        catalogue.upsert(TABLE, vectors(10 * number, 15), dimension=4)  # five of each commit are in the next one too
    table = catalogue.table(TABLE)
    state: Any = table.stats()
    assert state["fragment_stats"]["num_fragments"] < 24
    assert sorted(row["id"] for row in catalogue.rows(TABLE, ("id",))) == sorted(f"v{n}" for n in range(405))
    assert len(table.list_versions()) >= 40


def read_so_far() -> int:
    """Bytes that this process has read of files, by the kernel's count."""
    return int(Path("/proc/self/io").read_text(encoding="ascii").split()[1])


def test_a_commit_beside_an_index_that_lacks_rows_reads_the_keys_alone(tmp_path: Path) -> None:
    """With the key's index in use, it would read all columns of the rows that the index lacks."""
    catalogue = Catalogue(uri=str(tmp_path / "db"))
    catalogue.upsert(TABLE, vectors(0, 100, 512), dimension=512)
    catalogue.index(TABLE)
    drawn = pa.array(np.random.default_rng(0).standard_normal(512 * 4096, np.float32))
    values = pa.FixedSizeListArray.from_arrays(drawn, 512)
    same = {"part": ["P"] * 4096, "kind": ["view"] * 4096, "material": [""] * 4096, "vector": values}
    for number in range(12):
        names = [f"later{number}-{at}" for at in range(4096)]
        catalogue.table(TABLE).add(pa.table({"id": names} | same, schema(TABLE, 512)))
    spent: dict[bool, list[int]] = {False: [], True: []}
    for at in range(6):
        rows, indexed = vectors(1000 + 16 * at, 16, 512), bool(at % 2)
        begun = read_so_far()
        if indexed:
            merge = catalogue.table(TABLE).merge_insert(key(TABLE)).when_matched_update_all()
            merge.when_not_matched_insert_all().execute(catalogue._arrow(TABLE, rows, 512))
        else:
            catalogue.upsert(TABLE, rows, dimension=512)
        spent[indexed].append(read_so_far() - begun)
    assert min(spent[False]) < min(spent[True]) / 10, spent
    assert catalogue.table(TABLE).count_rows() == 100 + 12 * 4096 + 6 * 16


def test_a_table_that_another_process_made_anew_is_read_as_it_is(tmp_path: Path) -> None:
    """It has the versions' numbers of the one that this process remembers, and other rows."""
    catalogue = Catalogue(uri=str(tmp_path / "db"))
    catalogue.upsert("parts", [{"part": "old", "name": "old", "status": "active"}])
    before = catalogue.table("parts").version
    assert [row["part"] for row in catalogue.rows("parts", ("part",))] == ["old"]
    subprocess.run([sys.executable, "-c", REMADE, catalogue.uri], cwd=ROOT, check=True)
    assert catalogue.table("parts").version == before
    assert [row["part"] for row in catalogue.rows("parts", ("part",))] == ["new"]
    catalogue.upsert("parts", [{"part": "newer", "name": "newer", "status": "active"}])
    assert {row["part"] for row in catalogue.rows("parts", ("part",))} == {"new", "newer"}
