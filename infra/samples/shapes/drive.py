"""What turns: gears, pulleys, bearings, shafts, couplings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from build123d import Axis, Box, Line, Polyline, Pos, Rot, SlotOverall, ThreePointArc, extrude, make_face

from infra.samples.shapes.solids import (
    around,
    bevelled,
    bore,
    countersink,
    cut,
    joined,
    lying,
    softened,
    solid,
    turned,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from build123d import Solid

    from infra.samples.shapes.solids import Point


def _polar(radius: float, angle: float) -> Point:
    return radius * math.cos(angle), radius * math.sin(angle)


def _toothed(teeth: int, root: float, tip: float, half_width: Callable[[float], float]) -> Any:
    """Face of a toothed wheel; `half_width` gives the angle of half a tooth at a radius."""
    middle, edges, pitch = (root + tip) / 2, [], 2 * math.pi / teeth
    for tooth in range(teeth):
        centre = tooth * pitch
        rise = [_polar(r, centre - half_width(r)) for r in (root, middle, tip)]
        fall = [_polar(r, centre + half_width(r)) for r in (tip, middle, root)]
        following = _polar(root, centre + pitch - half_width(root))
        edges += [
            ThreePointArc(*rise),
            ThreePointArc(rise[2], _polar(tip, centre), fall[0]),
            ThreePointArc(*fall),
            ThreePointArc(fall[2], _polar(root, centre + pitch / 2), following),
        ]
    return make_face(edges)


def _involute(module: float, teeth: int) -> Callable[[float], float]:
    """Half a tooth's angle at a radius, 20 degree pressure angle (the flank is radial below the base circle)."""
    pressure, pitch_radius = math.radians(20), module * teeth / 2
    base = pitch_radius * math.cos(pressure)

    def involute(radius: float) -> float:
        alpha = math.acos(min(1.0, base / radius))
        return math.tan(alpha) - alpha

    return lambda radius: math.pi / (2 * teeth) * 0.97 + involute(pitch_radius) - involute(radius)


def _keyway(radius: float, width: float, depth: float, length: float) -> Any:
    return Pos(radius + depth / 2 - 1, 0, length / 2) * Box(depth + 2, width, length + 1)


def gear(module: float, teeth: int, width: float, hole: float, openings: int = 0) -> Solid:
    """DIN 867 spur gear with a hub on one side, a keyway and, in large ones, `openings` in the web."""
    pitch = module * teeth / 2
    face = _toothed(teeth, pitch - 1.25 * module, pitch + module, _involute(module, teeth))
    blank = turned(
        [
            (0, 0),
            (pitch + 0.4 * module, 0),
            (pitch + 1.1 * module, 0.6 * module),
            (pitch + 1.1 * module, width - 0.6 * module),
            (pitch + 0.4 * module, width),
            (0, width),
        ]
    )
    hub = max(0.5 * hole + 4, 0.85 * hole)
    body = joined(
        extrude(face, width) & blank, turned([(0, 0), (hub, 0), (hub, width + 7), (hub - 1, width + 8), (0, width + 8)])
    )
    inner, outer = hub + 2, pitch - 3.2 * module
    web = [turned([(inner, z), (outer, z), (outer, z + 2.5), (inner, z + 2.5)]) for z in (-0.01, width - 2.49)]
    windows = around(openings, (inner + outer) / 2, bore(0.36 * (outer - inner), 0, width)) if openings else []
    key = _keyway(hole / 2, 0.3 * hole, 0.13 * hole, width + 8)
    return solid(cut(body, bore(hole / 2, 0, width + 8), key, *([web] if openings else []), windows))


def timing_pulley(teeth: int, width: float, hole: float) -> Solid:
    """A T5 pulley with two flanges and a hub with set-screw holes."""
    radius = 5 * teeth / (2 * math.pi)
    face = _toothed(teeth, radius - 2.3, radius - 0.4, lambda r: (1.55 + 0.35 * (radius - 0.4 - r)) / radius)
    rim = extrude(face, width)
    flange = turned([(0, 0), (radius + 1.2, 0), (radius + 1.6, 0.4), (radius - 1.5, 1.5), (0, 1.5)])
    hub = turned([(0, -9), (0.62 * radius - 0.8, -9), (0.62 * radius, -8.2), (0.62 * radius, 0), (0, 0)])
    body = joined(rim, hub, Pos(0, 0, -0.1) * flange, Pos(0, 0, width + 0.1) * Rot(180, 0, 0) * flange)
    screw = Pos(0, 0, -4.8) * Rot(0, 90, 0) * bore(1.7, 0, radius)
    return solid(cut(body, bore(hole / 2, -9, width + 1), screw, Rot(0, 0, 90) * screw))


