"""Rows -> the customer's tables, exactly once: whatever is stopped, a second run completes it.

The order of commits is the guarantee. Files and shapes first, then the pictures of a batch (old ones
go in the commit that brings the new), then their vectors likewise, and last the rows of the parts,
which say "finished". What a search reads changes in one commit a batch.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from blocks.catalogue import VECTORS, key
from tasks import codec
from tasks.ingest import READER_VERSION
from tasks.pictures import photo_ids, photo_row
from tasks.plan import compared, file_id
from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from blocks.catalogue import Catalogue
    from tasks.contents import Contents
    from tasks.embed import Embedder
    from tasks.pictures import Made
    from tasks.records import Part
    from tasks.tally import Tally


class Published(Record):
    """What a batch brought: rows by kind, and the vectors that were written."""

    views: int = 0
    variants: int = 0
    rejected: int = 0
    vectors: int = 0


def publish_files(catalogue: Catalogue, batch: Sequence[Contents], *, salt: str, run: str) -> None:
    """Commit what was read: the shapes first, since the rows of the files name them."""
    shapes = {shape.geometry: shape for found in batch for shape in found.shapes}
    known = set(catalogue.read("shapes", ("geometry",))["geometry"].to_pylist())
    catalogue.upsert("shapes", [{**s.model_dump(), "same_as": ""} for name, s in shapes.items() if name not in known])
    catalogue.upsert("files", [_file_row(found, salt, run) for found in batch])


def _file_row(contents: Contents, salt: str, run: str) -> dict[str, Any]:
    found, reading = contents.reading.found, contents.reading
    return {
        "id": file_id(found, salt),
        "name": found.name,
        "digest": found.digest,
        "kind": found.kind,
        "size": found.size,
        "status": "quarantined" if reading.reason else "ok",
        "reason": reading.reason,
        "bodies": contents.json_rows,
        "picture": reading.photo or None,
        "reader": READER_VERSION,
        "run": run,
    }


def drop_files(catalogue: Catalogue, ids: Sequence[str]) -> None:
    """Forget files that are no longer at the source."""
    _delete(catalogue, "files", ids)


class Publisher:
    """Commits the batches of one run to a customer's tables; `table` is where their vectors go."""

    def __init__(self, catalogue: Catalogue, table: str, recipes: Mapping[str, str], tally: Tally, salt: str) -> None:
        self._catalogue, self._table, self._recipes, self._tally, self._salt = catalogue, table, recipes, tally, salt

    def publish(self, batch: Sequence[Made], embedder: Embedder) -> Published:
        """Commit a batch: pictures, then vectors, then the parts themselves; returns what it brought."""
        made = [one for one in batch if not one.failure]
        stale = [name for one in made for name in one.stale]
        run = self._tally.run
        with self._tally.phase("publish"):
            photos = (row for one in made for row in _photos(self._catalogue, one, self._salt))
            rows = [{**row, "run": run} for row in (*(row for one in made for row in one.rows), *photos)]
            _exchange(self._catalogue, "images", rows, stale)
        with self._tally.phase("embed"):
            vectors = _vectors(self._catalogue, made, rows, embedder, self._table)
        with self._tally.phase("publish"):
            _exchange(self._catalogue, self._table, vectors, stale, dimension=embedder.dimension)
            self._catalogue.upsert("parts", [self._part(one.part) for one in made])
        kinds = [row["kind"] for row in rows]
        return Published(
            views=kinds.count("view"),
            variants=kinds.count("variant"),
            rejected=sum(not row["accepted"] for row in rows),
            vectors=len(vectors),
        )

    def _part(self, part: Part) -> dict[str, Any]:
        recipe = self._recipes[part.number]
        return {**compared(part), "status": "active", "recipe": recipe, "run": self._tally.run}


def retire(catalogue: Catalogue, numbers: Sequence[str], run: str) -> None:
    """Take parts that left the source out of search; their rows and pictures are kept."""
    from lancedb.expr import col, lit

    for number in numbers:
        for table in catalogue.tables():
            if table.startswith(VECTORS):
                catalogue.delete(table, col("part") == lit(number))
        catalogue.table("parts").update(where=col("part") == lit(number), values={"status": "retired", "run": run})


