"""The report as Markdown with thumbnails in it, short enough for the page of a run, and its tables as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tasks.report.contact import sheet, thumbnail
from tasks.report.gallery import census

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blocks.catalogue import Catalogue

PARTS: Final = 12  # parts with pictures: with their sheets about 100 kB
_SIDE: Final = 96
_EACH: Final = 4  # views of a part, and variants
_SIGNS: Final = frozenset("\\`*_{}[]()<>#+!|~&")  # what Markdown, and HTML in it, take for more than a letter


def markdown(catalogue: Catalogue, summary: dict[str, Any]) -> str:
    """What a run made: the figures in a sentence each, then some parts with views and variants as data URIs."""
    lines = [f"## {text(summary['customer'])}: run {text(summary['run'])}", ""]
    lines += [f"- {line}" for line in figures(summary)]
    lines += [f"- {text(note)}" for note in summary["notes"]]
    lines += ["", "| part | name | views, then variants |", "|---|---|---|"]
    lines += [
        f"| {text(number)} | {text(name)} | ![{text(number)}]({uri}) |" for number, name, uri in _shown(catalogue)
    ]
    return "\n".join(lines) + "\n"


def figures(summary: dict[str, Any]) -> list[str]:
    """A summary in short sentences."""
    files, parts, images = summary["files"], summary["parts"], summary["images"]
    kinds = ", ".join(f"{parts[kind]} {kind}" for kind in ("new", "changed", "unchanged", "retired"))
    found = [
        f"{files['ok']} files read, {files['unchanged']} unchanged, {files['quarantined']} in quarantine.",
        f"Parts: {kinds}.",
        f"{images['views']} views and {images['variants']} variants made, {images['rejected']} rejected.",
        f"{summary['vectors']} vectors written in {summary['seconds']['total']:.0f} s.",
    ]
    if summary["recall"]:
        found.append("Recall " + ", ".join(f"@{k} {100 * v:.1f} %" for k, v in summary["recall"].items()) + ".")
    return found


def sentence(summary: dict[str, Any]) -> str:
    """A run in one sentence, as its state says it."""
    parts = summary["parts"]
    total = parts["new"] + parts["changed"] + parts["unchanged"]
    live = "live" if summary["released"] else "not released"
    bad = summary["files"]["quarantined"]
    said = f"{total} parts, {parts['new']} new and {parts['changed']} changed, {live}"
    return said + (f"; {bad} files in quarantine." if bad else ".")


def summary_rows(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """The summary as a table: what, and how many."""
    rows = [
        {"what": f"{group}: {name}", "count": count}
        for group in ("files", "parts", "images")
        for name, count in summary[group].items()
    ]
    rows.append({"what": "vectors", "count": summary["vectors"]})
    if summary.get("templates"):
        rows.append({"what": "templates of parts", "count": summary["templates"]})
    gpu = summary.get("gpu_seconds") or {}
    if gpu.get("month"):
        rows += [{"what": f"GPU seconds: {what}", "count": round(gpu[what])} for what in ("run", "month")]
    rows += [{"what": f"recall@{k}", "count": f"{100 * v:.1f} %"} for k, v in (summary["recall"] or {}).items()]
    rows += [{"what": f"seconds: {phase}", "count": round(spent, 1)} for phase, spent in summary["seconds"].items()]
    return rows


def recall_rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """What an evaluation measured, as a table."""
    return [{"what": f"recall@{depth}", "value": f"{100 * share:.1f} %"} for depth, share in _recall(found).items()]


def recall_sentence(found: dict[str, Any]) -> str:
    """An evaluation in one sentence."""
    told = ", ".join(f"@{depth} {100 * share:.1f} %" for depth, share in _recall(found).items())
    return f"Recall {told}." if told else "Nothing was asked."


def text(words: str) -> str:
    """`words` from a customer's file, as Markdown that shows them and does nothing."""
    return "".join(_calm(letter) for letter in words)


def _calm(letter: str) -> str:
    if letter in _SIGNS:
        return f"&#{ord(letter)};"
    return letter if letter.isprintable() else " "


def _recall(found: dict[str, Any]) -> dict[str, float]:
    return {depth: figure["value"] for depth, figure in found["recall"].items()}


def _shown(catalogue: Catalogue) -> list[tuple[str, str, str]]:
    """Number, name and sheet of the first parts."""
    from lancedb.expr import col, lit

    rows = catalogue.rows("parts", ("part", "name"), col("status") == lit("active"))
    some = sorted(rows, key=lambda row: row["part"])[:PARTS]
    found = census(catalogue, {row["part"] for row in some})
    shown = []
    for row in some:
        of_part = sorted(found.of_part.get(row["part"], ()))
        wanted = [entry.id for kind in ("view", "variant", "photo") for entry in _first(of_part, kind)]
        if wanted:
            shown.append((row["part"], row["name"] or "", _sheet(catalogue, wanted)))
    return shown


def _first(entries: Sequence[Any], kind: str) -> list[Any]:
    return [entry for entry in entries if entry.kind == kind][:_EACH]


def _sheet(catalogue: Catalogue, wanted: Sequence[str]) -> str:
    from lancedb.expr import col

    rows = catalogue.rows("images", ("id", "image"), col("id").isin(list(wanted)))
    pictures = {row["id"]: row["image"] for row in rows}
    return sheet([thumbnail(pictures[name], _SIDE) for name in wanted if name in pictures], _EACH).uri
