"""What works on this machine, what is missing, and how to get it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings import Settings

PACKAGE: Final = "package "
_PYTHON: Final = (3, 11)
_ROOT: Final = Path(__file__).parents[1]
_OPENGL: Final = "apt install libegl1 libgl1 libgl1-mesa-dri (Debian, Ubuntu)"
_INSTALL: Final = "make demo, or: pip install -c constraints.txt -e ."
_SPACE_GB: Final = 2
_PATIENCE: Final = 120  # seconds; the first import of torch on a cold disk takes long


class Check(BaseModel):
    """One thing that was looked at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="What was looked at.")
    ok: bool = Field(description="Whether it is there and works.")
    needed: bool = Field(True, description="Whether nothing works without it.")
    found: str = Field("", description="What was found, in words.")
    advice: str = Field("", description="How to get what is missing, in one line.")


def examine(machine: Settings) -> list[Check]:
    """Look at everything; a thing that is broken is a check that failed, never an exception."""
    with ThreadPoolExecutor(2) as pool:  # each of these waits for a process that imports much
        slow = [pool.submit(look) for look in (opengl, sandbox, device, weights)]
        last = pool.submit(prefect)
        quick = [python(), *packages(), home(machine)]
        return [*quick, *(look.result() for look in slow), *plug_ins(), *last.result()]


def python() -> Check:
    """Check the interpreter."""
    fault = "" if sys.version_info >= _PYTHON else "install Python 3.11 or later"
    return Check(name="python", ok=not fault, found=f"{sys.version.split()[0]} at {sys.executable}", advice=fault)


def packages() -> Iterator[Check]:
    """Every package that is required, by its version, then each extra as one line."""
    from packaging.requirements import Requirement

    extras: dict[str, list[str]] = {}
    for requirement in map(Requirement, _requirements()):
        extra = _extra(str(requirement.marker or ""))
        fault = _fault(requirement)
        if extra:
            extras.setdefault(extra, []).extend([fault] if fault else [])
        elif requirement.marker is None or requirement.marker.evaluate():
            found = fault or metadata.version(requirement.name)
            tested = _tested().get(_canonical(requirement.name), "")
            if not fault and tested and tested != found.split("+")[0]:  # torch says +cpu behind it
                found = f"{found} (tested with {tested})"
            yield Check(
                name=f"{PACKAGE}{requirement.name}", ok=not fault, found=found, advice=_INSTALL if fault else ""
            )
    for extra, faults in extras.items():
        yield Check(
            name=f"extra {extra}",
            ok=not faults,
            needed=False,
            found="; ".join(faults) or "installed",
            advice=f"pip install -c constraints.txt -e '.[{extra}]'" if faults else "",
        )


