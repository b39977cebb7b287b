"""`partsight plugin`: what is installed is listed, a new one works at once, and what is wrong with one is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from lancedb.expr import col, lit

from blocks.catalogue import Catalogue
from blocks.customer import Embed
from infra.cli.plugin import Kind
from infra.settings import Settings
from tasks import codec
from tasks.contract import KINDS
from tasks.embed import embedder


def test_plug_ins_of_all_kinds_are_listed(partsight: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With package, version, formats; one that is broken with its reason, readers too."""
    monkeypatch.setenv("PARTSIGHT_STAGES", "gone=nowhere:Gone")
    monkeypatch.setenv("PARTSIGHT_READERS", "lost=nowhere:Lost")
    code, out, _ = partsight("plugin", "list", "--json")
    rows = {(row["kind"], row["name"]): row for row in json.loads(out)}
    assert code == 0
    assert {kind for kind, _ in rows} == set(KINDS) == set(get_args(Kind))
    for key in (("stage", "wear"), ("check", "outline"), ("sink", "coco"), ("reader", "step"), ("embedder", "hog")):
        assert (rows[key]["package"], rows[key]["version"], rows[key]["error"]) == ("partsight", "0.1.0", "")
        assert rows[key]["what"].endswith(".")
    assert set(rows["reader", "step"]["formats"]) == {".step", ".stp", ".p21"}
    assert rows["stage", "diffuse"]["needs_gpu"]
    assert "nowhere" in rows["stage", "gone"]["error"]
    assert (rows["reader", "lost"]["package"], rows["reader", "lost"]["error"][:7]) == ("PARTSIGHT_READERS", "nowhere")
    _, out, _ = partsight("plugin", "list")
    assert "broken: nowhere:Lost does not load" in out


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_package_keeps_the_contract_at_once(tmp_path: Path, partsight: Any, kind: str) -> None:
    """Its own test passes as it was written; a second one of the name is refused, and leaves it as it is."""
    code, out, err = partsight("plugin", "new", "try-me", "--kind", kind, "--out", tmp_path, "--json")
    assert code == 0, err
    folder = Path(json.loads(out)["folder"])
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert names == {"pyproject.toml", "README.md", "partsight_try_me.py", "tests/test_try_me.py"}
    assert "@" not in (folder / "README.md").read_text()
    project = (folder / "pyproject.toml").read_text()
    assert f'[project.entry-points."partsight.{kind}s"]\ntry-me = "partsight_try_me:TryMe"' in project
    env = {**os.environ, "PYTHONPATH": str(folder)}
    tests = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "-c", os.devnull, folder]
    done = subprocess.run(list(map(str, tests)), env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "README.md").write_text("mine")
    code, _, err = partsight("plugin", "new", "try-me", "--kind", kind, "--out", tmp_path)
    assert code == 2
    assert "is there already, and is left as it is" in err
    assert (folder / "README.md").read_text() == "mine"


@pytest.mark.parametrize(("name", "said"), [("wear", "There is a stage 'wear' already"), ("Ünlü", "is no name")])
def test_names_that_cannot_be_are_refused(tmp_path: Path, partsight: Any, name: str, said: str) -> None:
    """Nothing is written."""
    code, _, err = partsight("plugin", "new", name, "--out", tmp_path / "out")
    assert code == 2
    assert said in err
    assert not (tmp_path / "out").exists()


def test_what_is_wrong_is_said_with_how_to_mend_it(
    tmp_path: Path, partsight: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1, in words and as JSON; a class in the current folder needs no package."""
    (tmp_path / "plugin_check_dice.py").write_text(
        "import random\nimport numpy as np\nfrom pydantic import BaseModel\n\n\n"
        'class Dice(BaseModel):\n    """Rolls dice."""\n\n    def __call__(self, view):\n'
        "        yield view.replace(image=view.image + np.uint8(random.randrange(1, 99)))\n"
    )
    monkeypatch.chdir(tmp_path)
    code, out, _ = partsight("plugin", "check", "plugin_check_dice:Dice")
    assert code == 1
    assert "✗ determinism  The same view with the same random numbers gave another picture" in out
    assert "Draw from view.rng alone" in out
    assert out.endswith("It does not keep the contract yet.\n")
    code, out, _ = partsight("plugin", "check", "plugin_check_dice:Dice", "--json")
    told = json.loads(out)
    assert (code, told["ok"], told["kind"]) == (1, False, "stage")
    code, _, err = partsight("plugin", "check", "nothing")
    assert code == 2
    assert "There is no plug-in 'nothing'" in err


def test_words_on_an_embedder_that_knows_none(
    tmp_path: Path,
    partsight: Any,
    onboarded: Callable[[Path, str, list[str]], Settings],
    picture: Callable[[int], bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A sentence says so; the parts' own words are searched, pictures as ever."""
    machine = onboarded(tmp_path, "hoggy", ["B-1", "W-9"])
    there, model = Catalogue(uri=str(machine.catalogue("hoggy"))), embedder(Embed(model="hog"))
    images = there.rows("images", ("id", "part", "image"), col("accepted") == lit(value=True))
    vectors = model.images([codec.decode(row["image"]) for row in images])
    rows = [
        {"id": row["id"], "part": row["part"], "kind": "view", "vector": v}
        for row, v in zip(images, vectors, strict=True)
    ]
    there.upsert(model.table, rows, dimension=model.dimension)
    run = {"run": "r2", "finished": "2027", "status": "completed", "live": model.table}
    there.upsert("runs", [run | {"embed": Embed(model="hog").model_dump_json()}])
    monkeypatch.setenv("PARTSIGHT_HOME", str(tmp_path))
    code, out, err = partsight("search", "hoggy", "--text", "W-9", "--json")
    assert (code, json.loads(out)["results"][0]["part"]) == (0, "W-9")
    assert "the embedder hog knows no words" in err
    (tmp_path / "query.jpg").write_bytes(picture(1))
    code, out, err = partsight("search", "hoggy", "--image", tmp_path / "query.jpg", "--json")
    assert (code, json.loads(out)["results"][0]["part"], err) == (0, "W-9", "")
