"""Corners of 3MF, glTF and COLLADA: scenes that grow, turn back on themselves, or are filled with entities."""

from __future__ import annotations

import json
import math
import zipfile
from typing import TYPE_CHECKING, Any

import formats
from corners import PAYLOAD, Corner, single
from formats import DAE_PART, dae, package, packed, wedge_3mf

if TYPE_CHECKING:
    from collections.abc import Iterator

LEVELS = 40  # of two each
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(12))
DOCTYPE = f"<!DOCTYPE x [{LAUGHS}]>"
MODEL = "3D/3dmodel.model"


def corners() -> Iterator[Corner]:
    """Corners of scenes."""
    yield from _packages()
    yield from _components()
    yield from _gltf()
    yield from _glb()
    yield from _dae()


def _object(number: int, *children: int) -> str:
    inside = "".join(f'<component objectid="{child}"/>' for child in children)
    return f'<object id="{number}"><components>{inside}</components></object>'


def _components() -> Iterator[Corner]:
    wedge = wedge_3mf()
    laughs = wedge + "".join(_object(n, n - 1, n - 1) for n in range(3, 3 + LEVELS))
    chain = wedge + "".join(_object(n, n - 1) for n in range(3, 403))
    for label, objects, item, words in (
        ("billion laughs", laughs, 2 + LEVELS, "places more than 200000 parts"),
        ("400 levels", chain, 402, "more than 100 deep"),
        ("a circle of one", wedge + _object(3, 3), 3, "more than 100 deep"),
        ("a circle of two", wedge + _object(3, 4) + _object(4, 3), 3, "more than 100 deep"),
        ("an object that is missing", wedge, 99, "does not hold"),
        ("a component that is missing", wedge + _object(3, 99), 3, "does not hold"),
    ):
        yield Corner(f"3mf: {label}", single("p.3mf", package(objects, f'<item objectid="{item}"/>')), False, words)


