"""Sheet-metal and machined brackets, in families that differ in one hole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from build123d import Axis, Box, Plane, Polyline, Pos, RectangleRounded, Rot, SlotOverall, extrude, make_face, mirror

from infra.samples.shapes.solids import bore, countersink, cut, joined, softened, solid, turned, upright

if TYPE_CHECKING:
    from collections.abc import Sequence

    from build123d import Solid

    from infra.samples.shapes.solids import Point


def _angle(base: float, height: float, width: float, thickness: float) -> Any:
    """A bent strip: the base lies on z = 0 along x, the other leg stands at x = 0."""
    flat = Pos(base / 2, 0, thickness / 2) * Box(base, width, thickness)
    leg = Pos(thickness / 2, 0, height / 2) * Box(thickness, width, height)
    bent = softened(joined(flat, leg), 2 * thickness, lambda edges: edges.group_by(Axis.Z)[0].group_by(Axis.X)[0])
    bent = softened(
        bent,
        thickness,
        lambda edges: (
            edges.filter_by(Axis.Y)
            .filter_by_position(Axis.X, thickness - 0.01, thickness + 0.01)
            .filter_by_position(Axis.Z, thickness - 0.01, thickness + 0.01)
        ),
    )
    corners = 0.18 * width
    bent = softened(bent, corners, lambda edges: upright(edges).group_by(Axis.X)[-1])
    return softened(bent, corners, lambda edges: edges.filter_by(Axis.X).group_by(Axis.Z)[-1])


def angle(
    legs: Point, width: float, thickness: float, base_holes: Sequence[Point], leg_holes: Sequence[Point], hole: float
) -> Solid:
    """An angle bracket with holes of diameter `hole` at (x, y) in its base and (y, z) in its upright leg."""
    below = [bore(hole / 2, 0, thickness, at) for at in base_holes]
    aside = [Pos(0, y, z) * Rot(0, 90, 0) * bore(hole / 2, 0, thickness) for y, z in leg_holes]
    return solid(cut(_angle(*legs, width, thickness), below, aside))


def slotted_angle(legs: Point, width: float, thickness: float, hole: float) -> Solid:
    """An angle bracket with a slot in each leg, to adjust it."""
    slot = extrude(SlotOverall(0.45 * legs[0], hole), thickness)
    below = Pos(0.58 * legs[0], 0, 0) * slot
    aside = Pos(0, 0, 0.58 * legs[1]) * Rot(0, 90, 0) * slot
    return solid(cut(_angle(*legs, width, thickness), below, aside))


def ribbed_angle(leg: float, width: float, thickness: float) -> Solid:
    """A die-cast angle with two ribs and four holes, as used on profile frames."""
    body = _angle(leg, leg, width, thickness)
    rib = extrude(Plane.XZ * _triangle(thickness, leg - 3), 1.5, both=True)
    ribs = [Pos(0, side * (width / 2 - 1.5), 0) * rib for side in (-1, 1)]
    hole = bore(0.16 * width, 0, thickness)
    below = Pos(0.6 * leg, 0, 0) * hole
    return solid(cut(joined(body, ribs), below, Pos(0, 0, 0.6 * leg) * Rot(0, 90, 0) * hole))


def _triangle(start: float, leg: float) -> Any:
    return make_face(Polyline((start - 0.5, start - 0.5), (leg, start - 0.5), (start - 0.5, leg), close=True))


def joining_plate(length: float, width: float, thickness: float, holes: int) -> Solid:
    """A plate with countersunk holes in a row."""
    plate = extrude(RectangleRounded(length, width, 0.2 * width), thickness)
    plate = softened(plate, 0.4, lambda edges: edges.group_by(Axis.Z)[-1])
    pitch = length / holes
    spots = [((i - (holes - 1) / 2) * pitch, 0.0) for i in range(holes)]
    return solid(
        cut(
            plate,
            [bore(2.75, 0, thickness, at) for at in spots],
            [countersink(2.75, thickness, at, 2.4) for at in spots],
        )
    )


def corner_plate(leg: float, width: float, thickness: float, holes: int) -> Solid:
    """An L-shaped plate with `holes` screw holes (5, or 4 where the corner stays closed)."""
    arms = joined(
        Pos(leg / 2, width / 2, thickness / 2) * Box(leg, width, thickness),
        Pos(width / 2, leg / 2, thickness / 2) * Box(width, leg, thickness),
    )
    body = softened(arms, 4, upright)
    middle = width / 2
    spots = [(0.5 * leg, middle), (0.84 * leg, middle), (middle, 0.5 * leg), (middle, 0.84 * leg), (middle, middle)]
    return solid(cut(body, [bore(3.3, 0, thickness, at) for at in spots[:holes]]))


def sensor_holder() -> Solid:
    """A left-hand holder: base with two slots, a tab bent up at one side, a sensor hole."""
    base = Pos(0, 0, 1.5) * Box(64, 34, 3)
    base = softened(base, 5, lambda edges: upright(edges).sort_by(Axis.X)[:2])
    tab = Pos(30.5, -4, 18) * Box(3, 26, 36)
    tab = softened(tab, 8, lambda edges: edges.filter_by(Axis.X).group_by(Axis.Z)[-1].sort_by(Axis.Y)[:1])
    body = joined(base, tab)
    slots = [Pos(x, y, 0) * extrude(SlotOverall(16, 5.5), 3) for x, y in ((-16, 8), (-16, -8))]
    pilot = bore(2.1, 0, 3, (12, 10))
    sensor = Pos(29, -5, 23) * Rot(0, 90, 0) * bore(6.1, 0, 3)
    lock = Pos(29, 5, 10) * Rot(0, 90, 0) * bore(1.6, 0, 3)
    return solid(cut(body, slots, pilot, sensor, lock))


def mirrored_sensor_holder() -> Solid:
    """The right-hand holder."""
    return solid(mirror(sensor_holder(), Plane.YZ))


def clevis(size: float) -> Solid:
    """DIN 71752: a fork head with a cross hole and a threaded end."""
    block = Pos(0, 0, 1.5 * size) * Box(2 * size, 2 * size, 3 * size)
    block = softened(block, 0.3 * size, upright)
    neck = turned([(0, -1.1 * size), (0.82 * size, -1.1 * size), (0.9 * size, -size), (0.9 * size, 0.1), (0, 0.1)])
    gap = Pos(0, 0, 2.1 * size) * Box(3 * size, size, 2.6 * size)
    pin = Pos(0, -2 * size, 2.2 * size) * Rot(-90, 0, 0) * bore(0.5 * size, 0, 4 * size)
    body = joined(block, neck) & Pos(0, 0, 0.9 * size) * turned(
        [(0, -2 * size), (1.32 * size, -2 * size), (1.32 * size, 1.9 * size), (1.2 * size, 2.1 * size), (0, 2.1 * size)]
    )
    return solid(cut(body, gap, pin, bore(0.42 * size, -1.2 * size, 0.8 * size)))


def pipe_clamp(pipe: float) -> Solid:
    """DIN 3015: one half of a pipe clamp with two bolt holes and grip ribs."""
    length, height, width = pipe + 28, 0.5 * pipe + 7, 30
    block = Pos(0, 0, height / 2) * Box(length, width, height)
    block = softened(block, 5, lambda edges: edges.filter_by(Axis.Y).group_by(Axis.Z)[0])
    tunnel = Pos(0, -width, height) * Rot(-90, 0, 0) * bore(pipe / 2, 0, 2 * width)
    ribs = [Pos(0, y, height) * Rot(-90, 0, 0) * bore(pipe / 2 + 0.8, 0, 2) for y in (-12, -7, -2, 3, 8)]
    holes = [bore(3.4, 0, height, (side * (pipe / 2 + 8), 0)) for side in (-1, 1)]
    return solid(cut(block, tunnel, ribs, holes))


def motor_plate() -> Solid:
    """A plate for a NEMA 17 motor: pilot bore, four counterbored holes, cut-outs, bent foot."""
    plate = extrude(RectangleRounded(50, 56, 4), 5)
    foot = softened(Pos(0, -25.5, 14) * Box(50, 5, 28), 4, lambda edges: edges.filter_by(Axis.Y).group_by(Axis.Z)[-1])
    spots = [(x, y + 3) for x in (-15.5, 15.5) for y in (-15.5, 15.5)]
    tools = [bore(11.2, 0, 5, (0, 3)), *(bore(1.7, 0, 5, at) for at in spots), *(bore(3.0, 3, 5, at) for at in spots)]
    slots = [Pos(x, -25.5, 17) * Rot(90, 0, 0) * extrude(SlotOverall(12, 5.3), 4, both=True) for x in (-14, 14)]
    gusset = extrude(Plane.YZ * _triangle(0, 16), 2, both=True)
    ribs = [Pos(x, -23.5, 5) * gusset for x in (-23, 23)]
    return solid(cut(joined(plate, foot, ribs), tools, slots))