def v_pulley(diameter: float, hole: float, grooves: int = 1) -> Solid:
    """A cast V-belt sheave with a dished web and a keyed hub."""
    r, pitch = diameter / 2, 15.0
    width = grooves * pitch + 5
    groove = [
        (
            (r, 2.5 + i * pitch + 1),
            (r - 11, 2.5 + i * pitch + 5.2),
            (r - 11, 2.5 + i * pitch + 9.8),
            (r, 2.5 + i * pitch + 14),
        )
        for i in range(grooves)
    ]
    rim = [
        (0, 0),
        (r - 1, 0),
        (r, 1),
        *(point for g in groove for point in g),
        (r, width - 1),
        (r - 1, width),
        (0, width),
    ]
    dish, hub = r - 17, 0.5 * hole + 9
    recess = turned([(hub, -1), (dish, -1), (dish, 3), (dish - 3, 6), (hub + 2, 6), (hub, 4)])
    far = Pos(0, 0, width) * Rot(180, 0, 0) * recess
    body = cut(turned(rim), recess, far)
    body = joined(body, turned([(0, 0), (hub, 0), (hub, width + 8), (hub - 1.5, width + 9.5), (0, width + 9.5)]))
    return solid(cut(body, bore(hole / 2, 0, width + 10), _keyway(hole / 2, 0.25 * hole, 0.12 * hole, width + 10)))


def bearing(inner: float, outer: float, width: float) -> Solid:
    """DIN 625: a sealed deep-groove ball bearing as one closed body."""
    wall = (outer - inner) / 2
    a, b, c, d = inner / 2, inner / 2 + 0.27 * wall, outer / 2 - 0.24 * wall, outer / 2
    half = [
        (a, 0.6),
        (a + 0.6, 0),
        (b, 0),
        (b, 0.3),
        (b + 0.25, 0.9),
        (b + 0.5, 0.5),
        (b + 0.12 * wall, 0.35),
        (c - 0.15 * wall, 0.35),
        (c - 0.3, 0.7),
        (c, 0.7),
        (c, 0),
        (d - 0.8, 0),
        (d, 0.8),
    ]
    return solid(turned([*half, *((r, width - z) for r, z in reversed(half))]))


def bushing(inner: float, outer: float, length: float, flange: float = 0.0) -> Solid:
    """ISO 4379 plain bushing, with a `flange` of that diameter where it is not zero."""
    a, b = inner / 2, outer / 2
    foot = [(flange / 2 - 0.4, 0), (flange / 2, 0.4), (flange / 2, 3), (b, 3)] if flange else [(b - 0.6, 0), (b, 1)]
    return solid(
        turned(
            [(a, 0.5), (a + 0.5, 0), *foot, (b, length - 1), (b - 0.5, length), (a + 0.5, length), (a, length - 0.5)]
        )
    )


def shaft(steps: list[Point], keys: list[tuple[float, float, float]]) -> Solid:
    """A stepped shaft along x from `steps` of (diameter, length), with `keys` of (start, length, width)."""
    profile, z = [(0.0, 0.0)], 0.0
    for diameter, length in steps:
        edge = 0.05 * diameter
        profile += [
            (diameter / 2 - edge, z),
            (diameter / 2, z + edge),
            (diameter / 2, z + length - edge),
            (diameter / 2 - edge, z + length),
        ]
        z += length
    body = lying(turned([*profile, (0, z)]))
    for start, length, width in keys:
        at = start + length / 2
        radius = next(d / 2 for d, end in _ends(steps) if at < end)
        body = cut(body, Pos(at, 0, radius - 0.55 * width) * extrude(SlotOverall(length, width), width))
    for end, top in ((0, 2.0), (z, -2.0)):
        body = cut(
            body,
            Pos(end, 0, 0)
            * lying(
                turned(
                    [(0, -0.1), (3.2, -0.1), (0.9, top * 1.2), (0.9, top * 2.5), (0, top * 2.5)]
                    if top > 0
                    else [(0, 0.1), (3.2, 0.1), (0.9, top * 1.2), (0.9, top * 2.5), (0, top * 2.5)]
                )
            ),
        )
    return solid(body)


def _ends(steps: list[Point]) -> list[Point]:
    total, ends = 0.0, []
    for diameter, length in steps:
        total += length
        ends.append((diameter, total))
    return ends


