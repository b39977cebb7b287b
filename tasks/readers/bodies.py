"""From the pieces that a CAD file places in space to distinct bodies, each with the number of times it occurs."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from blake3 import blake3

from tasks.records import Body, Colour
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

EMPTY = "holds no solid or surface that can be rendered"
WELD = 1e-6
LARGEST = 1e9
MOST_PIECES, DEEPEST = 200_000, 100
MOST_NAMED = 1000  # files that belong to one
MOST_FACES = 3_000_000  # of all bodies: each takes a worker 400 bytes to look at

_GENERIC = re.compile(
    r"(?:=>)?\[[\d:]*\]|open cascade step translator.*|"
    r"(?:compound|compsolid|solid|shell|face|shape|mesh|body|object|geometry|node|nauo|part|component|unnamed|none|null|"
    r"root|scene|world|mat|material|default|scene_?root|rootnode|id)[\s_.:()-]*\d*[)\s]*",
    re.IGNORECASE,
)


class Shape(NamedTuple):
    """A mesh as the file has it: vertices (n, 3) float64, faces (m, 3) int64, a colour, and what it is made of."""

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    colour: Colour | None = None
    material: str = ""


class Piece(NamedTuple):
    """One place where a shape stands: `shape` indexes the shapes, `matrix` (4, 4) places it."""

    shape: int
    name: str
    path: tuple[str, ...]
    matrix: NDArray[np.float64]


def meaningful(name: str) -> str:
    """The name on one line, or nothing where it is one that a program made up."""
    with contextlib.suppress(UnicodeError):  # some STEP writers encode twice; by chance this hardly ever fits
        name = name.encode("latin-1").decode("utf-8")
    name = shown(name)[:200]
    return "" if _GENERIC.fullmatch(name) else name


def shown(text: str) -> str:
    """The text on one line that can be stored: what cannot be printed becomes a space."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def bodies(
    shapes: Sequence[Shape], pieces: Iterable[Piece], unit: Literal["mm", "unknown"], scale: float = 1.0
) -> list[Body]:
    """Distinct bodies of a file, one per name, assembly path and geometry, in the order of the file.

    `scale` takes the file's lengths to `unit`. What is placed by a rotation and a shift stays as it was drawn; scales
    and mirrors are made part of the geometry. Raises Refusal where nothing can be rendered.
    """
    made: dict[tuple[int, bytes], tuple[str, Shape] | None] = {}
    found: dict[tuple[str, tuple[str, ...], str], Body] = {}
    count = 0
    for piece in pieces:
        own = _without_placement(piece.matrix[:3, :3] * scale)
        key = (piece.shape, own.tobytes())
        if key not in made:
            count += len(shapes[piece.shape].faces)
            if count > MOST_FACES:
                raise Refusal(f"has more than {MOST_FACES // 1_000_000} million triangles: export it coarser")
            shape = _clean(_transformed(shapes[piece.shape], own))
            made[key] = shape and (_digest(shape), shape)
        if (entry := made[key]) is None:
            continue
        digest, shape = entry
        name, path = meaningful(piece.name), tuple(filter(None, map(meaningful, piece.path)))
        body = found.get((name, path, digest)) or Body(
            name=name,
            path="/".join(step.replace("/", "-") for step in path),
            count=0,
            vertices=shape.vertices,
            faces=shape.faces,
            colour=shape.colour,
            material=shape.material,
            unit=unit,
        )
        found[name, path, digest] = body.replace(count=body.count + 1)
    if not found:
        raise Refusal(EMPTY)
    return list(found.values())


def joined(shapes: Sequence[Shape]) -> Shape:
    """One shape of several; its colour and material are those of the largest area among them."""
    if len(shapes) == 1:
        return shapes[0]
    starts = np.cumsum([0, *(len(shape.vertices) for shape in shapes[:-1])])
    looks: dict[tuple[Colour | None, str], float] = {}
    for shape in shapes:
        look = (shape.colour, shape.material)
        looks[look] = looks.get(look, 0.0) + area(shape.vertices, shape.faces)
    colour, material = max(looks, key=lambda look: looks[look])
    return Shape(
        np.concatenate([shape.vertices for shape in shapes]),
        np.concatenate([shape.faces + start for shape, start in zip(shapes, starts, strict=True)]),
        colour,
        material,
    )


