"""`partsight doctor` says what is here, what is missing and how to get it, and survives what is broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from infra import doctor
from infra.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any]]:
    """Exit code and answer of `partsight doctor --json` on this machine, with a state that cannot be written."""
    file = tmp_path_factory.mktemp("doctor") / "file"
    file.write_text("")
    done = subprocess.run(
        [sys.executable, "-c", "import infra.cli; infra.cli.main()", "doctor", "--json"],
        cwd=ROOT,
        env=os.environ | {"PARTSIGHT_HOME": str(file / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


@pytest.fixture
def checks(visit: tuple[int, dict[str, Any]]) -> dict[str, doctor.Check]:
    """What the doctor says of this machine, by name."""
    return {check["name"]: doctor.Check(**check) for check in visit[1]["checks"]}


def test_everything_that_matters_is_looked_at(checks: dict[str, doctor.Check]) -> None:
    """Python, packages, state, OpenGL, sandbox, device, weights, stages: each has its line."""
    wanted = {
        "python",
        "package numpy",
        "PARTSIGHT_HOME",
        "OpenGL",
        "sandbox",
        "device",
        "weights",
        "stages",
        "Prefect server",
    }
    assert wanted <= set(checks)
    assert "extra s3" in checks


def test_what_is_needed_and_missing_is_exit_code_1(
    visit: tuple[int, dict[str, Any]], checks: dict[str, doctor.Check]
) -> None:
    """These tests run, so nothing can be missing here but the state, which was spoilt on purpose."""
    code, said = visit
    assert [check.name for check in checks.values() if check.needed and not check.ok] == ["PARTSIGHT_HOME"]
    assert code == 1
    assert said["ok"] is False


def test_the_weights_that_ship_are_found(checks: dict[str, doctor.Check]) -> None:
    """The doctor names the model that embeds by default and how long its vectors are."""
    assert checks["weights"].ok
    assert checks["weights"].found == "partsight-small, 256 dimensions"


def test_whatever_is_missing_comes_with_advice(checks: dict[str, doctor.Check]) -> None:
    """A line that is not a tick says how to get it, except a GPU, which nobody can install."""
    assert [check.name for check in checks.values() if not check.ok and not check.advice] in ([], ["device"])


def test_a_state_that_does_not_exist_yet_can_be_made(tmp_path: Path) -> None:
    """PARTSIGHT_HOME need not be there; looking at it makes nothing."""
    check = doctor.home(Settings(home=tmp_path / "not" / "made" / "yet"))
    assert check.ok
    assert "GB free" in check.found
    assert list(tmp_path.iterdir()) == []


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
