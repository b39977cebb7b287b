"""What a repair does about what was found: rows that go, marks for the next onboarding, vectors made again.

Each step is a commit of its own and may be the last one: what was not done yet is found again by the next audit.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from blocks.tables import VECTORS
from tasks.audit.shelves import readable
from tasks.making import chunks
from tasks.publish import DECODED, MANY, embed_again
from tasks.reviews import REJECTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from blocks.catalogue import Catalogue
    from tasks.audit.finding import Finding
    from tasks.embed import Embedder

FIRST: Final = ("runs", "orders", "queries", "files", "parts")  # tables whose rows go before the marks are made


def mended(catalogue: Catalogue, found: Sequence[Finding], embedder: Embedder | None) -> None:
    """Mend what was `found`, as far as its remedies say.

    Raises RuntimeError, before anything is written, where rows that were lost can be read.
    """
    for one in found:
        if one.kind == "lost" and one.rows and readable(catalogue, one.table, one.rows):
            raise RuntimeError(f"Rows of {one.table} that were lost can be read again: nothing is mended. Audit again.")
    _remove(catalogue, [one for one in found if one.table in FIRST])
    _mark(catalogue, found)  # or, stopped after what goes, nobody would make it again
    _remove(catalogue, [one for one in found if one.table not in FIRST])
    for name in sorted({one.table for one in found if one.remedy == "index"}):
        catalogue.reindex(name)
        catalogue.index(name)
    _decide(catalogue, [one.key for one in found if one.remedy == "decide"])
    if embedder is not None:
        for name in sorted({one.table for one in found if one.remedy == "refill"}):
            catalogue.empty(name, embedder.dimension)
            catalogue.index(name)
        _embed(catalogue, [one.key for one in found if one.remedy == "embed"], embedder)


def _remove(catalogue: Catalogue, found: Iterable[Finding]) -> None:
    """Remove rows by their places, vectors before the pictures that they are of.

    A place is never given to another row while nothing is merged. That of a row which was marked is no row's any more:
    it is found again in the next round.
    """
    from lancedb.expr import col

    places: dict[str, set[int]] = defaultdict(set)
    for one in found:
        places[one.table] |= set(one.rows)
    for name in sorted(places, key=lambda name: (not name.startswith(VECTORS), name)):
        for some in chunks(sorted(places[name]), MANY):
            catalogue.delete(name, col("_rowid").isin(list(some)))


def _mark(catalogue: Catalogue, found: Sequence[Finding]) -> None:
    """Mark views, parts and files as made otherwise than is wanted: the next onboarding makes them again."""
    remade = [one for one in found if one.remedy == "remake"]
    _set(catalogue, "images", {view for one in remade for view in one.views}, "recipe")
    _set(catalogue, "parts", {one.part for one in remade if one.part}, "recipe")
    read = [one for one in found if one.remedy == "read"]
    files = {one.key for one in read if one.table == "files"}
    geometries = {one.key for one in read if one.table == "shapes"}
    if geometries:
        from tasks import contents

        for row in catalogue.rows("files", ("id", "bodies")):
            if geometries & {body.geometry for body in contents.rows(row["bodies"] or "[]")}:
                files.add(row["id"])
    _set(catalogue, "files", files, "reader")


def _set(catalogue: Catalogue, name: str, names: Iterable[str], column: str) -> None:
    """Empty a column of the rows with these keys."""
    from lancedb.expr import col

    from blocks.tables import key

    for some in chunks(sorted(names), MANY):
        catalogue.table(name).update(where=col(key(name)).isin(list(some)), values={column: ""})


def _decide(catalogue: Catalogue, names: Sequence[str]) -> None:
    """Bring pictures to what a person decided; their vectors are found to be too many, or missing, after that."""
    from lancedb.expr import col

    for some in chunks(sorted(names), MANY):
        rows = catalogue.rows("reviews", ("id", "accepted"), col("id").isin(list(some)))
        for accepted in (True, False):
            ids = [row["id"] for row in rows if row["accepted"] == accepted]
            values = {"accepted": accepted, "reason": "" if accepted else REJECTED}
            if ids:
                catalogue.table("images").update(where=col("id").isin(ids), values=values)


def _embed(catalogue: Catalogue, names: Sequence[str], embedder: Embedder) -> None:
    """Make the vectors of pictures that are there, some at a time."""
    from lancedb.expr import col, lit

    for some in chunks(sorted(set(names)), DECODED):
        wanted = col("id").isin(list(some)) & (col("accepted") == lit(value=True))
        rows: list[dict[str, Any]] = catalogue.rows("images", ("id", "part", "kind", "image"), wanted)
        if rows:
            embed_again(catalogue, rows, embedder)
