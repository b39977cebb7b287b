"""What people decided about pictures: it stands above what the gate says, and is remembered across runs.

A picture's id is made from what it is made from, so the picture that a person rejected is the same one after it was
made anew; another recipe makes other pictures, which nobody has seen yet.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blocks.catalogue import Catalogue
    from tasks.embed import Embedder

REJECTED: Final = "Rejected by hand."


class Reviews:
    """The decisions that stand in a catalogue, as they were when this was made."""

    def __init__(self, catalogue: Catalogue) -> None:
        rows = catalogue.rows("reviews", ("id", "accepted"))
        self._decided: dict[str, bool] = {row["id"]: row["accepted"] for row in rows}

    def over(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row of a picture as a person wants it; unchanged where nobody decided."""
        decided = self._decided.get(row["id"])
        if decided is None or decided == row["accepted"]:
            return row
        return {**row, "accepted": decided, "reason": "" if decided else REJECTED}


def decide(catalogue: Catalogue, embedder: Embedder, names: Sequence[str], *, accepted: bool) -> tuple[bool, int]:
    """Accept or reject pictures, now and in all runs to come; returns whether searches see it at once, and how many.

    Where a run was stopped or refused since the last one went live, the tables hold more than what is live: then the
    next run brings it. Raises ValueError with a sentence when a picture is not there, or is no variant.
    """
    from lancedb.expr import col

    rows = catalogue.rows("images", ("id", "part", "kind", "image", "accepted"), col("id").isin(sorted(set(names))))
    _check(rows, names)
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    catalogue.upsert("reviews", [{"id": row["id"], "accepted": accepted, "at": now} for row in rows])
    changed = [row for row in rows if row["accepted"] != accepted]
    return _brought_live(catalogue, embedder, changed, accepted=accepted), len(changed)


def _check(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> None:
    there = {row["id"]: row["kind"] for row in rows}
    if missing := sorted(set(names) - set(there)):
        raise ValueError(f"There is no picture {missing[0]} in this catalogue; `partsight review` shows their ids.")
    if others := sorted(name for name, kind in there.items() if kind != "variant"):
        raise ValueError(f"{others[0]} is a {there[others[0]]}, not a variant: only variants are reviewed.")


def _brought_live(
    catalogue: Catalogue, embedder: Embedder, changed: Sequence[dict[str, Any]], *, accepted: bool
) -> bool:
    """Write the decision to the tables, and let searches see it where nothing else waits there; returns whether."""
    from lancedb.expr import col

    from tasks import publish

    served = catalogue.served()
    whole = bool(served.vectors) and served.versions == catalogue.newest(served.vectors)
    if changed:
        some = col("id").isin([row["id"] for row in changed])
        reason = "" if accepted else REJECTED
        catalogue.table("images").update(where=some, values={"accepted": accepted, "reason": reason})
        if accepted:
            publish.embed_again(catalogue, changed, embedder)
        else:
            catalogue.delete(embedder.table, some)
    if whole:
        publish.stay_live(catalogue)
    return whole
