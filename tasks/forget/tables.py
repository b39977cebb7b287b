"""A customer's tables without some parts: what gives the parts away, and the tables written anew.

Two versions of a table may count: the one that searches read, and the newest where a run was stopped or refused since.
Both are written anew, one after the other, so that searches and the next run find what they would have found.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from blocks.catalogue import SLACK
from blocks.tables import SERVED, VECTORS, key
from tasks.forget import doom as dooms
from tasks.forget.traces import MANY, Sieve, Trace, piece, pieces, text, vector
from tasks.records import bytes_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from blocks.catalogue import Catalogue
    from tasks.forget.doom import Doom

    Note = Callable[[tuple[int, ...]], None]

_BLOBS: Final = {"image": "picture", "depth": "depth", "mask": "mask", "normals": "normals"}
_SAYS: Final = ("parts", "shapes")  # their texts are looked for however many there are, and those of files
AT_ONCE: Final = 128  # rows in memory


def batches(catalogue: Catalogue, table: str, version: int = 0) -> Iterator[pa.Table]:
    """All rows of a version of a table, the newest without one, some at a time."""
    import pyarrow as pa

    opened = catalogue.table(table)
    if version:
        opened.checkout(version)
    for batch in opened.search().to_batches(AT_ONCE):
        yield pa.Table.from_batches([batch])


def pinned(catalogue: Catalogue) -> dict[str, int]:
    """The version of each table that searches read."""
    served = catalogue.served()
    return dict(served.versions or {}) if served.vectors else {}


def contents(rows: pa.Table) -> Iterator[tuple[str, bytes]]:
    """The content of each column with texts, bytes or vectors, as one run of bytes; texts are a line each."""
    import pyarrow as pa

    for name in rows.schema.names:
        column, kind = rows[name], rows.schema.field(name).type
        if pa.types.is_string(kind):
            yield name, "\n".join(value for value in column.to_pylist() if value).encode()
        elif pa.types.is_large_binary(kind):
            yield name, b"".join(value for value in column.to_pylist() if value)
        elif pa.types.is_fixed_size_list(kind):
            yield name, b"".join(piece.flatten().to_numpy(zero_copy_only=False).tobytes() for piece in column.chunks)


def traces(catalogue: Catalogue, doom: Doom, more: bytes = b"", most: int | None = None) -> tuple[Trace, ...]:
    """What gives the parts away, held against everything that stays: all rows, and `more` beside them.

    All that says in words which parts they were, however many; of pictures, meshes, vectors and ids of pictures, some.
    With `most`, no more than so many of each table.
    """
    live = pinned(catalogue)
    versions = [
        (table, number)
        for table in catalogue.tables()
        for number in {int(catalogue.table(table).version), live.get(table, 0)} - {0}
    ]
    found = [one for table, number in versions for one in islice(_of(catalogue, table, number, doom), most)]
    sieve = Sieve(found)
    sieve.lies_beside(more)
    for table, number in versions:
        sieve.lies_beside(" ".join((table, *catalogue.table(table).schema.names)).encode())
        for rows in batches(catalogue, table, number):
            left = dooms.without_what_is_said(rows) if table == "runs" else doom.stays(table, rows)
            for _, data in contents(left):
                sieve.stays(data)
    return sieve.traces()


def _of(catalogue: Catalogue, table: str, version: int, doom: Doom) -> Iterator[Trace]:
    """What the rows of one table give away; of pictures, some."""
    if table == "files":
        for row, bodies in dooms.bodies_of(catalogue, doom):
            yield from (one for body in bodies for one in text("name of a body", body.name))
            if row["id"] in doom.files:
                yield from (*text("id of a file", row["id"]), *text("name of a file", row["name"]))
                yield from text("digest of a file", row["digest"])
    left = MANY
    for rows in batches(catalogue, table, version):
        for row in _gone(table, rows, doom):
            for one in _row(table, row):
                if (one.text and table in _SAYS) or left > 0:
                    left -= 1
                    yield one


def _gone(table: str, rows: pa.Table, doom: Doom) -> list[dict[str, Any]]:
    """The rows that go."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kept = doom.stays(table, rows)
    if kept.num_rows == rows.num_rows:
        return []
    name = key(table)
    among = pc.is_in(rows[name], value_set=pa.array(kept[name].to_pylist(), rows[name].type))
    return list(rows.filter(pc.invert(among)).to_pylist())


