"""Pictures developed from buffers: what must show, what may change."""

from __future__ import annotations

import numpy as np
import torch

from tasks.training.darkroom import Darkroom
from tasks.training.matcaps import SIDE, matcaps


def buffers(count: int = 6, size: int = 112) -> torch.Tensor:
    """Views of a square plate with a hole that faces the camera."""
    y, x = np.mgrid[:size, :size] - size / 2 + 0.5
    on = (np.abs(x) < 40) & (np.abs(y) < 40) & (np.hypot(x, y) > 12)
    view = np.zeros((size, size, 8), np.uint8)
    view[..., :3] = np.where(on[..., None], 60, 235)
    view[..., 3] = on * 255
    view[..., 4:6], view[..., 6], view[..., 7] = 128, np.where(on, 255, 128), on * 100
    return torch.from_numpy(np.repeat(view[None], count, 0))


def darkroom(seed: int, size: int = 64) -> Darkroom:
    """A darkroom with places of grey noise."""
    scenes = torch.randint(0, 255, (5, 80, 80, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    room = Darkroom(scenes)
    room.begin(seed, size)
    return room


def test_pictures_depend_on_the_seed_alone() -> None:
    """The same seed develops the same pictures; another one others."""
    one, same, other = (darkroom(seed).photographed(buffers(), 0.8) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.allclose(one, other)


def test_pictures_are_of_the_size_that_was_asked_for_and_within_range() -> None:
    """Every strength gives (n, 3, size, size) between 0 and 1 without a hole in the numbers."""
    for strength in (0.0, 0.4, 1.0):
        pictures = darkroom(3, 48).photographed(buffers(70), strength)
        assert pictures.shape == (70, 3, 48, 48)
        assert torch.isfinite(pictures).all()
        assert pictures.min() >= 0 <= pictures.max() <= 1


def test_the_part_stays_where_the_index_has_it() -> None:
    """An index picture keeps the plate dark, its hole and its surroundings bright."""
    pictures = darkroom(4).indexed(buffers()).mean(1)
    assert (pictures[:, 32, 32] > 0.8).all()  # the hole
    assert (pictures[:, 32, 16] < 0.4).all()
    assert (pictures[:, 2, 2] > 0.8).all()


def test_harder_pictures_are_less_alike() -> None:
    """With strength the pictures of one view differ more from each other."""
    spread = [darkroom(5).photographed(buffers(64), strength).std(0).mean() for strength in (0.0, 1.0)]
    small = [
        (darkroom(6).photographed(buffers(64), strength)[:, :, 26:38, 26:38].std((2, 3)) > 0.02).float().mean()
        for strength in (0.0, 1.0)
    ]
    assert spread[1] > 0.8 * spread[0]
    assert small[1] > small[0]


def test_spheres_are_lit_from_somewhere_and_have_colours() -> None:
    """A lit sphere is neither flat nor burnt out, and metals reflect more sharply than plastic."""
    spheres = matcaps(64, torch.Generator().manual_seed(1))
    assert spheres.shape == (64, 3, SIDE, SIDE)
    inside = spheres[:, :, 8:24, 8:24]
    assert (inside.std((2, 3)).mean(1) > 0.01).float().mean() > 0.9
    assert 0.1 < float(inside.mean()) < 0.85
    assert float((inside.amax(1) - inside.amin(1)).mean()) > 0.02


def test_what_is_composed_says_where_the_part_is_seen() -> None:
    """Its cover is the silhouette, without the hole and without what another part hides."""
    pictures, cover = darkroom(7).composed(buffers(64), 0.0)
    assert cover.shape == (64, 1, 64, 64)
    assert cover.min() >= 0
    assert cover.max() < 1.001
    apart = [
        float((picture[one > 0.99].mean() - picture[one < 0.01].mean()).abs())
        for picture, one in zip(pictures.mean(1), cover[:, 0], strict=True)
    ]
    assert np.mean(apart) > 0.15
    assert cover[0, 0][24:40, 24:40].min() < 0.5  # the hole
    clear, hidden = (cover.mean(), darkroom(7).composed(buffers(64), 1.0)[1].mean())
    assert hidden < clear
