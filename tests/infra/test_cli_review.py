"""`partsight review` shows variants beside their renders, and a decision reaches searches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def test_review_writes_a_page(partsight: Any, tmp_path: Path) -> None:
    """Every variant with its verdict and reason, where one asks for it; figures as JSON."""
    page = tmp_path / "review.html"
    code, out, err = partsight("review", "acme", "--out", page, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert {key: told[key] for key in ("customer", "variants", "rejected", "shown")} == {
        "customer": "acme",
        "variants": 4,
        "rejected": 4,
        "shown": 4,
    }
    text = page.read_text(encoding="utf-8")
    assert text.count('<article class="pair"') == 4
    assert "x0" in text
    assert text.count(">rejected<") == 4
    code, out, _ = partsight("review", "acme", "--part", "B-2", "--out", page)
    assert code == 0
    assert "1 variants, 1 rejected" in out
    assert page.read_text(encoding="utf-8").count('<article class="pair"') == 1


@pytest.mark.parametrize(
    ("tokens", "code", "said"),
    [
        (["review"], 2, "requires an argument"),
        (["review", "nobody"], 2, "There is no customer 'nobody'"),
        (["review", "acme", "--reject", "zz"], 1, "There is no picture zz"),
        (["review", "acme", "--reject", "v0"], 1, "v0 is a view, not a variant"),
        (["review", "acme", "--reject", "x0", "--accept", "x0"], 2, "to be accepted and rejected"),
    ],
)
def test_what_cannot_be_reviewed_is_a_sentence(partsight: Any, tokens: list[str], code: int, said: str) -> None:
    """Exit code 2 for a wrong call, 1 where the picture is not there; nothing on stdout, no traceback."""
    given = partsight(*tokens)
    assert given[:2] == (code, "")
    assert said in given[2]
    assert "Traceback" not in given[2]


def test_a_decision_is_told_and_kept(partsight: Any) -> None:
    """What changed, whether searches see it, and on the page that a person decided."""
    code, out, _ = partsight("review", "acme", "--reject", "x1", "--json")
    assert code == 0
    told = json.loads(out)
    assert (told["changed"], told["reviewed"]) == (0, 1)
    assert "rejected by hand" in Path(told["page"]).read_text(encoding="utf-8")
