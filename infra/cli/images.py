"""`partsight images`: the pictures of a catalogue as files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from infra.cli.output import Json, WrongCallError, answer, complain
from infra.cli.who import catalogue, here
from infra.cli.who import customer as resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from blocks.catalogue import Catalogue

_SUFFIXES = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"RIFF": ".webp", b"GIF8": ".gif"}
_LONGEST = 80
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


def images(
    customer: str,
    /,
    *,
    out: Path,
    part: str = "",
    as_json: Json = False,
) -> int:
    """Write the accepted pictures as files, one folder for each part.

    For example:

    ```
    partsight images demo --out pictures
    partsight images demo --part B-1001 --out pictures
    ```

    Args:
        customer: Slug of a customer, or the path of their YAML file.
        out: Folder to write to; made when it is not there.
        part: Number of one part; without it, all parts.
        as_json: Print JSON alone on stdout.
    """
    machine = here()
    there = catalogue(resolve(customer, machine), machine)
    numbers = _numbers(there, part)
    if out.exists() and not out.is_dir():
        raise WrongCallError(f"{out} is a file: --out wants a folder.")
    folders = folder_names(numbers)
    try:
        written = {number: write(there, number, out / folders[number]) for number in numbers}
    except OSError as error:
        complain(f"{error.filename or out} can't be written: {error.strerror}.")
        return 1
    count = sum(written.values())
    with answer(as_json) as say:
        if as_json:
            say.json({"out": str(out), "parts": len(numbers), "images": count, "folders": folders})
        else:
            say.line(f"{count} pictures of {len(numbers)} parts are in {out}")
    return 0


def write(there: Catalogue, number: str, folder: Path) -> int:
    """Write the accepted pictures of part `number` into `folder`, as <kind>-<index>; returns how many."""
    from lancedb.expr import col, lit

    mine = (col("part") == lit(number)) & (col("accepted") == lit(True))
    rows = there.rows("images", ("id", "kind", "place", "image"), mine)
    if folder.is_symlink():
        raise WrongCallError(f"{folder} is a link that leads elsewhere: remove it first.")
    folder.mkdir(parents=True, exist_ok=True)
    done = 0
    for name, data in _named((row["kind"], row["place"], row["id"], row["image"]) for row in rows):
        path = folder / name
        path.unlink(missing_ok=True)  # a link that somebody laid there must not be followed out of the folder
        with path.open("xb") as file:
            file.write(data)
        done += 1
    return done


def folder_names(numbers: Iterable[str]) -> dict[str, str]:
    """Name a folder for each part number: readable, different from all others, inside the folder it is put in.

    What file systems refuse or read as a path becomes "_", and then a hash tells such numbers apart.
    """
    from tasks.records import content_id

    names: dict[str, str] = {}
    taken: set[str] = set()
    for number in sorted(numbers):
        name = re.sub(r"[^\w.+ -]", "_", number)[:_LONGEST].strip(" .")
        if name != number or name.lower() in taken or name.lower().split(".")[0] in _DEVICES or not name:
            name = f"{name or 'part'}-{content_id(number)[:8]}"
        taken.add(name.lower())
        names[number] = name
    return names


def _numbers(there: Catalogue, part: str) -> list[str]:
    numbers = sorted({str(row["part"]) for row in there.rows("parts", ("part",))})
    if not part:
        return numbers
    if part in numbers:
        return [part]
    import difflib

    near = difflib.get_close_matches(part, numbers, n=3)
    hint = f"; is it {' or '.join(near)}?" if near else "; see them with: partsight parts"
    raise WrongCallError(f"There is no part '{part}' in the catalogue{hint}")


def _named(pictures: Iterable[tuple[str, int, str, bytes]]) -> Iterator[tuple[str, bytes]]:
    counts: dict[str, int] = {}
    for kind, _, _, data in sorted(pictures, key=lambda picture: picture[:3]):
        index = counts[kind] = counts.get(kind, -1) + 1
        suffix = next((suffix for magic, suffix in _SUFFIXES.items() if data.startswith(magic)), ".bin")
        yield f"{kind}-{index:03d}{suffix}", data
