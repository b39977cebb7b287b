"""The fast comparison gives what a loop over all rows gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from blocks.catalogue import Catalogue
from tasks import likeness as module
from tasks.likeness import Likeness, likeness
from tasks.records import generator

TABLE = "vectors__test"
PARTS = ("a", "b", "c", "d")
KINDS = ("view", "variant", "photo")


@pytest.fixture(scope="module")
def rows() -> list[dict[str, object]]:
    """Forty rows of four parts and another one, in no order; `d` has photographs alone."""
    rng = generator("likeness")
    made = []
    for place in range(40):
        vector = rng.normal(size=8)
        part = (*PARTS, "gone")[int(rng.integers(5))]
        kind = "photo" if part == "d" else KINDS[int(rng.integers(2))]
        made.append({"id": f"{place:02d}", "part": part, "kind": kind, "vector": vector / np.linalg.norm(vector)})
    return made


@pytest.fixture(params=[8192, 7], ids=["one batch", "many batches"])
def found(
    request: pytest.FixtureRequest, tmp_path: Path, rows: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> Likeness:
    """Five queries compared with them."""
    monkeypatch.setattr(module, "_ROWS", request.param)
    catalogue = Catalogue(uri=str(tmp_path / "db"))
    catalogue.upsert(TABLE, rows, dimension=8)
    return likeness(catalogue, TABLE, queries(), [*PARTS, "never seen"])


def queries() -> np.ndarray:
    """Two looks at each of five pictures, as unit vectors."""
    vectors = generator("queries").normal(size=(5, 2, 8)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=2, keepdims=True)


def test_each_cosine_is_that_of_the_most_similar_row(found: Likeness, rows: list[dict[str, object]]) -> None:
    """For every query, part and choice of kinds; -inf where the part has no such picture."""
    assert found.parts == PARTS
    for kinds in (("view",), ("variant",), ("view", "variant"), KINDS):
        given = found.of(kinds)
        for query, looks in enumerate(queries()):
            for place, part in enumerate(PARTS):
                cosines = [max(looks @ row["vector"]) for row in rows if row["part"] == part and row["kind"] in kinds]
                assert given[query, place] == pytest.approx(max(cosines, default=-np.inf), abs=1e-6)


def test_each_picture_is_the_most_similar_one(found: Likeness, rows: list[dict[str, object]]) -> None:
    """Its id is that of the row with the highest cosine, of whatever kind."""
    for query, looks in enumerate(queries()):
        for place, part in enumerate(PARTS):
            mine = [row for row in rows if row["part"] == part]
            assert found.image(query, place) == max(mine, key=lambda row: max(looks @ row["vector"]))["id"]