def jaw_hub(diameter: float, hole: float) -> Solid:
    """One half of an elastic jaw coupling: three claws, bore, keyway, set screw."""
    r = diameter / 2
    hub = turned(
        [(0, 0), (0.8 * r - 1, 0), (0.8 * r, 1), (0.8 * r, 0.7 * r), (r, 0.8 * r), (r, 1.25 * r), (0, 1.25 * r)]
    )
    ring = turned([(0.42 * r, 1.2 * r), (r, 1.2 * r), (r, 1.75 * r - 1), (r - 1, 1.75 * r), (0.42 * r, 1.75 * r)])
    claws = cut(ring, [Rot(0, 0, 60 * i) * Pos(0, 0, 1.25 * r) * _sector(r) for i in (0, 2, 4)])
    screw = Pos(0, 0, 0.4 * r) * Rot(0, 90, 0) * bore(2.1, 0, r)
    return solid(
        cut(
            joined(hub, claws),
            bore(hole / 2, 0, 2 * r),
            _keyway(hole / 2, 0.3 * hole, 0.13 * hole, 1.3 * r),
            Rot(0, 0, 90) * screw,
        )
    )


def _sector(r: float) -> Any:
    spread = math.radians(33)
    corner = [_polar(1.4 * r, -spread), _polar(1.4 * r, spread)]
    outline = make_face([Line((0, 0), corner[0]), Line(corner[0], corner[1]), Line(corner[1], (0, 0))])
    return extrude(outline, r)


def spider(diameter: float, arms: int = 6) -> Solid:
    """The elastic star of a jaw coupling."""
    r = diameter / 2
    pads = [
        Rot(0, 0, 360 * i / arms) * Pos(0.68 * r, 0, 0) * Rot(0, 90, 0) * Rot(0, 0, 90) * _pad(r) for i in range(arms)
    ]
    core = turned([(0.26 * r, 0.1 * r), (0.5 * r, 0.1 * r), (0.5 * r, 0.4 * r), (0.26 * r, 0.4 * r)])
    return solid(joined(core, pads))


def _pad(r: float) -> Any:
    pad = Pos(0, 0, 0) * Box(0.36 * r, 0.5 * r, 0.6 * r)
    pad = softened(pad, 0.14 * r, lambda edges: edges.filter_by(Axis.Z))
    return Pos(0, 0.25 * r, 0) * pad


def sprocket(teeth: int, hole: float) -> Solid:
    """DIN 8187 chain wheel 08B-1 (pitch 12.7 mm) with a hub."""
    pitch_radius = 12.7 / (2 * math.sin(math.pi / teeth))
    tip, roller = pitch_radius + 4.2, 4.3
    blank = turned([(0, 0.9), (tip - 5, 0), (tip, 2), (tip, 5.2), (tip - 5, 7.2), (0, 7.2)])
    seat = bore(roller, -1, 9)
    reach = tip - pitch_radius + 1
    mouth: Any = make_face(
        Polyline((0, -0.9 * roller), (reach, -1.45 * roller), (reach, 1.45 * roller), (0, 0.9 * roller), close=True)
    )
    flare = Pos(0, 0, -1) * extrude(mouth, 10)
    seats = around(teeth, pitch_radius, seat) + around(teeth, pitch_radius, flare)
    hub = turned([(0, 0), (22, 0), (22, 24), (21, 25), (0, 25)])
    body = joined(cut(blank, seats), hub)
    return solid(cut(body, bore(hole / 2, -1, 25), _keyway(hole / 2, 6, 2.8, 25)))


def shaft_collar(hole: float, outer: float, width: float) -> Solid:
    """A clamp collar with one slit and a counterbored screw across it."""
    r = outer / 2
    body = turned(
        [
            (hole / 2, 0.4),
            (hole / 2 + 0.4, 0),
            (r - 0.8, 0),
            (r, 0.8),
            (r, width - 0.8),
            (r - 0.8, width),
            (hole / 2 + 0.4, width),
            (hole / 2, width - 0.4),
        ]
    )
    slit = Pos(r / 2 + 1, 0, width / 2) * Box(r + 2, 1.6, width + 1)
    offset = (hole / 2 + r) / 2 + 0.5
    screw = Pos(offset, -r, width / 2) * Rot(-90, 0, 0) * bore(0.13 * width + 0.7, 0, outer)
    head = Pos(offset, 0.3 * r, width / 2) * Rot(-90, 0, 0) * bore(0.25 * width + 0.9, 0, r)
    return solid(cut(body, slit, screw, head))


def flange_shaft_ring(outer: float) -> Solid:
    """A machined hub ring with six countersunk holes on its face."""
    r = outer / 2
    ring = turned([(0.35 * r, 0), (r, 0), (r, 6), (0.6 * r, 6), (0.55 * r, 14), (0.5 * r, 15), (0.35 * r, 15)])
    spots = [_polar(0.8 * r, math.tau * i / 6) for i in range(6)]
    holes = [bore(0.06 * r, 0, 6, at) for at in spots] + [countersink(0.06 * r, 6, at, 1.2) for at in spots]
    return solid(cut(bevelled(ring, 0.5, lambda edges: edges.group_by(Axis.Z)[0]), holes))
