"""Photographs of a part that the catalogue's own renderer has not made: a path tracer, a bench, a phone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.photoreal.covers import covered
from tasks.photoreal.engine import available, mitsuba
from tasks.photoreal.lens import developed
from tasks.photoreal.scenes import Mesh, laid, scattered
from tasks.photoreal.tracer import shapes, traced
from tasks.records import Bytes, Part, generator
from tasks.snapshot import Difficulty

__all__ = ["RENDERER", "Difficulty", "available", "photograph"]

RENDERER = "photoreal-1"


def photograph(
    vertices: NDArray[np.float64],
    faces: NDArray[np.int64],
    part: Part,
    difficulty: Difficulty,
    seed: object,
    *,
    size: int = 224,
    neighbours: Sequence[Mesh] = (),
) -> Bytes:
    """Picture (size, size, 3) uint8 of the part as someone with a phone takes it, lying on a bench.

    Mesh `vertices` (n, 3), `faces` (m, 3); `neighbours` are meshes in the same unit that may lie around it.
    Everything else comes from `seed`. Raises ImportError where the path tracer is missing and ValueError
    with a sentence when the mesh cannot be seen.
    """
    mitsuba()
    rng = generator("photoreal", seed)
    scene = laid((vertices, faces), difficulty, rng)
    if difficulty != "clean":
        scene = scattered(scene, neighbours, rng)
    if difficulty == "occluded":
        scene = covered(scene, neighbours, rng)
    light, white = traced(shapes(scene, part, rng), scene.eye, scene.own, size, rng)
    return developed(light, white, rng)
