"""Reads photographs of parts: upright, 8 bit sRGB, of a reasonable size."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np

from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

    from tasks.records import Colour

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".heic", ".heif")
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "HEIF", "MPO")
SIDE, QUALITY, SMALLEST = 768, 92, 16
MOST_PIXELS = 200_000_000


def photograph(path: Path) -> bytes:
    """The picture at `path` as JPEG, its longer side at most 768 pixels. Raises Refusal."""
    picture = _upright(path.read_bytes())
    if min(picture.size) < SMALLEST:
        raise Refusal(f"is a picture of {picture.width} x {picture.height} pixels: too small to show a part")
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def mean_colour(data: bytes) -> Colour | None:
    """Mean colour of the picture in `data`, or None where it is none that can be read."""
    try:
        mean = np.asarray(_upright(data)).reshape(-1, 3).mean(axis=0) / 255
    except Refusal:
        return None
    red, green, blue = (round(float(channel), 4) for channel in mean)
    return red, green, blue


def _upright(data: bytes) -> Image.Image:
    """First frame as 8 bit RGB, turned as its camera was held, what is transparent on white."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with (
            warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning),
            Image.open(io.BytesIO(data)) as image,
        ):
            image.draft("RGB", (SIDE, SIDE))
            picture = _eight_bit(image)
            picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
            turned = ImageOps.exif_transpose(picture)
    except UnidentifiedImageError as error:
        raise Refusal("is not a picture that can be read: save it as JPEG or PNG") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Refusal(
            f"is a picture of more than {MOST_PIXELS // 1_000_000} million pixels: too large to open"
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise Refusal(f"is a damaged picture ({error})") from error
    if turned.mode in {"RGBA", "LA", "PA"} or "transparency" in turned.info:
        turned = turned.convert("RGBA")
        ground = Image.new("RGBA", turned.size, "white")
        turned = Image.alpha_composite(ground, turned)
    return turned.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    """The picture with 8 bit channels; 16 and 32 bit grey is scaled by its own range."""
    from PIL import Image

    if not image.mode.startswith(("I", "F")):
        return image.convert("RGBA") if image.mode == "P" and "transparency" in image.info else image.copy()
    values = np.asarray(image, dtype=np.float64)
    low, high = (0.0, 65535.0) if image.mode.startswith("I;16") else (float(values.min()), float(values.max()))
    scaled = Image.fromarray(((values - low) * (255 / max(high - low, 1e-9))).clip(0, 255).astype(np.uint8))
    scaled.info = dict(image.info)
    return scaled
