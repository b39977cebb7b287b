"""Reads OBJ with its materials: one body per object, coloured by the material of its largest area."""

from __future__ import annotations

import contextlib
import re
from collections import defaultdict
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tasks.readers.bodies import EMPTY, MOST_NAMED, Piece, Shape, beside, bodies, joined, meaningful, named
from tasks.readers.photo import mean_colour
from tasks.readers.units import unit_of
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from tasks.records import Body, Colour

HEAD = 1 << 20  # where material libraries are named: before the first face that uses one
MOST_LIBRARIES, MOST_LIBRARY_BYTES = 100, 1 << 22  # of one file
MOST_SEARCHED = 2048  # libraries whose textures are known: a thousand files may share them

_LIBRARY = re.compile(rb"(?m)^[ \t]*mtllib[ \t]+([^\r\n]{1,400})")
_MAPS = (b"map_", b"bump", b"disp", b"decal", b"refl")
_COMMENT = re.compile(rb"(?m)^[ \t]*#([^\r\n]{1,400})")


class Obj:
    """Reads Wavefront OBJ."""

    suffixes = (".obj",)

    def companions(self, path: Path) -> list[str]:
        """Names of its material libraries and their textures."""
        with path.open("rb") as file:
            data = file.read(HEAD)
        names, textures = _library_names(data), dict[str, None]()
        for library in _libraries(path, data):
            with contextlib.suppress(OSError):
                state = library.stat()
                textures.update(dict.fromkeys(_textures(library, state.st_mtime_ns, state.st_size)))
        return names + list(textures)[:MOST_NAMED]

    def __call__(self, path: Path) -> list[Body]:
        """Bodies of the file at `path`, in mm where a comment or its name says which unit it has."""
        data = path.read_bytes()
        if b"\0" in data[:4096]:
            raise Refusal("is not an OBJ file: it is not text")
        vertices, groups, colours = _content(data)
        materials = _materials(path, data)
        if not groups:
            raise Refusal(EMPTY)
        objects: dict[str, list[Shape]] = defaultdict(list)
        for (name, material), corners in groups.items():
            faces = np.array(corners, dtype=np.int64).reshape(-1, 3)
            colour = materials.get(material) or _painted(colours, faces)
            objects[name].append(Shape(vertices, faces, colour, meaningful(material)))
        unit, scale = unit_of(b"\n".join(_COMMENT.findall(data[:8192])).decode("latin-1"), path.stem)
        pieces = [Piece(index, name, (), np.eye(4)) for index, name in enumerate(objects)]
        return bodies([_compact(joined(shapes)) for shapes in objects.values()], pieces, unit, scale)


def _content(
    data: bytes,
) -> tuple[NDArray[np.float64], dict[tuple[str, str], list[int]], dict[int, tuple[float, ...]]]:
    """Vertices (n, 3), corners of triangles by object and material, and colours of vertices."""
    vertices: list[tuple[float, ...]] = []
    colours: dict[int, tuple[float, ...]] = {}
    groups: dict[tuple[str, str], list[int]] = {}
    name = material = ""
    corners = groups.setdefault((name, material), [])
    for words in _lines(data):
        key = words[0]
        if key == b"v":
            numbers = tuple(float(word) for word in words[1:7])
            if len(numbers) == 6:
                colours[len(vertices)] = numbers[3:]
            vertices.append(numbers[:3])
        elif key == b"f":
            face = [_index(word, len(vertices)) for word in words[1:]]
            for second, third in pairwise(face[1:]):
                corners += (face[0], second, third)
        elif key in {b"o", b"usemtl"}:
            said = b" ".join(words[1:]).decode("utf-8", "replace")
            name, material = (said, material) if key == b"o" else (name, said)
            corners = groups.setdefault((name, material), [])
    if any(len(vertex) < 3 for vertex in vertices):
        raise Refusal("has vertices with fewer than three coordinates: it is damaged or was cut off")
    held = {key: corners for key, corners in groups.items() if corners}
    return np.array(vertices, dtype=np.float64).reshape(-1, 3), held, colours


def _lines(data: bytes) -> Iterator[list[bytes]]:
    """Words of each line that has any; a backslash at its end continues a line."""
    for line in data.replace(b"\\\r\n", b" ").replace(b"\\\n", b" ").splitlines():
        if words := line.split():
            yield words


