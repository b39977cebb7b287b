"""Pictures to learn from on disk: made once, in chunks, each with its geometry and its words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.diffusion.training.captions import Words
from tasks.generate import specimen
from tasks.photoreal import available
from tasks.records import Bytes, Record, generator
from tasks.training import chunks
from tasks.training.library import DRAWN, Key, designs, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tasks.diffusion.training.course import Course
    from tasks.generate import Specimen

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
        files = [f"{chunks.stem(self.folder, at)}.{kind}.npy" for at in range(-(-self.count // CHUNK))]
        return [np.load(file, mmap_mode="r") for file in files]


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
    parts = CHUNK // EACH
    traced = course.traced if available() else 0.0
    orders = [
        (index, tuple(keys[start : start + parts]), course.shape.size, traced)
        for index, start in enumerate(range(0, len(keys), parts))
    ]
    told = chunks.stocked(folder, orders, _write, workers, advance, DRAWN, PHOTOGRAPHED, EACH)
    says = tuple((tuple(names), tuple(found)) for chunk in told for names, found in chunk["says"])
    said = tuple(Words(**words) for chunk in told for words in chunk["said"])
    names = tuple(str(chunk["name"]) for chunk in told)
    return Album(count=len(said), names=names, says=says, said=said, folder=folder)


Order = tuple[int, tuple[Key, ...], int, float]  # which chunk, its parts, pixels, share that is traced


def _write(stem: Path, order: Order) -> tuple[dict[str, Any], int]:
    """Make a chunk."""
    index, keys, size, traced = order
    made = [specimen(*key) for key in keys]
    found = [picture for place in range(len(made)) for picture in _pictures(made, place, index, size, traced)]
    np.save(f"{stem}.images.npy", np.stack([one.image for one in found]))
    np.save(f"{stem}.conditions.npy", np.stack([one.condition for one in found]))
    says = [(one.names, one.says) for one in made for _ in range(EACH)]
    return {"says": says, "said": [one.said.model_dump() for one in found]}, len(found)


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
