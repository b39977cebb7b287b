"""The part's edges must lie where its CAD has them, whatever the place around it looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tasks.augment import chain, flatten
from tasks.gate.outline import Outline

if TYPE_CHECKING:
    from tasks.records import View
    from tests.tasks.conftest import Shown


def _moved(view: View, down: int, right: int) -> View:
    arrays = ("image", "alpha", "mask", "depth", "normals")
    return view.replace(**{name: np.roll(getattr(view, name), (down, right), (0, 1)) for name in arrays})


def _claimed(picture: View, view: View) -> View:
    """The picture, handed on by a stage that did not notice."""
    return picture.replace(mask=view.mask, depth=view.depth, normals=view.normals)


def test_the_render_agrees_with_its_cad(shown: Shown) -> None:
    """Nothing moved, nothing missing, and creases exactly as in the render."""
    view = shown(size=256)
    found = Outline()(flatten(view), view)
    assert found.reason == ""
    assert (found.scores["shift"], found.scores["gap"]) == (0, 0)
    assert found.scores["crease"] >= 1
    assert found.scores["edge"] > 2


def test_usual_variants_agree(shown: Shown) -> None:
    """Wear, place and camera leave the edges where they are."""
    view = shown(size=256)
    made = list(chain(["wear", "background", "camera"]).variants(view, "outline", 8))
    assert sum(bool(Outline()(variant, view).reason) for variant in made) <= 1


@pytest.mark.parametrize(("down", "right"), [(0, 5), (-4, 3), (8, 0)])
def test_a_moved_part_is_found_in_any_place(shown: Shown, down: int, right: int) -> None:
    """The mask is right and the pixels are not: the reason says by how much."""
    view = shown(size=256)
    for variant in chain(["wear", "background", "camera"]).variants(_moved(view, down, right), "moved", 3):
        found = Outline()(_claimed(variant, view), view)
        assert "outline moved" in found.reason
        assert found.scores["shift"] == pytest.approx(np.hypot(down, right), abs=1.5)


def test_another_part_in_its_place_is_found(shown: Shown) -> None:
    """A ball is no block, though the stage says so."""
    view = shown("block", size=256)
    for variant in chain(["background"]).variants(shown("ball", size=256), "other", 3):
        assert Outline()(_claimed(variant, view), view).reason


def test_what_is_hidden_on_purpose_is_not_judged(shown: Shown) -> None:
    """A stage that covers a quarter of the part says so in its mask."""
    view = flatten(shown(size=256))
    rows = np.flatnonzero(view.mask.any(axis=1))
    top = rows[: len(rows) // 4]
    image, mask = view.image.copy(), view.mask.copy()
    image[top] = (40, 60, 160)
    mask[top] = False
    assert Outline()(view.replace(image=image, mask=mask), view).reason == ""
    assert Outline()(view.replace(image=image), view).reason


def test_a_stretch_without_its_edge_is_named(shown: Shown) -> None:
    """The part's own colour goes on over a piece of its outline, where no shadow could have that colour."""
    view = flatten(shown(size=256, grey=0.08))
    image = view.image.copy()
    column = int(np.flatnonzero(view.mask[128])[-1])
    inner = image[128, column - 4].copy()
    patch = np.zeros((256, 256))
    patch[118:138, column - 6 : column + 9] = 1
    image = np.where(gaussian_filter(patch, 0.5)[..., None] > 0.5, inner, image)
    found = Outline()(view.replace(image=image), view)
    assert found.scores["gap"] >= 10
    assert "outline is broken" in found.reason


def test_larger_pictures_are_judged_alike(shown: Shown) -> None:
    """Pixels are those of 256, however large the picture is."""
    view = shown(size=512)
    found = Outline()(_claimed(flatten(_moved(view, 0, 12)), view), view)
    assert found.scores["shift"] == pytest.approx(6, abs=1)
