"""The parts of the sample assembly: two bearing units on brackets that carry a shaft."""

from __future__ import annotations

from typing import TYPE_CHECKING

from build123d import Axis, Box, Pos, RectangleRounded, Rot, extrude

from infra.samples.shapes.brackets import angle
from infra.samples.shapes.solids import around, bevelled, bore, cut, joined, solid, turned

if TYPE_CHECKING:
    from build123d import Solid

PLATE, WALL, CENTRE, REACH = 14.0, 6.0, 42.0, 60.0  # plate and bracket thickness, shaft above it, half the span
BOLTS = ((30.0, 18.0), (30.0, -18.0))
SCREWS = 20.0


def base_plate() -> Solid:
    """The plate all stands on: four tapped holes, two slots for dowels, bevelled edges."""
    plate = extrude(RectangleRounded(150, 80, 8), PLATE)
    plate = bevelled(plate, 1, lambda edges: edges.group_by(Axis.Z)[-1])
    tapped = [bore(3.4, 0, PLATE, (side * (REACH - x), y)) for side in (-1, 1) for x, y in BOLTS]
    corners = [bore(4.5, 0, PLATE, (x, y)) for x in (-66, 66) for y in (-31, 31)]
    return solid(cut(plate, tapped, corners, Pos(0, 0, PLATE) * Box(30, 40, 6)))


def side_bracket() -> Solid:
    """An angle with a seat for the housing in its upright leg."""
    body = angle((50, 74), 60, WALL, BOLTS, [(SCREWS, CENTRE), (-SCREWS, CENTRE)], 6.6)
    wide = [bore(4.5, 0, WALL, at) for at in BOLTS]
    return solid(cut(body, wide, Pos(0, 0, CENTRE) * Rot(0, 90, 0) * bore(13, 0, WALL)))


def housing() -> Solid:
    """A flanged bearing housing with two screw holes; the bracket's face is z = 0."""
    body = turned([(9, -WALL), (12.9, -WALL), (13, 0), (28, 0), (28, 6), (26, 8), (17, 9), (14, 14), (9, 14)])
    lobes = joined(body, around(2, SCREWS, extrude(RectangleRounded(18, 20, 6), 8)))
    nipple = Pos(0, 13, 10) * Rot(-60, 0, 0) * turned([(0, -3), (2.5, -3), (2.5, 3), (1.2, 4), (1.6, 6), (0, 6)])
    return solid(cut(joined(lobes, nipple), bore(9, -WALL, 14), around(2, SCREWS, bore(3.3, 0, 9))))
