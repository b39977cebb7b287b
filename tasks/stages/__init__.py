"""The stages that are installed: a stage is its settings, a pydantic model that is called with a view.

    class Rust(BaseModel):
        \"\"\"Corrode the surface of the part.\"\"\"

        amount: float = Field(0.3, ge=0, le=1, description="Share of the surface that is rusty.")

        def __call__(self, view) -> Iterator:
            yield view.replace(image=corroded(view.image, view.mask, self.amount, view.rng))

A package offers it under the entry point group `partsight.stages`; `PARTSIGHT_STAGES="rust=mymodule:Rust"`
does without a package. A stage may say `needs_gpu = True`, count up its `revision` when its pictures
change, and give as `mark` what they depend on besides the settings (files it reads, say).
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import inspect
import os
from functools import lru_cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic.fields import FieldInfo

GROUP = "partsight.stages"
OURS = "partsight"


class StageError(ValueError):
    """A stage is missing, wrongly set, or did what a stage may not do: a sentence with its name."""


class Stage(Record):
    """A stage as it is installed: `settings` is its class, or None and `error` says why it did not load."""

    name: str
    target: str
    package: str
    version: str
    settings: type[BaseModel] | None = None
    error: str = ""

    @property
    def needs_gpu(self) -> bool:
        """Whether it should run where a GPU is."""
        return bool(getattr(self.settings, "needs_gpu", False))

    @property
    def summary(self) -> str:
        """What it does: the first line of its docstring."""
        text = inspect.getdoc(self.settings) if self.settings else ""
        return text.strip().splitlines()[0] if text and text != inspect.getdoc(BaseModel) else ""

    @property
    def json_schema(self) -> dict[str, Any]:
        """JSON schema of its settings, empty when it did not load."""
        return self.settings.model_json_schema() if self.settings else {}

    @property
    def fields(self) -> dict[str, FieldInfo]:
        """Its settings by name, with defaults, bounds and descriptions."""
        return dict(self.settings.model_fields) if self.settings else {}

    @property
    def release(self) -> str:
        """Package, version and revision: pictures of another release are made anew."""
        return f"{self.package} {self.version} r{getattr(self.settings, 'revision', 0)}"


def installed() -> dict[str, Stage]:
    """Every stage by name: the built-ins, other packages', and those of `PARTSIGHT_STAGES`, which win.

    With `PARTSIGHT_DISCOVERY=off` other packages are left out. A stage that fails to load is there
    with its `error`.
    """
    everything = os.environ.get("PARTSIGHT_DISCOVERY", "on").lower() not in {"off", "0", "false"}
    return dict(_found(os.environ.get("PARTSIGHT_STAGES", ""), everything))


def stage(name: str) -> Stage:
    """The stage of that name, ready to use.

    Raises StageError when there is none (naming the nearest right one) or when it failed to load.
    """
    stages = installed()
    if name not in stages:
        raise StageError(f"There is no stage {name!r}{nearest(name, stages)}. Installed: {', '.join(sorted(stages))}.")
    found = stages[name]
    if found.error:
        raise StageError(f"The stage {name!r} cannot be used: {found.error}")
    return found


def nearest(name: str, names: Iterable[str]) -> str:
    """`; did you mean 'x'?` where something close to `name` exists, else nothing."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


@lru_cache(maxsize=8)
def _found(unpackaged: str, everything: bool) -> tuple[tuple[str, Stage], ...]:
    stages: dict[str, Stage] = {}
    for entry in entry_points(group=GROUP):
        package, version = (entry.dist.name, entry.dist.version) if entry.dist else ("unknown", "")
        if not everything and package != OURS:
            continue
        found = _loaded(entry.name, entry.value, package, version)
        if entry.name in stages:
            found = _twice(stages[entry.name], found)
        stages[entry.name] = found
    for item in filter(None, (piece.strip() for piece in unpackaged.split(","))):
        name, equals, target = (piece.strip() for piece in item.partition("="))
        if not (name and equals and target):
            complaint = f"PARTSIGHT_STAGES says {item!r}; it must read name=module:Class."
            stages[item] = Stage(name=item, target="", package="PARTSIGHT_STAGES", version="", error=complaint)
        else:
            stages[name] = _loaded(name, target, "PARTSIGHT_STAGES", "")
    return tuple(sorted(stages.items()))


def _twice(first: Stage, second: Stage) -> Stage:
    """Two packages with one name: ours stays, else neither is used, because nobody can tell which was meant."""
    if OURS in {first.package, second.package}:
        return first if first.package == OURS else second
    both = f"{first.package} and {second.package} both bring a stage {first.name!r}; remove one of them."
    return first.replace(settings=None, error=both)


def _loaded(name: str, target: str, package: str, version: str) -> Stage:
    """The stage that `target` (module:Class) names, or one that carries the reason why it does not load."""
    bare = Stage(name=name, target=target, package=package, version=version)
    module_name, _, attribute = target.partition(":")
    try:
        module = importlib.import_module(module_name)
        found = getattr(module, attribute)
        complaint = _complaint(found)
        if not complaint:
            found.model_json_schema()
    except (Exception, SystemExit) as error:  # noqa: BLE001 whatever a stranger's module raises, the others stay
        return bare.replace(error=f"{target} does not load: {type(error).__name__}: {error}.")
    if complaint:
        return bare.replace(error=f"{target} {complaint}")
    return bare.replace(settings=found, version=version or _source_digest(found))


def _complaint(found: object) -> str:
    """What keeps an object from being a stage, as the end of a sentence; empty when it is one."""
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        return "is not a pydantic model: a stage is a class derived from BaseModel."
    if not any("__call__" in base.__dict__ for base in found.__mro__):
        return "cannot be called: a stage has a method __call__(self, view) that yields views."
    return ""


def _source_digest(found: type[BaseModel]) -> str:
    """Stands for the version where there is no package: changes with the module's text."""
    file = inspect.getsourcefile(found)
    if file is None:
        return "unknown"
    with open(file, "rb") as source:  # noqa: PTH123 a module's file may lie in a zip-like loader's own path
        return hashlib.blake2b(source.read(), digest_size=6).hexdigest()
