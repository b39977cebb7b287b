"""What the customer says of their parts: `parts.csv` or `parts.json` beside the CAD."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LARGEST_MB: Final = 64
ROWS: Final = 1_000_000
LONGEST: Final = 2_000  # characters of one field that are kept

# how the columns are called in the files that customers send, English and German
COLUMNS: Final = {
    "number": "number part part_number partnumber part_no partno no id sku item article article_number mpn nummer "
    "teilenummer artikelnummer artikel_nr artikelnr sachnummer teil",
    "name": "name title designation part_name bezeichnung benennung titel",
    "description": "description text details comment notes beschreibung bemerkung",
    "material": "material werkstoff matl",
    "file": "file filename file_name cad cad_file datei dateiname",
    "photo": "photo photos image images picture pictures foto fotos bild bilder",
    "unit": "unit units einheit",
    "colour": "colour color farbe",
}
_MEANING: Final = {word: field for field, words in COLUMNS.items() for word in words.split()}


class Entry(Record):
    """What is said of one part; every field may be empty but the number."""

    number: str = Field(min_length=1)
    name: str = ""
    description: str = ""
    material: str = ""
    file: str = ""
    photos: tuple[str, ...] = ()
    unit: str = ""
    colour: str = ""
    folder: str = ""  # where the metadata lie: file names in them are relative to it


def entries(path: Path, name: str) -> tuple[tuple[Entry, ...], str]:
    """The entries of the metadata file at `path`, called `name` below the source, and what is wrong.

    The second value is empty when all is well, else one sentence; entries that can be read still count.
    """
    try:
        if path.stat().st_size > LARGEST_MB * 2**20:
            return (), f"{name} is larger than {LARGEST_MB} MB and was not read."
        text = decoded(path.read_bytes())
        rows = _json_rows(text) if name.lower().endswith(".json") else csv_rows(text)
    except (ValueError, csv.Error, OSError, RecursionError) as error:
        return (), f"{name} cannot be read: {error}."
    folder = name.rpartition("/")[0]
    found = [entry for row in rows[:ROWS] if (entry := _entry(row, folder))]
    if not found:
        return (), f"{name} names no part: it needs a column “number” (or part, sku, Teilenummer …)."
    distinct = first_of_each(found)
    twice = len(found) - len(distinct)
    wrong = f"{name} has {twice} rows whose part number stands above already; the first row of each counts."
    return distinct, wrong if twice else ""


def first_of_each(found: Iterable[Entry]) -> tuple[Entry, ...]:
    """One entry a number: the first."""
    numbers: dict[str, Entry] = {}
    for entry in found:
        numbers.setdefault(entry.number, entry)
    return tuple(numbers.values())


def decoded(data: bytes) -> str:
    """The text of a table, in whatever encoding people's spreadsheets write."""
    for encoding in ("utf-8-sig", "utf-16") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("cp1252", errors="replace")  # what a German Excel writes


def csv_rows(text: str) -> list[dict[str, Any]]:
    """The rows of a CSV by the heads of its columns, whatever separates them."""
    head = text.partition("\n")[0]
    delimiter = max(",;\t|", key=head.count)
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def _json_rows(text: str) -> list[dict[str, Any]]:
    data = json.loads(text)
    if isinstance(data, dict) and isinstance(data.get("parts"), list):
        data = data["parts"]
    if isinstance(data, dict):  # {"A-1": {"name": …}}
        data = [{"number": number, **fields} for number, fields in data.items() if isinstance(fields, dict)]
    if not isinstance(data, list):
        raise ValueError("it holds neither a list of parts nor an object of them")  # noqa: TRY004 - about the file
    return [row for row in data if isinstance(row, dict)]


def _entry(row: dict[str, Any], folder: str) -> Entry | None:
    fields: dict[str, str] = {}
    photos: list[str] = []
    for column, value in row.items():
        field = _MEANING.get(re.sub(r"[^a-z]+", "_", str(column).strip().lower()).strip("_"))
        if field == "photo" and value:  # there may be several columns, and several names in each
            photos += value if isinstance(value, list) else re.split(r"[;|,]", str(value))
        elif field and value not in (None, "") and field not in fields:
            fields[field] = _plain(value)
    if not fields.get("number"):
        return None
    if "file" in fields:
        fields["file"] = fields["file"].replace("\\", "/")
    names = (_plain(name).replace("\\", "/") for name in photos)
    return Entry(**fields, photos=tuple(filter(None, names)), folder=folder)


def _plain(value: object) -> str:
    """One line of text that can be stored: no surrogates, no runs of blanks, not too long."""
    return " ".join(str(value).encode("utf-8", "replace").decode().split())[:LONGEST]
