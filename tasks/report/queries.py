"""The report of an evaluation: the figures, and the queries beside what they found, the worst first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.report import html
from tasks.report.contact import TILE, sheet, thumbnail
from tasks.report.gallery import pictures

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from PIL.Image import Image

    from blocks.catalogue import Catalogue
    from tasks.evaluate import Evaluation, Found, Outcome
    from tasks.queries import Query

_QUERY: Final = 224  # pixels of a query's picture on the page
_GROUPS: Final = 40
_MEMBERS: Final = 12
_BINS: Final = 50
_DEPTHS: Final = ("1", "5", "10")
_TITLES: Final = {
    "by_difficulty": "Difficulty",
    "by_renderer": "Made by",
    "by_source": "Searched in",
}
_NAMES: Final = {
    "studio": "the studio",
    "photoreal": "the path tracer",
    "photo": "photographs",
    "views": "views alone",
    "views+variants": "views and variants",
    "all": "all pictures",
}


def write(
    catalogue: Catalogue, evaluation: Evaluation, asked: Sequence[Query], told: Mapping[str, Any], path: Path
) -> Path:
    """Write the page about `evaluation` to `path`, which is returned.

    `asked` are its queries, `told` is what `partsight evaluate --json` prints, and `catalogue` has the pictures.
    """
    content = {
        **_head(evaluation, told),
        "tables": list(_tables(evaluation)),
        "variants": _variants(evaluation),
        "threshold": _threshold(evaluation),
        **_groups(catalogue, evaluation),
        **_queries(catalogue, evaluation, asked),
    }
    styles = ("report.css", "queries.css")
    return html.put(html.rendered("queries.html.j2", content, styles, ("report.js",)), path)


def _head(evaluation: Evaluation, told: Mapping[str, Any]) -> dict[str, Any]:
    first, fifth = (evaluation.recall[depth].value for depth in ("1", "5"))
    moment = datetime.now(UTC)
    figures = [(f"Recall@{depth}", evaluation.recall[depth]) for depth in _DEPTHS] + [("mAP", evaluation.map)]
    notices = list(told["notes"])
    if "_random_" in evaluation.table:
        notices.insert(0, "The weights of the model are random: what it finds by picture is a rough guess.")
    return {
        "customer": told["customer"],
        "run": told["run"],
        "model": told["model"],
        "when": f"{moment.day} {moment:%B %Y, %H:%M} UTC",
        "lead": f"{_percent(first)} of {evaluation.queries:,} queries found their part at the first place, "
        f"{_percent(fifth)} among the first five. {evaluation.asked:,} of {evaluation.parts:,} parts were asked for.",
        "figures": [
            {"name": name, "value": _percent(share.value), "detail": _span(share.low, share.high)}
            for name, share in figures
        ],
        "notices": notices,
        "version": html.version(),
    }


def _tables(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    for key, title in _TITLES.items():
        rows = [
            {
                "name": _NAMES.get(name, name) if key != "by_difficulty" else name,
                "queries": f"{figures.queries:,}",
                "low": round(100 * figures.recall["1"].low, 2),
                "wide": round(100 * (figures.recall["1"].high - figures.recall["1"].low), 2),
                "at": round(100 * figures.recall["1"].value, 2),
                "cells": [
                    {"value": _percent(share.value), "span": _span(share.low, share.high)}
                    for share in (*(figures.recall[depth] for depth in _DEPTHS), figures.map)
                ],
            }
            for name, figures in getattr(evaluation, key).items()
        ]
        yield {"title": title, "rows": rows}


def _variants(evaluation: Evaluation) -> str:
    gain = evaluation.variants
    points = f"{100 * gain.value:+.1f} points of recall@1 ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
    if gain.low > 0:
        return f"The variants help: {points}."
    return f"The variants harm: {points}." if gain.high < 0 else f"Whether the variants help cannot be said: {points}."


def _threshold(evaluation: Evaluation) -> dict[str, Any]:
    """The cut in words, and how the scores lie on both sides of it."""
    cut = evaluation.threshold
    everything = np.concatenate([np.asarray(scores) for scores in evaluation.scores.values()])
    low, high = float(everything.min(initial=1.0)), float(everything.max(initial=0.0))
    edges = np.linspace(low - 1e-6, max(high, low + 0.01), _BINS + 1)
    counts = {name: np.histogram(scores, edges)[0] for name, scores in evaluation.scores.items()}
    tallest = max(int(count.max()) for count in counts.values()) or 1
    bars = {
        name: [
            {"x": place, "height": round(40 * int(count) / tallest, 2)} for place, count in enumerate(of) if int(count)
        ]
        for name, of in counts.items()
    }
    accepted, rejected = _percent(cut.false_accept), _percent(cut.false_reject)
    note = (
        f"Below a score of {cut.value:.3f} a part is said not to be in the catalogue. Measured with queries that had "
        f"no say in it: {accepted} of absent parts pass for another one, {rejected} of present ones are called absent."
    )
    if cut.value <= 0:
        note = "The scores do not tell parts that are there from parts that are not, so no part is ever called absent."
    at = round(float((cut.value - edges[0]) / (edges[-1] - edges[0])) * _BINS, 3)
    return {
        "note": note,
        "bars": bars,
        "at": at if 0 <= at <= _BINS else None,
        "low": f"{low:.2f}",
        "high": f"{high:.2f}",
    }


def _groups(catalogue: Catalogue, evaluation: Evaluation) -> dict[str, Any]:
    groups = evaluation.groups
    faces = _faces(catalogue, {part for group in groups[:_GROUPS] for part in group.parts[:_MEMBERS]})
    cards = [
        {
            "title": f"{len(group.parts)} parts",
            "detail": f"{group.confused} of {group.queries} queries found another one first",
            "members": [{"number": part, "thumb": faces.get(part, "")} for part in group.parts[:_MEMBERS]],
            "more": max(0, len(group.parts) - _MEMBERS),
        }
        for group in groups[:_GROUPS]
    ]
    parts = sum(len(group.parts) for group in groups)
    note = (
        f"{parts:,} parts in {len(groups):,} groups: their pictures resemble one another as much as those of one part "
        "do, or each is taken for the other in a third of the queries."
    )
    return {"groups": cards, "groups_note": note + (f" The first {_GROUPS} are shown." if parts > _GROUPS else "")}


def _faces(catalogue: Catalogue, parts: Collection[str]) -> dict[str, str]:
    """A thumbnail of each part's first view, which shows most of it; of its photograph where it has no CAD."""
    from lancedb.expr import col

    rows = catalogue.rows("images", ("id", "part", "kind", "place"), col("part").isin(sorted(parts) or [""]))
    rows = [row for row in rows if row["kind"] != "variant"]
    rows.sort(key=lambda row: (row["kind"] != "view", row["place"] or 0, row["id"]), reverse=True)
    first = {row["part"]: row["id"] for row in rows}
    thumbs = _thumbs(catalogue, first.values())
    return {part: thumbs.get(image, "") for part, image in first.items()}


