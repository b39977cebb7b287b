"""A whole folder of the worst files is onboarded: each ends in the customer's table, and the run to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import worst
from corners import single
from corners_mesh import FACES
from formats import stl
from fuzz import unfit

from tasks import intake
from tasks.contents import rows

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_folder_of_the_worst_is_onboarded(tmp_path: Path) -> None:
    """Every file is in the table as what it is, with a reason or with bodies, and the sound part among them is found.

    `make fuzz` goes on and makes their pictures.
    """
    source = tmp_path / "cad"
    wanted = worst.laid(source)
    assert len(wanted) > 40
    found = worst.onboarded(source, tmp_path, pictures=False)
    for name, loads in wanted.items():
        row = found.files[name]
        assert (row["status"] == "ok") in {loads, not row["reason"]}, row
        assert (row["status"] == "quarantined") == bool(row["reason"]) != bool(rows(row["bodies"])), row
        assert not row["reason"] or not unfit(row["reason"], name), row
    inside = set(found.files) - set(wanted)
    assert all(".zip/" in name for name in inside)
    assert {one["file"].partition("/")[0] for one in found.refused} >= {f"{one}.zip" for one in worst.ARCHIVES}
    assert not [one for one in found.refused if unfit(one["reason"], one["file"])]
    assert "good" in found.parts


def test_large_files_are_committed_fewer_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in memory at once is counted in bytes: ten files that are as large as they may be come one by one."""
    monkeypatch.setattr(intake, "MOST_BYTES", 1)
    for number in range(1, 6):
        scaled = [[[number * x for x in point] for point in face] for face in FACES]
        single(f"{number}.stl", stl(scaled)).written(tmp_path / "cad")
    found = worst.onboarded(tmp_path / "cad", tmp_path, pictures=False)
    assert {name: row["status"] for name, row in found.files.items()} == dict.fromkeys(
        ("1.stl", "2.stl", "3.stl", "4.stl", "5.stl"), "ok"
    )
    versions = worst.Catalogue(uri=str(tmp_path / "db")).table("files").list_versions()
    assert len(versions) >= 5
