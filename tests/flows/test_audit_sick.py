"""An audit that cannot look finds nothing and removes nothing: a storage that is away, a child that is sick."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from blocks.catalogue import Catalogue
from blocks.collection import CatalogueBlock, CustomerBlock
from blocks.customer import Customer
from flows.audit import audited
from flows.place import ours
from tasks import codec
from tasks.audit import pieces
from tasks.audit.finding import Finding
from tasks.audit.mend import mended
from tasks.audit.shelves import Shelves, damage
from tasks.audit.work import Audit
from tasks.sandbox import Sandbox

ACME = Customer(slug="acme")
DECISIONS = [{"id": str(number), "accepted": False, "at": ""} for number in range(5)]


@pytest.fixture
def decided(tmp_path: Path) -> Catalogue:
    """A catalogue that holds decisions, and that this process has not opened under its name."""
    made = Catalogue(uri=str(tmp_path / "made"))
    made.upsert("reviews", DECISIONS)
    return Catalogue(uri=str(Path(made.uri).rename(tmp_path / "db")))


def test_what_comes_back_before_the_repair_was_never_lost(decided: Catalogue, tmp_path: Path) -> None:
    """The data of a table is away while the audit looks, and there again when it would remove the rows."""
    data = Path(decided.uri, "reviews.lance", "data")
    away = data.rename(tmp_path / "away")
    with closing(Audit(ACME, decided)) as audit:
        assert [(one.table, one.kind, len(one.rows)) for one in audit.look()] == [("reviews", "lost", 5)]
        away.rename(data)
        assert audit.repair() == ()
        assert audit.mended == ()
    assert decided.table("reviews").count_rows() == 5


def test_rows_that_can_be_read_again_are_not_removed(decided: Catalogue) -> None:
    """Asked at the last moment, before anything is written."""
    rows = tuple(row["_rowid"] for row in Shelves(decided).rows("reviews", "id"))
    lost = Finding(table="reviews", kind="lost", key="", what="Rows are lost", remedy="remove", rows=rows)
    with pytest.raises(RuntimeError, match="Rows of reviews that were lost can be read again"):
        mended(decided, [lost], None)
    assert decided.table("reviews").count_rows() == 5


def test_a_storage_that_does_not_answer_has_lost_nothing(decided: Catalogue, tmp_path: Path) -> None:
    """A file is there and cannot be reached: the audit ends with a sentence, and all is there afterwards."""
    (file,) = Path(decided.uri, "reviews.lance", "data").iterdir()
    kept = file.rename(tmp_path / "kept")
    file.symlink_to(file)
    with closing(Audit(ACME, decided)) as audit:
        with pytest.raises(RuntimeError, match=r"The audit cannot look: reading reviews .* no damage"):
            audit.look()
        kept.replace(file)
        assert audit.look() == ()


@pytest.mark.parametrize(
    "said",
    [
        "lance error: LanceError(IO): Generic S3 error: Server returned 503 for Not found: x",
        "lance error: LanceError(IO): Generic LocalFileSystem error: Permission denied (os error 13)",
        "lance error: LanceError(IO): operation timed out",
    ],
)
def test_only_what_is_gone_or_cannot_be_decoded_is_damage(said: str) -> None:
    """Anything else ends the audit, whatever else the words hold."""
    with pytest.raises(RuntimeError, match=r"reading images failed .*Audit again when the storage answers"):
        damage("images", RuntimeError(said))
    assert damage("images", RuntimeError("lance error: Not found: images.lance/data/x.lance, /src")).startswith("Not")


class Sick(Sandbox):
    """A sandbox whose child has no memory to work in."""

    def run(self, function, arguments, limits, **others):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN003, ANN201
        """Run it with next to no memory."""
        return super().run(function, arguments, limits.replace(memory_mb=1), **others)


def test_a_sick_child_condemns_no_picture() -> None:
    """Where a sound picture cannot be opened either, the audit says so; else the damaged one is told from others."""
    sound = codec.encode_photograph(np.zeros((8, 8, 3), dtype=np.uint8))
    rows = [{"kind": "question", "image": data} for data in (sound, b"torn", sound)]
    with Sandbox() as child:
        assert [bool(said) for said in pieces.judged(child, rows, ("image",))] == [False, True, False]
    with Sick() as child, pytest.raises(RuntimeError, match="The audit cannot look: even a sound picture"):
        pieces.judged(child, rows, ("image",))


def test_a_catalogue_that_cannot_say_whose_it_is_can_be_looked_at(decided: Catalogue) -> None:
    """The flow that only looks names its damaged runs; any other ends with a sentence."""
    decided.upsert("runs", [{"run": "r1", "status": "completed", "summary": "{}", "live": ""}])
    shutil.rmtree(Path(decided.uri, "runs.lance", "data"))
    moved = Path(decided.uri).rename(Path(decided.uri).with_name("moved"))
    block = CustomerBlock(settings=ACME, catalogue=CatalogueBlock(uri=str(moved)))
    ours(block, only_looks=True)
    with pytest.raises(ValueError, match="The catalogue of acme does not say whose it is"):
        ours(block)
    found = audited(ACME, Catalogue(uri=str(moved)), repair=False)
    assert {(one["table"], one["kind"]) for one in found["first"]} == {("runs", "lost")}