def tidy(catalogue: Catalogue, vectors: str) -> None:
    """Index the tables, merge their small fragments, and drop shapes that no file and no part has."""
    from lancedb.expr import col

    used = {row["geometry"] for row in catalogue.rows("parts", ("geometry",))}
    for row in catalogue.rows("files", ("bodies",)):
        used |= {body["geometry"] for body in json.loads(row["bodies"])}
    twins = catalogue.rows("shapes", ("geometry", "same_as"))
    used |= {row["same_as"] for row in twins if row["geometry"] in used}
    unused = sorted({row["geometry"] for row in twins} - used)
    if unused:
        catalogue.delete("shapes", col("geometry").isin(unused))
    for table in ("files", "shapes", "parts", "images", vectors):
        if table in catalogue.tables():
            catalogue.index(table)
            catalogue.compact(table)


def go_live(catalogue: Catalogue, tally: Tally, *, started: str, table: str) -> None:
    """Write the row of the run: from this commit on searches read `table`, and older vectors go."""
    from datetime import UTC, datetime

    summary = tally.summary()
    row = {
        "run": tally.run,
        "started": started,
        "finished": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "status": "completed",
        "summary": json.dumps(summary),
        "live": table,
        "report": tally.report,
    }
    catalogue.upsert("runs", [row])
    for old in catalogue.tables():
        if old.startswith(VECTORS) and old != table:
            catalogue.drop(old)


def _photos(catalogue: Catalogue, one: Made, salt: str) -> list[dict[str, Any]]:
    """Rows of the supplied pictures of a part that are not among its pictures yet."""
    from lancedb.expr import col

    there = {row.id for row in one.kept}
    wanted = {digest: name for digest, name in photo_ids(one.part, salt).items() if name not in there}
    if not wanted:
        return []
    files = catalogue.rows("files", ("digest", "picture"), col("digest").isin(sorted(wanted)))
    pictures = {row["digest"]: row["picture"] for row in files}
    return [photo_row(one.part, name, pictures[digest]) for digest, name in wanted.items()]


def _vectors(
    catalogue: Catalogue, made: Sequence[Made], rows: Sequence[dict[str, Any]], embedder: Embedder, table: str
) -> list[dict[str, Any]]:
    """Rows of the vectors that the batch lacks; pictures from earlier runs are read from the table."""
    from lancedb.expr import col

    parts = {one.part.number: one.part for one in made}
    accepted = {row["id"]: (row["part"], row["kind"], row["image"]) for row in rows if row["accepted"]}
    kept = {row.id: one.part for one in made for row in one.kept if row.accepted}
    wanted = {*accepted, *kept}
    there = catalogue.rows(table, ("id", "material"), col("part").isin(sorted(parts)))
    fresh = {row["id"] for row in there if row["id"] in kept and row["material"] == kept[row["id"]].material}
    older = sorted(wanted - set(accepted) - fresh)
    if older:
        for row in catalogue.rows("images", ("id", "part", "kind", "image"), col("id").isin(older)):
            accepted[row["id"]] = (row["part"], row["kind"], row["image"])
    names = sorted(accepted)
    matrix = embedder.images([codec.decode(accepted[name][2]) for name in names]) if names else ()
    return [
        {
            "id": name,
            "part": accepted[name][0],
            "kind": accepted[name][1],
            "material": parts[accepted[name][0]].material,
            "vector": vector,
        }
        for name, vector in zip(names, matrix, strict=True)
    ]


def _exchange(
    catalogue: Catalogue, table: str, rows: Sequence[dict[str, Any]], stale: Sequence[str], *, dimension: int = 0
) -> None:
    """Bring `rows` and take `stale` away in one commit."""
    from lancedb.expr import col

    if stale and table in catalogue.tables():
        catalogue.replace(table, rows, col(key(table)).isin(list(stale)), dimension=dimension)
    else:
        catalogue.upsert(table, rows, dimension=dimension)


def _delete(catalogue: Catalogue, table: str, ids: Sequence[str]) -> None:
    from lancedb.expr import col

    if ids:
        catalogue.delete(table, col(key(table)).isin(list(ids)))
