"""Eight processes write to one catalogue at once: no key is doubled, none is lost. The larger part is `make race`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import writers
from writers import Course

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_is_doubled_or_lost(tmp_path: Path) -> None:
    """However the table comes to be, and with keys that overlap; on a disk and in a bucket, by the same processes."""
    ways = [way for way in writers.WAYS for _ in range(2 if way == "create" else 1)]
    with writers.bucket() as (prefix, options):
        courses = [Course(str(tmp_path / str(place)), {}, way, 2, "test") for place, way in enumerate(ways)]
        courses.append(Course(f"{prefix}/acme", options, "create", 1, "test"))
        for course, tally in zip(courses, writers.race(courses), strict=True):
            assert tally.is_clean, (course.way, tally)
            assert tally.commits == 8 * course.count
            assert tally.keys > 8
