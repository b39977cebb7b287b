"""What hides a part hides no more than allowed, and the view says what is still seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest

from tasks.records import View, generator
from tasks.stages.occlude import Kind, Occlude

if TYPE_CHECKING:
    from tests.tasks.conftest import Shown


def applied(view: View, stage: Occlude, *seed: object) -> View:
    """The one view that the stage makes with that seed."""
    (made,) = stage(view.replace(rng=generator(*seed)))
    return made


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("most", [0.1, 0.3])
def test_hidden_share_is_bounded(shown: Shown, kind: Kind, most: float) -> None:
    """Whatever comes in front hides something over a few seeds and never more than the largest share."""
    view = shown()
    stage = Occlude(kinds=(kind,), chance=1, max_hidden=most)
    hidden = [1 - applied(view, stage, kind, k).mask.sum() / view.mask.sum() for k in range(12)]
    assert max(hidden) <= most + 1e-6
    assert max(hidden) > 0.03


def test_geometry_tells_what_is_still_seen(shown: Shown) -> None:
    """Where the part is covered, mask, depth and normals say so; elsewhere they are as they were."""
    view = shown("ball")
    made = applied(view, Occlude(kinds=("fingers",), chance=1), 3)
    gone = view.mask & ~made.mask
    assert gone.any()
    assert not (made.mask & ~view.mask).any()
    assert (made.depth[gone] == 0).all()
    assert (made.normals[gone] == 0).all()
    assert (made.depth[made.mask] == view.depth[made.mask]).all()


def test_cover_is_opaque_on_a_bare_render(shown: Shown) -> None:
    """Before any background the cover itself is opaque, so that no place shines through it."""
    view = shown("ball")
    made = applied(view, Occlude(kinds=("cloth",), chance=1), 4)
    gone = view.mask & ~made.mask
    assert made.alpha[gone].min() > 0.99
    assert (made.alpha >= view.alpha - 1e-5).all()
    assert made.alpha.max() <= 1 + 1e-5


def test_chance_is_respected(shown: Shown) -> None:
    """Chance zero never hides anything; a half hides it in about half of the pictures."""
    view = shown()
    assert all((applied(view, Occlude(chance=0), k).image == view.image).all() for k in range(4))
    touched = [(applied(view, Occlude(chance=0.5), k).image != view.image).any() for k in range(40)]
    assert 10 <= sum(touched) <= 30


def test_pixels_away_from_the_cover_are_untouched(shown: Shown) -> None:
    """The rest of the picture is as it was: the cover and its shadow are local."""
    view = shown()
    view = view.replace(image=np.full_like(view.image, 120), alpha=np.ones_like(view.alpha))
    made = applied(view, Occlude(kinds=("glove",), chance=1), 8)
    assert np.mean((made.image == 120).all(axis=-1)) > 0.3
