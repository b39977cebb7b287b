"""`partsight forget` asks before it removes, says what it removed, and leaves a receipt."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.settings import Settings
from tasks.forget import whole, work


@pytest.fixture
def forget(home: Path, partsight: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command on a copy of the state, where nobody searches meanwhile: (exit code, stdout, stderr)."""
    shutil.copytree(home / "customers" / "acme", tmp_path / "customers" / "acme")
    shutil.copytree(home / "customers" / "acme", tmp_path / "customers" / "acme-2")
    monkeypatch.setenv("PARTSIGHT_HOME", str(tmp_path))
    monkeypatch.setenv("PARTSIGHT_CUSTOMERS", str(tmp_path / "people"))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setattr(work, "GRACE", 0.0)
    for place in ("blocks.catalogue.SLACK", "tasks.forget.tables.SLACK"):
        monkeypatch.setattr(place, timedelta(milliseconds=20))
    return partsight


def test_it_looks_first_and_asks(forget: Any, tmp_path: Path) -> None:
    """A look removes nothing; neither does a call that nobody confirmed."""
    code, out, err = forget("forget", "acme", "--part", "B-1", "--dry-run", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["status"] == "would be removed"
    assert told["tables"]["parts"] == {"before": 4, "after": 3}
    code, _, err = forget("forget", "acme", "--part", "B-1")
    assert code == 2
    assert "say --yes, or look first with --dry-run" in err
    assert forget("parts", "acme")[1].count("B-1") >= 1
    assert not (tmp_path / "receipts").exists()


def test_a_part_is_forgotten_and_searches_go_on(forget: Any, tmp_path: Path) -> None:
    """With a receipt whose name is told; the same again says what was done, and another customer is as before."""
    code, out, err = forget("forget", "acme", "--part", "B-1", "--yes", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["status"], told["left"], told["what"]) == ("done", [], "parts")
    receipt = json.loads((tmp_path / "receipts" / "acme" / f"{told['id']}.json").read_text())
    assert receipt["digest"] == told["digest"]
    assert "B-1" not in json.dumps(receipt)
    code, out, _ = forget("search", "acme", "--text", "Part B-2", "--json")
    assert code == 0
    assert "B-1" not in {one["part"] for one in json.loads(out)["results"]}
    code, _, err = forget("forget", "acme", "--part", "B-1", "--yes")
    assert code == 1
    assert "There is no part 'B-1'" in err
    assert "B-1" in forget("parts", "acme-2")[1] or forget("parts", "acme-2")[0] == 2
    code, out, _ = forget("forget", "acme", "--retention")
    assert code == 0
    assert "nothing was due" in out


def test_a_customer_is_forgotten_as_a_whole(forget: Any, tmp_path: Path) -> None:
    """Their folder is gone, the receipt is not; the slug is free again, and acme-2 has what it had."""
    before = sorted(path.relative_to(tmp_path) for path in (tmp_path / "customers" / "acme-2").rglob("*"))
    code, out, err = forget("forget", "acme", "--yes", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["status"], told["what"], told["server"]) == ("done", "customer", [])
    assert told["parts"] == 4
    assert not (tmp_path / "customers" / "acme").exists()
    assert len(list((tmp_path / "receipts" / "acme").iterdir())) == 1
    assert sorted(path.relative_to(tmp_path) for path in (tmp_path / "customers" / "acme-2").rglob("*")) == before
    assert "There is no customer 'acme'" in forget("forget", "acme", "--yes")[2]


def test_a_customer_of_whom_only_a_receipt_is_left_is_gone_on_with(
    forget: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the last file went and before the receipt said so: the slug is known by the receipt."""

    def killed(*_: object) -> None:
        raise OSError("The machine lost its power.")

    with monkeypatch.context() as patch:
        patch.setattr(whole, "finished", killed)
        assert forget("forget", "acme", "--yes")[0] == 1
    assert not (tmp_path / "customers" / "acme").exists()
    code, out, _ = forget("forget", "acme", "--yes", "--json")
    assert (code, json.loads(out)["status"]) == (0, "done")
    assert Settings(home=tmp_path).folder("acme").exists() is False


@pytest.mark.parametrize(
    ("tokens", "code", "said"),
    [
        (["acme", "--part", "B-11", "--yes"], 1, "There is no part 'B-11' in this catalogue; the nearest is 'B-1'"),
        (["acme", "--part", "B-1", "--retention"], 2, "--retention knows its parts"),
        (["../acme", "--yes"], 2, "There is no customer file ../acme"),
        (["nobody", "--yes"], 2, "There is no customer 'nobody'"),
    ],
)
def test_what_is_wrong_is_a_sentence(forget: Any, tokens: list[str], code: int, said: str) -> None:
    """And nothing is removed."""
    assert (found := forget("forget", *tokens))[0] == code
    assert said in found[2]
    assert len(json.loads(forget("parts", "acme", "--json")[1])) >= 1
