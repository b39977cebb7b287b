"""OBJ arrives with its objects and materials, and reads nothing outside its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from blocks.customer import Quotas
from blocks.source import Source
from tasks import confine
from tasks.ingest import read, scan
from tasks.readers import obj
from tasks.readers.obj import Obj
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
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


@pytest.mark.parametrize(
    "look",
    [
        LOOK.replace("\n", "\r"),
        "# " + "x" * 1_100_000 + "\n" + LOOK,
        LOOK.replace("1 paint.png", '1 \\\n"paint.png"'),
        "newmtl red\nKd spectral a.rfl 1\n" + LOOK,
    ],
    ids=["returns", "late", "continued", "spectrum"],
)
def test_what_is_read_may_be_read(part: Path, look: str) -> None:
    """A texture is found before the sandbox wherever its reader finds it, so that it is open to it."""
    (part.parent / "look.mtl").write_text(look, encoding="utf-8", newline="")
    assert Obj().companions(part) == ["look.mtl", "paint.png"]
    with Source(location=str(part)).open(Quotas()) as listing:
        (found,) = scan(listing, "acme")
    reading = read(found, Quotas())
    assert reading.reason == ""
    assert reading.bodies[1].colour == pytest.approx((0, 0.4, 0.8), abs=0.01)


def test_what_may_not_be_read_spoils_nothing(part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library or a texture that is closed to the reader is one that is missing."""
    for closed, colours in ((["look.mtl"], [(0.9, 0.1, 0.1), (0, 0, 1)]), ([], [None, None])):
        monkeypatch.setattr(Obj, "companions", lambda *_, names=closed: names)
        with Source(location=str(part)).open(Quotas()) as listing:
            (found,) = scan(listing, "acme")
        reading = read(found, Quotas())
        assert reading.reason == ""
        if confine.landlock_version():
            assert [body.colour for body in reading.bodies] == colours


def test_a_shared_library_is_searched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand files may name the same libraries, which are looked through outside the sandbox."""
    for index in range(20):
        (tmp_path / f"{index}.mtl").write_text(f"newmtl a\nmap_Kd {index}.png\n", encoding="utf-8")
    for index in range(30):
        (tmp_path / f"{index}.obj").write_text("".join(f"mtllib {name}.mtl\n" for name in range(20)), encoding="utf-8")
    searched: list[str] = []
    whole = obj._statements

    def counted(library: Path) -> Iterator[tuple[bytes, list[bytes]]]:
        searched.append(library.name)
        return whole(library)

    monkeypatch.setattr(obj, "_statements", counted)
    for index in range(30):
        assert len(Obj().companions(tmp_path / f"{index}.obj")) == 40
    assert sorted(searched) == sorted(f"{index}.mtl" for index in range(20))
    monkeypatch.setattr(obj, "MOST_LIBRARY_BYTES", 100)
    assert len(obj._libraries(tmp_path / "0.obj", (tmp_path / "0.obj").read_bytes())) < 10
    (tmp_path / "3.mtl").write_text("newmtl a\nmap_Kd another.png\n", encoding="utf-8")
    monkeypatch.undo()
    assert "another.png" in Obj().companions(tmp_path / "0.obj")


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
