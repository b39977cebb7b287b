"""The camera's faults: each is there when asked for, bounded, and gone at strength zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.records import Bytes, View, generator
from tasks.stages.camera import CameraEffects

if TYPE_CHECKING:
    from tests.tasks.conftest import Shown

QUIET = {"blur": 0, "shake": 0, "exposure": 0, "white_balance": 0, "vignette": 0, "noise": 0, "quality": 96}


def applied(view: View, *seed: object, **settings: float) -> View:
    """The one view that a camera with one fault makes; all other faults are off."""
    (made,) = CameraEffects(**{**QUIET, **settings})(view.replace(rng=generator(*seed)))
    return made


def card(size: int = 128, grey: int = 128) -> Bytes:
    """A plain grey card."""
    return np.full((size, size, 3), grey, dtype=np.uint8)


def test_strength_zero_changes_nothing(shown: Shown) -> None:
    """A camera of strength zero hands the picture through."""
    view = shown()
    (made,) = CameraEffects(strength=0)(view)
    assert (made.image == view.image).all()


def test_quiet_camera_keeps_the_picture(shown: Shown) -> None:
    """With every fault off only the finest JPEG remains: no pixel of a smooth picture strays far."""
    view = shown().replace(image=card())
    assert np.abs(applied(view, 1).image.astype(int) - 128).max() <= 2


def test_noise_grows_with_light_as_photons_do(shown: Shown) -> None:
    """In linear light the noise of a bright card is larger than that of a dark one."""
    deviations = []
    for grey in (40, 200):
        made = applied(shown().replace(image=card(grey=grey)), "noise", noise=1)
        linear = ((made.image / 255 + 0.055) / 1.055) ** 2.4
        deviations.append(float(linear.std()))
    assert deviations[1] > 1.5 * deviations[0] > 0


def test_exposure_moves_all_pixels_together(shown: Shown) -> None:
    """Exposure makes pictures brighter and darker, within bounds, without turning grey into a colour."""
    view = shown().replace(image=card())
    means = [applied(view, k, exposure=0.6).image.reshape(-1, 3).mean(axis=0) for k in range(12)]
    levels = [float(mean.mean()) for mean in means]
    assert min(levels) < 115
    assert max(levels) > 140
    assert max(float(np.ptp(mean)) for mean in means) < 2


def test_white_balance_colours_grey(shown: Shown) -> None:
    """White balance pulls red and blue of a grey card apart."""
    view = shown().replace(image=card())
    casts = [applied(view, k, white_balance=0.1).image.reshape(-1, 3).mean(axis=0) for k in range(8)]
    assert max(float(np.ptp(cast)) for cast in casts) > 8


def test_vignette_darkens_corners_alone(shown: Shown) -> None:
    """The corners lose light, the middle keeps it."""
    view = shown().replace(image=card())
    made = applied(view, "corner", vignette=1).image.mean(axis=-1)
    assert made[60:68, 60:68].mean() > 125
    assert made[:4, :4].mean() < made[60:68, 60:68].mean() - 5


def test_blur_follows_depth(shown: Shown) -> None:
    """Off focus, fine structure is lost in places, and not everywhere alike."""
    view = shown("block", elevation=25)
    stripes = card()
    stripes[:, ::2] = 60
    view = view.replace(image=stripes)
    made = applied(view, 3, blur=0.05).image.mean(axis=-1)
    relief = np.abs(np.diff(made, axis=1))
    inside = relief[view.mask[:, 1:]]
    assert relief[~view.mask[:, 1:]].mean() < 20
    assert np.quantile(inside, 0.95) > 2.5 * np.quantile(inside, 0.05)


def test_jpeg_leaves_its_blocks(shown: Shown) -> None:
    """A low quality is seen as steps between blocks of eight pixels."""
    view = shown("ball")
    noisy = generator("grain").integers(90, 166, (128, 128, 3), dtype=np.uint8)
    made = applied(view.replace(image=noisy), 4, quality=10, strength=1).image.astype(float).mean(axis=-1)
    steps = np.abs(np.diff(made, axis=1)).mean(axis=0)
    assert steps[7::8].mean() > 1.05 * steps[3::8].mean()


def test_geometry_is_kept(shown: Shown) -> None:
    """The camera changes the picture and nothing that is known about it."""
    view = shown()
    (made,) = CameraEffects()(view)
    assert made.mask is view.mask
    assert made.depth is view.depth
    assert made.alpha is view.alpha
    assert made.image.shape == view.image.shape
