"""`partsight doctor` says what is here, what is missing and how to get it, and survives what is broken."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from infra import doctor
from infra.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, doctor.Check]:
    """What the doctor says of this machine, by name."""
    found = doctor.examine(Settings(home=tmp_path_factory.mktemp("home") / "not" / "made" / "yet"))
    return {check.name: check for check in found}


def test_everything_that_matters_is_looked_at(checks: dict[str, doctor.Check]) -> None:
    """Python, packages, state, OpenGL, sandbox, device, weights, stages: each has its line."""
    wanted = {"python", "package numpy", "PARTSIGHT_HOME", "OpenGL", "sandbox", "device", "weights", "stages"}
    assert wanted <= set(checks)
    assert "extra s3" in checks


def test_what_is_needed_is_here(checks: dict[str, doctor.Check]) -> None:
    """These tests run, so nothing that is needed can be missing."""
    assert [check.name for check in checks.values() if check.needed and not check.ok] == []


def test_weights_that_nobody_trained_are_called_untrained(checks: dict[str, doctor.Check]) -> None:
    """Until trained weights ship, the doctor says so, and says what to do."""
    assert "untrained" in checks["weights"].found
    assert checks["weights"].advice


def test_whatever_is_missing_comes_with_advice(checks: dict[str, doctor.Check]) -> None:
    """A line that is not a tick says how to get it, except a GPU, which nobody can install."""
    assert [check.name for check in checks.values() if not check.ok and not check.advice] in ([], ["device"])


def test_a_state_that_cannot_be_written_is_found(tmp_path: Path) -> None:
    """PARTSIGHT_HOME below a file, say, is named before a run fails on it."""
    (tmp_path / "file").write_text("")
    check = doctor.home(Settings(home=tmp_path / "file" / "home"))
    assert not check.ok
    assert check.needed
    assert "PARTSIGHT_HOME" in check.advice


def test_a_package_of_a_wrong_version_or_none_is_named() -> None:
    """What is found is compared with what is required."""
    assert doctor._fault(Requirement("numpy<1")).startswith("numpy ")
    assert doctor._fault(Requirement("no-such-package-here")) == "no-such-package-here is not installed"
    assert doctor._fault(Requirement("numpy>=2")) == ""


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os\ndef ask(): os.abort()", "crashed with signal 6"),
        ("def ask(): raise RuntimeError('no screen')", "RuntimeError: no screen"),
        ("import no_such_module", "No module named 'no_such_module'"),
    ],
)
def test_what_crashes_or_fails_is_a_line_not_the_end(code: str, said: str) -> None:
    """A driver or library that kills the process that asks it is asked in a process of its own."""
    assert said in str(doctor._ask(code))


def test_the_requirements_of_a_bare_checkout_are_those_of_pyproject(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the project itself is not installed, its pyproject.toml is read: the same names, the same extras."""
    installed = {doctor._canonical(Requirement(line).name) for line in doctor._requirements()}

    def nothing(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", nothing)
    bare = {doctor._canonical(Requirement(line).name) for line in doctor._requirements()}
    assert {"numpy", "lancedb", "s3fs"} <= installed & bare
