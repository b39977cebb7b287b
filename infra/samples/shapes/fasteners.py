"""Screws, nuts, washers and rings as a fastener supplier draws them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from build123d import Axis, Box, Circle, Pos, Rectangle, RegularPolygon, Rot, SlotOverall, extrude

from infra.samples.shapes.solids import (
    COARSE,
    around,
    bore,
    coil,
    countersink,
    cut,
    hexagon,
    joined,
    shank,
    softened,
    solid,
    thread,
    turned,
)

if TYPE_CHECKING:
    from build123d import Solid

HEX_HEAD = {6: (10, 4.0), 8: (13, 5.3), 10: (17, 6.4)}
HEX_NUT = {6: (10, 5.0), 8: (13, 6.5), 10: (17, 8.0)}


def hex_bolt(nominal: int, length: float, plain: float = 0.0) -> Solid:
    """DIN 933, or DIN 931 where a part of the shank is `plain`; the head's seat is z = 0."""
    across, height = HEX_HEAD[nominal]
    collar = turned([(0, 0), (0, 0.5), (0.47 * across, 0.5), (0.46 * across, 0.0)])
    head = Pos(0, 0, 0.4) * hexagon(across, height - 0.4, "top")
    return solid(joined(head, collar, turned(shank(nominal, length, plain))))


def socket_screw(nominal: int, length: float, plain: float = 0.0) -> Solid:
    """DIN 912: cylindrical head with a hexagon socket."""
    radius, key = 0.8 * nominal + 0.1 * (nominal == 6), {6: 5, 8: 6}[nominal]
    edge = 0.12 * nominal
    head = turned(
        [
            (0, 0),
            (radius, 0),
            (radius, nominal - edge),
            (radius - 0.4 * edge, nominal - 0.3 * edge),
            (radius - edge, nominal),
            (0, nominal),
        ]
    )
    socket = Pos(0, 0, 0.45 * nominal) * extrude(RegularPolygon(key / math.sqrt(3), 6), nominal)
    return solid(cut(joined(head, turned(shank(nominal, length, plain))), socket, countersink(key / 1.8, nominal)))


def countersunk_screw(nominal: int, length: float) -> Solid:
    """DIN 7991: flush head with a hexagon socket; `length` includes the head, whose top is z = 0."""
    head, key = 0.3 * nominal * 1.83, {6: 4, 8: 5}[nominal]
    cone = turned([(0, 0), (nominal, 0), (nominal, -0.3), (nominal / 2, -head), (0, -head)])
    body = joined(cone, Pos(0, 0, -head + 0.01) * turned(shank(nominal, length - head)))
    return solid(cut(body, Pos(0, 0, -0.7 * head) * extrude(RegularPolygon(key / math.sqrt(3), 6), nominal)))


def _threaded_hole(nominal: int, height: float) -> Solid:
    pitch = COARSE[nominal]
    core = nominal / 2 - 0.54 * pitch
    rings = [(core, 0.8 * pitch), *thread(core, pitch, 0.8 * pitch, height - 0.8 * pitch, -0.54)]
    mouth = nominal / 2 + 0.1
    return turned(
        [
            (0, -0.1),
            (mouth, -0.1),
            (mouth, 0),
            *rings,
            (core, height - 0.8 * pitch),
            (mouth, height),
            (mouth, height + 0.1),
            (0, height + 0.1),
        ]
    )


def hex_nut(nominal: int) -> Solid:
    """DIN 934."""
    across, height = HEX_NUT[nominal]
    return solid(cut(hexagon(across, height), _threaded_hole(nominal, height)))


def lock_nut(nominal: int) -> Solid:
    """DIN 985: a nut with a domed collar that holds a nylon ring."""
    across, height = HEX_NUT[nominal]
    r, z = 0.46 * across, height + 1.5
    collar = turned(
        [
            (nominal / 2 - 0.6, height - 1.5),
            (r, height - 1.5),
            (r, z - 1.2),
            (r - 0.4, z - 0.5),
            (r - 1.1, z),
            (nominal / 2 + 0.7, z),
            (nominal / 2 + 0.7, z - 0.7),
            (nominal / 2 - 0.6, z - 0.7),
        ]
    )
    return solid(joined(cut(hexagon(across, height), _threaded_hole(nominal, height)), collar))


