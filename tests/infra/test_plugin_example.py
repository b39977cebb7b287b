"""The packaged plug-in in docs/examples is installed, seen, checked, used in a run, and refused when it is broken."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh

from blocks.catalogue import Catalogue
from tasks import codec

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "partsight-rust"
CUSTOMER = """
slug: rusty
source: cad
plugins: {plugins}
recipe:
  render: {{views: 2, size: 96}}
  stages: [rust]
  settings: {{rust: {{amount: 1.0}}}}
release: {{queries: 0}}
"""

Partsight = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the package is installed in, as pip does it; no network is asked."""
    folder = tmp_path_factory.mktemp("installed")
    source = tmp_path_factory.mktemp("source") / EXAMPLE.name  # building leaves folders behind
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(folder), str(source)], check=True, capture_output=True)
    return folder


@pytest.fixture
def partsight(installed: Path, tmp_path: Path) -> Partsight:
    """The command with discovery on, in a process of its own: (exit code, stdout, stderr)."""
    env = {**os.environ, "PYTHONPATH": str(installed), "PARTSIGHT_DISCOVERY": "on", "PARTSIGHT_WORKERS": "1"}
    env |= {"PARTSIGHT_HOME": str(tmp_path / "home"), "PREFECT_HOME": str(tmp_path / "prefect")}
    command = "import sys; from infra.cli import main; main()"

    def run(*tokens: object) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-c", command, *map(str, tokens)], env=env, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def customer(tmp_path: Path) -> Callable[..., Path]:
    """A maker of the customer's file: one steel block, rusted; with the plug-ins that are allowed."""
    (tmp_path / "cad").mkdir()
    trimesh.creation.box((30, 20, 10)).export(tmp_path / "cad" / "block.stl")

    def made(plugins: str = "['partsight_rust']") -> Path:
        (tmp_path / "rusty.yaml").write_text(CUSTOMER.format(plugins=plugins))
        return tmp_path / "rusty.yaml"

    return made


def test_it_is_listed_with_its_package_and_settings(partsight: Partsight) -> None:
    """Among the stages, and among all plug-ins."""
    code, out, err = partsight("stages", "--json")
    (row,) = [row for row in json.loads(out) if row["name"] == "rust"]
    assert (code, row["package"], row["version"], row["error"]) == (0, "partsight-rust", "0.1.0", ""), err
    assert set(row["settings"]["properties"]) == {"amount", "patch", "edges", "pits"}
    _, out, _ = partsight("plugin", "list", "--json")
    kinds = {row["kind"] for row in json.loads(out)}
    assert kinds == {"stage", "check", "sink", "reader", "embedder"}
    assert [row["kind"] for row in json.loads(out) if row["package"] == "partsight-rust"] == ["stage"]


def test_the_run_form_offers_it(installed: Path) -> None:
    """Among the stages that can be chosen, with a group of its settings, each with its bounds."""
    code = "import json; from flows.onboard import onboard; print(json.dumps(onboard.parameters.model_dump()))"
    env = {**os.environ, "PYTHONPATH": str(installed), "PARTSIGHT_DISCOVERY": "on"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    schema = json.loads(done.stdout.splitlines()[-1])
    assert "rust" in schema["properties"]["stages"]["items"]["enum"]
    group = schema["definitions"]["StageSettings"]["properties"]["rust"]
    amount = schema["definitions"][group["$ref"].rpartition("/")[2]]["properties"]["amount"]
    assert (amount["minimum"], amount["maximum"]) == (0, 1)
    assert amount["description"].endswith(".")


def test_it_keeps_the_contract(partsight: Partsight, installed: Path) -> None:
    """So says the command, and so says its own test."""
    code, out, err = partsight("plugin", "check", "rust", "--json")
    assert (code, json.loads(out)["ok"]) == (0, True), out + err
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(EXAMPLE / "tests")]
    env = {**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(tests, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_run_uses_it_until_it_breaks(partsight: Partsight, customer: Callable[..., Path], installed: Path) -> None:
    """The variants are rusty; broken, or not allowed, a run that asks for it is refused with the reason."""
    code, _, err = partsight("onboard", customer(plugins="[]"), "--json")
    assert code == 1
    assert "'rust' (partsight-rust) is installed, but this customer may not use it" in err
    code, out, err = partsight("onboard", customer(), "--json")
    assert code == 0, err
    summary = json.loads(out)
    assert (summary["parts"]["new"], summary["images"]["variants"]) == (1, 2)
    home = Path(summary["report"]).parents[1]
    rows = Catalogue(uri=str(home / "catalogue")).rows("images", ("kind", "stage", "settings", "image", "mask"))
    shown = {row["kind"]: row for row in rows}
    assert (shown["variant"]["stage"], json.loads(shown["variant"]["settings"])[0]["release"]) == (
        "rust",
        "partsight-rust 0.1.0 r0",
    )
    warmth = {}
    for kind, row in shown.items():
        pixels = codec.decode(row["image"])[codec.decode_mask(row["mask"])].astype(int)
        warmth[kind] = float(np.mean(pixels[:, 0] - pixels[:, 2]))
    assert warmth["variant"] > warmth["view"] + 15
    module = installed / "partsight_rust.py"
    sound = module.read_text(encoding="utf-8")
    try:
        for broken, reason in (
            ("def rust(:\n", "SyntaxError"),
            ("raise OSError('no licence')\n", "OSError: no licence"),
        ):
            module.write_text(sound + broken, encoding="utf-8")
            _, out, _ = partsight("stages", "--json")
            (row,) = [row for row in json.loads(out) if row["name"] == "rust"]
            assert reason in row["error"]
            code, out, err = partsight("onboard", customer(), "--json")
            assert (code, out) == (1, "")
            assert "The stage 'rust' cannot be used: partsight_rust:Rust does not load" in err
            assert reason in err
    finally:
        module.write_text(sound, encoding="utf-8")
