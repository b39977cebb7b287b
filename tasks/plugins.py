"""Plug-ins by entry point: each is its settings, a pydantic model that can be called.

Stages and checks are found so: in the entry point group `partsight.stages` (or `checks`) of whatever packages are
installed, and in `PARTSIGHT_STAGES="rust=mymodule:Rust"`, which does without a package and wins. With
`PARTSIGHT_DISCOVERY=off` other packages are left out. One that fails to load is there with its `error`.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import inspect
import os
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel

from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic.fields import FieldInfo

OURS = "partsight"


class PluginError(ValueError):
    """A plug-in is missing, wrongly set, or did what it may not do: a sentence with its name."""


class Plugin(Record):
    """A plug-in as it is installed: `settings` is its class, or None and `error` says why it did not load."""

    name: str
    target: str
    package: str
    version: str
    settings: type[BaseModel] | None = None
    error: str = ""

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
        """Package, version and revision: what another release made is made anew."""
        return f"{self.package} {self.version} r{getattr(self.settings, 'revision', 0)}"


P = TypeVar("P", bound=Plugin)


@dataclass(frozen=True)
class Group(Generic[P]):
    """One kind of plug-in: what it is called, how it is called, its record, and the error that names it."""

    noun: str
    call: str
    record: type[P]
    error: type[PluginError]

    @property
    def entry(self) -> str:
        """Name of the entry point group."""
        return f"partsight.{self.noun}s"

    @property
    def variable(self) -> str:
        """Name of the environment variable that registers one without a package."""
        return f"PARTSIGHT_{self.noun.upper()}S"

    def installed(self) -> dict[str, P]:
        """Every plug-in of the group by name: ours, other packages', and those of the environment, which win."""
        everything = os.environ.get("PARTSIGHT_DISCOVERY", "on").lower() not in {"off", "0", "false"}
        return dict(_found(self, os.environ.get(self.variable, ""), everything))

    def named(self, name: str) -> P:
        """The plug-in of that name, ready to use.

        Raises the group's error when there is none (naming the nearest right one) or when it failed to load.
        """
        there = self.installed()
        if name not in there:
            known = ", ".join(sorted(there))
            raise self.error(f"There is no {self.noun} {name!r}{nearest(name, there)}. Installed: {known}.")
        found = there[name]
        if found.error:
            raise self.error(f"The {self.noun} {name!r} cannot be used: {found.error}")
        return found


def nearest(name: str, names: Iterable[str]) -> str:
    """`; did you mean 'x'?` where something close to `name` exists, else nothing."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


@lru_cache(maxsize=16)
def _found(group: Group[Any], unpackaged: str, everything: bool) -> tuple[tuple[str, Any], ...]:
    there: dict[str, Plugin] = {}
    for entry in entry_points(group=group.entry):
        package, version = (entry.dist.name, entry.dist.version) if entry.dist else ("unknown", "")
        if not everything and package != OURS:
            continue
        found = _loaded(group, entry.name, entry.value, package, version)
        if entry.name in there:
            found = _twice(group, there[entry.name], found)
        there[entry.name] = found
    for item in filter(None, (piece.strip() for piece in unpackaged.split(","))):
        name, equals, target = (piece.strip() for piece in item.partition("="))
        if not (name and equals and target):
            complaint = f"{group.variable} says {item!r}; it must read name=module:Class."
            there[item] = group.record(name=item, target="", package=group.variable, version="", error=complaint)
        else:
            there[name] = _loaded(group, name, target, group.variable, "")
    return tuple(sorted(there.items()))


def _twice(group: Group[Any], first: Plugin, second: Plugin) -> Plugin:
    """Two packages with one name: ours stays, else neither is used, because nobody can tell which was meant."""
    if OURS in {first.package, second.package}:
        return first if first.package == OURS else second
    both = f"{first.package} and {second.package} both bring a {group.noun} {first.name!r}; remove one of them."
    return first.replace(settings=None, error=both)


def _loaded(group: Group[Any], name: str, target: str, package: str, version: str) -> Plugin:
    """The plug-in that `target` (module:Class) names, or one that carries the reason why it does not load."""
    bare: Plugin = group.record(name=name, target=target, package=package, version=version)
    module_name, _, attribute = target.partition(":")
    try:
        module = importlib.import_module(module_name)
        found = getattr(module, attribute)
        complaint = _complaint(group, found)
        if not complaint:
            found.model_json_schema()
    except (Exception, SystemExit) as error:  # noqa: BLE001 whatever a stranger's module raises, the others stay
        return bare.replace(error=f"{target} does not load: {type(error).__name__}: {error}.")
    if complaint:
        return bare.replace(error=f"{target} {complaint}")
    return bare.replace(settings=found, version=version or _source_digest(found))


def _complaint(group: Group[Any], found: object) -> str:
    """What keeps an object from being a plug-in of the group, as the end of a sentence; empty when it is one."""
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        return f"is not a pydantic model: a {group.noun} is a class derived from BaseModel."
    if not any("__call__" in base.__dict__ for base in found.__mro__):
        return f"cannot be called: a {group.noun} has a method {group.call}."
    return ""


def _source_digest(found: type[BaseModel]) -> str:
    """Stands for the version where there is no package: changes with the module's text."""
    file = inspect.getsourcefile(found)
    if file is None:
        return "unknown"
    with open(file, "rb") as source:  # noqa: PTH123 a module's file may lie in a zip-like loader's own path
        return hashlib.blake2b(source.read(), digest_size=6).hexdigest()
