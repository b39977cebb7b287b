"""The tables that `recall.py` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ablation
import baselines
import subjects
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = {
    "HOG\nwhole": tuple(name for name in baselines.NAMES if name.startswith("HOG whole")),
    "HOG\ncropped": tuple(name for name in baselines.NAMES if name.startswith("HOG cropped")),
    "HOG\nturned": (baselines.TURNED,),
    "colours": tuple(name for name in baselines.NAMES if name.startswith("colours")),
    subjects.RANDOM.replace(" ", "\n"): (subjects.RANDOM,),
    subjects.SHIPPED: (subjects.SHIPPED,),
}


def tables(report: dict[str, Any]) -> Iterator[Table]:
    """Recall of every subject on every set, then words, then the goals."""
    yield recalls(report)
    for name, one in report["sets"].items():
        if one["text"]:
            yield words(name, one["text"])
    for name, one in report["sets"].items():
        if "ablation" in one:
            yield ingredients(name, one["ablation"])
            yield gains(name, one["ablation"])
    yield pace(report)
    yield goals(report["figures"])


def recalls(report: dict[str, Any]) -> Table:
    """recall@1 and @5 with the intervals of recall@1; in each row a baseline is the best of its variants there."""
    sizes = ", ".join(f"{name} {one['parts']} parts, {one['views']} pictures" for name, one in report["sets"].items())
    table = Table(title=f"recall@1 / @5 in %, 95 % interval of @1: {sizes}", title_justify="left", show_lines=True)
    table.add_column("queries", no_wrap=True)
    for column in (*COLUMNS, "shipped,\nor sibling"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, one in report["sets"].items():
        for cell, figures in one["cells"].items():
            row = [_cell(max((figures[subject] for subject in some), key=_rank)) for some in COLUMNS.values()]
            count = figures[subjects.SHIPPED]["queries"]
            table.add_row(f"{name} {cell}\n{count} queries", *row, _share(figures[subjects.SHIPPED]["siblings"]))
    return table


def words(name: str, text: dict[str, Any]) -> Table:
    """Recall by descriptions: of the part, of it or a sibling, of its family."""
    table = Table(title=f'{name} found by words such as "{text["example"]}"', title_justify="left")
    for head in ("how", "part @1", "part @5", "or sibling @1", "family @1"):
        table.add_column(head)
    for way, figures in text.items():
        if way != "example":
            shares = (figures["part"]["1"], figures["part"]["5"], figures["siblings"]["1"], figures["family"]["1"])
            table.add_row(way, *(_share(one, " ") for one in shares))
    return table


def ingredients(name: str, found: dict[str, Any]) -> Table:
    """recall@1 and @5 of each way of looking, and recall@1 where twins count as one."""
    table = Table(title=f"{name} recall@1 / @5 in %, 95 % interval of @1, (@1 with twins as one)", title_justify="left")
    table.add_column("way", no_wrap=True)
    for cell in found["cells"]:
        table.add_column(cell.replace(", ", ",\n"), justify="right", no_wrap=True)
    for way in ablation.WAYS:
        row = [f"{_cell(cell[way])} ({100 * cell[way]['twins']['1']['value']:.1f})" for cell in found["cells"].values()]
        table.add_row(way, *row)
    return table


def gains(name: str, found: dict[str, Any]) -> Table:
    """By how many points each ingredient raises recall@1."""
    cells = {cell: figures["gains"] for cell, figures in found["cells"].items() if "gains" in figures}
    table = Table(title=f"{name} what it adds to recall@1, in points, with 95 % intervals", title_justify="left")
    for head in ("ingredient", *cells):
        table.add_column(head)
    for what, _, _ in ablation.PAIRS:
        row = [
            f"{100 * one['value']:+.1f} ({100 * one['low']:+.1f} to {100 * one['high']:+.1f})"
            for one in (cell[what] for cell in cells.values())
        ]
        table.add_row(what, *row)
    return table


def pace(report: dict[str, Any]) -> Table:
    """How fast one core embeds, and that nothing is lost by it."""
    speed = report["speed"]
    table = Table(title=f"embedding on one core with {speed['model']}", title_justify="left", show_header=False)
    table.add_row("pictures a second", f"{speed['pictures_per_second_per_core']}")
    table.add_row("sides that each is looked at from", f"{speed['looks_per_picture']}")
    table.add_row("operations", f"{speed['gflop_per_picture']} GFLOP a picture, {speed['gflop_per_second']} GFLOP/s")
    products, own = speed["matmul_gflop_per_second"], " x ".join(map(str, speed["matmul_own_size"]))
    table.add_row(
        f"matrix product, {speed['arithmetic']}",
        f"{products['square']} GFLOP/s at 2048 x 2048, {products['own']} at the network's largest ({own})",
    )
    table.add_row("share", f"{speed['share']:.3f} of the quicker one, {speed['share_own_size']:.3f} of its own size")
    for name, one in report["sets"].items():
        lost = one["shipped_less_exact"]
        points = f"{100 * lost['value']:+.2f} points ({100 * lost['low']:+.2f} to {100 * lost['high']:+.2f})"
        table.add_row(f"{name} recall@1 against float32", points)
    return table


def goals(figures: dict[str, Any]) -> Table:
    """The goals, reached or missed."""
    table = Table(title="goals", title_justify="left")
    for head in ("figure", "value", "goal", "", "measured"):
        table.add_column(head)
    for name, row in figures.items():
        mark = "[green]reached[/]" if row["reached"] else "[red]missed[/]"
        table.add_row(name, f"{row['value']:.3f}", f"≥ {row['goal']:g}", mark, row["what"])
    return table


def _rank(figures: dict[str, Any]) -> tuple[float, float]:
    return figures["recall"]["1"]["value"], figures["recall"]["5"]["value"]


def _cell(figures: dict[str, Any]) -> str:
    one, five = figures["recall"]["1"], figures["recall"]["5"]
    low, high = 100 * one["low"], 100 * one["high"]
    return f"{100 * one['value']:.1f} / {100 * five['value']:.1f}\n[dim]{low:.0f} to {high:.0f}[/]"


def _share(share: dict[str, float], between: str = "\n") -> str:
    low, high = 100 * share["low"], 100 * share["high"]
    return f"{100 * share['value']:.1f}{between}[dim]{low:.0f} to {high:.0f}[/]"
