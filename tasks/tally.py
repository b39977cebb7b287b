"""What a run counts: files, parts, pictures, seconds per phase; and the summary that people get."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PHASES: Final = ("scan", "ingest", "render", "augment", "embed", "publish")


class Tally:
    """Counts and seconds of one run; any thread may add to it."""

    def __init__(self, customer: str, run: str) -> None:
        self.customer, self.run = customer, run
        self.quarantine: list[dict[str, str]] = []
        self.notes: list[str] = []
        self.report = ""
        self._counts: Counter[str] = Counter()
        self._seconds: dict[str, float] = dict.fromkeys(PHASES, 0.0)
        self._lock = Lock()
        self._start = time.perf_counter()

    def add(self, counts: Mapping[str, int]) -> None:
        """Add to the counts."""
        with self._lock:
            self._counts.update(counts)

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
            "files": {"ok": count["ok"], "quarantined": len(self.quarantine), "unchanged": count["files_unchanged"]},
            "quarantine": sorted(self.quarantine, key=lambda entry: entry["file"]),
            "parts": {kind: count[kind] for kind in ("new", "changed", "unchanged", "retired")},
            "images": {kind: count[kind] for kind in ("views", "variants", "rejected")},
            "vectors": count["vectors"],
            "seconds": seconds | {"total": round(time.perf_counter() - self._start, 3)},
            "report": self.report,
            "notes": self.notes,
        }