def _queries(catalogue: Catalogue, evaluation: Evaluation, asked: Sequence[Query]) -> dict[str, Any]:
    by_id = {query.id: query for query in asked}
    shown = [one for one in evaluation.worst if one.query in by_id]
    wanted = {found.image for one in shown for found in (*one.found, *([one.own] if one.own else []))}
    thumbs = _thumbs(catalogue, wanted)
    entries = [_entry(one, by_id[one.query], thumbs) for one in shown]
    missed = evaluation.queries - round(evaluation.recall["1"].value * evaluation.queries)
    note = f"{missed:,} of {evaluation.queries:,} queries did not find their part at the first place."
    if len(entries) < evaluation.queries:
        note += f" The {len(entries)} that went wrong most are shown, the worst first."
    return {"queries": entries, "queries_note": note}


def _entry(outcome: Outcome, query: Query, thumbs: Mapping[str, str]) -> dict[str, Any]:
    tiles = [_tile(found, place, outcome, thumbs) for place, found in enumerate(outcome.found, start=1)]
    beyond = outcome.own is not None and outcome.rank is not None and outcome.rank > len(tiles)
    said = [outcome.difficulty, _NAMES.get(outcome.renderer, outcome.renderer)]
    return {
        "number": outcome.part,
        "said": " · ".join(dict.fromkeys("photograph" if one.startswith("photo") else one for one in said)),
        "verdict": f"found at place {outcome.rank}" if outcome.rank else "not found",
        "wrong": outcome.rank != 1,
        "picture": _uri(_small(query)),
        "found": tiles,
        "own": _tile(outcome.own, outcome.rank, outcome, thumbs) if beyond and outcome.own and outcome.rank else None,
        "words": f"{outcome.part} {outcome.difficulty} {outcome.renderer}".lower(),
    }


def _tile(found: Found, place: int, outcome: Outcome, thumbs: Mapping[str, str]) -> dict[str, Any]:
    return {
        "number": found.part,
        "place": place,
        "score": f"{found.score:.3f}",
        "right": place == outcome.rank,
        "thumb": thumbs.get(found.image, ""),
    }


def _small(query: Query) -> Image:
    from PIL import Image, ImageOps

    picture = Image.fromarray(query.pixels)
    return ImageOps.pad(picture, (_QUERY, _QUERY), Image.Resampling.BICUBIC, color=(246, 246, 247))


def _thumbs(catalogue: Catalogue, images: Iterable[str]) -> dict[str, str]:
    """Each picture as a small one that can live in the page, by its id."""
    data = pictures(catalogue, sorted(set(images)))
    return {name: _uri(thumbnail(some, TILE)) for name, some in data.items()}


def _uri(tile: Image) -> str:
    return sheet([tile]).uri


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _span(low: float, high: float) -> str:
    return f"{100 * low:.1f} to {100 * high:.1f}"
