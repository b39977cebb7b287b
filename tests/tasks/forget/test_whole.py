"""A customer forgotten as a whole: everything of theirs, and nothing of anybody else's."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from blocks.catalogue import Catalogue
from blocks.customer import Customer
from tasks.forget import around, receipts, whole
from tasks.forget.work import Forgetting

ACME = Customer(slug="acme")
GONE = "ZQ-4711"
Copy = Callable[[], Catalogue]
Begin = Callable[..., Forgetting]
Through = Callable[[Forgetting], receipts.Receipt]
Bytes = Callable[[Path], bytes]


def test_a_customer_goes_as_a_whole_and_nobody_else(
    begin: Begin, every_byte: Bytes, fresh: Copy, made: Path, tmp_path: Path
) -> None:
    """Their database, folder and journal; acme-2 beside it is as it was. Stopped in between, it goes on."""
    catalogue = fresh()
    other = tmp_path / "customers" / "acme-2" / "catalogue"
    shutil.copytree(made, other)
    same = every_byte(other)
    (around.folder(tmp_path, "acme") / whole.SETTINGS).write_text("slug: acme")
    begin(catalogue)  # one of a part that was stopped
    begun = whole.begun(ACME, catalogue, tmp_path)
    shutil.rmtree(Path(catalogue.uri) / "parts.lance")  # killed here
    again = whole.begun(ACME, catalogue, tmp_path)
    assert again.id == begun.id
    whole.removed(ACME, catalogue, tmp_path)
    done = whole.finished(again, ACME, catalogue, tmp_path)
    assert (done.status, done.tables["images"]) == ("done", {"before": 12, "after": 0})
    assert not around.folder(tmp_path, "acme").exists()
    assert every_byte(other) == same
    assert whole.stopped(ACME, catalogue, tmp_path) is None


def test_a_customer_of_whom_something_is_left_has_no_receipt(fresh: Copy, tmp_path: Path) -> None:
    """What appears between removing and looking is found."""
    catalogue = fresh()
    begun = whole.begun(ACME, catalogue, tmp_path)
    whole.removed(ACME, catalogue, tmp_path)
    late = around.folder(tmp_path, "acme") / "reports" / "late.html"
    late.parent.mkdir(parents=True)
    late.write_text("written by a run that nobody stopped")
    with pytest.raises(RuntimeError, match=r"1 objects of 'acme' are still there \(reports/late\.html\)"):
        whole.finished(begun, ACME, catalogue, tmp_path)
    waiting = whole.stopped(ACME, catalogue, tmp_path)
    assert waiting is not None
    assert waiting.status == "failed"


def test_a_database_that_cannot_be_read_goes_too(fresh: Copy, tmp_path: Path) -> None:
    """The receipt has no patterns then, and says why."""
    catalogue = fresh()
    shutil.rmtree(Path(catalogue.uri) / "parts.lance" / "data")
    begun = whole.begun(ACME, catalogue, tmp_path)
    whole.removed(ACME, catalogue, tmp_path)
    done = whole.finished(begun, ACME, catalogue, tmp_path)
    assert (done.status, done.patterns, done.elsewhere[0]) == ("done", (), whole.UNREADABLE)
    assert not around.folder(tmp_path, "acme").exists()
