"""Reads COLLADA (DAE); its unit element says how many metres a length of 1 is."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import numpy as np

from tasks.readers.bodies import EMPTY, Piece, Shape, bodies, meaningful
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from pathlib import Path

    import trimesh

    from tasks.records import Body, Colour

_METRES = re.compile(rb"<unit\b[^>]{0,400}?\bmeter\s*=\s*[\"']([0-9.eE+-]{1,32})[\"']")
_IMAGE = re.compile(rb"<init_from>\s*([^<]{1,400}?)\s*</init_from>")


class Collada:
    """Reads COLLADA 1.4 and 1.5."""

    suffixes = (".dae",)

    def companions(self, path: Path) -> list[str]:
        """Names of its textures."""
        return [unquote(name.decode("utf-8", "replace")) for name in _IMAGE.findall(path.read_bytes())]

    def __call__(self, path: Path) -> list[Body]:
        """Bodies of the file at `path`, in mm."""
        import trimesh

        data = path.read_bytes()
        if b"COLLADA" not in data[:4096]:
            raise Refusal("does not begin like a COLLADA file")
        scene = trimesh.load_scene(io.BytesIO(data), file_type="dae", process=False)
        names = [name for name, mesh in scene.geometry.items() if isinstance(mesh, trimesh.Trimesh)]
        shapes = [_shape(scene.geometry[name]) for name in names]
        pieces = []
        for node in scene.graph.nodes_geometry:
            matrix, geometry = scene.graph[node]
            if geometry in names:
                pieces.append(
                    Piece(names.index(geometry), _name(str(geometry)), (), np.asarray(matrix, dtype=np.float64))
                )
        if not pieces:
            raise Refusal(EMPTY)
        said = _METRES.search(data)
        # a file without the element is in metres by the specification
        metres = float(said[1]) if said else 1.0
        return bodies(shapes, pieces, "mm", metres * 1000)


def _shape(mesh: trimesh.Trimesh) -> Shape:
    vertices, faces = np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces, dtype=np.int64)
    return Shape(vertices, faces, _colour(mesh))


def _name(geometry: str) -> str:
    """Name of a geometry; exporters add the kind to make an id of it."""
    return meaningful(re.sub(r"[_.-]?(?:mesh|geometry|geom|shape|lib)[_.-]?\d*$", "", geometry, flags=re.IGNORECASE))


def _colour(mesh: trimesh.Trimesh) -> Colour | None:
    """Colour of its material, or None where it has none."""
    material = getattr(mesh.visual, "material", None)
    value = getattr(material, "main_color", None)
    if value is None:
        return None
    red, green, blue = (round(float(channel), 4) for channel in np.asarray(value)[:3] / 255)
    return red, green, blue
