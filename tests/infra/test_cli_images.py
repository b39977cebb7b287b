"""`partsight images` writes pictures where it is told to, whatever the parts are called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.cli.images import folder_names

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

ESCAPES = ("../../evil", "a/b", "A/B", "con", "", "..", "x" * 300, "tab\tnew\nline", "\u202egnp", "end. ")


def test_images_are_written_one_folder_for_each_part(
    partsight: Any, picture: Callable[[int], bytes], tmp_path: Path
) -> None:
    """The accepted pictures only, named by kind and place, as they are stored."""
    code, out, _ = partsight("images", "acme", "--out", tmp_path / "out", "--json")
    said = json.loads(out)
    assert code == 0
    assert (said["parts"], said["images"]) == (4, 4)
    written = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert written == ["B-1/view-000.jpg", "B-2/view-000.jpg", "B-3/view-000.jpg", "W-9/view-000.jpg"]
    assert (tmp_path / "out" / "B-2" / "view-000.jpg").read_bytes() == picture(1)
    assert "1 pictures of 1 parts" in partsight("images", "acme", "--part", "B-2", "--out", tmp_path / "one")[1]


def test_images_of_parts_with_evil_numbers_stay_in_the_folder(
    partsight: Any, onboarded: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part number is never a path: everything lands below --out, nothing lands on another part."""
    monkeypatch.setenv("PARTSIGHT_HOME", str(onboarded(tmp_path / "home", "evil", ESCAPES).home))
    out = tmp_path / "deep" / "er" / "out"
    code, said, _ = partsight("images", "evil", "--out", out, "--json")
    assert code == 0
    assert json.loads(said)["images"] == len(ESCAPES)
    assert len(list(out.glob("*/view-000.jpg"))) == len(ESCAPES)
    assert [path for path in tmp_path.rglob("*.jpg") if out not in path.parents] == []


def test_folder_names_differ_even_where_case_does_not_count() -> None:
    """Two numbers that a file system could take for one get different names; plain numbers stay readable."""
    names = folder_names([*ESCAPES, "B-1", "b-1", "B_1", "DIN 933 M6x20", "Größe 5", "aux.step"])
    assert len({name.lower() for name in names.values()}) == len(names)
    assert all(Path(name).name == name and name not in {".", ".."} and len(name) < 100 for name in names.values())
    assert names["DIN 933 M6x20"] == "DIN 933 M6x20"
    assert names["Größe 5"] == "Größe 5"


def test_a_link_that_lies_in_the_way_is_not_followed(
    partsight: Any, picture: Callable[[int], bytes], tmp_path: Path
) -> None:
    """Neither a folder nor a file that is a link leads a picture out of --out."""
    outside, out = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    out.mkdir()
    (out / "B-1").symlink_to(outside)
    code, _, err = partsight("images", "acme", "--part", "B-1", "--out", out)
    assert code == 2
    assert "link" in err
    (out / "B-2").mkdir()
    (out / "B-2" / "view-000.jpg").symlink_to(outside / "stolen.jpg")
    partsight("images", "acme", "--part", "B-2", "--out", out)
    assert list(outside.iterdir()) == []
    assert (out / "B-2" / "view-000.jpg").read_bytes() == picture(1)
