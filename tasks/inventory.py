"""Which parts a customer has, worked out from the files seen, the shapes in them and what is said of them.

A pure function of rows: the same files give the same parts, whatever the order they came in.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from PIL import ImageColor

from tasks.records import Colour, Occurrence, Part, Record, Size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tasks.metadata import Entry

MM: Final = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "in": 25.4, "inch": 25.4, "ft": 304.8}
# a format that knows more about the part comes first: units, names, colours
RANK: Final = ("step", "stp", "iges", "igs", "3mf", "glb", "gltf", "dae", "obj", "ply", "off", "stl")


class BodyRow(Record):
    """A body of a file, without its mesh: `geometry` names the shape."""

    geometry: str
    name: str = ""
    path: str = ""
    count: int = 1
    colour: Colour | None = None
    material: str = ""


class FileRow(Record):
    """A file that was read: its bodies, or the picture it holds (`digest` names it)."""

    name: str
    digest: str
    kind: str
    bodies: tuple[BodyRow, ...] = ()


class ShapeRow(Record):
    """What the inventory needs to know of a shape; `same_as` is the shape that stands for its twins."""

    geometry: str
    same_as: str = ""
    unit: str = "unknown"
    size: Size = (0.0, 0.0, 0.0)
    volume: float | None = None


class Sighting(Record):
    """A body in a file, with the number that it would have on its own."""

    file: FileRow
    body: BodyRow
    entry: int | None  # place of its entry among the entries, None when nothing is said of it
    proposal: str
    standalone: bool

    @property
    def order(self) -> tuple[bool, int, str, str, str]:
        """Sorts the sighting that knows most about the part first."""
        suffix = PurePosixPath(self.file.name).suffix.lower().lstrip(".")
        rank = RANK.index(suffix) if suffix in RANK else len(RANK)
        return not self.standalone, rank, self.file.name, self.body.path, self.body.name


def inventory(
    files: Sequence[FileRow],
    shapes: Mapping[str, ShapeRow],
    entries: Sequence[Entry],
    unit: str = "",
    *,
    described: bool = False,
) -> tuple[Part, ...]:
    """The parts, in the order of their numbers.

    Geometry seen under several names is one part, unless the customer gave it several numbers.
    `unit` is the one to assume for files that do not say theirs. `described`: a part that is only written of is
    one as well.
    """
    sightings = sorted(_sightings(files, entries), key=lambda s: s.order)
    groups: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        shape = shapes[sighting.body.geometry]
        groups[shape.same_as or shape.geometry].append(sighting)
    taken: dict[str, Part] = {}
    for geometry, group in sorted(groups.items(), key=lambda item: (item[1][0].entry is None, item[1][0].order)):
        for members in _numbered(group):
            entry = next((entries[m.entry] for m in members if m.entry is not None), None)
            number = _free(entry.number if entry else members[0].proposal, members[0], taken)
            known = [shapes[m.body.geometry] for m in members]
            taken[number] = _part(number, shapes[geometry], known, members, entry, unit)
    for number, photos in _photos(files, entries, taken).items():
        said = next((entry for entry in entries if entry.number == number), None)
        part = taken.get(number) or _part_without_cad(number, said)
        taken[number] = part.replace(photos=photos)
    for entry in reversed(entries if described else ()):
        if entry.number not in taken and (entry.name or entry.description):
            taken[entry.number] = _part_without_cad(entry.number, entry)
    return tuple(taken[number] for number in sorted(taken))


def _sightings(files: Sequence[FileRow], entries: Sequence[Entry]) -> Iterable[Sighting]:
    said = _Said(entries)
    for file in files:
        stem = PurePosixPath(file.name).stem
        unnamed = 0
        for body in file.bodies:
            alone = len(file.bodies) == 1
            unnamed += not body.name
            proposal = stem if alone else body.name or f"{stem}-{unnamed}"
            places: list[int | None] = [*said.of(file.name, body.name, alone=alone)]
            for entry in places or [None]:
                yield Sighting(file=file, body=body, entry=entry, proposal=proposal, standalone=alone)


class _Said:
    """Finds the entries of a body by its file, else by its number, else by its name."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._files: dict[str, list[int]] = defaultdict(list)
        self._numbers = {entry.number.casefold(): place for place, entry in reversed(list(enumerate(entries)))}
        self._names = {
            entry.name.casefold(): place for place, entry in reversed(list(enumerate(entries))) if entry.name
        }
        for place, entry in enumerate(entries):
            if entry.file:
                self._files[PurePosixPath(entry.file).name.casefold()].append(place)

    def of(self, file: str, name: str, *, alone: bool) -> list[int]:
        """Places of the entries; several when the customer gives one file several numbers."""
        path = PurePosixPath(file)
        here = [p for p in self._files[path.name.casefold()] if is_file(self._entries[p], self._entries[p].file, path)]
        if alone and here:
            return here
        called = [place for place in here if name and self._is_called(place, name)]  # rows for an assembly's components
        if called:
            return called
        names = [path.stem, name] if alone else [name]
        numbers = (self._numbers.get(word.casefold()) for word in names if word)
        found = next((p for p in numbers if p is not None), self._names.get(name.casefold()) if name else None)
        return [] if found is None else [found]

    def _is_called(self, place: int, name: str) -> bool:
        entry = self._entries[place]
        return name.casefold() in (entry.number.casefold(), entry.name.casefold())


