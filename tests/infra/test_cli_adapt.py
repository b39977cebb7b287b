"""`partsight adapt` says how long it will take, then what came of it, and in a sentence what it cannot do."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from blocks.customer import Customer
from infra.cli.adapt import _announce, _spent, _tell
from infra.cli.output import Answer

ACME = Customer(slug="acme")
SECONDS = {"render": 12.0, "learn": 1800.0, "embed": 60.0, "evaluate": 20.0, "total": 1892.0}
SUMMARY = {
    "model": "partsight-small tuned",
    "minutes": 30.0,
    "parts": 56,
    "released": True,
    "figures": {
        "compared": {
            "queries": 300,
            "before": 0.62,
            "after": 0.81,
            "before_interval": (0.56, 0.675),
            "after_interval": (0.76, 0.85),
        }
    },
    "seconds": SECONDS,
    "notes": ["P-7 is not learned: it is empty."],
    "report": "reports/r1.html",
}


def rows(out: str) -> list[list[str]]:
    """What was printed, line by line, in words."""
    return [line.split() for line in out.splitlines()]


def test_how_long_it_will_take(capsys: pytest.CaptureFixture[str]) -> None:
    """What is to be learned, and a row for each piece of the time and for the sum."""
    _announce(Answer(sys.stdout), ACME, {"model": "m", "parts": 56, "photographs": 12, "seconds": SECONDS})
    out = capsys.readouterr().out
    assert "acme: m is to learn 56 parts and 12 photographs" in out
    for row in ("render the parts 12 s", "learn them 30.0 min", "embed the pictures 60 s", "in all 31.5 min"):
        assert row.split() in rows(out)


def test_what_came_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Recall before and after with intervals, what each piece took, notes and the report."""
    _tell(Answer(sys.stdout), ACME, SUMMARY, as_json=False)
    out = capsys.readouterr().out
    assert "acme: partsight-small tuned, 30.0 minutes with 56 parts" in out
    assert ["before", "62.0%", "56.0%", "to", "67.5%"] in rows(out)
    assert ["after", "81.0%", "76.0%", "to", "85.0%"] in rows(out)
    assert ["learn", "them", "30.0", "min"] in rows(out)
    assert "It is live" in out
    assert "note: P-7 is not learned" in out
    assert "reports/r1.html" in out


def test_what_was_refused_is_not_live(capsys: pytest.CaptureFixture[str]) -> None:
    """Nor is there an interval where the model before was not measured now, or a table where nothing was."""
    both = {"queries": 3, "before": 0.5, "after": 0.2, "before_interval": None, "after_interval": (0.1, 0.3)}
    _tell(Answer(sys.stdout), ACME, SUMMARY | {"released": False, "figures": {"compared": both}}, as_json=False)
    out = capsys.readouterr().out
    assert ["before", "50.0%"] in rows(out)
    assert "It is live" not in out
    _tell(Answer(sys.stdout), ACME, SUMMARY | {"figures": {"compared": None}}, as_json=False)
    assert "recall" not in capsys.readouterr().out


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (89, "89 s"), (90, "1.5 min"), (5400, "90.0 min")])
def test_times_are_as_people_say_them(seconds: float, said: str) -> None:
    """Seconds up to a minute and a half, minutes from there on."""
    assert _spent(seconds) == said


@pytest.mark.parametrize(
    ("tokens", "code", "said"),
    [
        (["adapt"], 2, "requires an argument"),
        (["adapt", "nobody"], 2, "There is no customer 'nobody'"),
        (["adapt", "acme", "--minutes", "0"], 2, "Must be > 0"),
        (["adapt", "acme", "--dry-run", "--json"], 1, "have 0 shapes with CAD"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(partsight: Any, tokens: list[str], code: int, said: str) -> None:
    """Exit code 2 for a wrong call, 1 where nothing can be learned; nothing on stdout, no traceback."""
    found, out, err = partsight(*tokens)
    assert (found, out) == (code, "")
    assert said in " ".join(err.split())
    assert "Traceback" not in err
