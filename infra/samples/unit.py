"""The sample assembly: named, coloured parts, several of them used more than once, one sub-assembly used twice."""

from __future__ import annotations

from build123d import Location

from infra.samples.assembly import Node
from infra.samples.items import COLOURS
from infra.samples.shapes import bearing_unit, drive, fasteners
from infra.samples.shapes.bearing_unit import BOLTS, CENTRE, PLATE, REACH, SCREWS, WALL

FILE = "assemblies/PB-100 Stehlagereinheit.step"


def bearing() -> Node:
    """The sub-assembly: a housing, a bushing, two screws."""
    screw = Node("DIN912-M6x16", fasteners.socket_screw(6, 16), COLOURS["black"])
    bushing = Node("GLB-12-18-20", drive.bushing(12, 18, 20), COLOURS["brass"])
    places = [(screw, Location((side * SCREWS, 0, 8))) for side in (-1, 1)]
    house = Node("PB-100-11", bearing_unit.housing(), COLOURS["iron"])
    return Node("PB-100-10", children=((house, Location()), (bushing, Location((0, 0, -WALL))), *places))


def pillow_block() -> Node:
    """The whole: base plate, two brackets, four bolts and washers, two bearing units, a shaft."""
    bracket = Node("PB-100-02", bearing_unit.side_bracket(), COLOURS["blue"])
    bolt = Node("DIN933-M8x20", fasteners.hex_bolt(8, 20), COLOURS["steel"])
    washer = Node("DIN125-8.4", fasteners.washer(8.4, 16, 1.6), COLOURS["steel"])
    shaft = Node("PB-100-03", drive.shaft([(12, 190)], [(6, 20, 4)]), COLOURS["steel"])
    unit = bearing()
    spots = [(side * (REACH - x), y) for side in (-1, 1) for x, y in BOLTS]
    seat = PLATE + WALL
    children = (
        (Node("PB-100-01", bearing_unit.base_plate(), COLOURS["grey"]), Location()),
        (bracket, Location((-REACH, 0, PLATE))),
        (bracket, Location((REACH, 0, PLATE), (0, 0, 180))),
        *((washer, Location((x, y, seat))) for x, y in spots),
        *((bolt, Location((x, y, seat + 1.6))) for x, y in spots),
        (unit, Location((-REACH, 0, PLATE + CENTRE), (0, -90, 0))),
        (unit, Location((REACH, 0, PLATE + CENTRE), (0, 90, 0))),
        (shaft, Location((-95, 0, PLATE + CENTRE))),
    )
    return Node("PB-100", children=children)
