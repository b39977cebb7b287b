"""What a customer's retention says is due: retired parts, reports, rows of old runs, versions that nobody reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tasks.tally import named

if TYPE_CHECKING:
    from pathlib import Path

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer


def due(catalogue: Catalogue, customer: Customer, now: datetime | None = None) -> list[str]:
    """Numbers of the parts that left the source longer ago than is kept; none where they are kept for good.

    A part that searches still show is not due: the run that found it gone was stopped or refused.
    """
    from lancedb.expr import col, lit

    days = customer.retention.retired_days
    if not days:
        return []
    before = _named(days, now)
    retired = col("status") == lit("retired")
    rows, served = catalogue.rows("parts", ("part", "run"), retired), catalogue.served()
    shown = {row["part"] for row in served.rows("parts", ("part",))} if served.vectors else set()
    shown -= {row["part"] for row in served.rows("parts", ("part",), retired)} if shown else set()
    return sorted(row["part"] for row in rows if (row["run"] or "") < before and row["part"] not in shown)


def applied(catalogue: Catalogue, customer: Customer, home: Path, now: datetime | None = None) -> dict[str, int]:
    """Remove reports, rows of runs, and versions that are older than is kept; returns how many of the first two.

    Searches read the merged rows at once, unless a run that did not go live has left others in the tables.
    """
    from lancedb.expr import col, lit

    from tasks import publish, report
    from tasks.forget.around import folder

    kept = customer.retention
    reports = folder(home, customer.slug) / "reports"
    before = len(list(reports.glob("*.html")))
    report.forget(reports, kept.reports_days)
    gone = {"reports": before - len(list(reports.glob("*.html")))}
    old = (col("run") < lit(_named(kept.runs_days, now))) & (col("run") != lit(catalogue.served().run))
    rows = [row["run"] for row in catalogue.rows("runs", ("run",), old)]
    if rows:
        catalogue.delete("runs", old)
    served = catalogue.served()
    whole = bool(served.vectors) and served.versions == catalogue.newest(served.vectors)
    for table in catalogue.tables():
        catalogue.compact(table, kept.versions_days)
    if whole and served.versions != catalogue.newest(served.vectors):  # or the next run takes them for left over
        publish.stay_live(catalogue)
    return gone | {"runs": len(rows)}


def _named(days: int, now: datetime | None) -> str:
    """How a run of so many days ago would be called."""
    return named((now or datetime.now(UTC)) - timedelta(days=days))
