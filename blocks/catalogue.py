"""Where a customer's tables live: one LanceDB database of their own, on a disk or in a bucket.

A run writes to the newest version of the tables. What searches read are the versions that the newest run
which went live names in its row: one commit switches all tables at once.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from blocks import upkeep
from blocks.customer import Embed
from blocks.founding import found
from blocks.storage import Storage, endpoint
from blocks.tables import DECLARED, SERVED, VECTORS, declared, key, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pyarrow as pa
    from lancedb.expr import Expr
    from lancedb.table import Table

SMALL: Final = 20_000  # rows below which reading all vectors beats an index (measured, DESIGN section 7)
_AT_ONCE: Final = 128  # rows in memory while a table is written anew
SLACK: Final = timedelta(seconds=1)  # by which a version must be older than another to be told from it by its age
MANY_WORDS: Final = 5_000  # parts below which reading all words is quicker than asking an index


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
        if (there := self._there(name)) is not None:
            return there
        if name.startswith(VECTORS) and not dimension:
            raise ValueError(f"There is no table {name}.")
        # with its key: a run may be stopped before a second commit, and without it concurrent upserts duplicate keys
        found(self.storage(), name, declared(name, dimension))
        made: Table = self._database().open_table(name)
        return made

    def storage(self) -> Storage:
        """Where the tables lie, as plain objects."""
        return Storage(root=self.uri, options=self.storage_options)

    def _there(self, name: str) -> Table | None:
        """Table `name`, if it is there: before its first commit only its folder is, of a writer at work or stopped."""
        if name not in self.tables():
            return None
        try:
            there: Table = self._database().open_table(name)
        except ValueError:
            return None
        return there

    def read(self, name: str, columns: Sequence[str], where: Expr | None = None) -> pa.Table:
        """`columns` of the rows that match `where` (all rows without it), in no order.

        An empty table of the same shape when the table does not exist yet.
        """
        import pyarrow as pa

        known = {field.name: field for field in schema(name, 1)}
        if (table := self._there(name)) is None:
            return pa.schema([known[column] for column in columns]).empty_table()
        there = [column for column in columns if column in table.schema.names]
        query = table.search()
        if where is not None:
            query = query.where(where)
        found = query.select(there).to_arrow()
        for place, column in enumerate(columns):
            if column not in there:  # a table from before there was this column
                found = found.add_column(place, known[column], pa.nulls(found.num_rows, known[column].type))
        return found

    def rows(self, name: str, columns: Sequence[str], where: Expr | None = None) -> list[dict[str, Any]]:
        """As `read`, one dict a row."""
        return list(self.read(name, columns, where).to_pylist())

    def upsert(self, name: str, rows: Iterable[dict[str, Any]], *, dimension: int = 0) -> int:
        """Write `rows` in one commit: a key that is there is replaced, a new one is added.

        Returns how many distinct keys were written. Duplicate keys within `rows`: the last one counts.
        """
        data = self._arrow(name, rows, dimension)
        if data.num_rows:
            table = self._writable(name, dimension)
            # all keys are read: with an index that lacks some rows, all columns of those would be (a second a commit)
            merge = table.merge_insert(key(name)).use_index(use_index=False)
            merge.when_matched_update_all().when_not_matched_insert_all().execute(data)
            if name.startswith(VECTORS):  # pictures are too large to be written again
                upkeep.keep_up(table)
        return int(data.num_rows)

    def replace(self, name: str, rows: Iterable[dict[str, Any]], scope: Expr, *, dimension: int = 0) -> int:
        """Make `rows` all that is left in `scope`, in one commit: readers see the old or the new.

        Rows inside `scope` whose key is not among `rows` go; rows outside of it stay as they are.
        """
        data = self._arrow(name, rows, dimension)
        table = self._writable(name, dimension)
        if data.num_rows:
            merge = table.merge_insert(key(name)).use_index(use_index=False)
            merge = merge.when_matched_update_all().when_not_matched_insert_all()
            merge.when_not_matched_by_source_delete(scope).execute(data)
        else:
            table.delete(scope)
        return int(data.num_rows)

    def delete(self, name: str, where: Expr) -> None:
        """Remove the rows that match `where`."""
        if name in self.tables():
            self._writable(name).delete(where)

    def drop(self, name: str) -> None:
        """Remove a whole table."""
        self._writable(name)
        self._database().drop_table(name)
        upkeep.session.cache_clear()  # a table of that name that is made anew has versions of the same numbers

    def newest(self, vectors: str) -> dict[str, int]:
        """The newest version of each table that searches would read if `vectors` went live now."""
        there = set(self.tables())
        return {name: int(self.table(name).version) for name in (*SERVED, vectors) if name in there}

    def live(self) -> str:
        """Name of the vectors table that searches read: of the newest run that went live, or ""."""
        return self.served().vectors

    def served(self) -> Served:
        """The tables as searches read them: at the versions that the newest run which went live names.

        A run in progress, one that was stopped and one that was refused change nothing here.
        """
        from lancedb.expr import col, lit

        columns = ("run", "finished", "live", "versions", "embed", "threshold", "kinds")
        runs = [run for run in self.rows("runs", columns, col("status") == lit("completed")) if run["live"]]
        where: dict[str, Any] = {"uri": self.uri, "storage_options": self.storage_options}
        if not runs:
            return Served(**where)
        run = max(runs, key=lambda run: str(run["finished"]))
        return Served(
            **where,
            run=run["run"],
            vectors=run["live"],
            versions=json.loads(run["versions"] or "null"),
            embed=Embed(**json.loads(run["embed"])) if run["embed"] else None,
            threshold=run["threshold"],
            kinds=tuple(json.loads(run["kinds"])) if run["kinds"] else None,
        )

    def compact(self, name: str, days: float = 1) -> None:
        """Merge small fragments, bring indices up to date, drop versions that nobody reads any more.

        Those older than what is live by so many `days` go: long enough for whoever still reads one.
        The version that is live stays, and so do those after it. It is kept by its age and not by a tag: tags
        make LanceDB refuse to clean up, or leave files behind for good (lance issue 8516).
        """
        from datetime import UTC, datetime

        if name not in self.tables():
            return
        table, kept = self._writable(name), timedelta(days=days)
        live = (self.served().versions or {}).get(name)
        made = [entry["timestamp"] for entry in table.list_versions() if entry["version"] == live]
        if made:
            kept += max(datetime.now(UTC) - made[0].astimezone(UTC), timedelta())
        table.optimize(cleanup_older_than=kept)

    def rewrite(self, name: str, change: Callable[[pa.Table], pa.Table], version: int = 0) -> int:
        """Write the table anew, in one commit, from its newest `version` or that one; returns the version it made.

        `change` is given some rows at a time and returns those that take their place. Indices are made anew. What the
        versions before hold stays until they are swept.
        """
        import pyarrow as pa

        table = self._database().open_table(name)
        indexed = bool(table.list_indices())
        if version:
            table.checkout(version)
        read = table.search().to_batches(_AT_ONCE)
        rows = (batch for some in read for batch in change(pa.Table.from_batches([some])).to_batches())
        data = pa.RecordBatchReader.from_batches(table.schema, rows)
        self._database().create_table(name, data=data, mode="overwrite")
        if indexed:
            self.index(name)
        return int(self.table(name).version)

    def empty(self, name: str, dimension: int = 0) -> None:
        """Make table `name` anew without rows, in one commit: for vectors of another length. Its versions stay."""
        made = declared(name, dimension)
        self._writable(name)
        self._database().create_table(name, schema=made, mode="overwrite")

    def reindex(self, name: str) -> int:
        """Make the indices of a table anew: they keep what rows held that are gone. Returns the version it made."""
        table = self._writable(name)
        indexed = table.list_indices()
        for entry in indexed:
            table.drop_index(entry.name)
        if indexed:
            self.index(name)
        return int(self.table(name).version)

    def sweep(self, name: str, kept: int) -> None:
        """Remove the versions of a table from before the version `kept`, and all files that no version names.

        Whoever still reads one fails, and so does whoever writes: nobody may.
        """
        from datetime import UTC, datetime

        table = self._writable(name)
        made = next(entry["timestamp"] for entry in table.list_versions() if entry["version"] == kept)
        age = datetime.now(UTC) - made.astimezone(UTC) + SLACK
        table.optimize(cleanup_older_than=age, delete_unverified=True)

    def index(self, name: str) -> None:
        """Index the key, part number and kind of vectors of table `name`; words and vectors where there are many."""
        from lancedb.index import FTS, Bitmap, BTree, IvfSq

        table = self._writable(name)
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
        if name.startswith(VECTORS) and "kind" not in there:  # searches filter on it: a third less work, of a million
            table.create_index("kind", config=Bitmap())
        if name.startswith(VECTORS) and "vector" not in there and table.count_rows() >= SMALL:
            table.create_index("vector", config=IvfSq(distance_type="cosine"))

    def _database(self) -> Any:
        import lancedb

        given = {name: secret.get_secret_value() for name, secret in self.storage_options.items()}
        options = (_server() if self.uri.startswith("s3") else {}) | given
        return lancedb.connect(self.uri, storage_options=options or None, session=upkeep.session())

    def _writable(self, name: str, dimension: int = 0) -> Table:
        """Table `name`, to be written to, with all its columns: those that came later are added, and so is its key."""
        table: Any = self.table(name, dimension)
        if not any(word.startswith(DECLARED) for word in table.schema.field(key(name)).metadata or {}):
            table.set_unenforced_primary_key(key(name))
        missing = [field for field in schema(name, dimension) if field.name not in table.schema.names]
        if missing:
            table.add_columns(missing)
        return table  # type: ignore[no-any-return]

    def _arrow(self, name: str, rows: Iterable[dict[str, Any]], dimension: int) -> pa.Table:
        import pyarrow as pa

        column = key(name)
        distinct = {row[column]: row for row in rows}  # one batch with a key twice would keep both
        return pa.Table.from_pylist(list(distinct.values()), schema=schema(name, dimension))


def _server() -> dict[str, str]:
    """Options of the S3-compatible server that the environment names as AWS's own tools have it; none for AWS itself.

    Credentials and region LanceDB reads from AWS_* by itself, but of such a server it must be told how to speak to it.
    """
    if not (address := endpoint()):
        return {}
    plain = str(address.startswith("http://")).lower()
    return {
        "aws_endpoint": address,
        "allow_http": os.environ.get("AWS_ALLOW_HTTP", plain),
        "aws_virtual_hosted_style_request": os.environ.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "false"),
    }


class Served(Catalogue):
    """What searches read of a customer's database; it cannot be written to."""

    run: str = Field("", description="The run that went live.")
    vectors: str = Field("", description="Name of the table that holds the vectors.")
    versions: dict[str, int] | None = Field(
        {}, description="Version of each table; none where nothing is live, null where a run named no versions."
    )
    embed: Embed | None = Field(None, description="The model of the vectors.")
    threshold: float | None = Field(None, description="Least likeness of a picture to a part that is in the catalogue.")
    kinds: tuple[str, ...] | None = Field(None, description="Kinds of pictures that are compared with; null takes all.")

    def served(self) -> Served:
        """Itself: a search that was given this reads these versions from its beginning to its end."""
        return self

    def tables(self) -> list[str]:
        """Names of the tables that are live."""
        return [name for name in super().tables() if self.versions is None or name in self.versions]

    def table(self, name: str, dimension: int = 0) -> Table:  # noqa: ARG002 - as the catalogue's own
        """Table `name` at the version that is live."""
        if (there := self._there(name)) is None:
            raise ValueError(f"There is no table {name} in what searches read.")
        return there

    def _there(self, name: str) -> Table | None:
        if name not in self.tables():
            return None
        if (table := super()._there(name)) is None:
            raise ValueError(f"Searches read the table {name}, and none of its versions is there: `partsight audit`.")
        if self.versions is not None:
            table.checkout(self.versions[name])
        return table

    def _writable(self, name: str, dimension: int = 0) -> Table:  # noqa: ARG002 - as the catalogue's own
        raise ValueError(f"What searches read of {name} is not written to: it changes when a run goes live.")
