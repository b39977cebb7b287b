"""The templates of one part: its views from all sides, described and made short, a byte for each number.

From which sides it is seen depends on nothing but how many they are, so of each camera only its place and its lens are
kept: enough to say how a part lies that was found.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tasks.records import Camera, Record, content_id, generator
from tasks.rig import directions, framed, outermost

if TYPE_CHECKING:
    from tasks.records import Floats

PLATES: Final = "plates-2"  # change it when a row holds something else: all templates are made anew
SIZE: Final = 72  # pixels of the views: as features look at them
_LARGEST: Final = 127


class Blank(Record):
    """What plates are made of: `mesh` is the GLB of `geometry`, to be seen from so many sides."""

    geometry: str
    mesh: bytes
    views: int


class Cast(Record):
    """What came of a geometry: its plates (views, k) int8 and the stands (views, 4) float32 as bytes, or a failure.

    A stand is where the camera is, and its vertical field of view in radians; lengths, and `longest`, the part's
    longest side, are in the mesh's unit.
    """

    geometry: str
    plates: bytes = b""
    stands: bytes = b""
    longest: float = 0.0
    seconds: float = Field(0.0, ge=0, description="Busy seconds.")
    failure: str = ""
    final: bool = Field(False, description="Whether it would fail again: it is the mesh that is to blame.")


def edition() -> str:
    """Names all that plates are made by, but for how many they are: those of another edition are not compared."""
    from tasks.render import RENDERER
    from tasks.templates.projection import version

    return content_id("templates", PLATES, version(), RENDERER, SIZE)


def cast(blank: Blank) -> Cast:
    """The plates of a geometry; never raises for a mesh that cannot be seen. Runs in a worker process.

    What is wrong with the machine, and not with the mesh, raises: else a whole catalogue would seem to have none.
    """
    from tasks.geometry import load
    from tasks.studio.canvas import canvas
    from tasks.templates.features import described
    from tasks.templates.projection import projection
    from tasks.templates.relief import reliefs

    begun = time.perf_counter()
    projection(), canvas()
    try:
        vertices, faces = load(blank.mesh)
        cameras = around(vertices[np.unique(faces)], blank.views)
        shown = reliefs(vertices, faces, cameras)
        plates = np.concatenate([printed(projection().short(described(some))) for some in shown])
    except MemoryError:
        return lost(blank, "there was not enough memory for it")
    except Exception as error:  # noqa: BLE001 - one mesh that trips a library costs its templates, not the run
        return Cast(geometry=blank.geometry, failure=str(error), final=True)
    stands = np.array([(*camera.matrix[:3, 3], camera.yfov) for camera in cameras], np.float32)
    return Cast(
        geometry=blank.geometry,
        plates=plates.tobytes(),
        stands=stands.tobytes(),
        longest=float(np.ptp(vertices, axis=0).max()),
        seconds=time.perf_counter() - begun,
    )


def lost(blank: Blank, reason: str) -> Cast:
    """What came of a geometry that has no templates."""
    return Cast(geometry=blank.geometry, failure=reason)


def around(vertices: NDArray[np.float64], views: int) -> tuple[Camera, ...]:
    """Cameras evenly around the points `vertices` (n, 3), upright, each filling its picture with them.

    Raises ValueError when the points have no extent.
    """
    centre = (vertices.min(0) + vertices.max(0)) / 2
    radius = float(np.linalg.norm(np.ptp(vertices, axis=0)) / 2)
    if not radius > 0:
        raise ValueError("it has no extent: all of its points are in one place")
    outer = outermost((vertices - centre) / radius)
    made = []
    for place, direction in enumerate(directions(views)):
        pose, yfov = framed(outer, direction, generator("templates", place), sway=False)
        pose[:3, 3] = pose[:3, 3] * radius + centre
        made.append(_camera(pose, yfov))
    return tuple(made)


@lru_cache(maxsize=4)
def facing(views: int) -> NDArray[np.float64]:
    """How the cameras of `around` are turned, whatever they look at: camera to part, (views, 3, 3)."""
    ball = np.concatenate([np.eye(3), -np.eye(3)])
    axes = [
        framed(ball, one, generator("templates", place), sway=False)[0] for place, one in enumerate(directions(views))
    ]
    turned = np.stack(axes)[:, :3, :3]
    turned.setflags(write=False)
    return turned


def printed(templates: Floats) -> NDArray[np.int8]:
    """Templates (n, k) in a byte for each number: of each the largest number is 127."""
    largest = np.abs(templates).max(axis=1, keepdims=True).clip(1e-9)
    return np.asarray(np.rint(templates * (_LARGEST / largest)), dtype=np.int8)


def read(plates: bytes, views: int) -> Floats:
    """The templates (views, k) float32 of unit length that `printed` put down as int8."""
    numbers = np.frombuffer(plates, np.int8).reshape(views, -1).astype(np.float32)
    return np.asarray(numbers / np.linalg.norm(numbers, axis=1, keepdims=True).clip(1e-9), dtype=np.float32)


def _camera(pose: NDArray[np.float64], yfov: float) -> Camera:
    rows: Any = tuple(tuple(float(value) for value in row) for row in pose)
    return Camera(pose=rows, yfov=yfov, size=SIZE)
