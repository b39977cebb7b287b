"""`partsight audit` says what it found, in words and as JSON, and its exit code says whether there was anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from blocks.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def damaged(onboarded: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """A customer of one's own with a question about a part that is not there."""
    machine = onboarded(tmp_path, "acme", ["B-1", "W-9"])
    monkeypatch.setenv("PARTSIGHT_HOME", str(tmp_path))
    made = Catalogue(uri=str(machine.catalogue("acme")))
    made.upsert("queries", [{"id": "asked", "part": "ghost", "image": b"torn"}])
    return made


def test_it_names_what_it_found_and_ends_with_1(
    partsight: Any, damaged: Catalogue, tmp_path: Path, monkeypatch: Any
) -> None:
    """As JSON, each with what a repair would do; a repair leaves only what it cannot mend."""
    monkeypatch.setenv("PARTSIGHT_HOME", str(tmp_path))
    code, out, said = partsight("audit", "acme", "--json")
    assert said == ""
    told = json.loads(out)
    assert (code, told["clean"], told["customer"]) == (1, False, "acme")
    first = {(one["table"], one["kind"], one["key"]): one for one in told["first"]}
    assert first["queries", "orphan", "asked"]["repair"] == "is removed"
    assert first["queries", "orphan", "asked"]["what"] == "A question asks for ghost, which is not there"
    code, out, _ = partsight("audit", "acme", "--repair")
    assert "mended" in out
    assert damaged.rows("queries", ("id",)) == []


def test_where_there_is_no_catalogue_it_is_a_wrong_call(
    partsight: Any, onboarded: Callable[..., Any], tmp_path: Path, monkeypatch: Any
) -> None:
    """With a sentence that says what to do."""
    onboarded(tmp_path, "acme", ["B-1"])
    monkeypatch.setenv("PARTSIGHT_HOME", str(tmp_path))
    monkeypatch.setenv("PARTSIGHT_CATALOGUES", str(tmp_path / "elsewhere"))
    code, out, said = partsight("audit", "acme", "--json")
    assert (code, out) == (2, "")
    assert "partsight onboard acme" in said
