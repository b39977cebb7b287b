"""Views of made-up parts on disk: what the CAD knows of every pixel, rendered once, lit anew at each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks import codec
from tasks.generate import families, specimen
from tasks.records import Bytes, Part, Record, generator
from tasks.render import RENDERER
from tasks.rig import MATERIALS, cameras, roaming
from tasks.training import chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tasks.generate import Specimen
    from tasks.records import Camera

DRAWN: Final = "families-1"  # change it when a family draws other parts: the library is then made anew
SIZE: Final = 112  # pixels: the part fills them, training looks at fewer
VIEWS: Final = 10
PLAIN: Final = 4  # of them from the rig's own cameras, upright; the others roam
CHANNELS: Final = 8  # red, green, blue on the studio's backdrop, silhouette, normal x y z, depth
CHUNK: Final = 32  # parts in a file
SIBLINGS: Final = 4

Key = tuple[str, int, int]


class Shelf(Record):
    """What stands in the library: parts (family, series, sibling), captions' words, and where the views are."""

    parts: tuple[Key, ...]
    says: tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...]  # names, attributes, material
    folder: Any

    def open(self) -> list[Bytes]:
        """One memory map (32, 10, 112, 112, 8) uint8 for each 32 parts."""
        count = -(-len(self.parts) // CHUNK)
        return [np.load(f"{chunks.stem(self.folder, index)}.npy", mmap_mode="r") for index in range(count)]


def plan(series: dict[str, int], *, first: int = 0) -> tuple[Key, ...]:
    """Keys of `series[family]` designs of each family from design `first` on, all siblings, first designs first."""
    return tuple(
        (family, number, sibling)
        for number in range(first, first + max(series.values()))
        for family, count in series.items()
        if number < first + count
        for sibling in range(SIBLINGS)
    )


def stocked(folder: Path, keys: Sequence[Key], workers: int, advance: Callable[[int], None]) -> Shelf:
    """The library in `folder` with the views of all `keys`; only the chunks that it lacks are rendered.

    `advance` is told of each chunk's parts. A chunk that was being written when the run was stopped is made anew.
    """
    orders = [tuple(keys[start : start + CHUNK]) for start in range(0, len(keys), CHUNK)]
    told = chunks.stocked(folder, orders, _write, workers, advance, DRAWN, RENDERER, VIEWS, SIZE)
    says = tuple((tuple(names), tuple(found), look) for chunk in told for names, found, look in chunk["says"])
    return Shelf(parts=tuple(keys), says=says, folder=folder)


def _write(stem: Path, order: tuple[Key, ...]) -> tuple[dict[str, Any], int]:
    """Render a chunk."""
    views = np.zeros((len(order), VIEWS, SIZE, SIZE, CHANNELS), np.uint8)
    says = []
    for place, key in enumerate(order):
        made = specimen(*key)
        says.append((made.names, made.says, made.material))
        for number, picture in enumerate(pictures(made)):
            views[place, number] = picture
    np.save(f"{stem}.npy", views)
    return {"says": says}, len(order)


def pictures(made: Specimen) -> Iterator[Bytes]:
    """The views of one part, each (112, 112, 8) uint8: some as the index has them, the others from anywhere."""
    from tasks.render import Studio

    part = made.part
    rng = generator("library", made.number)
    studio = Studio(SIZE)
    stands = _stands(made, rng)
    dressed = part.replace(material=_material(part, rng))
    for _, view in studio.taken(made.vertices, made.faces, dressed, stands, made.number):
        yield codec.packed(view)


def _stands(made: Specimen, rng: np.random.Generator) -> dict[int, Camera]:
    from blocks.customer import Render

    rig = cameras(made.vertices, Render(views=16, size=SIZE), made.number)
    plain = [rig[int(place)] for place in rng.choice(len(rig), PLAIN, replace=False)]
    return dict(enumerate([*plain, *roaming(made.vertices, VIEWS - PLAIN, SIZE, made.number)]))


def _material(part: Part, rng: np.random.Generator) -> str:
    """The part's own material, or any other: what it is made of is not what it is."""
    return part.material if rng.random() < 0.6 else str(rng.choice(sorted(MATERIALS)))


def designs(trained: int, printed: int, composed: int) -> dict[str, int]:
    """How many designs of each family are trained on: irregular families have more, held-out ones none."""
    from tasks.generate import composed as freely
    from tasks.generate import printed as prints

    many = {family.name: composed for family in freely.FAMILIES} | {family.name: printed for family in prints.FAMILIES}
    return {name: many.get(name, trained) for name, family in families().items() if not family.held_out}
