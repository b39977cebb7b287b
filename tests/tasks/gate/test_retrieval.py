"""A picture must find its own part first, by as much as its clean view makes one expect."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.gate.retrieval import ROWS, Gallery, Retrieval

Vectors = NDArray[np.float32]
NAMES = ("A", "B", "C")


def _unit(vectors: object) -> Vectors:
    found = np.asarray(vectors, dtype=np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=-1, keepdims=True), dtype=np.float32)


@pytest.fixture
def views() -> Vectors:
    """Vectors of three parts: A and B look nearly the same, C does not."""
    rng = np.random.default_rng(3)
    first, other = _unit(rng.normal(size=(2, 64)))
    return _unit([first, first + 0.02 * _unit(rng.normal(size=64)), other])


def _towards(one: Vectors, other: Vectors, share: float) -> Vectors:
    return _unit(one + share * (other - one))


def test_a_picture_near_its_own_view_passes(views: Vectors) -> None:
    """Own, other and margin are there: the view itself is as far ahead as it can be."""
    (found,) = Retrieval()(views[2:], views[2:], ["C"], Gallery(views, NAMES, NAMES))
    assert found.reason == ""
    assert found.scores["own"] == pytest.approx(1, abs=1e-4)
    assert found.scores["margin"] == pytest.approx(1, abs=1e-3)


def test_a_picture_that_shows_another_part_is_refused_with_its_name(views: Vectors) -> None:
    """The reason says which part it looks like."""
    (found,) = Retrieval()(_towards(views[2:], views[:1], 0.9), views[2:], ["C"], Gallery(views, NAMES, NAMES))
    assert found.scores["margin"] < 0
    assert "more like A" in found.reason or "more like B" in found.reason
    assert "its own part C" in found.reason


def test_look_alikes_are_not_refused_by_chance(views: Vectors) -> None:
    """What a place does to a picture moves it further than A lies from B: which is nearer says nothing.

    The same pictures would be refused half of the time if chance were not allowed for.
    """
    rng = np.random.default_rng(5)
    pictures = _unit(views[0] + 0.6 * _unit(rng.normal(size=(200, 64))))
    gallery, sources = Gallery(views, NAMES, NAMES), np.repeat(views[:1], 200, axis=0)
    strict = Retrieval(doubt=0)(pictures, sources, ["A"] * 200, gallery)
    usual = Retrieval()(pictures, sources, ["A"] * 200, gallery)
    assert np.mean([bool(one.reason) for one in strict]) > 0.1
    assert np.mean([bool(one.reason) for one in usual]) < 0.02


def test_parts_of_one_geometry_are_one_part(views: Vectors) -> None:
    """A picture that finds the same shape under another number found its own part."""
    gallery = Gallery(views, NAMES, ["shape", "shape", "other"])
    (found,) = Retrieval(doubt=0)(views[1:2], views[:1], ["A"], gallery)
    assert found.reason == ""
    assert found.scores["own"] == pytest.approx(1, abs=1e-4)


def test_the_margin_asks_for_more_than_being_ahead(views: Vectors) -> None:
    """A picture a little nearer to its own part than to another one passes, unless more is asked for."""
    picture, gallery = _towards(views[2:], views[:1], 0.4), Gallery(views, NAMES, NAMES)
    assert Retrieval(doubt=0)(picture, views[2:], ["C"], gallery)[0].reason == ""
    assert Retrieval(doubt=0, margin=0.5)(picture, views[2:], ["C"], gallery)[0].reason


def test_unknown_and_lonely_parts_pass(views: Vectors) -> None:
    """Where the index has nothing to compare with there is nothing to say."""
    assert Retrieval()(views[:1], views[:1], ["Z"], Gallery(views, NAMES, NAMES)) == [({}, "")]
    (alone,) = Retrieval()(views[:1], views[:1], ["A"], Gallery(views[:1], ["A"], [""]))
    assert alone.reason == ""
    assert set(alone.scores) == {"own"}


def test_many_are_judged_as_one(views: Vectors) -> None:
    """A picture's finding does not depend on how many are asked at once."""
    pictures = np.concatenate([views] * 100)
    parts = list(NAMES) * 100
    assert len(parts) > ROWS
    gallery = Gallery(views, NAMES, NAMES)
    found = Retrieval()(pictures, pictures, parts, gallery)
    assert found[-3:] == Retrieval()(views, views, list(NAMES), gallery)
