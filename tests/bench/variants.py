"""What the stages' variants look like, what the gate says of them, and whether they help: `make bench-variants`.

The real parts in ../shared/cad/prusa-i3-mk3s are onboarded once for each way to make variants, one of each view: by the
procedural stages, and by `diffuse` with the model that ships, in each of its modes that begin with a view. Recall is
asked with photographs (those in ../shared/cad/prusa-i3-mk3s-photos) of the very same catalogue, with its variants and
without. Prints a table and writes build/variants.json and build/variants.png: ten parts, a row each, the render, then
one variant in each way, framed green where the gate accepts it and red where it does not. Where a picture was tried
again more gently, the last try is shown.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, ImageDraw
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))
import galleries

from blocks.models.pipelines import shipped
from tasks import codec

if TYPE_CHECKING:
    from galleries import Gallery

WAYS: Final[dict[str, dict[str, Any]]] = {
    "procedural": {"stages": ["wear", "background", "camera"]},
    "background": {"stages": ["diffuse"], "settings": {"diffuse": {"mode": "background"}}},
    "relight": {"stages": ["diffuse"], "settings": {"diffuse": {"mode": "relight"}}},
    "restyle": {"stages": ["diffuse"], "settings": {"diffuse": {"mode": "restyle"}}},
}
PHOTOS: Final = galleries.REAL.with_name("prusa-i3-mk3s-photos")
VIEWS: Final = 8
PARTS: Final = 10
SIDE, FRAME = 176, 4  # pixels of a picture on the sheet, and of its frame
GREEN, RED = (40, 150, 60), (200, 50, 40)
LINES: Final = 3  # of a reason that are written below a picture


def main() -> int:
    """Onboard, ask, print, save."""
    ways = _arguments().ways
    if set(ways) != {"procedural"} and not shipped():
        raise SystemExit(
            "The diffusion model that ships is not part of this installation; --ways procedural needs none."
        )
    report, columns = {}, {}
    for way in ways:
        recipe = {"render": {"views": VIEWS}, "variants": 1, **WAYS[way]}
        gallery = galleries.onboarded(f"variants-{way}", galleries.REAL, "", **recipe)
        columns[way] = _rows(gallery)
        found = galleries.asked("evaluate", str(galleries.KEPT / f"variants-{way}.yaml"), "--photos", str(PHOTOS))
        report[way] = {**_counted(columns[way]), "recall": found["by_source"], "gain": found["variants"]}
    console = Console(width=140)
    console.print(_table(report))
    target = galleries.ROOT / "build" / "variants.json"
    target.write_text(json.dumps(report, indent=1))
    sheet(columns).save(target.with_suffix(".png"))
    console.print(f"written to build/{target.name} and build/{target.stem}.png")
    return 0


def _rows(gallery: Gallery) -> dict[str, dict[str, Any]]:
    """The pictures of a catalogue by id."""
    columns = ("id", "part", "kind", "place", "parent", "accepted", "reason", "settings", "image")
    return {row["id"]: row for row in gallery.shown.rows("images", columns)}


def _counted(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """How many variants there are, how many were accepted at which try, and why others were not."""
    variants = [row for row in rows.values() if row["kind"] == "variant"]
    accepted = [row for row in variants if row["accepted"]]
    tries = Counter(_attempt(row) for row in accepted)
    reasons = Counter(row["reason"].split(":")[0] for row in variants if not row["accepted"])
    return {
        "variants": len(variants),
        "accepted": len(accepted),
        "tries": {str(attempt): count for attempt, count in sorted(tries.items())},
        "reasons": dict(reasons.most_common()),
    }


def _attempt(row: dict[str, Any]) -> int:
    """Which try of its picture this is, 0 the first."""
    told = [link.get("told", {}) for link in json.loads(row["settings"])]
    return max((one.get("attempt", 0) for one in told), default=0)


def _table(report: dict[str, Any]) -> Table:
    made = Table(title="variants of 48 real parts: accepted, and recall with photographs, in % with 95 % intervals")
    for head in ("", "accepted", "at try 1, 2, 3", "views alone @1", "with variants @1", "@5", "gain @1, points"):
        made.add_column(head, justify="left" if not head else "right")
    for way, one in report.items():
        alone, both = (one["recall"][name]["recall"] for name in ("views", "views+variants"))
        gain = one["gain"]
        made.add_row(
            way,
            f"{one['accepted'] / max(one['variants'], 1):.1%} of {one['variants']}",
            ", ".join(str(one["tries"].get(str(attempt), 0)) for attempt in range(3)),
            *(_share(some) for some in (alone["1"], both["1"])),
            f"{100 * alone['5']['value']:.1f} → {100 * both['5']['value']:.1f}",
            f"{100 * gain['value']:+.1f} ({100 * gain['low']:+.1f} to {100 * gain['high']:+.1f})",
        )
    return made


def _share(one: dict[str, float]) -> str:
    return f"{100 * one['value']:.1f} ({100 * one['low']:.0f} to {100 * one['high']:.0f})"


def sheet(columns: dict[str, dict[str, dict[str, Any]]]) -> Image.Image:
    """A row for each of ten parts: a render, and what each way made of it, with the gate's verdict."""
    first = next(iter(columns.values()))
    parts = sorted({row["part"] for row in first.values() if row["kind"] == "view"})
    chosen = [parts[int(at)] for at in np.linspace(0, len(parts) - 1, PARTS)]
    rows = []
    for number, part in enumerate(chosen):
        place = 3 * number % VIEWS
        cells = [_cell(_view(first, part, place), part)]
        for way, pictures in columns.items():
            parent = _view(pictures, part, place)["id"]  # each catalogue has names of its own for the same view
            made = next(row for row in pictures.values() if row["kind"] == "variant" and row["parent"] == parent)
            cells.append(_cell(made, f"{way}, try {_attempt(made) + 1}", judged=True))
        rows.append(np.concatenate(cells, axis=1))
    return Image.fromarray(np.concatenate(rows))


def _view(rows: dict[str, dict[str, Any]], part: str, place: int) -> dict[str, Any]:
    """The render of a part from the camera number `place`."""
    found = [row for row in rows.values() if (row["kind"], row["part"], row["place"]) == ("view", part, place)]
    return found[0]


def _cell(row: dict[str, Any], title: str, *, judged: bool = False) -> Any:
    """One picture with its title and, where it was judged, its verdict below."""
    height = SIDE + 2 * FRAME + 14 * (LINES + 1)
    colour = (GREEN if row["accepted"] else RED) if judged else (190, 190, 190)
    cell = Image.new("RGB", (SIDE + 2 * FRAME, height), "white")
    cell.paste(colour, (0, 0, SIDE + 2 * FRAME, SIDE + 2 * FRAME))
    picture = Image.fromarray(codec.decode(row["image"])).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    cell.paste(picture, (FRAME, FRAME))
    words = ("accepted" if row["accepted"] else row["reason"]) if judged else "render"
    lines = [title, *_wrapped(words)]
    for place, line in enumerate(lines[: LINES + 1]):
        ImageDraw.Draw(cell).text((FRAME, SIDE + 2 * FRAME + 13 * place), line, fill="black")
    return np.asarray(cell)


def _wrapped(words: str) -> list[str]:
    import textwrap

    return textwrap.wrap(words, SIDE // 6)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ways", nargs="+", choices=tuple(WAYS), default=tuple(WAYS), help="ways to make variants")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
