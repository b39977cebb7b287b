"""Reads glTF and GLB: named nodes, shared meshes, materials; lengths are metres by its specification."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import struct
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from urllib.parse import unquote, unquote_to_bytes

import numpy as np

from tasks.readers.bodies import (
    DEEPEST,
    MOST_NAMED,
    MOST_PIECES,
    Piece,
    Shape,
    beside,
    bodies,
    joined,
    meaningful,
    srgb,
)
from tasks.readers.photo import mean_colour
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from tasks.records import Body, Colour

MILLIMETRES = 1000.0

_COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_COMPRESSED = ("KHR_draco_mesh_compression", "EXT_meshopt_compression")
_URI = re.compile(rb'"uri"\s*:\s*("(?!data:)(?:[^"\\]|\\.){1,1024}")')
MOST_SEARCHED = 1_000_000  # values of a description that is parsed outside the sandbox: each takes a hundred bytes


class Gltf:
    """Reads glTF 2.0, in one file or with its buffers beside it."""

    suffixes = (".glb", ".gltf")

    def companions(self, path: Path) -> list[str]:
        """Names of its buffers and textures."""
        with path.open("rb") as file:
            head = file.read(20)
            data = file.read(int.from_bytes(head[12:16], "little")) if head[:4] == b"glTF" else head + file.read()
        return sorted({unquote(uri) for uri in islice(_uris(data), MOST_NAMED)})

    def __call__(self, path: Path) -> list[Body]:
        """Bodies of the file at `path`, in mm."""

        def fetched(uri: str) -> bytes:
            try:
                if target := beside(path, unquote(uri)):
                    return target.read_bytes()
            except OSError as error:  # `companions` did not find it, so that it is not open to this process
                raise Refusal(f"needs {unquote(uri)[:200]}, which cannot be opened") from error
            raise Refusal(f"needs {unquote(uri)[:200]}, which is not beside it")

        document = parsed(path.read_bytes(), fetched)
        pieces = list(document.pieces())  # first: nothing is made of the first hundred thousand where there are more
        return bodies(document.shapes, pieces, "mm", MILLIMETRES)


def _uris(data: bytes) -> Iterator[str]:
    """What a description refers to, buffers first: as its reader finds it, or by a search where it has no end."""
    small = sum(map(data.count, (b",", b"[", b"{", b":"))) <= MOST_SEARCHED
    try:
        document = json.loads(data if small else b"")
        entries = [entry for kind in ("buffers", "images") for entry in document.get(kind, ())]
        found = [entry["uri"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("uri"), str)]
    except (ValueError, RecursionError, AttributeError, TypeError):
        found = []
        for match in _URI.finditer(data):
            with contextlib.suppress(ValueError):
                found.append(str(json.loads(match[1])))
    yield from (uri for uri in dict.fromkeys(found) if not uri.startswith("data:"))


def parsed(data: bytes, fetched: Callable[[str], bytes]) -> Document:
    """The document in the bytes of a .glb or .gltf file; `fetched` gets the bytes of what it refers to."""
    binary = b""
    if data[:4] == b"glTF":
        _, version, length = struct.unpack_from("<III", data)
        if version != 2:
            raise Refusal(f"is glTF version {version}: only version 2 can be read")
        if length > len(data):
            raise Refusal("ends before the length it announces: it seems to have been cut off")
        size, _ = struct.unpack_from("<II", data, 12)
        if 28 + size <= len(data):
            binary_size, _ = struct.unpack_from("<II", data, 20 + size)
            binary = data[28 + size : 28 + size + binary_size]
        data = data[20 : 20 + size]
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Refusal("is not glTF: its description is no valid JSON") from error
    if not isinstance(document, dict):
        raise Refusal("is not glTF: its description is no JSON object")
    for name in _COMPRESSED:
        if name in document.get("extensionsRequired", ()):
            raise Refusal(f"is compressed with {name}, which cannot be read: export it without compression")
    return Document(document, binary, fetched)


class _Primitive(NamedTuple):
    shape: Shape
    material: int | None


class Document:
    """The shapes and pieces of one glTF document."""

    _TRIANGLES: ClassVar = {4: "list", 5: "strip", 6: "fan"}

    def __init__(self, document: dict[str, Any], binary: bytes, fetched: Callable[[str], bytes]) -> None:
        self._document = document
        self._binary = binary
        self._fetched = fetched
        self._buffers: dict[int, bytes] = {}
        self._colours: dict[int, Colour | None] = {}

    @cached_property
    def _indices(self) -> list[int]:
        """Which shape each mesh is: programs repeat a mesh that has several instances."""
        seen: dict[str, int] = {}
        keys = [json.dumps(mesh.get("primitives", []), sort_keys=True) for mesh in self._list("meshes")]
        return [seen.setdefault(key, len(seen)) for key in keys]

    @cached_property
    def shapes(self) -> list[Shape]:
        """Its distinct meshes."""
        distinct: dict[int, Any] = {}
        for index, mesh in zip(self._indices, self._list("meshes"), strict=True):
            distinct.setdefault(index, mesh)
        return [self._shape(distinct[index]) for index in range(len(distinct))]

    def pieces(self) -> Iterator[Piece]:
        """Where its meshes stand; names are the mesh's, or the node's where the mesh has none."""
        nodes, count = self._list("nodes"), 0
        children = {child for node in nodes for child in node.get("children", ())}
        scenes = self._list("scenes")
        roots = scenes[self._document.get("scene", 0)].get("nodes", ()) if scenes else ()
        roots = roots or [index for index in range(len(nodes)) if index not in children]
        todo: list[tuple[int, tuple[str, ...], NDArray[np.float64]]] = [
            (index, (), np.eye(4)) for index in reversed(roots)
        ]
        while todo:
            index, path, above = todo.pop()
            node, count = nodes[index], count + 1
            if count > MOST_PIECES or len(path) > DEEPEST:
                raise Refusal(f"places more than {MOST_PIECES} parts, or nests them more than {DEEPEST} deep")
            matrix, name = above @ _matrix(node), str(node.get("name", ""))
            if (mesh := node.get("mesh")) is not None:
                named = meaningful(str(self._list("meshes")[mesh].get("name", "")))
                yield Piece(self._indices[mesh], named or name, path, matrix)
            todo += [(child, (*path, name), matrix) for child in reversed(node.get("children", ()))]

    def _list(self, name: str) -> list[Any]:
        value = self._document.get(name, [])
        return value if isinstance(value, list) else []

    def _shape(self, mesh: dict[str, Any]) -> Shape:
        shapes = [shape for part in mesh.get("primitives", ()) if (shape := self._primitive(part))]
        return joined(shapes) if shapes else Shape(np.zeros((0, 3)), np.zeros((0, 3), np.int64))

    def _primitive(self, primitive: dict[str, Any]) -> Shape | None:
        """Shape of one primitive, or None where it is points or lines."""
        mode, attributes = primitive.get("mode", 4), primitive.get("attributes", {})
        if mode not in self._TRIANGLES or "POSITION" not in attributes:
            return None
        vertices = self._accessor(attributes["POSITION"]).astype(np.float64)
        corners = np.arange(len(vertices))
        if "indices" in primitive:
            corners = self._accessor(primitive["indices"]).ravel().astype(np.int64)
        material = primitive.get("material")
        colour = None if material is None else self._colour(material)
        if "COLOR_0" in attributes and colour in (None, (1.0, 1.0, 1.0)):
            colour = srgb(self._accessor(attributes["COLOR_0"])[:, :3].mean(axis=0))
        name = "" if material is None else str(self._list("materials")[material].get("name", ""))
        return Shape(vertices, _triangles(corners, mode), colour, meaningful(name))

    def _colour(self, index: int) -> Colour | None:
        if index not in self._colours:
            material = self._list("materials")[index]
            surface = material.get("pbrMetallicRoughness", {})
            factor = surface.get("baseColorFactor", (1.0, 1.0, 1.0, 1.0))
            texture = self._texture(surface.get("baseColorTexture", {}).get("index"))
            plain = srgb([float(channel) for channel in factor])
            red, green, blue = (a * b for a, b in zip(plain, texture or (1.0, 1.0, 1.0), strict=True))
            said = "baseColorFactor" in surface or texture is not None
            self._colours[index] = (red, green, blue) if said else None
        return self._colours[index]

    def _texture(self, index: int | None) -> Colour | None:
        """Mean colour of a texture, or None: a texture that is missing does not spoil a part."""
        try:
            if index is None:
                return None
            image = self._list("images")[self._list("textures")[index]["source"]]
            data = self._uri(image["uri"]) if "uri" in image else bytes(self._view(image["bufferView"])[0])
            return mean_colour(data)
        except (Refusal, KeyError, IndexError, TypeError, OSError):
            return None

    def _uri(self, uri: str) -> bytes:
        if not uri.startswith("data:"):
            return self._fetched(uri)
        head, _, body = uri.partition(",")
        return base64.b64decode(body) if head.endswith(";base64") else unquote_to_bytes(body)

    def _view(self, index: int) -> tuple[memoryview, int | None]:
        """Bytes of a buffer view, and the stride of what is in it."""
        view = self._list("bufferViews")[index]
        number = view["buffer"]
        if number not in self._buffers:
            buffer = self._list("buffers")[number]
            self._buffers[number] = self._uri(buffer["uri"]) if "uri" in buffer else self._binary
        start, length = int(view.get("byteOffset", 0)), int(view["byteLength"])
        data = memoryview(self._buffers[number])[start : start + length]
        if start < 0 or len(data) < length:
            raise Refusal("announces more data than it holds: it seems to have been cut off")
        return data, view.get("byteStride")

    def _accessor(self, index: int) -> NDArray[Any]:
        """Values (n, width) that an accessor describes."""
        accessor = self._list("accessors")[index]
        count, width = int(accessor["count"]), _WIDTHS[accessor["type"]]
        dtype = np.dtype(_COMPONENTS[accessor["componentType"]])
        if not 0 <= count <= 1 << 28:
            raise Refusal("announces more data than a file can hold: it is damaged")
        if "bufferView" in accessor:
            values = self._values(accessor["bufferView"], accessor.get("byteOffset", 0), (count, width), dtype)
        else:
            values = np.zeros((count, width), dtype)
        if sparse := accessor.get("sparse"):
            values, size = values.copy(), int(sparse["count"])
            where, what = sparse["indices"], sparse["values"]
            kind = np.dtype(_COMPONENTS[where["componentType"]])
            rows = self._values(where["bufferView"], where.get("byteOffset", 0), (size, 1), kind).ravel()
            values[rows] = self._values(what["bufferView"], what.get("byteOffset", 0), (size, width), dtype)
        if accessor.get("normalized") and dtype.kind in "iu":
            return np.maximum(values / np.iinfo(dtype).max, -1.0)
        return values

    def _values(self, view: int, offset: int, shape: tuple[int, int], dtype: np.dtype[Any]) -> NDArray[Any]:
        data, stride = self._view(view)
        step = int(stride or shape[1] * dtype.itemsize)
        if offset < 0 or step < 1 or offset + (shape[0] - 1) * step + shape[1] * dtype.itemsize > len(data):
            raise Refusal("announces more data than it holds: it seems to have been cut off")
        return np.ndarray(shape, dtype, data, int(offset), (step, dtype.itemsize))


def _triangles(corners: NDArray[np.int64], mode: int) -> NDArray[np.int64]:
    """Faces (m, 3) of a list (4), strip (5) or fan (6) of corners."""
    if mode == 4:
        return corners[: len(corners) // 3 * 3].reshape(-1, 3)
    if mode == 6:
        return np.stack([np.broadcast_to(corners[:1], (max(len(corners) - 2, 0),)), corners[1:-1], corners[2:]], axis=1)
    faces = np.stack([corners[:-2], corners[1:-1], corners[2:]], axis=1)
    faces[1::2] = faces[1::2, ::-1]
    return faces


def _matrix(node: dict[str, Any]) -> NDArray[np.float64]:
    """Transform (4, 4) of a node, from its matrix (column by column) or its parts."""
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    x, y, z, w = node.get("rotation", (0, 0, 0, 1))
    rotation = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(rotation) * np.array(node.get("scale", (1, 1, 1)), dtype=np.float64)
    matrix[:3, 3] = node.get("translation", (0, 0, 0))
    return matrix
