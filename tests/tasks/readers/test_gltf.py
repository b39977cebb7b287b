"""glTF arrives with its names, colours and instances, in mm, and reads nothing outside its folder."""

from __future__ import annotations

import base64
import json
import struct
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np
import pytest

from blocks.customer import Quotas
from blocks.source import Source
from tasks import confine
from tasks.ingest import read, scan
from tasks.readers.gltf import Gltf
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from pathlib import Path

POINTS = np.array([[0, 0, 0], [0.01, 0, 0], [0, 0.02, 0], [0, 0, 0.03]], dtype="<f4")
CORNERS = np.array([0, 2, 1, 0, 1, 3, 1, 2, 3, 0, 3, 2], dtype="<u2")
DATA = POINTS.tobytes() + CORNERS.tobytes()
MIRRORED = {"mesh": 0, "scale": [-1, 1, 1]}


def document(nodes: list[dict[str, Any]], uri: str = "") -> dict[str, Any]:
    """A glTF document with one wedge of 10 x 20 x 30 mm, and nodes that place it."""
    buffer = {"byteLength": len(DATA)} | ({"uri": uri} if uri else {})
    return {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": nodes,
        "meshes": [{"name": "wedge", "primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
        "materials": [{"name": "Brass", "pbrMetallicRoughness": {"baseColorFactor": [0.5, 0.2, 0.0, 1]}}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5123, "count": 12, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteLength": 48},
            {"buffer": 0, "byteOffset": 48, "byteLength": 24},
        ],
        "buffers": [buffer],
    }


def glb(path: Path, content: dict[str, Any], data: bytes = DATA) -> Path:
    """A .glb file of a document and its binary data."""
    text = json.dumps(content).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data
    path.write_bytes(b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks)
    return path


def test_metres_become_millimetres(tmp_path: Path) -> None:
    """Sizes are in mm; the colour is sRGB, although the file has it linear; names are kept."""
    (body,) = Gltf()(glb(tmp_path / "a.glb", document([{"mesh": 0}])))
    assert np.ptp(body.vertices, axis=0) == pytest.approx((10, 20, 30))
    assert (body.name, body.material, body.unit) == ("wedge", "Brass", "mm")
    assert body.colour == pytest.approx((0.735, 0.485, 0.0), abs=0.001)


def test_instances_are_counted_and_mirrors_told_apart(tmp_path: Path) -> None:
    """Turned and shifted instances are one body; a mirrored and a scaled one have geometries of their own."""
    turned = {"mesh": 0, "rotation": [0, 0, 0.6, 0.8], "translation": [1, 2, 3]}
    group = {"name": "group", "children": [1, 2, 3, 4]}
    nodes = [group, {"mesh": 0}, turned, MIRRORED, {"mesh": 0, "scale": [2, 2, 2]}]
    bodies = Gltf()(glb(tmp_path / "a.glb", document(nodes)))
    assert [(body.count, body.path) for body in bodies] == [(2, "group"), (1, "group"), (1, "group")]
    assert np.ptp(bodies[2].vertices, axis=0) == pytest.approx((20, 40, 60))


def test_mirrored_faces_still_look_outwards(tmp_path: Path) -> None:
    """The signed volume of a mirrored instance is that of the original, not its negative."""
    plain, mirrored = Gltf()(glb(tmp_path / "a.glb", document([{"children": [1, 2]}, {"mesh": 0}, MIRRORED])))
    volumes = [np.einsum("ij,ij->i", *_wedges(body.vertices[body.faces])).sum() / 6 for body in (plain, mirrored)]
    assert volumes == pytest.approx([1000, 1000])


def _wedges(corners: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    return corners[:, 0], np.cross(corners[:, 1], corners[:, 2])


def test_buffers_come_from_beside_the_file_alone(tmp_path: Path) -> None:
    """A buffer in the same folder is read; one above it is not, by whatever name."""
    folder = tmp_path / "ours"
    folder.mkdir()
    for place in (folder, tmp_path):
        (place / "data.bin").write_bytes(DATA)
    path = folder / "a.gltf"
    path.write_text(json.dumps(document([{"mesh": 0}], "data.bin")), encoding="utf-8")
    assert len(Gltf()(path)) == 1
    assert Gltf().companions(path) == ["data.bin"]
    for name in ("../data.bin", str(tmp_path / "data.bin"), "%2e%2e/data.bin", "..%5Cdata.bin"):
        path.write_text(json.dumps(document([{"mesh": 0}], name)), encoding="utf-8")
        with pytest.raises(Refusal, match="which is not beside it"):
            Gltf()(path)


@pytest.mark.parametrize("searched", [1_000_000, 0])
@pytest.mark.parametrize("name", ['"\\u00e4.bin"', '"sub\\/\u00e4.bin"', '"%C3%A4.bin"', '"a\\"b.bin"'])
def test_a_buffer_is_found_however_its_name_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, searched: int
) -> None:
    """What its reader opens is what it may open: JSON has several ways to write one name."""
    monkeypatch.setattr("tasks.readers.gltf.MOST_SEARCHED", searched)
    wanted = unquote(json.loads(name))
    (tmp_path / "sub").mkdir()
    (tmp_path / wanted).write_bytes(DATA)
    path = tmp_path / "a.gltf"
    path.write_text(json.dumps(document([{"mesh": 0}], "NAME")).replace('"NAME"', name), encoding="utf-8")
    assert Gltf().companions(path) == [wanted]
    with Source(location=str(path)).open(Quotas()) as listing:
        (found,) = scan(listing, "acme")
    reading = read(found, Quotas())
    assert (reading.reason, len(reading.bodies)) == ("", 1)


def test_a_buffer_that_may_not_be_opened_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says which file is missing, and not that the one that needs it is damaged."""
    path = tmp_path / "a.gltf"
    path.write_text(json.dumps(document([{"mesh": 0}], "data.bin")), encoding="utf-8")
    (tmp_path / "data.bin").write_bytes(DATA)
    monkeypatch.setattr(Gltf, "companions", lambda *_: [])
    with Source(location=str(path)).open(Quotas()) as listing:
        (found,) = scan(listing, "acme")
    if confine.landlock_version():
        assert read(found, Quotas()).reason == "a.gltf needs data.bin, which cannot be opened."


def test_buffers_may_stand_in_the_file(tmp_path: Path) -> None:
    """A data URI is as good as a file, and no companion."""
    uri = "data:application/octet-stream;base64," + base64.b64encode(DATA).decode()
    path = tmp_path / "a.gltf"
    path.write_text(json.dumps(document([{"mesh": 0}], uri)), encoding="utf-8")
    assert len(Gltf()(path)[0].faces) == 4
    assert Gltf().companions(path) == []


def test_strips_fans_and_sparse_values(tmp_path: Path) -> None:
    """What few exporters use is read as the specification says."""
    strip = document([{"mesh": 0}])
    strip["meshes"][0]["primitives"][0] = {"attributes": {"POSITION": 0}, "mode": 5}
    first, second = (
        np.roll(face, -list(face).index(1)) for face in Gltf()(glb(tmp_path / "strip.glb", strip))[0].faces
    )
    assert (first[1], second[-1]) == (2, 2)  # along the edge they share, one runs from 1 to 2 and one from 2 to 1
    strip["meshes"][0]["primitives"][0]["mode"] = 6
    assert len(Gltf()(glb(tmp_path / "fan.glb", strip))[0].faces) == 2
    sparse = document([{"mesh": 0}])
    sparse["bufferViews"] += [
        {"buffer": 0, "byteOffset": 72, "byteLength": 2},
        {"buffer": 0, "byteOffset": 76, "byteLength": 12},
    ]
    where = {"bufferView": 2, "componentType": 5123}
    sparse["accessors"][0]["sparse"] = {"count": 1, "indices": where, "values": {"bufferView": 3}}
    sparse["buffers"][0]["byteLength"] = 88
    data = DATA + struct.pack("<HHfff", 1, 0, 0.05, 0, 0)
    (body,) = Gltf()(glb(tmp_path / "sparse.glb", sparse, data))
    assert np.ptp(body.vertices, axis=0) == pytest.approx((50, 20, 30))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"extensionsRequired": ["KHR_draco_mesh_compression"]}, "export it without compression"),
        ({"nodes": [{"children": [0]}]}, "nests them more than"),
        ({"bufferViews": [{"buffer": 0, "byteLength": 9999}] * 2}, "announces more data than it holds"),
        ({"meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "mode": 1}]}]}, "holds no solid or surface"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    """Compression, circles, missing data and lines each have their sentence."""
    with pytest.raises(Refusal, match=words):
        Gltf()(glb(tmp_path / "a.glb", document([{"mesh": 0}]) | changes))


def test_what_was_cut_off_says_so(tmp_path: Path) -> None:
    """A truncated file is refused by the length in its header."""
    path = glb(tmp_path / "a.glb", document([{"mesh": 0}]))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(Refusal, match="ends before the length it announces"):
        Gltf()(path)


def test_a_texture_gives_its_mean_colour(tmp_path: Path) -> None:
    """A part that is painted with a picture has the colour of that picture; a missing one spoils nothing."""
    from PIL import Image

    Image.new("RGB", (8, 8), (200, 100, 0)).save(tmp_path / "paint.png")
    painted = document([{"mesh": 0}]) | {"images": [{"uri": "paint.png"}], "textures": [{"source": 0}]}
    painted["materials"][0]["pbrMetallicRoughness"] = {"baseColorTexture": {"index": 0}}
    path = glb(tmp_path / "a.glb", painted)
    assert Gltf()(path)[0].colour == pytest.approx((200 / 255, 100 / 255, 0), abs=0.01)
    assert Gltf().companions(path) == ["paint.png"]
    (tmp_path / "paint.png").unlink()
    assert Gltf()(path)[0].colour is None
