"""Whatever lies somewhere in a picture is found there, whole, and nothing of it is lost."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.cutout import MARGIN, cropped, square
from tasks.records import Bytes, generator

OBJECT = (40, 60, 90)


def picture(top: int, left: int, tall: int, wide: int, *, height: int = 200, width: int = 260) -> Bytes:
    """A block of one colour on noisy ground."""
    shown = generator("ground").normal(180, 4, (height, width, 3)).clip(0, 255).astype(np.uint8)
    shown[top : top + tall, left : left + wide] = OBJECT
    return shown


def test_what_is_not_square_is_padded_with_the_colour_of_its_rim() -> None:
    """And nothing of it is cut off; what is square stays what it is."""
    shown = np.full((20, 61, 3), 200, np.uint8)
    shown[5:15, 3:58] = 40
    padded = square(shown)
    assert padded.shape == (61, 61, 3)
    assert (padded == 40).sum() == (shown == 40).sum()
    assert (padded[0] == 200).all()
    assert square(padded) is padded


@pytest.mark.parametrize("place", [(20, 15, 30, 90), (120, 200, 50, 40), (0, 0, 60, 60), (60, 80, 80, 100)])
def test_the_object_fills_its_picture(place: tuple[int, int, int, int]) -> None:
    """Wherever it lies, also in a corner: all of it is there, as large as fits, and its silhouette says where."""
    shown = picture(*place)
    cut, mask = cropped(shown)
    side = max(place[2:])
    assert cut.shape[0] == cut.shape[1] == pytest.approx(side * (1 + 2 * MARGIN), abs=0.12 * side + 4)
    own = (cut == OBJECT).all(axis=2)
    assert own.sum() == place[2] * place[3]
    assert (own & mask).sum() / (own | mask).sum() > 0.8


def test_the_larger_of_two_things_is_the_object() -> None:
    """A speck beside it is not."""
    shown = picture(60, 60, 90, 80)
    shown[5:15, 240:250] = OBJECT
    assert ((cropped(shown)[0] == OBJECT).all(axis=2)).sum() == 90 * 80


def test_without_an_object_all_of_the_picture_is_looked_at() -> None:
    """One colour, and one speck of dust."""
    blank = np.full((50, 70, 3), 90, np.uint8)
    assert (cropped(blank)[0] == square(blank)).all()
    assert cropped(blank)[1].all()
    blank[20:22, 30:32] = 255
    assert cropped(blank)[0].shape == (70, 70, 3)
