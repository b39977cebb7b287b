"""A batch of variants is judged by what each would find, and among one another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from blocks.catalogue import Catalogue
from blocks.customer import Embed
from tasks import codec
from tasks.embed import embedder
from tasks.jury import Jury
from tasks.records import Part, View


@pytest.fixture
def filled(onboard: Callable[..., dict[str, Any]], catalogue: Catalogue) -> Catalogue:
    """A catalogue of two washers and a block."""
    onboard()
    return catalogue


@pytest.fixture
def jury(filled: Catalogue) -> Jury:
    """The one for that catalogue."""
    return Jury(filled, embedder(Embed()))


@pytest.fixture
def photograph(filled: Catalogue) -> Callable[..., View]:
    """A maker of pictures without CAD: the view number `place` of the part `shows`, said to be of `part`."""

    def made(part: str, shows: str, place: int = 0) -> View:
        rows = filled.rows("images", ("part", "kind", "place", "image"))
        (row,) = [r for r in rows if (r["part"], r["kind"], r["place"]) == (shows, "view", place)]
        return codec.flat_view(codec.decode(row["image"]), Part(number=part))

    return made


def _reasons(jury: Jury, variants: list[View], view: View) -> list[str]:
    (judged,) = jury.judge([variants], [view])
    return [one.verdict.reason for one in judged]


def test_a_picture_must_find_its_own_part(jury: Jury, photograph: Callable[..., View]) -> None:
    """One that shows the block is refused as a picture of a washer, and named as what it looks like."""
    own, other = photograph("washer-3", "washer-3"), photograph("washer-3", "block")
    right, wrong = _reasons(jury, [own, other], own)
    assert right == ""
    assert "block" in wrong


def test_the_same_picture_counts_once_in_all_batches(jury: Jury, photograph: Callable[..., View]) -> None:
    """A repetition is refused in its batch and in a later one; a rejected picture stands in nobody's way."""
    own, other = photograph("block", "block"), photograph("block", "block", 2)
    assert [bool(reason) for reason in _reasons(jury, [own, own], own)] == [False, True]
    assert [bool(reason) for reason in _reasons(jury, [other, own], own)] == [False, True]
    burnt = own.replace(image=np.full_like(own.image, 255))
    assert all("Nearly the same" not in reason for reason in _reasons(jury, [burnt, burnt], own))
