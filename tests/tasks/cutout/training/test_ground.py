"""Places with lines on them come beside those without, and are always the same."""

from __future__ import annotations

import numpy as np

from tasks.cutout.training.ground import lined


def test_half_of_the_places_come_again_with_lines() -> None:
    """Plain ones keep their look; what is drawn on the others runs from edge to edge."""
    plain = np.full((8, 64, 64, 3), 120, np.uint8)
    both = lined(plain)
    assert both.shape == (12, 64, 64, 3)
    assert (both[:8] == 120).all()
    assert np.array_equal(both, lined(plain))
    for scene in both[8:]:
        changed = np.abs(scene.astype(int) - 120).max(2) > 2
        assert 0.005 < changed.mean() <= 1
        rim = np.concatenate([changed[0], changed[-1], changed[:, 0], changed[:, -1]])
        assert rim.any()
