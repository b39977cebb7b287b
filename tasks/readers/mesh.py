"""Reads single meshes: STL, PLY and OFF. None of them has a unit, so hints are looked for."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.readers.bodies import EMPTY, Piece, Shape, bodies
from tasks.readers.units import unit_of
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import trimesh

    from tasks.records import Body, Colour

STL_HEADER, STL_FACE = 84, 50
_COMMENT = re.compile(rb"(?m)^\s*(?:comment|obj_info|#)([^\r\n]{1,400})")
_TEXTURE = re.compile(rb"(?m)^comment TextureFile ([^\r\n]{1,400})")
_COUNTS = re.compile(rb"(?i)\w{0,9}OFF\s{1,99}(?:#[^\n]{0,999}\n\s{0,99}){0,99}(\d{1,12})[ \t]{1,9}(\d{1,12})")
_ELEMENT = re.compile(rb"(?m)^element[ \t]+(vertex|face)[ \t]+(\d{1,12})")


class Mesh:
    """Reads STL, PLY and OFF."""

    suffixes = (".stl", ".ply", ".off")

    def companions(self, path: Path) -> list[str]:
        """Names of the textures of a PLY file."""
        if path.suffix.lower() != ".ply":
            return []
        with path.open("rb") as file:
            return [name.decode("utf-8", "replace").strip() for name in _TEXTURE.findall(file.read(65536))]

    def __call__(self, path: Path) -> list[Body]:
        """The one body in the file at `path`, in mm where a hint says which unit it has."""
        data = path.read_bytes()
        check: dict[str, Callable[[bytes], Colour | None]] = {".stl": _stl, ".ply": _ply, ".off": _off}
        suffix = path.suffix.lower()
        colour = check[suffix](data)
        if suffix == ".stl" and not _is_ascii(data):
            data = data[: STL_HEADER + STL_FACE * int.from_bytes(data[80:84], "little")]  # without what trails behind
        mesh = loaded(data, suffix[1:])
        vertices, faces = _announced(data, suffix)
        # a face of four corners becomes two, and one of two corners none
        if len(mesh.vertices) < vertices or (len(mesh.faces) < faces and not _ended(data, suffix)):
            raise Refusal("holds fewer vertices or faces than it announces: it seems to have been cut off")
        shape = Shape(np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces, dtype=np.int64), colour)
        if colour is None:
            shape = shape._replace(colour=_painted(mesh))
        unit, scale = unit_of(_said(data, suffix), path.stem)
        return bodies([shape], [Piece(0, "", (), np.eye(4))], unit, scale)


def loaded(data: bytes, kind: str) -> trimesh.Trimesh:
    """The mesh that trimesh reads in `data`, as it stands there."""
    import trimesh

    scene = trimesh.load_scene(io.BytesIO(data), file_type=kind, process=False)
    meshes = [mesh for mesh in scene.geometry.values() if isinstance(mesh, trimesh.Trimesh) and len(mesh.faces)]
    if not meshes:
        raise Refusal(EMPTY)
    if len(meshes) == 1:
        return meshes[0]
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    faces = [mesh.faces + start for mesh, start in zip(meshes, starts, strict=True)]
    return trimesh.Trimesh(np.concatenate([mesh.vertices for mesh in meshes]), np.concatenate(faces), process=False)


def _stl(data: bytes) -> Colour | None:
    """Colour in the header of a binary STL file; raises Refusal where the file is not as long as it says."""
    if _is_ascii(data):
        if b"endsolid" not in data[-4096:].lower():
            raise Refusal("ends before its endsolid line: it seems to have been cut off")
        return None
    if len(data) < STL_HEADER:
        raise Refusal("is too short to be an STL file")
    announced, held = int.from_bytes(data[80:84], "little"), (len(data) - STL_HEADER) / STL_FACE
    if not announced <= held < announced + 1:
        raise Refusal(f"announces {announced} triangles but holds {int(held)}: it is damaged or was cut off")
    if (mark := data[:80].find(b"COLOR=")) >= 0 and mark <= 70:
        red, green, blue = (round(channel / 255, 4) for channel in data[mark + 6 : mark + 9])
        return red, green, blue
    return None


def _is_ascii(data: bytes) -> bool:
    """Whether an STL file is text: many binary ones begin with "solid" too."""
    head = data[:1024].lstrip().lower()
    exact = len(data) == STL_HEADER + STL_FACE * int.from_bytes(data[80:84], "little")
    return head.startswith(b"solid") and not exact and (b"facet" in head or b"endsolid" in head)


def _ply(data: bytes) -> None:
    if not data.startswith(b"ply"):
        raise Refusal("does not begin like a PLY file")
    if not _announced(data, ".ply")[1]:
        raise Refusal("holds points and no faces")


def _announced(data: bytes, suffix: str) -> tuple[int, int]:
    """Numbers of vertices and faces that the header of a PLY or OFF file announces; 0 where it says nothing."""
    if suffix == ".off":
        found = _COUNTS.match(data)
        return (int(found[1]), int(found[2])) if found else (0, 0)
    head = data[: data.find(b"end_header") + 1][:65536]
    counts = {kind: int(count) for kind, count in _ELEMENT.findall(head)}
    return counts.get(b"vertex", 0), counts.get(b"face", 0)


def _ended(data: bytes, suffix: str) -> bool:
    """Whether the last record that a PLY or OFF file announces is there, and is whole."""
    if suffix == ".off" and (found := _COUNTS.match(data)):
        rest = (line.partition(b"#")[0].split() for line in data[found.end() :].splitlines()[1:])
        records, count, listed = [words for words in rest if words], int(found[1]) + int(found[2]), True
    else:
        head, _, body = data.partition(b"end_header")
        if b"format ascii" not in head:
            return True  # the library has compared the length of one that is not text
        records = [line.split() for line in body.splitlines()[1:]]
        elements = re.split(rb"(?m)^element[ \t]", head)[1:]
        count = sum(int(element.split()[1]) for element in elements)
        listed = elements[-1].splitlines()[1].startswith(b"property list")
    if len(records) < count:
        return False
    last = records[count - 1]
    return bool(last) and (not listed or len(last) > int(last[0]))


def _off(data: bytes) -> None:
    if b"OFF" not in data[:16].upper():
        raise Refusal("does not begin like an OFF file")


def _said(data: bytes, suffix: str) -> str:
    """What the header or the comments at the start of a file say."""
    if suffix == ".stl":
        said = data[:80].splitlines()[0] if data else b""
    else:
        said = b"\n".join(_COMMENT.findall(data[:8192]))
    return said.decode("latin-1")


def _painted(mesh: trimesh.Trimesh) -> Colour | None:
    """Mean of the colours that its vertices or faces have, or None where it has none."""
    visual: Any = mesh.visual
    if visual.kind not in {"vertex", "face"}:
        return None
    colours = visual.vertex_colors if visual.kind == "vertex" else visual.face_colors
    red, green, blue = (round(float(channel), 4) for channel in np.asarray(colours)[:, :3].mean(axis=0) / 255)
    return red, green, blue
