"""OBJ arrives with its objects and materials, and reads nothing outside its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tasks.readers.obj import Obj
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """# units: inch
mtllib look.mtl
o plate
v 0 0 0
v 4 0 0
v 4 3 0
v 0 3 0
vn 0 0 1
usemtl red
f 1//1 2//1 3//1 4//1
o tab
v 0 0 1
v 1 0 1
v 1 1 1
usemtl blue
f -3 -2 -1
"""
LOOK = "newmtl red\nKd 0.9 0.1 0.1\nnewmtl blue\nKd 0 0 1\nmap_Kd -s 1 1 1 paint.png\n"


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """An OBJ file of two objects in inches with a library of two materials, one of them painted."""
    from PIL import Image

    (tmp_path / "part.obj").write_text(TEXT, encoding="utf-8")
    (tmp_path / "look.mtl").write_text(LOOK, encoding="utf-8")
    Image.new("RGB", (4, 4), (0, 102, 204)).save(tmp_path / "paint.png")
    return tmp_path / "part.obj"


def test_objects_are_bodies(part: Path) -> None:
    """Each object is a body with its name; polygons, negative corners and the unit in a comment are understood."""
    plate, tab = Obj()(part)
    assert (plate.name, len(plate.faces), plate.unit) == ("plate", 2, "mm")
    assert (tab.name, len(tab.faces), len(tab.vertices)) == ("tab", 1, 3)
    assert np.ptp(plate.vertices, axis=0) == pytest.approx((4 * 25.4, 3 * 25.4, 0))


def test_materials_give_colours(part: Path) -> None:
    """A material's colour is that of its texture where it has one, and its name is kept."""
    plate, tab = Obj()(part)
    assert (plate.material, plate.colour) == ("red", (0.9, 0.1, 0.1))
    assert tab.colour == pytest.approx((0, 0.4, 0.8), abs=0.01)
    assert Obj().companions(part) == ["look.mtl", "paint.png"]


def test_a_missing_library_spoils_nothing(part: Path) -> None:
    """Without its materials a part is a part without colours."""
    (part.parent / "look.mtl").unlink()
    assert [body.colour for body in Obj()(part)] == [None, None]


def test_nothing_outside_its_folder_is_read(part: Path, tmp_path: Path) -> None:
    """A library above the file's folder, or behind a link that leads out, gives no colours."""
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "link.mtl").symlink_to(tmp_path / "look.mtl")
    for name in ("../look.mtl", "..\\look.mtl", str(tmp_path / "look.mtl"), "link.mtl"):
        (folder / "a.obj").write_text(TEXT.replace("look.mtl", name), encoding="utf-8")
        assert {body.colour for body in Obj()(folder / "a.obj")} == {None}
    assert {body.colour for body in Obj()(part)} != {None}


def test_vertex_colours_are_found(tmp_path: Path) -> None:
    """Some scanners write a colour behind each vertex."""
    path = tmp_path / "a.obj"
    path.write_text("v 0 0 0 1 0.5 0\nv 1 0 0 1 0.5 0\nv 0 1 0 1 0.5 0\nf 1 2 3\n", encoding="utf-8")
    assert Obj()(path)[0].colour == (1.0, 0.5, 0.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("v 0 0 0\nv 1 0 0\nf 1 2 9\n", "corners are missing"),
        ("v 0 0 0\nv 1 0 0\nv 1 1 0\nf 0 1 2\n", "corners are missing"),
        ("v 0 0 0\nv 1 0\nf 1 2 2\n", "fewer than three coordinates"),
        ("v 0 0 0\n", "no solid or surface"),
        ("v 0 0 0\0", "not text"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, words: str) -> None:
    """Damage in each of its forms has a sentence."""
    (tmp_path / "a.obj").write_text(text, encoding="utf-8")
    with pytest.raises(Refusal, match=words):
        Obj()(tmp_path / "a.obj")
