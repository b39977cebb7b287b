"""The rows of a customer's tables with their places, read around what the storage has lost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from blocks.tables import key
from tasks.audit.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from blocks.catalogue import Catalogue

PLACE: Final = "_rowid"  # LanceDB's own column: the upper half of a place is its fragment
ROWS: Final = 128  # rows in memory with their pictures
_SAID: Final = 160  # letters of an error of LanceDB's that are told
BROKEN: Final = (RuntimeError, ValueError, OSError)  # what LanceDB raises differs from one cause to the next
_DAMAGED: Final = re.compile(
    r"(lance error: |LanceError\(IO\): |Generic N/A error: |Wrapped error: |External error: )*"
    r"(Not found: |LanceError\(Arrow\): |Encountered corrupt file |Invalid input"
    r"|Generic \w+ error: failed to fill whole buffer|file size is too small)"
)


class Shelves:
    """The tables of a catalogue, as they are now or as searches read them; `lost` is known once it was looked for."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.names = sorted(catalogue.tables())
        self.lost: list[Finding] = []
        self._whole: dict[str, list[int] | None] = {}  # places that can be read; None where all can
        for name in self.names:
            self._look(name)

    def rows(self, name: str, *columns: str) -> list[dict[str, Any]]:
        """The rows of a table that can be read, with `_rowid`; nothing where there is no such table."""
        return [row for batch in self.batches(name, *columns) for row in batch.to_pylist()]

    def batches(self, name: str, *columns: str, most: int = 0) -> Iterator[pa.Table]:
        """As `rows`, some at a time; columns that a table from before them has not are empty."""
        import pyarrow as pa

        from blocks.tables import schema

        if self._whole.get(name, []) == []:
            return
        table = self.catalogue.table(name)
        there = [column for column in columns if column in table.schema.names]
        kinds = {field.name: field.type for field in schema(name, 1)}
        for read in _read(table, there, self._whole[name], most or ROWS):
            found = read
            for column in columns:
                if column not in there:
                    found = found.append_column(column, pa.nulls(found.num_rows, kinds[column]))
            yield found

    def dimension(self, name: str) -> int:
        """The length of the vectors in a table."""
        return int(self.catalogue.table(name).schema.field("vector").type.list_size)

    def _look(self, name: str) -> None:
        """Read the table once from end to end, and find out which of its rows cannot be."""
        self._whole[name] = None
        try:
            table = self.catalogue.table(name)
            columns = list(table.schema.names)
        except BROKEN as error:
            self._whole[name] = []
            self.lost.append(self._gone(name, f"cannot be opened ({damage(name, error)})"))
            return
        try:
            for _ in _read(table, columns, None, ROWS):
                pass
        except BROKEN as error:
            damage(name, error)
            self._around(name, table, columns)

    def _around(self, name: str, table: Any, columns: Sequence[str]) -> None:
        try:
            places = sorted(place for one in _read(table, [], None, 10_000) for place in one[PLACE].to_pylist())
        except BROKEN as error:
            self._whole[name] = []
            self.lost.append(self._gone(name, f"cannot be read ({damage(name, error)})"))
            return
        sound: list[int] = []
        for fragment in sorted({place >> 32 for place in places}):
            mine = [place for place in places if place >> 32 == fragment]
            fine, said = _readable(name, table, columns, mine)
            sound += fine
            if gone := sorted(set(mine) - set(fine)):
                what = f"{len(gone)} rows of {name} cannot be read, since a data file is missing or damaged: {said}"
                named = f"fragment {fragment}"
                lost = Finding(table=name, kind="lost", key=named, what=what, remedy="remove", rows=tuple(gone))
                self.lost.append(lost)
        self._whole[name] = sound

    def _gone(self, name: str, what: str) -> Finding:
        return Finding(table=name, kind="lost", key="", what=f"The table {name} {what}.")


def readable(catalogue: Catalogue, name: str, places: Sequence[int]) -> list[int]:
    """Those of `places` of a table whose rows can be read now."""
    table = catalogue.table(name)
    return _readable(name, table, list(table.schema.names), places)[0]


def _readable(name: str, table: Any, columns: Sequence[str], places: Sequence[int]) -> tuple[list[int], str]:
    """Those of `places` whose rows can be read, and what was said of the others."""
    said = ""
    fine: list[int] = []
    for start in range(0, len(places), ROWS):
        few = places[start : start + ROWS]
        try:
            table.take_row_ids(few).select(list(columns)).to_arrow()
            fine += few
        except BROKEN as error:
            said = damage(name, error)
            if len(few) > 1:  # one row at a time: a hole in a file takes only some of them
                halves = [_readable(name, table, columns, half) for half in _halved(few)]
                fine += [place for half, _ in halves for place in half]
    return fine, said


def _halved(places: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    middle = len(places) // 2
    return places[:middle], places[middle:]


def _read(table: Any, columns: Sequence[str], places: Sequence[int] | None, most: int) -> Iterator[pa.Table]:
    import pyarrow as pa

    if places is None:
        query = table.search().with_row_id(True).select([*columns, PLACE])
        for batch in query.to_batches(most):
            yield pa.Table.from_batches([batch])
        return
    for start in range(0, len(places), most):
        few = list(places[start : start + most])
        found = table.take_row_ids(few).with_row_id().select([*columns, PLACE]).to_arrow()
        yield found


def damage(name: str, error: Exception) -> str:
    """The first words of what LanceDB says of `name`, where a file is not there or cannot be decoded.

    Raises RuntimeError for anything else: a storage that does not answer has lost nothing.
    """
    if not isinstance(error, ValueError) and not _DAMAGED.match(str(error)):
        what = f"The audit cannot look: reading {name} failed for a reason that is no damage ({_short(error)})"
        raise RuntimeError(f"{what}. Audit again when the storage answers.") from error
    return _short(error)


def _short(error: Exception) -> str:
    """The first words of an error, without places in its own source."""
    return str(error).split(", /")[0].removeprefix("lance error: ")[:_SAID]


def keys(rows: Sequence[dict[str, Any]], name: str) -> dict[str, list[int]]:
    """The places of each key of a table."""
    column = key(name)
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row[PLACE])
    return found
