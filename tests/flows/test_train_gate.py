"""Training from parts that are made up to the weights that the gate loads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from prefect.logging import disable_run_logger
from safetensors.torch import load_file

from flows.train_gate import learn, stock
from tasks.gate import sight
from tasks.gate.training import loop
from tasks.gate.training.course import Course
from tasks.training.pace import Pace

if TYPE_CHECKING:
    from pathlib import Path


def test_a_short_training_ends_in_weights_and_goes_on_from_there(tmp_path: Path) -> None:
    """The flow's steps, twice: the second time nothing is photographed, and training goes on where it was."""
    course = Course(sitters=8, asked=8, pace=Pace(steps=2, batch=4, rate=1e-3))
    with disable_run_logger():
        book, unseen = stock.fn(tmp_path, course, 1)
        assert {"limit", "caught"} < set(learn.fn(tmp_path, course, book, unseen))
        made = (tmp_path / "library" / "00000.pictures.npy").stat().st_mtime_ns
        longer = course.model_copy(update={"pace": Pace(steps=3, batch=4, rate=1e-3)})
        assert len(stock.fn(tmp_path, longer, 1)[0]) == len(book)
        learn.fn(tmp_path, longer, book, unseen)
    assert (tmp_path / "library" / "00000.pictures.npy").stat().st_mtime_ns == made
    assert [json.loads(line)["step"] for line in (tmp_path / "gate.jsonl").read_text().splitlines()] == [2, 3]
    weights = load_file(tmp_path / loop.FILE)
    assert {name: value.shape for name, value in weights.items()} == {
        name: value.shape for name, value in sight.created(0).state_dict().items()
    }
