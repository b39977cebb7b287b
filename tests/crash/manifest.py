"""What a catalogue holds, apart from when and in how many runs it was made: equal for runs that were stopped or not."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from blocks.catalogue import Catalogue
from blocks.tables import DECLARED, VECTORS, key

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDING: Final = 1e-5  # a vector's last bits differ with the batch that it was made in
PER_RUN: Final = ("runs", "usage")  # tables that say what a run was and cost, so that two runs leave two rows
WHEN: Final = ("run", "at")  # columns that say when a row was written


class Content(NamedTuple):
    """A table: how many rows, of which kinds, what each key holds (a digest), and in which run it was written."""

    rows: int
    kinds: dict[str, int]
    digests: dict[str, str]
    runs: dict[str, str]
    vectors: dict[str, NDArray[np.float32]]
    declared: bool
    indexed: tuple[str, ...]


class Manifest(NamedTuple):
    """All tables of a customer by name, and what of the row of the run that is live does not depend on the time."""

    tables: dict[str, Content]
    live: dict[str, Any]

    def counts(self) -> dict[str, int]:
        """Rows of each table, those of the live vectors as `vectors`."""
        return {"vectors" if name.startswith(VECTORS) else name: one.rows for name, one in self.tables.items()}

    def differences(self, other: Manifest) -> list[str]:
        """Sentences that say what is otherwise than in `other`; none where both are the same catalogue."""
        found = [f"{name} is there once only" for name in sorted(set(self.tables) ^ set(other.tables))]
        for name in sorted(set(self.tables) & set(other.tables)):
            found += _compared(name, self.tables[name], other.tables[name])
        found += [f"live: {name} is {self.live[name]}, not {other.live[name]}" for name in self._unlike(other)]
        return found

    def twice(self) -> list[str]:
        """Tables with a key that is there more than once, or whose key is not declared, so that one could be."""
        return [name for name, one in self.tables.items() if one.rows != len(one.digests) or not one.declared]

    def work(self) -> Counter[str]:
        """How much was read, rendered and embedded for what is there, by the names that an onboarding counts with."""
        images = self.tables["images"].kinds if "images" in self.tables else {}
        counts = self.counts()
        rows = {"files": "files", "vectors": "vectors", "templates": "Cast", "queries": "Prints"}
        return Counter({name: counts.get(table, 0) for table, name in rows.items()}) + Counter(
            {"Made": images.get("view", 0) + images.get("variant", 0)}
        )

    def done_over(self, later: Manifest, whole: Manifest) -> list[str]:
        """Rows that were as in `whole` and are not, or were written in another run, in `later`."""
        found = []
        for name, one in self.tables.items():
            wanted = whole.tables[name].digests if name in whole.tables else {}
            after = later.tables.get(name)
            for row, digest in one.digests.items():
                if wanted.get(row) != digest:
                    continue
                if after is None or (after.digests.get(row), after.runs.get(row)) != (digest, one.runs[row]):
                    found.append(f"{name}: {row} was written again")
        return found

    def _unlike(self, other: Manifest) -> list[str]:
        """Names of what is said of the live run otherwise than in `other`: figures to four digits."""
        return [name for name, told in self.live.items() if _differ(told, other.live.get(name))]


def manifest(catalogue: Catalogue) -> Manifest:
    """The manifest of a customer's newest rows."""
    served = catalogue.served()
    live = {
        "table": served.vectors,
        "embed": served.embed.model_dump_json() if served.embed else "",
        "threshold": served.threshold,
        "kinds": served.kinds,
        "is newest": served.versions == catalogue.newest(served.vectors) if served.vectors else False,
    }
    return Manifest({name: _content(catalogue, name) for name in catalogue.tables() if name not in PER_RUN}, live)


def _content(catalogue: Catalogue, name: str) -> Content:
    table = catalogue.table(name)
    columns = [field.name for field in table.schema]
    rows = catalogue.rows(name, columns)
    named = key(name)
    declared = any(word.startswith(DECLARED) for word in table.schema.field(named).metadata or {})
    return Content(
        rows=len(rows),
        kinds=dict(Counter(str(row.get("kind", "")) for row in rows)),
        digests={row[named]: _digest(row) for row in rows},
        runs={row[named]: row.get("run") or "" for row in rows},
        vectors={row[named]: np.array(row["vector"], np.float32) for row in rows if "vector" in row},
        declared=declared,
        indexed=tuple(sorted(column for entry in table.list_indices() for column in entry.columns)),
    )


def _digest(row: dict[str, Any]) -> str:
    told = {name: value for name, value in row.items() if name not in (*WHEN, "vector")}
    whole = {name: hashlib.sha256(v).hexdigest() if isinstance(v, bytes) else v for name, v in told.items()}
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()


def _compared(name: str, one: Content, other: Content) -> list[str]:
    found = []
    if one.rows != other.rows:
        found.append(f"{name}: {one.rows} rows, not {other.rows}")
    missing, surplus = (sorted(set(a.digests) - set(b.digests)) for a, b in ((other, one), (one, other)))
    found += [f"{name}: {row} is missing" for row in missing] + [f"{name}: {row} is too many" for row in surplus]
    shared = set(one.digests) & set(other.digests)
    found += [f"{name}: {row} is otherwise" for row in sorted(shared) if one.digests[row] != other.digests[row]]
    apart = [row for row in sorted(shared & set(one.vectors)) if _far(one.vectors[row], other.vectors[row])]
    found += [f"{name}: {row} has another vector" for row in apart]
    if one.indexed != other.indexed:
        found.append(f"{name}: indexed by {one.indexed}, not by {other.indexed}")
    return found


def _far(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return one.shape != other.shape or not np.allclose(one, other, atol=ROUNDING)


def _differ(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) > 2e-4
    return bool(one != other)
