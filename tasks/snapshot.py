"""Pictures of a part as somebody else would take them: what a search is asked with, never what the index is made of.

The part lies in any way at all, since on a bench it has no up; other lamps shine on it, its finish is another one,
and the lens, the exposure and the place are a telephone's. Camera, light and finish come from the seed alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from tasks.materials import MATERIALS, Look, look
from tasks.records import Bytes, Camera, View, generator, over
from tasks.render import developed, grain, heights, light, shot
from tasks.rig import NEAREST, Lamps, fitted, outermost
from tasks.studio.surface import Surface, surface

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import BaseModel

    from tasks.records import Part

Difficulty = Literal["clean", "cluttered", "occluded"]
SNAPSHOT: Final = "snapshot-1"  # change it when the same seed gives another picture
SIZE: Final = 224
FOV: Final = (16.0, 52.0)  # degrees: from far away to close by
FILL: Final = (0.55, 0.94)  # share of the picture's width or height that the part fills
ABOVE: Final = (18.0, 88.0)  # degrees: how steeply people look down on a bench
OTHER: Final = (
    0.35  # share of pictures in which a part of a known material is made of another: painted, oxidised, wrong
)
LAMPS: Final = 6  # what the studio's shader has

Array = NDArray[np.float64]


def snapshots(
    vertices: Array, faces: NDArray[np.int64], part: Part, wanted: Sequence[tuple[str, Difficulty]], size: int = SIZE
) -> Iterator[Bytes]:
    """One picture (size, size, 3) uint8 of the mesh `vertices` (n, 3), `faces` (m, 3) for each seed and difficulty.

    Each depends on its own seed alone. Raises ValueError with a sentence when the mesh cannot be seen.
    """
    skin = surface(vertices, faces)
    for seed, difficulty in wanted:
        yield placed(taken(skin, part, seed, size), difficulty, seed).image


def taken(skin: Surface, part: Part, seed: str, size: int) -> View:
    """The part alone, with its shadow on the ground, from somewhere and in some light."""
    from tasks.studio.canvas import canvas

    rng = generator("snapshot", seed)
    turn = spun(rng)
    body = lying(skin, turn)
    camera = standing(body, rng, size)
    finish = finished(part, rng)
    mark = grain(skin, finish)
    mark[:3] = turn @ mark[:3]  # the tool's marks turn with the part
    paint = canvas()
    scene = paint.scene(body)
    ground = heights(paint, scene, body, size)
    lamps = shining(rng)
    values = light(camera, body, finish, mark, ("snapshot", seed)) | {
        "lampAxis[0]": lamps.axis,
        "lampSide[0]": lamps.side,
        "lampColour[0]": lamps.colour,
        "exposure": lamps.exposure,
        "tint": lamps.tint,
    }
    with paint.drawing():
        picture, shape = shot(paint, scene, camera, body, ground, values)
    return developed(picture, shape, body.radius, part, camera, ("snapshot", seed))


def spun(rng: np.random.Generator) -> Array:
    """A rotation (3, 3), all of them equally likely (a random quaternion; Shoemake, 1992)."""
    drawn = rng.normal(size=4)
    w, x, y, z = drawn / np.linalg.norm(drawn)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def lying(skin: Surface, turn: Array) -> Surface:
    """The surface turned about its centre, its box about the origin again, and no point further than 1 from it."""
    points = skin.positions @ turn.T
    low, high = points.min(0), points.max(0)
    points = points - (low + high) / 2
    reach = float(np.linalg.norm(points, axis=1).max())
    return skin.replace(
        positions=np.asarray(points / reach, dtype=np.float32),
        normals=np.asarray(skin.normals @ turn.T, dtype=np.float32),
        centre=np.zeros(3),
        radius=skin.radius * reach,
        extents=(high - low) * skin.radius,
    )


def standing(body: Surface, rng: np.random.Generator, size: int) -> Camera:
    """A camera somewhere above the ground that has all of the part in its picture, not always in the middle."""
    around, above = rng.uniform(0, 2 * np.pi), np.deg2rad(rng.uniform(*ABOVE))
    back = np.array([np.cos(around) * np.cos(above), np.sin(around) * np.cos(above), np.sin(above)])
    right = np.array([-np.sin(around), np.cos(around), 0.0])
    axes = np.stack([right, np.cross(back, right), back])
    fill = rng.uniform(*FILL)
    slope = fill * np.tan(np.deg2rad(rng.uniform(*FOV)) / 2)
    x, y, z = (outermost(body.positions.astype(np.float64)) @ axes.T).T
    span = fitted(x, y, z, slope)
    for _ in range(12):
        if span[2] >= NEAREST:
            break
        slope *= span[2] / NEAREST  # too near: step back and take a longer lens instead
        span = fitted(x, y, z, slope)
    aside = rng.uniform(-1, 1, 2) * (1 - fill) / fill * slope * (span[2] - 1)
    pose = np.eye(4)
    pose[:3, :3] = axes.T
    pose[:3, 3] = body.radius * (np.array([span[0] + aside[0], span[1] + aside[1], span[2]]) @ axes)
    rows = tuple(tuple(float(f"{value:.12g}") for value in row) for row in pose)
    return Camera(pose=rows, yfov=float(f"{2 * np.arctan(slope / fill):.12g}"), size=size)


def shining(rng: np.random.Generator) -> Lamps:
    """Lamps of a room: one to six of them, anywhere above, small and hard or large and soft, warm or cold."""
    count = int(rng.integers(1, LAMPS + 1))
    axes, sides, colours = np.zeros((LAMPS, 4)), np.zeros((LAMPS, 4)), np.zeros((LAMPS, 4))
    for place in range(LAMPS):
        around, up = rng.uniform(0, 2 * np.pi), np.deg2rad(rng.uniform(5, 88))
        axes[place, :3] = np.sin(around) * np.cos(up), np.cos(around) * np.cos(up), np.sin(up)
        sides[place, :3] = np.cos(around), -np.sin(around), 0.0
        axes[place, 3], sides[place, 3] = np.exp(rng.uniform(np.log(0.12), np.log(0.95), 2))
        warm = rng.normal(0, 0.12)
        strength = rng.uniform(0.5, 1.5) / (axes[place, 3] * sides[place, 3] + 0.12)
        colours[place, :3] = strength * np.array([1 + warm, 1.0, 1 - warm]) * (place < count)
    # what all of them give together is kept near the studio's own: a room is not darker because it has one lamp
    total = float((colours[:, 1] * (axes[:, 3] * sides[:, 3] + 0.12)).sum())
    colours *= 4.2 / total
    warm = rng.normal(0, 0.04)
    return Lamps(
        axis=axes.astype(np.float32),
        side=sides.astype(np.float32),
        colour=colours.astype(np.float32),
        exposure=float(0.8 * 2 ** rng.normal(0, 0.3)),
        tint=(float(1 + warm), 1.0, float(1 - warm)),
    )


def finished(part: Part, rng: np.random.Generator) -> Look:
    """A finish that the index has not seen: rougher or smoother, of another shade, or of another material."""
    known = bool(part.material.strip()) or part.colour is not None
    names = sorted(MATERIALS)
    other = names[int(rng.integers(len(names)))]
    drawn = rng.random()
    finish = look(part) if known and drawn >= OTHER else MATERIALS[other]
    shade = np.clip(np.array(finish.base) * rng.uniform(0.75, 1.3) * np.exp(rng.normal(0, 0.04, 3)), 0.015, 0.95)
    return finish.replace(
        base=(float(shade[0]), float(shade[1]), float(shade[2])),
        roughness=float(np.clip(finish.roughness * np.exp(rng.normal(0, 0.4)), 0.05, 0.9)),
        relief=float(finish.relief * rng.uniform(0.0, 1.8)),
    )


def placed(view: View, difficulty: Difficulty, seed: str) -> View:
    """What comes out of the camera: the part on paper, among other things, or behind something."""
    from tasks.stages.background import Background
    from tasks.stages.camera import CameraEffects
    from tasks.stages.occlude import Occlude
    from tasks.stages.wear import Wear

    stages: dict[Difficulty, tuple[Any, ...]] = {
        "clean": (CameraEffects(strength=0.5),),
        "cluttered": (Wear(), Background(clutter=1.0), CameraEffects()),
        "occluded": (Wear(), Background(clutter=0.5), Occlude(chance=1.0, max_hidden=0.4), CameraEffects()),
    }
    if difficulty == "clean":
        view = on_paper(view, generator("paper", seed))
    for place, stage in enumerate(stages[difficulty]):
        view = _through(stage, view.replace(rng=generator("stage", seed, place)))
    return view


def on_paper(view: View, rng: np.random.Generator) -> View:
    """The part on a plain ground, light or dark, a little brighter on one side."""
    height, width = view.alpha.shape
    level = rng.uniform(150, 250) if rng.random() < 0.65 else rng.uniform(18, 90)
    slope, angle = rng.uniform(0, 0.18), rng.uniform(0, 2 * np.pi)
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
    grey = level * (1 + slope * (x * np.cos(angle) + y * np.sin(angle)))
    tint = 1 + rng.normal(0, 0.02, 3)
    scene: Bytes = np.clip(np.rint(grey[..., None] * tint), 0, 255).astype(np.uint8)
    return view.replace(image=over(view, scene), alpha=np.ones_like(view.alpha))


def _through(stage: BaseModel, view: View) -> View:
    made: View = next(iter(stage(view)))  # type: ignore[operator] # a stage is called with a view
    return made
