"""What is diffused is the view in the model's own size; what comes back leaves the part and its holes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tasks.diffusion import compose
from tasks.records import Bytes, View, generator

if TYPE_CHECKING:
    from tests.tasks.conftest import Shown


def pierced(shown: Shown) -> View:
    """A flat plate, opaque on green ground, with a hole of 5 pixels and one of 40."""
    y, x = np.mgrid[:128, :128]
    mask = (abs(y - 64) < 50) & (abs(x - 64) < 50)
    mask &= ((y - 30) ** 2 + (x - 30) ** 2 > 2.5**2) & ((y - 75) ** 2 + (x - 75) ** 2 > 20**2)
    image = np.where(mask[..., None], (150, 40, 40), (30, 160, 30)).astype(np.uint8)
    return shown().replace(mask=mask, image=image, alpha=np.ones((128, 128), np.float32))


@pytest.mark.parametrize("shape", [(128, 128), (100, 75), (33, 200)])
@pytest.mark.parametrize("size", [64, 512])
def test_any_size_goes_in_and_comes_back(shape: tuple[int, int], size: int) -> None:
    """The sides of the frame are what the model takes; a smooth picture comes back as it was, in its own size."""
    frame = compose.Frame.of(shape, size, 64)
    assert all(side % 64 == 0 for side in frame.padded)
    y, x = np.linspace(40, 200, shape[0])[:, None], np.linspace(0, 30, shape[1])[None]
    picture = np.repeat((y + x)[..., None], 3, axis=-1).astype(np.uint8)
    inside = frame.picture(picture)
    assert inside.shape == (*frame.padded, 3)
    back = frame.back(inside)
    assert back.shape == picture.shape
    assert np.abs(back.astype(int) - picture).max() <= 4
    assert frame.planes(picture[..., :2] / np.float32(255)).shape == (*frame.padded, 2)


def test_detail_that_a_small_frame_loses_is_given_back() -> None:
    """Of a picture that nothing was done to, all detail returns; a larger frame loses none."""
    noise = generator("noise").integers(0, 256, (96, 96, 3), dtype=np.uint8)
    small, large = (compose.Frame.of((96, 96), size, 8) for size in (32, 192))
    back = small.back(small.picture(noise))
    assert np.abs(back.astype(int) - noise).mean() > 20
    assert np.abs(small.detailed(back, noise, 1.0).astype(int) - noise).mean() < 6
    assert large.detailed(noise, noise, 1.0) is noise


def test_only_cells_that_the_part_fills_are_kept(shown: Shown) -> None:
    """Around the part and in its wide hole all is painted anew; its narrow hole is kept like itself."""
    view = pierced(shown)
    frame = compose.Frame.of((128, 128), 256, 64)
    repaint = compose.repainted(view, frame, cell=8)
    cells = repaint.reshape(32, 8, 32, 8)
    assert (cells.all(axis=(1, 3)) | ~cells.any(axis=(1, 3))).all()
    wide = np.asarray(view.mask.repeat(2, 0).repeat(2, 1))
    narrow = compose.narrow_holes(view.mask, 12).repeat(2, 0).repeat(2, 1)
    assert not repaint[60, 60]
    assert repaint[150, 150]
    assert repaint[~wide & ~narrow].all()
    assert repaint[wide].mean() < 0.3


def test_the_parts_own_pixels_come_back_exactly(shown: Shown) -> None:
    """Whatever the model made of them."""
    view = pierced(shown)
    painted: Bytes = generator("painted").integers(0, 256, view.image.shape, dtype=np.uint8)
    made = compose.put_back(view, painted, 4)
    assert (made[view.mask] == view.image[view.mask]).all()
    holes = compose.narrow_holes(view.mask, 12)
    outside = ~view.mask & ~holes
    assert (made[outside] == painted[outside]).all()


def test_narrow_holes_show_what_is_around_the_part(shown: Shown) -> None:
    """Through a small bore one sees the ground, not what the model grew there."""
    view = pierced(shown)
    holes = compose.narrow_holes(view.mask, 12)
    assert 10 < holes.sum() < 40
    assert holes[30, 30]
    assert not compose.narrow_holes(view.mask, 60)[0, 0]
    assert compose.narrow_holes(view.mask, 60)[75, 75]
    ground = np.full_like(view.image, (200, 180, 90))
    ground[view.mask] = (255, 0, 255)
    ground[holes] = (0, 0, 255)
    made = compose.put_back(view, ground, 4)
    assert np.abs(made[holes].astype(int) - (200, 180, 90)).max() <= 12


def test_a_contact_shadow_falls_on_the_new_ground(shown: Shown) -> None:
    """What the render's alpha darkens outside the part, it darkens on the painted place too."""
    view = shown()
    alpha = view.alpha.copy()
    alpha[116:124, 4:24] = 0.5
    made = compose.put_back(view.replace(alpha=alpha), np.full_like(view.image, 200), 4)
    assert (made[116:124, 4:24] == 100).all()
