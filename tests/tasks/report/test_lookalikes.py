"""Look-alikes are parts whose pictures are as like one another's as they are like their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from blocks.catalogue import Catalogue
from tasks.records import bytes_id
from tasks.report.lookalikes import groups

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "vectors__tiny"


def rows(part: str, shape: int, spread: float = 0.3, other: float = 0.02, count: int = 12) -> list[dict[str, Any]]:
    """Vectors of `count` views of `part`: `spread` around its shape's direction, `other` away from the shape's own."""
    common, own = np.random.default_rng(shape), np.random.default_rng([*part.encode()])
    made = common.normal(size=64) + spread * common.normal(size=(count, 64)) + other * own.normal(size=64)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    names = [bytes_id(f"{part}{place}".encode()) for place in range(count)]
    return [
        {"id": name, "part": part, "kind": "view", "vector": vector.astype(np.float32)}
        for name, vector in zip(names, made, strict=True)
    ]


def filled(folder: Path, vectors: list[dict[str, Any]]) -> Catalogue:
    """A catalogue with those vectors."""
    made = Catalogue(uri=str(folder))
    made.upsert(TABLE, vectors, dimension=64)
    return made


def test_parts_around_one_direction_are_a_group_and_others_are_none(tmp_path: Path) -> None:
    """Three bolts that differ by less than their own pictures do are found; brackets stand alone."""
    bolts = [row for part in ("bolt-20", "bolt-25", "bolt-30") for row in rows(part, shape=1)]
    others = [row for place in range(2, 9) for row in rows(f"bracket-{place}", shape=place)]
    parts = sorted({row["part"] for row in bolts + others})
    found = groups(filled(tmp_path, bolts + others), TABLE, parts)
    assert [group.parts for group in found] == [("bolt-20", "bolt-25", "bolt-30")]
    assert found[0].likeness > 0.99


def test_the_limit_follows_the_catalogue(tmp_path: Path) -> None:
    """The same small difference is none where views differ much, and tells apart where they differ little."""
    for spread, wanted in ((0.5, [("a", "b")]), (0.05, [])):
        pair = [row for part in "ab" for row in rows(part, shape=1, spread=spread, other=0.1)]
        others = [row for place in range(2, 6) for row in rows(f"c{place}", shape=place, spread=spread)]
        parts = sorted({row["part"] for row in pair + others})
        found = groups(filled(tmp_path / str(spread), pair + others), TABLE, parts)
        assert [group.parts for group in found] == wanted


def test_a_chain_is_not_one_group(tmp_path: Path) -> None:
    """Parts in a row, each like the next alone, do not all end in one group: first and last are not alike."""
    first, last = (np.array([row["vector"] for row in rows("end", shape=shape)]) for shape in (1, 2))
    vectors = []
    for place in range(9):
        step = rows(f"p{place}", shape=1)
        for row, mixed in zip(step, first + place / 8 * (last - first), strict=True):
            row["vector"] = mixed.astype(np.float32)
        vectors += step
    found = groups(filled(tmp_path, vectors), TABLE, [f"p{place}" for place in range(9)])
    assert found
    assert max(len(group.parts) for group in found) < 6


def test_the_order_of_rows_does_not_count(tmp_path: Path) -> None:
    """The same vectors written in another order give the same groups."""
    vectors = [row for place in range(6) for row in rows(f"p{place}", shape=place // 2)]
    parts = [f"p{place}" for place in range(6)]
    forward = groups(filled(tmp_path / "one", vectors), TABLE, parts)
    backward = groups(filled(tmp_path / "two", vectors[::-1]), TABLE, parts[::-1])
    assert forward
    assert [group.parts for group in forward] == [group.parts for group in backward]


def test_only_the_parts_that_are_asked_for_are_compared(tmp_path: Path) -> None:
    """A retired part whose vectors are still there is in no group."""
    vectors = [row for part in ("a", "b", "gone") for row in rows(part, shape=1)]
    found = groups(filled(tmp_path, vectors), TABLE, ["a", "b"])
    assert [group.parts for group in found] == [("a", "b")]


def test_nothing_to_compare_gives_no_groups(tmp_path: Path) -> None:
    """No table, no vectors, or one part alone: nothing looks like anything."""
    assert groups(Catalogue(uri=str(tmp_path / "none")), TABLE, ["a", "b"]) == ()
    assert groups(filled(tmp_path / "one", rows("a", shape=1)), TABLE, ["a"]) == ()
    assert groups(filled(tmp_path / "other", rows("a", shape=1)), TABLE, ["x", "y"]) == ()
