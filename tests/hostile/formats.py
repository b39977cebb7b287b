"""Sound uploads of every format that is read: what hostile files are made from, and what must load."""

from __future__ import annotations

import functools
import io
import itertools
import json
import re
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_WHEN = re.compile(rb"\d{4}-\d\d-\d\dT[\d:]{8}(?:[+-][\d:]{5}|Z)?")
_OCCURRENCE = re.compile(rb"(NEXT_ASSEMBLY_USAGE_OCCURRENCE\()'\d+'")
_IGES_WHEN = re.compile(rb"15H(?:\d{8}|\d{6}  )\.\d{6}|13H\d{6}\.\d{6}")

MODEL_3MF = """<?xml version="1.0" encoding="UTF-8"?>
<model unit="millimeter" xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02"><resources>
<basematerials id="1"><base name="red" displaycolor="#FF2010"/></basematerials>
{objects}
</resources><build>{items}</build></model>
"""
DAE = """<?xml version="1.0"?>
<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
<asset><unit name="millimeter" meter="0.001"/></asset>
<library_images>{images}</library_images>
<library_effects>{effects}</library_effects>
<library_materials><material id="m" name="steel"><instance_effect url="#e"/></material></library_materials>
<library_geometries>
<geometry id="g" name="wedge"><mesh><source id="p"><float_array id="pa" count="{count}">{positions}</float_array>
<technique_common><accessor source="#pa" count="{points}" stride="3"><param name="X" type="float"/>
<param name="Y" type="float"/><param name="Z" type="float"/></accessor></technique_common></source>
<vertices id="v"><input semantic="POSITION" source="#p"/></vertices>
<triangles material="m" count="{triangles}"><input semantic="VERTEX" source="#v" offset="0"/><p>{corners}</p>
</triangles></mesh></geometry></library_geometries>
<library_nodes>{library}</library_nodes>
<library_visual_scenes><visual_scene id="s">{nodes}</visual_scene></library_visual_scenes>
<scene><instance_visual_scene url="#s"/></scene></COLLADA>
"""
DAE_EFFECT = (
    '<effect id="e"><profile_COMMON><technique sid="t"><phong><diffuse><color>0.6 0.1 0.1 1</color></diffuse></phong>'
    "</technique></profile_COMMON></effect>"
)
DAE_PART = (
    '<instance_geometry url="#g"><bind_material><technique_common><instance_material symbol="m" target="#m"/>'
    "</technique_common></bind_material></instance_geometry>"
)
DAE_NODES = (
    f'<node id="n1" name="left"><translate>50 0 0</translate>{DAE_PART}<node id="n2" name="right">'
    f"<matrix>1 0 0 9 0 1 0 0 0 0 1 0 0 0 0 1</matrix>{DAE_PART}</node></node>"
    '<node id="n3"><instance_node url="#l"/></node>'
)
WEDGE = ([(0, 0, 0), (40, 0, 0), (0, 30, 0), (0, 0, 6)], [(0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3)])


class Upload(NamedTuple):
    """What a customer sends: files by name, and which of them is in question."""

    name: str
    files: dict[str, bytes]

    def written(self, folder: Path) -> Path:
        """The upload as files in `folder`; returns where the one in question is."""
        for name, data in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder / self.name

    def with_data(self, data: bytes, name: str = "") -> Upload:
        """The same upload with other bytes in one of its files."""
        return self._replace(files={**self.files, name or self.name: data})


