"""What is looked at in a check of the gate: what it says, that it says the same again, and that a render passes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.augment import flatten, guarded
from tasks.contract import Finding, form, subjects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.plugins import Plugin
    from tasks.records import View

SLOW: Final = 5.0  # verdicts a second: a check is asked about every variant


def findings(plugin: Plugin) -> list[Finding]:
    """All that was found about a check."""
    found = form.findings(plugin)
    if any(one.level == "fail" for one in found) or plugin.settings is None:
        return found
    check: Any = plugin.settings()
    said = {}
    for name, view in subjects.sound().items():
        answer, wrong = _asked(check, view)
        if wrong:
            mend = "Return its scores and a reason: return {'sharpness': 4.2}, '' where the picture passes."
            return [*found, Finding(level="fail", name="types", what=f"{name}: {wrong}", mend=mend)]
        said[name] = answer
    found.append(Finding(level="pass", name="types", what="Scores by name, and a reason in words."))
    found += _same(check, said)
    found += _fair(said)
    found += _odd(check)
    found += _speed(check)
    return found


def _asked(check: Any, view: View) -> tuple[Any, str]:
    """What the check says of a view on the studio's backdrop, and what is wrong with its answer."""
    shown = guarded(view)
    try:
        answer = check(guarded(flatten(view)), shown)
        scores, reason = answer
        numbers = {str(name): float(score) for name, score in scores.items()}
    except (TypeError, ValueError, AttributeError) as error:
        return None, f"{type(error).__name__}: {error}"
    except Exception as error:  # noqa: BLE001 - a stranger's check may raise anything
        return None, f"it raised {type(error).__name__}: {error}"
    if not isinstance(reason, str):
        return None, f"its reason is a {type(reason).__name__}, not a text."
    if not all(np.isfinite(list(numbers.values()))):
        return None, f"a score is not finite: {numbers}."
    return (numbers, reason), ""


def _same(check: Any, said: dict[str, Any]) -> Iterator[Finding]:
    views = subjects.sound()
    strayed = [name for name in reversed(views) if _asked(check, views[name])[0] != said[name]]
    if strayed:
        mend = "A verdict depends on the two pictures alone: no random numbers, nothing remembered."
        yield Finding(
            level="fail", name="determinism", what=f"Asked again, it said otherwise ({strayed[0]}).", mend=mend
        )
    else:
        yield Finding(level="pass", name="determinism", what="Asked again, in another order, it says the same.")


def _fair(said: dict[str, Any]) -> Iterator[Finding]:
    """Whether it lets the render itself pass."""
    against = [(name, reason) for name, (_, reason) in said.items() if reason]
    if against:
        name, reason = against[0]
        mend = "What rejects the picture that a variant was made from rejects most variants: look at its limits."
        yield Finding(level="warn", name="fairness", what=f"It rejects a render as it is ({name}): {reason}", mend=mend)


def _odd(check: Any) -> Iterator[Finding]:
    wrong = []
    for name, view in subjects.odd().items():
        with np.errstate(all="ignore"):
            _, complaint = _asked(check, view)
        if complaint:
            wrong.append(name)
            yield Finding(
                level="warn" if name.endswith(" px") else "fail",
                name="bad input",
                what=f"A view with {name}: {complaint}",
                mend="A run ends there. Say nothing against a picture that there is nothing to measure in.",
            )
    if not wrong:
        yield Finding(level="pass", name="bad input", what="Empty, transparent, tiny, near and far views are judged.")


def _speed(check: Any) -> Iterator[Finding]:
    view = subjects.ball(256)
    _asked(check, view)
    start, count = time.perf_counter(), 0
    while count < 20 and time.perf_counter() - start < 2:
        _asked(check, view)
        count += 1
    pace = count / max(time.perf_counter() - start, 1e-9)
    level: Any = "pass" if pace >= SLOW else "warn"
    mend = "" if pace >= SLOW else "Every variant is judged by every check: measure on a smaller picture."
    yield Finding(level=level, name="speed", what=f"{pace:.3g} verdicts a second at 256 px on one core.", mend=mend)
