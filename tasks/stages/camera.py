"""What a phone's camera does to a scene: focus, shake, exposure, colour, noise and JPEG."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PIL import Image, ImageFilter
from pydantic import BaseModel, ConfigDict, Field

from tasks.stages.props.noise import Bytes, Floats, grains

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.records import View

LINEAR_STEPS = 4096


class CameraEffects(BaseModel):
    """Photograph the scene with an ordinary camera: out of focus, shaken, noisy, and saved as JPEG."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    revision: ClassVar[int] = 1

    strength: float = Field(1.0, ge=0, le=2, description="How much of everything below; 0 leaves the picture alone.")
    blur: float = Field(0.006, ge=0, le=0.05, description="Largest blur off focus, as a share of the picture's height.")
    shake: float = Field(0.2, ge=0, le=1, description="Chance that the camera moved.")
    exposure: float = Field(0.35, ge=0, le=2, description="How far exposure strays, in stops (standard deviation).")
    white_balance: float = Field(0.06, ge=0, le=0.5, description="How far colours stray (standard deviation).")
    vignette: float = Field(0.25, ge=0, le=1, description="Largest loss of light in the corners.")
    noise: float = Field(0.5, ge=0, le=1, description="How noisy the sensor is: 0 none, 1 a dark workshop.")
    quality: int = Field(
        55, ge=10, le=100, description="Lowest JPEG quality; each picture gets this or better, up to 96."
    )

    def __call__(self, view: View) -> Iterator[View]:
        """The picture as the camera saves it: same size, geometry kept."""
        if self.strength == 0:
            yield view
            return
        focused = self.focused(view)
        exposed = self.exposed(focused, view.rng)
        yield view.replace(image=self.saved(exposed, view.rng))

    def focused(self, view: View) -> Bytes:
        """The picture through the lens: sharp at one depth, softer before and behind it, perhaps shaken."""
        rng = view.rng
        height = view.image.shape[0]
        widest = self.strength * self.blur * height * rng.beta(1.2, 2.5)
        picture = Image.fromarray(view.image)
        if rng.random() < self.shake * min(self.strength, 1):
            picture = _shaken(picture, rng, self.strength * height / 256)
        sharp = np.asarray(picture)
        if widest < 0.3:
            return sharp
        # a disc, as nearly as two passes of a box make one
        box = ImageFilter.BoxBlur(widest)
        soft = np.asarray(picture.filter(box).filter(box))
        amount = _off_focus(view.depth, rng)
        if amount is None:
            return soft
        blend = Image.fromarray((amount * 255).astype(np.uint8))
        return np.asarray(Image.composite(Image.fromarray(soft), picture, blend))

    def exposed(self, picture: Bytes, rng: np.random.Generator) -> Bytes:
        """Light to numbers: exposure, white balance, vignetting, then photon and read noise, before rounding."""
        power = self.strength
        stops = np.clip(rng.normal(0, self.exposure * power), -1.5, 1.0)
        colour = np.exp(rng.normal(0, self.white_balance * power, 3) * [1, 0.3, 1])
        loss = float(rng.uniform(0, self.vignette) * min(power, 1))
        level = self.noise * power * rng.beta(1.2, 2.2)
        height, width = picture.shape[:2]
        # rows of 3 w numbers: the same arithmetic on every one of them, without short inner axes
        light = _linear()[picture.reshape(height, 3 * width)]
        light *= np.tile(2.0**stops * colour, width).astype(np.float32) * (
            1 - np.float32(loss) * _corners(height, width)
        )
        if level > 0.01:
            light += _grain(light, rng, 0.0035 * level, (0.018 * level) ** 2)
        light *= np.float32(LINEAR_STEPS - 1)
        np.clip(light, 0, LINEAR_STEPS - 1, out=light)
        return _display()[light.astype(np.uint16)].reshape(picture.shape)

    def saved(self, picture: Bytes, rng: np.random.Generator) -> Bytes:
        """The picture after JPEG at a quality of its own."""
        worst = self.quality + (96 - self.quality) * (1 - min(self.strength, 1))
        quality = int(rng.uniform(min(worst, 96), 97))
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=quality, subsampling=2 if quality < 88 else 0)
        return np.asarray(Image.open(file), dtype=np.uint8)


def _off_focus(depth: Floats, rng: np.random.Generator) -> Floats | None:
    """How far off focus each pixel is, (h, w) float32 0 to 1; None where the picture has no depth.

    What surrounds the part lies on average as far as the part's own far end.
    """
    seen = depth[::4, ::4]
    seen = seen[seen > 0]
    if not seen.size:
        return None
    near, far = float(seen.min()), float(seen.max())
    focus = near + (far - near) * rng.beta(1.5, 2.5)
    span = max(far - near, 0.02 * far)
    amount = np.abs(np.where(depth > 0, depth, np.float32(far + 0.15 * span)) - np.float32(focus)) * np.float32(
        1 / span
    )
    return np.asarray(np.minimum(amount + np.float32(0.1), np.float32(1)))


def _shaken(picture: Image.Image, rng: np.random.Generator, scale: float) -> Image.Image:
    """The mean of the picture and itself a little further: a short straight shake."""
    angle, length = rng.uniform(0, np.pi), rng.uniform(0.6, 2.2) * scale
    dx, dy = length * np.cos(angle) / 2, length * np.sin(angle) / 2
    first, last = (
        picture.transform(picture.size, Image.Transform.AFFINE, (1, 0, s * dx, 0, 1, s * dy), Image.Resampling.BILINEAR)
        for s in (-1, 1)
    )
    return Image.blend(Image.blend(first, last, 0.5), picture, 1 / 3)


@cache
def _linear() -> Floats:
    """Light of each sRGB byte, (256,) float32 0 to 1."""
    value = np.arange(256) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


@cache
def _display() -> Bytes:
    """The sRGB byte of each of 4096 steps of light, with a soft shoulder instead of a hard burn-out."""
    light = np.arange(LINEAR_STEPS) / (LINEAR_STEPS - 1)
    value = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(np.clip(value, 0, 1) * 255), dtype=np.uint8)


@cache
def _corners(height: int, width: int) -> Floats:
    """Squared distance from the middle, 1 in the corners, for rows of 3 numbers per pixel: (h, 3 w) float32."""
    down, across = (np.linspace(-1, 1, n, dtype=np.float32) ** 2 for n in (height, width))
    return np.asarray((np.repeat(across, 3)[None] + down[:, None]) / 2, dtype=np.float32)


def _grain(light: Floats, rng: np.random.Generator, shot: float, read: float) -> Floats:
    """Noise of the sensor for that light: photons (variance in proportion to light) and electronics, as `light`."""
    deviation = light * np.float32(shot)
    deviation += np.float32(read)
    np.sqrt(deviation, out=deviation)
    deviation *= grains(rng, light.size).reshape(light.shape)
    return deviation
