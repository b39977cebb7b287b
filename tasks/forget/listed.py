"""What a customer had forgotten and must not come back with the next onboarding: keyed hashes, in their own tables.

The CAD is the customer's, and stays where they keep it. Without this list the next onboarding would find the part there
and bring it back. The list holds hashes of numbers, geometries and files: nobody reads out of it what was forgotten,
though who has the tables and guesses a number can see that the guess is right.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from tasks.inventory import bare
from tasks.plan import file_id
from tasks.records import content_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from blocks.catalogue import Catalogue
    from tasks.contents import Contents

TABLE: Final = "forgotten"


class Listed:
    """The list of a customer, as it was when this was made; empty where there is none."""

    def __init__(self, catalogue: Catalogue, slug: str) -> None:
        there = TABLE in catalogue.tables()
        self._ids = {row["id"] for row in catalogue.rows(TABLE, ("id",))} if there else set()
        self._slug = slug

    def __bool__(self) -> bool:
        """Whether anything is on it."""
        return bool(self._ids)

    def has(self, kind: str, value: str) -> bool:
        """Whether a part ("part"), a geometry or a file (by its id) is on it."""
        return bool(self._ids) and hashed(kind, value, self._slug) in self._ids

    def names(self, file: str) -> bool:
        """Whether a file is called like a part that is on it; a counter of photographs does not matter."""
        stem = PurePosixPath(file).stem
        return self.has("part", stem) or self.has("part", bare(stem))

    def without(self, found: Contents) -> Contents | None:
        """What was read in a file, without what is on the list; None where it holds nothing else."""
        gone = {body.geometry for body in found.bodies if self.has("geometry", body.geometry)}
        if len(found.bodies) == 1 and self.names(found.reading.found.name):
            gone |= {found.bodies[0].geometry}
        bodies = tuple(body for body in found.bodies if body.geometry not in gone and not self.has("part", body.name))
        if found.bodies and not bodies:
            return None
        used = {body.geometry for body in bodies}
        return found.replace(bodies=bodies, shapes=tuple(shape for shape in found.shapes if shape.geometry in used))


def left(catalogue: Catalogue, slug: str, batch: Sequence[Contents]) -> list[Contents]:
    """What was read in some files, without what was forgotten; a file that holds nothing else goes on the list."""
    listed = Listed(catalogue, slug)
    if not listed:
        return list(batch)
    found = {file_id(one.reading.found, slug): listed.without(one) for one in batch}
    if gone := [name for name, one in found.items() if one is None]:
        add(catalogue, slug, [("file", name) for name in gone])
    return [one for one in found.values() if one is not None]


def add(catalogue: Catalogue, slug: str, entries: Iterable[tuple[str, str]]) -> int:
    """Put parts, geometries and files on the list, as (kind, value); returns how many."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return catalogue.upsert(TABLE, [{"id": hashed(k, v, slug), "kind": k, "at": now} for k, v in entries])


def hashed(kind: str, value: str, slug: str) -> str:
    """What the list calls something by."""
    return content_id("forgotten", kind, value.casefold(), salt=slug)
