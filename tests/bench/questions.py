"""What is asked: pictures of parts that no index has seen, from three makers.

    photoreal   our own path tracer: one clean and one cluttered picture of each part, others of the catalogue about
    studio      the queries that `partsight evaluate` asks: clean, cluttered, occluded
    photo       pictures that came with the real parts, traced by somebody else's program

Traced pictures are kept in build/recall/traced, named by all that they are made from.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galleries import KEPT, REAL, ROOT, Gallery

from blocks.customer import Release
from tasks import queries
from tasks.codec import encode_photograph
from tasks.geometry import load
from tasks.materials import look
from tasks.plan import orders
from tasks.progress import Silent
from tasks.queries import Query
from tasks.records import Part, Record, bytes_id, content_id, generator, jsonable
from tasks.snapshot import SIZE, Difficulty
from tasks.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tasks.pictures import Order

NEIGHBOURS = 4
TRACED: tuple[Difficulty, ...] = ("clean", "cluttered")
WORDS = {"clean": "clean", "clutter": "cluttered"}


class Shot(Record):
    """A picture that is to be traced: `mesh` is the part's GLB, `scale` the mm in one of its units."""

    file: Path
    part: Part
    mesh: bytes
    scale: float
    difficulty: Difficulty
    neighbours: tuple[tuple[bytes, float], ...]


def asked(gallery: Gallery, most: int, advance: Callable[[str, int, int], None]) -> list[Query]:
    """Every question about the parts of `gallery`, about at most `most` of them where we make the pictures."""
    return [*traced(gallery, most, advance), *studio(gallery, most), *given(gallery)]


def traced(gallery: Gallery, most: int, advance: Callable[[str, int, int], None]) -> list[Query]:
    """One clean and one cluttered picture by the path tracer of each part."""
    shots = list(_shots(gallery, _some(gallery, most)))
    missing = [shot for shot in shots if not shot.file.exists()]
    workers = os.cpu_count() or 1
    with Workshop(workers, shoot, lambda shot, reason: f"{shot.part.number}: {reason}") as workshop:
        for start in range(0, len(missing), 4 * workers):
            advance(gallery.customer.slug, start, len(missing))
            if wrong := [said for said in workshop.make(missing[start : start + 4 * workers]) if said]:
                raise SystemExit(wrong[0])
    return [
        Query(
            id=shot.file.stem,
            part=shot.part.number,
            difficulty=shot.difficulty,
            renderer="photoreal",
            picture=shot.file.read_bytes(),
        )
        for shot in shots
    ]


def shoot(shot: Shot) -> str:
    """Trace a picture and keep it; an empty string, or what went wrong. Runs in a worker process."""
    from tasks.photoreal import photograph

    around = [_mesh(*one) for one in shot.neighbours]
    vertices, faces = _mesh(shot.mesh, shot.scale)
    try:
        picture = photograph(vertices, faces, shot.part, shot.difficulty, shot.file.stem, size=SIZE, neighbours=around)
    except ValueError as error:
        return f"{shot.part.number}: {error}"
    part = shot.file.with_suffix(f".{os.getpid()}")
    part.write_bytes(encode_photograph(picture))
    part.rename(shot.file)
    return ""


def studio(gallery: Gallery, most: int) -> list[Query]:
    """One picture of each difficulty that the product itself would ask with, of each part."""
    count = len(queries.DIFFICULTIES) * len(gallery.parts)
    customer = gallery.customer.model_copy(update={"release": Release(queries=count)})
    some = {part.number for part in _some(gallery, most)}
    found, wrong = queries.ready(
        gallery.catalogue,
        gallery.shown,
        customer,
        workers=os.cpu_count() or 1,
        run="bench",
        progress=Silent(),
        renderers=("studio",),
    )
    if wrong:
        raise SystemExit(wrong[0])
    return [query for query in found if query.part in some]


def given(gallery: Gallery) -> list[Query]:
    """The pictures that came with the real parts, `<part>__<k>__<clean|clutter>.jpg`; a part is named by its STL."""
    if gallery.made:
        return []
    of_file = {
        Path(one.file).stem: number
        for number, part in gallery.parts.items()
        for one in part.occurrences
        if one.file.lower().endswith(".stl")
    }
    found = []
    for path in sorted((REAL.parent / f"{REAL.name}-photos").glob("*.jpg")):
        name, _, word = path.stem.split("__")
        where: dict[str, Any] = {"part": of_file[name], "difficulty": WORDS[word], "renderer": "photo"}
        found.append(Query(id=bytes_id(path.read_bytes()), file=str(path), **where))
    return found


def _some(gallery: Gallery, most: int) -> list[Part]:
    """At most `most` of the parts, drawn by the hash of their number."""
    drawn = sorted(gallery.parts.values(), key=lambda part: content_id("asked", part.number))
    return sorted(drawn[:most], key=lambda part: part.number)


def _shots(gallery: Gallery, some: Sequence[Part]) -> Iterator[Shot]:
    folder = KEPT / "traced"
    folder.mkdir(parents=True, exist_ok=True)
    stock = orders(gallery.shown, list(gallery.parts.values()), gallery.customer)
    of_part = {order.part.number: order for order in stock}
    for part in some:
        for difficulty in TRACED:
            around = _neighbours(part, stock) if difficulty != "clean" else []
            seed = [_named(order.part) for order in (of_part[part.number], *around)]
            yield Shot(
                file=folder / f"{content_id('traced', seed, difficulty, SIZE, tracer())}.jpg",
                part=part,
                mesh=of_part[part.number].mesh,
                scale=of_part[part.number].scale,
                difficulty=difficulty,
                neighbours=tuple((order.mesh, order.scale) for order in around),
            )


def _neighbours(part: Part, stock: Sequence[Order]) -> list[Order]:
    """Other parts of the catalogue that may lie about."""
    others = [order for order in stock if order.part.geometry != part.geometry]
    drawn = generator("neighbours", part.number).permutation(len(others))[:NEIGHBOURS]
    return [others[int(place)] for place in drawn]


def _named(part: Part) -> tuple[object, ...]:
    return part.geometry, part.size_mm, jsonable(look(part))


@cache
def tracer() -> str:
    """Name of the path tracer as it is now: its pictures change with its code."""
    sources = [ROOT / "tasks" / "materials.py", *sorted((ROOT / "tasks" / "photoreal").glob("*.py"))]
    return bytes_id(b"\0".join(path.read_bytes() for path in sources))


def _mesh(data: bytes, scale: float) -> Any:
    vertices, faces = load(data)
    return vertices * scale, faces
