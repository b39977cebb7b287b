"""The gate lets usable pictures pass and says in words why another does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tasks.augment import chain, flatten
from tasks.gate import verdict

if TYPE_CHECKING:
    from tests.tasks.conftest import Shown


def test_untouched_render_passes(shown: Shown) -> None:
    """The render itself, on the backdrop, is accepted with a perfect silhouette."""
    view = shown()
    found = verdict(flatten(view), view)
    assert (found.accepted, found.reason) == (True, "")
    assert found.scores["iou"] == found.scores["seen"] == 1
    assert all(isinstance(score, float) for score in found.scores.values())


def test_ordinary_variants_pass(shown: Shown) -> None:
    """Of variants by the default stages, occlusion included, nearly all are accepted."""
    made = chain(["wear", "background", "occlude", "camera"])
    views = [shown(shape, grey=grey) for shape in ("ball", "block") for grey in (0.08, 0.5, 0.9)]
    found = [verdict(variant, view) for view in views for variant in made.variants(view, "gate", 6)]
    assert np.mean([one.accepted for one in found]) > 0.9


@pytest.mark.parametrize(("grey", "word"), [(255, "over-exposed"), (0, "too dark")])
def test_lost_exposure_is_refused(shown: Shown, grey: int, word: str) -> None:
    """A part that is plain white or plain black is refused in those words."""
    view = flatten(shown())
    image = view.image.copy()
    image[view.mask] = grey
    found = verdict(view.replace(image=image), view)
    assert not found.accepted
    assert word in found.reason


def test_blank_picture_is_refused(shown: Shown) -> None:
    """One grey all over shows no part."""
    view = flatten(shown())
    found = verdict(view.replace(image=np.full_like(view.image, 128)), view)
    assert "blank" in found.reason


def test_part_like_its_surroundings_passes_by_its_own_relief(shown: Shown) -> None:
    """A grey part on the same grey is still seen by its own shading."""
    view = flatten(shown())
    image = view.image.copy()
    image[~view.mask] = int(view.image[view.mask].mean())
    assert verdict(view.replace(image=image), view).accepted


def test_hidden_part_is_refused(shown: Shown) -> None:
    """When most of the part is covered the reason says how much."""
    view = flatten(shown())
    mask = view.mask.copy()
    mask[:, :72] = False
    found = verdict(view.replace(mask=mask), view)
    assert "hidden" in found.reason
    assert f"{1 - mask.sum() / view.mask.sum():.0%}" in found.reason


def test_moved_outline_is_refused(shown: Shown) -> None:
    """A silhouette that is not where the CAD says is another part or another pose."""
    view = flatten(shown())
    found = verdict(view.replace(mask=np.roll(view.mask, 6, axis=1)), view)
    assert "outline moved" in found.reason
    assert found.scores["iou"] < 0.95


def test_empty_mask_is_refused(shown: Shown) -> None:
    """A variant that shows nothing of the part is refused, not an error."""
    view = flatten(shown())
    assert not verdict(view.replace(mask=np.zeros_like(view.mask)), view).accepted
