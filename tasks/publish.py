"""Rows -> the customer's tables, exactly once: whatever is stopped, a second run completes it.

The order of commits is the guarantee. Files and shapes first, then the pictures of a batch (old ones
go in the commit that brings the new), then their vectors likewise, and last the rows of the parts,
which say "finished". None of that is seen by a search: what it reads changes with the row of the run alone,
which names the versions of the tables that are live from then on.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from blocks.tables import VECTORS, key
from tasks import codec
from tasks.forget import listed
from tasks.pictures import photo_ids, photo_row
from tasks.plan import compared, file_id, reader_name
from tasks.records import Part
from tasks.reviews import Reviews
from tasks.tally import named
from tasks.tuning import shelf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer, Embed
    from tasks.contents import Contents
    from tasks.embed import Embedder
    from tasks.pictures import Made
    from tasks.tally import Tally

MANY = 512  # keys in one filter
DECODED = 64  # pictures in memory as pixels: the size of the embedder's own batch


def publish_files(catalogue: Catalogue, batch: Sequence[Contents], customer: Customer, run: str) -> None:
    """Commit what was read: the shapes first, since the rows of the files name them; nothing that was forgotten."""
    batch = listed.left(catalogue, customer.slug, batch)
    shapes = {shape.geometry: shape for found in batch for shape in found.shapes}
    known = set(catalogue.read("shapes", ("geometry",))["geometry"].to_pylist())
    catalogue.upsert("shapes", [{**s.model_dump(), "same_as": ""} for name, s in shapes.items() if name not in known])
    catalogue.upsert("files", [_file_row(found, customer, run) for found in batch])


def _file_row(contents: Contents, customer: Customer, run: str) -> dict[str, Any]:
    found, reading = contents.reading.found, contents.reading
    return {
        "id": file_id(found, customer.slug),
        "name": found.name,
        "digest": found.digest,
        "kind": found.kind,
        "size": found.size,
        "status": "quarantined" if reading.reason else "ok",
        "reason": reading.reason,
        "bodies": contents.json_rows,
        "picture": reading.photo or None,
        "reader": reader_name(customer, fine=not reading.reason),
        "run": run,
    }


def drop_files(catalogue: Catalogue, ids: Sequence[str]) -> None:
    """Forget files that are no longer at the source."""
    _delete(catalogue, "files", ids)


class Publisher:
    """Commits the batches of one run to a customer's tables; vectors go to the table of their embedder."""

    def __init__(self, catalogue: Catalogue, recipes: Mapping[str, str], tally: Tally, salt: str) -> None:
        self._catalogue, self._recipes, self._tally, self._salt = catalogue, recipes, tally, salt

    def publish(self, batch: Sequence[Made], embedder: Embedder, *, later: bool = False) -> int:
        """Commit a batch: pictures, then vectors, then the parts themselves; returns how many vectors it wrote.

        With `later` it only takes vectors away that are not right any more: new ones come from elsewhere.
        """
        made = [one for one in batch if not one.failure]
        run = self._tally.run
        with self._tally.phase("publish"):
            photos = (row for one in made for row in _photos(self._catalogue, one, self._salt))
            reviews = Reviews(self._catalogue)
            made_now = (reviews.over(row) for one in made for row in one.rows)
            rows = [{**row, "run": run} for row in (*made_now, *photos)]
            exchange(self._catalogue, "images", rows, [name for one in made for name in one.stale])
        with self._tally.phase("embed"):
            vectors, stale = _vectors(self._catalogue, made, rows, embedder, later=later)
        with self._tally.phase("publish"):
            exchange(self._catalogue, embedder.table, vectors, stale, dimension=embedder.dimension)
            self._catalogue.upsert("parts", [self._part(one.part) for one in made])
        return len(vectors)

    def _part(self, part: Part) -> dict[str, Any]:
        recipe = self._recipes[part.number]
        return {**compared(part), "status": "active", "recipe": recipe, "run": self._tally.run}


def retire(catalogue: Catalogue, numbers: Sequence[str], run: str) -> None:
    """Take parts that left the source out of search; their rows and pictures are kept."""
    from lancedb.expr import col

    for start in range(0, len(numbers), MANY):
        gone = col("part").isin(list(numbers[start : start + MANY]))
        for table in catalogue.tables():
            if table.startswith(VECTORS):
                catalogue.delete(table, gone)
        catalogue.table("parts").update(where=gone, values={"status": "retired", "run": run})


def tidy(catalogue: Catalogue, vectors: str, days: int = 1) -> None:
    """Index the tables, merge their small fragments, and drop shapes that no file and no part has.

    Rows that were replaced stay on the disk for so many `days`.
    """
    from lancedb.expr import col

    from tasks import shares

    used = {row["geometry"] for row in catalogue.rows("parts", ("geometry",))}
    for row in catalogue.rows("files", ("bodies",)):
        used |= {body["geometry"] for body in json.loads(row["bodies"])}
    twins = catalogue.rows("shapes", ("geometry", "same_as"))
    used |= {row["same_as"] for row in twins if row["geometry"] in used}
    unused = sorted({row["geometry"] for row in twins} - used)
    if unused:
        catalogue.delete("shapes", col("geometry").isin(unused))
    shares.forget(catalogue)
    for table in ("files", "shapes", "parts", "images", vectors):
        if table in catalogue.tables():
            catalogue.index(table)
            catalogue.compact(table, days)