def home(machine: Settings) -> Check:
    """Whether the state can be written, and how much room there is."""
    place = next(folder for folder in (machine.home.absolute(), *machine.home.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free / 1e9
    try:
        with tempfile.TemporaryFile(dir=place):
            fault = "" if free >= _SPACE_GB else "make room, or set PARTSIGHT_HOME to a larger disk"
    except OSError as error:
        return Check(
            name="PARTSIGHT_HOME",
            ok=False,
            found=f"{machine.home} can't be written: {error.strerror}",
            advice="set PARTSIGHT_HOME to a folder that can be written",
        )
    return Check(name="PARTSIGHT_HOME", ok=not fault, found=f"{machine.home}, {free:.0f} GB free", advice=fault)


def opengl() -> Check:
    """Which OpenGL draws, asked in a process of its own: a broken driver kills whoever asks it."""
    answer = _ask("from tasks.render import gl_info as ask")
    if isinstance(answer, str):
        return Check(name="OpenGL", ok=False, found=answer, advice=_OPENGL)
    return Check(name="OpenGL", ok=True, found=", ".join(str(value) for value in answer.values()))


def sandbox() -> Check:
    """Which protections hold around the parsers of customers' files."""
    answer = _ask("from tasks.sandbox import describe as ask")
    if isinstance(answer, str):
        return Check(name="sandbox", ok=False, found=answer, advice="parsers can't run: see the message")
    weak = [name for name, active in answer.items() if active is False]
    return Check(
        name="sandbox",
        ok=not weak,
        needed=False,
        found=", ".join(_protection(name, active) for name, active in answer.items()),
        advice=f"not active here: {', '.join(weak)} (containers often forbid it)" if weak else "",
    )


def device() -> Check:
    """Find what computes: a GPU, or the processor."""
    answer = _ask(
        "import torch\n"
        "def ask(): return {'torch': torch.__version__, 'cores': torch.get_num_threads(),"
        " 'gpu': torch.cuda.get_device_name() if torch.cuda.is_available() else ''}"
    )
    if isinstance(answer, str):
        return Check(name="device", ok=False, found=answer, advice=_INSTALL)
    found = answer["gpu"] or f"no GPU; {answer['cores']} processor cores"
    return Check(name="device", ok=bool(answer["gpu"]), needed=False, found=found)


def weights() -> Check:
    """Which model embeds by default, and whether it has been trained."""
    answer = _ask(
        "from blocks.customer import Embed\nfrom tasks.embed import embedder\n"
        "def ask():\n    model = embedder(Embed())\n"
        "    return {'name': model.name, 'trained': model.trained, 'dimension': model.dimension}"
    )
    if isinstance(answer, str):
        return Check(name="weights", ok=False, found=answer, advice=_INSTALL)
    return Check(
        name="weights",
        ok=bool(answer["trained"]),
        found=f"{answer['name']}, {answer['dimension']} dimensions",
    )


def plug_ins() -> Iterator[Check]:
    """Check the stages: one line for those that work, one for each that is broken."""
    answer = _ask(
        "from tasks.stages import installed\n"
        "def ask(): return {name: stage.error for name, stage in installed().items()}"
    )
    if isinstance(answer, str):
        yield Check(name="stages", ok=False, found=answer, advice=_INSTALL)
        return
    yield Check(
        name="stages",
        ok=any(not error for error in answer.values()),
        found=", ".join(name for name, error in answer.items() if not error) or "none",
        advice="" if answer else _INSTALL,
    )
    for name, error in answer.items():
        if error:
            yield Check(name=f"stage {name}", ok=False, needed=False, found=error, advice="mend or remove the plug-in")


def prefect() -> list[Check]:
    """Whether a Prefect server answers, to whom, and who works for it; asked apart, since Prefect loads for seconds."""
    answer = _ask("from infra.doctor_server import looked as ask")
    if isinstance(answer, str):
        return [Check(name="Prefect server", ok=False, needed=False, found=answer, advice=_INSTALL)]
    return [Check(**check) for check in answer["checks"]]


def _ask(code: str) -> dict[str, Any] | str:
    """Run `ask()`, defined by `code`, in a fresh process; what it returns, or what went wrong in one line."""
    script = f"import json, sys\n{code}\nanswer = ask()\nsys.stdout.write('\\n' + json.dumps(answer))"
    try:
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=_ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))},
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"gave no answer within {_PATIENCE} s"
    if done.returncode < 0:
        return f"crashed with signal {-done.returncode}"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["failed without a word"])[-1]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _requirements() -> list[str]:
    """Read what the project requires: as installed, or as its pyproject.toml says in a bare checkout."""
    try:
        return metadata.requires("partsight") or []
    except metadata.PackageNotFoundError:
        import tomllib

        project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        optional = project.get("optional-dependencies", {})
        extras = [f"{name}; extra == '{extra}'" for extra, names in optional.items() for name in names]
        return [*project["dependencies"], *extras]


def _fault(requirement: Any) -> str:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return f"{requirement.name} is not installed"
    if not requirement.specifier.contains(version, prereleases=True):
        return f"{requirement.name} {version} is not {requirement.specifier}"
    return ""


def _tested() -> dict[str, str]:
    path = _ROOT / "constraints.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    pins = (line.split("#")[0].strip().partition("==") for line in lines)
    return {_canonical(name): version.split(";")[0].strip() for name, mark, version in pins if mark}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).strip().lower()


def _extra(marker: str) -> str:
    found = re.search(r"""extra\s*==\s*['"]([^'"]+)""", marker)
    return found[1] if found else ""


def _protection(name: str, active: object) -> str:
    return name if active is True else f"no {name}" if active is False else f"{name} {active}"
