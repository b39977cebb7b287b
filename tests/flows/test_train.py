"""Training from parts that are made up to weights that the platform loads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from prefect.logging import disable_run_logger

from blocks.customer import Embed
from flows.train import learn, stock
from tasks.embed import embedder
from tasks.training import network
from tasks.training.course import Course

COURSE = Course(steps=3, designs=(0, 0, 1), parts=8, siblings=2, sizes=((0.0, 32),), warm=1)


def test_a_short_training_gives_weights_that_are_ready_to_use(tmp_path: Path) -> None:
    """The flow's steps end in files that the embedder takes, for pictures and for words."""
    folder, out = tmp_path / "train", tmp_path / "weights"
    with disable_run_logger():
        shelf, unseen = stock.fn(folder, COURSE, 2)
        found = learn.fn(folder, COURSE, shelf, unseen)
    assert not set(shelf.parts) & set(unseen.parts)
    assert {"plain@1", "plain@5", "hard@1", "hard@5", "words@1", "words@5"} == set(found)
    file = network.released(folder, out)
    assert file.stat().st_size < 20e6
    model = embedder(Embed(weights=str(file)))
    assert model.trained
    pictures = model.images([np.full((64, 64, 3), 200, np.uint8)])
    words = model.texts(["ribbed bracket, four holes", "lever"])
    assert pictures.shape == (1, model.dimension)
    assert words.shape == (2, model.dimension)
    assert not np.allclose(words[0], words[1])
