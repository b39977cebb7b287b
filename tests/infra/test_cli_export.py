"""`partsight export`: what is live goes to a sink, and wrong calls are sentences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.cli.export import parsed
from infra.cli.output import WrongCallError


def test_what_is_live_is_written(partsight: Any, tmp_path: Path) -> None:
    """Four views of four parts; with settings, into a new folder, and again into the same."""
    call = ("export", "acme", "--to", "webdataset", "--out", tmp_path / "out")
    code, out, err = partsight(*call, "--set", "shard=3", "--json")
    assert code == 0, err
    told = {"sink": "webdataset", "out": str(tmp_path / "out"), "run": "r1", "pictures": 4, "told": {"shards": 2}}
    assert json.loads(out) == told
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("acme-000000.tar", "acme-000001.tar", "index.json", "partsight-export.json")
    }
    code, out, _ = partsight(*call)
    assert (code, out) == (0, f"4 pictures of run r1 are in {tmp_path / 'out'}, shards 1\n")
    assert not (tmp_path / "out" / "acme-000001.tar").exists()


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (("--to", "webdatset"), 2, "There is no sink 'webdatset'; did you mean 'webdataset'?"),
        (("--to", "coco", "--set", "outline=round"), 2, "Sink 'coco', setting 'outline'"),
        (("--to", "coco", "--set", "outline"), 2, "--set wants key=value, not 'outline'."),
        (("--to", "coco", "--out", "taken"), 1, "holds something else"),
    ],
)
def test_wrong_calls_are_sentences(
    partsight: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], code: int, said: str
) -> None:
    """And nothing is written."""
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").touch()
    monkeypatch.chdir(tmp_path)
    out = () if "--out" in more else ("--out", "new")
    found, _, err = partsight("export", "acme", *more, *out)
    assert (found, said in err) == (code, True), err
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_settings_are_yaml() -> None:
    """Numbers, truth, lists and texts."""
    assert parsed(("a=3", "b=true", "c=[1, x]", "d=a b", "e=")) == {
        "a": 3,
        "b": True,
        "c": [1, "x"],
        "d": "a b",
        "e": None,
    }
    with pytest.raises(WrongCallError, match="the value cannot be read"):
        parsed(("a=[1",))
