"""Two scores make one that keeps its order and its range, whatever is not known."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.records import generator
from tasks.templates import fusion


def test_scores_rise_with_either_of_the_two_and_stay_at_most_one() -> None:
    """And a perfect picture of the part scores 1."""
    cosines, shapes = np.array([0.9, 0.9, 0.8, 1.0], np.float32), np.array([0.5, 0.7, 0.7, 1.0], np.float32)
    found = fusion.fused(cosines, shapes, np.ones(4, bool))
    assert found[0] < found[1]
    assert found[2] < found[1]
    assert found[3] == 1
    assert ((found >= 0) & (found <= 1)).all()


def test_who_does_not_lead_stays_behind_in_the_same_order() -> None:
    """However well the shapes of the leading ones fit, or badly."""
    for number in range(20):
        rng = generator("fusion", number)
        cosines = np.sort(rng.uniform(0.2, 0.9, 150).astype(np.float32))[::-1]
        first = fusion.leading(cosines)
        assert first.sum() == fusion.LEADING
        shapes = np.where(first, rng.uniform(0.1, 0.9, 150), np.nan).astype(np.float32)
        found = fusion.fused(cosines, shapes, first)
        assert found[first].min() >= found[~first].max()
        assert (np.diff(found[~first]) <= 0).all()


def test_without_cad_a_part_is_neither_better_nor_worse_for_it() -> None:
    """It counts like the mean of the shapes beside it; where no shape is known the cosine is the score."""
    cosines = np.array([0.8, 0.8, 0.8], np.float32)
    found = fusion.fused(cosines, np.array([0.2, np.nan, 0.6], np.float32), np.ones(3, bool))
    assert found[1] == pytest.approx((found[0] + found[2]) / 2)
    assert fusion.fused(cosines, np.full(3, np.nan, np.float32), np.ones(3, bool)) is cosines


def test_what_has_no_picture_is_never_found() -> None:
    """It leads nowhere, and its score stays what it is."""
    cosines = np.array([0.5, -np.inf, 0.4], np.float32)
    first = fusion.leading(cosines)
    assert first.tolist() == [True, False, True]
    assert fusion.fused(cosines, np.array([0.3, 0.9, 0.5], np.float32), first)[1] == -np.inf
