"""Printed and moulded parts with ribs, bosses and snap hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from build123d import (
    Axis,
    Box,
    Circle,
    Plane,
    Pos,
    Rectangle,
    RectangleRounded,
    RegularPolygon,
    Rot,
    SlotOverall,
    extrude,
    loft,
    offset,
)

from infra.samples.shapes.solids import bore, cut, joined, softened, solid, turned, upright

if TYPE_CHECKING:
    from build123d import Solid


def _boss(radius: float, hole: float, height: float) -> Any:
    return turned([(hole, 0), (radius + 1, 0), (radius, 1.5), (radius, height), (hole, height)])


def box_lid(length: float, width: float, height: float, ribs: int) -> Solid:
    """A housing lid seen from inside: rim, four screw bosses, `ribs` stiffening ribs, a vent."""
    outer = extrude(RectangleRounded(length, width, 6), height)
    outer = softened(outer, 2, lambda edges: edges.group_by(Axis.Z)[0])
    inner = Pos(0, 0, 2.4) * extrude(RectangleRounded(length - 5, width - 5, 4), height)
    body = cut(outer, inner)
    spots = [(x * (length / 2 - 9), y * (width / 2 - 9)) for x in (-1, 1) for y in (-1, 1)]
    bosses = [Pos(x, y, 2) * _boss(4, 1.6, height - 3) for x, y in spots]
    step = (length - 34) / max(1, ribs - 1)
    beams = [Pos(-length / 2 + 17 + i * step, 0, 4.2) * Box(2, width - 4, 4) for i in range(ribs)]
    vents = [Pos(0, y, 0) * extrude(SlotOverall(0.4 * length, 2.4), 20, both=True) for y in (-8, -2.6, 2.8, 8.2)]
    return solid(joined(cut(joined(body, beams), vents), bosses))


def chain_link(width: float) -> Solid:
    """A link of a cable chain: two side plates with pin and eye, joined by two bridges."""
    side = Pos(0, 0, 0) * Rot(90, 0, 0) * extrude(SlotOverall(44, 22), 1.6, both=True)
    left = cut(Pos(0, width / 2, 0) * side, Pos(13, width / 2, 0) * Rot(90, 0, 0) * bore(4.2, -4, 4))
    right = cut(Pos(0, -width / 2, 0) * side, Pos(13, -width / 2, 0) * Rot(90, 0, 0) * bore(4.2, -4, 4))
    pins = [Pos(-13, y * (width / 2 + 2), 0) * Rot(90, 0, 0) * extrude(Circle(4), 2, both=True) for y in (-1, 1)]
    bridge = softened(Box(14, width, 2.4), 0.8, lambda edges: edges.filter_by(Axis.Y))
    bridges = [Pos(0, 0, z) * bridge for z in (-9.6, 9.6)]
    return solid(joined(left, right, pins, bridges))


def air_duct() -> Solid:
    """A fan duct: square flange with four holes that narrows to a flat nozzle."""
    lower, upper = Plane.XY, Plane.XY.offset(34)
    outside = loft([lower * RectangleRounded(40, 40, 6), upper * Pos(10, 0) * RectangleRounded(30, 12, 3)])
    inside = loft(
        [
            lower.offset(-0.1) * RectangleRounded(36, 36, 5),
            Plane.XY.offset(34.1) * Pos(10, 0) * RectangleRounded(27, 9, 2),
        ]
    )
    plate = extrude(RectangleRounded(52, 52, 5), 3)
    holes = [bore(2.2, 0, 3, (x, y)) for x in (-20.5, 20.5) for y in (-20.5, 20.5)]
    return solid(cut(joined(plate, outside), inside, holes))


def cable_clip(diameter: float) -> Solid:
    """An open cable clip on a screw foot."""
    ring = Circle(diameter / 2 + 2) - Circle(diameter / 2)
    mouth = Pos(0, diameter / 2) * Rectangle(0.55 * diameter, diameter)
    clip = extrude(ring - mouth, 5, both=True)
    foot = Pos(diameter / 2 + 5, -diameter / 2 - 0.6, 0) * Box(diameter + 14, 2.8, 10)
    foot = softened(foot, 3, lambda edges: edges.filter_by(Axis.Y).group_by(Axis.X)[-1])
    hole = Pos(diameter + 5.5, -diameter, 0) * Rot(-90, 0, 0) * bore(2.2, 0, diameter)
    return solid(cut(joined(clip, foot), hole))


def belt_holder(teeth: int) -> Solid:
    """A printed belt clamp: block with a toothed slot, two nut traps and rounded shoulders."""
    block = softened(Pos(0, 0, 9) * Box(46, 24, 18), 5, lambda edges: edges.filter_by(Axis.Y).group_by(Axis.Z)[-1])
    slot = Pos(0, 0, 12) * Box(50, 1.6, 14)
    grooves = [Pos((i - (teeth - 1) / 2) * 4, 1.1, 12) * Box(1.8, 1.6, 14) for i in range(teeth)]
    holes = [bore(1.7, 0, 18, (x, y)) for x in (-15, 15) for y in (-7.5, 7.5)]
    traps = [Pos(x, y, -0.1) * extrude(RegularPolygon(3.2, 6), 3) for x in (-15, 15) for y in (-7.5, 7.5)]
    return solid(cut(block, slot, grooves, holes, traps))


def spacer_frame(size: float) -> Solid:
    """A frame with cross ribs and a centre boss, open between them."""
    wall: Any = offset(Rectangle(size, size), -3)
    frame = cut(extrude(RectangleRounded(size, size, 5), 10), extrude(wall, 10))
    ribs = [Rot(0, 0, angle) * Pos(0, 0, 4) * Box(1.38 * size - 6, 2.4, 8) for angle in (45, -45)]
    body = joined(frame, ribs, _boss(8, 4.2, 14), extrude(Circle(6), 3))
    corners = [bore(2.1, 0, 10, (x * (size / 2 - 5), y * (size / 2 - 5))) for x in (-1, 1) for y in (-1, 1)]
    pads = [Pos(x * (size / 2 - 5), y * (size / 2 - 5), 0) * extrude(Circle(4.6), 10) for x in (-1, 1) for y in (-1, 1)]
    return solid(cut(joined(body, pads), corners, bore(4.2, 0, 15)))


def grommet_plate() -> Solid:
    """A moulded plate with a raised collar, a keyhole and two snap hooks."""
    plate = softened(Pos(0, 0, 1.5) * Box(56, 36, 3), 6, upright)
    collar = Pos(-10, 0, 3) * turned([(8, -0.1), (11, -0.1), (10.4, 7), (9.6, 8), (8, 8)])
    keyhole = [bore(4, 0, 3, (17, 4)), Pos(17, -3, 0) * extrude(SlotOverall(12, 4, 90), 3)]
    hook = joined(Pos(0, 0, 7) * Box(2, 8, 10), Pos(1, 0, 11) * Box(3.4, 8, 2))
    hooks = [Pos(26, 0, 0) * hook, Pos(6, 14, 0) * Rot(0, 0, 90) * hook]
    return solid(joined(cut(plate, bore(8, 0, 3, (-10, 0)), keyhole), collar, hooks))
