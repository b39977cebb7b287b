"""Pictures of a part in the studio: colour, cover, depth, silhouette and normals in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.records import Bytes, Camera, Floats, Part, View, generator
from tasks.rig import Look, cameras, lamps, look
from tasks.studio.canvas import AROUND, Canvas, canvas
from tasks.studio.surface import Surface, surface

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from blocks.customer import Render

RENDERER = "studio-1"

MAP = 128
REACH = 1.7
HEIGHTS = np.array([0.02, 0.08, 0.22, 0.55], np.float32)
GRAINS = {"": 0.0, "brushed": 1.0, "cast": 3.0}


def gl_info() -> dict[str, str]:
    """Vendor, renderer and version of the OpenGL that draws; ImportError or RuntimeError says what to install."""
    return canvas().info()


class Studio:
    """Where parts are photographed; all studios of a process share its one OpenGL context, from any thread.

    `size` is that of the pictures it is set up for; others are made as well.
    """

    def __init__(self, size: int = 256) -> None:
        self._canvas = canvas()
        with self._canvas.drawing():
            self._canvas.buffers(size)

    def views(
        self,
        vertices: NDArray[np.float64],
        faces: NDArray[np.int64],
        part: Part,
        render: Render,
        seed: object,
        wanted: Collection[int] | None = None,
    ) -> Iterator[tuple[int, View]]:
        """Numbered views of the mesh `vertices` (n, 3), `faces` (m, 3); those in `wanted`, or all.

        A view is the same whichever others are made. Raises ValueError with a sentence when the mesh cannot be seen.
        """
        skin = surface(vertices, faces)
        stands = cameras(np.asarray(vertices, dtype=np.float64)[np.unique(faces)], render, seed)
        numbers = [index for index in range(render.views) if wanted is None or index in wanted]
        yield from self._taken(skin, part, {number: stands[number] for number in numbers}, seed, render.shadow)

    def taken(
        self,
        vertices: NDArray[np.float64],
        faces: NDArray[np.int64],
        part: Part,
        stands: Mapping[int, Camera],
        seed: object,
        *,
        shadow: bool = True,
    ) -> Iterator[tuple[int, View]]:
        """Numbered views of the mesh from the cameras `stands`, all of one size; numbers and `seed` set the lamps."""
        yield from self._taken(surface(vertices, faces), part, stands, seed, shadow)

    def _taken(
        self, skin: Surface, part: Part, stands: Mapping[int, Camera], seed: object, shadow: bool
    ) -> Iterator[tuple[int, View]]:
        if not stands:
            return
        finish = look(part)
        mark = grain(skin, finish)
        scene = self._canvas.scene(skin)
        ground = heights(self._canvas, scene, skin, next(iter(stands.values())).size) if shadow else None
        for index, camera in stands.items():
            picture_seed = (seed, index)
            with self._canvas.drawing():
                values = light(camera, skin, finish, mark, picture_seed)
                picture, shape = shot(self._canvas, scene, camera, skin, ground, values)
            yield index, developed(picture, shape, skin.radius, part, camera, picture_seed)


def shot(
    canvas: Canvas, scene: Any, camera: Camera, skin: Surface, ground: Bytes | None, values: dict[str, Any]
) -> tuple[Bytes, Floats]:
    """Picture (h, w, 4) uint8 and its normals with depth (h, w, 4) float32, in part radii."""
    buffers = canvas.buffers(camera.size)
    canvas.surface(scene, skin.closed, buffers, 2 * camera.size, *matrices(camera, skin))
    size, slope = camera.size, float(np.tan(camera.yfov / 2))
    canvas.fill(canvas.program("screen.vert", "environment.frag"), buffers.around_frame, AROUND, {}, values)
    canvas.fill(
        canvas.program("screen.vert", "occlusion.frag"),
        buffers.light_frame,
        (size // 2, size // 2),
        {"surface": buffers.surface},
        {"slope": slope, "reach": 0.9, "stride": 4},
    )
    buffers.upload_ground(np.zeros((1, 1, 4), np.uint8) if ground is None else ground)
    canvas.fill(
        canvas.program("screen.vert", "studio.frag"),
        buffers.picture_frame,
        (size, size),
        {
            "surface": buffers.surface,
            "occlusion": buffers.light,
            "environment": buffers.around,
            "ground": buffers.ground,
        },
        values | {"slope": slope},
    )
    return buffers.read()


def matrices(camera: Camera, skin: Surface) -> tuple[Floats, Floats]:
    """View and projection (4, 4) float32 of the camera, in the unit-sized space of the surface."""
    pose = unit_pose(camera, skin)
    distance = float(pose[:3, 3] @ pose[:3, 2])
    near, far = distance - 1.02, distance + 1.02  # no part of it is further than 1 from its centre
    focal = 1 / np.tan(camera.yfov / 2)
    projection = np.diag([focal, focal, (near + far) / (near - far), 0.0])
    projection[2, 3], projection[3, 2] = 2 * near * far / (near - far), -1
    return np.linalg.inv(pose).astype(np.float32), projection.astype(np.float32)


def unit_pose(camera: Camera, skin: Surface) -> NDArray[np.float64]:
    """Camera-to-part matrix (4, 4) with lengths in part radii around the part's centre."""
    pose = camera.matrix
    pose[:3, 3] = (pose[:3, 3] - skin.centre) / skin.radius
    return pose


