"""Files that refer to what is not in their upload: nothing there may be read, on this machine or on another."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import formats
from corners import SECRET_COLOUR, Corner, single
from formats import MODEL_3MF, WEDGE, dae, packed, wedge_3mf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARK = "WHAT-IS-NOT-THE-CUSTOMERS"


def secrets(folder: Path, stem: str = "secret") -> None:
    """Lay what nobody may read into `folder`: a material, a picture, a buffer and a text."""
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (32, 32), tuple(round(channel * 255) for channel in SECRET_COLOUR)).save(stream, "PNG")
    (folder / f"{stem}.png").write_bytes(stream.getvalue())
    (folder / f"{stem}.mtl").write_text("newmtl x\nKd {} {} {}\n".format(*SECRET_COLOUR))
    (folder / f"{stem}.bin").write_bytes(formats.wedge_gltf()[1])
    (folder / f"{stem}.txt").write_text(MARK)


def ways(suffix: str, root: str, port: int) -> dict[str, str]:
    """Names that lead out of an upload, to the secret with this suffix."""
    name = f"secret.{suffix}"
    return {
        "above": f"../{name}",
        "above and back": f"./x/../../{name}",
        "above, as on Windows": f"..\\{name}",
        "above, coded": f"%2e%2e/{name}",
        "absolute": f"{root}/{name}",
        "a file's address": f"file://{root}/{name}",
        "a web address": f"http://127.0.0.1:{port}/{name}",
        "a link": f"link.{suffix}",
    }


def inside(suffix: str) -> dict[str, str]:
    """The same names, of a secret that the customer sent along: it is read."""
    return {"inside": f"inside.{suffix}"}


def corners(root: str = "/nowhere", port: int = 9) -> Iterator[Corner]:
    """References of each format that leave the upload, whose folder lies in `root`."""
    yield from referring({suffix: ways(suffix, root, port) for suffix in ("mtl", "png", "bin", "txt")}, loads=False)


def referring(names: dict[str, dict[str, str]], *, loads: bool) -> Iterator[Corner]:
    """Uploads that refer to these names; a buffer that has to be there decides whether a file `loads`."""
    points = "".join(f"v {x} {y} {z}\n" for x, y, z in WEDGE[0])
    faces = "".join(f"f {a + 1} {b + 1} {c + 1}\n" for a, b, c in WEDGE[1])
    for way, name in names["mtl"].items():
        data = f"mtllib {name}\n{points}usemtl x\n{faces}".encode()
        yield Corner(f"obj: a library {way}", single("p.obj", data), True)
    for way, name in names["png"].items():
        painted = f"mtllib a.mtl\n{points}usemtl x\n{faces}".encode()
        library = f"newmtl x\nmap_Kd {name}\n".encode()
        yield Corner(f"obj: a picture {way}", single("p.obj", painted, **{"a.mtl": library}), True)
        document, buffer = formats.wedge_gltf()
        document["images"], document["textures"] = [{"uri": name}], [{"source": 0}]
        document["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
        yield Corner(f"gltf: a picture {way}", single("p.glb", formats.glb(document, buffer)), True)
        images = f'<image id="i"><init_from>{name}</init_from></image>'
        yield Corner(f"dae: a picture {way}", single("p.dae", dae(images=images)), True)
    for way, name in names["bin"].items():
        document, buffer = formats.wedge_gltf()
        document["buffers"] = [{"byteLength": len(buffer), "uri": name}]
        words = "" if loads else "which is not beside it"
        yield Corner(f"gltf: a buffer {way}", single("p.gltf", json.dumps(document).encode()), loads, words)
    for way, name in names["txt"].items():
        yield from _entities(way, name)


def _entities(way: str, name: str) -> Iterator[Corner]:
    """XML that takes in another file: as an entity, a parameter, a document type, or an inclusion."""
    model = MODEL_3MF.format(objects=wedge_3mf("&x;"), items='<item objectid="2"/>')
    scene = dae().decode().replace('name="wedge"', 'name="&x;"').replace("<triangles", "&x;<triangles")
    entity = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{name}">]>'
    parameter = f'<!DOCTYPE a [<!ENTITY % y SYSTEM "{name}"> %y; <!ENTITY x "z">]>'
    outside = f'<!DOCTYPE a SYSTEM "{name}">'
    words = "declares a document type or entities"
    for kind, head in (("an entity", entity), ("a parameter", parameter), ("a document type", outside)):
        package = packed({"3D/3dmodel.model": model.replace("<model", head + "<model").encode()})
        yield Corner(f"3mf: {kind} {way}", single("p.3mf", package), False, words)
        yield Corner(
            f"dae: {kind} {way}", single("p.dae", scene.replace("<COLLADA", head + "<COLLADA").encode()), False, words
        )
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{name}" parse="text"/>'
    package = packed({"3D/3dmodel.model": model.replace("&x;", "w").replace("<build>", include + "<build>").encode()})
    yield Corner(f"3mf: an inclusion {way}", single("p.3mf", package), True)
    plain = dae().decode().replace("<library_images>", f"<library_images>{include}")
    yield Corner(f"dae: an inclusion {way}", single("p.dae", plain.encode()), None)
