"""Large batches through the stages of others, in a process of their own: one that crashes or hangs costs its batch.

Our own stages run where the batch is made. Those of other packages may end the process that they run in, or never
come back; and where a GPU is, that process holds everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tasks.plugins import OURS
from tasks.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.augment import Chain, Task
    from tasks.records import View


class LostBatchError(RuntimeError):
    """A batch that its stages lost, with the reason as a sentence."""


class Errand(NamedTuple):
    """What is done in the other process: these views through these stages."""

    steps: Chain
    tasks: Sequence[Task]


def run(errand: Errand) -> list[tuple[View, ...]]:
    """The other process's side: the variants of each task."""
    return errand.steps.batch(errand.tasks)


def _lost(errand: Errand, reason: str) -> str:
    names = ", ".join(link.stage.name for link in errand.steps.links if link.stage.package != OURS)
    return f"A batch of {len(errand.tasks)} pictures was lost in the stages of others ({names}): {reason}"


class Apart:
    """Makes batches of variants, here or in a process of its own that has the machine to itself and `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._workshop = Workshop(1, run, _lost, seconds=seconds, alone=True)

    def batch(self, steps: Chain, tasks: Sequence[Task]) -> list[tuple[View, ...]]:
        """The variants of each task. Raises LostBatchError when the process of others' stages was ended."""
        if all(link.stage.package == OURS for link in steps.links):
            return steps.batch(tasks)
        (made,) = self._workshop.make([Errand(steps, tuple(tasks))])
        if isinstance(made, str):
            raise LostBatchError(made)
        return list(made)

    def close(self, *, at_once: bool = False) -> None:
        """End the process; another batch starts it anew, unless it was ended `at_once`."""
        self._workshop.close(at_once=at_once)
