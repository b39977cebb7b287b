"""Photograph-like pictures of sample parts: each laid, painted and held as told, then traced as `tasks.photoreal` does.

Not the studio of the product on purpose: a query picture that the catalogue's own renderer had made would flatter it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.photoreal.benches import bench
from tasks.photoreal.lens import aimed, developed
from tasks.photoreal.skins import Finish, skin
from tasks.photoreal.solid import Solid, solid
from tasks.photoreal.tracer import meshed, traced
from tasks.records import generator

if TYPE_CHECKING:
    from infra.samples.formats import Tessellation

PAINTS = {
    finish.name: finish
    for finish in (
        Finish(name="steel", base=(0.60, 0.58, 0.55), metallic=1, roughness=0.36),
        Finish(name="zinc", base=(0.58, 0.60, 0.64), metallic=1, roughness=0.44),
        Finish(name="brass", base=(0.80, 0.58, 0.24), metallic=1, roughness=0.30),
        Finish(name="black", base=(0.025, 0.025, 0.026), roughness=0.42),
        Finish(name="white", base=(0.80, 0.80, 0.77), roughness=0.5),
    )
}
FIELD, QUALITY = 30.0, 88


@dataclass(frozen=True)
class Shot:
    """How one picture is taken.

    `turn` are the part's Euler angles in degrees before it is set on the bench; `eye` is the camera's
    (azimuth, elevation) in degrees; `bench` names the ground; `seed` stands for the light and all else; `fill` is
    how much of the frame the part takes.
    """

    turn: tuple[float, float, float]
    eye: tuple[float, float]
    bench: str = "wood"
    seed: int = 1
    fill: float = 0.72
    size: int = 400
    samples: int = 32


def photograph(bodies: list[tuple[Tessellation, Finish]], shot: Shot) -> bytes:
    """JPEG of `bodies` lying on a bench."""
    from PIL import Image

    rng = generator("sample photograph", shot.seed)
    lying = _laid([mesh for mesh, _ in bodies], shot)
    points = np.concatenate([thing.points for thing in lying])
    shapes = [bench(shot.bench, rng)]
    shapes += [meshed(thing, skin(finish, rng)) for thing, (_, finish) in zip(lying, bodies, strict=True)]
    eye = aimed(points, (*shot.eye, 0.0), FIELD, shot.fill)
    light, white = traced(shapes, eye, points, shot.size, rng, shot.samples)
    buffer = io.BytesIO()
    Image.fromarray(developed(light, white, rng)).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _laid(meshes: list[Tessellation], shot: Shot) -> list[Solid]:
    """The bodies in their places to each other, turned, on the bench, in radii of the whole."""
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_euler("xyz", shot.turn, degrees=True).as_matrix()
    every = np.concatenate([mesh.vertices for mesh in meshes])
    radius = float(np.linalg.norm(np.ptp(every, axis=0)) / 2)
    turned = every @ turn.T / radius
    low, high = turned.min(0), turned.max(0)
    shift = np.array([*(-(low + high) / 2)[:2], -low[2]])
    middles = [(mesh.vertices.min(0) + mesh.vertices.max(0)) / 2 / radius for mesh in meshes]
    return [
        solid(mesh.vertices, mesh.faces, radius).moved(turn, turn @ middle + shift)
        for mesh, middle in zip(meshes, middles, strict=True)
    ]
