"""A part's shape alone, quickly: which way its surface faces, pixel by pixel, without lamps or material."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from tasks.records import Camera, Floats

AT_ONCE: Final = 32  # reliefs in memory
_STEPS: Final = 65_534  # in which half a normal is written down


def reliefs(vertices: NDArray[np.float64], faces: NDArray[np.int64], cameras: Sequence[Camera]) -> Iterator[Floats]:
    """What `cameras`, all of one size s, see of a mesh, some at a time: (n, s, s, 4) float32.

    Normals in camera space (x right, y up, z towards the camera) and cover, the mean of four samples each.
    Raises ValueError with a sentence when the mesh cannot be seen.
    """
    from tasks.render import matrices
    from tasks.studio.canvas import canvas
    from tasks.studio.surface import surface

    skin, drawn = surface(vertices, faces), canvas()
    scene = drawn.scene(skin)
    for start in range(0, len(cameras), AT_ONCE):
        some = []
        for camera in cameras[start : start + AT_ONCE]:
            with drawn.drawing():
                buffers = drawn.buffers(camera.size)
                drawn.surface(scene, skin.closed, buffers, 2 * camera.size, *matrices(camera, skin))
                some.append(buffers.read_surface(2 * camera.size)[::-1])
        yield _unfolded(np.stack(some))


def _unfolded(surfaces: NDArray[np.uint32]) -> Floats:
    """Normals and cover of pixels (n, 2 s, 2 s, 2) as the shader `geometry` writes them, means of four."""
    there = surfaces[..., 1] > 0
    folded = surfaces[..., 0]
    x = (folded & 0xFFFF).astype(np.float32) * np.float32(2 / _STEPS) - 1
    y = (folded >> 16).astype(np.float32) * np.float32(2 / _STEPS) - 1
    z = 1 - np.abs(x) - np.abs(y)
    under = np.maximum(-z, 0)
    x, y = x - np.copysign(under, x), y - np.copysign(under, y)
    scale = there / np.sqrt(x * x + y * y + z * z)
    whole = np.stack([x * scale, y * scale, z * scale, there], axis=-1, dtype=np.float32)
    count, side = len(whole), whole.shape[1] // 2
    return np.asarray(whole.reshape(count, side, 2, side, 2, 4).mean(axis=(2, 4)))
