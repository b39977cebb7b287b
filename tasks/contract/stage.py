"""What is looked at in a stage: what it yields, that chance comes from the view alone, and that the part stays."""

from __future__ import annotations

import pickle
import random
import time
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from tasks.augment import Chain, Link, Task, applied, guarded
from tasks.contract import Finding, form, subjects
from tasks.stages import StageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tasks.plugins import Plugin
    from tasks.records import View
    from tasks.stages import Stage

SLOW: Final = 1.0  # pictures a second on one core: below it a catalogue of a thousand parts takes hours
TIMED: Final = 256  # px: what a customer's file says unless told otherwise
ROUNDED: Final = 0.01  # share of the pixels that may differ by one grey level, where a batch is made at once
LEAST_SHOWN: Final = 0.9  # of the alpha on the part's own pixels, before and after
SEEDS: Final = ("a", "b", "c", "d")


def findings(plugin: Plugin) -> list[Finding]:
    """All that was found about a stage."""
    found = form.findings(plugin)
    if any(one.level == "fail" for one in found) or plugin.settings is None:
        return found
    if absent := str(getattr(plugin.settings(), "absent", "")):
        return [*found, Finding(level="warn", name="works", what=f"It cannot be tried here: {absent}")]
    steps = _chain(plugin)
    try:
        made = {name: _made(steps, view, "a") for name, view in subjects.sound().items()}
    except StageError as error:
        mend = "It must work on any render with its default settings."
        return [*found, Finding(level="fail", name="types", what=str(error), mend=mend)]
    found.append(
        Finding(level="pass", name="types", what="Views of the types and sizes that the next stage relies on.")
    )
    found += _same(plugin, made)
    found += _geometry(steps)
    found += _varied(steps)
    found += _odd(steps)
    strays = any(one.name == "determinism" and one.level == "fail" for one in found)
    found += _pickled(steps, None if strays else made)
    found += _speed(plugin, steps)
    return found


def _chain(plugin: Plugin) -> Chain:
    assert plugin.settings is not None  # noqa: S101 - it loaded
    return Chain(links=(Link(stage=cast("Stage", plugin), settings=plugin.settings()),))


def _made(steps: Chain, view: View, seed: str) -> tuple[View, ...]:
    return steps.batch([Task(view=view, seed=seed, numbers=(0,))])[0]


def _same(plugin: Plugin, made: dict[str, tuple[View, ...]]) -> Iterator[Finding]:
    """Whether the same view and the same random numbers give the same picture: later, elsewhere, in any company."""
    views = subjects.sound()
    random.seed(4711)
    np.random.seed(4711)  # noqa: NPY002 - what a stage must not read
    fresh = _chain(plugin)
    tasks = [Task(view=view, seed="a", numbers=(0,)) for view in views.values()]
    alone = {name: _made(fresh, views[name], "a") for name in reversed(views)}
    together = dict(zip(views, fresh.batch(tasks), strict=True))
    for other, when in ((alone, "made again, in another order"), (together, "made in a batch")):
        rounded = other is together and hasattr(plugin.settings, "many")  # sums of a batch may be rounded otherwise
        strayed = [name for name in views if not _equal(made[name], other[name], rounded=rounded)]
        if strayed:
            yield Finding(
                level="fail",
                name="determinism",
                what=f"The same view with the same random numbers gave another picture, {when} ({strayed[0]}).",
                mend="Draw from view.rng alone; no time, no global random state, no attribute that remembers a view.",
            )
            return
    yield Finding(level="pass", name="determinism", what="The same view and seed give the same bytes, in any order.")


def _equal(one: Sequence[View], other: Sequence[View], *, rounded: bool = False) -> bool:
    """Whether two results are the same: to the last bit, or but for a grey level here and there."""
    if len(one) != len(other):
        return False
    for a, b in zip(one, other, strict=True):
        strays = np.abs(a.image.astype(np.int16) - b.image)
        if strays.max(initial=0) > rounded or (strays > 0).mean() > ROUNDED:
            return False
        if not all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("mask", "depth", "normals")):
            return False
    return True


def _geometry(steps: Chain) -> Iterator[Finding]:
    """Whether the part is still where the CAD says; less of it may be seen."""
    (link,) = steps.links
    if not getattr(link.settings, "keeps_geometry", True):
        what = "It says itself that it does not keep it (keeps_geometry = False): the gate will judge it by its mask."
        yield Finding(level="warn", name="geometry", what=what)
        return
    views = [guarded(view) for view in subjects.sound().values()]
    made = zip(views, applied(link, views), strict=True)
    wrong = [complaint for view, some in made for one in some if (complaint := _moved(view, one))]
    if wrong:
        yield Finding(
            level="fail",
            name="geometry",
            what=wrong[0],
            mend="Yield view.replace(image=...) and leave mask, depth and normals; what hides some of the part takes "
            "its pixels out of all three. A stage that must move the part says keeps_geometry = False.",
        )
        return
    yield Finding(level="pass", name="geometry", what="The part stays where the CAD says.")


