"""Which rows of a customer's tables go with some parts, and what is left of those that others share with them."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from blocks.tables import VECTORS
from tasks import contents
from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pyarrow as pa

    from blocks.catalogue import Catalogue
    from tasks.forget.traces import Trace
    from tasks.inventory import BodyRow

FORGOTTEN: Final = "(forgotten)"  # what stands where a text was
SAID: Final = ("quarantine", "notes")  # what the summary of a run says in words
_BY_PART: Final = ("parts", "images", "queries", "orders")
_BY_GEOMETRY: Final = ("shapes", "templates")


class Doom(Record):
    """What goes: the parts by number, and all that nobody else has: shapes, files, photographs, reviews.

    `models` says that weights tuned to the customer go too: they learned from all parts that there were.
    """

    parts: frozenset[str]
    geometries: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    reviews: frozenset[str] = frozenset()
    models: bool = True

    def stays(self, table: str, batch: pa.Table) -> pa.Table:
        """The rows of a table that stay, without what some of them say of the parts that go."""
        import pyarrow as pa
        import pyarrow.compute as pc

        column, gone = self._key(table)
        if column and gone:
            among = pc.is_in(batch[column], value_set=pa.array(sorted(gone), pa.string()))
            batch = batch.filter(pc.invert(pc.fill_null(among, False)))
        if table == "models" and self.models:
            batch = batch.slice(0, 0)
        if table == "files" and self.geometries:
            bodies = [self._trimmed(said) for said in batch["bodies"].to_pylist()]
            place = batch.schema.get_field_index("bodies")
            batch = batch.set_column(place, batch.schema.field(place), pa.array(bodies, pa.string()))
        return batch

    def touches(self, table: str, batch: pa.Table) -> bool:
        """Whether these rows of a table do not all stay as they are."""
        left = self.stays(table, batch)
        return left.num_rows != batch.num_rows or (table == "files" and left["bodies"] != batch["bodies"])

    def _key(self, table: str) -> tuple[str, frozenset[str]]:
        if table in _BY_PART or table.startswith(VECTORS):
            return "part", self.parts
        if table in _BY_GEOMETRY:
            return "geometry", self.geometries
        return {"files": ("id", self.files), "reviews": ("id", self.reviews)}.get(table, ("", frozenset()))

    def _trimmed(self, said: str | None) -> str | None:
        bodies = contents.rows(said or "[]")
        left = tuple(body for body in bodies if body.geometry not in self.geometries)
        return said if len(left) == len(bodies) else contents.written(left)


def doomed(catalogues: Sequence[Catalogue], numbers: Iterable[str]) -> Doom:
    """What goes with the parts of these numbers, from what is live and from what is newest.

    Raises ValueError with a sentence where there is no such part.
    """
    wanted = frozenset(numbers)
    rows = [row for one in catalogues for row in one.rows("parts", ("part", "geometry", "photos"))]
    known = sorted({row["part"] for row in rows})
    for missing in sorted(wanted - set(known)):
        close = get_close_matches(missing, known, n=1, cutoff=0.5)
        nearest = f"; the nearest is {close[0]!r}" if close else ""
        raise ValueError(f"There is no part {missing!r} in this catalogue{nearest}.")
    ours = {row["geometry"] for row in rows if row["part"] in wanted} - {""}
    ours -= {row["geometry"] for row in rows if row["part"] not in wanted}
    shapes = [row for one in catalogues for row in one.rows("shapes", ("geometry", "same_as"))]
    geometries = frozenset(row["geometry"] for row in shapes if (row["same_as"] or row["geometry"]) in ours)
    photos = _photos(rows, wanted)
    files = frozenset(name for one in catalogues for name in _files(one, geometries, photos, wanted))
    pictures = {row["id"]: row["part"] for one in catalogues for row in one.rows("images", ("id", "part"))}
    return Doom(
        parts=wanted,
        geometries=geometries,
        files=files,
        reviews=frozenset(name for name, part in pictures.items() if part in wanted),
    )


def _photos(rows: Sequence[dict[str, Any]], wanted: frozenset[str]) -> set[str]:
    """Digests of the photographs that no other part has."""
    by = {
        mine: {d for r in rows if (r["part"] in wanted) is mine for d in json.loads(r["photos"] or "[]")}
        for mine in (True, False)
    }
    return by[True] - by[False]


def _files(catalogue: Catalogue, geometries: frozenset[str], photos: set[str], wanted: frozenset[str]) -> Iterable[str]:
    """Files that hold nothing else: all bodies are of the parts, or the picture is, or there is but the name."""
    lower = {number.casefold() for number in wanted}
    for row in catalogue.rows("files", ("id", "name", "digest", "bodies")):
        bodies = contents.rows(row["bodies"] or "[]")
        stem = row["name"].rpartition("/")[2].rpartition(".")[0].casefold()
        alone = not bodies and stem in lower
        if row["digest"] in photos or alone or (bodies and all(body.geometry in geometries for body in bodies)):
            yield row["id"]


def bodies_of(catalogue: Catalogue, doom: Doom) -> list[tuple[dict[str, Any], tuple[BodyRow, ...]]]:
    """The files that hold a body of the parts, with those bodies."""
    found = []
    for row in catalogue.rows("files", ("id", "name", "digest", "bodies")):
        bodies = tuple(body for body in contents.rows(row["bodies"] or "[]") if body.geometry in doom.geometries)
        if bodies or row["id"] in doom.files:
            found.append((row, bodies))
    return found


def without_what_is_said(runs: pa.Table) -> pa.Table:
    """The rows of runs without what they say of parts in words: that is scrubbed."""
    summaries = [_map_said(said, lambda _: None) for said in runs["summary"].to_pylist()]
    return _with_summaries(runs, summaries)


def scrubbed_runs(runs: pa.Table, traces: Sequence[Trace]) -> pa.Table:
    """The rows of runs without what the traces would find in what they say in words: of files, and in notes."""
    summaries = [_map_said(said, lambda value: scrubbed(value, traces)) for said in runs["summary"].to_pylist()]
    return _with_summaries(runs, summaries)


def _map_said(summary: str | None, change: Callable[[Any], Any]) -> str:
    """A summary (JSON) with what it says in words changed."""
    told = json.loads(summary or "{}")
    return json.dumps(told | {name: change(told[name]) for name in SAID if name in told})


def _with_summaries(runs: pa.Table, summaries: Sequence[str]) -> pa.Table:
    import pyarrow as pa

    place = runs.schema.get_field_index("summary")
    return runs.set_column(place, runs.schema.field(place), pa.array(summaries, pa.string()))


def scrubbed(value: Any, traces: Sequence[Trace]) -> Any:
    """`value` (JSON) without what the traces would find in its texts."""
    if isinstance(value, dict):
        return {name: scrubbed(one, traces) for name, one in value.items()}
    if isinstance(value, list):
        return [scrubbed(one, traces) for one in value]
    if not isinstance(value, str):
        return value
    data = value.encode()
    for one in traces:
        if one.where == "anywhere":
            data = data.replace(one.data, FORGOTTEN.encode())
        elif one.where == "words":
            data = one.word.sub(FORGOTTEN.encode(), data)
    return data.decode()
