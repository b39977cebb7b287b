"""Whether what a run made may take the place of what searches read: not when it finds clearly less.

Both are asked the same questions, pictures that no index has seen, about parts that both have in the same shape, and
only these may be found: a catalogue that grows, or whose CAD changed, is not worse for it. What differs is what was
made of them. What is live answers with its own model, out of its own versions of the tables.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tasks.evaluate import PLAIN, SOURCES, measure, policy
from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blocks.catalogue import Catalogue, Served
    from blocks.customer import Customer, Release
    from tasks.embed import Embedder
    from tasks.evaluate import Evaluation
    from tasks.progress import Progress
    from tasks.queries import Query
    from tasks.score import Share


class RefusedError(ValueError):
    """What was made finds less than what is live, and does not go live; `summary` is that of its run."""

    def __init__(self, message: str, summary: dict[str, Any]) -> None:
        super().__init__(message)
        self.summary = summary


class Compared(Record):
    """Recall@1 of what is live and of what would take its place, on the same questions."""

    queries: int = Field(ge=0, description="How many questions both were asked.")
    before: float = Field(ge=0, le=1, description="Recall@1 of what is live.")
    after: float = Field(ge=0, le=1, description="Recall@1 of what the run made.")
    before_interval: tuple[float, float] | None = Field(
        None, description="95 % interval of what is live; null where it was not measured now."
    )
    after_interval: tuple[float, float] | None = Field(None, description="95 % interval of what the run made.")


class Verdict(Record):
    """What was measured, and why the run must not go live, in a sentence; empty where it may."""

    evaluation: Any = None
    compared: Compared | None = None
    refusal: str = ""
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> dict[str, Any]:
        """What the summary of the run says of it."""
        found: Evaluation | None = self.evaluation
        return {
            "released": not self.refusal,
            "recall": {depth: round(share.value, 4) for depth, share in found.recall.items()} if found else None,
            "threshold": round(found.threshold.value, 4) or None if found else None,  # 0 tells nothing
            "compared": self.compared.model_dump(mode="json") if self.compared else None,
            "searched": list(found.searched) if found else None,
        }


def judge(
    catalogue: Catalogue,
    customer: Customer,
    embedder: Embedder,
    asked: Sequence[Query],
    progress: Progress,
    made: Catalogue | None = None,
    again: str = "onboard {slug} --even-if-worse",
) -> Verdict:
    """Measure what was made, and beside it what is live; where nothing can be asked, all that is made goes live.

    What was `made` are the newest rows where nothing else is said. `again` is how to let it go live all the same.
    """
    if not asked:
        return Verdict(notes=("Recall was not measured: there is no part with CAD to ask for.",))
    made = made or catalogue
    found = measure(
        made,
        embedder,
        asked,
        embedder.table,
        variants=customer.release.variants,
        done=lambda n: progress.advance("evaluate", n),
    )
    served, notes = catalogue.served(), _left_out(found)
    if not served.vectors:
        return Verdict(evaluation=found, notes=notes)
    both, note = _both(made, served, embedder, asked, found, customer.plugins)
    notes += (note,) if note else ()
    lost = round(both.before - both.after, 9) if both else 0.0  # 0.80 - 0.75 is more than 0.05
    if both is None or lost <= customer.release.tolerance:
        return Verdict(evaluation=found, compared=both, notes=notes)
    refusal = _refusal(customer, both, served.run, again.format(slug=customer.slug))
    return Verdict(evaluation=found, compared=both, refusal=refusal, notes=notes)


def searched(measured: Sequence[str] | None, release: Release) -> tuple[str, ...]:
    """Kinds of the pictures that searches compare with: as was `measured`, or as `release` has it without that."""
    kinds = measured or (PLAIN if release.variants == "never" else SOURCES["all"])
    return (*kinds, "text") if release.texts else tuple(kinds)


def suits(kinds: Sequence[str] | None, release: Release) -> bool:
    """Whether what is live, with pictures of `kinds`, is what `release` wants; None is from before one could choose."""
    if kinds is None:
        return True
    variants = release.variants == "auto" or policy(kinds) == release.variants
    return variants and ("text" in kinds) == release.texts


def _left_out(found: Evaluation) -> tuple[str, ...]:
    """A sentence where the variants that there are take no part in search."""
    gain = 100 * found.variants.value
    if "variant" in found.searched or found.by_source["views"] == found.by_source["views+variants"]:
        return ()
    return (f"Variants are kept out of search: with them recall@1 changes by {gain:+.1f} points.",)


def _both(
    made: Catalogue,
    served: Served,
    embedder: Embedder,
    asked: Sequence[Query],
    found: Evaluation,
    plugins: Sequence[str],
) -> tuple[Compared | None, str]:
    """Recall@1 of both; from what was measured when the live one went live, where its model is not here any more."""
    now, then = _shapes(made), _shapes(served)
    shared = {part for part, shape in now.items() if then.get(part) == shape}
    some = [query for query in asked if query.part in shared]
    if not some:
        return None, "Nothing to compare with: no part that was asked for was live in this shape."
    own = _model(served, plugins)
    if own is None:
        before = _recorded(served)
        if before is None:
            return None, "Nothing to compare with: the model of the catalogue that was live is not here any more."
        note = "Compared with the recall that was measured back then: the model that was live is not here any more."
        after = found.recall["1"]
        return Compared(queries=len(asked), before=before, after=after.value, after_interval=_interval(after)), note
    measured = found
    if len(shared) < len(now):
        measured = measure(made, embedder, some, embedder.table, among=shared, variants=policy(found.searched))
    now_live = measure(served, own, some, served.vectors, among=shared, variants=policy(served.kinds))
    old, new = now_live.recall["1"], measured.recall["1"]
    compared = Compared(
        queries=len(some),
        before=old.value,
        after=new.value,
        before_interval=_interval(old),
        after_interval=_interval(new),
    )
    return compared, ""


def _interval(share: Share) -> tuple[float, float]:
    return round(share.low, 4), round(share.high, 4)


def _shapes(catalogue: Catalogue) -> dict[str, str]:
    """The geometry of each active part."""
    from lancedb.expr import col, lit

    rows = catalogue.rows("parts", ("part", "geometry"), col("status") == lit("active"))
    return {row["part"]: row["geometry"] or "" for row in rows}


def _model(served: Served, plugins: Sequence[str]) -> Embedder | None:
    """The model of what is live, if it is still what it was, and may be used."""
    from tasks.embed import embedder

    try:
        own = embedder(served.embed, plugins, served) if served.embed else None
    except ValueError:  # its weights are gone, or the customer may not use it any more
        return None
    return own if own and own.table == served.vectors else None


def _recorded(served: Served) -> float | None:
    """Recall@1 that was measured when what is live went live."""
    from lancedb.expr import col, lit

    from blocks.catalogue import Catalogue

    whole = Catalogue(uri=served.uri, storage_options=served.storage_options)
    (row,) = whole.rows("runs", ("summary",), col("run") == lit(served.run))
    recall: dict[str, float] = json.loads(row["summary"] or "{}").get("recall") or {}
    return recall.get("1")


def _refusal(customer: Customer, both: Compared, run: str, again: str) -> str:
    more = "raise release.tolerance in the customer's file, or " if customer.release.tolerance else ""
    return (
        f"This run does not go live: of {both.queries} pictures that no index has seen it finds "
        f"{100 * both.after:.1f} % at the first place, and the catalogue that is live {100 * both.before:.1f} %; "
        f"it may lose {100 * customer.release.tolerance:.1f} points. Searches go on reading run {run}. Set the recipe "
        f"right, or {more}let it go live all the same with: "
        f"partsight {again}"
    )
