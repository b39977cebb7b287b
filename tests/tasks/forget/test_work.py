"""What is forgotten is gone from the raw storage, what stays is as it was, and the receipt says nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lancedb.expr import col, lit

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Retention
from blocks.storage import Storage
from blocks.tables import schema
from tasks import publish
from tasks.forget import around, listed, look, receipts, retention
from tasks.forget.doom import doomed
from tasks.forget.work import Forgetting, is_stopped

ACME = Customer(slug="acme")
GONE = "ZQ-4711"
Copy = Callable[[], Catalogue]
Begin = Callable[..., Forgetting]
Through = Callable[[Forgetting], receipts.Receipt]
Bytes = Callable[[Path], bytes]


def rest(catalogue: Catalogue, *gone: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table that says nothing of parts that went."""
    found = {}
    for name in sorted(set(catalogue.tables()) - {"runs", listed.TABLE}):
        rows = catalogue.table(name).to_arrow().to_pylist()
        kept = [row for row in rows if row.get("part") not in gone]
        found[name] = sorted(kept, key=lambda row: str(sorted(row.items(), key=str)))
    return found


def test_the_look_finds_all_of_it_before_and_nothing_after(begin: Begin, through: Through, fresh: Copy) -> None:
    """The same look that finds every trace of the part beforehand finds none when it was forgotten."""
    catalogue = fresh()
    work = begin(catalogue)
    wanted = {place for place, one in enumerate(work.traces) if one.where != "shared"}
    before = look.raw(work.storage, work.traces) + look.rows(catalogue, work.storage, work.traces)
    assert {one.trace for one in before.left} == wanted
    kinds = {work.traces[place].kind for place in wanted}
    assert kinds >= {"part number", "name", "description", "geometry", "id of a picture", "picture", "depth", "mask"}
    assert kinds >= {"normals", "mesh", "template", "vector", "name of a file", "digest of a file", "name of a body"}
    done = through(work)
    assert (done.status, done.left) == ("done", ())
    after = look.raw(work.storage, work.traces) + look.rows(catalogue, work.storage, work.traces)
    assert after.left == ()
    assert look.account(catalogue, work.storage).left == ()
    assert sum(told["seen"] for told in done.looked_for.values()) > 30
    assert done.bytes_after < done.bytes_before


def test_what_stays_is_as_it_was(begin: Begin, through: Through, fresh: Copy) -> None:
    """Rows of other parts are the same, byte for byte, though one's number begins like the one that went."""
    catalogue = fresh()
    reviewed = {row["id"] for row in catalogue.rows("images", ("id",), col("part") == lit(GONE))}
    before = rest(catalogue, GONE)
    done = through(begin(catalogue))
    after = rest(catalogue)
    for name in ("parts", "images", "vectors__x", "queries"):
        assert after[name] == before[name], name
    assert {row["id"] for row in after["reviews"]} == {row["id"] for row in before["reviews"]} - reviewed
    assert [len(after[name]) for name in ("files", "shapes", "templates")] == [3, 3, 3]
    assert done.tables["images"] == {"before": 12, "after": 9}
    served = catalogue.served()
    assert served.vectors == "vectors__x"
    assert {row["part"] for row in served.rows("images", ("part",))} == {"ZQ-4711-B", "A1", "keep-me"}
    (run,) = catalogue.rows("runs", ("summary",))
    said = [entry["file"] for entry in json.loads(run["summary"])["quarantine"]]
    assert said == ["(forgotten)", "ZQ-4711-B.stl", "A1.stl", "keep-me.stl"]


def test_a_short_number_that_others_begin_with_is_found_as_a_word(begin: Begin, through: Through, fresh: Copy) -> None:
    """A1 and ZQ-4711 cannot be told in raw bytes from what stays; they are told where rows are read out."""
    work = begin(fresh(), "A1", GONE)
    where = {one.data: one.where for one in work.traces if one.kind == "part number"}
    assert where == {b"A1": "words", b"ZQ-4711": "words"}
    assert through(work).status == "done"


