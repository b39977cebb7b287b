"""Inventory: files, shapes and words give the parts that a customer would count."""

from __future__ import annotations

import itertools

from tasks.inventory import BodyRow, FileRow, ShapeRow, inventory
from tasks.metadata import Entry


def cad(name: str, *bodies: tuple[str, str], **more: object) -> FileRow:
    """A CAD file that holds `bodies` of (geometry, name)."""
    rows = tuple(BodyRow(geometry=geometry, name=label, **more) for geometry, label in bodies)
    return FileRow(name=name, digest=name, kind="cad", bodies=rows)


def photo(name: str) -> FileRow:
    """A product photograph."""
    return FileRow(name=name, digest=f"digest of {name}", kind="photo")


def shapes(*names: str, unit: str = "mm", **same_as: str) -> dict[str, ShapeRow]:
    """Shapes of 10 x 20 x 30, each its own twin but those in `same_as`."""
    every = {*names, *same_as}
    return {
        n: ShapeRow(geometry=n, same_as=same_as.get(n, n), unit=unit, size=(10, 20, 30), volume=6000.0) for n in every
    }


def test_a_part_is_called_after_its_file() -> None:
    """Without metadata the file's stem is the number."""
    (part,) = inventory([cad("fasteners/M8x40.step", ("g", ""))], shapes("g"), [])
    assert (part.number, part.geometry, part.size_mm) == ("M8x40", "g", (10, 20, 30))
    assert part.occurrences[0].file == "fasteners/M8x40.step"


def test_components_are_called_by_their_own_names() -> None:
    """In an assembly the component's name counts, and nameless ones are numbered."""
    parts = inventory([cad("hinge.step", ("a", "pin"), ("b", "leaf"), ("c", ""))], shapes("a", "b", "c"), [])
    assert [part.number for part in parts] == ["hinge-1", "leaf", "pin"]


def test_two_formats_of_one_part_are_one_part() -> None:
    """A twin in another format joins the part, which then occurs twice."""
    files = [cad("b/knob.stl", ("mesh", "")), cad("a/knob.step", ("solid", "Knob"))]
    (part,) = inventory(files, shapes("solid", mesh="solid"), [])
    assert part.geometry == "solid"
    assert part.name == "Knob"
    assert [place.file for place in part.occurrences] == ["a/knob.step", "b/knob.stl"]


def test_a_twin_that_knows_its_unit_tells_the_size() -> None:
    """An STL has no unit; its STEP twin has."""
    files = [cad("knob.stl", ("mesh", ""))]
    assert inventory(files, shapes("mesh", unit="unknown"), [])[0].size_mm is None
    with_twin = shapes("mesh", unit="unknown") | shapes("solid")
    with_twin["mesh"] = with_twin["mesh"].replace(same_as="solid")
    files.append(cad("knob.step", ("solid", "")))
    assert inventory(files, with_twin, [])[0].size_mm == (10, 20, 30)


def test_a_hint_gives_the_unit() -> None:
    """The customer's file, or the row of the part, says which unit bare meshes are in."""
    files, found = [cad("plate.stl", ("g", ""))], shapes("g", unit="unknown")
    assert inventory(files, found, [], unit="in")[0].size_mm == (254, 508, 762)
    entry = Entry(number="plate", unit="cm")
    assert inventory(files, found, [entry])[0].size_mm == (100, 200, 300)


def test_a_number_that_two_geometries_claim_stays_unique() -> None:
    """Two revisions under one stem are two parts, told apart by the file; the better format keeps the number."""
    files = [cad("stl/knob.stl", ("old", "")), cad("step/knob.stp", ("new", ""))]
    parts = {part.number: part.geometry for part in inventory(files, shapes("old", "new"), [])}
    assert parts == {"knob": "new", "knob (knob.stl)": "old"}