def flange_nut(nominal: int) -> Solid:
    """DIN 6923: a nut on a flange with locking teeth."""
    across, height = HEX_NUT[nominal]
    flange = turned(
        [(0, 0), (1.05 * nominal, 0), (1.1 * nominal, 0.5), (1.05 * nominal, 1.2), (0.75 * nominal, 2.6), (0, 2.6)]
    )
    notch = Pos(0.92 * nominal, 0, 0) * Rot(0, 8, 0) * Box(4, 0.5, 0.6)
    body = joined(flange, Pos(0, 0, 1) * hexagon(across, height + 0.5, "top"))
    return solid(cut(body, _threaded_hole(nominal, height + 1.5), around(18, 0, notch)))


def wing_nut(nominal: int) -> Solid:
    """DIN 315: two rounded wings on a conical hub."""
    hub = turned([(0, 0), (nominal, 0), (nominal, 2), (0.8 * nominal, nominal), (0, nominal)])
    outline = (
        Pos(1.45 * nominal, 0, 1.15 * nominal)
        * Rot(90, 0, 0)
        * Rot(0, 0, 35)
        * SlotOverall(2.1 * nominal, 1.15 * nominal)
    )
    plate = extrude(outline, 1.4, both=True)
    blade = softened(plate, 0.6, lambda edges: edges.group_by(Axis.Y)[0] + edges.group_by(Axis.Y)[-1])
    return solid(cut(joined(hub, blade, Rot(0, 0, 180) * blade), _threaded_hole(nominal, nominal)))


def washer(inner: float, outer: float, height: float, edge: float = 0.25) -> Solid:
    """DIN 125 form B or DIN 9021: a flat ring, chamfered above."""
    return solid(
        turned(
            [
                (inner / 2, 0),
                (outer / 2, 0),
                (outer / 2, height - edge),
                (outer / 2 - edge, height),
                (inner / 2, height),
            ]
        )
    )


def spring_washer(inner: float, outer: float, height: float) -> Solid:
    """DIN 127 form B: a split ring whose ends stand apart."""
    width = (outer - inner) / 2
    rise = 0.7 * height
    return solid(coil(Rectangle(width, height), inner / 2 + width / 2, rise / (350 / 360), rise))


def circlip(shaft: float) -> Solid:
    """DIN 471: a retaining ring with two pierced lugs and a gap."""
    outer, inner, thickness = 0.595 * shaft, 0.47 * shaft, 1.2
    ring = Circle(outer) - Pos(0, -0.035 * shaft) * Circle(inner)
    lug: Any = Circle(0.105 * shaft)
    lugs = [Rot(0, 0, angle) * Pos(0, -0.53 * shaft) * lug for angle in (-14, 14)]
    pins = [Rot(0, 0, angle) * Pos(0, -0.54 * shaft) * Circle(0.05 * shaft) for angle in (-14, 14)]
    gap = Pos(0, -0.6 * shaft) * SlotOverall(0.4 * shaft, 0.13 * shaft, 90)
    outline = ring + lugs - pins - gap
    return solid(extrude(outline, thickness))


def spring(radius: float, wire: float, turns: float, height: float) -> Solid:
    """A compression spring with ground ends, standing on z = 0."""
    pitch = (height + wire) / turns
    whole = Pos(0, 0, -wire / 2) * coil(Circle(wire / 2), radius, pitch, height + wire)
    return solid(whole & Pos(0, 0, height / 2) * Box(4 * radius, 4 * radius, height))


def parallel_key(width: float, height: float, length: float) -> Solid:
    """DIN 6885 form A: a key with round ends."""
    body = extrude(SlotOverall(length, width), height)
    return solid(softened(body, 0.4, lambda edges: edges.group_by(Axis.Z)[-1] + edges.group_by(Axis.Z)[0]))


def clevis_pin(diameter: float, length: float) -> Solid:
    """ISO 2341 form B: a headed pin with a split-pin hole."""
    r = diameter / 2
    body = turned(
        [
            (0, 0),
            (1.5 * r, 0),
            (1.6 * r, 0.4),
            (1.6 * r, 0.5 * r),
            (r, 0.5 * r),
            (r, length - 1.5),
            (r - 1, length),
            (0, length),
        ]
    )
    return solid(cut(body, Pos(0, 0, length - 5) * Rot(90, 0, 0) * bore(0.16 * diameter, -diameter, diameter)))
