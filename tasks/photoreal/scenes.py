"""The scene of one photograph: the part at rest, what lies around it, and where the camera is held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.photoreal import props
from tasks.photoreal.lens import held
from tasks.photoreal.solid import NOWHERE, UP, Array, Eye, Solid, dots, hidden, resting, solid
from tasks.rig import about

Mesh = tuple[NDArray[np.float64], NDArray[np.int64]]
Kind = Literal["thing", "hand", "cloth", "card"]

MOST_HIDDEN = 0.15
FILL = {"clean": (0.48, 0.88), "cluttered": (0.40, 0.70), "occluded": (0.45, 0.75)}
OFTEN = 0.75  # how often a thing around is one of the neighbours given
MOST = 1.3


class Scene(NamedTuple):
    """The part, the `others` around it and what each is, the camera, the share of the part that they hide.

    `own` (n, 3) are dots on the part. `unit` is the part's radius in the mesh's own unit.
    """

    part: Solid
    own: Array
    unit: float
    eye: Eye
    others: tuple[tuple[Solid, Kind], ...] = ()
    hidden: float = 0.0


def laid(mesh: Mesh, difficulty: str, rng: np.random.Generator) -> Scene:
    """The part alone on the bench, and a camera held over it."""
    vertices, faces = mesh
    part = solid(vertices, faces)
    part = part.landed(resting(part, rng))
    eye = held(part.outer, rng, float(rng.uniform(*FILL[difficulty])))
    own = dots(part, rng)
    return Scene(part, own, radius(mesh), eye, hidden=hidden(own, NOWHERE, eye))


def radius(mesh: Mesh) -> float:
    """Half the diagonal of the mesh's box."""
    vertices, faces = mesh
    return float(np.linalg.norm(np.ptp(vertices[np.unique(faces)], axis=0)) / 2)


def scattered(scene: Scene, neighbours: Sequence[Mesh], rng: np.random.Generator) -> Scene:
    """The scene with things around the part, which hide little of it."""
    placed: list[Solid] = []
    for _ in range(int(rng.integers(1, 5))):
        spot = beside([scene.part, *placed], lying(neighbours, scene.unit, rng), rng)
        if spot is not None:
            placed.append(spot)
    clouds = [dots(thing, rng, 4000) for thing in placed]
    while (share := hidden(scene.own, np.concatenate([NOWHERE, *clouds]), scene.eye)) > MOST_HIDDEN and placed:
        worst = int(np.argmax([hidden(scene.own, cloud, scene.eye) for cloud in clouds]))
        del placed[worst], clouds[worst]
    return scene._replace(others=tuple((thing, "thing") for thing in placed), hidden=share)


def lying(neighbours: Sequence[Mesh], unit: float, rng: np.random.Generator, least: float = 0.35) -> Solid:
    """One of the neighbours, or another thing of the workshop, at rest.

    `unit` is the part's radius; a neighbour has at least the share `least` of it.
    """
    if len(neighbours) and rng.random() < OFTEN:
        mesh = neighbours[int(rng.integers(len(neighbours)))]
        thing = solid(*mesh).scaled(float(np.clip(radius(mesh) / unit, least, MOST)))
    else:
        thing = props.thing(rng)
    return thing.landed(about(UP, rng.uniform(0, 2 * np.pi)) @ resting(thing, rng))


def beside(placed: list[Solid], thing: Solid, rng: np.random.Generator) -> Solid | None:
    """The thing moved to where it touches none of those placed, None where no place is found."""
    for _ in range(12):
        turn = rng.uniform(0, 2 * np.pi)
        way = np.array([np.cos(turn), np.sin(turn), 0.0])
        gap = rng.exponential(0.2) + 0.03
        reach = float((placed[0].outer @ way).max() - (thing.outer @ way).min() + gap)
        spot = thing.moved(np.eye(3), way * reach)
        if all(apart(other, spot) for other in placed):
            return spot
    return None


def apart(one: Solid, other: Solid) -> bool:
    """Whether some upright plane lies between the two."""
    turns = np.linspace(0, np.pi, 24, endpoint=False)
    ways = np.stack([np.cos(turns), np.sin(turns)])
    a, b = one.outer[:, :2] @ ways, other.outer[:, :2] @ ways
    return bool(((a.max(0) < b.min(0)) | (b.max(0) < a.min(0))).any())
