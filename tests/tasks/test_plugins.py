"""Stages and checks are found by one machinery, each in its own words."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tasks.gate import CHECKS
from tasks.plugins import PluginError, configured, nearest
from tasks.stages import STAGES, StageError


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


def test_a_customer_uses_what_the_file_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, by package in any spelling, or all; our own always; what is not allowed is not imported."""
    (tmp_path / "allowed_one.py").write_text("import allowed_never_imported")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PARTSIGHT_STAGES", "one=allowed_one:One")
    assert "one" not in STAGES.installed(())
    assert "allowed_one" not in sys.modules
    assert set(STAGES.installed(())) == {"background", "camera", "diffuse", "occlude", "wear"}
    for plugins in (("*",), ("one",), ("Partsight.Stages",)):
        assert "allowed_never_imported" in STAGES.installed(plugins)["one"].error
    with pytest.raises(PluginError, match=r"'one' \(PARTSIGHT_STAGES\) is installed, but this customer may not use it"):
        STAGES.named("one", ("two",))


def test_what_is_not_allowed_hides_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check of ours that somebody replaced judges where the replacement may not."""
    monkeypatch.setenv("PARTSIGHT_CHECKS", "outline=nowhere:Open")
    assert CHECKS.installed()["outline"].error
    assert CHECKS.installed(())["outline"].package == "partsight"


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"amuont": 1}, "Stage 'wear' has no setting 'amuont'"),
        ({"dirt": 3}, r"Stage 'wear', setting 'dirt': .* \(given: 3\)."),
    ],
)
def test_settings_are_checked_in_the_groups_own_words(settings: dict[str, int], complaint: str) -> None:
    """What is wrong is named, with the plug-in and the setting."""
    with pytest.raises(StageError, match=complaint):
        configured(STAGES, STAGES.named("wear"), settings)
    assert configured(STAGES, STAGES.named("wear"), {"dirt": 0.5}).dirt == 0.5
