"""What the rows of one table say of those of another: who belongs to nobody, who is missing, who is there twice."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from blocks.tables import DECLARED, key
from tasks.audit.finding import Finding, some
from tasks.audit.shelves import keys
from tasks.records import Part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.audit.shelves import Shelves

FEW: Final = 1000  # rows, or a tenth of all, that an index may not know yet: searches look at them one by one


class Rows:
    """The rows of the tables without what is heavy in them, each table read once."""

    def __init__(self, shelves: Shelves, vectors: str) -> None:
        self.shelves, self.table = shelves, vectors

    @cached_property
    def parts(self) -> list[dict[str, Any]]:
        """Every part."""
        columns = ("part", "name", "description", "material", "geometry", "photos", "status", "recipe")
        return self.shelves.rows("parts", *columns, "colour", "size_mm", "occurrences")

    @cached_property
    def active(self) -> dict[str, dict[str, Any]]:
        """The parts that can be found, by number."""
        return {row["part"]: row for row in self.parts if row["status"] == "active"}

    @cached_property
    def images(self) -> list[dict[str, Any]]:
        """Every picture."""
        return self.shelves.rows("images", "id", "part", "kind", "parent", "recipe", "accepted", "seed", "run")

    @cached_property
    def pictures(self) -> dict[str, dict[str, Any]]:
        """Every picture, by its id."""
        return {row["id"]: row for row in self.images}

    @cached_property
    def vectors(self) -> list[dict[str, Any]]:
        """The vectors that searches read, without their numbers."""
        return self.shelves.rows(self.table, "id", "part", "material", "kind") if self.table else []

    @cached_property
    def files(self) -> list[dict[str, Any]]:
        """Every file that was seen."""
        return self.shelves.rows("files", "id", "name", "digest", "kind", "status", "bodies", "reader")

    @cached_property
    def marked(self) -> set[str]:
        """Ids of the files that the next onboarding reads again."""
        return {row["id"] for row in self.files if row["reader"] == ""}

    @cached_property
    def shapes(self) -> list[dict[str, Any]]:
        """Every geometry."""
        return self.shelves.rows("shapes", "geometry", "same_as")

    @cached_property
    def bodies(self) -> dict[str, set[str]]:
        """Geometries that files hold, with the ids of these files."""
        found: dict[str, set[str]] = defaultdict(set)
        for row in self.files:
            for body in _json(row["bodies"], []):
                found[body["geometry"]].add(row["id"])
        return found

    def part(self, row: dict[str, Any]) -> Part:
        """The part of a row."""
        columns = ("name", "description", "material", "colour", "geometry", "size_mm")
        told = {name: row[name] for name in columns if row[name] is not None}
        return Part(number=row["part"], photos=_json(row["photos"], ()), **told)


def tables(shelves: Shelves, indexed: set[str]) -> Iterator[Finding]:
    """Keys that are there twice, keys that are not declared, and indices; `indexed` are the tables that have some."""
    for name in shelves.names:
        if any(one.table == name and not one.rows for one in shelves.lost):
            continue  # there is nothing to be read of it
        for named, places in keys(shelves.rows(name, key(name)), name).items():
            if len(places) > 1:
                surplus = tuple(sorted(places)[:-1])  # what was written last stays
                what = f"{named} is in {name} {len(places)} times"
                yield Finding(table=name, kind="duplicate", key=named, what=what, remedy="remove", rows=surplus)
        table: Any = shelves.catalogue.table(name)
        if not any(word.startswith(DECLARED) for word in table.schema.field(key(name)).metadata or {}):
            what = f"The key of {name} is not declared: two writers at once could double it"
            yield Finding(table=name, kind="undeclared", key="", what=what, remedy="index")
        if name in indexed:
            yield from _indices(name, table)


def _indices(name: str, table: Any) -> Iterator[Finding]:
    from lancedb.expr import col, lit

    there = {}
    for entry in table.list_indices():
        stats = table.index_stats(entry.name)
        for column in entry.columns:
            there[column] = stats
    for column in sorted({key(name), "part"} & set(table.schema.names)):
        stats, rows = there.get(column), table.count_rows()
        what = ""
        if stats is None:
            what = f"{name} has no index of its {column}" if rows else ""
        elif stats.num_unindexed_rows > max(FEW, rows // 10):
            what = f"The index of {column} in {name} does not know {stats.num_unindexed_rows} of {rows} rows"
        else:
            try:
                table.search().where(col(column) == lit("?")).select([key(name)]).to_arrow()
            except (RuntimeError, ValueError, OSError):
                what = f"The index of {column} in {name} cannot be read"
        if what:
            yield Finding(table=name, kind="index", key=column, what=what, remedy="index")


def orphans(rows: Rows, doubtful: set[str]) -> Iterator[Finding]:
    """Rows that belong to nothing; what belongs to a part may stay where rows of `doubtful` tables are lost."""
    numbers = {row["part"] for row in rows.parts}
    remade = {row["part"] for row in rows.parts if not row["recipe"]}
    if "parts" not in doubtful:
        for row in rows.images:
            if row["part"] not in numbers:
                what = f"A {row['kind']} shows the part {row['part']}, which is not there"
                yield _gone("images", row["id"], what, row)
            elif row["kind"] == "variant" and row["parent"] not in rows.pictures and row["part"] not in remade:
                what = f"A variant of {row['part']} was made of {row['parent']}, which is not there"
                yield _gone("images", row["id"], what, row)
        for row in rows.shelves.rows("queries", "id", "part"):
            if row["part"] not in numbers:
                yield _gone("queries", row["id"], f"A question asks for {row['part']}, which is not there", row)
    if not doubtful & {"files", "parts"}:
        yield from _shapeless(rows)
    yield from _left_orders(rows)


def _shapeless(rows: Rows) -> Iterator[Finding]:
    """Shapes that no file and no part has, and templates that no part has."""
    used = {row["geometry"] for row in rows.parts if row["geometry"]}
    held = used | set(rows.bodies)
    held |= {row["same_as"] for row in rows.shapes if row["geometry"] in held}
    for row in rows.shapes:
        if row["geometry"] not in held:
            yield _gone("shapes", row["geometry"], "A shape belongs to no file and to no part", row)
    for row in rows.shelves.rows("templates", "geometry"):
        if row["geometry"] not in used:
            yield _gone("templates", row["geometry"], "Templates are those of a shape that no part has", row)


def _left_orders(rows: Rows) -> Iterator[Finding]:
    """Orders that no run takes back any more: those of a run that is over, and those that are too old."""
    from tasks.shares import KEPT, ORDERS
    from tasks.tally import named

    ended = {row["run"] for row in rows.shelves.rows("runs", "run")}
    old = named(datetime.now(UTC) - timedelta(days=KEPT))
    for row in rows.shelves.rows(ORDERS, "part", "run"):
        if row["run"] in ended or row["run"] < old:
            yield _gone(ORDERS, row["part"], f"{row['part']} was handed out by a run that is over", row)


def compared(rows: Rows) -> Iterator[Finding]:
    """Vectors that are too many, lacking, or say of a picture what is not so; decisions that were not followed."""
    lost = {one.table for one in rows.shelves.lost}
    there = {row["id"] for row in rows.vectors}
    for row in rows.vectors:
        picture = rows.pictures.get(row["id"])
        if picture is None:
            if "images" not in lost:
                yield _gone(rows.table, row["id"], "A vector is that of a picture which is not there", row)
        elif not picture["accepted"]:
            what = f"A vector is that of a rejected picture of {picture['part']}"
            yield _gone(rows.table, row["id"], what, row, kind="rejected")
        elif picture["part"] not in rows.active:
            what = f"A vector finds {picture['part']}, which is retired"
            yield _gone(rows.table, row["id"], what, row, kind="stale")
        else:
            yield from _attributes(rows, row, picture)
    for name, row in rows.pictures.items():
        if row["accepted"] and row["part"] in rows.active and name not in there and rows.table:
            what = f"A {row['kind']} of {row['part']} has no vector"
            yield Finding(table=rows.table, kind="missing", key=name, what=what, remedy="embed")
    for row in rows.shelves.rows("reviews", "id", "accepted"):
        picture = rows.pictures.get(row["id"])  # a decision outlives its picture: made again, it counts again
        if picture is not None and picture["accepted"] != row["accepted"]:
            said = "accepted" if row["accepted"] else "rejected"
            what = f"A person {said} a picture of {picture['part']}, and it is not"
            yield Finding(table="images", kind="rejected", key=row["id"], what=what, remedy="decide")


def _attributes(rows: Rows, row: dict[str, Any], picture: dict[str, Any]) -> Iterator[Finding]:
    part = rows.active[picture["part"]]
    wanted = {"part": part["part"], "material": part["material"] or "", "kind": picture["kind"]}
    if wrong := [name for name, value in wanted.items() if (row[name] or "") != value]:
        what = f"A vector of {part['part']} says another {some(wrong)} than its picture"
        yield Finding(table=rows.table, kind="stale", key=row["id"], what=what, remedy="embed")


def _gone(table: str, name: str, what: str, row: dict[str, Any], kind: Any = "orphan") -> Finding:
    return Finding(table=table, kind=kind, key=name, what=what, remedy="remove", rows=(row["_rowid"],))


def _json(text: str | None, default: Any) -> Any:
    """What a column with JSON holds; `default` where that cannot be read."""
    try:
        return json.loads(text) if text else default
    except ValueError:
        return default
