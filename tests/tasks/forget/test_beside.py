"""What lies beside the tables goes as well, and what retention says is due."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lancedb.expr import col, lit

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Retention
from tasks import publish
from tasks.diffusion import adapters
from tasks.forget import around, receipts, retention, whole
from tasks.forget.work import Forgetting

ACME = Customer(slug="acme")
GONE = "ZQ-4711"
Copy = Callable[[], Catalogue]
Begin = Callable[..., Forgetting]
Through = Callable[[Forgetting], receipts.Receipt]
Bytes = Callable[[Path], bytes]


def test_what_lies_beside_the_tables_goes(begin: Begin, through: Through, fresh: Copy, tmp_path: Path) -> None:
    """Reports, exports, scratch; an adapter stays only where it learned from none of the part's pictures."""
    catalogue = fresh()
    here = around.folder(tmp_path, "acme")
    (picture, *_) = catalogue.rows("images", ("id",), col("part") == lit(GONE))
    card = adapters.Card(
        name="look-1",
        customer="acme",
        finished="2026",
        model="m",
        base="b",
        digest="d",
        photographs=("p",),
        renders=(),
        words={},
        settings={},
        losses=(),
        figures={},
        used=True,
    )
    for name, learned in (("look-1", ()), ("look-2", (picture["id"],))):
        (here / "adapters").mkdir(exist_ok=True)
        (here / "adapters" / f"{name}.safetensors").write_bytes(b"weights")
        (here / "adapters" / f"{name}.png").write_bytes(b"sheet")
        text = card.replace(name=name, renders=learned).model_dump_json()
        (here / "adapters" / f"{name}.json").write_text(text)
    for name in (
        "reports/r1.html",
        "exports/coco/a.jpg",
        "tuning/parts/x.npz",
        "finetune/1/log",
        "models/a.safetensors",
    ):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_bytes(b"of ZQ-4711")
    done = through(begin(catalogue))
    assert sorted(path.name for path in here.rglob("*") if path.is_file() and "catalogue" not in path.parts) == [
        "look-1.json",
        "look-1.safetensors",
    ]
    assert {name: done.files[name] for name in ("reports", "exports", "adapters")} == {
        "reports": 1,
        "exports": 1,
        "adapters": 4,
    }


def test_other_things_among_the_tables_are_nobodys_to_look_away_from(begin: Begin, fresh: Copy, tmp_path: Path) -> None:
    """A stranger's file at the place of the tables stops it before anything is removed."""
    catalogue = fresh()
    (Path(catalogue.uri) / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"thesis\.txt lies"):
        begin(catalogue)
    with pytest.raises(ValueError, match=r"thesis\.txt lies.*nothing was removed"):
        whole.begun(ACME, catalogue, tmp_path)
    assert len(catalogue.rows("parts", ("part",))) == 4


def test_retention_says_which_parts_are_due(fresh: Copy, tmp_path: Path) -> None:
    """Parts that searches no longer show, after so many days; old runs but the live one; old reports."""
    catalogue, now = fresh(), datetime(2026, 11, 28, tzinfo=UTC)
    kept = Customer(slug="acme", retention=Retention(retired_days=30, runs_days=60))
    for number, run in ((GONE, "20261001-000000-000000"), ("A1", "20261120-000000-000000")):
        catalogue.table("parts").update(where=col("part") == lit(number), values={"status": "retired", "run": run})
    assert retention.due(catalogue, kept, now) == []  # a run that is not live retired them
    publish.stay_live(catalogue)
    assert retention.due(catalogue, kept, now) == [GONE]
    assert retention.due(catalogue, ACME, now) == []
    old = {"status": "refused", "summary": "{}", "live": ""}
    catalogue.upsert("runs", [{"run": run, **old} for run in ("20260801-000000-000000", "20261101-000000-000000")])
    assert retention.applied(catalogue, kept, tmp_path, now) == {"reports": 0, "runs": 1}
    left = {row["run"] for row in catalogue.rows("runs", ("run",))}
    assert left >= {"r1", catalogue.served().run, "20261101-000000-000000"}
    assert "20260801-000000-000000" not in left


def test_merging_leaves_nothing_that_waits_to_go_live(fresh: Copy, tmp_path: Path) -> None:
    """What searches read are the merged rows, or the next run would take them for those of a run that was stopped."""
    catalogue = fresh()
    for part in catalogue.rows("parts", ("part",))[:2]:
        catalogue.table("parts").update(where=col("part") == lit(part["part"]), values={"name": "Renamed"})
    publish.stay_live(catalogue)
    before = catalogue.served()
    retention.applied(catalogue, ACME, tmp_path)
    served = catalogue.served()
    assert served.versions == catalogue.newest(served.vectors) != before.versions


def test_leftovers_of_killed_processes_go_when_they_are_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in which somebody may still work stays."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("partsight-source-old", "partsight-source-new", "other-old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part.step").write_text("x")
    for path in (*tmp_path.glob("*-old"), *tmp_path.glob("*-old/*")):
        os.utime(path, (1, 1))
