"""Parts to measure with: a few families of plain mechanical shapes, as many as wanted, the same at each call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh

SUFFIXES = ("stl", "ply", "obj", "glb")


def write(folder: Path, count: int) -> None:
    """Write `count` distinct parts to `folder`, a file each, in turn in each of `SUFFIXES`."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        family = FAMILIES[number % len(FAMILIES)]
        mesh = family(np.random.default_rng(number))
        suffix = SUFFIXES[number // len(FAMILIES) % len(SUFFIXES)]
        mesh.export(folder / f"{family.__name__}-{number:04d}.{suffix}")


def bracket(rng: np.random.Generator) -> trimesh.Trimesh:
    """An L with holes."""
    wide, long, high, thick = rng.uniform((20, 30, 20, 3), (50, 80, 60, 6))
    leg = _box((long, wide, thick), (0, 0, thick / 2))
    wall = _box((thick, wide, high), (-long / 2 + thick / 2, 0, high / 2))
    holes = [
        _pin(rng.uniform(2, 4), 4 * thick, (x * long / 4, y * wide / 4, thick / 2)) for x in (0, 1) for y in (-1, 1)
    ]
    return trimesh.boolean.difference([trimesh.boolean.union([leg, wall]), *holes])


def flange(rng: np.random.Generator) -> trimesh.Trimesh:
    """A disc with a hub, a bore and a circle of holes."""
    radius, thick, count = rng.uniform(20, 50), rng.uniform(4, 10), int(rng.integers(3, 9))
    body = trimesh.boolean.union([_pin(radius, thick), _pin(radius / 2, 4 * thick, (0, 0, 1.5 * thick))])
    turns = np.arange(count) / count * 2 * np.pi
    ring = [_pin(radius / 12, 4 * thick, (0.75 * radius * np.cos(a), 0.75 * radius * np.sin(a), 0)) for a in turns]
    return trimesh.boolean.difference([body, _pin(radius / 4, 12 * thick), *ring])


def shaft(rng: np.random.Generator) -> trimesh.Trimesh:
    """A stepped shaft with a keyway."""
    radii = np.sort(rng.uniform(4, 15, 3))
    lengths = rng.uniform(10, 40, 3)
    starts = np.cumsum([0, *lengths[:2]])
    steps = [_pin(r, n + 0.2, (0, 0, s + n / 2)) for r, n, s in zip(radii, lengths, starts, strict=True)]
    key = _box((radii[0] / 2, radii[0], lengths[0] * 0.6), (0, radii[0], lengths[0] / 2))
    return trimesh.boolean.difference([trimesh.boolean.union(steps), key])


def gear(rng: np.random.Generator) -> trimesh.Trimesh:
    """A spur gear with straight flanks."""
    teeth, radius, thick = int(rng.integers(12, 36)), rng.uniform(15, 40), rng.uniform(4, 12)
    tooth = _box((radius * 0.3, 3 * radius / teeth, thick), (radius, 0, 0))
    turns = (trimesh.transformations.rotation_matrix(a, (0, 0, 1)) for a in np.arange(teeth) / teeth * 2 * np.pi)
    body = trimesh.boolean.union([_pin(radius, thick), *(tooth.copy().apply_transform(turn) for turn in turns)])
    return trimesh.boolean.difference([body, _pin(radius / 4, 4 * thick)])


def housing(rng: np.random.Generator) -> trimesh.Trimesh:
    """An open box with bosses in its corners."""
    size = rng.uniform((30, 25, 10), (80, 60, 40))
    shell = trimesh.boolean.difference([_box(size, (0, 0, 0)), _box(size - (4, 4, 2), (0, 0, 2))])
    places = [(x * (size[0] / 2 - 5), y * (size[1] / 2 - 5), 0) for x in (-1, 1) for y in (-1, 1)]
    bosses = [_pin(3.5, size[2], place) for place in places]
    return trimesh.boolean.difference([trimesh.boolean.union([shell, *bosses]), *(_pin(1.6, 99, p) for p in places)])


FAMILIES = (bracket, flange, shaft, gear, housing)


def _box(extents: object, place: object) -> trimesh.Trimesh:
    mesh = trimesh.creation.box(extents)
    mesh.apply_translation(place)
    return mesh


def _pin(radius: float, height: float, place: object = (0, 0, 0)) -> trimesh.Trimesh:
    mesh = trimesh.creation.cylinder(radius, height, sections=48)
    mesh.apply_translation(place)
    return mesh


def washer() -> trimesh.Trimesh:
    """A ring that is in none of the families."""
    return trimesh.creation.annulus(5, 17, 2)