def _packages() -> Iterator[Corner]:
    wedge = wedge_3mf()
    model = formats.MODEL_3MF.format(objects=wedge, items='<item objectid="2"/>')
    for name in (PAYLOAD, "../../etc/passwd", "", "名前 Ärger"):
        data = package(wedge_3mf(name.replace("<", "&lt;")))
        yield Corner(f"3mf: the name {name}", single("p.3mf", data), True, "", 1, (name,))
    same = wedge_3mf("twin", 1, 2) + wedge_3mf("twin", 2, 3)
    items = '<item objectid="2"/><item objectid="3"/>'
    yield Corner("3mf: one name for all", single("p.3mf", package(same, items)), True, "", 2, ("twin", "twin"))
    declared = model.replace("<model", DOCTYPE + "<model")
    for label, text, loads, words in (
        ("entities", declared.replace('name="wedge"', 'name="&l11;"'), False, "entities"),
        ("entities in a unit", declared.replace("millimeter", "&l11;"), False, "entities"),
        ("a unit that is none", model.replace("millimeter", "furlong"), False, "in the unit 'furlong'"),
        ("no number", model.replace('x="40.0"', 'x="nan"'), False, "not finite"),
        ("no end", model.replace('x="40.0"', 'x="1e999"'), False, "not finite"),
        ("a word", model.replace('x="40.0"', 'x="forty"'), False, "damaged"),
        ("a coordinate that is missing", model.replace('x="40.0"', ""), False, ""),
        ("a corner beyond", model.replace('v1="0"', 'v1="1000000000"'), False, "corners are missing"),
        ("a corner before the first", model.replace('v1="0"', 'v1="-1"'), False, "corners are missing"),
        ("a corner beyond 64 bits", model.replace('v1="0"', f'v1="{9**30}"'), False, ""),
        ("no triangle", package_without(model, "triangle "), False, "holds no solid"),
        ("a place that is none", _placed(model, "nan " * 12), False, "not finite"),
        ("a place of seven numbers", _placed(model, "1 " * 7), False, ""),
        ("a place of no size", _placed(model, "0 " * 12), False, "holds no solid"),
        ("a place of 1e300", _placed(model, "1e300 0 0 0 1e300 0 0 0 1e300 0 0 0"), False, ""),
        ("a part of 1 µm", _placed(model, "2.5e-5 0 0 0 2.5e-5 0 0 0 2.5e-5 0 0 0"), True, ""),
        ("a part of 1 km", _placed(model, "25000 0 0 0 25000 0 0 0 25000 0 0 0"), True, ""),
        ("300 elements deep", model.replace("<build>", "<a>" * 300 + "</a>" * 300 + "<build>"), None, ""),
        ("100,000 elements deep", model.replace("<build>", "<a>" * 100_000 + "</a>" * 100_000 + "<build>"), None, ""),
        ("no resources", model.replace(wedge, ""), False, ""),
        ("cut off", model[: len(model) // 2], False, ""),
        ("no XML", "model", False, ""),
        ("letters of two bytes with entities", "", False, "entities"),
    ):
        wide = declared.replace('"UTF-8"', '"UTF-16"').encode("utf-16")
        yield Corner(f"3mf: {label}", single("p.3mf", packed({MODEL: text.encode() or wide})), loads, words)
    blank = model.encode().replace(b"<build>", b" " * 12_000_000 + b"<build>")
    whole = packed({MODEL: model.encode()})
    for label, data, loads, words in (
        ("a bomb", packed({MODEL: blank}), False, "unpacks to more than 300 times its size"),
        ("a bomb of bzip2", packed({MODEL: blank}, zipfile.ZIP_BZIP2), False, ""),
        ("no model", packed({"readme.txt": b"x"}), False, "holds no model"),
        ("an empty model", packed({MODEL: b""}), False, ""),
        ("a locked model", whole.replace(b"PK\1\2\x14\x03\x14\0\0\0", b"PK\1\2\x14\x03\x14\0\1\0"), False, ""),
        ("half of it", whole[: len(whole) // 2], False, "not a 3MF package"),
        ("ten models", packed({f"3D/{n}.model": model.encode() for n in range(10)}), True, ""),
    ):
        yield Corner(f"3mf: {label}", single("p.3mf", data), loads, words)


def package_without(model: str, element: str) -> str:
    """The model without elements of a kind."""
    head, *rest = model.split(f"<{element}")
    return head + "".join(one.partition("/>")[2] for one in rest)


def _placed(model: str, numbers: str) -> str:
    return model.replace('<item objectid="2"', f'<item objectid="2" transform="{numbers.strip()}"')


def _changed(**changes: Any) -> dict[str, Any]:
    """The description of a wedge with other values: "nodes__1__mesh" is document["nodes"][1]["mesh"]."""
    document, _ = formats.wedge_gltf()
    for way, value in changes.items():
        holder: Any = document
        *steps, last = [int(step) if step.isdigit() else step for step in way.split("__")]
        for step in steps:
            holder = holder[step]
        if isinstance(holder, list) and last == len(holder):
            holder.append(value)
        else:
            holder[last] = value
    return document


def _gltf() -> Iterator[Corner]:
    laughs = [{"name": f"n{n}", "children": [n + 1, n + 1]} for n in range(LEVELS)] + [{"mesh": 0}]
    chain = [{"name": f"n{n}", "children": [n + 1]} for n in range(400)] + [{"mesh": 0}]
    nothing: dict[str, Any] = {"baseColorFactor": [math.nan] * 4}
    position = {"componentType": 5126, "type": "VEC3"}
    for label, document, loads, words in (
        ("billion laughs", _changed(nodes=laughs), False, "places more than 200000 parts"),
        ("400 levels", _changed(nodes=chain), False, "more than 100 deep"),
        ("a circle of one", _changed(nodes__0__children=[0]), False, "more than 100 deep"),
        ("a circle of two", _changed(nodes__1__children=[0]), False, "more than 100 deep"),
        ("a child that is missing", _changed(nodes__0__children=[99]), False, ""),
        ("a child before the first", _changed(nodes__0__children=[-1]), None, ""),
        ("a mesh that is missing", _changed(nodes__1__mesh=99), False, ""),
        ("a scene that is missing", _changed(scene=7), False, ""),
        ("10^9 vertices", _changed(accessors__0__count=10**9), False, "announces more data than"),
        ("10^8 vertices of nothing", _changed(accessors__0=position | {"count": 10**8}), False, "MB of memory"),
        ("-1 vertices", _changed(accessors__0__count=-1), False, "announces more data"),
        ("1.5 vertices", _changed(accessors__0__count=1.5), False, ""),
        ("endless vertices", _changed(accessors__0__count=math.inf), False, ""),
        ("a view before the buffer", _changed(bufferViews__0__byteOffset=-8), False, "announces more data"),
        ("a view beyond the buffer", _changed(bufferViews__0__byteLength=10**9), False, "announces more data"),
        ("a stride of nothing", _changed(bufferViews__0__byteStride=-12), False, "announces more data"),
        ("an offset of 2^63", _changed(accessors__0__byteOffset=2**63), False, ""),
        ("a kind that is none", _changed(accessors__0__componentType=1), False, ""),
        ("a place that is none", _changed(nodes__1__translation=[math.nan] * 3), True, ""),
        ("a size that is none", _changed(nodes__1__scale=[math.nan] * 3), False, "not finite"),
        ("a size of nothing", _changed(nodes__1__scale=[0, 0, 0]), True, ""),
        ("a size of 1e300", _changed(nodes__1__scale=[1e300] * 3), False, ""),
        ("a matrix of seven", _changed(nodes__1__matrix=[1] * 7), False, ""),
        ("a turn of no length", _changed(nodes__1__rotation=[0, 0, 0, 0]), True, ""),
        ("a colour that is none", _changed(materials__0__pbrMetallicRoughness=nothing), True, ""),
        ("a colour of words", _changed(materials__0__pbrMetallicRoughness={"baseColorFactor": ["red"]}), False, ""),
        ("HTML for a name", _changed(meshes__0__name=PAYLOAD), True, ""),
        ("half a letter for a name", _changed(meshes__0__name="\ud800 x", nodes__0__name="\udfff"), True, ""),
        ("a list for a name", _changed(meshes__0__name=["x"], nodes__0__name={"a": 1}), True, ""),
        ("half a letter for a buffer", _changed(buffers__0__uri="\ud800.bin"), False, "not beside it"),
        ("a line break for a buffer", _changed(buffers__0__uri="a\nb.bin"), False, "not beside it"),
        ("meshes of no list", _changed(meshes={"0": 1}), False, ""),
        ("meshes of nothing", _changed(meshes=[None, 1, []]), False, ""),
        ("compression", _changed(extensionsRequired=["KHR_draco_mesh_compression"]), False, "compressed with"),
        ("a bomb for a buffer", _changed(buffers__0__uri="data:;base64," + "A" * 3_000_001), False, ""),
    ):  # fmt: skip
        _, buffer = formats.wedge_gltf()
        yield Corner(f"gltf: {label}", single("p.glb", formats.glb(document, buffer)), loads, words)


def _glb() -> Iterator[Corner]:
    whole = formats.glb(*formats.wedge_gltf())
    many = [{"uri": f"{number}.bin"} for number in range(3000)]
    document = _changed(accessors__1={"bufferView": 1, "componentType": 5121, "count": 9_300_000, "type": "SCALAR"})
    document["bufferViews"][1] = {"buffer": 0, "byteOffset": 48, "byteLength": 9_300_000}
    many_faces = formats.glb(document, formats.wedge_gltf()[1][:48] + b"\0\1\2" * 3_100_000)
    for label, data, words in (
        ("3,100,000 triangles", many_faces, "more than 3 million triangles"),
        ("version 1", whole[:4] + b"\1\0\0\0" + whole[8:], "only version 2"),
        ("longer than it is", whole[:8] + b"\xff\xff\xff\x7f" + whole[12:], "cut off"),
        ("a description of 4 GB", whole[:12] + b"\xff\xff\xff\xff" + whole[16:], "no valid JSON"),
        ("a description of nothing", whole[:12] + bytes(4) + whole[16:], "no valid JSON"),
        ("four letters", b"glTF", ""),
    ):
        yield Corner(f"glb: {label}", single("p.glb", data), False, words)
    for label, data, words in (
        ("100,000 lists", b"[" * 100_000 + b"]" * 100_000, "no valid JSON"),
        ("no object", b"[1, 2]", "no JSON object"),
        ("a number of 5,000 digits", b'{"asset": ' + b"9" * 5000 + b"}", "no valid JSON"),
        ("an object of nothing", b"{}", "holds no solid"),
        ("letters of two bytes", json.dumps(_changed()).encode("utf-16"), ""),
        (
            "3,000 buffers",
            json.dumps(_changed(buffers=many)).encode(),
            "not beside",
        ),
        ("one buffer 100,000 times", b'{"uri":"p.gltf"}' * 100_000, "no valid JSON"),
    ):
        yield Corner(f"gltf: {label}", single("p.gltf", data), False, words)


def _dae() -> Iterator[Corner]:
    whole = dae().decode()
    step = '<node id="l{0}"><instance_node url="#l{1}"/><instance_node url="#l{1}"/></node>'
    laughs = "".join(step.format(n, n + 1) for n in range(LEVELS)) + f'<node id="l{LEVELS}">{DAE_PART}</node>'
    start = '<node id="s"><instance_node url="#l0"/></node>'
    deep = "<node>" * 400 + DAE_PART + "</node>" * 400
    circle = '<node id="l0"><instance_node url="#l0"/></node>'
    two = '<node id="l0"><instance_node url="#l1"/></node><node id="l1"><instance_node url="#l0"/></node>'
    for label, data, loads, words in (
        ("billion laughs", dae(start, laughs), False, ""),
        ("a circle of one", dae(start, circle), False, ""),
        ("a circle of two", dae(start, two), False, ""),
        ("400 levels", dae(deep), False, ""),
        ("100,000 levels", dae("<node>" * 100_000 + "</node>" * 100_000), False, ""),
        ("no scene", dae("").replace(b'<instance_visual_scene url="#s"/>', b""), False, ""),
        ("a scene of nothing", dae("", f'<node id="l">{DAE_PART}</node>'), False, "holds no solid"),
        ("100,000 blanks for a picture", dae(images="<init_from>" + " " * 100_000 + "<"), False, ""),
        ("10,000 pictures", dae(images="<image><init_from>a.png</init_from></image>" * 10_000), None, ""),
    ):
        yield Corner(f"dae: {label}", single("p.dae", data), loads, words)
    for label, text, loads, words in (
        ("entities", whole.replace("<COLLADA", DOCTYPE + "<COLLADA").replace('"wedge"', '"&l11;"'), False, "entities"),
        ("a unit of nothing", whole.replace('meter="0.001"', 'meter="0"'), False, ""),
        ("a unit that is none", whole.replace('meter="0.001"', 'meter="nan"'), False, ""),
        ("a unit of 1e300", whole.replace('meter="0.001"', 'meter="1e300"'), False, ""),
        ("a unit before nothing", whole.replace('meter="0.001"', 'meter="-1"'), None, ""),
        ("a count that lies", whole.replace('count="12"', 'count="1000000000"'), None, ""),
        ("a stride of nothing", whole.replace('stride="3"', 'stride="0"'), None, ""),
        ("a coordinate that is none", whole.replace(">0 0 0 40", ">0 0 0 nan"), None, ""),
        ("a coordinate of words", whole.replace(">0 0 0 40", ">0 0 0 forty"), False, ""),
        ("a corner beyond", whole.replace("<p>0 2 1", "<p>0 2 99"), False, ""),
        ("a corner before the first", whole.replace("<p>0 2 1", "<p>0 2 -7"), False, ""),
        ("no triangle", whole.replace("<p>0 2 1 0 1 3 1 2 3 2 0 3</p>", "<p></p>"), False, ""),
        ("a name of HTML", whole.replace('name="wedge"', 'name="&lt;script&gt;"'), True, ""),
        ("cut off", whole[:1500], False, ""),
    ):
        yield Corner(f"dae: {label}", single("p.dae", text.encode()), loads, words)