def _row(table: str, row: dict[str, Any]) -> Iterator[Trace]:
    if table == "parts":
        for kind, column in (("part number", "part"), ("name", "name"), ("description", "description")):
            yield from text(kind, row[column])
        yield from text("geometry", row["geometry"])
    elif table == "shapes":
        yield from (*text("geometry", row["geometry"]), *pieces("mesh", row["mesh"]))
    elif table == "templates":
        yield from (*pieces("template", row["plates"]), *pieces("template", row["stands"]))
    elif table == "images":
        yield from (*text("id of a picture", row["id"]), *text("prompt", row["prompt"]))
        yield from (one for column, kind in _BLOBS.items() for one in piece(kind, row[column]))
    elif table == "queries":
        yield from (*text("id of a question", row["id"]), *piece("picture", row["image"]))
    elif table == "files":
        yield from piece("photograph", row["picture"])
    elif table == "models":
        yield from piece("tuned weights", row["tensors"])
    elif table.startswith(VECTORS):
        yield from vector(row["vector"])


def rewritten(
    catalogue: Catalogue, table: str, doom: Doom, *, masked: bool, note: Note, waits: Sequence[int] = ()
) -> tuple[int, int, int]:
    """Write a table without the parts, where it has any; returns the version for searches, and rows before and after.

    `masked` says that rows lie in its files that LanceDB only leaves out. Done again, it finds nothing to do.
    Where two versions count, `note` is told both before the first is written, and none after the second: who stops
    in between is given them again as `waits`, since the newest version is then the first one's.
    """
    live, newest = pinned(catalogue).get(table, 0), int(catalogue.table(table).version)
    if waits and is_between(catalogue, table, doom, waits):
        newest = waits[1]
    apart = bool(live) and live != newest and (table in SERVED or table.startswith(VECTORS))
    before = catalogue.table(table).count_rows()
    if masked or apart or any(doom.touches(table, rows) for rows in batches(catalogue, table)):
        aged(catalogue, table)
        if apart:
            note((live, newest))
        made = catalogue.rewrite(table, lambda rows: doom.stays(table, rows), live if apart else 0)
        if apart:
            aged(catalogue, table)
            catalogue.rewrite(table, lambda rows: doom.stays(table, rows), newest)
            note(())
    else:
        made = catalogue.reindex(table)
    return made, before, catalogue.table(table).count_rows()


def is_between(catalogue: Catalogue, table: str, doom: Doom, waits: Sequence[int]) -> bool:
    """Whether a table holds what is live without the parts, and nothing else: the second of both was not written.

    A run that worked since then made anew what it missed, and its rows count.
    """
    live, newest = waits
    if pinned(catalogue).get(table, 0) != live or int(catalogue.table(table).version) == newest:
        return False
    first = {one for rows in batches(catalogue, table, live) for one in _said(doom.stays(table, rows))}
    return first == {one for rows in batches(catalogue, table) for one in _said(rows)}


def _said(rows: pa.Table) -> Iterator[str]:
    """What each row says, as a hash."""
    return (bytes_id(repr(row).encode(), salt="row") for row in rows.to_pylist())


def aged(catalogue: Catalogue, table: str) -> None:
    """Wait until the newest version can be told from the next by its age: by that the ones before are swept."""
    from datetime import UTC, datetime

    made = max(entry["timestamp"] for entry in catalogue.table(table).list_versions()).astimezone(UTC)
    time.sleep(max(0.0, (2 * SLACK - (datetime.now(UTC) - made)).total_seconds()))
