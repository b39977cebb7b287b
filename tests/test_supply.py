"""What the project is made of: nothing that is read can run code, and what is installed is what was tested."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect import Flow, Task
from prefect.serializers import JSONSerializer

import flows
from blocks.models import adapters, embedders
from flows.unkept import PlainSerializer
from infra import supply

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("flows", "tasks", "blocks", "infra", "tests", "docs")
UNSAFE = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "marshal", "shelve", "joblib", "jsonpickle", "pandas"}
RUNS = {"eval", "exec", "compile"}
LOADS = {"torch.load": ("weights_only", True), "yaml.load": ("Loader", None), "yaml.load_all": ("Loader", None)}


ALLOWED = {  # and why
    "tasks/contract/stage.py": "asks whether a plug-in's stage can go to another of our processes: bytes it just made",
    "tests/hostile/answers.py": "answers with a pickle as a parser that was taken over would, and is refused",
}


def trees() -> Iterator[tuple[Path, ast.Module]]:
    """Every Python file of the project, parsed."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def faults(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of everything that could make objects, or code, of what it reads."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        yield from ((node.lineno, name) for name in names if name.split(".")[0] in UNSAFE)  # type: ignore[attr-defined]
        if isinstance(node, ast.Call):
            yield from _unsafe_call(node)


def _unsafe_call(node: ast.Call) -> Iterator[tuple[int, str]]:
    name = ast.unparse(node.func)
    given = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
    if name in RUNS or name.endswith(("read_pickle", "to_pickle", "unsafe_load", "full_load")):
        yield node.lineno, name
    if given.get("allow_pickle") or given.get("trust_remote_code") or "custom_pipeline" in given:
        yield node.lineno, f"{name} with {sorted(key for key, value in given.items() if value)}"
    if name in LOADS:
        key, value = LOADS[name]
        if value is None or given.get(key) is not value:
            yield node.lineno, f"{name} without {key}={value}"


def test_nothing_that_is_read_can_run_code() -> None:
    """No pickle and its kin, no evaluated text, no remote code, in any file of the project."""
    found = [f"{path}:{line}: {what}" for path, tree in trees() for line, what in faults(tree)]
    assert [one for one in found if one.partition(":")[0] not in ALLOWED] == []
    assert {one.partition(":")[0] for one in found} == set(ALLOWED)


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(file)",
        "torch.load(file, weights_only=False)",
        "np.load(file, allow_pickle=True)",
        "yaml.load(text, Loader=yaml.Loader)",
        "yaml.unsafe_load(text)",
        "eval(text)",
        "exec(text)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
    ],
)
def test_the_rule_sees_what_it_forbids(code: str) -> None:
    """Or an empty list would say nothing."""
    assert list(faults(ast.parse(code)))


@pytest.mark.parametrize("name", ["model.bin", "model.pt", "model.pth", "model.ckpt", "model.npz"])
def test_weights_are_safetensors_or_are_refused(tmp_path: Path, name: str) -> None:
    """A file that could run code is not opened, whatever it holds: a sentence names it."""
    file = tmp_path / name
    file.write_bytes(b"\x80\x04cos\nsystem\n(S'touch opened'\ntR.")
    for refused in (
        lambda: embedders.find("ViT-B-32", str(file)),
        lambda: adapters.adapter(str(file), 1.0, 64),
    ):
        with pytest.raises(ValueError, match=rf"{re.escape(name)} is not loaded: such a file can run code"):
            refused()


def steps() -> Iterator[Flow | Task]:
    """Every flow and every task there is."""
    for module in pkgutil.iter_modules(flows.__path__):
        for value in vars(importlib.import_module(f"flows.{module.name}")).values():
            if isinstance(value, Flow | Task):
                yield value


def test_prefect_keeps_no_result_and_would_not_pickle_one() -> None:
    """Whatever PREFECT_RESULTS_* in the environment says: each flow and each task says it itself."""
    every = list(steps())
    assert len(every) > 40
    kept = [one.name for one in every if one.persist_result is not False]
    assert kept == []
    assert [one.name for one in every if not isinstance(one.result_serializer, PlainSerializer)] == []


def test_a_result_names_no_class() -> None:
    """Prefect's own JSON makes objects of the classes that it names; ours leaves words as words."""
    named = json.dumps({"__class__": "pathlib.PurePosixPath", "data": "/etc"}).encode()
    assert type(JSONSerializer().loads(named)).__name__ == "PurePosixPath"  # which is why it is not used
    assert PlainSerializer().loads(named) == {"__class__": "pathlib.PurePosixPath", "data": "/etc"}
    raised = json.dumps({"__exc_type__": "builtins.SystemExit", "message": "1"}).encode()
    assert PlainSerializer().loads(raised) == {"__exc_type__": "builtins.SystemExit", "message": "1"}
    with pytest.raises(TypeError):
        PlainSerializer().dumps(ROOT)
    with pytest.raises(ValueError, match="extra"):
        PlainSerializer(object_decoder="os.system")


@pytest.mark.slow
def test_nothing_is_kept_even_where_prefect_is_told_to(tmp_path: Path) -> None:
    """A run with results persisted by default, as pickles, leaves no file among them."""
    code = (
        "from prefect import flow, task\n"
        "from flows.patience import patiently\n"
        "from flows.unkept import unkept\n"
        "@task(**patiently)\n"
        "def step(): return {'a': 1}\n"
        "@flow(**unkept)\n"
        "def run(): return step()\n"
        "print(run())\n"
    )
    (tmp_path / "run.py").write_text(code)
    kept = tmp_path / "kept"
    told = {"PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true", "PREFECT_RESULTS_DEFAULT_SERIALIZER": "pickle"}
    told |= {"PREFECT_LOCAL_STORAGE_PATH": str(kept), "PREFECT_HOME": str(tmp_path / "prefect")}
    told |= {"PREFECT_LOGGING_LEVEL": "CRITICAL", "PYTHONPATH": str(ROOT)}
    told |= {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120"}
    import os

    done = subprocess.run(
        [sys.executable, tmp_path / "run.py"], env={**os.environ, **told}, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "{'a': 1}", done.stderr
    assert [path for path in kept.rglob("*") if path.is_file()] == []


def test_the_lock_names_hashes_of_just_the_tested_versions() -> None:
    """Each line of constraints.txt has its files' hashes in the lock, and nothing else is in it; no host is named."""
    wanted = supply.pinned((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    text = supply.LOCK.read_text(encoding="utf-8")
    locked = supply.hashes(text)
    assert supply.differences(wanted, locked) == []
    assert "://" not in text
    assert all(re.fullmatch(r"[0-9a-f]{64}", one) for hashes in locked.values() for one in hashes)


def test_every_rule_that_is_off_says_why() -> None:
    """Ruff's rules are all on, flake8-bandit's among them; each that is not has its reason beside it."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"\nignore = \[\n(.*?)\n\]", text, re.DOTALL)
    assert block
    lines = [line.strip() for line in block[1].splitlines()]
    security = [line for line in lines if re.match(r'"S\d', line)]
    assert [line.split('"')[1] for line in security] == ["S311", "S603", "S607"]
    assert '"ALL"' in text
