"""Where a customer's tables live: one LanceDB database of their own, on a disk or in a bucket.

The schemas are the contract of DESIGN section 2. `shapes` is added to it: what was found in the
files (geometry, once) stands apart from what the customer calls a part (number, name, material), so
that a new `parts.csv` or a removed file is worked out from rows and no file is parsed again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa
    from lancedb.expr import Expr
    from lancedb.table import Table

KEYS: Final = {"files": "id", "shapes": "geometry", "parts": "part", "images": "id", "runs": "run"}
VECTORS: Final = "vectors__"
SMALL: Final = 20_000  # rows below which reading all vectors beats an index (measured, DESIGN section 7)
MANY_WORDS: Final = 5_000  # parts below which reading all words is quicker than asking an index
_OLD_VERSIONS_DAYS: Final = 1  # long enough for every search that still reads one


def vectors_table(model: str) -> str:
    """Name of the table that holds the vectors of `model` (any text becomes a safe table name)."""
    return VECTORS + re.sub(r"[^a-z0-9]+", "_", model.lower()).strip("_")


class Catalogue(BaseModel):
    """A customer's database: tables that are made on first use, and written exactly once per key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str = Field(description="Folder, or bucket prefix such as s3://bucket/customer, of the database.")
    storage_options: dict[str, SecretStr] = Field({}, description="Credentials and options of the bucket.")

    def tables(self) -> list[str]:
        """Names of the tables that exist."""
        return list(self._database().list_tables().tables)

    def table(self, name: str, dimension: int = 0) -> Table:
        """Table `name`, made when it is not there; `dimension` is needed to make a vectors table."""
        database = self._database()
        if name in self.tables():
            there: Table = database.open_table(name)
            return there
        made: Any = database.create_table(name, schema=schema(name, dimension), exist_ok=True)
        made.set_unenforced_primary_key(key(name))  # without it concurrent upserts duplicate keys
        return made  # type: ignore[no-any-return]

    def read(self, name: str, columns: Sequence[str], where: Expr | None = None) -> pa.Table:
        """`columns` of the rows that match `where` (all rows without it), in no order.

        An empty table of the same shape when the table does not exist yet.
        """
        import pyarrow as pa

        if name not in self.tables():
            known = {field.name: field for field in schema(name, 1)}
            return pa.schema([known[column] for column in columns]).empty_table()
        query = self.table(name).search()
        if where is not None:
            query = query.where(where)
        return query.select(list(columns)).to_arrow()

    def rows(self, name: str, columns: Sequence[str], where: Expr | None = None) -> list[dict[str, Any]]:
        """As `read`, one dict a row."""
        return list(self.read(name, columns, where).to_pylist())

    def upsert(self, name: str, rows: Iterable[dict[str, Any]], *, dimension: int = 0) -> int:
        """Write `rows` in one commit: a key that is there is replaced, a new one is added.

        Returns how many distinct keys were written. Duplicate keys within `rows`: the last one counts.
        """
        data = self._arrow(name, rows, dimension)
        if data.num_rows:
            merge = self.table(name, dimension).merge_insert(key(name))
            merge.when_matched_update_all().when_not_matched_insert_all().execute(data)
        return int(data.num_rows)

    def replace(self, name: str, rows: Iterable[dict[str, Any]], scope: Expr, *, dimension: int = 0) -> int:
        """Make `rows` all that is left in `scope`, in one commit: readers see the old or the new.

        Rows inside `scope` whose key is not among `rows` go; rows outside of it stay as they are.
        """
        data = self._arrow(name, rows, dimension)
        table = self.table(name, dimension)
        if data.num_rows:
            merge = table.merge_insert(key(name)).when_matched_update_all().when_not_matched_insert_all()
            merge.when_not_matched_by_source_delete(scope).execute(data)
        else:
            table.delete(scope)
        return int(data.num_rows)

    def delete(self, name: str, where: Expr) -> None:
        """Remove the rows that match `where`."""
        if name in self.tables():
            self.table(name).delete(where)

    def drop(self, name: str) -> None:
        """Remove a whole table."""
        self._database().drop_table(name)

    def live(self) -> str:
        """Name of the vectors table that searches read: of the newest run that went live, or ""."""
        runs = self.rows("runs", ("finished", "status", "live"))
        done = [run for run in runs if run["status"] == "completed" and run["live"]]
        return str(max(done, key=lambda run: run["finished"])["live"]) if done else ""

    def compact(self, name: str) -> None:
        """Merge small fragments, bring indices up to date, drop versions that nobody reads any more."""
        from datetime import timedelta

        if name in self.tables():
            self.table(name).optimize(cleanup_older_than=timedelta(days=_OLD_VERSIONS_DAYS))

    def index(self, name: str) -> None:
        """Index the key and the part number of table `name`; words and vectors where there are many."""
        from lancedb.index import FTS, BTree, IvfSq

        table = self.table(name)
        there = {column for entry in table.list_indices() for column in entry.columns}
        wanted = {key(name), "part"} & set(table.schema.names)
        for column in sorted(wanted - there):
            table.create_index(column, config=BTree())
        if name == "parts" and "words" not in there and table.count_rows() >= MANY_WORDS:
            # pieces of words: part numbers are asked for by fragments
            pieces = FTS(
                base_tokenizer="ngram", ngram_min_length=2, ngram_max_length=3, stem=False, remove_stop_words=False
            )
            table.create_index("words", config=pieces)
        if name.startswith(VECTORS) and "vector" not in there and table.count_rows() >= SMALL:
            table.create_index("vector", config=IvfSq(distance_type="cosine"))

    def _database(self) -> Any:
        import lancedb

        options = {name: secret.get_secret_value() for name, secret in self.storage_options.items()}
        return lancedb.connect(self.uri, storage_options=options or None)

    def _arrow(self, name: str, rows: Iterable[dict[str, Any]], dimension: int) -> pa.Table:
        import pyarrow as pa

        column = key(name)
        distinct = {row[column]: row for row in rows}  # one batch with a key twice would keep both
        return pa.Table.from_pylist(list(distinct.values()), schema=schema(name, dimension))


