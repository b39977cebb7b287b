"""Readers of CAD files, one per family of formats, all behind one protocol and found through entry points."""

from __future__ import annotations

import importlib
import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tasks.plugins import ALL, Group, Offer, Plugin, PluginError, examined

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic.fields import FieldInfo

    from tasks.records import Body

NATIVE = {
    **dict.fromkeys((".sldprt", ".sldasm"), "SolidWorks"),
    **dict.fromkeys((".ipt", ".iam"), "Inventor"),
    **dict.fromkeys((".catpart", ".catproduct", ".cgr"), "CATIA"),
    **dict.fromkeys((".prt", ".asm"), "NX, Creo or Solid Edge"),
    **dict.fromkeys((".par", ".psm"), "Solid Edge"),
    **dict.fromkeys((".x_t", ".x_b"), "Parasolid"),
    **dict.fromkeys((".sat", ".sab"), "ACIS"),
    **dict.fromkeys((".f3d", ".f3z"), "Fusion"),
    **dict.fromkeys((".dwg", ".dxf"), "AutoCAD"),
    ".jt": "JT",
    ".3dm": "Rhino",
    ".fcstd": "FreeCAD",
    ".skp": "SketchUp",
    ".blend": "Blender",
    ".fbx": "FBX",
}


class Reader(Protocol):
    """Turns files of one family into bodies.

    `suffixes` are those it reads, in small letters with the dot. `companions` names the files that
    belong to one (materials, buffers, textures), relative to its folder; it runs outside the sandbox, so it only
    searches text. Calling the reader returns the bodies; it runs in the sandbox, and raises
    tasks.sandbox.Refusal, or any other exception, where the file is no good.
    """

    suffixes: Sequence[str]

    def companions(self, path: Path) -> Sequence[str]:
        """Names of the files that belong to the one at `path`, relative to its folder."""
        ...

    def __call__(self, path: Path) -> list[Body]:
        """Bodies in the file at `path`."""
        ...


class Registered(NamedTuple):
    """A reader and what it is called by: its name, and its class as "module:Class"."""

    name: str
    reference: str
    reader: Reader


def load(reference: str) -> Reader:
    """Reader of the class that "module:Class" names."""
    module, _, name = reference.partition(":")
    reader: Reader = getattr(importlib.import_module(module), name)()
    return reader


class Format(Plugin):
    """A reader as it is installed: `settings` is its class, or None and `error` says why it did not load."""

    @property
    def json_schema(self) -> dict[str, Any]:
        """None: a reader has no settings."""
        return {}

    @property
    def fields(self) -> dict[str, FieldInfo]:
        """None: a reader has no settings."""
        return {}

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What the names of its files end in."""
        return tuple(getattr(self.settings, "suffixes", ()))


@dataclass(frozen=True)
class Readers(Group[Format]):
    """Readers are classes that are made without arguments."""

    def examine(self, found: Any) -> str:
        """What keeps an object from being a reader, as the end of a sentence; empty when it is one."""
        if not isinstance(found, type):
            return "is no class: a reader is a class that is made without arguments."
        made: Any = found()
        if not made.suffixes or not all(str(one).startswith(".") for one in made.suffixes):
            return "names no formats: a reader has suffixes, such as ('.abc',)."
        if not (callable(made) and callable(getattr(made, "companions", None))):
            return "cannot read: a reader has the methods __call__(self, path) and companions(self, path)."
        return ""


READERS = Readers("reader", "__call__(self, path) that returns bodies", Format, PluginError)


class Registry(NamedTuple):
    """The reader of each suffix, and why a plug-in is not among them, by its name."""

    readers: dict[str, Registered]
    broken: dict[str, str]


def registry(plugins: Sequence[str] = ALL) -> Registry:
    """All readers: the built-in ones, installed plug-ins, and those that PARTSIGHT_READERS names ("a=module:Class").

    With PARTSIGHT_DISCOVERY=off other packages are left out, and so is what `plugins` do not allow. A later reader
    takes over the suffixes of those before it; ours come first.
    """
    return _registry(READERS.offers(plugins))


@lru_cache(maxsize=16)
def _registry(offers: tuple[Offer, ...]) -> Registry:
    readers: dict[str, Registered] = {}
    broken: dict[str, str] = {}
    for offer in offers:
        bare = Format(**offer._asdict())
        plugin = examined(READERS, bare)
        if plugin.settings is None:
            broken[offer.name] = plugin.error
            logging.getLogger(__name__).warning("The reader %s is left out: %s", offer.name, plugin.error)
            continue
        reader: Any = plugin.settings()
        readers |= dict.fromkeys(reader.suffixes, Registered(offer.name, offer.target, reader))
    return Registry(readers, broken)


def suffix(name: str) -> str:
    """Suffix of a file's name in small letters; a Creo version number (part.prt.3) does not count as one."""
    path = PurePosixPath(name.lower())
    return PurePosixPath(path.stem).suffix if path.suffix[1:].isdigit() else path.suffix
