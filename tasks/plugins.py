"""Plug-ins by entry point: each is its settings, a pydantic model that can be called.

Stages, checks, embedders and sinks are found so: in the entry point group `partsight.stages` (or `checks`, ...) of
whatever packages are installed, and in `PARTSIGHT_STAGES="rust=mymodule:Rust"`, which does without a package and wins.
With `PARTSIGHT_DISCOVERY=off` other packages are left out. One that fails to load is there with its `error`.

A customer's file may say which plug-ins its runs may use, by name or by package; a name is that of a plug-in of any
kind, of any package. What it does not allow is never called: it is as if it were not installed, and asking for it by
name says why. Its module may be imported all the same: the run form shows whatever stages are installed.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import inspect
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic.fields import FieldInfo

OURS: Final = "partsight"
ALL: Final = ("*",)  # what a customer may use where the file does not say otherwise


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

    def installed(self, plugins: Sequence[str] = ALL) -> dict[str, P]:
        """Every plug-in of the group by name: ours, other packages', and those of the environment, which win.

        Of other packages' only those that `plugins` allow, by name or package.
        """
        there: dict[str, P] = {}
        for offer in self.offers(plugins):
            found: Any = _loaded(self, offer, os.environ.get(self.variable, ""))
            if offer.name in there and offer.package != self.variable:
                found = _twice(self, there[offer.name], found)
            there[offer.name] = found
        return dict(sorted(there.items()))

    def offers(self, plugins: Sequence[str] = ALL) -> tuple[Offer, ...]:
        """What is installed and allowed, ours first, without importing any of it."""
        everything = os.environ.get("PARTSIGHT_DISCOVERY", "on").lower() not in {"off", "0", "false"}
        there = _offers(self.entry, self.variable, os.environ.get(self.variable, ""), everything)
        return tuple(offer for offer in there if offer.allowed(plugins))

    def named(self, name: str, plugins: Sequence[str] = ALL) -> P:
        """The plug-in of that name, ready to use.

        Raises the group's error when there is none (naming the nearest right one), when `plugins` do not allow it, or
        when it failed to load.
        """
        there = self.installed(plugins)
        if name not in there:
            self._refuse(name)
            known = ", ".join(sorted(there))
            raise self.error(f"There is no {self.noun} {name!r}{nearest(name, there) or '.'} Installed: {known}.")
        found = there[name]
        if found.error:
            raise self.error(f"The {self.noun} {name!r} cannot be used: {found.error}")
        return found

    def examine(self, found: object) -> str:
        """What keeps an object from being a plug-in of the group, as the end of a sentence; empty when it is one."""
        if not (isinstance(found, type) and issubclass(found, BaseModel)):
            return f"is not a pydantic model: a {self.noun} is a class derived from BaseModel."
        if not any("__call__" in base.__dict__ for base in found.__mro__):
            return f"cannot be called: a {self.noun} has a method {self.call}."
        found.model_json_schema()
        return ""

    def _refuse(self, name: str) -> None:
        """Raise the group's error when the plug-in is installed, and only not allowed."""
        packages = sorted({offer.package for offer in self.offers() if offer.name == name})
        if packages:
            raise self.error(
                f"The {self.noun} {name!r} ({', '.join(packages)}) is installed, but this customer may not use it: "
                f"add {name!r} or the package to `plugins` in the customer's file."
            )


class Offer(NamedTuple):
    """A plug-in that somebody offers, not imported yet: its class as "module:Class", from which package."""

    name: str
    target: str
    package: str
    version: str

    def allowed(self, plugins: Sequence[str]) -> bool:
        """Whether a customer may use it whose file allows `plugins`; ours everybody may."""
        if self.package == OURS or "*" in plugins or self.name in plugins:
            return True
        return _canonical(self.package) in {_canonical(one) for one in plugins}


def _canonical(package: str) -> str:
    """A package's name as indices compare it: PEP 503."""
    return re.sub(r"[-_.]+", "-", package).lower()


def configured(group: Group[Any], found: Plugin, settings: Mapping[str, Any]) -> Any:
    """The plug-in with those settings, defaults elsewhere.

    Raises the group's error with a sentence that names the plug-in and the setting that is wrong.
    """
    who = f"{group.noun.capitalize()} {found.name!r}"
    if found.settings is None:
        raise group.error(f"The {group.noun} {found.name!r} cannot be used: {found.error}")
    for key in settings:
        if key not in found.fields and found.settings.model_config.get("extra") != "allow":
            known = ", ".join(found.fields) or "none"
            raise group.error(f"{who} has no setting {key!r}{nearest(key, found.fields) or '.'} It has: {known}.")
    try:
        return found.settings.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the settings"
        raise group.error(f"{who}, setting {where!r}: {first['msg']} (given: {first['input']!r}).") from error


def nearest(name: str, names: Iterable[str]) -> str:
    """`; did you mean 'x'?` where something close to `name` exists, else nothing."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


@lru_cache(maxsize=64)
def _offers(group: str, variable: str, unpackaged: str, everything: bool) -> tuple[Offer, ...]:
    there = []
    for entry in entry_points(group=group):
        package, version = (entry.dist.name, entry.dist.version) if entry.dist else ("unknown", "")
        if everything or package == OURS:
            there.append(Offer(entry.name, entry.value, package, version))
    there.sort(key=lambda offer: (offer.package != OURS, offer))
    for item in filter(None, (piece.strip() for piece in unpackaged.split(","))):
        name, equals, target = (piece.strip() for piece in item.partition("="))
        well = name and equals and target
        there.append(Offer(name, target, variable, "") if well else Offer(item, "", variable, ""))
    return tuple(there)


def _twice(group: Group[Any], first: Plugin, second: Plugin) -> Plugin:
    """Two packages with one name: ours stays, else neither is used, because nobody can tell which was meant."""
    if OURS in {first.package, second.package}:
        return first if first.package == OURS else second
    both = f"{first.package} and {second.package} both bring a {group.noun} {first.name!r}; remove one of them."
    return first.replace(settings=None, error=both)


@lru_cache(maxsize=256)
def _loaded(group: Group[Any], offer: Offer, environment: str) -> Any:  # noqa: ARG001 - changed, it is tried again
    """The plug-in that is offered, or one that carries the reason why it does not load."""
    name, target, package, version = offer
    bare: Plugin = group.record(name=name, target=target, package=package, version=version)
    if not target:
        return bare.replace(error=f"{package} says {name!r}; it must read name=module:Class.")
    return examined(group, bare)


def examined(group: Group[Any], bare: Plugin, found: Any = None) -> Plugin:
    """The plug-in with its class, imported unless it is given, or with the reason why it does not load."""
    module_name, _, attribute = bare.target.partition(":")
    try:
        found = found or getattr(importlib.import_module(module_name), attribute)
        complaint = group.examine(found)
    except (Exception, SystemExit) as error:  # noqa: BLE001 whatever a stranger's module raises, the others stay
        return bare.replace(error=f"{bare.target} does not load: {type(error).__name__}: {error}.")
    if complaint:
        return bare.replace(error=f"{bare.target} {complaint}")
    return bare.replace(settings=found, version=bare.version or _source_digest(found))


def _source_digest(found: type) -> str:
    """Stands for the version where there is no package: changes with the module's text."""
    file = inspect.getsourcefile(found)
    if file is None:
        return "unknown"
    with open(file, "rb") as source:  # noqa: PTH123 a module's file may lie in a zip-like loader's own path
        return hashlib.blake2b(source.read(), digest_size=6).hexdigest()
