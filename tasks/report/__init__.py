"""The report of a run: one HTML page that holds all it shows and asks nothing of anybody."""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tasks.report import html, lookalikes
from tasks.report.contact import sheet, telling
from tasks.report.gallery import Census, census, chosen, thumbnails

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from PIL.Image import Image

    from blocks.catalogue import Catalogue
    from tasks.report.contact import Sheet
    from tasks.report.lookalikes import Group

_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_INSIDE: Final = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
_PARTS: Final = 200  # parts shown with pictures
_ROWS: Final = 2000  # further parts shown as rows of a table
_QUARANTINE: Final = 1000
_GROUPS: Final = 40
_MEMBERS: Final = 12
_PLACES: Final = 4
_MOST_BYTES: Final = 11_000_000  # of pictures on the page; parts that come later are rows of the table
_CAPTIONS: Final = {
    "photo": ("photograph", "photographs"),
    "view": ("view", "views"),
    "variant": ("variant", "variants"),
}
_COLUMNS: Final = (
    "part",
    "name",
    "description",
    "material",
    "colour",
    "size_mm",
    "volume_mm3",
    "occurrences",
    "status",
)


def write(catalogue: Catalogue, summary: dict[str, Any], path: Path, *, vectors: str = "") -> Path:
    """Write the page about the run that `summary` tells of to `path`, and return `path`.

    `summary` is what `partsight onboard --json` prints. `vectors` is the table that look-alikes are
    found in; without it, the live one. The page replaces an older one at once.
    """
    content = _content(catalogue, summary, vectors or _vectors(catalogue))
    return html.put(html.rendered("report.html.j2", content, ("report.css",), ("report.js",)), path)


def forget(folder: Path, days: int) -> None:
    """Remove the reports in `folder` that are older than so many `days`."""
    before = time.time() - days * 86_400
    for path in folder.glob("*.html"):
        if path.stat().st_mtime < before:
            path.unlink(missing_ok=True)


def extent(millimetres: Sequence[float] | None) -> str:
    """Write a size as a person does: to a tenth of a millimetre, small ones to three digits."""
    if not millimetres:
        return "unknown"
    sides = (f"{round(side, 1):g}" if side >= 10 else f"{side:.3g}" for side in millimetres)
    return " × ".join(sides)  # noqa: RUF001 - this is how sizes are written


def _vectors(catalogue: Catalogue) -> str:
    return catalogue.live() or next((name for name in sorted(catalogue.tables()) if name.startswith("vectors__")), "")


def _content(catalogue: Catalogue, summary: dict[str, Any], table: str) -> dict[str, Any]:
    """Gather all that the template says, in plain values."""
    parts = sorted(catalogue.rows("parts", _COLUMNS), key=lambda part: (part["status"] != "active", part["part"]))
    active = [part["part"] for part in parts if part["status"] == "active"]
    groups = lookalikes.groups(catalogue, table, active)
    shown = set(active[:_PARTS])
    faces = {number for group in groups[:_GROUPS] for number in group.parts[:_MEMBERS]}
    counted = census(catalogue, shown | faces)
    entries, thumbs = _entries(catalogue, parts, shown, faces, counted)
    anchors = {entry["number"]: entry["anchor"] for entry in entries}
    others = [part for part in parts if part["part"] not in anchors]
    guessing = "_random_" in table
    return {
        **_head(catalogue, summary, counted, active, guessing=guessing),
        "phases": _phases(summary["seconds"]),
        "time_note": f"The run took {_seconds(summary['seconds'].get('total', 0))} s. "
        "A bar is the work of one phase; phases overlap, and several processes work at once.",
        "quarantine": summary["quarantine"][:_QUARANTINE],
        "quarantine_more": max(0, len(summary["quarantine"]) - _QUARANTINE),
        "groups": _group_cards(groups, thumbs, anchors),
        "groups_note": _groups_note(groups, len(active), guessing=guessing),
        "parts": entries,
        "parts_note": f"{len(entries)} of {len(active)} parts, with a choice of their pictures.",
        "others": [_row(part) for part in others[:_ROWS]],
        "others_title": "Retired parts" if others and others[0]["status"] != "active" else "Further parts",
        "others_more": max(0, len(others) - _ROWS),
        "rejected": _rejected(catalogue, counted),
    }