def packed(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive that is the same at any time of day."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return stream.getvalue()


def unpacked(data: bytes) -> dict[str, bytes]:
    """The members of a ZIP archive that is sound."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def stl(triangles: list[Any], count: int | None = None, header: bytes = b"") -> bytes:
    """A binary STL of (3, 3) triangles; `count` is what it announces."""
    faces = b"".join(struct.pack("<12fH", 0, 0, 0, *(x for corner in one for x in corner), 0) for one in triangles)
    announced = len(triangles) if count is None else count
    return header.ljust(80, b"\0")[:80] + struct.pack("<I", announced) + faces


def wedge_3mf(name: str = "wedge", scale: float = 1.0, number: int = 2) -> str:
    """An object element of a 3MF model: a wedge of 40 x 30 x 6, times `scale`."""
    corners = "".join(f'<vertex x="{x * scale}" y="{y * scale}" z="{z * scale}"/>' for x, y, z in WEDGE[0])
    faces = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in WEDGE[1])
    mesh = f"<mesh><vertices>{corners}</vertices><triangles>{faces}</triangles></mesh>"
    return f'<object id="{number}" type="model" name="{name}" pid="1" pindex="0">{mesh}</object>'


def package(objects: str, items: str = '<item objectid="2"/>', **more: bytes) -> bytes:
    """A 3MF package of this model; `more` are members beside it."""
    model = MODEL_3MF.format(objects=objects, items=items).encode()
    return packed({"3D/3dmodel.model": model, **more})


def dae(nodes: str = DAE_NODES, library: str = "", images: str = "", effects: str = DAE_EFFECT) -> bytes:
    """A COLLADA file of a wedge."""
    positions, corners = (" ".join(str(x) for one in those for x in one) for those in WEDGE)
    library = library or f'<node id="l" name="spare">{DAE_PART}</node>'
    said = {"nodes": nodes, "library": library, "images": images, "effects": effects}
    return DAE.format(count=12, points=4, triangles=4, positions=positions, corners=corners, **said).encode()


def glb(document: Mapping[str, Any], binary: bytes) -> bytes:
    """A GLB file of a description and its buffer, with the lengths that it has."""
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    binary += bytes(-len(binary) % 4)
    size = 12 + 8 + len(text) + 8 + len(binary)
    head = struct.pack("<4sIIII", b"glTF", 2, size, len(text), 0x4E4F534A)
    return head + text + struct.pack("<II", len(binary), 0x004E4942) + binary


def parts(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The description and the buffer of a sound GLB file."""
    size = int.from_bytes(data[12:16], "little")
    return json.loads(data[20 : 20 + size]), data[28 + size :]


def wedge_gltf() -> tuple[dict[str, Any], bytes]:
    """Description and buffer of a wedge that stands in two places, with a colour and a name."""
    points = b"".join(struct.pack("<3f", *(x / 1000 for x in one)) for one in WEDGE[0])
    faces = b"".join(struct.pack("<3H", *one) for one in WEDGE[1])
    document: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [
            {"name": "frame", "children": [1, 2]},
            {"name": "left", "mesh": 0, "translation": [0.1, 0, 0]},
            {"name": "right", "mesh": 0, "matrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0.2, 0, 1]},
        ],
        "meshes": [{"name": "wedge", "primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
        "materials": [{"name": "steel", "pbrMetallicRoughness": {"baseColorFactor": [0.4, 0.1, 0.1, 1]}}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 1]},
            {"bufferView": 1, "componentType": 5123, "count": 12, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": len(points)},
            {"buffer": 0, "byteOffset": len(points), "byteLength": len(faces)},
        ],
        "buffers": [{"byteLength": len(points + faces)}],
    }
    return document, points + faces


def texture() -> bytes:
    """A small picture, as PNG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (32, 32), (200, 60, 20)).save(stream, "PNG")
    return stream.getvalue()


def sound() -> dict[str, Upload]:
    """A sound upload of each format: a plate with a post out of a kernel, a wedge and a box as meshes."""
    import trimesh

    box: Any = trimesh.creation.box((40, 30, 6))
    document, buffer = wedge_gltf()
    separate = {**document, "buffers": [{"byteLength": len(buffer), "uri": "base.bin"}]}
    separate["images"], separate["textures"] = [{"uri": "base.png"}], [{"source": 0}]
    separate["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
    obj = b"# units: mm\nmtllib base.mtl\no plate\nusemtl red\n" + _plain_obj(box)
    mtl = b"newmtl red\nKd 0.8 0.1 0.1\nmap_Kd base.png\n"
    arm = '<object id="3"><components><component objectid="2"/><component objectid="2" transform="{}"/></components>'
    arm = arm.format("1 0 0 0 1 0 0 0 1 60 0 0") + "</object>"
    members = {"a/plate.stl": bytes(box.export(file_type="stl")), "b/wedge.glb": glb(document, buffer)}
    members |= {"parts.csv": b"number,name\nplate,Plate\n", "inner.zip": packed({"plate.off": _text(box, "off")})}
    return {
        **kernel(),
        **{name: _single(name, data) for name, data in {
            "stl": members["a/plate.stl"],
            "stl-text": _text(box, "stl_ascii"),
            "ply": bytes(box.export(file_type="ply")),
            "ply-text": bytes(box.export(file_type="ply", encoding="ascii")),
            "off": _text(box, "off"),
            "3mf": package(wedge_3mf() + arm, '<item objectid="3"/><item objectid="2" partnumber="W-1"/>'),
            "glb": members["b/wedge.glb"],
            "dae": dae(),
            "zip": packed(members),
        }.items()},
        "obj": Upload("base.obj", {"base.obj": obj, "base.mtl": mtl, "base.png": texture()}),
        "gltf": Upload(
            "base.gltf",
            {"base.gltf": json.dumps(separate).encode(), "base.bin": buffer, "base.png": texture()},
        ),
    }  # fmt: skip


def _single(kind: str, data: bytes) -> Upload:
    name = f"base.{kind.partition('-')[0]}"
    return Upload(name, {name: data})


def _text(mesh: Any, kind: str) -> bytes:
    made = mesh.export(file_type=kind)
    return made.encode() if isinstance(made, str) else bytes(made)


def _plain_obj(mesh: Any) -> bytes:
    lines = [f"v {x} {y} {z}" for x, y, z in mesh.vertices.tolist()]
    lines += [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in mesh.faces.tolist()]
    return "\n".join(lines).encode() + b"\n"


@functools.cache
def kernel() -> dict[str, Upload]:
    """STEP of a part and of an assembly, and IGES, without what differs from day to day."""
    import build123d as cad
    from OCP.IGESControl import IGESControl_Controller, IGESControl_Writer

    post = cad.Box(40, 30, 6) + cad.Pos(0, 0, 8) * cad.Cylinder(6, 12)
    post.label = "post"
    pin, plate = cad.Cylinder(3, 20), cad.Box(60, 40, 5)
    pin.label, plate.label = "pin", "plate"
    second = pin.moved(cad.Location((20, 0, 0)))
    second.label = "pin"
    frame = cad.Compound(label="frame", children=[plate, cad.Compound(label="row", children=[pin, second])])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cad.export_step(post, str(folder / "base.step"))
        cad.export_step(frame, str(folder / "frame.step"))
        IGESControl_Controller.Init_s()
        writer = IGESControl_Writer("MM", 1)
        writer.AddShape(post.wrapped)
        writer.ComputeModel()
        writer.Write(str(folder / "base.igs"))
        made = {
            "step": _undated_step((folder / "base.step").read_bytes()),
            "step-frame": _undated_step((folder / "frame.step").read_bytes()),
            "iges": _undated((folder / "base.igs").read_bytes(), name.encode()),
        }
    return {name: _single(name, data) for name, data in made.items()}


def _undated_step(step: bytes) -> bytes:
    """STEP without its date, whose occurrences are counted from 1 however many the process wrote before."""
    numbers = itertools.count(1)
    step = _OCCURRENCE.sub(lambda match: b"%b'%d'" % (match[1], next(numbers)), step)
    return _WHEN.sub(b"2026-01-01T00:00:00", step)


def _undated(iges: bytes, folder: bytes) -> bytes:
    """IGES without its dates; what has a fixed width keeps it."""
    iges = iges.replace(folder, b"/" * len(folder))
    return _IGES_WHEN.sub(lambda match: match[0][:3] + re.sub(rb"\d", b"0", match[0][3:]), iges)
