"""Gradients tell shapes apart, without anything learned; words they do not know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from blocks.customer import Embed
from tasks.contract import subjects
from tasks.embed import embedder
from tasks.embedders import EmbedderError

HOG = Embed(model="hog")


def test_alike_is_near_and_other_is_far() -> None:
    """A darker picture of the same thing is nearer than another thing, wherever it lies in the picture."""
    ball, ring = subjects.ball().image, subjects.ring().image
    moved = np.roll(ring, (9, -7), (0, 1))
    one, other, darker, elsewhere = embedder(HOG).images([ball, ring, ring // 2, moved])
    assert other @ darker > 0.97
    assert other @ elsewhere > 0.85
    assert max(one @ other, one @ darker) < 0.6


def test_it_is_named_by_all_that_it_depends_on() -> None:
    """Other settings are another table; the same ones the same, and the same object."""
    coarse = Embed(model="hog", settings={"cells": 4})
    assert embedder(HOG) is embedder(Embed(model="hog"))
    assert embedder(HOG).table != embedder(coarse).table
    assert (embedder(HOG).dimension, embedder(coarse).dimension) == (7 * 7 * 36, 3 * 3 * 36)
    assert embedder(HOG).table.startswith("vectors__hog_")
    assert embedder(HOG).looks([subjects.ball().image]).shape == (1, 2, 1764)


def test_words_are_refused_in_a_sentence() -> None:
    """Who asks it for words is told so."""
    assert embedder(HOG).trained
    assert not embedder(HOG).words
    with pytest.raises(EmbedderError, match="The embedder 'hog' knows no words"):
        embedder(HOG).texts(["bolt"])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Embed(model="hog", settings={"cels": 4}), "Embedder 'hog' has no setting 'cels'; did you mean 'cells'"),
        (Embed(model="hog", settings={"size": 3}), "Embedder 'hog', setting 'size'"),
        (Embed(model="hog", weights="openai"), "The embedder 'hog' takes no `weights`"),
        (Embed(settings={"size": 3}), "Embedder 'open_clip' has no setting 'size'"),
    ],
)
def test_wrong_settings_are_sentences(settings: Embed, said: str) -> None:
    """With the embedder's name and the setting's."""
    with pytest.raises(EmbedderError, match=said):
        embedder(settings)


def test_open_clip_comes_through_the_same_door() -> None:
    """By its own name, or by the name of a model: the same vectors, in the same table."""
    by_name = Embed(model="open_clip", settings={"model": "partsight-small"})
    assert embedder(by_name).table == embedder(Embed()).table
    assert embedder(by_name).words


def test_an_embedder_of_others_needs_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    """The customer's file says which may be used; ours everybody may."""
    monkeypatch.setenv("PARTSIGHT_EMBEDDERS", "grey=tasks.embedders.hog:Hog")
    assert embedder(HOG, ()).name == "hog"
    assert embedder(Embed(model="grey"), ("grey",)).table != embedder(HOG).table
    with pytest.raises(EmbedderError, match=r"'grey' \(PARTSIGHT_EMBEDDERS\) is installed, but this customer may not"):
        embedder(Embed(model="grey"), ("red",))


LEAVING = '''
import sys

from pydantic import BaseModel


class Early(BaseModel):
    """Exits when it is called."""

    def __call__(self):
        sys.exit("no licence")


class Late(BaseModel):
    """Exits with the first pictures."""

    dimension: int = 3

    def __call__(self):
        return self

    def images(self, pictures):
        sys.exit("no licence")
'''


def test_one_that_exits_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs in the process of the flow: `sys.exit` in it is its failure, and ends nothing else."""
    (tmp_path / "leaving_embedders.py").write_text(LEAVING)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PARTSIGHT_EMBEDDERS", "early=leaving_embedders:Early,late=leaving_embedders:Late")
    with pytest.raises(EmbedderError, match="'early' cannot be made ready: SystemExit: no licence"):
        embedder(Embed(model="early"))
    with pytest.raises(EmbedderError, match="'late' failed on 1 images: SystemExit: no licence"):
        embedder(Embed(model="late")).images([subjects.ball().image])
