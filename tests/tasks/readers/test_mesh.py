"""STL, PLY and OFF: one body each, and no unit but for a hint."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trimesh

from tasks.readers.mesh import Mesh
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from pathlib import Path

BOX = trimesh.creation.box((10, 20, 30))


def stl(header: bytes = b"", count: int | None = None, triangles: int = 12) -> bytes:
    """A binary STL file of the box with this header, which announces `count` triangles."""
    data: bytes = BOX.export(file_type="stl")
    return header.ljust(80, b"\0") + struct.pack("<I", 12 if count is None else count) + data[84 : 84 + 50 * triangles]


def read(path: Path, data: bytes | str) -> trimesh.Trimesh:
    """What the reader makes of a file with this content."""
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    (body,) = Mesh()(path)
    assert (body.name, body.path, body.count) == ("", "", 1)
    return body


@pytest.mark.parametrize("kind", ["stl", "stl_ascii", "ply", "off"])
def test_each_format_gives_the_same_box(tmp_path: Path, kind: str) -> None:
    """Binary and text formats give the same closed box of 8 corners, with an unknown unit."""
    body = read(tmp_path / f"a.{kind[:3]}", BOX.export(file_type=kind))
    assert np.ptp(body.vertices, axis=0) == pytest.approx((10, 20, 30))
    assert (len(body.vertices), len(body.faces), body.unit) == (8, 12, "unknown")


@pytest.mark.parametrize(
    ("name", "header", "unit", "longest"),
    [
        ("bracket_mm.stl", b"", "mm", 30),
        ("bracket-inch.stl", b"", "mm", 30 * 25.4),
        ("a.stl", b"exported, UNITS=mm", "mm", 30),
        ("a.stl", b"solid a units: inches", "mm", 30 * 25.4),
        ("clip_for_8mm_sleeve.stl", b"", "unknown", 30),
        ("lever_in.stl", b"", "unknown", 30),
        ("a.stl", b"unit test", "unknown", 30),
    ],
)
def test_hints_tell_the_unit(tmp_path: Path, name: str, header: bytes, unit: str, longest: float) -> None:
    """A header or a file's name that names a unit is believed; a dimension in the name is none."""
    body = read(tmp_path / name, stl(header))
    assert body.unit == unit
    assert np.ptp(body.vertices, axis=0).max() == pytest.approx(longest)


@pytest.mark.parametrize("count", [0, 5, 13, 1_000_000_000])
def test_a_header_that_lies_is_refused(tmp_path: Path, count: int) -> None:
    """The number of triangles in the header has to be what the file holds."""
    with pytest.raises(Refusal, match=f"announces {count} triangles but holds 12"):
        read(tmp_path / "a.stl", stl(count=count))


def test_a_binary_file_may_begin_with_solid(tmp_path: Path) -> None:
    """Many programs write "solid" into the header of a binary file, and some leave bytes behind the end."""
    assert len(read(tmp_path / "a.stl", stl(b"solid part")).faces) == 12
    assert len(read(tmp_path / "b.stl", stl(b"solid part") + b"\0\0").faces) == 12


def test_what_was_cut_off_says_so(tmp_path: Path) -> None:
    """Truncated files of each kind are refused."""
    with pytest.raises(Refusal, match="announces 12 triangles but holds 7"):
        read(tmp_path / "a.stl", stl(triangles=7))
    with pytest.raises(Refusal, match="ends before its endsolid line"):
        read(tmp_path / "b.stl", BOX.export(file_type="stl_ascii")[:700])
    with pytest.raises(Refusal, match="too short"):
        read(tmp_path / "c.stl", b"so")


SQUARE = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n"
PLY = "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\nelement face 3\n"
PLY += "property list uchar int vertex_indices\nend_header\n" + SQUARE


@pytest.mark.parametrize(("name", "head"), [("a.off", "OFF # of ours\n4 3 0\n\n" + SQUARE), ("a.ply", PLY)])
def test_a_line_among_the_faces_is_left_out(tmp_path: Path, name: str, head: str) -> None:
    """A face of two corners is none, and no sign that a file was cut off; one that is not there is."""
    assert len(read(tmp_path / name, f"{head}3 0 1 2\n2 0 1\n3 0 2 3\n".encode()).faces) == 2
    assert len(read(tmp_path / name, f"{head}3 0 1 2\n3 0 2 3\n2 0 1".encode()).faces) == 2
    for rest in ("3 0 1 2\n2 0 1\n", "3 0 1 2\n2 0 1\n3 0 2"):
        with pytest.raises((Refusal, ValueError, IndexError)):
            read(tmp_path / name, f"{head}{rest}".encode())


def test_colours_are_found(tmp_path: Path) -> None:
    """Colours of vertices and faces, and the one that some programs write into an STL header."""
    for kind in ("vertex", "face"):
        painted = BOX.copy()
        setattr(painted.visual, f"{kind}_colors", [204, 102, 0, 255])
        body = read(tmp_path / f"{kind}.ply", painted.export(file_type="ply"))
        assert body.colour == pytest.approx((0.8, 0.4, 0.0))
    assert read(tmp_path / "a.stl", stl(b"COLOR=\xcc\x66\x00\xff")).colour == pytest.approx((0.8, 0.4, 0.0))
    assert read(tmp_path / "b.stl", stl()).colour is None


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.ply", b"no ply", "does not begin like a PLY"),
        ("a.ply", trimesh.PointCloud(np.eye(3)).export(file_type="ply"), "points and no faces"),
        ("a.off", b"solid", "does not begin like an OFF"),
        ("a.stl", b"solid a\nendsolid a\n".ljust(90), "no solid or surface"),
    ],
)
def test_what_is_no_mesh_says_why(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    """Other content, points without faces and nothing at all each have their sentence."""
    with pytest.raises(Refusal, match=words):
        read(tmp_path / name, data)


def test_a_flat_triangle_is_a_surface_and_a_line_is_not(tmp_path: Path) -> None:
    """A surface without volume is a part; what has no area is not."""
    flat = "OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n"
    assert len(read(tmp_path / "a.off", flat).faces) == 1
    with pytest.raises(Refusal, match="no solid or surface"):
        read(tmp_path / "b.off", flat.replace("0 1 0\n", "2 0 0\n"))


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    """Coordinates that are infinite, or larger than a country, come from damage."""
    for value, words in ((np.inf, "not finite"), (1e20, "beyond anything")):
        broken = BOX.copy()
        broken.vertices[0, 0] = value
        with pytest.raises(Refusal, match=words):
            read(tmp_path / "a.ply", broken.export(file_type="ply"))
