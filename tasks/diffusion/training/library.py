"""Pictures to learn from on disk: made once, in chunks, each with its geometry and its words."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.diffusion.training.captions import Words
from tasks.generate import specimen
from tasks.photoreal import available
from tasks.records import Bytes, Record, content_id, generator
from tasks.training.library import DRAWN, designs, plan
from tasks.workshop import one_core

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tasks.diffusion.training.course import Course
    from tasks.generate import Specimen
    from tasks.training.library import Key

PHOTOGRAPHED: Final = "diffusion-1"  # change it when the same seed gives another picture: the library is made anew
CHUNK: Final = 32  # pictures in a file
EACH: Final = 4  # pictures of a part
UNSEEN: Final = 1000  # designs from this number on are never trained on
SHOWN: Final = 32  # pictures of such designs, for sheets

Says = tuple[tuple[str, ...], tuple[str, ...]]


class Album(Record):
    """What stands in the library: how many pictures, what is said of each, and where they are."""

    count: int
    names: tuple[str, ...]  # of the chunks: what each is made from
    says: tuple[Says, ...]  # names and attributes of the part
    said: tuple[Words, ...]
    folder: Any

    def images(self) -> list[Bytes]:
        """One memory map (32, s, s, 3) uint8 for each 32 pictures."""
        return self._open("images")

    def conditions(self) -> list[Bytes]:
        """One memory map (32, s, s, 4) uint8 for each 32 pictures."""
        return self._open("conditions")

    def _open(self, kind: str) -> list[Bytes]:
        return [np.load(self.folder / f"{at:05d}.{kind}.npy", mmap_mode="r") for at in range(-(-self.count // CHUNK))]


def planned(course: Course) -> tuple[Key, ...]:
    """Parts to photograph, in an order in which the first ones are of all kinds."""
    keys = plan(designs(*course.designs))
    count = -(-course.pictures // EACH)
    shuffled = [keys[int(place)] for place in generator("album", course.seed).permutation(len(keys))]
    return tuple(shuffled[place % len(keys)] for place in range(count))


def unseen(course: Course) -> tuple[Key, ...]:
    """Parts of designs that nothing is trained on."""
    keys = plan({name: 1 for name, count in designs(*course.designs).items() if count}, first=UNSEEN)
    order = generator("unseen", course.seed).permutation(len(keys))
    return tuple(keys[int(place)] for place in order[: SHOWN // EACH])


def stocked(folder: Path, keys: Sequence[Key], course: Course, workers: int, advance: Callable[[int], None]) -> Album:
    """The library in `folder` with four pictures of each of `keys`; only the chunks that it lacks are made.

    `advance` is told of each chunk's pictures. A chunk that was being written when the run was stopped is made anew.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = CHUNK // EACH
    traced = course.traced if available() else 0.0
    missing = []
    for index, start in enumerate(range(0, len(keys), parts)):
        order = (folder, index, tuple(keys[start : start + parts]), course.shape.size, traced)
        if _named(folder, index) == _name(order):
            advance(len(order[2]) * EACH)
        else:
            missing.append(order)
    if missing:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=one_core) as pool:
            for count in pool.map(_write, missing):
                advance(count)
    return opened(folder, -(-len(keys) // parts))


def opened(folder: Path, chunks: int) -> Album:
    """The first `chunks` of the library in `folder`."""
    told = [json.loads((folder / f"{index:05d}.json").read_text()) for index in range(chunks)]
    says = tuple((tuple(names), tuple(found)) for chunk in told for names, found in chunk["says"])
    said = tuple(Words(**words) for chunk in told for words in chunk["said"])
    names = tuple(str(chunk["name"]) for chunk in told)
    return Album(count=len(said), names=names, says=says, said=said, folder=folder)


Order = tuple[Any, int, tuple[tuple[str, int, int], ...], int, float]


def _name(order: Order) -> str:
    """What a chunk is made from, as a name."""
    return content_id(order[1:], DRAWN, PHOTOGRAPHED, EACH)


def _named(folder: Path, index: int) -> str:
    try:
        return str(json.loads((folder / f"{index:05d}.json").read_text())["name"])
    except (OSError, ValueError):
        return ""


def _write(order: Order) -> int:
    """Make a chunk; its JSON is written last, so that a chunk with one is whole."""
    folder, index, keys, size, traced = order
    made = [specimen(*key) for key in keys]
    found = [picture for place in range(len(made)) for picture in _pictures(made, place, index, size, traced)]
    np.save(folder / f"{index:05d}.images.npy", np.stack([one.image for one in found]))
    np.save(folder / f"{index:05d}.conditions.npy", np.stack([one.condition for one in found]))
    says = [(one.names, one.says) for one in made for _ in range(EACH)]
    told = {"name": _name(order), "says": says, "said": [one.said.model_dump() for one in found]}
    (folder / f"{index:05d}.new").write_text(json.dumps(told))
    (folder / f"{index:05d}.new").replace(folder / f"{index:05d}.json")
    return len(found)


def _pictures(made: Sequence[Specimen], place: int, index: int, size: int, traced: float) -> list[Any]:
    """Four pictures of the part at `place` of a chunk, the others of the chunk around it."""
    from tasks.diffusion.training.photographs import photograph

    others = [(one.vertices, one.faces) for number, one in enumerate(made) if number != place]
    pictures = []
    for number in range(EACH):
        seed = (index, place, number)
        how = generator("how", *seed).random() < traced
        pictures.append(photograph(made[place], seed, size, others, traced=how))
    return pictures
