"""The gate's network learns from pictures that are turned, mirrored and tinted with all that is known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from tasks import codec
from tasks.gate import sight
from tasks.gate.training import library, loop
from tasks.gate.training.course import Course
from tasks.records import generator
from tasks.training.pace import Pace

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.gate.training.library import Book
    from tests.tasks.conftest import Shown

COURSE = Course(pace=Pace(steps=12, batch=8, rate=3e-3, warm=2))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """Pictures of two sitters."""
    return library.stocked(tmp_path_factory.mktemp("faults"), library.planned(2, 5), 1, lambda _: None)


def test_it_learns(book: Book, tmp_path: Path) -> None:
    """A dozen steps lower the loss on the very pictures that it sees, and the same steps give the same weights."""
    ends = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        lessons = loop.Lessons(book, COURSE, tmp_path / name)
        whole = lessons.batch(list(range(len(book))))
        before = float(loop.losses(lessons.learner.networks["sight"], whole)["loss"].detach())
        lessons.learner.run(lessons.losses, lambda _: None)
        network = lessons.learner.networks["sight"]
        assert float(loop.losses(network, whole)["loss"].detach()) < 0.9 * before
        ends.append([weight.detach().clone() for weight in network.parameters()])
    for one, other in zip(*ends, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_half_of_a_batch_is_sound_and_the_rest_is_of_all_kinds(book: Book, tmp_path: Path) -> None:
    """So that no kind of fault is left to chance."""
    lessons = loop.Lessons(book, COURSE.model_copy(update={"pace": Pace(steps=1, batch=24, rate=1)}), tmp_path)
    kinds = book.kind[lessons._drawn(generator("drawn"))]
    assert np.mean(kinds == 0) == 0.5
    counts = np.bincount(kinds)[1:]
    faulty = counts[np.bincount(book.kind)[1:] > 0]
    assert faulty.max() - faulty.min() <= 1


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_normals_turn_with_their_picture(shown: Shown, quarters: int, mirrored: bool) -> None:
    """On a ball a normal says where its pixel is: turned or mirrored, it still does."""
    view = loop.turned(codec.packed(shown("ball", size=64, elevation=0)), quarters, mirrored)
    rows, columns = np.nonzero(view[..., 3])
    x, y = (view[rows, columns, at].astype(float) - 128 for at in (4, 5))
    assert np.corrcoef(x, columns - 31.5)[0, 1] > 0.99
    assert np.corrcoef(y, 31.5 - rows)[0, 1] > 0.99
    assert (view[view[..., 3] == 0][:, 4:7] == 128).all()


def test_the_exam_holds_sound_pictures_to_the_share_that_it_says(book: Book, tmp_path: Path) -> None:
    """Its limit rejects so many of the sound pictures, and no more."""
    lessons = loop.Lessons(book, COURSE, tmp_path)
    found = loop.exam(lessons.learner.networks["sight"].eval(), lessons, most=0.2)
    batch = lessons.batch([int(place) for place in np.flatnonzero(book.kind == 0)])
    with torch.inference_mode():
        faults = lessons.learner.networks["sight"](batch.given)[1].numpy()
    assert np.mean(faults > found["limit"]) == pytest.approx(0.2, abs=0.1)
    assert {"caught", "limit"} < set(found)


def test_written_weights_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In half precision and without any code: what is loaded says the same."""
    network = sight.created(3).eval()
    monkeypatch.setattr(sight, "WEIGHTS", loop.write(network, tmp_path / loop.FILE))
    sight.trained.cache_clear()
    given = torch.rand(1, sight.CHANNELS, sight.SIDE, sight.SIDE)
    with torch.inference_mode():
        for one, other in zip(network(given), sight.trained()(given), strict=True):
            torch.testing.assert_close(one, other, rtol=0.02, atol=0.02)
    monkeypatch.setattr(sight, "WEIGHTS", tmp_path / "none.safetensors")
    sight.trained.cache_clear()
    with pytest.raises(ValueError, match=r"none\.safetensors is not part of this installation"):
        sight.trained()
    sight.trained.cache_clear()
