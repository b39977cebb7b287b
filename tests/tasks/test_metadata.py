"""Metadata: the tables that customers really send."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.metadata import Entry, entries


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("parts.csv", b"number,name,material\nA-1,Flansch,Edelstahl A2\n"),
        ("PARTS.CSV", "Teilenummer;Benennung;Werkstoff\r\nA-1;Flansch;Edelstahl A2\r\n".encode("cp1252")),
        ("parts.csv", "\ufeffPart No.\tTitle\tMaterial\nA-1\tFlansch\tEdelstahl A2\n".encode()),
        ("parts.json", b'[{"number": "A-1", "name": "Flansch", "material": "Edelstahl A2"}]'),
        ("parts.json", b'{"A-1": {"name": "Flansch", "material": "Edelstahl A2"}}'),
        ("parts.json", b'{"parts": [{"sku": "A-1", "title": "Flansch", "material": "Edelstahl A2"}]}'),
    ],
)
def test_one_part_in_many_writings(tmp_path: Path, name: str, data: bytes) -> None:
    """Delimiter, encoding, language and form do not matter."""
    path = tmp_path / name
    path.write_bytes(data)
    found, wrong = entries(path, name)
    assert found == (Entry(number="A-1", name="Flansch", material="Edelstahl A2"),)
    assert wrong == ""


def test_umlauts_of_an_old_excel(tmp_path: Path) -> None:
    """cp1252 is read where UTF-8 is not."""
    path = tmp_path / "parts.csv"
    path.write_bytes("number;name\nA;Stützring für Öl\n".encode("cp1252"))
    assert entries(path, "parts.csv")[0][0].name == "Stützring für Öl"


def test_several_photographs(tmp_path: Path) -> None:
    """A cell may name several pictures."""
    path = tmp_path / "parts.csv"
    path.write_text("number;photo\nA;a.jpg | b.jpg\n")
    assert entries(path, "x/parts.csv")[0] == (Entry(number="A", photos=("a.jpg", "b.jpg"), folder="x"),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("height,width\n1,2\n", "names no part"),
        ("", "names no part"),
        ("number,name\nA,x\nA,y\n", "first row of each counts"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, sentence: str) -> None:
    """A table that cannot be used is a sentence with its name, not an error."""
    path = tmp_path / "parts.csv"
    path.write_text(text)
    found, wrong = entries(path, "sub/parts.csv")
    assert sentence in wrong
    assert "sub/parts.csv" in wrong
    assert len(found) <= 1


def test_broken_json_is_said(tmp_path: Path) -> None:
    """Half a JSON file is a sentence too."""
    path = tmp_path / "parts.json"
    path.write_text('[{"number": "A"')
    assert "cannot be read" in entries(path, "parts.json")[1]


def test_hostile_tables_are_said(tmp_path: Path) -> None:
    """Nesting without end, surrogates and Windows paths do no harm."""
    path = tmp_path / "parts.json"
    path.write_text("[" * 200_000)
    assert "cannot be read" in entries(path, "parts.json")[1]
    path.write_text('[{"number": "A\\ud800", "file": "cad\\\\x17.step", "photo 1": "a.jpg", "photo 2": "b.jpg"}]')
    (entry,) = entries(path, "parts.json")[0]
    assert (entry.number, entry.file, entry.photos) == ("A?", "cad/x17.step", ("a.jpg", "b.jpg"))


def test_the_first_row_of_a_number_counts(tmp_path: Path) -> None:
    """Of two rows with one number, the first is kept, and the order of the table."""
    path = tmp_path / "parts.csv"
    path.write_text("number,name\nB,second\nA,first\nB,again\n")
    assert [(e.number, e.name) for e in entries(path, "parts.csv")[0]] == [("B", "second"), ("A", "first")]
