"""Nothing of the part's own stuff may be seen where its CAD has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tasks.augment import flatten
from tasks.gate.matter import Matter

if TYPE_CHECKING:
    from tasks.records import View
    from tests.tasks.conftest import Shown


@pytest.fixture
def drilled(shown: Shown) -> View:
    """A block with a through-hole in the middle, through which the backdrop is seen."""
    view = shown(size=256)
    rows, columns = np.nonzero(view.mask)
    down, right = np.mgrid[:256, :256]
    hole = np.hypot(down - rows.mean(), right - columns.mean()) < 16
    return view.replace(
        alpha=np.where(hole, np.float32(0), view.alpha),
        mask=view.mask & ~hole,
        depth=np.where(hole, np.float32(0), view.depth),
        normals=np.where(hole[..., None], np.float32(0), view.normals),
    )


def _with(view: View, colour: int, *corners: int) -> View:
    """The view with a grey rectangle in it."""
    flat = flatten(view)
    picture = Image.fromarray(flat.image)
    ImageDraw.Draw(picture).rectangle(corners, fill=(colour,) * 3)
    return flat.replace(image=np.asarray(picture))


def test_the_render_has_nothing_to_hide(drilled: View) -> None:
    """Nothing has grown, and the hole is open."""
    found = Matter()(flatten(drilled), drilled)
    assert found.reason == ""
    assert found.scores["holes"] == 1
    assert found.scores["closed"] < 0
    assert found.scores["grown"] < 0


def test_a_filled_hole_is_found(drilled: View, shown: Shown) -> None:
    """The block without its hole is another part."""
    whole = flatten(shown(size=256)).image
    found = Matter()(flatten(drilled).replace(image=whole), drilled)
    assert "through-hole is closed" in found.reason
    assert found.scores["holes"] == 0


def test_a_flange_is_found(shown: Shown) -> None:
    """A piece of the part's own colour stands out of it, and no shadow has that colour."""
    view = shown(size=256, grey=0.08)
    row = int(np.nonzero(view.mask)[0].mean())
    right = int(np.flatnonzero(view.mask[row])[-1])
    colour = int(view.image[row, right - 5].mean())
    found = Matter()(_with(view, colour, right - 3, row - 12, right + 24, row + 12), view)
    assert "grown onto the part" in found.reason


def test_another_thing_beside_it_is_no_flange(shown: Shown) -> None:
    """What lies apart from the part, or has another colour, belongs to the place."""
    view = shown(size=256, grey=0.08)
    row = int(np.nonzero(view.mask)[0].mean())
    right = int(np.flatnonzero(view.mask[row])[-1])
    colour = int(view.image[row, right - 5].mean())
    assert Matter()(_with(view, colour, 6, 6, 36, 30), view).reason == ""
    assert Matter()(_with(view, 180, right + 1, row - 12, right + 24, row + 12), view).reason == ""
