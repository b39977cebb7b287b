"""Training from parts that are made up to the weights that cut queries out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from prefect.logging import disable_run_logger
from safetensors.torch import load_file

from flows.train_cutout import learn, stock
from tasks.cutout import network
from tasks.cutout.training import loop
from tasks.cutout.training.course import Course
from tasks.photoreal import available
from tasks.training.pace import Pace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(not available(), reason="the path tracer is not installed")
def test_a_short_training_ends_in_weights_and_goes_on_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flow's steps, twice: the second time nothing is photographed, and training goes on where it was."""
    monkeypatch.setattr(loop, "SETTLING", 1)
    course = Course(rendered=1, traced=1, asked=1, scenes=1, pace=Pace(steps=2, batch=4, rate=1e-3))
    with disable_run_logger():
        stocked = stock.fn(tmp_path, course, 1)
        assert "network, clean, IoU" in learn.fn(tmp_path, course, *stocked)
        made = (tmp_path / "traced" / "00000.images.npy").stat().st_mtime_ns
        longer = course.model_copy(update={"pace": Pace(steps=3, batch=4, rate=1e-3)})
        assert len(stock.fn(tmp_path, longer, 1)[0]) == len(stocked[0])
        learn.fn(tmp_path, longer, *stocked)
    assert (tmp_path / "traced" / "00000.images.npy").stat().st_mtime_ns == made
    assert [json.loads(line)["step"] for line in (tmp_path / "cutout.jsonl").read_text().splitlines()] == [2, 3]
    weights = load_file(tmp_path / loop.FILE)
    assert {name: value.shape for name, value in weights.items()} == {
        name: value.shape for name, value in network.created(0, norms=False).state_dict().items()
    }
