"""The projection of the shape templates is learned again by one command, and comes out the same."""

from __future__ import annotations

from pathlib import Path

from prefect.logging import disable_run_logger

from flows.train_templates import learn
from tasks.templates import projection
from tasks.templates.training import Course


def test_the_same_course_learns_the_same(tmp_path: Path) -> None:
    """To the last byte, and however many processes do it."""
    written = []
    for workers in (1, 2):
        with disable_run_logger():
            learned, views = learn.fn(Course(parts=6, views=4), workers)
        assert (views, learned.matrix.shape[1]) == (24, projection.KEPT)
        projection.write(learned, tmp_path / f"{workers}" / "some.safetensors")
        written.append((tmp_path / f"{workers}" / "some.safetensors").read_bytes())
    assert written[0] == written[1]
