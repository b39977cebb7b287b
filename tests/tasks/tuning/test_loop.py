"""A network learns to tell the parts of one customer apart, can be stopped anywhere, and keeps what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from blocks import models
from tasks.generate import specimen
from tasks.geometry import glb
from tasks.records import Body
from tasks.tuning.course import Course
from tasks.tuning.library import FEWEST, Sitter, stocked, views
from tasks.tuning.loop import FOLLOWED, HARD, LEAST, STEP, Loop

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.tuning.library import Shelf

NAMES = ("washer", "angle bracket", "spur gear", "flange")
COURSE = Course(steps=4, parts=3, pictures=2, views=4, coarse=0.5)


def sitters() -> list[Sitter]:
    """Four parts that nobody confuses."""
    found = []
    for name in NAMES:
        made = specimen(name, 0, 0)
        body = Body(name=name, vertices=made.vertices, faces=made.faces)
        found.append(Sitter(part=made.part.replace(geometry=name), mesh=glb(body), scale=1.0))
    return found


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Their buffers."""
    return stocked(tmp_path_factory.mktemp("shelf"), sitters(), COURSE, 2, lambda _: None)


def loop(shelf: Shelf, folder: Path, course: Course = COURSE) -> Loop:
    """A fresh learning."""
    return Loop(models.find("partsight-small"), shelf, course, folder)


def test_a_learning_that_was_stopped_ends_with_the_same_weights(shelf: Shelf, tmp_path: Path) -> None:
    """Two steps, a stop, and two more from the checkpoint give the bits of four steps in one go."""
    straight = loop(shelf, tmp_path / "straight")
    straight.run()
    loop(shelf, tmp_path / "halved").run(until=0.5)
    resumed = loop(shelf, tmp_path / "halved")
    assert resumed.resume() == 0.5
    resumed.run()
    one, other = straight.result(), resumed.result()
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_only_what_looks_at_pictures_learns(shelf: Shelf, tmp_path: Path) -> None:
    """The side of the words stays as it was: what differs all belongs to the side of the pictures."""
    made = loop(shelf, tmp_path)
    made.run()
    assert made.result()
    assert all(name.startswith("visual.") for name in made.result())


def test_a_checkpoint_of_another_learning_is_not_gone_on_with(shelf: Shelf, tmp_path: Path) -> None:
    """Other settings are another learning, which begins at its beginning."""
    loop(shelf, tmp_path).run(until=0.5)
    other = loop(shelf, tmp_path, COURSE.model_copy(update={"seed": 2}))
    assert other.resume() == 0


def test_parts_are_told_apart_after_some_steps(shelf: Shelf, tmp_path: Path) -> None:
    """Some steps teach four parts that nobody confuses; the mean of what is right starts at 0 and follows slowly."""
    made = loop(shelf, tmp_path, COURSE.model_copy(update={"steps": 12, "parts": 4, "coarse": 1.0}))
    made.run()
    assert made.right > 0.75 * (1 - (1 - FOLLOWED) ** 12)


def test_photographs_get_harder_only_as_they_are_learned(shelf: Shelf, tmp_path: Path) -> None:
    """At first nothing is right, and photographs stay easy."""
    made = loop(shelf, tmp_path)
    for _ in range(3):
        made.harder(HARD / 2)
    assert made.strength == LEAST
    for _ in range(200):
        made.harder(1.0)
    assert made.strength > LEAST + 10 * STEP
    hard = made.strength
    for _ in range(200):
        made.harder(0.0)
    assert made.strength < hard


def test_many_parts_get_fewer_views() -> None:
    """There is so much time to render, and so much room."""
    course = Course(views=64, render_minutes=5)
    assert views(50, course, 2) == 64
    assert FEWEST < views(3000, course, 2) < 64
    assert views(10**6, course, 2) == FEWEST


def test_a_part_that_cannot_be_rendered_is_left_out_with_a_sentence(tmp_path: Path) -> None:
    """The others are learned all the same; two are the least."""
    some = sitters()
    broken = some[0].model_copy(update={"mesh": b"no mesh"})
    found = stocked(tmp_path / "one", [broken, *some[1:]], COURSE, 1, lambda _: None)
    assert [part.geometry for part in found.parts] == list(NAMES[1:])
    assert broken.part.number in found.failures[0]
    with pytest.raises(ValueError, match="nothing to tell apart: 1"):
        stocked(tmp_path / "two", [broken, some[1]], COURSE, 1, lambda _: None)


def test_many_parts_need_few_open_files(shelf: Shelf) -> None:
    """A part's file is open while its views are read, and no longer: a process may have a thousand at once."""
    from pathlib import Path

    before = len(list(Path("/proc/self/fd").iterdir()))
    kept = [shelf.buffers(place, [0, 1]) for place in range(len(shelf.parts)) for _ in range(8)]
    assert len(kept) == 32
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_of_too_many_parts_some_are_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn by lot, always the same ones; where all fit, all are."""
    from tasks.tuning import library

    some = sitters()
    assert library.fitting(some) == tuple(some)
    monkeypatch.setattr(library, "BYTES", 2 * FEWEST * library.SIZE**2 * 8)
    assert len(library.fitting(some)) == 2
    assert library.fitting(some) == library.fitting(some[::-1])


def test_of_a_large_network_the_last_blocks_learn_and_what_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of four blocks the last two, the norm after them and the projection; what comes before stays as it was."""
    from open_clip.transformer import VisionTransformer

    from tasks.tuning import network

    visual = VisionTransformer(32, 16, width=32, layers=4, heads=2, mlp_ratio=2.0, output_dim=8)
    visual.preprocess_cfg = {"size": 32, "mean": (0.5,) * 3, "std": (0.5,) * 3}
    monkeypatch.setattr(network, "SMALL", 0)
    tuned = network.Tuned(visual, 2, "cpu")
    learning = {name for name, weight in visual.named_parameters() if weight.requires_grad}
    blocks = {name.split(".")[2] for name in learning if name.startswith("transformer.resblocks.")}
    assert blocks == {"2", "3"}
    assert {"proj", "ln_post.weight"} <= learning
    assert not learning & {"conv1.weight", "ln_pre.weight", "class_embedding"}
    found = tuned(torch.rand(2, 3, 32, 32))
    torch.autograd.backward(found.sum())
    assert found.shape == (2, 8)
    assert tuned.size(coarse=True) == 32


def test_a_gradient_that_is_no_number_ends_the_learning(shelf: Shelf, tmp_path: Path) -> None:
    """With a sentence; the checkpoint from before is sound."""
    made = loop(shelf, tmp_path)
    made.run(until=0.25)
    with torch.no_grad():
        made._centres.fill_(torch.nan)
    with pytest.raises(RuntimeError, match="fell apart at step 1"):
        made.run()
    again = loop(shelf, tmp_path)
    assert again.resume() == 0.25
    assert torch.isfinite(again._centres).all()