def test_it_is_found_in_packed_columns_too(
    begin: Begin, through: Through, every_byte: Bytes, stock: Any, tmp_path: Path
) -> None:
    """Where LanceDB packs texts, no raw byte shows the number: the rows that are read out do."""
    numbers = [f"NR-{place:05d}-SECRETNESS" for place in range(600)]
    catalogue = stock(str(tmp_path / "db"), numbers, words="a part of which very much is said " * 4)
    work = begin(catalogue, numbers[300])
    description = next(place for place, one in enumerate(work.traces) if one.kind == "description")
    data = every_byte(tmp_path / "db" / "parts.lance" / "data")
    assert work.traces[description].data not in data  # packed
    assert description in {one.trace for one in look.rows(catalogue, work.storage, work.traces).left}
    assert through(work).status == "done"
    assert look.rows(catalogue, work.storage, work.traces).left == ()
    assert catalogue.table("parts").count_rows() == 599


def test_rows_that_were_only_deleted_are_found_and_go(
    begin: Begin, through: Through, every_byte: Bytes, fresh: Copy, tmp_path: Path
) -> None:
    """LanceDB's own deletion leaves the bytes where they are, and so does its clean-up below a tenth of a file."""
    catalogue = fresh()
    storage = Storage(root=catalogue.uri)
    picture = catalogue.rows("images", ("id", "image"), col("part") == lit(GONE))[0]
    catalogue.delete("images", col("id") == lit(picture["id"]))
    publish.stay_live(catalogue)
    catalogue.sweep("images", int(catalogue.table("images").version))
    work = begin(catalogue)
    lie = every_byte(Path(catalogue.uri) / "images.lance")
    assert picture["image"] in lie
    masked = [one.what for one in look.account(catalogue, storage).left]
    assert masked == ["leaves out rows that lie in the files"]
    assert through(work).status == "done"
    assert picture["image"] not in every_byte(tmp_path)
    assert look.account(catalogue, storage).left == ()


def test_a_run_that_is_not_live_yet_loses_nothing(begin: Begin, through: Through, fresh: Copy) -> None:
    """What was made since something went live waits for the next run; searches see what they saw, without the part."""
    catalogue = fresh()
    more = {"part": "new-one", "name": "Not live", "status": "active", "photos": "[]", "geometry": ""}
    catalogue.upsert("parts", [more])
    assert through(begin(catalogue)).status == "done"
    live = {row["part"] for row in catalogue.served().rows("parts", ("part",))}
    newest = {row["part"] for row in catalogue.rows("parts", ("part",))}
    assert (live, newest - live) == ({"ZQ-4711-B", "A1", "keep-me"}, {"new-one"})
    assert look.account(catalogue, Storage(root=catalogue.uri)).left == ()


def test_the_receipt_says_nothing_of_what_was_forgotten(
    begin: Begin, through: Through, fresh: Copy, tmp_path: Path
) -> None:
    """Whoever knows the number can ask; whoever reads the receipt learns none; whoever changes it is found out."""
    work = begin(fresh())
    done = through(work)
    (file,) = (tmp_path / "receipts" / "acme").iterdir()
    data = file.read_bytes()
    assert not [one for one in work.traces if one.text and len(one.data) > 3 and one.data in data]
    assert done.is_about(GONE)
    assert not done.is_about("ZQ-4711-B")
    assert receipts.all_of(work.receipts) == (done,)
    file.write_bytes(data.replace(b'"status": "done"', b'"status": "gone"'))
    with pytest.raises(ValueError, match="cannot be read"):
        receipts.all_of(work.receipts)
    file.write_bytes(data.replace(b'"objects": ', b'"objects": 1'))
    with pytest.raises(ValueError, match="was changed"):
        receipts.all_of(work.receipts)


