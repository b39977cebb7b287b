"""Reads photographs of parts: upright, 8 bit sRGB, of a reasonable size."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from tasks.photograph import SUFFIXES, upright
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

    from tasks.records import Colour

__all__ = ["SUFFIXES", "mean_colour", "photograph"]

SIDE, QUALITY, SMALLEST = 768, 92, 16


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


def _upright(data: bytes) -> Image:
    try:
        return upright(data, SIDE)
    except ValueError as error:
        raise Refusal(str(error)) from error
