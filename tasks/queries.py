"""What a catalogue is asked to measure its recall: pictures of its parts that its index has never seen.

Their ids come from what they are made from, so they are kept in the customer's table `queries` and only those that
are missing are made. Which parts are asked is decided by the hash of their number: when parts come and go, the
others are asked as before.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from pydantic import Field

from blocks.customer import Recipe
from tasks.materials import look
from tasks.records import Bytes, Part, Record, content_id, jsonable
from tasks.snapshot import SIZE, SNAPSHOT, Difficulty

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer
    from tasks.progress import Progress
    from tasks.workshop import Workshop

Renderer = Literal["studio", "photoreal", "photo"]
DIFFICULTIES: Final[tuple[Difficulty, ...]] = get_args(Difficulty)
ROUNDS: Final = 4  # pictures of one difficulty by the studio of one part, where there are few parts
TRACED: Final = 0.2  # share of the path tracer, which takes half a second of a core where the studio takes 0.03
_SMALLEST: Final = 8  # parts in a batch
_MANY: Final = 512  # ids in one filter
_BATCHES: Final = 90  # most batches: a flow run stays under 200 task runs


class Query(Record):
    """A picture with the number of the part that it shows.

    `difficulty` is "photo" where nobody says how difficult a photograph is. `picture` are the bytes of a picture
    that is stored; a photograph stays in its `file`, and is opened when it is looked at.
    """

    id: str
    part: str
    difficulty: Difficulty | Literal["photo"]
    renderer: Renderer
    picture: bytes = b""
    file: str = ""

    @property
    def pixels(self) -> Bytes:
        """The picture (h, w, 3) uint8. Raises ValueError with a sentence when its file can't be opened."""
        from pathlib import Path

        from tasks.codec import decode
        from tasks.photograph import opened

        return opened(Path(self.file)) if self.file else decode(self.picture)


class Wanted(Record):
    """A query that should be there, by its id, and what it is made from; `number` tells it from others like it."""

    id: str
    part: Part
    difficulty: Difficulty
    renderer: Literal["studio", "photoreal"]
    number: int


class Plan(Record):
    """Which queries there should be, and those of them that are missing, in batches of parts."""

    wanted: tuple[Wanted, ...]
    missing: tuple[tuple[Wanted, ...], ...]

    @property
    def lacking(self) -> int:
        """How many are missing."""
        return sum(map(len, self.missing))


class Sitting(Record):
    """What is to be made of one part: `mesh` is its GLB, `scale` the mm in one of its units."""

    part: Part
    mesh: bytes
    scale: float
    wanted: tuple[Wanted, ...]


class Prints(Record):
    """The rows of the pictures that came of a sitting, and the seconds it took; or why it failed."""

    part: Part
    rows: tuple[dict[str, Any], ...] = ()
    seconds: float = Field(0.0, ge=0, description="Busy seconds.")
    failure: str = ""


def ready(
    catalogue: Catalogue,
    shown: Catalogue,
    customer: Customer,
    *,
    workers: int,
    run: str,
    progress: Progress,
    renderers: Sequence[str] = (),
) -> tuple[tuple[Query, ...], tuple[str, ...]]:
    """Every query about the parts of `shown`, the missing ones made first; and a sentence for each that failed.

    `renderers` are those that take the pictures; without a name, all that are here.
    """
    from tasks.workshop import Workshop

    planned = plan(catalogue, shown, customer, renderers)
    failures: list[str] = []
    if planned.missing:
        progress.start("queries", planned.lacking)
        with Workshop(workers, pictured, lost) as workshop:
            for batch in planned.missing:
                prints = make(catalogue, shown, batch, customer, workshop, run)
                failures += [one.failure for one in prints if one.failure]
                progress.advance("queries", len(batch))
        progress.finish("queries")
    return stored(catalogue, planned.wanted), tuple(failures)