def test_what_is_left_anywhere_is_no_receipt(begin: Begin, fresh: Copy, tmp_path: Path) -> None:
    """An old data file, a page that names the part, a file in its name: each is found, named, and nothing is done."""
    catalogue = fresh()
    old = next((Path(catalogue.uri) / "images.lance" / "data").iterdir())
    kept = old.read_bytes()
    beside = around.folder(tmp_path, "acme") / "notes"
    plants = {old: kept, beside / "page.html": b"<p>Widget of ZQ-4711</p>", beside / "body of ZQ-4711.txt": b"."}
    work = begin(catalogue)
    work.switch(work.rewrite())
    work.clean()
    for file, data in plants.items():
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)
        assert work.verify().left, file
        with pytest.raises(RuntimeError, match="is gone"):
            work.finish()
        told = receipts.all_of(work.receipts)[-1]
        assert (told.status, bool(told.left)) == ("failed", True)
        assert not [line for line in told.left if "ZQ-4711" in line]
        file.unlink()
    work.verify()
    assert work.finish().status == "done"


def test_another_part_waits_for_the_one_that_was_stopped(
    begin: Begin, through: Through, fresh: Copy, tmp_path: Path
) -> None:
    """What was begun is done first; without a part, it is what is gone on with."""
    catalogue = fresh()
    begin(catalogue)
    with pytest.raises(ValueError, match="was stopped and is not done: partsight forget acme --retention"):
        begin(catalogue, "A1")
    work = Forgetting(ACME, catalogue, (), tmp_path, grace=0)
    assert work.doom.parts == {GONE}
    assert through(work).is_about(GONE)


def test_a_part_that_is_not_there_is_named_with_the_nearest(begin: Begin, fresh: Copy, tmp_path: Path) -> None:
    """And nothing is begun."""
    catalogue = fresh()
    with pytest.raises(ValueError, match=r"no part 'ZQ-4711-C'.*'ZQ-4711"):
        begin(catalogue, "ZQ-4711-C")
    assert not is_stopped(catalogue)
    assert not (tmp_path / "receipts").exists()


def test_a_geometry_that_another_part_has_stays(begin: Begin, through: Through, fresh: Copy) -> None:
    """Two numbers for one shape: the shape, its file and its templates belong to the other one too."""
    catalogue = fresh()
    (row,) = catalogue.rows("parts", ("geometry",), col("part") == lit(GONE))
    catalogue.table("parts").update(where=col("part") == lit("keep-me"), values={"geometry": row["geometry"]})
    doom = doomed([catalogue], [GONE])
    assert (doom.geometries, doom.files) == (frozenset(), frozenset())
    assert through(begin(catalogue)).tables["shapes"] == {"before": 4, "after": 4}


def test_every_number_is_looked_for_however_many_go(
    begin: Begin, through: Through, every_byte: Bytes, stock: Any, tmp_path: Path
) -> None:
    """150 parts go at once; the last one, which a run's note names, goes from that note too."""
    numbers = [f"NR-{place:05d}-SECRETNESS" for place in range(151)]
    catalogue = stock(str(tmp_path / "db"), numbers)
    (run,) = catalogue.rows("runs", schema("runs").names)
    note = json.dumps(json.loads(run["summary"]) | {"notes": [f"Widget of {numbers[149]} has no colour."]})
    catalogue.upsert("runs", [run | {"summary": note}])
    work = begin(catalogue, *numbers[:150])
    for kind in ("part number", "name", "description", "geometry", "name of a file", "name of a body"):
        assert len([one for one in work.traces if one.kind == kind]) == 150, kind
    assert through(work).status == "done"
    assert b"NR-00149" not in every_byte(tmp_path / "db")


def test_a_part_that_searches_still_show_is_not_due(stock: Any, tmp_path: Path) -> None:
    """A run that was refused found it gone: what retention counts from is what went live."""
    catalogue = stock(str(tmp_path / "db"))
    kept = ACME.model_copy(update={"retention": Retention(retired_days=30)})
    catalogue.table("parts").update(
        where=col("part") == lit(GONE), values={"status": "retired", "run": "20250101-000000-000000"}
    )
    assert retention.due(catalogue, kept) == []
    publish.stay_live(catalogue)
    assert retention.due(catalogue, kept) == [GONE]
