"""When a stage is stopped: too many of its pictures were rejected, of one part or of the whole run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tasks.gate import Verdict
from tasks.records import Record


class Tally(Record):
    """How many pictures were judged, and how many of them each check rejected; tallies of batches add up."""

    judged: int = Field(0, ge=0, description="Pictures that were judged.")
    rejected: tuple[tuple[str, int], ...] = Field((), description="Rejected pictures by check, most first.")

    @classmethod
    def of(cls, verdicts: Iterable[Verdict]) -> Tally:
        """Tally of these verdicts."""
        every = list(verdicts)
        return cls(judged=len(every), rejected=_sorted(Counter(one.check for one in every if not one.accepted)))

    def __add__(self, other: Tally) -> Tally:
        """Both together."""
        counts = Counter(dict(self.rejected)) + Counter(dict(other.rejected))
        return Tally(judged=self.judged + other.judged, rejected=_sorted(counts))

    @property
    def share(self) -> float:
        """Share of the pictures that were rejected, 0 where there were none."""
        return sum(count for _, count in self.rejected) / max(self.judged, 1)

    @property
    def worst(self) -> str:
        """Name of the check that rejected most, empty when none did."""
        return self.rejected[0][0] if self.rejected else ""


class Breaker(BaseModel):
    """Stop a stage whose pictures are rejected too often."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    part_most: float = Field(0.7, ge=0, le=1, description="Largest share of a part's pictures that may be rejected.")
    part_least: int = Field(6, ge=1, description="Pictures of a part that are judged before it can stop.")
    run_most: float = Field(0.5, ge=0, le=1, description="Largest share of a run's pictures that may be rejected.")
    run_least: int = Field(60, ge=1, description="Pictures of a run that are judged before it can stop.")

    def part(self, tally: Tally, number: str) -> str:
        """Why the stage stops for the part of that number, as a sentence; empty when it goes on."""
        return self._tripped(tally, self.part_least, self.part_most, f"No more pictures are made of {number}")

    def run(self, tally: Tally) -> str:
        """Why the stage stops for the rest of the run, as a sentence; empty when it goes on."""
        return self._tripped(tally, self.run_least, self.run_most, "No more pictures are made in this run")

    def _tripped(self, tally: Tally, least: int, most: float, what: str) -> str:
        if tally.judged < least or tally.share <= most:
            return ""
        count = sum(number for _, number in tally.rejected)
        name, often = tally.rejected[0]
        by = f"the check '{name}'" if name else "no check by name"
        return f"{what}: {count} of {tally.judged} were rejected, {often} of them by {by}. The renders stay."


def _sorted(counts: Counter[Any]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