def key(name: str) -> str:
    """The column that names a row of table `name`."""
    return "id" if name.startswith(VECTORS) else KEYS[name]


def schema(name: str, dimension: int = 0) -> pa.Schema:
    """Arrow schema of table `name`; `dimension` is the length of the vectors in a vectors table."""
    import pyarrow as pa

    text, count, real, blob = pa.string(), pa.int64(), pa.float64(), pa.large_binary()
    triple = pa.list_(real, 3)
    columns: dict[str, pa.DataType] = {
        "files": dict.fromkeys(("id", "name", "digest", "kind", "status", "reason", "bodies", "reader", "run"), text)
        | {"size": count, "picture": blob},
        "shapes": dict.fromkeys(("geometry", "unit", "format", "same_as"), text)
        | {"mesh": blob, "size": triple, "volume": real, "area": real, "watertight": pa.bool_()}
        | {"signature": pa.list_(real)},
        "parts": dict.fromkeys(
            ("part", "name", "description", "material", "geometry", "occurrences", "photos", "status", "words"), text
        )
        | {"recipe": text, "run": text, "colour": triple, "size_mm": triple, "volume_mm3": real},
        "images": dict.fromkeys(
            ("id", "part", "kind", "parent", "camera", "stage", "settings", "seed", "prompt", "scores"), text
        )
        | {"reason": text, "recipe": text, "run": text, "accepted": pa.bool_(), "place": count}
        | dict.fromkeys(("image", "depth", "mask", "normals"), blob),
        "runs": dict.fromkeys(("run", "started", "finished", "status", "summary", "live", "report"), text),
    }.get(name) or (
        dict.fromkeys(("id", "part", "kind", "material"), text) | {"vector": pa.list_(pa.float32(), dimension)}
    )
    return pa.schema([pa.field(field, kind, nullable=field != key(name)) for field, kind in columns.items()])