def area(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> float:
    """Area of all faces, in the square of the vertices' unit; 0 where it has no finite value."""
    if not len(faces):
        return 0.0
    corners = vertices[faces]
    with np.errstate(all="ignore"):
        cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        total = 0.5 * float(np.linalg.norm(cross, axis=1).sum())
    return total if np.isfinite(total) else 0.0


def named(pattern: re.Pattern[bytes], data: bytes) -> list[str]:
    """The different names that a pattern's group finds in `data`, in its order; at most as many as a file may have."""
    found: dict[str, None] = {}
    for match in pattern.finditer(data):
        if name := match[1].decode("utf-8", "replace").strip().strip('"').strip():
            found[name] = None
        if len(found) >= MOST_NAMED:
            break
    return list(found)


def srgb(linear: Sequence[float]) -> Colour:
    """The sRGB of linear light, each channel 0 to 1 (IEC 61966-2-1)."""
    value = np.clip(np.nan_to_num(np.asarray(linear[:3], dtype=np.float64)), 0, 1)
    coded = np.where(value <= 0.0031308, value * 12.92, 1.055 * np.power(value, 1 / 2.4) - 0.055)
    red, green, blue = (round(float(channel), 4) for channel in coded)
    return red, green, blue


def beside(path: Path, name: str) -> Path | None:
    """The file that the one at `path` refers to as `name`: in the same folder or below it, else None."""
    folder = path.parent.resolve()
    try:
        target = (folder / name.replace("\\", "/").strip()).resolve()
        return target if target.is_relative_to(folder) and target.is_file() else None
    except (OSError, ValueError, RuntimeError):  # a name too long, with a zero byte in it, or of links in a circle
        return None


def _without_placement(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """The part of a (3, 3) transform that is no rotation: scale, shear, and a mirror along x if it mirrors."""
    if not np.isfinite(linear).all():
        raise Refusal("places a part with numbers that are not finite")
    rotation, scales, axes = np.linalg.svd(linear)
    stretch: NDArray[np.float64] = axes.T @ np.diag(scales) @ axes
    size = float(scales.max())
    if size <= 0:
        return np.zeros((3, 3))
    # rounding: the instances of one part differ in the last digits of their matrices, and must not in their geometry
    stretch = np.round(stretch / size, 5) * float(f"{size:.5g}") + 0.0
    if np.linalg.det(rotation @ axes) < 0:
        stretch[0] *= -1
    return stretch


def _transformed(shape: Shape, linear: NDArray[np.float64]) -> Shape:
    faces = shape.faces[:, ::-1] if np.linalg.det(linear) < 0 else shape.faces
    with np.errstate(all="ignore"):  # numbers that are not finite are found later
        return shape._replace(vertices=shape.vertices @ linear.T, faces=faces)


def _clean(shape: Shape) -> Shape | None:
    """Shape with its vertices welded and its collapsed faces dropped, or None where nothing is left."""
    from trimesh import grouping

    used = np.unique(shape.faces)
    if not len(used):
        return None
    if used[0] < 0 or used[-1] >= len(shape.vertices):
        raise Refusal("has faces whose corners are missing: the file is damaged")
    points = shape.vertices[used]
    if not np.isfinite(points).all():
        raise Refusal("has coordinates that are not finite numbers: the file is damaged")
    faces = np.searchsorted(used, shape.faces)
    low = points.min(axis=0)
    extent = points.max(axis=0) - low
    if np.abs(points).max() > LARGEST:
        raise Refusal("has coordinates beyond anything that can be built: the file is damaged")
    grid = np.round((points - low) / (max(extent.max(), 1e-12) * WELD)).astype(np.int64)
    first, where = grouping.unique_rows(grid)  # type: ignore[no-untyped-call]
    points, faces = points[first], where[faces]
    faces = faces[(faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])]
    surface = area(points, faces)
    # a line or a point: an area that is nothing beside the square of the size
    if surface <= 1e-9 * max(float(extent.max()) ** 2, 1e-18):
        return None
    return shape._replace(vertices=points, faces=faces.astype(np.int64))


def _digest(shape: Shape) -> str:
    return blake3(shape.vertices.tobytes()).update(shape.faces.tobytes()).hexdigest(length=16)
