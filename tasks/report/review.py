"""The page to review variants: each beside the render that it was made from, with the gate's scores and reasons."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from tasks.report import html
from tasks.report.contact import sheet, thumbnail
from tasks.report.gallery import pictures

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from blocks.catalogue import Catalogue

PAIRS: Final = 300  # shown on one page, the rejected ones first
_TILE: Final = 224
_COLUMNS: Final = ("id", "part", "parent", "stage", "prompt", "scores", "accepted", "reason")


def write(catalogue: Catalogue, customer: str, path: Path, *, parts: Collection[str] = ()) -> dict[str, Any]:
    """Write the page about the variants of `parts` (all without any) to `path`; returns what it shows.

    Rejected ones come first, then those nearest to being rejected by what they find (`margin`).
    """
    rows = _rows(catalogue, parts)
    decided = {row["id"]: row["accepted"] for row in catalogue.rows("reviews", ("id", "accepted"))}
    shown = rows[:PAIRS]
    data = pictures(catalogue, [name for row in shown for name in (row["id"], row["parent"]) if name])
    thumbs = {name: sheet([thumbnail(some, _TILE)]).uri for name, some in data.items()}
    rejected = sum(not row["accepted"] for row in rows)
    moment = datetime.now(UTC)
    content = {
        "customer": customer,
        "when": f"{moment.day} {moment:%B %Y, %H:%M} UTC",
        "lead": f"{len(rows):,} variants, {rejected:,} of them rejected.",
        "reasons": _reasons(rows),
        "pairs": [_pair(row, thumbs, decided) for row in shown],
        "note": f"The first {PAIRS} of {len(rows):,} are shown." if len(rows) > PAIRS else "",
        "version": html.version(),
    }
    html.put(html.rendered("review.html.j2", content, ("report.css", "review.css"), ("report.js",)), path)
    return {"variants": len(rows), "rejected": rejected, "shown": len(shown), "reviewed": len(decided)}


def _rows(catalogue: Catalogue, parts: Collection[str]) -> list[dict[str, Any]]:
    from lancedb.expr import col, lit

    wanted = col("kind") == lit("variant")
    if parts:
        wanted &= col("part").isin(sorted(parts))
    rows = catalogue.rows("images", _COLUMNS, wanted)
    for row in rows:
        row["scores"] = json.loads(row["scores"] or "{}")
    return sorted(rows, key=lambda row: (row["accepted"], row["scores"].get("margin", 1.0), row["part"], row["id"]))


def _reasons(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How many were rejected by what, the most frequent first; figures in a reason are left out of the comparison."""
    counts: dict[str, int] = {}
    for row in rows:
        if not row["accepted"]:
            kind = str(row["reason"]).split(":", maxsplit=1)[0].rstrip(".")
            counts[kind] = counts.get(kind, 0) + 1
    return [{"reason": kind, "count": count} for kind, count in sorted(counts.items(), key=lambda one: -one[1])]


def _pair(row: Mapping[str, Any], thumbs: Mapping[str, str], decided: Mapping[str, bool]) -> dict[str, Any]:
    by_hand = row["id"] in decided
    verdict = ("accepted" if row["accepted"] else "rejected") + (" by hand" if by_hand else "")
    return {
        "id": row["id"],
        "number": row["part"],
        "view": thumbs.get(row["parent"], ""),
        "variant": thumbs.get(row["id"], ""),
        "verdict": verdict,
        "bad": not row["accepted"],
        "reason": row["reason"],
        "stage": row["stage"],
        "prompt": row["prompt"],
        "scores": [{"name": name, "value": f"{value:.3f}"} for name, value in row["scores"].items()],
        "words": f"{row['part']} {verdict} {row['reason']} {row['stage']} {row['id']}".lower(),
    }
