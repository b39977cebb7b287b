"""What an audit finds: one thing that is not as it should be, and what can be done about it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field

from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Literal[
    "lost", "unreadable", "duplicate", "orphan", "missing", "rejected", "stale", "vector", "id", "index", "undeclared"
]
KINDS: Final[dict[Kind, str]] = {
    "lost": "rows or tables whose files cannot be read",
    "unreadable": "bytes that are not what they should be",
    "duplicate": "keys that are there more than once",
    "orphan": "rows that belong to nothing",
    "missing": "what should be there and is not",
    "rejected": "vectors or decisions that a rejection should have taken away",
    "stale": "rows that say what is not so any more",
    "vector": "vectors of a wrong length or with numbers that are none",
    "id": "ids that do not follow from what they name",
    "index": "indices that are missing, broken or out of date",
    "undeclared": "tables whose key is not declared, so that it could be doubled",
}

Remedy = Literal["", "later", "remove", "embed", "remake", "again", "read", "decide", "index", "refill"]
REMEDIES: Final = {
    "": "cannot be mended from the tables alone",
    "later": "the next onboarding makes it",
    "remove": "is removed",
    "embed": "is embedded again from the stored picture",
    "remake": "is marked: the next onboarding makes it again",
    "again": "is removed: the next run that wants it makes it again",
    "read": "is removed, and its file marked: the next onboarding reads it again",
    "decide": "is brought to what a person decided",
    "index": "is made anew",
    "refill": "is emptied and filled again from the stored pictures",
}


class Finding(Record):
    """One thing that is not as it should be: where, which, what in a sentence, and what a repair does about it."""

    table: str = Field(description="Table that holds it, or should.")
    kind: Kind = Field(description="What sort of fault it is.")
    key: str = Field(description="Key of the row; empty where it is about the table.")
    what: str = Field(description="What is wrong, in a sentence.")
    remedy: Remedy = Field("", description="What a repair does; empty where the tables alone cannot mend it.")
    rows: tuple[int, ...] = Field((), description="Places of the rows that a repair removes.")
    part: str = Field("", description="Number of the part that is made again.")
    views: tuple[str, ...] = Field((), description="Ids of the views that are made again with their variants.")

    @property
    def is_due(self) -> bool:
        """Whether a repair does something about it."""
        return self.remedy not in {"", "later"}

    def told(self) -> dict[str, Any]:
        """What people and programs get to see of it."""
        return self.model_dump(include={"table", "kind", "key", "what"}) | {"repair": REMEDIES[self.remedy]}


def counts(found: Iterable[Finding]) -> dict[str, int]:
    """How many there are of each kind, the kinds in a fixed order."""
    counted = Counter(one.kind for one in found)
    return {kind: counted[kind] for kind in KINDS if counted[kind]}


def some(names: Iterable[str], most: int = 3) -> str:
    """The first of several names, and how many more there are."""
    names = sorted(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
