"""Stopped anywhere, a forgetting is not done and nothing is lost; started again, it goes on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blocks.catalogue import Catalogue
from blocks.customer import Customer
from tasks.forget import receipts
from tasks.forget.storage import Storage
from tasks.forget.work import Forgetting, is_stopped, settled

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
