"""The sample parts written as the files a customer would send: the same bytes at every run."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from infra.samples.templates import COLLADA, CONTENT_TYPES, MODEL, RELATIONSHIPS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Colour = tuple[float, float, float]
NOON = (2026, 3, 2, 12, 0, 0)
STAMP = "2026-03-02T12:00:00"
STEPS = ((1000, 0.2), (700, 0.3), (500, 0.4), (300, 0.55), (200, 0.8), (120, 1.2))  # fineness and angle, rad


@dataclass(frozen=True)
class Tessellation:
    """A shape as triangles: `vertices` (n, 3) float64 in mm, `faces` (m, 3) int64."""

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]


def tessellation(shape: Any, most: int = 3500) -> Tessellation:
    """Triangles of a kernel shape: as fine as `most` triangles allow, so that no file grows large."""
    import trimesh
    from OCP.BRepTools import BRepTools

    size = max(shape.bounding_box().size)
    for fineness, angle in STEPS:
        BRepTools.Clean_s(shape.wrapped)
        points, triangles = shape.tessellate(size / fineness, angle)
        if len(triangles) <= most:
            break
    mesh = trimesh.Trimesh(np.array([tuple(p) for p in points]).round(5), np.array(triangles), process=False)
    mesh.merge_vertices()
    mesh.update_faces(mesh.nondegenerate_faces())
    return Tessellation(np.asarray(mesh.vertices), np.asarray(mesh.faces))


def step(shape: Any, path: Path, name: str, colour: Colour) -> None:
    """STEP AP214 in millimetres with the product's name and colour."""
    from infra.samples.assembly import Node, write

    write(Node(name, shape=shape, colour=colour), path)


def step_in_inches(shape: Any, path: Path, name: str, colour: Colour) -> None:
    """STEP whose lengths are in inches, as an American supplier sends it."""
    from infra.samples.assembly import Node, write

    write(Node(name, shape=shape, colour=colour), path, inches=True)


def iges(shape: Any, path: Path, name: str, colour: Colour) -> None:
    """IGES 5.3 in millimetres; the format's own names and colours are left out, as they often are."""
    from OCP.IGESControl import IGESControl_Controller, IGESControl_Writer
    from OCP.Interface import Interface_Static

    del name, colour
    IGESControl_Controller.Init_s()
    Interface_Static.SetIVal_s("write.iges.brep.mode", 1)
    writer = IGESControl_Writer("MM", 1)
    writer.AddShape(shape.wrapped)
    writer.ComputeModel()
    writer.Write(str(path))
    text = path.read_text(encoding="ascii")
    text = re.sub(r"15H\d{8}\.\d{6}", "15H20260302.120000", text)
    path.write_text(text, encoding="ascii")


def stl(shape: Any, path: Path, name: str, colour: Colour) -> None:
    """Binary STL; its 80 byte header names the part."""
    del colour
    mesh = tessellation(shape, 1800)
    corners = mesh.vertices[mesh.faces].astype("<f4")
    rows = np.zeros(len(corners), dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("flags", "<u2")])
    rows["normal"], rows["corners"] = _normals(mesh), corners
    header = f"{name} binary STL".encode("ascii", "replace").ljust(80)[:80]
    path.write_bytes(header + np.uint32(len(corners)).tobytes() + rows.tobytes())


def stl_text(shape: Any, path: Path, name: str, colour: Colour) -> None:
    """ASCII STL."""
    del colour
    mesh = tessellation(shape, 560)
    lines = [f"solid {name}"]
    for normal, corners in zip(_normals(mesh), mesh.vertices[mesh.faces], strict=True):
        lines += [f"facet normal {_row(normal, 4)}", "outer loop", *(f"vertex {_row(c, 4)}" for c in corners)]
        lines += ["endloop", "endfacet"]
    path.write_text("\n".join([*lines, f"endsolid {name}", ""]), encoding="ascii")


def obj(shape: Any, path: Path, name: str, colour: Colour) -> None:
    """OBJ with its material file beside it."""
    mesh = tessellation(shape)
    material = path.with_suffix(".mtl")
    lines = ["# Blender 3.6.2", f"mtllib {material.name}", f"o {name}", *(f"v {_row(v, 4)}" for v in mesh.vertices)]
    lines += ["usemtl Material", "s off", *(f"f {a} {b} {c}" for a, b, c in mesh.faces + 1)]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    paint = f"newmtl Material\nNs 96.0\nKa 1 1 1\nKd {_row(np.array(colour), 4)}\nKs 0.5 0.5 0.5\nd 1\nillum 2\n"
    material.write_text(paint, encoding="utf-8")


