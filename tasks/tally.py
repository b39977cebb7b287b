"""What a run counts: files, parts, pictures, seconds per phase; and the summary that people get."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

PHASES: Final = ("scan", "ingest", "render", "augment", "embed", "templates", "publish", "evaluate")


def named(when: datetime) -> str:
    """Name of a run that began then: names sort by their beginning, also within a second."""
    return f"{when:%Y%m%d-%H%M%S-%f}"


class Tally:
    """Counts and seconds of one run; any thread may add to it."""

    def __init__(self, customer: str, run: str) -> None:
        self.customer, self.run = customer, run
        self.failures: dict[str, dict[str, str]] = {}
        self.report = ""
        self.gpu: dict[str, Any] = {"run": 0.0, "month": 0.0, "quota": 0.0}  # seconds, as tasks.budget tells of them
        self.outcome: dict[str, Any] = dict.fromkeys(("recall", "threshold", "compared", "searched")) | {
            "released": False
        }
        self._quarantine: list[dict[str, str]] = []
        self._notes: list[str] = []
        self._counts: Counter[str] = Counter()
        self._seconds: dict[str, float] = dict.fromkeys(PHASES, 0.0)
        self._lock = Lock()
        self._start = time.perf_counter()

    def add(self, counts: Mapping[str, int]) -> None:
        """Add to the counts."""
        with self._lock:
            self._counts.update(counts)

    def settle(self, counts: Mapping[str, int], quarantine: list[dict[str, str]], notes: list[str]) -> None:
        """State what is known at the end; said again, it replaces what was said before."""
        with self._lock:
            self._counts.update({name: count - self._counts[name] for name, count in counts.items()})
            self._quarantine = sorted([*quarantine, *self.failures.values()], key=lambda entry: entry["file"])
            self._notes = notes

    def decide(self, outcome: Mapping[str, Any], notes: Sequence[str]) -> None:
        """State whether the run goes live, with the figures, and what to know of them."""
        with self._lock:
            self.outcome = dict(outcome)
            self._notes = [*self._notes, *notes]

    def fail(self, part: str, file: str, reason: str) -> None:
        """A part could not be made, out of `file`."""
        with self._lock:
            self.failures[part] = {"file": file, "reason": reason}

    def spend(self, seconds: Mapping[str, float], workers: int = 1) -> None:
        """Add busy seconds by phase, `workers` of which passed at once."""
        with self._lock:
            for phase, spent in seconds.items():
                self._seconds[phase] += spent / workers

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time of a `with` block for a phase."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.spend({name: time.perf_counter() - start})

    def summary(self) -> dict[str, Any]:
        """What `partsight onboard --json` prints."""
        count = self._counts
        seconds = {phase: round(self._seconds[phase], 3) for phase in PHASES}
        return {
            "customer": self.customer,
            "run": self.run,
            "files": {"ok": count["ok"], "quarantined": len(self._quarantine), "unchanged": count["files_unchanged"]},
            "quarantine": self._quarantine,
            "parts": {kind: count[kind] for kind in ("new", "changed", "unchanged", "retired")},
            "images": {kind: count[kind] for kind in ("views", "variants", "rejected")},
            "vectors": count["vectors"],
            "templates": count["templates"],
            "gpu_seconds": self.gpu,
            **self.outcome,
            "seconds": seconds | {"total": round(time.perf_counter() - self._start, 3)},
            "report": self.report,
            "notes": self._notes,
        }
