"""Progress bars at a terminal: one for each phase, with counts and the time that remains."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress

from tasks.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import TaskID

    from tasks.progress import Progress


class Bars:
    """Progress drawn by rich on `console`; phases appear in the order in which they start."""

    def __init__(self, console: Console) -> None:
        self._rich = RichProgress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left", style="dim"),
            TimeRemainingColumn(),
            console=console,
            expand=True,
        )
        self._phases: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._rich.start()
        return self

    def __exit__(self, *failure: object) -> None:
        """Leave the bars as they are on the screen."""
        self._rich.stop()

    def start(self, phase: str, total: int | None = None) -> None:
        """Show a bar for `phase`; one that was there begins again."""
        with self._lock:
            if phase in self._phases:
                self._rich.reset(self._phases[phase], total=total)
            else:
                self._phases[phase] = self._rich.add_task(phase, total=total)

    def advance(self, phase: str, n: int = 1) -> None:
        """Move the bar of `phase` by `n` steps."""
        with self._lock:
            if phase not in self._phases:
                self._phases[phase] = self._rich.add_task(phase, total=None)
            self._rich.advance(self._phases[phase], n)

    def finish(self, phase: str) -> None:
        """Fill the bar of `phase`: what is done is its total."""
        with self._lock:
            if phase not in self._phases:
                return
            done = next(task.completed for task in self._rich.tasks if task.id == self._phases[phase])
            # rich calls a bar of length 0 unfinished: a phase that had nothing to do shows as 1 of 1
            self._rich.update(self._phases[phase], total=done or 1, completed=done or 1)

    def note(self, message: str) -> None:
        """Print `message` above the bars."""
        self._rich.console.print(message, markup=False, highlight=False)


@contextmanager
def progress() -> Iterator[Progress]:
    """Bars on stderr when it is a terminal, else nothing; log records stay above the bars."""
    console = Console(stderr=True)
    if not (sys.stderr.isatty() and console.is_terminal and not console.is_dumb_terminal):
        yield Silent()
        return
    root = logging.getLogger()
    before = root.handlers[:]
    root.handlers = [RichHandler(console=console, show_path=False, markup=False)]
    try:
        with Bars(console) as bars:
            yield bars
    finally:
        root.handlers = before