def is_file(entry: Entry, named: str, path: PurePosixPath) -> bool:
    """Whether what an entry names is the file at `path`: by its bare name, or by the path from the table or the top."""
    wanted = PurePosixPath(named)
    return len(wanted.parts) == 1 or PurePosixPath(entry.folder, wanted) == path or path.match(named)


def _numbered(group: list[Sighting]) -> list[list[Sighting]]:
    """The sightings of one geometry, one list a part: a part for each number the customer gave it."""
    numbers = sorted({s.entry for s in group if s.entry is not None})
    if not numbers:
        return [group]
    lists = {number: [s for s in group if s.entry == number] for number in numbers}
    first = next(s.entry for s in group if s.entry is not None)
    lists[first] = [s for s in group if s.entry in (first, None)]
    return [lists[number] for number in numbers]


def _free(number: str, sighting: Sighting, taken: Mapping[str, Part]) -> str:
    """`number`, or when another geometry has it: with the file's name, then with a counter."""
    path = PurePosixPath(sighting.file.name)
    for candidate in (number, f"{number} ({path.name})", f"{number} ({path})"):
        if candidate not in taken:
            return candidate
    count = 2
    while f"{number} ({path}) {count}" in taken:
        count += 1
    return f"{number} ({path}) {count}"


def _part(
    number: str,
    shape: ShapeRow,
    known: Sequence[ShapeRow],
    members: Sequence[Sighting],
    entry: Entry | None,
    unit: str,
) -> Part:
    scale = _scale(shape, known, entry, unit)
    size = (shape.size[0] * scale, shape.size[1] * scale, shape.size[2] * scale) if scale else None
    return Part(
        number=number,
        name=(entry.name if entry else "") or next((m.body.name for m in members if m.body.name), ""),
        description=entry.description if entry else "",
        material=(entry.material if entry else "") or next((m.body.material for m in members if m.body.material), ""),
        colour=_colour(entry) or next((m.body.colour for m in members if m.body.colour), None),
        geometry=shape.geometry,
        size_mm=size,
        volume_mm3=shape.volume * scale**3 if scale and shape.volume else None,
        occurrences=tuple(
            Occurrence(file=m.file.name, path=m.body.path, count=m.body.count)
            for m in sorted(members, key=lambda m: (m.file.name, m.body.path, m.body.name))
        ),
    )


def _scale(shape: ShapeRow, known: Sequence[ShapeRow], entry: Entry | None, unit: str) -> float | None:
    """Millimetres in one unit of the mesh; None when neither file nor customer says.

    A twin of the same extent that knows its unit is as good as the file's own word.
    """
    if any(twin.unit == "mm" for twin in (shape, *known)):
        return 1.0
    hint = ((entry.unit if entry else "") or unit).lower().rstrip(".")
    return MM.get(hint) or MM.get(hint.rstrip("s"))


def _colour(entry: Entry | None) -> Colour | None:
    """Colour that the customer wrote as a name or as #rrggbb; None when it is neither."""
    if entry is None or not entry.colour:
        return None
    try:
        red, green, blue = ImageColor.getrgb(entry.colour)[:3]
    except ValueError:
        return None
    return red / 255, green / 255, blue / 255


def _part_without_cad(number: str, entry: Entry | None) -> Part:
    if entry is None:
        return Part(number=number)
    return Part(number=number, name=entry.name, description=entry.description, material=entry.material)


def _photos(
    files: Sequence[FileRow], entries: Sequence[Entry], parts: Mapping[str, Part]
) -> dict[str, tuple[str, ...]]:
    """Digests of the photographs of each part number; a picture whose name fits no part makes a new one."""
    named: dict[str, list[tuple[Entry, str]]] = defaultdict(list)
    for entry in entries:
        for photo in entry.photos:
            named[PurePosixPath(photo).name.casefold()].append((entry, photo))
    numbers = {number.casefold(): number for number in (*parts, *(entry.number for entry in entries))}
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for file in sorted(files, key=lambda file: file.name):
        if file.kind == "photo":
            path = PurePosixPath(file.name)
            said = [entry.number for entry, photo in named[path.name.casefold()] if is_file(entry, photo, path)]
            for number in said or [_number_in(path, numbers) or bare(path.stem)]:
                found[number][file.digest] = None
    return {number: tuple(digests) for number, digests in found.items()}


def _number_in(path: PurePosixPath, numbers: Mapping[str, str]) -> str | None:
    """The part number in a picture's name: what it begins with, else its folder, else anywhere in the name.

    The longest one counts, and it ends where a word does. Anywhere means three characters or more.
    """
    stem = path.stem.casefold()
    edges = [0, *(place for place in range(1, len(stem)) if not (stem[place].isalnum() and stem[place - 1].isalnum()))]
    ends = [*edges[1:], len(stem)]
    begins = (stem[:end] for end in reversed(ends))
    anywhere = sorted((stem[a:b] for a in edges for b in ends if b - a >= 3), key=len, reverse=True)
    words = (*begins, path.parent.name.casefold(), *anywhere)
    return next((numbers[word] for word in words if word in numbers), None)


def bare(stem: str) -> str:
    """The name of a picture without the counter that tells pictures of one part apart."""
    return re.sub(r"(__.*|_\d{1,2}|\s*\(\d{1,2}\))$", "", stem) or stem
