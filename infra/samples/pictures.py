"""The sample photographs: three in the catalogue, and the queries of the demo that are not in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.samples.formats import tessellation
from infra.samples.items import items
from infra.samples.photographer import PAINTS, Shot, photograph
from infra.samples.shapes.fittings import gauge

if TYPE_CHECKING:
    from pathlib import Path

    from infra.samples.formats import Tessellation
    from tasks.photoreal.skins import Finish

FINE = 30_000
ONLY_PHOTO = "MAN-63-16"  # a part that has no CAD

PRODUCT = {
    "photos/Manometer 63.jpg": (ONLY_PHOTO, "", Shot((8, 0, 0), (-90, 58), "concrete", seed=3)),
    "photos/IMG_2041.jpg": ("SR-2-18", "steel", Shot((0, 0, 20), (20, 42), "wood", seed=3)),
    "photos/SG-50-5.jpg": ("SG-50-5", "black", Shot((0, 0, 20), (20, 38), "paper", seed=1)),
}
QUERIES = {
    "bolt.jpg": ("DIN933-M8x30", "steel", Shot((90, 0, 30), (40, 35), "mat", seed=3)),
    "bracket.jpg": ("4711-1002", "zinc", Shot((0, 0, 0), (-50, 35), "wood", seed=3)),
    "pulley.jpg": ("T5-20", "zinc", Shot((0, 75, 0), (70, 25), "concrete", seed=3)),
    "hose nipple.jpg": ("ST-13-12", "brass", Shot((90, 0, 60), (10, 50), "paper", seed=3)),
}


def take(folder: Path, album: dict[str, tuple[str, str, Shot]]) -> None:
    """Take the pictures of `album` (name: part number, paint, shot) below `folder`."""
    for name, (number, paint, shot) in album.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photograph(_bodies(number, paint), shot))


def _bodies(number: str, paint: str) -> list[tuple[Tessellation, Finish]]:
    if number == ONLY_PHOTO:
        return [(tessellation(_one(shape), FINE), PAINTS[name]) for name, shape in gauge().items()]
    item = next(item for item in items() if item.number == number)
    return [(tessellation(item.shape(), FINE), PAINTS[paint])]


def _one(shape: Any) -> Any:
    """Several shapes as one compound, a single one as it is."""
    from build123d import Compound

    return Compound(children=list(shape)) if isinstance(shape, list) else shape