def ply(shape: Any, path: Path, name: str, colour: Colour) -> None:
    """Binary PLY with a colour at each vertex."""
    del name
    path.write_bytes(_trimesh(shape, colour).export(file_type="ply", encoding="binary"))


def off(shape: Any, path: Path, name: str, colour: Colour) -> None:
    """OFF."""
    del name, colour
    path.write_text(_trimesh(shape, None).export(file_type="off", digits=5), encoding="ascii")


def threemf(shape: Any, path: Path, name: str, colour: Colour) -> None:
    """3MF in millimetres with a named, coloured material."""
    mesh = tessellation(shape, 6000)  # it is compressed
    shade = "#" + "".join(f"{round(c * 255):02X}" for c in colour) + "FF"
    points = "".join(f'<vertex x="{x:.4f}" y="{y:.4f}" z="{z:.4f}"/>' for x, y, z in mesh.vertices)
    triangles = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in mesh.faces)
    model = MODEL.substitute(name=name, shade=shade, points=points, triangles=triangles)
    texts = {"[Content_Types].xml": CONTENT_TYPES, "_rels/.rels": RELATIONSHIPS, "3D/3dmodel.model": model}
    archive(path, {entry: text.encode() for entry, text in texts.items()})


def glb(shape: Any, path: Path, name: str, colour: Colour) -> None:
    """Binary glTF, in metres as the format wants it."""
    path.write_bytes(_scene(shape, name, colour).export(file_type="glb"))


def gltf(shape: Any, path: Path, name: str, colour: Colour) -> None:
    """JSON of a glTF scene with its buffer in a file beside it."""
    files = _scene(shape, name, colour).export(file_type="gltf", merge_buffers=True)
    tree = json.loads(files.pop("model.gltf"))
    buffer = path.with_suffix(".bin")
    buffer.write_bytes(next(iter(files.values())))
    tree["buffers"][0]["uri"] = buffer.name
    path.write_text(json.dumps(tree, separators=(",", ":")), encoding="utf-8")


def dae(shape: Any, path: Path, name: str, colour: Colour) -> None:
    """COLLADA in millimetres, z up, with a lambert material."""
    mesh = tessellation(shape, 2500)
    text = COLLADA.substitute(
        stamp=STAMP,
        name=name,
        colour=_row(np.array(colour), 4),
        numbers=mesh.vertices.size,
        vertices=len(mesh.vertices),
        faces=len(mesh.faces),
        points=" ".join(_row(v, 3) for v in mesh.vertices),
        corners=" ".join(str(i) for i in mesh.faces.ravel()),
    )
    path.write_text(text, encoding="utf-8")


def archive(path: Path, members: dict[str, bytes]) -> None:
    """A zip with fixed dates and order."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in members.items():
            entry = zipfile.ZipInfo(name, NOON)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            package.writestr(entry, data)


def _trimesh(shape: Any, colour: Colour | None, digits: int = 6) -> Any:
    import trimesh

    mesh = tessellation(shape)
    made = trimesh.Trimesh(mesh.vertices.round(digits), mesh.faces, process=False)
    if colour is not None:
        visual: Any = made.visual
        visual.vertex_colors = np.array([*(round(c * 255) for c in colour), 255], dtype=np.uint8)
    return made


def _scene(shape: Any, name: str, colour: Colour) -> Any:
    import trimesh

    visual: Any = trimesh.visual
    mesh = _trimesh(shape, None)
    mesh.apply_scale(0.001)
    linear = [((c + 0.055) / 1.055) ** 2.4 if c > 0.04045 else c / 12.92 for c in colour]
    paint = visual.material.PBRMaterial(
        name=f"{name} paint", baseColorFactor=[*linear, 1.0], metallicFactor=0.2, roughnessFactor=0.5
    )
    mesh.visual = visual.TextureVisuals(material=paint)
    return trimesh.Scene({name: mesh})


def _normals(mesh: Tessellation) -> NDArray[np.float32]:
    a, b, c = mesh.vertices[mesh.faces].transpose(1, 0, 2)
    normals = np.cross(b - a, c - a)
    unit = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return np.asarray(unit, dtype="<f4")


def _row(numbers: NDArray[Any], digits: int) -> str:
    return " ".join(f"{float(n) + 0.0:.{digits}f}".rstrip("0").rstrip(".") for n in numbers)


WRITERS: dict[str, Callable[[Any, Path, str, Colour], None]] = {
    "step": step,
    "inch": step_in_inches,
    "iges": iges,
    "stl": stl,
    "stl-text": stl_text,
    "obj": obj,
    "ply": ply,
    "off": off,
    "3mf": threemf,
    "glb": glb,
    "gltf": gltf,
    "dae": dae,
}
