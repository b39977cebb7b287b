"""Where the templates of a catalogue stand: its table `templates`, one row for each geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.templates.match import many
from tasks.templates.plates import edition, facing, read

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from lancedb.expr import Expr

    from blocks.catalogue import Catalogue
    from tasks.records import Floats

TABLE: Final = "templates"
_MANY: Final = 256  # geometries whose plates are in memory at once: 16 MB


class Mould(NamedTuple):
    """What is kept of a shape: its templates (views, k) float32 of unit length, and the cameras that saw it so.

    `stands` (views, 4) are where they are and their vertical fields of view in radians. Lengths, and `longest`, the
    shape's longest side, are in the mesh's unit.
    """

    plates: Floats
    stands: Floats
    longest: float


class Fit(NamedTuple):
    """How well a shape fits a picture, a cosine; from which of its sides, and turned by which of the steps.

    `camera` (4, 4) is that side's, camera to part, and `yfov` its field of view in radians; lengths are in shares of
    the part's longest side, which is `longest` in the mesh's unit.
    """

    score: float
    view: int
    turn: int
    camera: NDArray[np.float64]
    yfov: float
    longest: float


def moulds(catalogue: Catalogue, geometries: Collection[str]) -> Iterator[tuple[str, Mould]]:
    """Each of `geometries` that has templates, with them; in no order.

    In a catalogue from before there were any, and for shapes that cannot be seen, there are none.
    """
    for row in _rows(catalogue, geometries, ("geometry", "views", "plates", "stands", "longest")):
        if row["plates"]:
            stands = np.frombuffer(row["stands"], np.float32).reshape(row["views"], 4)
            yield row["geometry"], Mould(read(row["plates"], row["views"]), stands, row["longest"])


def fits(catalogue: Catalogue, asked: Sequence[Floats], geometries: Sequence[Collection[str]]) -> list[dict[str, Fit]]:
    """For each picture `asked` (turns, k) how well its own `geometries` fit; those without templates are left out."""
    found: list[dict[str, Fit]] = [{} for _ in asked]
    of_geometry: dict[str, list[int]] = {}
    for place, some in enumerate(geometries):
        for geometry in some:
            of_geometry.setdefault(geometry, []).append(place)
    turned = np.stack(asked) if asked else np.zeros((0, 0, 0), np.float32)
    for geometry, mould in moulds(catalogue, of_geometry):
        places = of_geometry[geometry]
        some = turned[places] if len(places) < len(turned) else turned
        for place, one in zip(places, many(some, mould.plates), strict=True):
            found[place][geometry] = _fit(*one, mould)
    return found


def _fit(score: float, view: int, turn: int, mould: Mould) -> Fit:
    camera = np.eye(4)
    camera[:3, :3], camera[:3, 3] = facing(len(mould.plates))[view], mould.stands[view, :3] / mould.longest
    return Fit(score, view, turn, camera, float(mould.stands[view, 3]), mould.longest)


def outdated(catalogue: Catalogue) -> bool:
    """Whether there are templates, but of another edition: they are not compared until the next onboarding."""
    from lancedb.expr import col, lit

    if TABLE not in catalogue.tables():
        return False
    return bool(catalogue.rows(TABLE, ("geometry",), col("version") != lit(edition())))


def _rows(catalogue: Catalogue, geometries: Collection[str], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of `geometries`, some at a time."""
    from lancedb.expr import col, lit

    names = sorted(set(geometries) - {""})
    if not names or TABLE not in catalogue.tables():
        return
    for start in range(0, len(names), _MANY):
        there: Expr = col("geometry").isin(names[start : start + _MANY]) & (col("version") == lit(edition()))
        yield from catalogue.rows(TABLE, columns, there)
