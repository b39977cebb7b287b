"""`partsight parts`: what is in a catalogue."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from infra.cli.output import Json, answer
from infra.cli.who import catalogue, here
from infra.cli.who import customer as resolve

if TYPE_CHECKING:
    from blocks.catalogue import Catalogue

_COLUMNS = ("part", "name", "size_mm", "material", "occurrences", "status")


def parts(customer: str, /, *, as_json: Json = False) -> int:
    """List a customer's parts, with size, material and where they occur.

    For example:

    ```
    partsight parts demo
    partsight parts demo --json
    ```

    Args:
        customer: Slug of a customer, or the path of their YAML file.
        as_json: Print JSON alone on stdout.
    """
    from tasks.report import extent

    machine = here()
    who = resolve(customer, machine)
    rows = listing(catalogue(who, machine))
    with answer(as_json) as out:
        if as_json:
            out.json(rows)
            return 0
        out.table(
            ("part", "name", "size in mm", "material", "found", "status"),
            (
                (row["part"], row["name"], extent(row["size_mm"]), row["material"], _count(row), row["status"])
                for row in rows
            ),
            right=("size in mm", "found"),
        )
        out.line(f"{len(rows)} parts", style="bold")
    return 0


def listing(there: Catalogue) -> list[dict[str, Any]]:
    """List the parts in order of their number; `occurrences` as objects with `file`, `path` and `count`."""
    rows = sorted(there.rows("parts", _COLUMNS), key=lambda row: str(row["part"]))
    return [row | {"occurrences": json.loads(row["occurrences"] or "[]")} for row in rows]


def _count(row: dict[str, Any]) -> int:
    return sum(entry.get("count", 1) for entry in row["occurrences"])
