"""What learns goes on where it was stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tasks.training.learner import Learner
from tasks.training.pace import Pace

PACE = Pace(steps=6, batch=4, rate=1e-2, warm=2, decay=0.5)


def learner(folder: Path, identity: str = "a") -> Learner:
    """Something small that learns."""
    torch.manual_seed(1)
    return Learner("small", {"line": torch.nn.Linear(3, 1)}, PACE, folder, identity=identity)


def losses(one: Learner, step: int) -> dict[str, torch.Tensor]:
    """How far it is from adding three numbers."""
    given = torch.rand(4, 3, generator=torch.Generator().manual_seed(step))
    apart = (one.networks["line"](given).float() - given.sum(1, keepdim=True)).square().mean()
    return {"loss": apart, "apart": apart}


def test_stopped_training_ends_with_the_same_weights(tmp_path: Path) -> None:
    """Six steps in one go and in two pieces are the same, bit for bit; the log has a line for each piece."""
    whole, first = learner(tmp_path / "whole"), learner(tmp_path / "pieces")
    for one in (whole, first):
        one.folder.mkdir()
    whole.run(lambda step: losses(whole, step), lambda _: None)
    first.run(lambda step: losses(first, step), lambda _: None, until=2)
    second = learner(tmp_path / "pieces")
    assert second.resume() == 2
    second.run(lambda step: losses(second, step), lambda _: None)
    for one, other in zip(whole.networks["line"].parameters(), second.networks["line"].parameters(), strict=True):
        assert torch.equal(one, other)
    assert all(torch.equal(one, other) for one, other in zip(whole.average, second.average, strict=True))
    lines = [json.loads(line) for line in (tmp_path / "pieces" / "small.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 6]
    assert {"loss", "apart", "steep", "per_second"} <= set(lines[0])


def test_averaged_networks_are_copies(tmp_path: Path) -> None:
    """What is released has the running average for weights, and changes nothing of what learns."""
    one = learner(tmp_path)
    one.run(lambda step: losses(one, step), lambda _: None, until=3)
    made = one.averaged()["line"]
    assert torch.equal(next(iter(made.parameters())), one.average[0])
    assert not torch.equal(one.average[0], next(iter(one.networks["line"].parameters())))


def test_checkpoint_of_another_course_is_refused(tmp_path: Path) -> None:
    """Other networks or another seed cannot go on from there, and a sentence says so."""
    learner(tmp_path).save()
    with pytest.raises(ValueError, match="another course"):
        learner(tmp_path, "b").resume()


def test_a_loss_that_is_no_number_stops_the_training(tmp_path: Path) -> None:
    """Nothing is written over the last checkpoint when learning falls apart."""
    one = learner(tmp_path)
    with pytest.raises(RuntimeError, match="fell apart"):
        one.run(lambda step: {"loss": losses(one, step)["loss"] * float("nan")}, lambda _: None)
    assert not (tmp_path / "small.pt").exists()