def go_live(
    catalogue: Catalogue,
    tally: Tally,
    *,
    started: str,
    table: str,
    embed: Embed,
    kinds: Sequence[str] = (),
    versions: Mapping[str, int] | None = None,
) -> None:
    """Write the row of the run: from this commit on searches read what it made; vectors of other models go.

    Those that were live until now stay until the next run goes live: searches that began before end with them.

    `kinds` are those of the pictures that searches compare with; all of them, where none is named. `versions` are
    those of the tables; the newest, where none are given.
    """
    made = {
        "live": table,
        "versions": json.dumps(versions or catalogue.newest(table)),
        "embed": embed.model_dump_json(),
        "threshold": tally.outcome["threshold"],
        "kinds": json.dumps(kinds) if kinds else "",
    }
    before = catalogue.live()
    catalogue.upsert("runs", [_run_row(tally, started, "completed") | made])
    shelf.use(catalogue, embed.digest)
    for old in catalogue.tables():
        if old.startswith(VECTORS) and old not in {table, before}:
            catalogue.drop(old)


def stay_live(catalogue: Catalogue) -> None:
    """Let searches read the newest rows of what is live: for a change that is no run."""
    from datetime import UTC, datetime

    from lancedb.expr import col, lit

    from blocks.tables import schema

    served = catalogue.served()
    (row,) = catalogue.rows("runs", schema("runs").names, col("run") == lit(served.run))
    now = datetime.now(UTC)
    changed = {"run": named(now), "finished": now.isoformat(timespec="milliseconds")}
    catalogue.upsert("runs", [row | changed | {"versions": json.dumps(catalogue.newest(served.vectors))}])


def embed_again(catalogue: Catalogue, pictures: Sequence[dict[str, Any]], embedder: Embedder) -> None:
    """Commit the vectors of picture rows (`id`, `part`, `kind`, `image`) of any parts."""
    from lancedb.expr import col

    numbers = sorted({row["part"] for row in pictures})
    rows = catalogue.rows("parts", ("part", "material"), col("part").isin(numbers))
    parts = {row["part"]: Part(number=row["part"], material=row["material"] or "") for row in rows}
    catalogue.upsert(embedder.table, embedded(pictures, parts, embedder), dimension=embedder.dimension)


def refuse(catalogue: Catalogue, tally: Tally, *, started: str) -> None:
    """Write the row of a run that must not go live: searches read what they read before."""
    catalogue.upsert("runs", [_run_row(tally, started, "refused")])


def _run_row(tally: Tally, started: str, status: str) -> dict[str, Any]:
    from datetime import UTC, datetime

    return {
        "run": tally.run,
        "started": started,
        "finished": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "status": status,
        "summary": json.dumps(tally.summary()),
        "live": "",
        "report": tally.report,
    }


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
    catalogue: Catalogue, made: Sequence[Made], rows: Sequence[dict[str, Any]], embedder: Embedder, *, later: bool
) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of the vectors that the batch lacks, and ids of those it has too many.

    What is too many is asked of the vectors themselves: a run that was stopped between the two commits has
    taken the pictures away already. Pictures from earlier runs are read from their table.
    """
    from lancedb.expr import col

    parts = {one.part.number: one.part for one in made}
    ready = {row["id"]: row for row in rows if row["accepted"]}
    kept = {row.id: one.part for one in made for row in one.kept if row.accepted}
    known = catalogue.rows(embedder.table, ("id", "material"), _among("part", parts))
    there = {row["id"]: row["material"] for row in known}
    fresh = {name for name, part in kept.items() if there.get(name) == part.material}
    if later:
        return [], sorted(set(there) - fresh)
    older = sorted(set(kept) - fresh)
    found: list[dict[str, Any]] = []
    for start in range(0, len(older), DECODED):
        some = older[start : start + DECODED]
        earlier = catalogue.rows("images", ("id", "part", "kind", "image"), col("id").isin(some))
        found += embedded(earlier, parts, embedder)
    names = sorted(ready)
    for start in range(0, len(names), DECODED):
        found += embedded([ready[name] for name in names[start : start + DECODED]], parts, embedder)
    return found, sorted(set(there) - set(ready) - set(kept))


def embedded(rows: Sequence[dict[str, Any]], parts: Mapping[str, Part], embedder: Embedder) -> list[dict[str, Any]]:
    """Vector rows of picture rows (`id`, `part`, `kind`, `image`), whose `parts` are given by number."""
    matrix = embedder.indexed([codec.decode(row["image"]) for row in rows], [row["kind"] for row in rows])
    return [vector_row(row, parts[row["part"]], vector) for row, vector in zip(rows, matrix, strict=True)]


def vector_row(row: Mapping[str, Any], part: Part, vector: Any) -> dict[str, Any]:
    """Row of the vector (d,) of the picture `row` of `part`."""
    return {"id": row["id"], "part": part.number, "kind": row["kind"], "material": part.material, "vector": vector}


def _among(column: str, values: Mapping[str, Any]) -> Any:
    from lancedb.expr import col

    return col(column).isin(sorted(values) or [""])


def exchange(
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
