"""The parts that an embedding puts first, weighed again by how well their shapes fit; and how each of them lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic import Field

from tasks.records import Record
from tasks.templates import fusion
from tasks.templates.features import TURNS
from tasks.templates.question import question
from tasks.templates.shelf import TABLE, Fit, fits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from blocks.catalogue import Catalogue
    from tasks.records import Bytes

Row = tuple[float, float, float, float]


class Pose(Record):
    """How a part that was found lies before the camera, as far as its best template says: within some 10 degrees."""

    camera: tuple[Row, Row, Row, Row] = Field(
        description="Camera to part, 4 x 4, row by row: in mm, x right, y up, z backwards, turned as the picture is."
    )
    yfov: float = Field(gt=0, description="Vertical field of view of that camera, in radians.")
    turn: float = Field(ge=0, lt=360, description="Degrees by which the picture, turned to the left, is upright.")
    picture: int = Field(0, ge=0, description="Which of the pictures that were asked with fits best, from 0.")


class Weighed(NamedTuple):
    """A part's score of both kinds; how well its shape fits, which view does, and which picture it fits."""

    score: float
    shape: float | None = None
    fit: Fit | None = None
    picture: int = 0


def weighed(
    there: Catalogue, pictures: Sequence[Bytes], cosines: Mapping[str, float], geometry: Mapping[str, str]
) -> dict[str, Weighed]:
    """The parts of `cosines`, by what of `pictures` (of one object) an embedding says and their shapes.

    `geometry` is that of each part that has CAD. The fit of a shape is the mean over the pictures.
    """
    parts, values = list(cosines), np.array(list(cosines.values()), np.float32)
    if TABLE not in there.tables() or not parts:
        return {part: Weighed(value) for part, value in cosines.items()}
    first = fusion.leading(values)
    wanted = {geometry[part] for part, leads in zip(parts, first, strict=True) if leads and geometry.get(part)}
    found = fits(there, [question(picture) for picture in pictures], [wanted] * len(pictures))
    shape = {name: float(np.mean([some[name].score for some in found])) for name in found[0]}
    shapes = np.array([shape.get(geometry.get(part, ""), np.nan) for part in parts], np.float32)
    scores = fusion.fused(values, shapes, first)
    made = {}
    for part, score, leads in zip(parts, scores.tolist(), first, strict=True):
        name = geometry.get(part, "")
        if not leads or name not in shape:
            made[part] = Weighed(score)
            continue
        picture = max(range(len(found)), key=lambda at: found[at][name].score)
        made[part] = Weighed(score, shape[name], found[picture][name], picture)
    return made


def pose(one: Weighed, size_mm: Sequence[float] | None) -> Pose | None:
    """How a part of this size lies, whose unit is the mesh's where nobody knows the size; None where nobody looked."""
    if one.fit is None:
        return None
    angle = 2 * np.pi * one.fit.turn / TURNS
    camera = one.fit.camera @ rolled(angle)
    camera[:3, 3] *= max(size_mm) if size_mm else one.fit.longest
    rows: Any = tuple(tuple(float(value) for value in row) for row in camera)
    return Pose(camera=rows, yfov=one.fit.yfov, turn=float(np.rad2deg(angle)), picture=one.picture)


def rolled(angle: float) -> NDArray[np.float64]:
    """A camera's roll to the left by `angle` radians, (4, 4): what it sees turns to the right."""
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn
