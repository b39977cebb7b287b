"""Pictures that are learned from come with the exact cover of the part, each made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tasks.cutout.training import library
from tasks.generate import families, specimen
from tasks.photoreal import available

if TYPE_CHECKING:
    from pathlib import Path

MANY = (2, 2, 2)
PARTS = (("knob", 3, 0), ("angle bracket", 3, 0))


def test_held_out_families_and_later_designs_are_never_learned_from() -> None:
    """What is measured with is of other designs; the first parts stay the same with more of them."""
    few, many = library.planned(40, MANY, 1), library.planned(400, MANY, 1)
    assert many[:40] == few
    assert not {name for name, _, _ in many} & {name for name, family in families().items() if family.held_out}
    asked = library.planned(20, MANY, 1, first=library.UNSEEN)
    assert max(series for _, series, _ in many) < library.UNSEEN <= min(series for _, series, _ in asked)


def test_views_are_soft_at_the_outline(tmp_path: Path) -> None:
    """Rendered at twice the size: cover has steps in between."""
    assert library._render(tmp_path / "00000", PARTS[:1]) == ({}, library.VIEWS)
    views = np.load(tmp_path / "00000.npy")
    assert views.shape == (library.VIEWS, library.SIDE, library.SIDE, 8)
    assert {0, 255} < set(np.unique(views[..., 3])) <= {0, 64, 128, 191, 255}


@pytest.mark.skipif(not available(), reason="the path tracer is not installed")
def test_the_cover_of_a_traced_picture_is_where_the_part_is() -> None:
    """Alone on the bench: where the cover ends the picture changes, and another seed gives another picture."""
    made = specimen(*PARTS[0])
    found = [library.traced(made, (), seed) for seed in (1, 1, 2)]
    assert all(one is not None for one in found)
    (image, cover), same, (other, _) = (one for one in found if one is not None)
    assert np.array_equal(image, same[0])
    assert not np.array_equal(image, other)
    assert image.shape == (library.SIZE, library.SIZE, 3)
    assert 0.02 < (cover > 127).mean() < 0.8
    steps = np.abs(np.diff(image.astype(float).mean(2), axis=1))
    edge = np.abs(np.diff(cover.astype(float), axis=1)) > 100
    assert steps[edge].mean() > 2 * steps[~edge].mean()
