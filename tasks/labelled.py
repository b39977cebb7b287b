"""Photographs of which somebody says what part they show: to measure with what customers really send.

Three ways to say it: a folder for each part, named by its number; pictures called `<number>__<anything>.jpg`, where
`clean`, `clutter` or `occluded` between such double lines says how difficult they are; or a table with the columns
file, part and, if known, difficulty.
"""

from __future__ import annotations

import csv
import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tasks.metadata import COLUMNS, csv_rows, decoded
from tasks.photograph import SUFFIXES
from tasks.queries import Query
from tasks.records import Record, content_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

_WORDS: Final = {
    "clean": "clean",
    "clutter": "cluttered",
    "cluttered": "cluttered",
    "occluded": "occluded",
    "occlusion": "occluded",
    "hidden": "occluded",
}
_FILES: Final = frozenset(f"{COLUMNS['file']} {COLUMNS['photo']}".split())
_PARTS: Final = frozenset(COLUMNS["number"].split())
_MOST_BYTES: Final = 64 * 2**20
_NAMED: Final = 5  # names in a sentence


class Label(Record):
    """A photograph, the part that it is said to show, and how difficult it is said to be (perhaps empty)."""

    file: Path
    part: str
    difficulty: str = ""


def photographs(place: Path, parts: Collection[str], salt: str = "") -> tuple[tuple[Query, ...], tuple[str, ...]]:
    """The photographs at `place`, a folder or a CSV, that show one of `parts`; and sentences about the others.

    Raises ValueError with a sentence when none does.
    """
    labels = sorted(_labels(place), key=lambda label: str(label.file))
    if not labels:
        raise ValueError(
            f"There is no photograph in {place}: it wants a folder for each part, named by its number, pictures called "
            "NUMBER__1.jpg, or a CSV with the columns file and part."
        )
    known = _known(parts)
    found, strange = [], set()
    for label in labels:
        part = known.get(label.part) or known.get(_plain(label.part))
        if part is None:
            strange.add(label.part)
            continue
        found.append(
            Query(
                id=content_id("photograph", part, str(label.file.absolute()), salt=salt),
                part=part,
                difficulty=label.difficulty or "photo",
                renderer="photo",
                file=str(label.file),
            )
        )
    notes = tuple(_unknown(sorted(strange), parts))
    if not found:
        raise ValueError(f"None of the {len(labels)} photographs in {place} can be used. {' '.join(notes)}")
    return tuple(found), notes


def _labels(place: Path) -> Iterator[Label]:
    if place.is_file():
        yield from _table(place)
        return
    tables = sorted(path for path in place.iterdir() if path.suffix.lower() == ".csv" and path.is_file())
    if tables:
        for table in tables:
            yield from _table(table)
        return
    for path in sorted(place.rglob("*")):
        inside = path.relative_to(place)
        if path.suffix.lower() in SUFFIXES and path.is_file() and not any(n.startswith(".") for n in inside.parts):
            number, *words = path.stem.split("__")
            said = [_WORDS[word.lower()] for word in words if word.lower() in _WORDS]
            part = inside.parts[0] if len(inside.parts) > 1 else number
            yield Label(file=path, part=part, difficulty=said[-1] if said else "")


def _table(path: Path) -> Iterator[Label]:
    """The rows of a CSV; files are named relative to it."""
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path} is too large for a table of photographs.")
    try:
        rows = csv_rows(decoded(path.read_bytes()))
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read: {error}.") from error
    for row in rows:
        cells = {re.sub(r"[^a-z]+", "_", str(key).strip().lower()).strip("_"): value for key, value in row.items()}
        file, part = _cell(cells, _FILES), _cell(cells, _PARTS)
        if not (file and part):
            raise ValueError(f"{path} has a row without file or part: it needs the columns file and part.")
        said = _cell(cells, {"difficulty"}).lower()
        if said and said not in _WORDS:
            raise ValueError(f"{path} calls {file} {said!r}: a difficulty is clean, cluttered or occluded.")
        yield Label(file=path.parent / file, part=part, difficulty=_WORDS.get(said, ""))


def _cell(cells: dict[str, Any], names: Collection[str]) -> str:
    return next((str(value).strip() for name, value in cells.items() if name in names and value), "")


def _known(parts: Collection[str]) -> dict[str, str]:
    """Part numbers by all that a folder of theirs may be called: file systems and people change some letters."""
    plain: dict[str, list[str]] = {}
    for part in parts:
        plain.setdefault(_plain(part), []).append(part)
    return {name: some[0] for name, some in plain.items() if len(some) == 1} | {part: part for part in parts}


def _plain(number: str) -> str:
    return re.sub(r"[^\w.+-]", "_", number.strip().casefold())


def _unknown(strange: Sequence[str], parts: Collection[str]) -> Iterator[str]:
    """A sentence about names that no part has."""
    if not strange:
        return
    some = ", ".join(f"'{name}'" for name in strange[:_NAMED]) + (" …" if len(strange) > _NAMED else "")
    said = "is no part of this catalogue: its" if len(strange) == 1 else "are no parts of this catalogue: their"
    near = [close for name in strange[:_NAMED] for close in difflib.get_close_matches(name, list(parts), n=1)]
    hint = f" Is it {' or '.join(dict.fromkeys(near))}?" if near else " See the numbers with: partsight parts."
    yield f"{some} {said} photographs are left out.{hint}"
