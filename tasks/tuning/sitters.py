"""What is learned: the shapes of a customer's live parts, each once, with the photographs of all that have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from blocks.customer import Recipe
from tasks.records import content_id
from tasks.tuning.library import Sitter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer
    from tasks.records import Part

PHOTOGRAPHS: Final = 32  # of a shape that are learned from, drawn by lot
_MANY: Final = 512  # parts in one filter


def sitters(shown: Catalogue, customer: Customer) -> tuple[Sitter, ...]:
    """One sitter for each shape of the active parts of `shown`, by the number of the first part that has it.

    Parts of one shape cannot be told apart by a picture, so none of them is asked to be.
    """
    from tasks.plan import orders
    from tasks.queries import active

    parts = active(shown)
    first: dict[str, Part] = {}
    for part in parts:
        first.setdefault(part.geometry, part)
    supplied = _photographs(shown, parts)
    plain = customer.model_copy(update={"recipe": Recipe()})
    found = []
    chosen = list(first.values())
    for start in range(0, len(chosen), _MANY):
        found += [
            Sitter(
                part=order.part,
                mesh=order.mesh,
                scale=order.scale,
                photographs=supplied.get(order.part.geometry, ()),
            )
            for order in orders(shown, chosen[start : start + _MANY], plain)
        ]
    return tuple(found)


def _photographs(shown: Catalogue, parts: Sequence[Part]) -> dict[str, tuple[bytes, ...]]:
    """The supplied photographs of each geometry, encoded."""
    from lancedb.expr import col, lit

    shape = {part.number: part.geometry for part in parts}
    rows = shown.rows("images", ("id", "part"), (col("kind") == lit("photo")) & (col("accepted") == lit(value=True)))
    of: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda row: content_id("lot", row["id"])):
        if row["part"] in shape:
            of.setdefault(shape[row["part"]], []).append(row["id"])
    drawn = {name: geometry for geometry, names in of.items() for name in names[:PHOTOGRAPHS]}
    found: dict[str, list[bytes]] = {}
    names: list[Any] = sorted(drawn)
    for start in range(0, len(names), _MANY):
        for row in shown.rows("images", ("id", "image"), col("id").isin(names[start : start + _MANY])):
            found.setdefault(drawn[row["id"]], []).append(row["image"])
    return {geometry: tuple(sorted(pictures)) for geometry, pictures in found.items()}