def _head(
    catalogue: Catalogue, summary: dict[str, Any], counted: Census, active: Sequence[str], *, guessing: bool
) -> dict[str, Any]:
    files, parts, images = summary["files"], summary["parts"], summary["images"]
    total = sum(counted.counts.values())
    used = files["ok"] + files["unchanged"]
    lead = f"{_some(len(active), 'part')} from {_some(used, 'file')}, found by {_some(total, 'picture')}."
    if files["quarantined"]:
        are = "is" if files["quarantined"] == 1 else "are"
        lead += f" {_some(files['quarantined'], 'file')} {are} in quarantine."
    changes = ", ".join(f"{parts[key]:,} {key}" for key in ("new", "changed", "retired"))
    kinds = ", ".join(
        f"{count:,} {_CAPTIONS[kind][count != 1]}"
        for kind, count in counted.counts.items()
        if count and kind in _CAPTIONS
    )
    seconds = f"{_seconds(summary['seconds'].get('total', 0))} s"
    made = images["views"] + images["variants"]
    figures = (
        ("Parts", f"{len(active):,}", f"in this run: {changes}"),
        ("Pictures", f"{total:,}", kinds or "none"),
        ("New in this run", f"{made:,}", f"{images['rejected']:,} of them rejected"),
        ("Run time", seconds, f"{_some(files['ok'], 'file')} read, {files['unchanged']:,} unchanged"),
    )
    notices = ["The weights of the model are random: what it finds, and the look-alikes below, are a rough guess."]
    return {
        "customer": summary["customer"],
        "run": summary["run"],
        "when": _when(catalogue, summary["run"]),
        "lead": lead,
        "figures": [dict(zip(("name", "value", "detail"), figure, strict=True)) for figure in figures],
        "notices": (notices if guessing else []) + list(summary.get("notes", ())),
        "version": html.version(),
    }


def _when(catalogue: Catalogue, run: str) -> str:
    from lancedb.expr import col, lit

    rows = catalogue.rows("runs", ("started",), col("run") == lit(run))
    try:
        moment = datetime.fromisoformat(rows[0]["started"]) if rows else datetime.now(UTC)
    except (TypeError, ValueError):
        moment = datetime.now(UTC)
    return f"{moment.day} {moment:%B %Y, %H:%M} {moment.tzname() or ''}".strip()


def _phases(seconds: dict[str, float]) -> list[dict[str, Any]]:
    phases = {name: spent for name, spent in seconds.items() if name != "total"}
    longest = max([*phases.values(), 1e-9])
    return [
        {"name": name, "seconds": _seconds(spent), "share": round(100 * spent / longest, 2)}
        for name, spent in phases.items()
    ]


