"""What is stored is what is embedded: pictures survive their files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tasks import codec
from tasks.augment import backdrop, flatten

if TYPE_CHECKING:
    from tests.tasks.conftest import Shown


def test_a_view_comes_back_as_it_was(shown: Shown) -> None:
    """Colour and silhouette exactly, depth to a 65,000th of its range, normals to a degree."""
    view = shown("ball")
    stored = codec.encode_view(view)
    assert np.array_equal(codec.decode(stored["image"]), flatten(view).image)
    assert np.array_equal(codec.decode_mask(stored["mask"]), view.mask)
    near, far = codec.depth_range(view)
    depth = codec.decode_depth(stored["depth"], near, far)
    assert np.allclose(depth, view.depth, atol=(far - near) / 60_000)
    assert np.array_equal(depth > 0, view.mask)
    normals = codec.decode(stored["normals"]).astype(np.float32) / 127 - 128 / 127
    cosine = (normals * view.normals).sum(-1)[view.mask] / np.linalg.norm(normals, axis=-1)[view.mask]
    assert np.degrees(np.arccos(cosine.clip(-1, 1))).max() < 1


def test_pixels_that_cannot_be_seen_are_kept(shown: Shown) -> None:
    """Colours under transparent pixels survive: a stage may composite the view anew."""
    view = shown("block")
    odd = view.image.copy()
    odd[~view.mask] = (10, 200, 30)
    stored = codec.encode_view(view.replace(image=odd))

    with Image.open(io.BytesIO(stored["image"])) as opened:
        assert np.array_equal(np.asarray(opened)[..., :3], odd)


def test_an_empty_picture_is_no_error(shown: Shown) -> None:
    """A view on which nothing is seen is stored too; the gate will say what it is."""
    view = shown("ball")
    nothing = view.replace(mask=np.zeros_like(view.mask), depth=np.zeros_like(view.depth))
    stored = codec.encode_view(nothing)
    assert codec.depth_range(nothing) == (0.0, 0.0)
    assert not codec.decode_depth(stored["depth"], 0.0, 0.0).any()


def test_a_photograph_is_nearly_itself() -> None:
    """JPEG at the quality that is used keeps a smooth picture within two grey levels."""
    scene = backdrop(64)
    again = codec.decode(codec.encode_photograph(scene))
    assert np.abs(again.astype(int) - scene).max() <= 2
