"""Which shapes are the same part out of two formats, decided once and kept in the `shapes` table."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from tasks import contents
from tasks.geometry import MOMENTS, alike, same
from tasks.inventory import RANK
from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from blocks.catalogue import Catalogue


class Outline(Record):
    """A shape without its mesh; `same_as` is empty until it is settled."""

    geometry: str
    format: str
    unit: str
    same_as: str
    signature: tuple[float, ...]

    @property
    def family(self) -> str:
        """The format, whatever its ending."""
        return {"stp": "step", "igs": "iges", "gltf": "glb"}.get(self.format, self.format)

    @property
    def order(self) -> tuple[int, str]:
        """The format that knows most first."""
        return (RANK.index(self.format) if self.format in RANK else len(RANK), self.geometry)


def settle(catalogue: Catalogue) -> int:
    """Find the twin of each new shape, write it down, and return how many have one.

    Two shapes out of one format are compared only when files call them by the same name: look-alikes of
    one family, which must never become one part, come in one format, and a kernel gives a part the same
    triangles again, if not always in an assembly. A settled shape never changes its twin, so that a file
    that arrives later disturbs no part. The new ones are taken in a fixed order: stopped in the middle,
    the same answer comes out.
    """
    shapes = [Outline(**row) for row in catalogue.rows("shapes", tuple(Outline.model_fields))]
    names = _names(catalogue)
    heads = _Heads(shape for shape in sorted(shapes, key=lambda one: one.geometry) if shape.same_as == shape.geometry)
    new = sorted((shape for shape in shapes if not shape.same_as), key=lambda shape: shape.order)
    decided: dict[str, str] = {}
    for shape in new:
        near = (head for head in heads.near(shape) if _comparable(head, shape, names))
        twin = next((head for head in near if _twins(catalogue, head, shape)), shape)
        decided[shape.geometry] = twin.geometry
        if twin is shape:
            heads.add(shape)
    _write(catalogue, decided)
    return sum(name != twin for name, twin in decided.items())


class _Heads:
    """Shapes that stand for themselves, found by about how large their surface is."""

    def __init__(self, shapes: Iterable[Outline]) -> None:
        self._drawers: dict[int, list[Outline]] = defaultdict(list)
        for shape in shapes:
            self.add(shape)

    def add(self, shape: Outline) -> None:
        """Take in one more."""
        self._drawers[self._drawer(shape)].append(shape)

    def near(self, shape: Outline) -> Iterator[Outline]:
        """Those whose area is within MOMENTS of the shape's, and a few more."""
        here = self._drawer(shape)
        for drawer in (here, here - 1, here + 1):
            yield from self._drawers.get(drawer, ())

    def _drawer(self, shape: Outline) -> int:
        return math.floor(math.log(max(shape.signature[0], 1e-30)) / math.log1p(2 * MOMENTS))


def _comparable(head: Outline, shape: Outline, names: dict[str, set[str]]) -> bool:
    return head.family != shape.family or bool(names[head.geometry] & names[shape.geometry])


def _twins(catalogue: Catalogue, head: Outline, shape: Outline) -> bool:
    return alike(head.signature, shape.signature) and same(_mesh(catalogue, head), _mesh(catalogue, shape))


def _names(catalogue: Catalogue) -> dict[str, set[str]]:
    """What files call each geometry: the names of their bodies, and their own where they hold but one."""
    names: dict[str, set[str]] = defaultdict(set)
    for row in catalogue.rows("files", ("name", "bodies")):
        bodies = contents.rows(row["bodies"])
        for body in bodies:
            called = [body.name] + [PurePosixPath(row["name"]).stem] * (len(bodies) == 1)
            names[body.geometry] |= {plain for one in called if (plain := re.sub(r"[\W_]+", "", one.casefold()))}
    return names


def _mesh(catalogue: Catalogue, shape: Outline) -> bytes:
    from lancedb.expr import col, lit

    row = catalogue.rows("shapes", ("mesh",), col("geometry") == lit(shape.geometry))[0]
    return bytes(row["mesh"])


def _write(catalogue: Catalogue, decided: dict[str, str]) -> None:
    from lancedb.expr import col

    if not decided:
        return
    columns: list[str] = catalogue.table("shapes").schema.names
    names = sorted(decided)
    for start in range(0, len(names), 64):  # rows carry meshes: a bounded number of them at a time
        some = names[start : start + 64]
        rows: list[dict[str, Any]] = catalogue.rows("shapes", columns, col("geometry").isin(some))
        catalogue.upsert("shapes", [{**row, "same_as": decided[row["geometry"]]} for row in rows])
