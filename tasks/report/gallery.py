"""The pictures of a catalogue: counted, chosen, and brought small enough for a page."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tasks.report.contact import COLUMNS, TILE, thumbnail

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from PIL.Image import Image

    from blocks.catalogue import Catalogue

KINDS: Final = ("photo", "view", "variant")
_TILES: Final = 1600  # on one page, shared by its parts: about a second of work and 5 MB
_ROWS: Final = (2 * COLUMNS, COLUMNS, COLUMNS // 2)  # pictures of one kind: rows that are full look calm
_EXAMPLES: Final = 8  # pictures shown for one reason of rejection
_REASONS: Final = 40  # different reasons shown
_BATCH: Final = 16  # parts whose pictures are in memory at once
_THREADS: Final = 2  # Pillow decodes outside the interpreter's lock


class Entry(NamedTuple):
    """A picture: `place` is the number of its camera, of which the first few stand widely apart."""

    place: int
    id: str
    kind: str


class Census:
    """How many accepted pictures of each kind there are, those of the wanted parts, and the rejected by reason."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = dict.fromkeys(KINDS, 0)
        self.of_part: dict[str, list[Entry]] = {}
        self.rejected: dict[str, int] = {}
        self.examples: dict[str, list[str]] = {}

    def add(self, row: dict[str, Any], wanted: Collection[str]) -> None:
        """Count one row of the images table."""
        if not row["accepted"]:
            self._reject(row["id"], row["reason"] or "no reason given")
            return
        self.counts[row["kind"]] = self.counts.get(row["kind"], 0) + 1
        if row["part"] in wanted:
            entry = Entry(row["place"] or 0, row["id"], row["kind"])
            self.of_part.setdefault(row["part"], []).append(entry)

    def _reject(self, name: str, reason: str) -> None:
        if reason not in self.rejected and len(self.rejected) >= _REASONS:
            reason = "other reasons"
        self.rejected[reason] = self.rejected.get(reason, 0) + 1
        examples = self.examples.setdefault(reason, [])
        if len(examples) < _EXAMPLES:
            examples.append(name)


def census(catalogue: Catalogue, wanted: Collection[str]) -> Census:
    """Go once through the images of `catalogue` without reading a picture; `wanted` are part numbers."""
    found = Census()
    if "images" in catalogue.tables():
        columns = ["id", "part", "kind", "place", "accepted", "reason"]
        for batch in catalogue.table("images").search().select(columns).to_batches(8192):
            for row in batch.to_pylist():
                found.add(row, wanted)
    return found


def chosen(entries: Sequence[Entry], parts: int) -> dict[str, list[str]]:
    """Ids to show of one of `parts` parts, by kind: the first cameras' views, and the variants made from these."""
    share = _TILES // (2 * max(1, parts))
    most = next((count for count in _ROWS if count <= share), _ROWS[-1])
    picked = {kind: [entry.id for entry in sorted(entries) if entry.kind == kind][:most] for kind in KINDS}
    return {kind: names for kind, names in picked.items() if names}


def thumbnails(
    catalogue: Catalogue, wanted: dict[str, dict[str, list[str]]], side: int = TILE
) -> Iterator[tuple[str, dict[str, list[Image]]]]:
    """For each part of `wanted` (part -> kind -> ids) its pictures, `side` pixels square, in order."""
    parts = list(wanted)
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(parts), _BATCH):
            batch = parts[start : start + _BATCH]
            data = pictures(catalogue, [name for part in batch for some in wanted[part].values() for name in some])
            small = dict(zip(data, pool.map(lambda each: thumbnail(each, side), data.values()), strict=True))
            for part in batch:
                kinds = wanted[part].items()
                yield part, {kind: [small[name] for name in some if name in small] for kind, some in kinds}


def pictures(catalogue: Catalogue, ids: Sequence[str]) -> dict[str, bytes]:
    """Read the pictures `ids` as they are stored."""
    from lancedb.expr import col

    if not ids:
        return {}
    rows = catalogue.rows("images", ("id", "image"), col("id").isin(sorted(set(ids))))
    return {row["id"]: row["image"] for row in rows}
