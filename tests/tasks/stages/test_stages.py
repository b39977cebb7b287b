"""Stages are found by name, wherever they come from, and a broken one is named instead of fatal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.stages import StageError, installed, nearest, stage

GOOD = '''
from pydantic import BaseModel, Field

class Rust(BaseModel):
    """Corrode the surface of the part."""

    amount: float = Field(0.3, ge=0, le=1, description="Share of the surface that is rusty.")

    def __call__(self, view):
        yield view
'''


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the import path for modules that a test writes."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_built_ins_come_through_the_same_door() -> None:
    """The four built-in stages are there by entry point, with package, version, words and bounds."""
    found = installed()
    assert {"background", "camera", "occlude", "wear"} <= set(found)
    wear = found["wear"]
    assert (wear.package, wear.error, wear.needs_gpu) == ("partsight", "", False)
    assert wear.version
    assert wear.summary.startswith("Make the part look used")
    assert wear.json_schema["properties"]["rust"]["maximum"] == 1


def test_every_setting_is_described_with_a_default() -> None:
    """The run form shows a sentence and a default for every setting of every built-in stage."""
    for name, found in installed().items():
        for field, info in found.fields.items():
            assert (info.description or "").endswith("."), f"{name}.{field}"
            assert not info.is_required(), f"{name}.{field}"


def test_unpackaged_stage_is_registered_by_the_environment(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PARTSIGHT_STAGES registers name=module:Class; its version is that of its text."""
    (plugin / "corrosion_one.py").write_text(GOOD)
    monkeypatch.setenv("PARTSIGHT_STAGES", "rust=corrosion_one:Rust")
    found = stage("rust")
    assert found.summary == "Corrode the surface of the part."
    assert found.package == "PARTSIGHT_STAGES"
    assert found.version
    assert "wear" in installed()


@pytest.mark.parametrize(
    ("text", "target", "reason"),
    [
        ("import no_such_library_anywhere", "broken_a:Rust", "no_such_library_anywhere"),
        ("class Rust: pass", "broken_b:Rust", "not a pydantic model"),
        ("x = 1", "broken_c:Rust", "Rust"),
        ("from pydantic import BaseModel\nclass Rust(BaseModel): pass", "broken_d:Rust", "cannot be called"),
        ("raise SystemExit(3)", "broken_e:Rust", "SystemExit"),
        ("def (", "broken_f:Rust", "SyntaxError"),
    ],
)
def test_stage_that_does_not_load_is_named_with_the_reason(
    plugin: Path, monkeypatch: pytest.MonkeyPatch, text: str, target: str, reason: str
) -> None:
    """Whatever is wrong with a plug-in, the others stay usable and using it is refused with the reason."""
    (plugin / f"{target.partition(':')[0]}.py").write_text(text)
    monkeypatch.setenv("PARTSIGHT_STAGES", f"rust={target}")
    assert reason in installed()["rust"].error
    assert not installed()["wear"].error
    with pytest.raises(StageError, match=f"'rust' cannot be used.*{reason}"):
        stage("rust")


def test_malformed_registration_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registration without a target says how it must read."""
    monkeypatch.setenv("PARTSIGHT_STAGES", "rust")
    assert "name=module:Class" in installed()["rust"].error


def test_unknown_stage_names_the_nearest_one() -> None:
    """A typing mistake is answered with the right name."""
    with pytest.raises(StageError, match=r"no stage 'backgroud'; did you mean 'background'\?"):
        stage("backgroud")
    assert nearest("xyz", ["wear"]) == ""


def test_discovery_off_leaves_other_packages_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed foreign package counts with discovery on and is ignored with it off."""
    info = tmp_path / "partsight_rust-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: partsight-rust\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[partsight.stages]\nrust = corrosion_two:Rust\nwear = corrosion_two:Rust\n")
    (tmp_path / "corrosion_two.py").write_text(GOOD)
    monkeypatch.syspath_prepend(str(tmp_path))
    # an environment value of its own, so that the cached answer of this process is not asked
    monkeypatch.setenv("PARTSIGHT_STAGES", ",")
    assert "rust" not in installed()
    monkeypatch.setenv("PARTSIGHT_DISCOVERY", "on")
    assert installed()["rust"].release == "partsight-rust 1.2 r0"
    assert installed()["wear"].package == "partsight"
