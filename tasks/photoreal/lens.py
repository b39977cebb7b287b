"""The phone: where it is held, and what its sensor and its software make of the light."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from tasks.photoreal.solid import Array, Eye
from tasks.records import Bytes
from tasks.rig import about, fitted


def held(points: Array, rng: np.random.Generator, fill: float) -> Eye:
    """Camera that looks down at `points` (n, 3), which take `fill` of its frame, not quite in the middle."""
    azimuth, elevation = float(rng.uniform(0, 360)), float(rng.triangular(20, 45, 85))
    roll, field = float(rng.normal(0, 7)), float(rng.uniform(26, 52))
    eye = aimed(points, (azimuth, elevation, roll), field, fill)
    room = 0.8 * (1 - fill)
    ahead = float(eye.seen(points)[1].mean())
    return eye.panned(float(rng.uniform(-room, room)), float(rng.uniform(-room, room)), ahead)


def aimed(points: Array, angles: tuple[float, float, float], field: float, fill: float) -> Eye:
    """Camera with `points` (n, 3) in the middle of its frame, of which they take `fill`.

    `angles` are its azimuth, elevation and roll, `field` its field of view, in degrees.
    """
    azimuth, elevation, roll = np.radians(angles)
    back = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    right = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    axes = np.stack([right, np.cross(back, right), back]) @ about(back, float(roll)).T
    slope = float(np.tan(np.radians(field) / 2))
    x, y, z = (points @ axes.T).T
    return Eye(np.array(fitted(x, y, z, fill * slope)) @ axes, axes, slope)


def developed(light: NDArray[np.float32], white: Array, rng: np.random.Generator) -> Bytes:
    """Picture (h, w, 3) uint8 of linear `light` (h, w, 3) whose lamps are `white` (3,)."""
    from PIL import Image
    from scipy.ndimage import gaussian_filter

    picture = np.maximum(light.astype(np.float64), 0)
    ceiling = 6 * np.quantile(picture, 0.98)
    picture = np.minimum(picture, ceiling)
    glow = gaussian_filter(picture, (6, 6, 0))
    picture = 0.96 * picture + 0.04 * glow
    softness = 0.45 + float(rng.gamma(2, 0.15))
    picture = gaussian_filter(picture, (softness, softness, 0))
    balance = white ** rng.uniform(0.5, 1.0) * rng.uniform(0.96, 1.04, 3)
    picture /= balance / balance.mean()
    brightness = picture @ np.array([0.2, 0.7, 0.1])
    key = 0.35 * np.exp(np.log(brightness + 1e-4).mean()) + 0.65 * brightness.mean()
    exposure = rng.uniform(0.24, 0.42) / max(key, 1e-6)
    picture *= min(exposure, rng.uniform(1.0, 1.8) / max(float(np.quantile(brightness, 0.97)), 1e-6))
    picture *= vignette(picture.shape[0], float(rng.uniform(0, 0.35)))[..., None]
    picture = noisy(picture, float(rng.uniform(0.002, 0.016)), rng)
    encoded = curve(picture, float(rng.uniform(0.6, 1.3)))
    sharp = encoded + rng.uniform(0, 0.7) * (encoded - gaussian_filter(encoded, (1.0, 1.0, 0)))
    image = Image.fromarray(np.uint8(np.clip(sharp, 0, 1) * 255 + 0.5))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(rng.integers(68, 95)))
    return np.array(Image.open(buffer), dtype=np.uint8)


def vignette(size: int, strength: float) -> Array:
    """How much light reaches each pixel (size, size)."""
    steps = np.linspace(-1, 1, size)
    return np.asarray(1 - strength * (steps[:, None] ** 2 + steps[None] ** 2) / 2)


def noisy(picture: Array, level: float, rng: np.random.Generator) -> Array:
    """Linear `picture` (h, w, 3) with photons' and the amplifier's noise, smeared a little as phones do."""
    from scipy.ndimage import gaussian_filter

    grain = rng.normal(0, 1, picture.shape)
    grain = 0.6 * grain + 1.6 * gaussian_filter(grain, (0.8, 0.8, 0))
    return np.asarray(picture + grain * level * np.sqrt(np.maximum(picture, 0) + 0.02))


def curve(picture: Array, contrast: float) -> Array:
    """Tone curve of a phone: shoulder for the lights, a little more contrast, sRGB; 0 to 1."""
    bright = np.maximum(picture, 0)
    rolled = bright * (1 + bright / 2.6**2) / (1 + 0.55 * bright)
    coded = np.clip(rolled, 0, 1) ** (1 / 2.2)
    bent = coded + 0.12 * contrast * np.sin(2 * np.pi * (coded - 0.5)) / np.pi
    return np.asarray(np.clip(bent, 0, 1))
