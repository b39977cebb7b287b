"""A run of a customer whose CAD is as it was costs next to nothing, and no other program gets its export anew."""

from __future__ import annotations

from typing import Any

from blocks.catalogue import Catalogue

FILE = """
slug: still
source: ../cad
recipe: {render: {views: 2, size: 64}, stages: []}
release: {queries: 0}
sinks: {webdataset: {}}
"""


def test_where_nothing_changed_nothing_is_made_measured_or_written(platform: Any) -> None:
    """The schedule starts it every night: no version of a table, no run that is live, no export and no report anew."""
    (platform.folder / "customers" / "still.yaml").write_text(FILE)
    assert platform.partsight("deploy", "still").returncode == 0
    first = platform.wait(platform.start("onboard/still"))
    assert first["state_name"] == "Completed", platform.logs(first["id"])
    folder = platform.home / "customers" / "still"
    catalogue = Catalogue(uri=str(folder / "catalogue"))
    before = {name: catalogue.table(name).version for name in catalogue.tables()}
    written = {path: path.stat().st_mtime_ns for path in (folder / "exports").rglob("*")}
    assert written
    second = platform.start("onboard/still")
    ended = platform.wait(second)
    assert ended["state"]["message"].startswith("Nothing has changed: 3 parts, 0 new and 0 changed, live; ")
    assert [one["name"] for one in platform.tasks(second)] == ["look for changes"]
    assert {name: catalogue.table(name).version for name in catalogue.tables()} == before
    assert {path: path.stat().st_mtime_ns for path in (folder / "exports").rglob("*")} == written
    assert {"still-summary", "still-quarantine", "still-report"} <= {one["key"] for one in platform.artifacts(second)}
