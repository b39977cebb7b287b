"""`partsight finetune` says what came of it, for people and for scripts, and in a sentence what it cannot do."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from blocks.customer import Customer
from infra.cli.finetune import _show
from infra.cli.output import Answer

FIGURES = {"views": 32, "passed": 0.75, "found": 0.5, "reasons": {}}
SUMMARY = {
    "photographs": 12,
    "renders": 100,
    "steps": 800,
    "figures": {"without": FIGURES, "with": {**FIGURES, "passed": 0.875}},
    "used": True,
    "reason": "",
    "notes": [],
    "adapter": "adapters/look-1.safetensors",
    "sheet": "adapters/look-1.png",
}


def test_what_came_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    """A row for each way to make the pictures, whether it is used, and where file and sheet are."""
    _show(Answer(sys.stdout), Customer(slug="acme"), SUMMARY)
    out = capsys.readouterr().out
    assert "acme: 800 steps with 12 photographs and 100 renders" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["32", "pictures", "without", "it", "75%", "50%"] in rows
    assert ["32", "pictures", "with", "it", "88%", "50%"] in rows
    assert "It is used" in out
    assert "look-1.png" in out


def test_why_it_is_not_used(capsys: pytest.CaptureFixture[str]) -> None:
    """The reason stands beside the figures, of the one in use too."""
    both = {"before": FIGURES, **SUMMARY["figures"]}  # type: ignore[dict-item]
    _show(
        Answer(sys.stdout), Customer(slug="acme"), SUMMARY | {"used": False, "reason": "It is worse.", "figures": both}
    )
    out = capsys.readouterr().out
    assert "It is not used. It is worse." in out
    assert "32 pictures with the one in use" in out


@pytest.mark.parametrize(
    ("tokens", "code", "said"),
    [
        (["finetune"], 2, "requires an argument"),
        (["finetune", "nobody"], 2, "There is no customer 'nobody'"),
        (["finetune", "acme", "--photos", "gone"], 2, "There is no folder or file gone"),
        (["finetune", "acme", "--steps", "0"], 2, "Must be >= 1"),
        (["finetune", "acme", "--json"], 1, "no photographs to learn from"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(partsight: Any, tokens: list[str], code: int, said: str) -> None:
    """Exit code 2 for a wrong call, 1 where nothing can be learned; nothing on stdout, no traceback."""
    found, out, err = partsight(*tokens)
    assert (found, out) == (code, "")
    assert said in " ".join(err.split())
    assert "Traceback" not in err
