"""How well query pictures are cut out, by the network that ships and without learning: `make bench-cutout`.

40 made-up parts of the families that training leaves out altogether, path-traced: one picture of each alone on a
bench or in a bin, two among others of the set. What is the part's is known of each pixel. Intersection over union, and
the share of pictures in which it is above 0.8, with 95 % intervals drawn by part; milliseconds of one core a picture.
Prints a table and writes build/cutout.json and build/cutout.png: picture, truth, network, classical. Pictures are
kept in build/cutout, so that a second run takes a quarter of a minute.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from tasks.cutout import cut
from tasks.cutout.training import library, loop
from tasks.generate import families
from tasks.records import generator
from tasks.score import change, mean, recall

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tasks.cutout.training.library import Album
    from tasks.records import Bytes, Floats
    from tasks.training.library import Key

ROOT = Path(__file__).resolve().parents[2]
SIZE = 256  # pixels of a picture
LARGE = 1024  # pixels of a picture as a telephone sends it, for the pace
PACED = 30  # pictures
SHOWN = 24  # pictures on the sheet, the worst of the network's first
SHOWS, GAP = 144, 4  # pixels on the sheet


def main() -> int:
    """Measure, print, save."""
    arguments = _arguments()
    parts, kept = _parts(arguments.parts), ROOT / "build" / "cutout"
    album = library.photographed(kept, parts, arguments.workers, lambda _: None, SIZE)
    masks = {
        "network": [cut(picture).mask for picture in album.images],
        "classical": [loop.classical(picture) for picture in album.images],
    }
    found = {name: loop.overlaps(album, some) for name, some in masks.items()}
    report = {
        "parts": len(set(album.parts)),
        "pictures": len(album),
        **{place: _figures(found, album, rows) for place, rows in _places(album)},
        "milliseconds": {"network": _pace(album, cut), "classical": _pace(album, loop.classical)},
    }
    console = Console(width=120)
    console.print(_table(report))
    target = ROOT / "build" / "cutout.json"
    target.write_text(json.dumps(report, indent=1))
    _sheet(album, masks, found["network"]).save(target.with_suffix(".png"))
    console.print(f"written to {target.relative_to(ROOT)}, and the worst and some others to build/cutout.png")
    return 0


def _parts(count: int) -> list[Key]:
    """Parts of the families that nothing is trained on, by turns."""
    names = [name for name, family in families().items() if family.held_out]
    return [(names[number % len(names)], number // len(names), 0) for number in range(count)]


def _places(album: Album) -> list[tuple[str, Any]]:
    return [("clean", ~album.cluttered), ("cluttered", album.cluttered), ("all", np.ones(len(album), dtype=bool))]


def _figures(found: dict[str, Any], album: Album, rows: Any) -> dict[str, Any]:
    """Of the pictures `rows`: each subject's mean IoU and share above 0.8, and how much better the network is."""
    owners = [str(part) for part in album.parts[rows]]
    figures: dict[str, Any] = {"pictures": int(rows.sum())}
    for name, every in found.items():
        bad = [1 if one > loop.GOOD else 2 for one in every[rows]]
        iou, good = mean(list(every[rows]), owners), recall(bad, 1, owners)
        figures[name] = {"IoU": iou.model_dump(), "over 0.8": good.model_dump()}
    better = change(list(found["classical"][rows]), list(found["network"][rows]), owners)
    return {**figures, "network less classical": better.model_dump()}


def _pace(album: Album, by: Callable[[Bytes], Any]) -> float:
    """Milliseconds of one core that a picture of 1024 x 1024 pixels takes."""
    import torch

    torch.set_num_threads(1)
    some = [np.asarray(Image.fromarray(one).resize((LARGE, LARGE))) for one in album.images[:PACED]]
    by(some[0])
    started = time.process_time()
    for picture in some:
        by(picture)
    return round(1000 * (time.process_time() - started) / len(some), 1)


def _table(report: dict[str, Any]) -> Table:
    title = f"{report['pictures']} pictures of {report['parts']} parts of families that training left out"
    table = Table("", "pictures", "IoU", "95 %", "IoU > 0.8", "95 %", "ms a picture", title=title)
    for place in ("clean", "cluttered", "all"):
        for name in ("network", "classical"):
            iou, good = report[place][name]["IoU"], report[place][name]["over 0.8"]
            pace = str(report["milliseconds"][name]) if place == "all" else ""
            count = str(report[place]["pictures"])
            spans = f"{iou['low']:.3f} to {iou['high']:.3f}", f"{good['low']:.0%} to {good['high']:.0%}"
            table.add_row(
                f"{place}, {name}", count, f"{iou['value']:.3f}", spans[0], f"{good['value']:.1%}", spans[1], pace
            )
        table.add_section()
    return table


def _sheet(album: Album, masks: dict[str, Sequence[Floats]], found: Any) -> Image.Image:
    """Half the worst pictures, half others: each with the truth, the network's mask and the classical one."""
    worst = np.argsort(found)
    some = [*worst[: SHOWN // 2], *generator("sheet").permutation(worst[SHOWN // 2 :])[: SHOWN // 2]]
    side, wide = SHOWS + GAP, 4 * (SHOWS + GAP)
    sheet = np.full((side * (len(some) // 3), 3 * wide, 3), 255, np.uint8)
    for place, at in enumerate(some):
        picture, cover = album.images[at], album.covers[at] / 255
        shown = [picture, *(_laid(picture, mask) for mask in (cover, masks["network"][at], masks["classical"][at]))]
        for column, one in enumerate(shown):
            top, left = place // 3 * side, place % 3 * wide + column * side
            sheet[top : top + SHOWS, left : left + SHOWS] = np.asarray(Image.fromarray(one).resize((SHOWS, SHOWS)))
    return Image.fromarray(sheet)


def _laid(picture: Bytes, mask: Any) -> Bytes:
    """The picture where the mask is, magenta elsewhere."""
    ground = np.array((255, 0, 255))
    return np.asarray(picture * mask[..., None] + ground * (1 - mask[..., None]), np.uint8)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=int, default=40, help="parts to photograph, three pictures of each")
    parser.add_argument("--workers", type=int, default=2, help="processes that trace, one a core")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
