"""What hands take hold of: knobs, handles, feet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from build123d import Axis, Box, Circle, Cylinder, Ellipse, Plane, Polyline, Pos, Rot, Sphere, extrude, fillet, sweep

from infra.samples.shapes.solids import around, bore, cut, hexagon, joined, softened, solid, thread, turned

if TYPE_CHECKING:
    from build123d import Solid


def star_knob(diameter: float, lobes: int) -> Solid:
    """DIN 6336: a star grip with `lobes` and a threaded bush."""
    r = diameter / 2
    rim = turned([(0, 0.5 * r), (0.8 * r, 0.45 * r), (r, 0.55 * r), (r, 0.95 * r), (0.85 * r, 1.1 * r), (0, 1.2 * r)])
    valley = around(lobes, 1.18 * r, bore(0.38 * r, 0, 1.4 * r), 180 / lobes)
    grip = softened(cut(rim, valley), 0.05 * r, lambda edges: edges.filter_by(Axis.Z))
    hub = turned([(0, 0), (0.36 * r, 0), (0.42 * r, 0.55 * r), (0, 0.55 * r)])
    return solid(cut(joined(grip, hub), bore(0.16 * r, 0, 0.8 * r)))


def ball_knob(diameter: float) -> Solid:
    """DIN 319: a ball with a flat and a threaded hole."""
    r = diameter / 2
    ball = cut(Sphere(r), Pos(0, 0, -1.42 * r) * Box(3 * r, 3 * r, r))
    return solid(
        cut(ball, bore(0.25 * r, -r, 0.1 * r), turned([(0, -r), (0.38 * r, -r), (0.25 * r, -0.8 * r), (0, -0.8 * r)]))
    )


def knurled_knob(diameter: float, flutes: int) -> Solid:
    """DIN 464: a knurled thumb screw with a high collar."""
    r = diameter / 2
    head = turned(
        [
            (0, 0),
            (0.55 * r, 0),
            (0.55 * r, 0.5 * r),
            (0.9 * r, 0.5 * r),
            (r, 0.6 * r),
            (r, 0.95 * r),
            (0.9 * r, 1.05 * r),
            (0, 1.05 * r),
        ]
    )
    flute = Rot(0, 0, 45) * Box(0.11 * r, 0.11 * r, 3 * r)
    screw = turned([(0, 0.1), (2.4, 0.1), (2.4, -1.2), *thread(3, 1, -1.2, -15), (2.3, -16), (0, -16)])
    return solid(joined(cut(head, around(flutes, r, flute)), screw))


def bow_handle(spacing: float, height: float) -> Solid:
    """A bow-type handle with two threaded feet."""
    half = spacing / 2
    line: Any = Polyline((-half, 0, 0), (-half, 0, height), (half, 0, height), (half, 0, 0))
    path: Any = fillet(line.vertices()[1:3], 14)
    bow = sweep(Plane(path @ 0, z_dir=path % 0) * Ellipse(5.5, 7.5), path)
    feet = [Pos(side * half, 0, 0) * turned([(0, 0), (9, 0), (9, 3), (8, 4), (0, 4)]) for side in (-1, 1)]
    holes = [bore(2.6, 0, 14, (side * half, 0)) for side in (-1, 1)]
    return solid(cut(joined(bow, feet), holes))


def clamping_lever() -> Solid:
    """An adjustable lever: tapered arm, hub with a screw."""
    hub = turned([(0, 0), (8, 0), (9.5, 3), (9.5, 18), (8, 20), (0, 20)])
    arm = Pos(0, 0, 14) * Rot(0, 62, 0) * turned([(0, 0), (6.5, 0), (5, 30), (6.8, 52), (6, 58), (3.5, 61), (0, 62)])
    screw = turned([(0, 0.1), (3, 0.1), (3, -1.3), *thread(4, 1.25, -1.3, -18), (3, -19.5), (0, -19.5)])
    recess = bore(4.2, 16, 20)
    return solid(joined(cut(joined(hub, arm), recess), screw))


def levelling_foot(plate: float, length: float) -> Solid:
    """A levelling foot: ball-jointed plate, spindle with thread, hexagon to turn it."""
    r = plate / 2
    base = turned([(0, 0), (r - 1.5, 0), (r, 1.5), (r, 5), (r - 2, 7), (12, 10), (10, 15), (0, 15)])
    spindle = turned(
        [(0, 15), (6.5, 15), (6.5, 18), (5, 24), *thread(6, 1.75, 26, length), (4.8, length + 1.5), (0, length + 1.5)]
    )
    return solid(joined(base, Pos(0, 0, 17) * hexagon(14, 7), spindle))


def rubber_buffer(diameter: float, height: float) -> Solid:
    """A rubber-metal buffer with a threaded stud at one end."""
    r = diameter / 2
    waist = turned(
        [
            (0, 0),
            (r, 0),
            (r, 2),
            (r - 1, 3),
            (r - 2, 0.5 * height),
            (r - 1, height - 3),
            (r, height - 2),
            (r, height),
            (0, height),
        ]
    )
    stud = turned(
        [
            (0, height - 0.1),
            (3, height - 0.1),
            *thread(4, 1.25, height, height + 16),
            (3, height + 17.5),
            (0, height + 17.5),
        ]
    )
    return solid(joined(waist, stud))


def castor_wheel(diameter: float, width: float) -> Solid:
    """A wheel with a rounded tread, a spoked web and a hub."""
    r, half = diameter / 2, width / 2
    tyre = turned(
        [
            (r - 10, -half),
            (r - 4, -half),
            (r - 1, -half + 3),
            (r, -half + 7),
            (r, half - 7),
            (r - 1, half - 3),
            (r - 4, half),
            (r - 10, half),
        ]
    )
    web = turned([(0, -4), (r - 9, -4), (r - 9, 4), (0, 4)])
    windows = around(5, 0.5 * r, Pos(0, 0, 0) * Cylinder(0.17 * r, width))
    hub = extrude(Circle(11), half + 3, both=True)
    return solid(cut(joined(tyre, cut(web, windows), hub), bore(6, -half - 4, half + 4)))
