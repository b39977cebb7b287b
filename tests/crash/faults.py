"""One fault after another before an onboarding, each told as what it cost: rows lost, rows twice, work done over."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import onboarding
from manifest import Manifest, manifest
from warm import Child, Warm

from blocks.catalogue import Catalogue

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    import numpy as np

KILLED: Final = -9  # the status of what was ended with SIGKILL
EARLIER: Final = 0.8  # a moment after the end is tried again at this share of it


class Trial(NamedTuple):
    """What became of one fault: sentences, and none where all is as it should be; `befell` if it met a run at all."""

    fault: str
    where: str
    lost: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    befell: bool = True

    @property
    def sound(self) -> bool:
        """Whether nothing was lost, nothing is there twice, and nothing was done over."""
        return not (self.lost or self.twice or self.over)


class Bench:
    """A customer's folder, what an undisturbed onboarding makes of it, and how long that takes."""

    def __init__(self, folder: Path, warm: Warm, stages: Sequence[str] = ()) -> None:
        self.folder, self.warm = folder, warm
        self.told = {"stages": list(stages)} if stages else {}
        self.cad = onboarding.source(folder / "cad")
        status, child = self.run(folder / "undisturbed", str(folder / "undisturbed" / "tables"))
        assert status == 0, child.outcome()
        self.made, self.commits = child.made(), child.commits()
        self.whole = manifest(Catalogue(uri=str(folder / "undisturbed" / "tables")))
        assert not self.whole.twice()
        self._count = 0
        place, begun = self.place(), time.monotonic()  # the first run was slower: moments are shares of a warm one
        assert self.run(place / "first", str(place / "tables"))[0] == 0
        self.seconds = time.monotonic() - begun
        shutil.rmtree(place)

    def run(self, home: Path, uri: str, **told: object) -> tuple[int, Child]:
        """An onboarding to its end."""
        return self.warm.run(home, cad=str(self.cad), uri=uri, **self.told, **told)

    def start(self, home: Path, uri: str, **told: object) -> Child:
        """An onboarding that is under way."""
        return self.warm.start(home, cad=str(self.cad), uri=uri, **self.told, **told)

    def place(self) -> Path:
        """An empty folder for a trial."""
        self._count += 1
        made = self.folder / f"trial-{self._count}"
        made.mkdir()
        return made

    def at_commit(self, stop: int, when: str) -> Trial:
        """Killed at a commit, `before` or `after` it."""
        place = self.place()
        status, _ = self.run(place / "first", str(place / "tables"), stop=stop, when=when)
        where = f"{when} commit {stop}: {self.commits[stop].strip()}"
        assert status == KILLED, f"{where}: ended with {status}"
        return self.completed("kill -9 at a commit", where, place)

    def at_moment(self, share: float) -> Trial:
        """Killed when so much of its time is over; earlier where it had ended by then."""
        place = self.place()
        child = self.start(place / "first", str(place / "tables"))
        time.sleep(share * self.seconds)
        child.kill()
        if (status := child.wait()) != KILLED:
            assert status == 0, child.outcome()
            shutil.rmtree(place)
            return self.at_moment(share * EARLIER)
        where = f"{share:.3f} of its time, after commit {len(child.commits())} of {len(self.commits)}"
        return self.completed("kill -9 at a moment", where, place)

    def at_rival(self, number: int) -> Trial:
        """Another writer's commit comes between what the run has read and what it commits."""
        place = self.place()
        status, child = self.run(place / "first", str(place / "tables"), rival=number)
        where = f"commit {number}: {self.commits[number].strip()}" + (" (told, run again)" if status else "")
        return self.completed("a rival's commit first", where, place, lost=crashed(status, child))

    def completed(self, fault: str, where: str, place: Path, uri: str = "", lost: Sequence[str] = ()) -> Trial:
        """Run once more, undisturbed, and compare with what was there and with what should be."""
        catalogue = Catalogue(uri=uri or str(place / "tables"))
        before = manifest(catalogue)
        status, child = self.run(place / "second", catalogue.uri)
        ended = [f"the next run ended with {status}: {child.outcome().get('error')}"] if status else []
        return self.judged(Trial(fault, where, (*lost, *ended)), place, before, manifest(catalogue), child.made())

    def judged(self, trial: Trial, place: Path, before: Manifest, after: Manifest, made: Counter[str]) -> Trial:
        """The trial with what is otherwise `after` than it should be; what lies in its place goes if nothing is."""
        told = trial._replace(
            lost=(*trial.lost, *after.differences(self.whole)),
            twice=tuple(after.twice()),
            over=(*before.done_over(after, self.whole), *self.redone(before, made)),
        )
        if told.sound:
            shutil.rmtree(place, ignore_errors=True)  # a disk may still be there
        return told

    def redone(self, before: Manifest, made: Counter[str]) -> list[str]:
        """What was read, rendered or embedded although it was committed."""
        left = self.made.copy()
        left.subtract(before.work())
        return [f"{count} {what}, where {left[what]} were left" for what, count in made.items() if count > left[what]]


def moments(generator: np.random.Generator, count: int) -> list[float]:
    """Shares of an onboarding's time, one in each of `count` equal stretches."""
    return [(place + float(generator.random())) / count for place in range(count)]


def crashed(status: int, child: Child) -> list[str]:
    """A sentence where a process that should have ended or told of an error did neither."""
    return [] if status in (0, 1) and child.outcome() else [f"the run was ended with {status}"]
