"""Where the templates of a catalogue stand: its table `templates`, one row for each geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from tasks.templates.match import compared
from tasks.templates.plates import edition, facing, read

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from lancedb.expr import Expr
    from numpy.typing import NDArray

    from blocks.catalogue import Catalogue
    from tasks.records import Floats

TABLE: Final = "templates"
_MANY: Final = 256  # geometries whose plates are in memory at once: 16 MB


class Fit(NamedTuple):
    """How well a shape fits a picture, a cosine; from which side, and turned by which of the steps."""

    score: float
    view: int
    turn: int


class Stand(NamedTuple):
    """A camera that took a view: camera to part (4, 4), in the mesh's unit, and its field of view in radians."""

    pose: NDArray[np.float64]
    yfov: float


def plates(catalogue: Catalogue, geometries: Collection[str]) -> Iterator[tuple[str, Floats]]:
    """Each of `geometries` that has templates, with them: (views, k) float32 of unit length.

    In no order, and none in a catalogue from before there were any.
    """
    for row in _rows(catalogue, geometries, ("geometry", "views", "plates")):
        if row["plates"]:
            yield row["geometry"], read(row["plates"], row["views"])


def fits(catalogue: Catalogue, asked: Sequence[Floats], geometries: Sequence[Collection[str]]) -> list[dict[str, Fit]]:
    """For each picture `asked` (turns, k) how well its own `geometries` fit; those without templates are left out."""
    found: list[dict[str, Fit]] = [{} for _ in asked]
    of_geometry: dict[str, list[int]] = {}
    for place, some in enumerate(geometries):
        for geometry in some:
            of_geometry.setdefault(geometry, []).append(place)
    for geometry, templates in plates(catalogue, of_geometry):
        for place in of_geometry[geometry]:
            found[place][geometry] = Fit(*compared(asked[place], templates))
    return found


def stands(catalogue: Catalogue, views: Mapping[str, int]) -> dict[str, Stand]:
    """The camera that took this one of the `views` of each geometry."""
    found = {}
    for row in _rows(catalogue, views, ("geometry", "views", "stands")):
        view = views[row["geometry"]]
        place = np.frombuffer(row["stands"], np.float32).reshape(row["views"], 4)[view].astype(np.float64)
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = facing(row["views"])[view], place[:3]
        found[row["geometry"]] = Stand(pose, float(place[3]))
    return found


def _rows(catalogue: Catalogue, geometries: Collection[str], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of `geometries`, some at a time."""
    from lancedb.expr import col, lit

    names = sorted(set(geometries) - {""})
    if not names or TABLE not in catalogue.tables():
        return
    for start in range(0, len(names), _MANY):
        there: Expr = col("geometry").isin(names[start : start + _MANY]) & (col("version") == lit(edition()))
        yield from catalogue.rows(TABLE, columns, there)