def _moved(view: View, made: View) -> str:
    """What a stage did to the geometry that it may not; empty when it is kept."""
    if (made.mask & ~view.mask).any():
        return "The mask has pixels where the part is not."
    for name in ("depth", "normals"):
        before, after = getattr(view, name), getattr(made, name)
        if not np.allclose(after[made.mask], before[made.mask], rtol=1e-4, atol=1e-5):
            return f"It changed {name} on the part."
        if np.abs(after[~made.mask]).max(initial=0) > 0:
            return f"It left {name} where the mask says that the part is not seen."
    if not np.isfinite(made.depth).all() or not np.isfinite(made.normals).all():
        return "Depth or normals hold numbers that are not finite."
    shown = float(made.alpha[made.mask].mean()) if made.mask.any() else 1.0
    if shown < LEAST_SHOWN * float(view.alpha[view.mask].mean()):
        return f"The part became transparent: its alpha is {shown:.2f} on its own pixels."
    return ""


def _varied(steps: Chain) -> Iterator[Finding]:
    """Whether it does anything, and not always the same."""
    view = subjects.ball()
    plain = Chain(links=()).batch([Task(view=view, seed="a", numbers=(0,))])[0]
    several = [_made(steps, view, seed) for seed in SEEDS]
    if all(_equal(some, plain) for some in several):
        what, mend = "It changed none of four pictures.", "Its defaults should do something: it was chosen to."
        yield Finding(level="warn", name="effect", what=what, mend=mend)
    elif all(_equal(some, several[0]) for some in several):
        what = "Four random numbers gave the same picture four times."
        mend = "Variants of a view are worth their time when they differ: draw from view.rng."
        yield Finding(level="warn", name="effect", what=what, mend=mend)


def _odd(steps: Chain) -> Iterator[Finding]:
    """Whether rare views pass."""
    wrong = []
    for name, view in subjects.odd().items():
        try:
            with np.errstate(all="ignore"):
                _made(steps, view, "a")
        except StageError as error:
            wrong.append((name, str(error)))
    for name, said in wrong:
        yield Finding(
            level="warn" if name.endswith(" px") or name.startswith("a photograph") else "fail",
            name="bad input",
            what=f"A view with {name}: {said}",
            mend="A run that meets one ends there. Yield the view as it is where there is nothing to do.",
        )
    if not wrong:
        yield Finding(level="pass", name="bad input", what="Empty, transparent, tiny, near and far views pass.")


def _pickled(steps: Chain, made: dict[str, tuple[View, ...]] | None) -> Iterator[Finding]:
    """Whether it can go to another process, and does the same there as in `made`, where it does the same here."""
    try:
        again: Any = pickle.loads(pickle.dumps(steps))  # noqa: S301 - our own bytes
        name, view = next(iter(subjects.sound().items()))
        there = _made(again, view, "a")
        same = made is None or _equal(there, made[name])
        wrong = "" if same else "A copy from another process would make another picture."
    except Exception as error:  # noqa: BLE001 - pickling fails in many ways
        wrong = f"It cannot go to another process: {type(error).__name__}: {error}"
    if wrong:
        mend = "Define the class in an importable module, and keep what cannot be pickled out of its attributes."
        yield Finding(level="fail", name="processes", what=wrong, mend=mend)
    else:
        yield Finding(level="pass", name="processes", what="It goes to render workers and does the same there.")


def _speed(plugin: Plugin, steps: Chain) -> Iterator[Finding]:
    """Pictures a second, after the first one."""
    view = subjects.ball(TIMED)
    _made(steps, view, "warm")
    start, count = time.perf_counter(), 0
    while count < 20 and time.perf_counter() - start < 3:
        _made(steps, view, f"{count}")
        count += 1
    pace = count / max(time.perf_counter() - start, 1e-9)
    what = f"{pace:.3g} pictures a second of {TIMED} px on one core."
    if pace >= SLOW or getattr(plugin.settings, "needs_gpu", False):
        yield Finding(level="pass", name="speed", what=what)
    else:
        mend = "A view of ours renders in 0.05 s. Work on whole arrays, or say needs_gpu = True and take many at once."
        yield Finding(level="warn", name="speed", what=what, mend=mend)