def _entries(
    catalogue: Catalogue, parts: Sequence[dict[str, Any]], shown: set[str], faces: set[str], counted: Census
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Lay out the parts with their contact sheets, as many as the page may hold; and a thumbnail of each face."""
    rows = {part["part"]: part for part in parts}
    wanted = {number: chosen(counted.of_part.get(number, ()), len(shown)) for number in rows if number in shown | faces}
    entries: list[dict[str, Any]] = []
    thumbs: dict[str, str] = {}
    size = 0
    for number, tiles in thumbnails(catalogue, wanted):
        if number in faces:
            thumbs[number] = _face(tiles)
            size += len(thumbs[number])
        if number in shown and size < _MOST_BYTES:
            totals = Counter(entry.kind for entry in counted.of_part.get(number, ()))
            sheets = [(_caption(kind, len(some), totals[kind]), sheet(some)) for kind, some in tiles.items() if some]
            size += sum(len(one.uri) for _, one in sheets)
            entries.append(_entry(rows[number], f"p{len(entries)}", sheets))
    return entries, thumbs


def _face(tiles: dict[str, list[Image]]) -> str:
    candidates = tiles.get("view") or tiles.get("photo") or []
    return sheet([telling(candidates)]).uri if candidates else ""


def _entry(part: dict[str, Any], anchor: str, sheets: Iterable[tuple[str, Sheet]]) -> dict[str, Any]:
    places = json.loads(part["occurrences"] or "[]")
    found = [_place(place) for place in places[:_PLACES]]
    if len(places) > _PLACES:
        found.append(f"and {len(places) - _PLACES} more places")
    facts = [
        {"name": "Size", "value": f"{extent(part['size_mm'])} mm" if part["size_mm"] else "unknown unit"},
        {"name": "Material", "value": part["material"] or "not given", "colour": _hex(part["colour"])},
        {"name": "Volume", "value": _volume(part["volume_mm3"])},
        {"name": "About", "value": part["description"]},
        {"name": "Found", "value": f"{_count(places)}{_TIMES}" if places else "photographs alone"},
    ]
    return {
        "number": part["part"],
        "name": part["name"] or "",
        "anchor": anchor,
        "words": _words(part),
        "facts": [fact for fact in facts if fact["value"]],
        "found": found,
        "sheets": [{"caption": caption, **one.model_dump()} for caption, one in sheets],
    }


def _row(part: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": part["part"],
        "name": part["name"] or "",
        "size": extent(part["size_mm"]),
        "material": part["material"] or "",
        "count": _count(json.loads(part["occurrences"] or "[]")),
        "status": part["status"],
        "words": _words(part),
    }


def _group_cards(groups: Sequence[Group], thumbs: dict[str, str], anchors: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "title": f"{len(group.parts)} parts, likeness {group.likeness:.3f}",
            "members": [
                {"number": number, "thumb": thumbs.get(number, ""), "anchor": anchors.get(number, "")}
                for number in group.parts[:_MEMBERS]
            ],
            "more": max(0, len(group.parts) - _MEMBERS),
        }
        for group in groups[:_GROUPS]
    ]


def _groups_note(groups: Sequence[Group], active: int, *, guessing: bool) -> str:
    parts = sum(len(group.parts) for group in groups)
    note = (
        f"{_some(parts, 'part')} in {_some(len(groups), 'group')}: their pictures resemble one another as much as "
        "pictures of a single part do, so one photograph may not tell them apart."
    )
    if len(groups) > _GROUPS:
        note += f" The {_GROUPS} closest groups are shown."
    if active > lookalikes.MOST_PARTS:
        note += f" Only the first {lookalikes.MOST_PARTS:,} parts were compared."
    return note + (" The weights of the model are random, so take this as a rough guess." if guessing else "")


def _rejected(catalogue: Catalogue, counted: Census) -> dict[str, Any]:
    count = sum(counted.rejected.values())
    reasons = []
    for reason, times in sorted(counted.rejected.items(), key=lambda item: (-item[1], item[0])):
        one = {"reason": {"example": counted.examples[reason]}}
        tiles = [tile for _, kinds in thumbnails(catalogue, one) for tile in kinds["example"]]
        reasons.append({"reason": reason, "count": f"{times:,}", "sheet": sheet(tiles) if tiles else None})
    note = f"{_some(count, 'picture')} did not show the part well enough and take no part in search."
    return {"count": count, "note": note, "reasons": reasons}


def _caption(kind: str, shown: int, total: int) -> str:
    return f"{shown if shown == total else f'{shown} of {total}'} {_CAPTIONS[kind][total != 1]}"


def _place(place: dict[str, Any]) -> str:
    where = _INSIDE.join(filter(None, (place["file"], place.get("path", "").replace("/", _INSIDE))))
    return f"{where} ({place['count']}{_TIMES})" if place.get("count", 1) > 1 else where


def _count(places: Iterable[dict[str, Any]]) -> int:
    return sum(place.get("count", 1) for place in places)


def _words(part: dict[str, Any]) -> str:
    return " ".join(str(part[key]) for key in ("part", "name", "description", "material") if part[key]).lower()


def _volume(cubic: float | None) -> str:
    if not cubic:
        return ""
    return f"{cubic / 1000:,.4g} cm³" if cubic >= 1000 else f"{cubic:.4g} mm³"


def _hex(colour: Sequence[float] | None) -> str:
    return "#" + "".join(f"{round(255 * min(1, max(0, share))):02x}" for share in colour) if colour else ""


def _seconds(spent: float) -> str:
    return f"{spent:,.0f}" if spent >= 100 else f"{spent:.1f}"


def _some(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