def _index(word: bytes, count: int) -> int:
    """Vertex that a corner such as 3/1/2 or -1 stands for, from 0."""
    number = int(word.split(b"/", 1)[0])
    return number - 1 if number > 0 else count + number if number < 0 else -1


def _library_names(data: bytes) -> list[str]:
    return named(_LIBRARY, data[:HEAD].replace(b"\r", b"\n"))[:MOST_LIBRARIES]


def _libraries(path: Path, data: bytes) -> list[Path]:
    """Its material libraries that are there; together no more bytes than are looked through for one file."""
    found: dict[Path, None] = {}
    left = MOST_LIBRARY_BYTES
    for name in _library_names(data):
        library = beside(path, name)
        if library is None or library in found:
            continue
        with contextlib.suppress(OSError):
            size = library.stat().st_size
            if size <= left:
                found[library] = None
                left -= size
    return list(found)


def _statements(library: Path) -> Iterator[tuple[bytes, list[bytes]]]:
    """Each key of a library in small letters, and what follows it; the same for who searches and for who reads."""
    with library.open("rb") as file:
        data = file.read(MOST_LIBRARY_BYTES)
    for words in _lines(data):
        yield words[0].lower(), words[1:]


def _picture(words: list[bytes]) -> str:
    """Name of the texture that a map statement ends with, or nothing."""
    return words[-1][:400].decode("utf-8", "replace").strip('"') if words else ""


@lru_cache(MOST_SEARCHED)
def _textures(library: Path, changed: int, size: int) -> tuple[str, ...]:  # noqa: ARG001 - a changed one is another
    """Names of the textures in a library, at most as many as one file may have, in its order."""
    names: dict[str, None] = {}
    for key, words in _statements(library):
        if key.startswith(_MAPS) and (name := _picture(words)):
            names[name] = None
            if len(names) >= MOST_NAMED:
                break
    return tuple(names)


def _materials(path: Path, data: bytes) -> dict[str, Colour]:
    """Colours of the materials in its libraries; a library that cannot be read does not spoil a part."""
    colours: dict[str, Colour] = {}
    textures: dict[str, Colour | None] = {}  # by name: many materials may have one
    for library in _libraries(path, data):
        with contextlib.suppress(OSError):
            _coloured(path, library, colours, textures)
    return colours


def _coloured(path: Path, library: Path, colours: dict[str, Colour], textures: dict[str, Colour | None]) -> None:
    """Add the colours of the materials in `library`."""
    name = ""
    for key, words in _statements(library):
        if key == b"newmtl":
            name = b" ".join(words).decode("utf-8", "replace")
        elif key == b"kd" and len(words) >= 3:
            with contextlib.suppress(ValueError):  # it may also be a spectrum in another file
                red, green, blue = (round(min(max(0.0, float(word)), 1.0), 4) for word in words[:3])
                colours[name] = (red, green, blue)
        elif key == b"map_kd" and (look := _texture(path, _picture(words), textures)):
            colours[name] = look


def _texture(path: Path, name: str, known: dict[str, Colour | None]) -> Colour | None:
    """Mean colour of a texture, or None where it cannot be had; `known` are those that were looked at."""
    if name not in known and len(known) < MOST_NAMED:
        found, known[name] = beside(path, name), None
        with contextlib.suppress(OSError):
            known[name] = mean_colour(found.read_bytes()) if found else None
    return known.get(name)


def _painted(colours: dict[int, tuple[float, ...]], faces: NDArray[np.int64]) -> Colour | None:
    """Mean of the colours that the corners of `faces` have, or None."""
    found = [colours[corner] for corner in np.unique(faces).tolist() if corner in colours]
    if not found:
        return None
    red, green, blue = (round(float(channel), 4) for channel in np.array(found).mean(axis=0).clip(0, 1))
    return red, green, blue


def _compact(shape: Shape) -> Shape:
    """Shape without the vertices of other objects."""
    used, faces = np.unique(shape.faces, return_inverse=True)
    if used[0] < 0 or used[-1] >= len(shape.vertices):
        raise Refusal("has faces whose corners are missing: the file is damaged or was cut off")
    return shape._replace(vertices=shape.vertices[used], faces=faces.reshape(-1, 3))