def test_metadata_name_number_and_material() -> None:
    """A row finds its part by file, by number or by name."""
    files = [cad("x/17.stl", ("a", "")), cad("A-2.stl", ("b", "")), cad("asm.step", ("c", "Hex nut"), ("d", "Plate"))]
    entries = [
        Entry(number="A-1", file="17.stl", material="brass"),
        Entry(number="A-2", name="Washer"),
        Entry(number="A-3", name="hex nut", description="DIN 934"),
    ]
    parts = {part.number: part for part in inventory(files, shapes("a", "b", "c", "d"), entries)}
    assert set(parts) == {"A-1", "A-2", "A-3", "Plate"}
    assert parts["A-1"].material == "brass"
    assert parts["A-2"].name == "Washer"
    assert "DIN 934" in parts["A-3"].words


def test_one_geometry_with_two_numbers_is_two_parts() -> None:
    """Zinc and stainless bolts have one shape and two numbers, because the customer says so."""
    files = [cad("zn.step", ("g", "")), cad("a2.step", ("g", "")), cad("copy.step", ("g", ""))]
    entries = [Entry(number="B-ZN", file="zn.step"), Entry(number="B-A2", file="a2.step")]
    parts = {part.number: [o.file for o in part.occurrences] for part in inventory(files, shapes("g"), entries)}
    assert set(parts) == {"B-ZN", "B-A2"}
    assert sorted(itertools.chain(*parts.values())) == ["a2.step", "copy.step", "zn.step"]


def test_one_file_with_two_numbers_is_two_parts() -> None:
    """The customer may sell one geometry in two materials and send one file."""
    entries = [Entry(number="A-1", file="bolt.step", material="steel"), Entry(number="A-2", file="bolt.step")]
    parts = inventory([cad("bolt.step", ("g", ""))], shapes("g"), entries)
    assert [(part.number, part.material) for part in parts] == [("A-1", "steel"), ("A-2", "")]


def test_pictures_of_the_same_name_in_two_folders() -> None:
    """The path tells them apart; one picture may show two parts; a number may stand anywhere in a name."""
    files = [cad("A-100.stl", ("g", "")), *map(photo, ("A1/front.jpg", "B2/front.jpg", "both.jpg", "IMG_3 A-100.jpg"))]
    entries = [
        Entry(number="P-1", photos=("A1/front.jpg", "both.jpg")),
        Entry(number="P-2", photos=("B2/front.jpg", "both.jpg")),
    ]
    parts = {part.number: part.photos for part in inventory(files, shapes("g"), entries)}
    assert parts == {
        "A-100": ("digest of IMG_3 A-100.jpg",),
        "P-1": ("digest of A1/front.jpg", "digest of both.jpg"),
        "P-2": ("digest of B2/front.jpg", "digest of both.jpg"),
    }


def test_photographs_find_their_part() -> None:
    """By number in the name, by the row that names them, by their folder; else they are a part of their own."""
    files = [
        cad("M8x40.step", ("g", "")),
        cad("M8.step", ("h", "")),
        *(photo(name) for name in ("M8x40_front.JPG", "img_0001.jpg", "photos/M8/side.png", "gasket 7 (2).jpg")),
    ]
    entries = [Entry(number="R-9", name="Seal", photos=("img_0001.jpg",))]
    parts = {part.number: part for part in inventory(files, shapes("g", "h"), entries)}
    assert parts["M8x40"].photos == ("digest of M8x40_front.JPG",)
    assert parts["M8"].photos == ("digest of photos/M8/side.png",)
    assert parts["R-9"].photos == ("digest of img_0001.jpg",)
    assert parts["R-9"].geometry == ""
    assert parts["gasket 7"].photos == ("digest of gasket 7 (2).jpg",)


def test_the_order_of_files_does_not_matter() -> None:
    """Workers finish in any order; the parts are the same."""
    files = [
        cad("b/knob.stl", ("old", "")),
        cad("a/knob.step", ("new", "")),
        cad("asm.step", ("new", "Knob"), ("x", "Pin")),
        photo("knob.jpg"),
    ]
    found = shapes("old", "new", "x")
    expected = inventory(files, found, [Entry(number="K", name="Knob")])
    assert all(
        inventory(order, found, [Entry(number="K", name="Knob")]) == expected for order in itertools.permutations(files)
    )
