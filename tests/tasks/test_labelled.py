"""Photographs are sorted by the part that somebody says they show, however it is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.labelled import photographs

PARTS = ("A-1", "B/2 rev C", "Stützring")


def put(path: Path) -> Path:
    """A photograph."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((20, 30, 3), 90, np.uint8)).save(path)
    return path


def labels(place: Path) -> dict[str, tuple[str, str]]:
    """Part and difficulty of each photograph, by its file's name."""
    found, notes = photographs(place, PARTS)
    assert not notes
    assert len({query.id for query in found}) == len(found)
    assert all(query.renderer == "photo" and query.pixels.shape == (20, 30, 3) for query in found)
    return {Path(query.file).name: (query.part, query.difficulty) for query in found}


def test_a_folder_for_each_part(tmp_path: Path) -> None:
    """Named by the number, or as a file system allows it to be named; deeper folders belong to it."""
    put(tmp_path / "A-1" / "1.jpg")
    put(tmp_path / "a-1 " / "2.PNG")
    put(tmp_path / "B_2 rev C" / "at night" / "3.webp")
    put(tmp_path / "Stützring" / "x__clutter.jpg")
    put(tmp_path / "A-1" / ".hidden.jpg")
    (tmp_path / "A-1" / "notes.txt").write_text("")
    assert labels(tmp_path) == {
        "1.jpg": ("A-1", "photo"),
        "2.PNG": ("A-1", "photo"),
        "3.webp": ("B/2 rev C", "photo"),
        "x__clutter.jpg": ("Stützring", "cluttered"),
    }


def test_pictures_that_carry_the_number(tmp_path: Path) -> None:
    """`<number>__<k>__<clean|clutter>.jpg` in one folder, and a bare number."""
    expected = {
        "A-1__0__clean.jpg": ("A-1", "clean"),
        "A-1__2__clutter.jpg": ("A-1", "cluttered"),
        "Stützring__1__occluded.jpg": ("Stützring", "occluded"),
        "Stützring__7.jpg": ("Stützring", "photo"),
        "A-1.png": ("A-1", "photo"),
    }
    for name in expected:
        put(tmp_path / name)
    assert labels(tmp_path) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_table(tmp_path: Path, encoding: str) -> None:
    """A CSV by itself, or in the folder of its pictures; columns may have the names that people give them."""
    put(tmp_path / "in" / "1.jpg")
    put(tmp_path / "in" / "2.jpg")
    table = tmp_path / "in" / "photos.csv"
    table.write_bytes("Datei;Teilenummer;difficulty\r\n1.jpg;Stützring;Clutter\r\n2.jpg;A-1;\r\n".encode(encoding))
    expected = {"1.jpg": ("Stützring", "cluttered"), "2.jpg": ("A-1", "photo")}
    assert labels(table) == expected
    assert labels(table.parent) == expected


def test_names_that_no_part_has(tmp_path: Path) -> None:
    """They are left out and named, with what may be meant; where nothing is left, that is an error."""
    put(tmp_path / "A-1" / "1.jpg")
    put(tmp_path / "A-11" / "1.jpg")
    put(tmp_path / "stuetzring" / "1.jpg")
    found, (note,) = photographs(tmp_path, PARTS)
    assert [query.part for query in found] == ["A-1"]
    assert note.startswith("'A-11', 'stuetzring' are no parts of this catalogue")
    assert "Is it A-1" in note
    put(tmp_path / "other" / "A-11__0.jpg")
    with pytest.raises(ValueError, match=r"None of the 1 photographs in .* 'A-11' is no part .*partsight parts"):
        photographs(tmp_path / "other", ("X",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,part,difficulty\nx.jpg,A-1,hard\n", "clean, cluttered or occluded"),
        ("file,price\nx.jpg,7\n", "needs the columns file and part"),
        ("", "no photograph"),
    ],
)
def test_a_wrong_table_is_an_error_in_words(tmp_path: Path, text: str, said: str) -> None:
    """The sentence names the table and what it wants."""
    table = tmp_path / "photos.csv"
    table.write_text(text)
    with pytest.raises(ValueError, match=said) as error:
        photographs(table, PARTS)
    assert "photos.csv" in str(error.value)


def test_a_folder_without_pictures_says_how_it_should_look(tmp_path: Path) -> None:
    """An empty folder, and one with other files."""
    (tmp_path / "readme.txt").write_text("")
    with pytest.raises(ValueError, match="a folder for each part"):
        photographs(tmp_path, PARTS)


def test_two_parts_that_a_folder_cannot_tell_apart(tmp_path: Path) -> None:
    """Only the exact number counts then."""
    put(tmp_path / "B_2" / "1.jpg")
    with pytest.raises(ValueError, match="B_2"):
        photographs(tmp_path, ("B/2", "B:2"))
