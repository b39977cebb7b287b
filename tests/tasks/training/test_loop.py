"""The training loop: its losses, its schedule, and that a stop changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from tasks.training import library, network
from tasks.training.course import Course
from tasks.training.loop import Loop, captioned, contrast
from tasks.training.places import places

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.training.library import Shelf

COURSE = Course(seed=3, steps=4, parts=8, sizes=((0.0, 32), (0.5, 64)), warm=2, ramp=0.5)


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Shelf]:
    """A library with two designs of each of three families."""
    folder = tmp_path_factory.mktemp("train")
    keys = library.plan({"washer": 2, "angle bracket": 2, "spur gear": 2})
    return folder, library.stocked(folder / "library", keys, 2, lambda _: None)


def loop(stocked: tuple[Path, Shelf], folder: Path) -> Loop:
    """A fresh training of the small course."""
    where, shelf = stocked
    model, tokenizer = network.created(network.configured(shelf, where), COURSE.seed)
    return Loop(model, tokenizer, shelf, places(6, where / "places.npy"), COURSE, folder)


def test_a_training_that_was_stopped_ends_with_the_same_weights(stocked: tuple[Path, Shelf], tmp_path: Path) -> None:
    """Two steps, a stop, and two more from the checkpoint give the bits of four steps in one go."""
    straight = loop(stocked, tmp_path / "straight")
    straight.run(lambda _: None)
    loop(stocked, tmp_path / "halved").run(lambda _: None, until=2)
    resumed = loop(stocked, tmp_path / "halved")
    assert resumed.resume() == 2
    resumed.run(lambda _: None)
    assert resumed.step == straight.step == 4
    assert all(torch.equal(straight.average[name], value) for name, value in resumed.average.items())


def test_training_changes_weights_and_reports_finite_losses(stocked: tuple[Path, Shelf], tmp_path: Path) -> None:
    """After a few steps the network is another one, and what is told are numbers."""
    told: list[dict[str, float]] = []
    one = loop(stocked, tmp_path)
    before = one.model.visual.head.proj.weight.detach().clone()
    one.run(told.append)
    assert not torch.equal(before, one.model.visual.head.proj.weight)
    assert told[-1]["step"] == COURSE.steps
    assert all(0 <= value < 100 for name, value in told[-1].items() if name != "per_second")


def test_a_checkpoint_of_another_course_is_not_continued(stocked: tuple[Path, Shelf], tmp_path: Path) -> None:
    """Another seed in the same folder is refused with a sentence."""
    one = loop(stocked, tmp_path)
    one.save()
    one.course = COURSE.model_copy(update={"seed": 4})
    with pytest.raises(ValueError, match="another course"):
        one.resume()


def test_contrast_is_low_when_pairs_are_together() -> None:
    """Pictures of one part side by side cost little, shuffled ones much."""
    seen = torch.nn.functional.normalize(torch.eye(8), dim=-1)
    good, right = contrast(torch.cat([seen, seen]), torch.tensor(20.0))
    bad, wrong = contrast(torch.cat([seen, seen.roll(1, 0)]), torch.tensor(20.0))
    assert good < 0.01
    assert right == 1
    assert bad > 5
    assert wrong == 0


def test_captions_cost_little_beside_their_own_pictures() -> None:
    """Words that lie where both pictures of their part lie are right."""
    seen = torch.eye(8)
    both = torch.cat([seen, seen])
    assert captioned(both, seen, torch.tensor(20.0)) < captioned(both, seen.roll(1, 0), torch.tensor(20.0)) / 50


def test_the_course_rises_ramps_and_ends_at_nothing() -> None:
    """Rate up, strength up, size up, rate down to almost nothing."""
    course = Course(steps=1000, warm=100, ramp=0.4, decay=0.3, sizes=((0.0, 64), (0.5, 96)))
    assert course.pace(0) < course.pace(50) < course.pace(200) == course.rate
    assert course.pace(999) < 0.01 * course.rate
    assert (course.strength(0), course.strength(200), course.strength(900)) == (0.0, 0.5, 1.0)
    assert (course.size(499), course.size(500)) == (64, 96)
