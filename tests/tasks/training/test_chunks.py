"""A library is made once, in chunks; what was half written is made anew."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from tasks.training import chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WRITERS = """
def squares(stem, order):
    stem.with_suffix(".txt").write_text(str(sum(number**2 for number in order)))
    return {"least": min(order)}, len(order)


def broken(stem, order):
    stem.with_suffix(".txt").write_text("half of it")
    raise KeyError(order[0])
"""


@pytest.fixture
def writers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module that other processes can import as well."""
    (tmp_path / "chunk_writers.py").write_text(WRITERS)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield import_module("chunk_writers")
    sys.modules.pop("chunk_writers")


@pytest.fixture
def made(tmp_path: Path, writers: Any) -> Callable[..., list[int]]:
    """Make chunks of squares: how much was there or made, chunk by chunk."""

    def make(orders: list[list[int]], mark: int = 1) -> list[int]:
        counts: list[int] = []
        found = chunks.stocked(tmp_path, orders, writers.squares, 1, counts.append, mark)
        assert [one["least"] for one in found] == [min(order) for order in orders]
        return counts

    return make


def test_only_what_is_missing_is_made(made: Callable[..., list[int]], tmp_path: Path) -> None:
    """A chunk is whole when its JSON is there and says what it was made from."""
    orders = [[1, 2], [3, 4], [5]]
    assert made(orders[:2]) == [2, 2]
    assert (tmp_path / "00001.txt").read_text() == "25"
    for index in range(3):
        (tmp_path / f"{index:05d}.txt").write_text("as it was")
    (tmp_path / "00001.json").unlink()  # stopped while it was written
    assert sorted(made(orders)) == [1, 2, 2]
    assert [(tmp_path / f"{index:05d}.txt").read_text() for index in range(3)] == ["as it was", "25", "25"]


def test_another_order_or_another_way_is_another_chunk(made: Callable[..., list[int]], tmp_path: Path) -> None:
    """What the same folder held of another course is not taken for this one."""
    made([[1, 2]])
    (tmp_path / "00000.txt").write_text("as it was")
    made([[1, 2]], mark=2)
    assert (tmp_path / "00000.txt").read_text() == "5"
    made([[1, 3]], mark=2)
    assert (tmp_path / "00000.txt").read_text() == "10"


def test_what_a_stopped_run_left_is_not_taken_for_the_course_before(
    made: Callable[..., list[int]], writers: Any, tmp_path: Path
) -> None:
    """Another course that was stopped in the middle of a chunk has taken it from the first one."""
    made([[1, 2]])
    with pytest.raises(KeyError):
        chunks.stocked(tmp_path, [[1, 2]], writers.broken, 1, lambda _: None, 2)
    made([[1, 2]])
    assert (tmp_path / "00000.txt").read_text() == "5"
