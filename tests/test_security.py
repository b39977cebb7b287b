"""The threat model names tests that exist, and every threat names one or says that it is looked at by hand."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def rows() -> list[list[str]]:
    """The lines of the tables of threats: threat, what stops it, tests."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [one for one in cells if len(one) == 3 and one[0] != "threat"]


def test_every_threat_names_a_test_that_exists() -> None:
    """With tests in it."""
    assert len(rows()) >= 20
    for threat, stopped, where in rows():
        named = re.findall(r"`(tests/[^`]+)`", where)
        assert stopped, threat
        assert named or where == "by hand", threat
        for name in named:
            assert (ROOT / name).is_file(), f"{threat}: {name} is not there"
            assert "def test_" in (ROOT / name).read_text(encoding="utf-8"), name


def test_every_file_of_attacks_is_named() -> None:
    """What is tried in tests/hostile, crash, race and isolation stands in the threat model."""
    folders = ("hostile", "crash", "race", "isolation")
    there = {path for folder in folders for path in (ROOT / "tests" / folder).glob("test_*.py")}
    assert [path.name for path in sorted(there) if str(path.relative_to(ROOT)) not in PAGE] == []
