"""A whole folder of the worst files is onboarded: each ends in the customer's table, and the run to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onboarding
from fuzz import unfit

from tasks.contents import rows

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_of_the_worst_is_onboarded(tmp_path: Path) -> None:
    """Every file is in the table as what it is, with a reason or with bodies, and the sound part among them is found.

    `make fuzz` goes on and makes their pictures.
    """
    source = tmp_path / "cad"
    wanted = onboarding.laid(source)
    assert len(wanted) > 40
    found = onboarding.onboarded(source, tmp_path, pictures=False)
    for name, loads in wanted.items():
        row = found.files[name]
        assert (row["status"] == "ok") in {loads, not row["reason"]}, row
        assert (row["status"] == "quarantined") == bool(row["reason"]) != bool(rows(row["bodies"])), row
        assert not row["reason"] or not unfit(row["reason"], name), row
    inside = set(found.files) - set(wanted)
    assert all(".zip/" in name for name in inside)
    assert {one["file"].partition("/")[0] for one in found.refused} >= {f"{one}.zip" for one in onboarding.ARCHIVES}
    assert not [one for one in found.refused if unfit(one["reason"], one["file"])]
    assert "good" in found.parts
