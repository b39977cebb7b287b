"""What fluids run through: flanges, pipe fittings, seals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from build123d import Box, Circle, Pos, RegularPolygon, Rot, Sphere, Torus, extrude

from infra.samples.shapes.solids import around, bore, countersink, cut, hexagon, joined, solid, thread, turned

if TYPE_CHECKING:
    from build123d import Solid


def flange(outer: float, pipe: float, circle: float, holes: int, hole: float) -> Solid:
    """EN 1092-1 type 11: a welding-neck flange with a raised face and `holes` bolt holes on `circle`."""
    r, a, b = outer / 2, pipe / 2 - 2.6, pipe / 2
    body = turned(
        [
            (a, 0),
            (0.62 * circle / 2 + 4, 0),
            (0.62 * circle / 2 + 4, 2),
            (r - 1, 2),
            (r, 3),
            (r, 15),
            (r - 1, 16),
            (1.5 * b, 16),
            (1.4 * b, 18),
            (1.12 * b, 30),
            (b, 34),
            (b - 1.2, 36),
            (a, 36),
        ]
    )
    return solid(cut(body, around(holes, circle / 2, bore(hole / 2, 0, 17), 180 / holes)))


def blind_flange(outer: float, circle: float, holes: int, hole: float) -> Solid:
    """EN 1092-1 type 05: a closed flange."""
    r = outer / 2
    body = turned(
        [(0, 0), (0.62 * circle / 2, 0), (0.62 * circle / 2, 2), (r - 1, 2), (r, 3), (r, 15), (r - 1, 16), (0, 16)]
    )
    return solid(cut(body, around(holes, circle / 2, bore(hole / 2, 0, 17), 180 / holes)))


def _socket(radius: float, length: float) -> Any:
    """A reinforced pipe end that grows up z from the origin."""
    return turned(
        [
            (0, 0),
            (radius, 0),
            (radius, length - 7),
            (radius + 2.2, length - 6),
            (radius + 2.5, length - 5.5),
            (radius + 2.5, length - 0.6),
            (radius + 1.9, length),
            (0, length),
        ]
    )


def _mouth(radius: float, length: float) -> Any:
    """The threaded hole of a pipe end of that length."""
    rings = thread(radius - 1.2, 1.8, length - 11, length - 1.5, -0.4)
    return turned(
        [
            (0, 0),
            (radius - 2.6, 0),
            (radius - 2.6, length - 12),
            *rings,
            (radius - 0.2, length),
            (radius - 0.2, length + 1),
            (0, length + 1),
        ]
    )


def elbow(radius: float, length: float) -> Solid:
    """A malleable-iron 90 degree elbow with two female threads."""
    ends = [_socket(radius, length), Rot(0, 90, 0) * _socket(radius, length)]
    body = joined(Sphere(radius), ends)
    return solid(cut(body, Sphere(radius - 2.6), _mouth(radius, length), Rot(0, 90, 0) * _mouth(radius, length)))


def tee(radius: float, length: float) -> Solid:
    """A malleable-iron tee with three female threads."""
    turns = [Rot(0, angle, 0) for angle in (-90, 0, 90)]
    body = joined(*(turn * _socket(radius, length) for turn in turns))
    return solid(cut(body, *(turn * _mouth(radius, length) for turn in turns)))


def _hose_end(pipe: float, length: float, start: float) -> Any:
    """Profile of barbs that a hose is pushed over, from z = `start` upwards."""
    count = int(length // 6)
    step = length / count
    return [
        point
        for i in range(count)
        for point in ((pipe / 2 + 1.0, start + (i + 0.1) * step), (pipe / 2 - 0.2, start + (i + 0.98) * step))
    ]


def hose_nipple(pipe: float, across: float, thread_radius: float) -> Solid:
    """A brass hose barb with a hexagon and a male thread."""
    barbs = _hose_end(pipe, 24, 10)
    male = thread(thread_radius, 1.8, -1.5, -11)
    body = turned([(0, 10), (pipe / 2, 10), *barbs, (pipe / 2 - 0.6, 34.6), (0, 34.6)])
    screw = turned(
        [(0, 0.1), (thread_radius - 1, 0.1), (thread_radius - 1, -1.2), *male, (thread_radius - 1.2, -12.5), (0, -12.5)]
    )
    nut = hexagon(across, 10)
    return solid(cut(joined(nut, body, screw), bore(pipe / 2 - 2, -13, 35)))


def double_nipple(across: float, thread_radius: float) -> Solid:
    """A hexagon nipple with a male thread at both ends."""
    male = [
        (0.0, 0.1),
        (thread_radius - 1, 0.1),
        (thread_radius - 1, -1.5),
        *thread(thread_radius, 1.8, -1.5, -14),
        (thread_radius - 1.2, -15.5),
        (0.0, -15.5),
    ]
    down = turned(male)
    body = joined(hexagon(across, 8), down, Pos(0, 0, 8) * Rot(180, 0, 0) * down)
    return solid(cut(body, bore(thread_radius - 3.2, -16, 24)))


def plug(across: float, thread_radius: float) -> Solid:
    """DIN 908: a screw plug with a collar and a hexagon socket."""
    collar = turned([(0, 0), (1.35 * thread_radius, 0), (1.35 * thread_radius, 3.2), (1.28 * thread_radius, 4), (0, 4)])
    screw = turned(
        [
            (0, 0.1),
            (thread_radius - 1, 0.1),
            (thread_radius - 1, -1.5),
            *thread(thread_radius, 1.5, -1.5, -11),
            (thread_radius - 1.4, -12),
            (0, -12),
        ]
    )
    key = Pos(0, 0, -4) * extrude(RegularPolygon(across / 1.732, 6), 9)
    return solid(cut(joined(collar, screw), key, countersink(across / 1.85, 4)))


def o_ring(inner: float, cord: float) -> Solid:
    """ISO 3601."""
    return solid(Torus(inner / 2 + cord / 2, cord / 2))


def shaft_seal(inner: float, outer: float, width: float) -> Solid:
    """DIN 3760 type A: a radial shaft seal with its lip and garter-spring groove."""
    a, b = inner / 2, outer / 2
    return solid(
        turned(
            [
                (b - 0.8, 0),
                (b, 0.8),
                (b, width - 0.6),
                (b - 0.6, width),
                (b - 2, width),
                (b - 2, 2.2),
                (a + 3.4, 2.2),
                (a + 2.4, 3.4),
                (a + 2.6, 5.4),
                (a + 1.4, 6.2),
                (a - 0.4, 4.9),
                (a + 1.2, 0.9),
                (a + 2, 0),
            ]
        )
    )


def gauge() -> dict[str, Any]:
    """A pressure gauge by its materials; it is photographed, and no CAD of it is shipped."""
    case = turned(
        [(0, -13), (29, -13), (31, -11), (31, 8), (33, 9), (33, 13), (31, 14.5), (29.5, 14.5), (29.5, 10), (0, 10)]
    )
    screw = turned([(0, 38), (5.5, 38), (5.5, 41), *thread(6.5, 1.5, 41, 52), (5, 53), (0, 53)])
    stem = Rot(90, 0, 0) * joined(Pos(0, 0, 28) * hexagon(14, 12), screw)
    ticks = [Rot(0, 0, -45 + 10 * i) * Pos(25, 0, 11.2) * Box(3 if i % 3 else 5, 0.9, 0.3) for i in range(28)]
    needle = joined(Rot(0, 0, 130) * Pos(9, 0, 12) * Box(28, 1.3, 0.6), Pos(0, 0, 11) * extrude(Circle(3), 1.8))
    return {"steel": case, "brass": stem, "white": Pos(0, 0, 10) * extrude(Circle(29.4), 1), "black": [*ticks, needle]}
