"""Empty places to put parts in while training: the scenes of the background stage, in small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

import numpy as np

from tasks.records import Bytes, Part, View, generator
from tasks.rig import roaming
from tasks.stages.props.scenes import Scene, made_up

if TYPE_CHECKING:
    from pathlib import Path

SIZE: Final = 160
MOST_THINGS: Final = 6
CORNERS: Final = np.stack(np.meshgrid([-10.0, 10.0], [-10.0, 10.0], [-10.0, 10.0]), axis=-1).reshape(-1, 3)


def places(count: int, file: Path) -> Bytes:
    """`count` places (count, 160, 160, 3) uint8, made once and kept in `file`."""
    if file.is_file():
        kept = np.load(file)
        if len(kept) == count:
            return np.asarray(kept)
    file.parent.mkdir(parents=True, exist_ok=True)
    made = np.stack([place(index) for index in range(count)])
    np.save(file, made)
    return made


def place(index: int) -> Bytes:
    """One place with up to six things lying about, (160, 160, 3) uint8."""
    rng = generator("place", index)
    camera = roaming(CORNERS, 1, SIZE, ("place", index))[0]
    nothing = np.zeros((SIZE, SIZE), np.float32)
    view = View(
        part=Part(number="nothing"),
        camera=camera,
        image=np.zeros((SIZE, SIZE, 3), np.uint8),
        alpha=nothing,
        mask=nothing > 0,
        depth=nothing,
        normals=np.zeros((SIZE, SIZE, 3), np.float32),
        rng=rng,
    )
    kinds = get_args(Scene)
    angle = rng.uniform(0, 2 * np.pi)
    sun = (float(np.cos(angle)), float(np.sin(angle)))
    return made_up(kinds[index % len(kinds)], view, sun, int(rng.integers(MOST_THINGS + 1)))
