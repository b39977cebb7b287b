"""Which pixels have the part's colours is counted in the picture itself."""

from __future__ import annotations

import numpy as np

from tasks.gate.colours import likely
from tasks.records import Bytes

MASK = np.zeros((64, 64), bool)
MASK[20:44, 20:44] = True
NOTHING = np.zeros_like(MASK)


def _picture(part: tuple[int, int, int], around: tuple[int, int, int]) -> Bytes:
    """A square of one colour on another, with a little noise."""
    plain = np.where(MASK[..., None], part, around).astype(np.float64)
    return np.asarray((plain + np.random.default_rng(1).normal(0, 2, plain.shape)).clip(0, 255), dtype=np.uint8)


def test_the_part_stands_out_and_so_does_what_has_its_colour() -> None:
    """A second square of that colour, outside the silhouette, is as likely as the part itself."""
    picture = _picture((60, 60, 70), (180, 120, 60))
    picture[4:14, 4:14] = (60, 60, 70)
    found = likely(picture, MASK, NOTHING)
    assert found.shape == (32, 32)
    assert found[14:18, 14:18].min() > 200
    assert found[4:6, 4:6].min() > 200
    assert found[26:, 26:].max() < 60


def test_a_shadow_of_the_place_is_not_the_part() -> None:
    """The surroundings at three fifths of their light were not seen, and are not taken for the part."""
    picture = _picture((60, 60, 70), (200, 160, 120))
    picture[50:60, 20:40] = (120, 96, 72)
    found = likely(picture, MASK, NOTHING)
    assert found[27:29, 12:18].max() < 128 < found[14:18, 14:18].min()


def test_what_hides_the_part_has_not_its_colour() -> None:
    """A finger before the part is counted neither on it nor around it."""
    picture = _picture((60, 60, 70), (180, 180, 180))
    hidden = NOTHING.copy()
    hidden[20:44, 20:30] = True
    picture[hidden] = (220, 150, 130)
    picture[4:14, 4:14] = (220, 150, 130)
    assert likely(picture, MASK, hidden)[4:6, 4:6].max() < 128


def test_without_a_part_nothing_is_said() -> None:
    """Neither yes nor no."""
    assert (likely(_picture((0, 0, 0), (9, 9, 9)), NOTHING, NOTHING) == 128).all()
