"""A small piece of `make bench-million` and of `make bench-storage`: all is there, once, and found."""

from __future__ import annotations

from pathlib import Path

import bucket
import numpy as np
import pytest
from million import FAMILY, VIEWS, Gallery, batch, measured

COUNT = 20 * FAMILY * VIEWS


@pytest.mark.filterwarnings("ignore:optimize")  # no version is kept: nobody else reads the benchmark's table
@pytest.mark.filterwarnings("ignore::DeprecationWarning:faiss")
def test_what_is_nearest_is_found_with_an_index_and_with_filters(tmp_path: Path) -> None:
    """Recall@10 is 0.98 at least, no vector is lost or there twice; commits do not become four times as slow.

    Whether they become slower with a million rows is seen by `make bench-million` alone: here are too few of them.
    """
    report = measured(COUNT, 64, 3, 40, tmp_path, COUNT // 4)
    assert report["rows"] == report["distinct"] == COUNT
    assert report["index"]["megabytes"] > 1
    recalls = {(one["who"], one["filter"]): one["recall"] for one in report["search"] if "recall" in one}
    ours = [recall for (who, _), recall in recalls.items() if who.startswith("partsight")]
    assert len(ours) == 3
    assert min(ours) >= 0.98
    assert recalls["numpy, all rows", "none"] == 1
    assert min(one["first"] for one in report["search"] if "first" in one) >= 0.98
    assert report["upsert"]["last_third_to_first"]["per_processor_second"] > 0.25  # a machine that others use, too


def test_the_gallery_depends_on_its_seed_alone_and_has_parts_in_it() -> None:
    """Pictures of a part are more alike than parts of a family, and these more than families."""
    size = VIEWS * FAMILY
    rows = Gallery(4 * size, 64, 1).rows(0, 4 * size)
    assert np.array_equal(rows[size : 2 * size], Gallery(8 * size, 64, 1).rows(size, 2 * size))
    assert not np.array_equal(rows[:size], Gallery(4 * size, 64, 2).rows(0, size))
    likeness = rows @ rows.T
    own, family, other = likeness[0, 1:VIEWS], likeness[0, VIEWS:size], likeness[0, size:]
    assert own.mean() > family.mean() + 0.05 > other.mean() + 0.1
    assert batch(1_000_000) == 11_264


def test_a_bucket_is_measured_beside_the_disk(tmp_path: Path) -> None:
    """Both give back all that was written, and find it."""
    report = bucket.compared(tmp_path, 1024, 256, 3, 5)
    assert min(report["disk"].values()) > 0
    assert min(report["s3"].values()) > 0
