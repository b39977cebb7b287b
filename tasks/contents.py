"""What was in a file, ready to be written: its bodies as rows, each geometry once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from tasks.geometry import Shape, digest, shape
from tasks.ingest import Reading
from tasks.inventory import BodyRow
from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROWS = TypeAdapter(tuple[BodyRow, ...])


class Contents(Record):
    """A reading without its meshes, the shapes they became, and the rows that say which body has which."""

    reading: Reading
    shapes: tuple[Shape, ...]
    bodies: tuple[BodyRow, ...]

    @property
    def json_rows(self) -> str:
        """`bodies` as the `files` table keeps them."""
        return written(self.bodies)


def contents(reading: Reading, salt: str) -> Contents:
    """The contents of a reading; ids are salted with the customer."""
    suffix = reading.found.name.rpartition(".")[2].lower()
    pairs = list(_pairs(reading, suffix, salt))
    return Contents(
        reading=reading._replace(bodies=()),
        shapes=tuple({one.geometry: one for one, _ in pairs}.values()),
        bodies=tuple(row for _, row in pairs),
    )


def written(bodies: tuple[BodyRow, ...]) -> str:
    """Bodies as a row of the `files` table keeps them."""
    return _ROWS.dump_json(bodies).decode()


def rows(text: str) -> tuple[BodyRow, ...]:
    """The bodies in a row of the `files` table."""
    return _ROWS.validate_json(text)


def _pairs(reading: Reading, suffix: str, salt: str) -> Iterator[tuple[Shape, BodyRow]]:
    names: dict[tuple[int, int], str] = {}  # bodies under several names share their arrays
    known: dict[str, Shape] = {}
    for body in reading.bodies:
        arrays = id(body.vertices), id(body.faces)
        if arrays not in names:
            names[arrays] = digest(body, salt)
        name = names[arrays]
        if name not in known:
            known[name] = shape(body, suffix, name)
        said = body.model_dump(include={"name", "path", "count", "colour", "material"})
        yield known[name], BodyRow(geometry=name, **said)
