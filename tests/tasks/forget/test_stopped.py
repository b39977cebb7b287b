"""Stopped anywhere, a forgetting is not done and nothing is lost; started again, it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blocks.catalogue import Catalogue
from blocks.customer import Customer
from blocks.storage import Storage
from tasks.forget import receipts
from tasks.forget.work import Forgetting, is_stopped, settled
from tasks.records import generator

ROOT = Path(__file__).parents[3]
ACME = Customer(slug="acme")
GONE = "ZQ-4711"
Copy = Callable[[], Catalogue]
Begin = Callable[..., Forgetting]
Through = Callable[[Forgetting], receipts.Receipt]
Bytes = Callable[[Path], bytes]


def test_nothing_says_done_wherever_it_is_stopped(
    begin: Begin,
    through: Through,
    every_byte: Bytes,
    fresh: Copy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stopped before or after each thing that it writes or removes: not done, not lost; started again: done."""
    with monkeypatch.context() as patch:
        calls = interrupted(patch, stop=-1)
        through(begin(fresh()))
    assert calls[0] > 25
    first = int(os.environ.get("PARTSIGHT_EVERY_STOP", "0"))  # 1 tries all of them
    for place in range(0 if first else 1, calls[0], 1 if first else 9):
        catalogue = fresh()
        with monkeypatch.context() as patch:
            interrupted(patch, stop=place)
            with pytest.raises(InterruptedError):
                through(begin(catalogue))
        there = receipts.place(catalogue, "acme", tmp_path)
        done = [one for one in receipts.all_of(there) if one.status == "done"]
        assert not (done and is_stopped(catalogue)), place
        if settled(ACME, catalogue, tmp_path) is None and not done:
            through(begin(catalogue))
        assert receipts.all_of(there)[-1].status == "done", place
        assert len(catalogue.served().rows("images", ("id",))) == 9, place
        assert b"secret of ZQ-4711 " not in every_byte(tmp_path), place
        assert not is_stopped(catalogue), place


@pytest.mark.parametrize("someone", [False, True])
def test_what_a_refused_run_left_is_not_lost_between_both_rewrites(
    begin: Begin, through: Through, fresh: Copy, monkeypatch: pytest.MonkeyPatch, *, someone: bool
) -> None:
    """Stopped when what is live was written anew and what waits was not: both are there in the end, and no row less.

    Where a run wrote since, its rows count.
    """
    catalogue = fresh()
    waiting = {"part": "new-one", "status": "active", "photos": "[]", "geometry": ""}
    catalogue.upsert("parts", [waiting])
    original, seen = Catalogue.rewrite, [0]

    def stopping(self: Catalogue, name: str, change: Callable[..., Any], version: int = 0) -> int:
        seen[0] += name == "parts"
        if seen[0] == 2:
            raise InterruptedError
        return original(self, name, change, version)

    with monkeypatch.context() as patch:
        patch.setattr(Catalogue, "rewrite", stopping)
        with pytest.raises(InterruptedError):
            through(begin(catalogue))
    assert "new-one" not in {row["part"] for row in catalogue.rows("parts", ("part",))}
    if someone:
        catalogue.upsert("parts", [waiting | {"part": "newer"}])
    assert through(begin(catalogue)).status == "done"
    newest = {row["part"] for row in catalogue.rows("parts", ("part",))}
    assert newest == {"ZQ-4711-B", "A1", "keep-me", "newer" if someone else "new-one"}
    assert {row["part"] for row in catalogue.served().rows("parts", ("part",))} == {"ZQ-4711-B", "A1", "keep-me"}


def test_pieces_that_a_killed_process_left_go(
    begin: Begin, through: Through, every_byte: Bytes, fresh: Copy, tmp_path: Path
) -> None:
    """LanceDB leaves them: a staged file, a note of a commit that never was, half a manifest, half a journal."""
    catalogue = fresh()
    for name in (
        "images.lance/data/abc.lance#1",
        "images.lance/_transactions/9-dead.txn",
        "parts.lance/_versions/.tmp_7.manifest",
        "_forgetting.json.4711.new",
    ):
        Path(catalogue.uri, name).write_bytes(b"a secret of ZQ-4711 ")
    assert through(begin(catalogue)).status == "done"
    assert b"secret of ZQ-4711 " not in every_byte(tmp_path)


CHILD = """
import sys
from pathlib import Path
from blocks.catalogue import Catalogue
from blocks.customer import Customer
from tasks.forget.work import Forgetting

print("ready", flush=True)
work = Forgetting(Customer(slug="acme"), Catalogue(uri=sys.argv[1]), ["ZQ-4711"], Path(sys.argv[2]), grace=0)
work.switch(work.rewrite())
work.clean()
work.report()
work.verify()
work.finish()
print("done", flush=True)
"""


@pytest.mark.skipif("PARTSIGHT_EVERY_STOP" not in os.environ, reason="make forget kills twenty, and takes minutes")
def test_killed_at_any_moment_it_is_not_done_or_it_is(
    begin: Begin, through: Through, every_byte: Bytes, fresh: Copy, tmp_path: Path
) -> None:
    """SIGKILL at moments drawn by lot: whatever the receipt says is true, and started again it is done."""
    moments = generator("killed").uniform(0, 2.5, 20)
    for moment in moments:
        catalogue = fresh()
        words = [sys.executable, "-c", CHILD, catalogue.uri, str(tmp_path)]
        child = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True)
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(moment)
        os.killpg(child.pid, signal.SIGKILL)
        ended = child.communicate()[0] == b"done\n"
        done = [one for one in receipts.all_of(receipts.place(catalogue, "acme", tmp_path)) if one.status == "done"]
        assert not (ended and not done), moment
        if done or settled(ACME, catalogue, tmp_path):
            assert b"secret of ZQ-4711 " not in every_byte(tmp_path), moment
        else:
            through(begin(catalogue))
        assert b"secret of ZQ-4711 " not in every_byte(tmp_path), moment
        assert len(catalogue.served().rows("images", ("id",))) == 9, moment
        assert not is_stopped(catalogue), moment


def interrupted(patch: pytest.MonkeyPatch, stop: int) -> list[int]:
    """Stop at the call of that number, before it or after it in turn; counts the calls."""
    calls = [0]

    def stopping(original: Callable[..., Any]) -> Callable[..., Any]:
        def called(*words: Any, **options: Any) -> Any:
            place = calls[0]
            calls[0] += 1
            if place == stop and place % 2 == 0:
                raise InterruptedError
            done = original(*words, **options)
            if place == stop:
                raise InterruptedError
            return done

        return called

    for where, names in ((Catalogue, ("rewrite", "reindex", "sweep", "upsert")), (Storage, ("write", "remove"))):
        for name in names:
            patch.setattr(where, name, stopping(getattr(where, name)))
    return calls
