"""Reads 3MF: objects, components and build items, in the unit that the model states."""

from __future__ import annotations

import posixpath
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tasks.readers.bodies import DEEPEST, MOST_PIECES, Piece, Shape, bodies, joined
from tasks.readers.markup import Plain
from tasks.readers.units import MILLIMETRES
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from tasks.records import Body, Colour

MODEL = "3D/3dmodel.model"


class Key(NamedTuple):
    """Where an object stands: the model file in the package, and its id there."""

    model: str
    number: str


class Thing(NamedTuple):
    """An object: its own meshes (indices of shapes) and the components it is made of."""

    name: str
    shape: int | None
    components: list[tuple[Key, NDArray[np.float64]]]


class ThreeMF:
    """Reads 3MF packages."""

    suffixes = (".3mf",)

    def companions(self, path: Path) -> tuple[str, ...]:  # noqa: ARG002 - a package holds all it needs
        """None."""
        return ()

    def __call__(self, path: Path) -> list[Body]:
        """Bodies of the file at `path`, in mm."""
        try:
            with zipfile.ZipFile(path) as archive:
                package = Package(archive)
                return bodies(package.shapes, list(package.pieces()), "mm", package.scale)
        except zipfile.BadZipFile as error:
            raise Refusal("is not a 3MF package, or it is damaged or was cut off") from error


class Package:
    """The shapes and pieces of one 3MF package."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = {name.lower().lstrip("/"): name for name in archive.namelist()}
        self._things: dict[Key, Thing] = {}
        self._builds: list[tuple[Key, str, NDArray[np.float64]]] = []
        self.shapes: list[Shape] = []
        self.scale = 1.0
        models = [name for name in self._names if name.endswith(".model")]
        if not models:
            raise Refusal("is not a 3MF package: it holds no model")
        self._root = MODEL.lower() if MODEL.lower() in models else min(models)
        for model in (self._root, *(name for name in models if name != self._root)):
            self._read(model)

    def pieces(self) -> Iterator[Piece]:
        """Where its objects stand: what the build names, or all of them where it names none."""
        inside = {key for thing in self._things.values() for key, _ in thing.components}
        roots = self._builds or [(key, "", np.eye(4)) for key in self._things if key not in inside]
        count = 0
        todo: list[tuple[Key, tuple[str, ...], NDArray[np.float64], str]]
        todo = [(key, (), matrix, number) for key, number, matrix in reversed(roots)]
        while todo:
            key, path, matrix, number = todo.pop()
            count += 1
            if count > MOST_PIECES or len(path) > DEEPEST:
                raise Refusal(f"places more than {MOST_PIECES} parts, or nests them more than {DEEPEST} deep")
            if (thing := self._things.get(key)) is None:
                raise Refusal("refers to an object that it does not hold: it is damaged")
            name = thing.name or number
            if thing.shape is not None:
                yield Piece(thing.shape, name, path, matrix)
            todo += [(child, (*path, name), matrix @ own, "") for child, own in reversed(thing.components)]

    def _read(self, model: str) -> None:
        from lxml import etree

        colours: dict[str, list[Colour | None]] = {}
        member = self._archive.getinfo(self._names[model])
        with self._archive.open(member) as stream:
            plain = Plain(stream, member.compress_size)
            events = etree.iterparse(
                plain, events=("start", "end"), resolve_entities=False, no_network=True, huge_tree=True
            )
            for event, element in events:
                tag = etree.QName(element).localname if isinstance(element.tag, str) else ""
                if event == "start":
                    if tag == "model" and model == self._root:
                        self.scale = _scale(element.get("unit", "millimeter"))
                    continue
                if tag in {"basematerials", "colorgroup"}:
                    colours[element.get("id", "")] = [
                        _colour(child.get("displaycolor") or child.get("color") or "") for child in element
                    ]
                elif tag == "object":
                    self._add(model, element, colours)
                    element.clear()
                elif tag == "item" and model == self._root:
                    key, matrix = _reference(element, model)
                    self._builds.append((key, element.get("partnumber", ""), matrix))

    def _add(self, model: str, element: Any, colours: dict[str, list[Colour | None]]) -> None:
        """Take in one object element."""
        shape, own = None, _look(colours, element.get("pid"), element.get("pindex", "0"))
        if element.get("type", "model") in {"support", "other"}:
            return
        for mesh in element.iterchildren("{*}mesh"):
            shape = len(self.shapes)
            self.shapes.append(_shape(mesh, own, colours))
        components = [_reference(child, model) for child in element.iterfind("{*}components/{*}component")]
        key = Key(model, element.get("id", ""))
        self._things[key] = Thing(element.get("name", ""), shape, components)


def _scale(unit: str) -> float:
    if unit not in MILLIMETRES:
        raise Refusal(f"is in the unit {unit[:40]!r}, which 3MF does not know")
    return MILLIMETRES[unit]


def _reference(element: Any, model: str) -> tuple[Key, NDArray[np.float64]]:
    """The object that an item or a component stands for, and its transform (4, 4)."""
    paths = [value for name, value in element.attrib.items() if name.endswith("}path")]
    target = posixpath.normpath(paths[0]).lower().lstrip("/") if paths else model
    matrix = np.eye(4)
    if text := element.get("transform"):
        matrix[:3] = np.array([float(word) for word in text.split()]).reshape(4, 3).T
    return Key(target, element.get("objectid", "")), matrix


def _shape(mesh: Any, own: Colour | None, colours: dict[str, list[Colour | None]]) -> Shape:
    """Shape of a mesh element; triangles may have colours of their own."""
    corners = [(node.get("x"), node.get("y"), node.get("z")) for node in mesh.iterfind("{*}vertices/{*}vertex")]
    triangles = mesh.findall("{*}triangles/{*}triangle")
    vertices = np.array(corners, dtype=np.float64).reshape(-1, 3)
    faces = np.array([(node.get("v1"), node.get("v2"), node.get("v3")) for node in triangles], dtype=np.int64)
    faces = faces.reshape(-1, 3)
    looks = [
        _look(colours, pid, node.get("p1", "0")) if (pid := node.get("pid")) is not None else own for node in triangles
    ]
    if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise Refusal("has faces whose corners are missing: it is damaged")
    distinct = dict.fromkeys(looks)
    if len(distinct) < 2:
        return Shape(vertices, faces, next(iter(distinct), own))
    chosen = {look: np.array([look == other for other in looks]) for look in distinct}
    best = joined([Shape(vertices, faces[rows], look) for look, rows in chosen.items()])
    return Shape(vertices, faces, best.colour)


def _look(colours: dict[str, list[Colour | None]], group: str | None, index: str) -> Colour | None:
    values = colours.get(group or "", [])
    return values[int(index)] if index.isdigit() and int(index) < len(values) else None


def _colour(text: str) -> Colour | None:
    """Colour that "#RRGGBB" or "#RRGGBBAA" names."""
    try:
        red, green, blue = (round(int(text[start : start + 2], 16) / 255, 4) for start in (1, 3, 5))
    except ValueError:
        return None
    return red, green, blue
