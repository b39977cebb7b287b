"""Reads COLLADA (DAE): nodes, shared geometries, materials; its unit element says how long a length of 1 is."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np

from tasks.readers.bodies import DEEPEST, MOST_PIECES, Piece, Shape, bodies, joined, meaningful, named
from tasks.readers.markup import DECLARES, declares
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from tasks.records import Body, Colour

_IMAGE = re.compile(rb"<init_from>([^<]{1,400})</init_from>")
_KIND = re.compile(r"[_.-]?(?:mesh|geometry|geom|shape|lib)[_.-]?\d*$", re.IGNORECASE)


class Collada:
    """Reads COLLADA 1.4 and 1.5."""

    suffixes = (".dae",)

    def companions(self, path: Path) -> list[str]:
        """Names of its textures."""
        return [unquote(name) for name in named(_IMAGE, path.read_bytes())]

    def __call__(self, path: Path) -> list[Body]:
        """Bodies of the file at `path`, in mm."""
        import collada

        data = path.read_bytes()
        if b"COLLADA" not in data[:4096]:
            raise Refusal("does not begin like a COLLADA file")
        if declares(data):
            raise Refusal(DECLARES)
        # a texture or an effect that is missing does not spoil a part
        ignored = [collada.common.DaeUnsupportedError, collada.common.DaeBrokenRefError]
        document = collada.Collada(io.BytesIO(data), ignore=ignored)
        if document.scene is None:
            raise Refusal("holds no scene, so nothing stands anywhere")
        shapes: list[Shape] = []
        pieces = list(_pieces(document.scene.nodes, shapes))
        # a file without the element is in metres by the specification
        metres = document.assetInfo.unitmeter
        return bodies(shapes, pieces, "mm", 1000.0 * (1.0 if metres is None else float(metres)))


def _pieces(nodes: list[Any], shapes: list[Shape]) -> Iterator[Piece]:
    """Where the geometries below `nodes` stand; fills `shapes` with what they look like."""
    known: dict[tuple[str, tuple[int, ...]], int] = {}
    todo: list[tuple[Any, tuple[str, ...], NDArray[np.float64]]] = [(node, (), np.eye(4)) for node in reversed(nodes)]
    count = 0
    while todo:
        node, path, above = todo.pop()
        count += 1
        if count > MOST_PIECES or len(path) > DEEPEST:
            raise Refusal(f"places more than {MOST_PIECES} parts, or nests them more than {DEEPEST} deep")
        if geometry := getattr(node, "geometry", None):
            key = (str(geometry.id), tuple(id(bound.target) for bound in node.materials))
            if key not in known:
                known[key] = len(shapes)
                shapes.append(_shape(geometry, {bound.symbol: bound.target for bound in node.materials}))
            name = meaningful(_KIND.sub("", str(geometry.name or geometry.id or "")))
            yield Piece(known[key], name or (path[-1] if path else ""), path[:-1], above)
            continue
        inside = node.node if hasattr(node, "node") else node
        matrix = np.asarray(getattr(node, "matrix", None) if node is inside else np.eye(4), dtype=np.float64)
        steps = (*path, str(getattr(inside, "name", "") or getattr(inside, "id", "") or ""))
        children = getattr(inside, "children", ()) if node is inside else [inside]
        todo += [(child, steps if node is inside else path, above @ matrix) for child in reversed(children)]


def _shape(geometry: Any, materials: dict[str, Any]) -> Shape:
    """Shape of all triangles of a geometry."""
    import collada

    shapes = []
    for primitive in geometry.primitives:
        many = isinstance(primitive, (collada.polylist.Polylist, collada.polygons.Polygons))
        triangles = primitive.triangleset() if many else primitive
        if isinstance(triangles, collada.triangleset.TriangleSet) and triangles.vertex_index is not None:
            vertices = np.asarray(triangles.vertex, dtype=np.float64)
            faces = np.asarray(triangles.vertex_index, dtype=np.int64).reshape(-1, 3)
            material = materials.get(primitive.material)
            name = str(getattr(material, "name", "") or "")
            shapes.append(Shape(vertices, faces, _colour(material), meaningful(name)))
    return joined(shapes) if shapes else Shape(np.zeros((0, 3)), np.zeros((0, 3), np.int64))


def _colour(material: Any) -> Colour | None:
    """Diffuse colour of a material, or None where it has a texture or nothing in its place."""
    value = getattr(getattr(material, "effect", None), "diffuse", None)
    if not isinstance(value, tuple):
        return None
    red, green, blue = (round(min(max(0.0, float(channel)), 1.0), 4) for channel in value[:3])
    return red, green, blue
