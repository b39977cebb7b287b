"""What a place does to the part in it: the light that both share, the colour it throws back, the shadow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from tasks.stages.props.noise import Bytes, Floats, enlarged

if TYPE_CHECKING:
    from tasks.records import View

COARSE = 64


def shadow(view: View, sun: tuple[float, float]) -> Floats:
    """How much of the light the part keeps from the ground, (h, w) float32 0 to 1.

    Its silhouette, moved away from the light and softened: near and dark for a broad lamp, long and
    pale for a low one.
    """
    rng = view.rng
    height, width = view.mask.shape
    reach = rng.uniform(0.02, 0.11) * COARSE
    small = Image.fromarray(view.mask).convert("L").resize((COARSE, COARSE), Image.Resampling.BOX)
    near = small.transform(
        (COARSE, COARSE),
        Image.Transform.AFFINE,
        (1, 0, -sun[0] * reach, 0, 1, -sun[1] * reach),
        Image.Resampling.BILINEAR,
    )
    soft = near.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.8, 1.6) + 0.35 * reach)))
    ambient = small.filter(ImageFilter.GaussianBlur(COARSE * 0.035))
    share = float(rng.uniform(0.35, 0.9))
    both = np.asarray(Image.blend(ambient, soft, share), dtype=np.float32) * np.float32(1 / 255)
    return enlarged(both, (height, width)).clip(0, 1)


def outline(view: View) -> Floats:
    """The view's alpha without its contact shadow, (h, w) float32: the part and its softened rim alone."""
    near = view.mask.copy()
    near[1:] |= view.mask[:-1]
    near[:-1] |= view.mask[1:]
    near[:, 1:] |= view.mask[:, :-1]
    near[:, :-1] |= view.mask[:, 1:]
    return view.alpha * near


def matched(view: View, scene: Floats, sun: tuple[float, float], strength: float) -> Floats:
    """The part's colours in the light of the scene, both (3, h, w) float32 0 to 255; shadow pixels stay black.

    The ground throws its colour on what faces down; the side towards the lamp is a little brighter;
    the whole takes some of the scene's tint.
    """
    rng = view.rng
    tint = scene[:, ::8, ::8].mean(axis=(1, 2))
    part = planes(view.image)
    right, up, near = planes(view.normals)
    lamp = strength * rng.uniform(0.05, 0.3)
    facing = 1 + right * np.float32(-sun[0] * lamp) + up * np.float32(sun[1] * lamp)
    down = np.clip(np.float32(0.1) - np.float32(0.75) * up - np.float32(0.25) * near, 0, 1)
    down *= view.mask
    throw = 0.35 * strength * rng.uniform(0.1, 0.35)
    whole = 1 + strength * 0.18 * (tint / max(float(tint.mean()), 1.0) - 1)
    part *= facing
    part *= whole.astype(np.float32)[:, None, None]
    part += down * (throw * tint).astype(np.float32)[:, None, None]
    return part


def falloff(shape: tuple[int, int], rng: np.random.Generator, sun: tuple[float, float], strength: float) -> Floats:
    """Light over the picture, (3, h, w) float32 about 1: brighter towards the lamp, uneven, a little coloured."""
    cells = np.linspace(-1, 1, 6, dtype=np.float32)
    slope = np.float32(strength * rng.uniform(0.05, 0.4))
    small = 1 - slope * (sun[0] * cells[None] + sun[1] * cells[:, None])
    small += np.float32(0.1 * strength) * rng.standard_normal((6, 6), dtype=np.float32)
    warmth = strength * rng.normal(0, 0.1)
    gains = np.array([1 + warmth, 1, 1 - warmth]) * np.exp(rng.normal(0, 0.15) * strength)
    level = enlarged(np.clip(small, 0.35, 1.6), shape)
    return np.asarray(level * gains.astype(np.float32)[:, None, None])


def planes(pixels: NDArray[Any]) -> Floats:
    """Pixels (h, w, c) as c planes, (c, h, w) float32: arithmetic on planes is several times faster."""
    return pixels.transpose(2, 0, 1).astype(np.float32, order="C")


def pixels(planes_: Floats) -> Bytes:
    """Planes (3, h, w) 0 to 255, clipped and rounded to a picture, (h, w, 3) uint8."""
    planes_ += np.float32(0.5)
    np.clip(planes_, 0, 255, out=planes_)
    return np.ascontiguousarray(planes_.astype(np.uint8).transpose(1, 2, 0))
