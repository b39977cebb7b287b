"""What hides a good part of the part: a hand, a cloth, a sheet of card, another thing on top, the frame's edge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from tasks.photoreal import props
from tasks.photoreal.scenes import Kind, Mesh, Scene, lying
from tasks.photoreal.solid import NOWHERE, UP, Array, Eye, Solid, dots, hidden
from tasks.rig import about

HIDDEN = (0.26, 0.44)  # dots count a little too much as hidden
NEAR = 0.03
CELL = 0.06
COVERS = ("thing", "hand", "cloth", "card", "edge")
STIFF, FOLDS = {"cloth": 0.15, "card": 1.6}, {"cloth": 0.03, "card": 0.0}
FINGER = 8.0  # mm
LEAST = 0.75


class Cover(NamedTuple):
    """Something that hides the part: the thing and what it is, its dots (n, 3), and the camera that sees it so."""

    things: tuple[tuple[Solid, Kind], ...]
    dots: Array
    eye: Eye


Way = Callable[[float], Cover]


def covered(scene: Scene, neighbours: Sequence[Mesh], rng: np.random.Generator) -> Scene:
    """The scene with 20 to 45 % of the part hidden, where that can be; else as near to it as was found."""
    rest = np.concatenate([NOWHERE, *(dots(thing, rng, 4000) for thing, _ in scene.others)])
    below = np.concatenate([scene.own, rest])
    best = scene
    for kind in [*rng.permutation(COVERS), "cloth"]:
        goal = float(rng.uniform(*HIDDEN))
        way = covering(str(kind), scene, below, neighbours, rng)
        low, high = 0.0, 1.0
        for _ in range(7):
            cover = way((low + high) / 2)
            share = hidden(scene.own, np.concatenate([rest, cover.dots]), cover.eye)
            if abs(share - goal) < abs(best.hidden - goal):
                best = scene._replace(others=(*scene.others, *cover.things), eye=cover.eye, hidden=share)
            low, high = ((low + high) / 2, high) if share < goal else (low, (low + high) / 2)
            if abs(share - goal) < NEAR:
                break
        if HIDDEN[0] <= best.hidden <= HIDDEN[1]:
            break
    return best


def covering(kind: str, scene: Scene, below: Array, neighbours: Sequence[Mesh], rng: np.random.Generator) -> Way:
    """A way to hide the part more and more as its argument goes from 0 to 1; it lies on the dots `below` (n, 3)."""
    turn = rng.uniform(0, 2 * np.pi)
    way = np.array([np.cos(turn), np.sin(turn), 0.0])
    if kind == "edge":
        ahead = float(scene.eye.seen(scene.own)[1].mean())
        return lambda t: Cover((), NOWHERE, scene.eye.panned(1.9 * t * way[0], 1.9 * t * way[1], ahead))
    if kind == "cloth":
        return draped("cloth", scene, below, turn, rng)
    if kind == "card":
        return draped("card", scene, below, turn, rng)
    if kind == "hand":
        far = float((scene.own @ -way).max())
        hand = props.hand(rng, float(np.clip(FINGER / scene.unit, 0.12, 0.35))).moved(about(UP, turn))
        return slid((hand, "hand"), scene, below, (-far * way, far * way), rng)
    thing = lying(neighbours, scene.unit, rng, LEAST)
    way = fore(scene.eye) @ about(UP, rng.uniform(-0.8, 0.8))
    start = way * float((scene.own @ way).max() - (thing.outer @ way).min())
    return slid((thing, "thing"), scene, below, (start, np.zeros(3)), rng)


def fore(eye: Eye) -> Array:
    """Direction (3,) along the bench from its middle to the camera."""
    flat = eye.place * [1, 1, 0]
    return np.asarray(flat / max(float(np.linalg.norm(flat)), 1e-9))


def draped(kind: Kind, scene: Scene, below: Array, turn: float, rng: np.random.Generator) -> Way:
    """A cloth or card drawn over the part from one side."""
    spin = about(UP, turn)
    folds = np.array([rng.uniform(2, 7), rng.uniform(-3, 3), rng.uniform(0, 6), FOLDS[kind]])
    extent = scene.own @ spin[:, 0]

    def at(t: float) -> Cover:
        edge = float(extent.max() - t * np.ptp(extent))
        made = props.sheet(below, edge, spin[:2, :2].T, STIFF[kind], folds)
        return Cover(((made, kind),), made.points, scene.eye)

    return at


def slid(
    what: tuple[Solid, Kind], scene: Scene, below: Array, path: tuple[Array, Array], rng: np.random.Generator
) -> Way:
    """A thing pushed over the part from `path`'s start to its end, lying on it."""
    thing, kind = what
    cloud = dots(thing, rng, 6000)

    def at(t: float) -> Cover:
        step = path[0] + t * (path[1] - path[0])
        step[2] = lift(below, cloud + step)
        return Cover(((thing.moved(np.eye(3), step), kind),), cloud + step, scene.eye)

    return at


def lift(below: Array, above: Array) -> float:
    """How far the dots `above` (m, 3) must rise to lie on the dots `below` (n, 3) and on the bench."""
    cells = [np.floor(cloud[:, :2] / CELL).astype(int) for cloud in (below, above)]
    low = np.minimum(cells[0].min(0), cells[1].min(0))
    shape = np.maximum(cells[0].max(0), cells[1].max(0)) - low + 1
    top, foot = np.full(shape, -np.inf), np.full(shape, np.inf)
    np.maximum.at(top, tuple((cells[0] - low).T), below[:, 2])
    np.minimum.at(foot, tuple((cells[1] - low).T), above[:, 2])
    return max(float((top - foot).max()), -float(above[:, 2].min()))