def light(camera: Camera, skin: Surface, finish: Look, mark: Floats, seed: object) -> dict[str, Any]:
    """Values of the studio shader's uniforms for one picture."""
    rng = generator("finish", seed)
    boxes = lamps(seed)
    pose = unit_pose(camera, skin)
    strength = float(np.clip((pose[2, 2] - 0.05) / 0.25, 0, 1)) * 0.8
    lean = -np.asarray((boxes.axis[0, :2] / max(boxes.axis[0, 2], 0.3)), np.float64)
    studio = studio_axes(pose)
    lean = lean @ studio[:2, :2]
    return {
        "studio": studio @ pose[:3, :3],
        "object": pose,
        "base": np.clip(np.array(finish.base) * rng.uniform(0.96, 1.04), 0, 1),
        "metallic": finish.metallic,
        "roughness": float(np.clip(finish.roughness * rng.uniform(0.88, 1.14), 0.04, 1)),
        "sheen": finish.coat,
        "grain": mark,
        "relief": finish.relief * float(rng.uniform(0.7, 1.3)),
        "exposure": boxes.exposure,
        "tint": boxes.tint,
        "lampAxis[0]": boxes.axis,
        "lampSide[0]": boxes.side,
        "lampColour[0]": boxes.colour,
        "shade": (-skin.extents[2] / 2 / skin.radius, strength, REACH, 0.0),
        "lean": 0.7 * lean,
    }


def studio_axes(pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation (3, 3) from the part's space to the studio's: z up in the picture, y away from the camera."""
    up = np.array([0.0, 0.0, 1.0 if pose[2, 2] >= 0 else -1.0])
    away = np.cross(up, pose[:3, 0])
    away /= np.linalg.norm(away)
    return np.stack([np.cross(away, up), away, up])


def grain(skin: Surface, finish: Look) -> Floats:
    """Axis of the tool's marks and their kind (4,): around the axis of a turned part, else along the longest side."""
    kind, extents = GRAINS[finish.grain], skin.extents / skin.extents.max()
    axis = np.zeros(3)
    axis[int(np.argmax(np.round(extents, 6)))] = 1
    if kind == GRAINS["brushed"]:
        for z in (2, 0, 1):
            x, y = (z + 1) % 3, (z + 2) % 3
            radial = np.hypot(skin.positions[:, x], skin.positions[:, y]).max() * 2 * skin.radius / skin.extents[x]
            if abs(extents[x] - extents[y]) < 0.02 * extents[x] and radial < 1.08:
                axis = np.eye(3)[z]
                kind = 2.0
                break
    return np.array([*axis, kind], np.float32)


def heights(canvas: Canvas, scene: Any, skin: Surface, size: int) -> Bytes:
    """How much of the part is just above the ground, at four heights, blurred as far as it is high.

    Returns (128, 128, 4) uint8 over a square of 2 REACH part radii; x to the right, y up.
    """
    from scipy.ndimage import gaussian_filter

    low = -skin.extents[2] / 2 / skin.radius
    view = np.array([[-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, low - 0.01], [0, 0, 0, 1]], np.float32)
    projection = np.diag([1 / REACH, 1 / REACH, -0.9, 1]).astype(np.float32)
    projection[2, 3] = -1
    with canvas.drawing():
        buffers = canvas.buffers(max(size, MAP // 2))
        canvas.surface(scene, skin.closed, buffers, MAP, view, projection)
        seen = buffers.read_depth(MAP)[:, ::-1]
    above = np.where(seen[..., None] > 0, np.clip(1 - (seen[..., None] - 0.01) / (1.5 * HEIGHTS), 0, 1), 0)
    layers = [
        gaussian_filter(above[..., i], (0.012 + 0.45 * float(HEIGHTS[i])) * MAP / 2 / REACH, truncate=3.0)
        for i in range(len(HEIGHTS))
    ]
    return np.asarray(np.rint(255 * np.stack(layers, axis=2)), dtype=np.uint8)


def extend(picture: Bytes) -> None:
    """Give the clear pixels around the part its colour, in place, so that filters draw no dark seam around it."""
    height, width = picture.shape[:2]
    solid = np.zeros((height + 2, width + 2), dtype=bool)
    np.greater(picture[..., 3], 0, out=solid[1:-1, 1:-1])
    ring = (solid[:-2, 1:-1] | solid[2:, 1:-1] | solid[1:-1, :-2] | solid[1:-1, 2:]) & ~solid[1:-1, 1:-1]
    rows, columns = np.divmod(np.flatnonzero(ring), width)
    steps = ((-1, 0), (1, 0), (0, -1), (0, 1))
    around = np.stack(
        [picture[np.clip(rows + y, 0, height - 1), np.clip(columns + x, 0, width - 1)] for y, x in steps]
    ).astype(np.float32)
    weights = around[..., 3:]
    picture[rows, columns, :3] = np.rint((around[..., :3] * weights).sum(0) / weights.sum(0))


def developed(picture: Bytes, shape: Floats, radius: float, part: Part, camera: Camera, seed: object) -> View:
    """View made of what was read back from OpenGL."""
    extend(picture)
    depth = shape[..., 3] * np.float32(radius)
    return View(
        part=part,
        camera=camera,
        image=np.ascontiguousarray(picture[..., :3]),
        alpha=picture[..., 3] * np.float32(1 / 255),
        mask=depth > 0,
        depth=depth,
        normals=np.ascontiguousarray(shape[..., :3]),
        rng=generator("view", seed),
    )
