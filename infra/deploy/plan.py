"""The difference between what a server should hold and what it holds, as a person reads it before it happens."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infra.deploy.server import Server
    from infra.deploy.wanted import Thing

_SHOWN: Final = 70  # characters of a value

What = Literal["create", "update", "remove", "same"]


class Change(NamedTuple):
    """What happens to one thing; `fields` are those that change, each with its old and its new value in short."""

    what: What
    thing: Thing
    fields: tuple[str, ...] = ()


class Plan(NamedTuple):
    """All changes, in the order in which they are made; `left` names what is too much but stays."""

    changes: tuple[Change, ...]
    left: tuple[str, ...] = ()

    def count(self, what: What) -> int:
        """How many things are created, updated, removed, or stay the same."""
        return sum(change.what == what for change in self.changes)


def planned(things: Sequence[Thing], server: Server, *, prune: bool = False, whole: bool = True) -> Plan:
    """What has to be done so that `server` holds `things`.

    `whole` says that these are all customers, so that what belongs to none of them is too much; with `prune` it goes.
    """
    changes = [_change(thing, server.present(thing)) for thing in things]
    surplus = server.surplus(things) if whole else []
    if prune:
        changes += [Change("remove", thing) for thing in surplus]
    return Plan(tuple(changes), () if prune else tuple(f"{thing.kind} {thing.name}" for thing in surplus))


def _change(thing: Thing, present: dict[str, Any] | None) -> Change:
    if present is None:
        return Change("create", thing)
    fields = tuple(_different(thing.body, present))
    return Change("update" if fields else "same", thing, fields)


def _different(new: Any, old: Any, where: str = "") -> Iterator[str]:
    """The places at which two JSON values differ, each with both."""
    if isinstance(new, dict) and isinstance(old, dict):
        for key in sorted({*new, *old}):
            yield from _different(new.get(key), old.get(key), f"{where}.{key}" if where else key)
    elif new != old:
        yield f"{where}: {_short(old)} → {_short(new)}"


def _short(value: Any) -> str:
    """A value in few characters; what follows the question mark of an address may be a signature, and is left out."""
    text = re.sub(r"(\w://[^\s\"?]+)\?[^\s\"]*", r"\1?…", json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
