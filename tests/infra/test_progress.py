"""Bars at a terminal, silence elsewhere, and the same counts from any number of threads."""

from __future__ import annotations

import io
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from rich.console import Console

from infra.progress import Bars, progress
from tasks.progress import Silent

if TYPE_CHECKING:
    import pytest


def terminal() -> tuple[Console, io.StringIO]:
    """A console that draws as on a terminal, and what it drew."""
    drawn = io.StringIO()
    return Console(file=drawn, force_terminal=True, width=100, color_system=None), drawn


def test_threads_that_advance_one_phase_lose_no_step() -> None:
    """Two thousand steps from eight threads are two thousand steps."""
    console, drawn = terminal()
    with Bars(console) as bars:
        bars.start("render", 2000)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: bars.advance("render"), range(2000)))
        bars.finish("render")
    assert "2000/2000" in drawn.getvalue()


def test_a_phase_shows_counts_before_its_total_is_known() -> None:
    """A bar without a total counts, and a note stands above it as it was written."""
    console, drawn = terminal()
    with Bars(console) as bars:
        bars.advance("scan", 3)
        bars.note("12 files [bold]found[/bold]")
    assert "3/?" in drawn.getvalue()
    assert "12 files [bold]found[/bold]" in drawn.getvalue()


def test_a_phase_that_had_nothing_to_do_is_finished() -> None:
    """Zero of zero is done, not at nought per cent; a phase nobody started can be finished."""
    console, drawn = terminal()
    with Bars(console) as bars:
        bars.start("embed", 0)
        bars.finish("embed")
        bars.finish("never started")
    assert "1/1" in drawn.getvalue()


def test_nothing_is_drawn_when_stderr_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Piped into a file or another program, no bar is seen."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    with progress() as told:
        told.start("render", 10)
        told.advance("render")
        told.finish("render")
        told.note("done")
    assert isinstance(told, Silent)
    assert written.getvalue() == ""
