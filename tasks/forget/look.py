"""The raw storage looked through: every object for every trace, and nothing that no version of a table accounts for.

Three looks, since columns are packed (FSST, dictionaries, bits) and rows that were deleted stay in their files:

1. the bytes of every object, as they lie there;
2. the rows of every version that is left, read out by LanceDB: what packed pages hold;
3. each object is one that a version names, and no version leaves rows out: so the second look has seen all there is.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Final

from tasks.forget.tables import batches, contents
from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from blocks.catalogue import Catalogue
    from blocks.storage import Storage
    from tasks.forget.traces import Trace

JOURNAL: Final = "_forgetting.json"  # what a run that was stopped goes on with, below the root of the tables
_PLACE: Final = re.compile(r"(?P<table>[^/]+)\.lance/(?P<folder>[^/]+)/(?P<name>.+)")
_SCRAP: Final = re.compile(r"#\d+$|/\.tmp[^/]*$|\.lance/_transactions/[^/]+$|\.json\.\d+\.new$")
_MANIFEST: Final = re.compile(r"\d+\.manifest")
_HINT: Final = "latest_version_hint.json"


class Left(Record):
    """Something that should not be there: the object, and what it is by kind and by the trace's place in their list."""

    where: str
    what: str
    trace: int = -1


class Looked(Record):
    """What was looked through, and what was found."""

    objects: int = 0
    bytes: int = 0
    rows: int = 0
    left: tuple[Left, ...] = ()

    def __add__(self, other: Looked) -> Looked:
        """Both together."""
        return Looked(
            objects=self.objects + other.objects,
            bytes=self.bytes + other.bytes,
            rows=self.rows + other.rows,
            left=self.left + other.left,
        )


def raw(storage: Storage, traces: Sequence[Trace], among: Mapping[str, int] | None = None) -> Looked:
    """The first look: the bytes of every object of a storage, or of those `among` them (with their sizes).

    The traces that can be told anywhere are looked for everywhere, and words in texts and in names.
    """
    sizes = storage.sizes() if among is None else dict(among)
    sizes.pop(JOURNAL, None)
    wanted = [(place, one) for place, one in enumerate(traces) if one.where != "shared"]
    overlap = max((len(one.data) for _, one in wanted), default=0) + 1
    left: set[tuple[str, int]] = set()
    for name, size in sizes.items():
        left |= {(name, place) for place, one in wanted if _in(one, name.encode())}
        for data in storage.pieces(name, overlap, size):
            left |= {(name, place) for place, one in wanted if (name, place) not in left and _in(one, data)}
    found = tuple(Left(where=name, what=traces[place].kind, trace=place) for name, place in sorted(left))
    return Looked(objects=len(sizes), bytes=sum(sizes.values()), left=found)


def _in(one: Trace, data: bytes) -> bool:
    """Whether bytes hold a trace, as far as that can be told from bytes: words stand in texts alone."""
    if one.data not in data:
        return False
    return one.where == "anywhere" or (b"\0" not in data and bool(one.word.search(data)))


def rows(catalogue: Catalogue, storage: Storage, traces: Sequence[Trace]) -> Looked:
    """The second look: every row of every version that is left, read out."""
    wanted = [(place, one) for place, one in enumerate(traces) if one.where != "shared"]
    count, left = 0, set()
    for table, version in _distinct(catalogue, storage):
        for some in batches(catalogue, table, version):
            count += some.num_rows
            for column, data in contents(some):
                for place, one in wanted:
                    if one.data in data and (one.where == "anywhere" or one.word.search(data)):
                        left.add((f"{table}.{column}", place))
    found = tuple(Left(where=name, what=traces[place].kind, trace=place) for name, place in sorted(left))
    return Looked(rows=count, left=found)


def account(catalogue: Catalogue, storage: Storage) -> Looked:
    """The third look: objects that no version of a table names, and versions that leave rows of their files out."""
    known, found = set(catalogue.tables()), []
    names = [name for name in storage.sizes() if name != JOURNAL]
    manifests = {table: b"".join(_manifests(storage, table, names)) for table in known}
    for name in names:
        place = _PLACE.fullmatch(name)
        if place is None or place["table"] not in known:
            found.append(Left(where=name, what="belongs to no table"))
        elif place["folder"] == "_deletions":
            found.append(Left(where=name, what="leaves out rows that lie in the files"))
        elif not _named(place["folder"], place["name"], manifests[place["table"]]):
            found.append(Left(where=name, what="is named by no version of its table"))
    return Looked(left=tuple(found))


def scraps(catalogue: Catalogue, storage: Storage) -> list[str]:
    """What a process that was killed while it wrote left, and LanceDB does not clean up: pieces of files, lost commits.

    No version names them.
    """
    return [one.where for one in account(catalogue, storage).left if _SCRAP.search(one.where)]


def masked(storage: Storage) -> set[str]:
    """The tables whose files hold rows that LanceDB only leaves out."""
    return {name.partition(".lance/")[0] for name in storage.sizes() if ".lance/_deletions/" in name}


def _named(folder: str, name: str, manifests: bytes) -> bool:
    """Whether the versions of a table name this file of it."""
    if folder == "_versions":
        return bool(_MANIFEST.fullmatch(name)) or name == _HINT
    if folder == "_indices":
        try:
            return uuid.UUID(name.partition("/")[0]).bytes in manifests
        except ValueError:
            return False
    return folder in {"data", "_transactions"} and name.rpartition("/")[2].encode() in manifests


def _manifests(storage: Storage, table: str, names: Sequence[str]) -> Iterator[bytes]:
    for name in names:
        if name.startswith(f"{table}.lance/_versions/") and name.endswith(".manifest"):
            yield storage.read(name) or b""


def _distinct(catalogue: Catalogue, storage: Storage) -> Iterator[tuple[str, int]]:
    """The versions of each table that differ in their files: others show the same rows."""
    sizes = storage.sizes()
    for table in catalogue.tables():
        files = sorted(name for name in sizes if name.startswith(f"{table}.lance/data/"))
        seen: set[tuple[str, ...]] = set()
        for entry in sorted(catalogue.table(table).list_versions(), key=lambda entry: -int(entry["version"])):
            number = int(entry["version"])
            manifest = storage.read(f"{table}.lance/_versions/{2**64 - 1 - number}.manifest") or b""
            named = tuple(name for name in files if name.rpartition("/")[2].encode() in manifest)
            if not manifest or named not in seen:
                seen.add(named)
                yield table, number
