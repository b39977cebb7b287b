"""The house rules that no linter knows: described fields, short files, documentation that is true."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from blocks import catalogue, customer, source
from blocks.models import embedders, pipelines
from infra import settings
from tasks import records
from tasks.augment import chain
from tasks.embedders import EMBEDDERS
from tasks.gate import CHECKS
from tasks.sinks import SINKS
from tasks.stages import STAGES

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("flows", "tasks", "blocks", "infra", "tests")


def forms() -> Iterator[type[BaseModel]]:
    """Models that a person fills in."""
    for module in (catalogue, customer, embedders, pipelines, source, settings):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__:
                yield value
    for group in (STAGES, CHECKS, SINKS, EMBEDDERS):
        yield from (plugin.settings for plugin in group.installed().values() if plugin.settings)


@pytest.mark.parametrize("form", list(forms()), ids=lambda form: form.__name__)
def test_every_field_is_described(form: type[BaseModel]) -> None:
    """A description is the user interface: a sentence that ends with a full stop."""
    assert form.__doc__
    for name, field in form.model_fields.items():
        assert field.description, f"{form.__name__}.{name} has no description"
        assert field.description.endswith("."), f"{form.__name__}.{name}: {field.description}"


def test_no_file_is_longer_than_400_lines() -> None:
    """What grows longer holds two ideas."""
    long = [
        str(path.relative_to(ROOT))
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > 400
    ]
    assert long == []


def test_nothing_heavy_is_imported_to_say_help() -> None:
    """`partsight --help` must answer at once; flows and records load no torch."""
    heavy = {"torch", "prefect", "lancedb", "pyrender", "open_clip", "diffusers", "trimesh"}
    for module, allowed in (("infra.cli", set()), ("tasks.records", set()), ("flows.onboard", {"prefect", "lancedb"})):
        code = f"import {module}, sys; print(*sorted({heavy!r} & set(sys.modules)))"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert set(run.stdout.split()) <= allowed, f"{module} imports {run.stdout}"


def test_the_stage_in_the_documentation_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of docs/stages.md is run as it stands there."""
    text = (ROOT / "docs" / "stages.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert code
    (tmp_path / "partsight_frost.py").write_text(code[1])
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PARTSIGHT_STAGES", "frost=partsight_frost:Frost")
    grey = np.full((32, 32, 3), 90, dtype=np.uint8)
    mask = np.zeros((32, 32), dtype=bool)
    mask[8:24, 8:24] = True
    view = records.View(
        part=records.Part(number="P"),
        camera=records.Camera(pose=((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 9), (0, 0, 0, 1)), yfov=0.5, size=32),
        image=grey,
        alpha=np.ones((32, 32), dtype=np.float32),
        mask=mask,
        depth=mask.astype(np.float32),
        normals=np.zeros((32, 32, 3), dtype=np.float32),
        rng=records.generator("x"),
    )
    (made,) = chain(("frost",), {"frost": {"amount": 0.8}}).variants(view, "seed", 1)
    assert made.image[mask].mean() > 110
    assert (made.image[~mask] == 90).all()


def test_the_readme_names_only_what_exists() -> None:
    """Commands, make targets and links in the README and the docs are there."""
    from infra.cli import app

    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        for command in set(re.findall(r"partsight (\w+)(?= |`|$)", text, re.MULTILINE)):
            assert command in [name for names in app for name in (names if isinstance(names, tuple) else (names,))]
        for target in set(re.findall(r"(?:`|\$ )make (\w+)", text)):
            assert f"\n{target}:" in makefile, f"{page.name} names make {target}"
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", text):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"
