"""Makes the sample catalogue: `python -m infra.samples.make [--out FOLDER] [--without-pictures]`.

Needs the development extra (a CAD kernel); what it writes is in the repository, so that nothing else does.
"""

from __future__ import annotations

import csv
import json
import shutil
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from infra.samples import formats, pictures, unit
from infra.samples.assembly import Node, quiet, write
from infra.samples.items import ZIP, items

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
TRUNCATED = "brackets/Winkel 80x60 (Kopie).step"
COLUMNS = ("number", "name", "description", "material", "unit", "file", "photo")
OTHERS: tuple[tuple[str, ...], ...] = (
    ("PB-100-01", "Grundplatte", "Base plate 150x80x14", "EN AW-6082", "", "", ""),
    ("PB-100-02", "Lagerbock", "Side bracket for bearing unit", "S235JR, blau lackiert", "", "", ""),
    ("PB-100-11", "Lagergehäuse", "Flanged bearing housing", "Grauguss EN-GJL-250", "", "", ""),
    (
        pictures.ONLY_PHOTO,
        "Manometer 63, 0-16 bar",
        "Pressure gauge, bottom entry G1/4",
        "Edelstahl / Messing",
        "",
        "",
        "photos/Manometer 63.jpg",
    ),
)
README = "Lieferung vom 02.03.2026, 4 Positionen. Maße in mm.\n"


def catalogue(folder: Path) -> None:
    """Write the CAD, the zip, the truncated file and `parts.csv` below `folder`."""
    with TemporaryDirectory() as scratch:
        packed = Path(scratch)
        for item in items():
            inside = item.file.startswith(f"{ZIP}/")
            path = packed / item.file.removeprefix(f"{ZIP}/") if inside else folder / item.file
            path.parent.mkdir(parents=True, exist_ok=True)
            formats.WRITERS[item.form](item.shape(), path, item.number, item.colour)
        members = {
            str(path.relative_to(packed).as_posix()): path.read_bytes()
            for path in sorted(packed.rglob("*"))
            if path.is_file()
        }
    formats.archive(folder / ZIP, {"Lieferschein.txt": README.encode(), **members})
    (folder / unit.FILE).parent.mkdir(parents=True, exist_ok=True)
    write(unit.pillow_block(), folder / unit.FILE)
    whole = (folder / "brackets/Winkel 60x40 3-Loch.step").read_bytes()
    (folder / TRUNCATED).write_bytes(whole[: len(whole) * 6 // 10])
    _table(folder / "parts.csv")


def _table(path: Path) -> None:
    """What the customer says of the parts; files without a unit get one here, a few stay unlisted."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(COLUMNS)
        for item in items():
            if item.listed:
                millimetres = "" if item.has_unit else "mm"
                table.writerow(
                    (item.number, item.name, item.description, item.material, millimetres, item.file, item.photo)
                )
        table.writerows(OTHERS)


def expected() -> dict[str, Any]:
    """What onboarding must find, from the kernel's own measures: files, quarantine, parts, sizes, occurrences."""
    files = items()
    inside = list(_leaves(unit.pillow_block(), ()))
    solids = {item.number: item.shape() for item in files} | {node.name: node.shape for node, _ in inside}
    known = {item.number for item in files if item.says_unit} | {node.name for node, _ in inside}
    parts = {number: {**_measures(shape), "unit_known": number in known} for number, shape in sorted(solids.items())}
    for number, part in parts.items():
        part["files"] = [item.file for item in files if item.number == number]
    for node, path in inside:
        places = parts[node.name].setdefault("assembly", {})
        places["/".join(path)] = places.get("/".join(path), 0) + 1
    cad, photographs = len(files) + 2, len(pictures.PRODUCT)
    return {
        "files": {"cad": cad, "photographs": photographs, "quarantined": [TRUNCATED], "ok": cad + photographs - 1},
        "parts": parts,
        "photo_only": [pictures.ONLY_PHOTO],
        "distinct_parts": len(parts) + 1,
        "photographs": {name: number for name, (number, _, _) in pictures.PRODUCT.items()},
        "queries": {name: number for name, (number, _, _) in pictures.QUERIES.items()},
    }


def _leaves(node: Node, path: tuple[str, ...]) -> Iterator[tuple[Node, tuple[str, ...]]]:
    """Every occurrence of a part below `node`, with the names of the assemblies above it."""
    if node.shape is not None:
        yield node, path
    for child, _ in node.children:
        yield from _leaves(child, (*path, node.name))


def _measures(shape: Any) -> dict[str, Any]:
    """Size (x, y, z) and volume as the kernel knows them, not the triangles."""
    from OCP.Bnd import Bnd_Box
    from OCP.BRepBndLib import BRepBndLib

    box = Bnd_Box()
    BRepBndLib.AddOptimal_s(shape.wrapped, box, False, False)
    low, high = box.CornerMin(), box.CornerMax()
    size = [high.X() - low.X(), high.Y() - low.Y(), high.Z() - low.Z()]
    return {"size_mm": [round(side, 3) for side in size], "volume_mm3": round(shape.volume, 2)}


def main() -> None:
    """Make everything anew, in the repository or in another folder."""
    wishes = ArgumentParser(description=__doc__)
    wishes.add_argument("--out", type=Path, default=HERE, help="Folder to write to (default: the repository's own).")
    wishes.add_argument("--without-pictures", action="store_true", help="Keep the photographs, which take minutes.")
    chosen = wishes.parse_args()
    quiet()
    shots = {"catalogue": pictures.PRODUCT, "queries": pictures.QUERIES}
    for name, album in shots.items():
        folder = chosen.out / name
        kept = {path: path.read_bytes() for path in folder.rglob("*.jpg")} if chosen.without_pictures else {}
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if not chosen.without_pictures:
            pictures.take(folder, album)
        for path, data in kept.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    catalogue(chosen.out / "catalogue")
    text = json.dumps(expected(), indent=1, ensure_ascii=False)
    (chosen.out / "expected.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
