"""A library on disk in chunks, each made once: what is missing is made, by several processes, and nothing else."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Protocol

from tasks.records import content_id
from tasks.workshop import one_core

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


class Writer(Protocol):
    """Writes the arrays of a chunk into files that begin with `stem`; returns what its JSON says, and how much it is.

    It is a function of a module, since other processes call it.
    """

    def __call__(self, stem: Path, order: Any) -> tuple[dict[str, Any], int]:
        """Make what `order` asks for."""


def stocked(
    folder: Path, orders: Sequence[Any], write: Writer, workers: int, advance: Callable[[int], None], *mark: object
) -> list[dict[str, Any]]:
    """What the JSON of each chunk in `folder` says, one for each of `orders`; only those that it lacks are made.

    A chunk is known by its order and by `mark`. `advance` is told how much each holds. Its JSON is written last, so
    that a chunk that was being written when the run was stopped is made anew.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = []
    for index, order in enumerate(orders):
        there, name = told(folder, index), content_id(order, *mark)
        if there.get("name") == name:
            advance(int(there["count"]))
        else:
            missing.append((write, folder, index, order, name))
    if missing:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=one_core) as pool:
            for count in pool.map(_made, missing):
                advance(count)
    return [told(folder, index) for index in range(len(orders))]


def stem(folder: Path, index: int) -> Path:
    """What the files of a chunk begin with."""
    return folder / f"{index:05d}"


def told(folder: Path, index: int) -> dict[str, Any]:
    """What the JSON of a chunk says; nothing where there is none."""
    try:
        return dict(json.loads(stem(folder, index).with_suffix(".json").read_text()))
    except (OSError, ValueError):
        return {}


def _made(job: tuple[Writer, Path, int, Any, str]) -> int:
    write, folder, index, order, name = job
    stem(folder, index).with_suffix(".json").unlink(missing_ok=True)  # of another course, whose files are replaced now
    says, count = write(stem(folder, index), order)
    file = stem(folder, index).with_suffix(".new")
    file.write_text(json.dumps({**says, "name": name, "count": count}))
    file.replace(file.with_suffix(".json"))
    return count
