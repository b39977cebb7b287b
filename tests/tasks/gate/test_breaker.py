"""A stage whose pictures are rejected too often is stopped, and the reason names the check."""

from __future__ import annotations

from tasks.gate import Verdict
from tasks.gate.breaker import Breaker, Tally


def _verdicts(*checks: str) -> list[Verdict]:
    return [Verdict(accepted=not check, reason=check and "Because.", scores={}, check=check) for check in checks]


def test_tallies_of_batches_add_up() -> None:
    """However the pictures were batched, the same numbers come out, the most frequent check first."""
    every = _verdicts("outline", "", "matter", "outline", "")
    whole = Tally.of(every)
    assert whole == Tally.of(every[:2]) + Tally.of(every[2:])
    assert (whole.judged, whole.rejected, whole.share) == (5, (("outline", 2), ("matter", 1)), 0.6)
    assert whole.worst == "outline"
    assert (Tally().share, Tally().worst) == (0, "")


def test_a_part_stops_only_after_enough_pictures() -> None:
    """A few bad ones are bad luck; after the limit the sentence says how many and by which check."""
    breaker = Breaker(part_least=4, part_most=0.5)
    assert breaker.part(Tally.of(_verdicts("outline", "outline", "outline")), "P-7") == ""
    assert breaker.part(Tally.of(_verdicts("outline", "outline", "", "")), "P-7") == ""
    said = breaker.part(Tally.of(_verdicts("outline", "outline", "matter", "")), "P-7")
    assert "P-7" in said
    assert "3 of 4 were rejected, 2 of them by the check 'outline'" in said


def test_a_run_has_limits_of_its_own() -> None:
    """What stops a part does not stop the run."""
    breaker = Breaker(part_least=2, run_least=10, run_most=0.4)
    few = Tally.of(_verdicts("matter", "matter", "matter"))
    assert breaker.part(few, "P") != ""
    assert breaker.run(few) == ""
    assert "in this run: 5 of 11" in breaker.run(Tally.of(_verdicts(*["matter"] * 5, *[""] * 6)))