def plan(catalogue: Catalogue, shown: Catalogue, customer: Customer, renderers: Sequence[str] = ()) -> Plan:
    """Which pictures the active parts with CAD of `shown` are asked with, and which `catalogue` has not yet.

    `shown` is what searches read, or what a run has made: versions of the tables of `catalogue`.
    """
    wanted = choice(active(shown), customer.release.queries, customer.slug, renderers or _renderers())
    there = set(catalogue.read("queries", ("id",))["id"].to_pylist())
    missing: dict[str, list[Wanted]] = {}
    for one in wanted:
        if one.id not in there:
            missing.setdefault(one.part.number, []).append(one)
    numbers = sorted(missing)
    size = max(_SMALLEST, -(-len(numbers) // _BATCHES))
    batches = [numbers[start : start + size] for start in range(0, len(numbers), size)]
    return Plan(
        wanted=wanted, missing=tuple(tuple(one for number in some for one in missing[number]) for some in batches)
    )


def choice(parts: Sequence[Part], most: int, salt: str, renderers: Sequence[str]) -> tuple[Wanted, ...]:
    """At most `most` queries about `parts`, as many of each difficulty; one about each part before a second one.

    Where another renderer than the studio is there, it makes a share of them: one picture of a part.
    """
    chosen: list[Wanted] = []
    if "photoreal" in renderers:
        chosen += [_wanted(part, "photoreal", 0, salt) for part in _drawn(parts, "photoreal", 0)[: int(most * TRACED)]]
    for number in range(ROUNDS):
        left = most - len(chosen)
        for place, kind in enumerate(DIFFICULTIES):
            share = left // len(DIFFICULTIES) + (place < left % len(DIFFICULTIES))
            chosen += [_wanted(part, kind, number, salt) for part in _drawn(parts, kind, number)[:share]]
    return tuple(chosen)


def _drawn(parts: Sequence[Part], kind: str, number: int) -> list[Part]:
    """The parts in the order in which lots are drawn: one that comes or goes changes nothing between the others."""
    return sorted(parts, key=lambda part: content_id("ask", part.number, kind, number))


def _wanted(part: Part, kind: str, number: int, salt: str) -> Wanted:
    if kind == "photoreal":
        drawn = int(content_id("difficulty", part.number), 16)
        return _named(part, DIFFICULTIES[drawn % len(DIFFICULTIES)], "photoreal", number, salt)
    return _named(part, next(one for one in DIFFICULTIES if one == kind), "studio", number, salt)


def _named(
    part: Part, difficulty: Difficulty, renderer: Literal["studio", "photoreal"], number: int, salt: str
) -> Wanted:
    made = (
        part.number,
        part.geometry,
        part.size_mm,
        jsonable(look(part)),
        difficulty,
        _version(renderer),
        SIZE,
        number,
    )
    return Wanted(
        id=content_id("query", *made, salt=salt), part=part, difficulty=difficulty, renderer=renderer, number=number
    )


def make(
    catalogue: Catalogue, shown: Catalogue, batch: Sequence[Wanted], customer: Customer, workshop: Workshop, run: str
) -> list[Prints]:
    """Make the pictures of a batch and commit them; returns what came of each part."""
    prints: list[Prints] = workshop.make(_sittings(shown, batch, customer))
    catalogue.upsert("queries", [{**row, "run": run} for one in prints for row in one.rows])
    return prints


def stored(catalogue: Catalogue, wanted: Sequence[Wanted]) -> tuple[Query, ...]:
    """The queries of `wanted` that are there, in the order of their ids."""
    from lancedb.expr import col

    columns = ("id", "part", "difficulty", "renderer", "image")
    rows: list[dict[str, Any]] = []
    names = sorted(one.id for one in wanted)
    for start in range(0, len(names), _MANY):
        rows += catalogue.rows("queries", columns, col("id").isin(names[start : start + _MANY]))
    return tuple(Query(picture=row.pop("image"), **row) for row in sorted(rows, key=lambda row: str(row["id"])))


def forget_others(catalogue: Catalogue, shown: Catalogue, customer: Customer) -> int:
    """Drop stored pictures that no part as it is now would be asked with; returns how many."""
    from lancedb.expr import col

    rows = catalogue.rows("queries", ("id", "part"))
    asked = {row["part"] for row in rows}
    parts = [part for part in active(shown) if part.number in asked]
    kept = {
        _wanted(part, kind, number, customer.slug).id
        for part in parts
        for number in range(ROUNDS)
        for kind in (*DIFFICULTIES, "photoreal")
    }
    gone = sorted({row["id"] for row in rows} - kept)
    for start in range(0, len(gone), _MANY):
        catalogue.delete("queries", col("id").isin(gone[start : start + _MANY]))
    return len(gone)


def pictured(sitting: Sitting) -> Prints:
    """Take the pictures of a part; never raises for a part that cannot be pictured. Runs in a worker process."""
    from tasks.codec import encode_photograph
    from tasks.geometry import load

    begun = time.perf_counter()
    try:
        vertices, faces = load(sitting.mesh)
        rows = [
            {"id": one.id, "part": one.part.number, "difficulty": one.difficulty, "renderer": one.renderer}
            | {"image": encode_photograph(picture)}
            for one, picture in _pictures(vertices * sitting.scale, faces, sitting)
        ]
    except Exception as error:  # noqa: BLE001 - one mesh that trips a library costs its questions, not the measurement
        return lost(sitting, str(error))
    return Prints(part=sitting.part, rows=tuple(rows), seconds=time.perf_counter() - begun)


def lost(sitting: Sitting, reason: str) -> Prints:
    """What came of a sitting that failed."""
    return Prints(part=sitting.part, failure=f"{sitting.part.number} is not asked for: {reason}")


def _pictures(vertices: Any, faces: Any, sitting: Sitting) -> Iterator[tuple[Wanted, Bytes]]:
    from tasks.snapshot import snapshots

    studio = [one for one in sitting.wanted if one.renderer == "studio"]
    asked = [(one.id, one.difficulty) for one in studio]
    yield from zip(studio, snapshots(vertices, faces, sitting.part, asked), strict=True)
    for one in sitting.wanted:
        if one.renderer == "photoreal":
            from tasks.photoreal import photograph

            yield one, photograph(vertices, faces, sitting.part, one.difficulty, one.id, size=SIZE)


def _sittings(shown: Catalogue, batch: Sequence[Wanted], customer: Customer) -> list[Sitting]:
    from tasks.plan import orders

    of_part: dict[str, list[Wanted]] = {}
    for one in batch:
        of_part.setdefault(one.part.number, []).append(one)
    parts = [some[0].part for some in of_part.values()]
    return [
        Sitting(part=order.part, mesh=order.mesh, scale=order.scale, wanted=tuple(of_part[order.part.number]))
        for order in orders(shown, parts, customer.model_copy(update={"recipe": Recipe()}))
    ]


def active(catalogue: Catalogue) -> tuple[Part, ...]:
    """The active parts that have CAD, by number."""
    from lancedb.expr import col, lit

    columns = ("part", "name", "description", "material", "colour", "geometry", "size_mm")
    rows = catalogue.rows("parts", columns, col("status") == lit("active"))
    found = [
        Part(number=row.pop("part"), **{key: value for key, value in row.items() if value is not None}) for row in rows
    ]
    return tuple(sorted((part for part in found if part.geometry), key=lambda part: part.number))


def _renderers() -> tuple[str, ...]:
    from tasks.photoreal import available

    return ("studio", "photoreal") if available() else ("studio",)


def _version(renderer: str) -> str:
    """What names the pictures of a renderer, also where it is not installed."""
    from tasks import photoreal, render

    return f"{render.RENDERER} {SNAPSHOT}" if renderer == "studio" else photoreal.RENDERER
