"""The object of a picture is shown as the index shows its parts."""

from __future__ import annotations

import numpy as np

from tasks.augment import backdrop
from tasks.cutout.look import FILL, LOOKS, alone, laid, looks


def test_the_object_alone_fills_the_middle_of_the_backdrop() -> None:
    """Wherever it was and however large; what was about it is gone, and does not shine through at its rim."""
    picture = np.full((200, 320, 3), (0, 255, 0), np.uint8)
    cover = np.zeros((200, 320), np.float32)
    cover[150:190, 20:120] = 1
    picture[150:190, 20:120] = (200, 30, 30)
    found = laid(picture, cover, 100)
    assert found.shape == (100, 100, 3)
    red = found[..., 0].astype(int) - found[..., 1] > 100
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    assert abs(np.ptp(columns) + 1 - 100 * FILL) <= 2
    assert abs(np.ptp(rows) + 1 - 40 * FILL) <= 2
    assert abs(rows.mean() - 49.5) <= 1
    assert abs(columns.mean() - 49.5) <= 1
    assert (found[..., 1] <= 240).all()
    np.testing.assert_array_equal(found[:20], backdrop(100)[:20])


def test_a_soft_rim_stays_soft() -> None:
    """Half of a pixel is half of it, over the backdrop."""
    picture = np.zeros((50, 50, 3), np.uint8)
    cover = np.zeros((50, 50), np.float32)
    cover[10:40, 10:40] = 0.75
    middle = laid(picture, cover, 64)[32, 32]
    assert abs(int(middle[0]) - backdrop(64)[32, 32, 0] / 4) < 2


def test_without_an_object_it_is_the_whole_picture() -> None:
    """A mask of nothing, and a picture in which nothing stands out."""
    picture = np.full((40, 40, 3), 90, np.uint8)
    assert laid(picture, np.zeros((40, 40), np.float32), 32)[16, 16].tolist() == [90, 90, 90]
    assert alone(picture, 32).shape == (32, 32, 3)


def test_a_picture_is_looked_at_whole_and_alone() -> None:
    """The whole first, as it is; then the object, in the size that is asked for."""
    picture = np.full((90, 120, 3), 180, np.uint8)
    picture[50:70, 20:60] = (40, 60, 90)
    whole, object_alone = looks(picture, 96)
    assert LOOKS == 2
    assert whole.shape == (120, 120, 3)
    assert object_alone.shape == (96, 96, 3)
    dark = (object_alone.astype(int).sum(2) < 300).mean()
    assert dark > 3 * (whole.astype(int).sum(2) < 300).mean()
