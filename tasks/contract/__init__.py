"""Whether a plug-in keeps its promise: what a stranger has to mend, said before a run would say it.

    from tasks.contract import check
    from partsight_rust import Rust

    def test_rust_keeps_the_contract():
        report = check(Rust)
        assert report.ok, str(report)

`partsight plugin check rust` says the same of what is installed, and `partsight plugin check module:Class` of a class
that is not packaged; there all of it happens in a process of its own, so one that crashes or hangs is told of too.
"""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

from tasks import embedders, gate, sinks, stages
from tasks.plugins import Group, Plugin, PluginError, examined
from tasks.readers import READERS
from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GROUPS", "KINDS", "Finding", "Kind", "Report", "check", "found", "kind_of"]

Kind = Literal["stage", "check", "sink", "reader", "embedder"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
GROUPS: Final[dict[str, Group[Any]]] = {
    "stage": stages.STAGES,
    "check": gate.CHECKS,
    "sink": sinks.SINKS,
    "reader": READERS,
    "embedder": embedders.EMBEDDERS,
}
SECONDS: Final = 300.0  # most that all probes of a plug-in may take
_CALLS: Final[dict[tuple[str, ...], Kind]] = {
    ("view",): "stage",
    ("variant", "view"): "check",
    ("pictures", "to"): "sink",
    ("path",): "reader",
    (): "embedder",
}


class Finding(Record):
    """One thing that was looked at: `level` says how it went, `what` was found, and how to `mend` it."""

    level: Literal["pass", "warn", "fail"]
    name: str
    what: str
    mend: str = ""


class Report(Record):
    """All that was found about a plug-in."""

    plugin: str
    kind: Kind
    package: str = ""
    version: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing has to be mended."""
        return not any(finding.level == "fail" for finding in self.findings)

    def __str__(self) -> str:
        """What was found, a line each, and under it how to mend what is wrong."""
        marks = {"pass": "✓", "warn": "·", "fail": "✗"}
        lines = [f"{self.kind} {self.plugin} ({' '.join(filter(None, (self.package, self.version))) or 'unpackaged'})"]
        for one in self.findings:
            lines.append(f"{marks[one.level]} {one.name:<12} {one.what}")
            lines += [f"  {'':<12} {one.mend}"] if one.mend else []
        return "\n".join(lines)


class Asked(NamedTuple):
    """A plug-in whose contract is checked, in whatever process: its kind, its name, and where its class is."""

    kind: Kind
    name: str
    target: str
    package: str
    version: str


def check(
    target: str | type, kind: Kind | None = None, *, apart: bool | None = None, seconds: float = SECONDS
) -> Report:
    """Check the contract of a plug-in: a name that is installed, "module:Class", or a class.

    A class is checked in this process, so that a debugger can stop in it; anything else in one of its own, unless
    `apart` says otherwise. Raises PluginError with a sentence when there is no such plug-in.
    """
    asked = found(target, kind)
    if apart if apart is not None else isinstance(target, str):
        from tasks.workshop import Workshop

        with Workshop(1, probed, _lost, seconds=seconds, name="") as workshop:
            (report,) = workshop.make([asked])
        return report  # type: ignore[no-any-return] # what `probed` or `_lost` gave
    return probed(asked, target if isinstance(target, type) else None)


def found(target: str | type, kind: Kind | None = None) -> Asked:
    """The plug-in that a name, "module:Class" or a class means."""
    if isinstance(target, type):
        return Asked(
            kind or kind_of(target), target.__name__.lower(), f"{target.__module__}:{target.__qualname__}", "", ""
        )
    if ":" in target:
        return Asked(kind or kind_of(_imported(target)), target.rpartition(":")[2].lower(), target, "", "")
    there = [(one, offer) for one in KINDS for offer in GROUPS[one].offers() if offer.name == target]
    wanted = {one: offer for one, offer in there if kind in {None, one}}
    if not wanted:
        known = sorted({offer.name for one in KINDS for offer in GROUPS[one].offers() if kind in {None, one}})
        raise PluginError(
            f"There is no {kind or 'plug-in'} {target!r}{stages.nearest(target, known)}: "
            f"give one of {', '.join(known)}, or module:Class."
        )
    if len(wanted) > 1:
        raise PluginError(f"{target!r} is a {' and a '.join(wanted)}: say which with --kind.")
    ((one, offer),) = wanted.items()
    return Asked(one, *offer)


def kind_of(target: type) -> Kind:
    """Which kind of plug-in a class is, by what it is called with; raises PluginError where that says nothing."""
    call = next((base.__dict__["__call__"] for base in target.__mro__ if "__call__" in base.__dict__), None)
    names = tuple(inspect.signature(call).parameters)[1:] if call else ("nothing",)
    if names not in _CALLS:
        wanted = ", ".join(f"{kind} ({', '.join(call) or 'nothing'})" for call, kind in _CALLS.items())
        raise PluginError(
            f"{target.__name__} is called with ({', '.join(names)}), which says nothing of its kind: say it with "
            f"--kind, or name the parameters as its contract does: {wanted}."
        )
    return _CALLS[names]


def probed(asked: Asked, given: type | None = None) -> Report:
    """All that can be found out about a plug-in, in this process."""
    from tasks.contract import embedder, judge, reader, sink, stage

    probes: dict[str, Callable[[Plugin], list[Finding]]] = {
        "stage": stage.findings,
        "check": judge.findings,
        "sink": sink.findings,
        "reader": reader.findings,
        "embedder": embedder.findings,
    }
    group = GROUPS[asked.kind]
    bare = group.record(name=asked.name, target=asked.target, package=asked.package, version=asked.version)
    plugin = examined(group, bare, given)
    told = {"plugin": asked.name, "kind": asked.kind, "package": asked.package, "version": plugin.version}
    if plugin.error:
        wrong = Finding(
            level="fail", name="loads", what=plugin.error, mend="Nothing else can be looked at before it does."
        )
        return Report(**told, findings=(wrong,))
    loads = Finding(level="pass", name="loads", what=plugin.summary or asked.target)
    return Report(**told, findings=(loads, *probes[asked.kind](plugin)))


def _lost(asked: Asked, reason: str) -> Report:
    wrong = Finding(
        level="fail",
        name="survives",
        what=f"Not all of it could be looked at: {reason}",
        mend="In a run that costs the part or the batch, each time. Find what ends the process, or never comes back.",
    )
    return Report(plugin=asked.name, kind=asked.kind, package=asked.package, version=asked.version, findings=(wrong,))


def _imported(target: str) -> Any:
    module, _, name = target.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:
        raise PluginError(f"{target} does not load: {type(error).__name__}: {error}.") from error
