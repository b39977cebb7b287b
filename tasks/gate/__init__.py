"""Whether a variant is still a usable picture of its part: identity before beauty, and why not in words.

A check is its settings, a pydantic model that is called with a variant and the view that it was made from:

    class Sharp(BaseModel):
        \"\"\"The picture must not be blurred.\"\"\"

        least: float = Field(4.0, ge=0, description="Least variance of the second derivative.")

        def __call__(self, variant, view):
            found = sharpness(variant.image)
            return {"sharpness": found}, "" if found >= self.least else "The picture is blurred."

A package offers it under the entry point group `partsight.checks`; `PARTSIGHT_CHECKS="sharp=mymodule:Sharp"` does
without a package. Checks with a lower `place` come first, and the first reason counts. What needs the catalogue works
on batches and stands beside: `tasks.gate.retrieval`, `tasks.gate.duplicates`, `tasks.gate.breaker`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from tasks.plugins import ALL, Group, Plugin, PluginError, configured
from tasks.records import Record, View

__all__ = ["CHECKS", "Check", "CheckError", "Finding", "Verdict", "checks", "installed", "lineage", "verdict"]

LAST: Final = 100  # place of a check that names none


class CheckError(PluginError):
    """A check is missing, wrongly set, or did what a check may not do: a sentence with its name."""


class Check(Plugin):
    """A check as it is installed: `settings` is its class, or None and `error` says why it did not load."""

    @property
    def place(self) -> int:
        """Where it stands: of several reasons the one with the lowest place counts."""
        return int(getattr(self.settings, "place", LAST))


class Finding(NamedTuple):
    """What one check measured; `reason` is empty when the picture passes."""

    scores: dict[str, float]
    reason: str = ""


class Verdict(Record):
    """Whether a variant takes part, the reason in words when it does not, and what was measured.

    `check` is the name of the check whose reason that is.
    """

    accepted: bool
    reason: str
    scores: dict[str, float]
    check: str = ""


Ready = tuple[tuple[str, Any], ...]  # names and checks, called with variant and view
CHECKS = Group("check", "__call__(self, variant, view) that returns its scores and a reason", Check, CheckError)


def installed(plugins: Sequence[str] = ALL) -> dict[str, Check]:
    """Every check by name: the built-ins, other packages', and those of `PARTSIGHT_CHECKS`, which win.

    Of other packages' only those that `plugins` allow.
    """
    return CHECKS.installed(plugins)


def checks(settings: Mapping[str, Mapping[str, Any]] | None = None, plugins: Sequence[str] = ALL) -> Ready:
    """All checks that judge, ready to use, by place: ours, and those that are installed and that `plugins` allow.

    With `settings` by check name, defaults elsewhere.

    Raises CheckError when one of them did not load, for a gate that lacks a check stands open, and when settings name a
    check that there is not or a value that it refuses.
    """
    given = settings or {}
    for name in given:
        CHECKS.named(name, plugins)
    there = _in_order(list(installed(plugins).values()))
    if not there:
        raise CheckError("The gate has no checks, so it would let everything pass: install Partsight again.")
    return tuple((check.name, _made(check, given.get(check.name, {}))) for check in there)


def lineage(settings: Mapping[str, Mapping[str, Any]], plugins: Sequence[str] = ALL) -> list[dict[str, Any]]:
    """What judges: each check, its release and its settings; another one of them judges anew."""
    there = installed(plugins)
    return [
        {"check": name, "release": there[name].release, "settings": check.model_dump(mode="json")}
        for name, check in checks(settings, plugins)
    ]


def verdict(variant: View, view: View, by: Ready | None = None) -> Verdict:
    """Judge a variant against the view that it was made from, `by` these checks or all that are installed.

    All of them run, the first reason counts. Raises CheckError with the check's name when one fails.
    """
    scores: dict[str, float] = {}
    reason = failed = ""
    for name, check in checks() if by is None else by:
        found, said = _found(name, check, variant, view)
        scores |= found
        if said and not reason:
            reason, failed = said, name
    return Verdict(accepted=not reason, reason=reason, scores=scores, check=failed)


def _in_order(there: Sequence[Check]) -> list[Check]:
    return sorted(there, key=lambda check: (check.place, check.name))


def _made(check: Check, settings: Mapping[str, Any]) -> Any:
    """The check with those settings."""
    if check.settings is None:
        raise CheckError(f"The check {check.name!r} cannot be used: {check.error} Mend it, or remove its package.")
    return configured(CHECKS, check, settings)


def _found(name: str, check: Any, variant: View, view: View) -> tuple[dict[str, float], str]:
    """What the check says, in plain numbers and words; whatever it raises becomes a CheckError with its name."""
    try:
        scores, reason = check(variant, view)
        return {str(key): round(float(score), 4) for key, score in scores.items()}, str(reason)
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        raise CheckError(
            f"Check {name!r} failed on part {view.part.number!r}: {type(error).__name__}: {error}"
        ) from error
