"""Stages and checks are found by one machinery, each in its own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.gate import CHECKS
from tasks.plugins import PluginError, nearest
from tasks.stages import STAGES


def test_each_group_has_its_own_names() -> None:
    """The entry point group and the environment variable follow from what the plug-ins are called."""
    assert (STAGES.entry, STAGES.variable) == ("partsight.stages", "PARTSIGHT_STAGES")
    assert (CHECKS.entry, CHECKS.variable) == ("partsight.checks", "PARTSIGHT_CHECKS")


def test_groups_do_not_mix() -> None:
    """A stage is no check, and the error says which checks there are."""
    with pytest.raises(PluginError, match=r"There is no check 'wear'.*Installed: contrast, exposure"):
        CHECKS.named("wear")


def test_a_group_speaks_of_its_own_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with a check is said of a check."""
    (tmp_path / "no_call_here.py").write_text("from pydantic import BaseModel\nclass Bare(BaseModel): pass")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PARTSIGHT_CHECKS", "bare=no_call_here:Bare, odd")
    there = CHECKS.installed()
    assert "a check has a method __call__(self, variant, view)" in there["bare"].error
    assert there["odd"].error == "PARTSIGHT_CHECKS says 'odd'; it must read name=module:Class."


def test_nearest_helps_with_typing_mistakes() -> None:
    """A close name is proposed, a far one is not."""
    assert nearest("expsure", ["exposure", "stray"]) == "; did you mean 'exposure'?"
    assert nearest("xyz", ["exposure"]) == ""
