"""The list of sample files in `items.csv`: which shape, in which format, and what the customer says of it."""

from __future__ import annotations

import ast
import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infra.samples.formats import Colour

LIST = Path(__file__).with_name("items.csv")
ZIP = "Lieferung Müller 2026-03.zip"
WITH_UNIT = ("step", "inch", "iges", "3mf", "glb", "gltf", "dae")
COLOURS: dict[str, Colour] = {
    "steel": (0.62, 0.63, 0.65),
    "zinc": (0.74, 0.76, 0.78),
    "black": (0.09, 0.09, 0.10),
    "brass": (0.78, 0.62, 0.29),
    "grey": (0.45, 0.47, 0.49),
    "iron": (0.33, 0.34, 0.35),
    "white": (0.92, 0.92, 0.90),
    "red": (0.75, 0.10, 0.09),
    "orange": (0.95, 0.42, 0.06),
    "blue": (0.10, 0.25, 0.62),
}


@dataclass(frozen=True)
class Item:
    """One sample file: `form` names its writer, `recipe` is the call that makes its shape.

    Several files may hold the part of one number. Without a `name`, `parts.csv` does not list the file.
    `photo` is a picture that `parts.csv` names.
    """

    number: str
    file: str
    form: str
    recipe: str
    name: str
    description: str
    material: str
    colour: Colour
    photo: str

    @property
    def listed(self) -> bool:
        """Whether `parts.csv` has a row for it."""
        return bool(self.name)

    @property
    def has_unit(self) -> bool:
        """Whether its format says which unit it is in."""
        return self.form in WITH_UNIT

    @property
    def says_unit(self) -> bool:
        """Whether its format, `parts.csv` or its own name says which unit it is in."""
        return self.has_unit or self.listed or "_mm." in self.file

    def shape(self) -> Any:
        """The solid, made by the kernel now."""
        from infra.samples.shapes import brackets, drive, fasteners, fittings, handles, printed

        name, _, arguments = self.recipe.partition("(")
        for family in (fasteners, brackets, drive, fittings, handles, printed):
            if maker := getattr(family, name, None):
                return maker(*ast.literal_eval(f"[{arguments.removesuffix(')')}]"))
        raise ValueError(f"{LIST.name} asks for the shape {name}, which no family in shapes/ has.")


def items() -> tuple[Item, ...]:
    """All sample files in the order of the list."""
    with LIST.open(encoding="utf-8", newline="") as stream:
        rows = [{key: value.strip() for key, value in row.items()} for row in csv.DictReader(stream, delimiter=";")]
    return tuple(Item(**_typed(row)) for row in rows)


def _typed(row: dict[str, str]) -> dict[str, Any]:
    renamed = {"recipe" if key == "shape" else key: value for key, value in row.items()}
    file = renamed["file"]
    whole = f"{ZIP}{file.removeprefix('ZIP')}" if file.startswith("ZIP/") else file
    return {**renamed, "file": whole, "colour": COLOURS[row["colour"]]}
