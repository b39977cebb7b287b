"""A picture that somebody sends, as plain RGB pixels, whatever it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

    from tasks.records import Bytes

SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".heic", ".heif"}
)
_FORMATS: Final = ("JPEG", "MPO", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "HEIF")
_MOST_BYTES: Final = 64 * 2**20
_MOST_PIXELS: Final = 100_000_000
ENOUGH: Final = 0.9  # of the side that is wanted: decoded so, a JPEG of 4032 pixels has 1008 and not 2016
_PAPER: Final = (255, 255, 255)  # what shows through where a picture is transparent


def opened(path: Path, side: int = 1024) -> Bytes:
    """Open the picture in the file `path`: (h, w, 3) uint8 sRGB, upright, its longest side at most `side` pixels.

    Raises ValueError with a sentence that names the file.
    """
    if not path.is_file():
        raise ValueError(f"There is no picture {path}.")
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path} is too large for a picture (the limit is {_MOST_BYTES // 2**20} MB).")
    return decoded(path.read_bytes(), str(path), side)


def decoded(data: bytes, name: str, side: int = 1024) -> Bytes:
    """As `opened`, for bytes that came some other way; `name` is what messages call them."""
    try:
        return np.array(upright(data, side, ENOUGH), dtype=np.uint8)
    except ValueError as error:
        raise ValueError(f"{name} {error}.") from error


def upright(data: bytes, side: int, enough: float = 1.0) -> Image:
    """The first frame as 8 bit RGB, turned as the camera was held, its longest side at most `side` pixels.

    A JPEG that can be decoded smaller is, down to the share `enough` of that.
    Raises ValueError with a clause that follows the picture's name.
    """
    import io
    import warnings

    from PIL import Image, ImageOps

    Image.init()  # without it only some of the formats are known
    try:
        with (
            warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning),
            Image.open(io.BytesIO(data), formats=[name for name in _FORMATS if name in Image.OPEN]) as image,
        ):
            _refuse_bomb(image)
            share = enough * side / max(*image.size, 1)  # a JPEG is decoded as small
            image.draft("RGB", (max(1, int(image.width * share)), max(1, int(image.height * share))))
            image.seek(0)
            image.load()
            picture = rgb(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError as error:
        raise ValueError(f"has more than {_MOST_PIXELS // 1_000_000} million pixels: send a smaller picture") from error
    except (OSError, SyntaxError, EOFError, TypeError) as error:
        raise ValueError("can't be read as a picture: send a JPEG, PNG, WebP, TIFF, BMP or GIF") from error
    picture.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return picture


def _refuse_bomb(image: Image) -> None:
    from PIL import Image as Pillow

    if image.width * image.height > _MOST_PIXELS:
        raise Pillow.DecompressionBombError


def rgb(image: Image) -> Image:
    """Bring `image` to 8 bit RGB: 16 bit and float grey are brought to range, transparency lies on white."""
    from PIL import Image as Pillow

    if image.mode in {"I;16", "I;16B", "I;16L", "I", "F"}:
        grey = np.array(image, dtype=np.float64)
        top = 65535.0 if grey.max(initial=0) > 255 else 255.0
        return Pillow.fromarray(np.clip(grey * (255 / top), 0, 255).astype(np.uint8)).convert("RGB")
    if "A" in image.getbands() or "transparency" in image.info:
        upper = image.convert("RGBA")
        paper = Pillow.new("RGBA", upper.size, (*_PAPER, 255))
        return Pillow.alpha_composite(paper, upper).convert("RGB")
    return image.convert("RGB")
