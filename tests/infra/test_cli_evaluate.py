"""`partsight evaluate` prints figures for people and for scripts, and says in a sentence what it cannot do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.cli.evaluate import _cut, _verdict

NUMBERS = ("B-1", "B-2", "B-3", "W-9")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder for photographs."""
    return tmp_path_factory.mktemp("photos")


@pytest.fixture
def filled(photos: Path, picture: Callable[[int], bytes]) -> Path:
    """A photograph of each part, which is its view; and one that shows another part than is said."""
    for place, number in enumerate(NUMBERS):
        (photos / number).mkdir(exist_ok=True)
        (photos / number / "1.jpg").write_bytes(picture(place))
    (photos / "B-1" / "2__clutter.jpg").write_bytes(picture(3))
    return photos


def test_evaluate_as_json(partsight: Any, filled: Path) -> None:
    """JSON alone on stdout, with the keys of the contract; the report is there."""
    code, out, err = partsight("evaluate", "acme", "--photos", filled, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert {"queries", "recall", "map", "by_difficulty", "by_source", "groups", "threshold"} <= set(found)
    assert found["queries"] == 5
    assert {depth: share["value"] for depth, share in found["recall"].items()} == {"1": 0.8, "5": 1.0, "10": 1.0}
    assert {name: figures["queries"] for name, figures in found["by_difficulty"].items()} == {
        "cluttered": 1,
        "photo": 4,
    }
    page = Path(found["report"]).read_text(encoding="utf-8")
    assert page.count('<article class="query"') == 5
    assert page.index("found at place ") < page.index("found at place 1<")  # the worst one is the first


def test_evaluate_for_people(partsight: Any, filled: Path) -> None:
    """A table with a line for each difficulty, what follows from it, and where the report is."""
    code, out, _ = partsight("evaluate", "acme", "--photos", filled)
    assert code == 0
    assert "5 queries about 4 of 4 parts" in out
    lines = [line.split() for line in out.splitlines()]
    assert next(line for line in lines if line[:1] == ["all"])[1:3] == ["5", "80.0"]
    assert next(line for line in lines if line[:1] == ["cluttered"])[1:3] == ["1", "0.0"]
    assert any(line[:1] == ["threshold"] for line in lines)
    assert any(line[:1] == ["report"] and Path(line[1]).is_file() for line in lines)


@pytest.mark.parametrize(
    ("tokens", "code", "said"),
    [
        (["evaluate"], 2, "requires an argument"),
        (["evaluate", "nobody"], 2, "There is no customer 'nobody'"),
        (["evaluate", "{tmp}/new.yaml"], 2, "partsight onboard new"),
        (["evaluate", "acme", "--photos", "gone"], 2, "There is no folder or file gone"),
        (["evaluate", "acme", "--photos", "{tmp}/empty"], 1, "a folder for each part"),
        (["evaluate", "acme", "--photos", "{tmp}/strange", "--json"], 1, "'C-7' is no part"),
        (["evaluate", "acme"], 1, "--photos FOLDER"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    partsight: Any, tmp_path: Path, picture: Callable[[int], bytes], tokens: list[str], code: int, said: str
) -> None:
    """Exit code 2 for a wrong call, 1 where nothing can be measured; nothing on stdout, no traceback."""
    (tmp_path / "new.yaml").write_text("slug: new\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "strange" / "C-7").mkdir(parents=True)
    (tmp_path / "strange" / "C-7" / "1.jpg").write_bytes(picture(0))
    given = partsight(*(token.replace("{tmp}", str(tmp_path)) for token in tokens))
    assert given[:2] == (code, "")
    assert given[2].startswith("partsight: ")
    assert said in given[2]
    assert "Traceback" not in given[2]


def test_the_verdict_on_variants_follows_its_interval() -> None:
    """Help and harm are said only where the interval leaves no doubt."""
    assert _verdict({"low": 0.01, "high": 0.1}) == "they help"
    assert _verdict({"low": -0.1, "high": -0.01}) == "they harm"
    assert _verdict({"low": -0.1, "high": 0.1}) == "no clear difference"


def test_a_threshold_that_says_nothing_is_called_so() -> None:
    """0 means that no part is ever called absent."""
    assert _cut({"value": 0.0, "false_accept": 1.0, "false_reject": 0.0}).startswith("none")
    assert "12 % of absent parts" in _cut({"value": 0.7, "false_accept": 0.12, "false_reject": 0.05})
