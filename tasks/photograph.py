"""A picture that somebody sends, as plain RGB pixels, whatever it was: it is decoded in the sandbox, as CAD is."""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

    from tasks.records import Bytes
    from tasks.sandbox import Arrays, Sandbox

SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".heic", ".heif"}
)
# no format that runs programs (EPS, WMF), or that is a family of others (ICO, PSD, FITS)
_FORMATS: Final = ("JPEG", "MPO", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "HEIF")
_PLUGINS: Final = tuple(
    f"PIL.{name}ImagePlugin" for name in ("Jpeg", "Mpo", "Png", "WebP", "Bmp", "Tiff", "Gif", "Avif")
)
_NO_PICTURE: Final = "can't be read as a picture: send a JPEG, PNG, WebP, TIFF, BMP or GIF"
_SECONDS: Final = 20  # by the clock and of the processor: a large AVIF takes three
_MEMORY_MB: Final = 3072  # what 100 million pixels take with transparency
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
    if not os.access(path, os.R_OK):
        raise ValueError(f"{path} can't be opened: its permissions do not allow it.")
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path} is too large for a picture (the limit is {_MOST_BYTES // 2**20} MB).")
    from tasks.sandbox import Fault, Limits

    room, lock = _darkroom(os.getpid())
    output = 1 + 3 * side * side // 2**20
    limits = Limits(seconds=_SECONDS, cpu_seconds=_SECONDS, memory_mb=_MEMORY_MB, output_mb=output)
    place = str(path.absolute())
    try:
        with lock:
            pixels = room.run(in_child, {"path": place, "side": side}, limits, [place]).arrays.get("pixels")
    except Fault as fault:
        raise ValueError(f"{path} {_NO_PICTURE if fault.kind == 'error' else fault}.") from None
    if pixels is None or pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ValueError(f"{path} {_NO_PICTURE}.")
    return pixels.copy()  # theirs can't be written to


def in_child(path: str, side: int) -> tuple[None, Arrays]:
    """Child's side: the picture at `path` as `opened` returns it. Raises tasks.sandbox.Refusal."""
    from pathlib import Path

    from tasks.sandbox import Refusal

    try:
        return None, {"pixels": np.asarray(upright(Path(path).read_bytes(), side, ENOUGH), dtype=np.uint8)}
    except ValueError as error:
        raise Refusal(str(error)) from error


@lru_cache(maxsize=1)
def _darkroom(pid: int) -> tuple[Sandbox, threading.Lock]:
    """The sandbox of this process for pictures, which stays warm: a picture costs it milliseconds, a start 0.2 s.

    A process that was forked has one of its own, therefore the number.
    """
    import atexit

    from tasks.sandbox import Sandbox

    room = Sandbox(["tasks.photograph", "PIL.ImageOps", *_PLUGINS])

    def close() -> None:
        if os.getpid() == pid:
            room.close()

    atexit.register(close)
    return room, threading.Lock()


def decoded(data: bytes, name: str, side: int = 1024) -> Bytes:
    """As `opened`, in this process: for bytes of our own making; `name` is what messages call them."""
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
    from importlib import import_module

    from PIL import Image

    for plugin in _PLUGINS:  # else only some of the formats are known; all of them know formats that run programs
        import_module(plugin)
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
            picture = rgb(_turned(image))
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:
        raise ValueError(f"has more than {_MOST_PIXELS // 1_000_000} million pixels: send a smaller picture") from error
    except Exception as error:  # on bytes that nobody vouches for, the decoders raise anything
        raise ValueError(_NO_PICTURE) from error
    picture.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return picture


def _turned(image: Image) -> Image:
    """The picture as the camera was held; as it lies where what is said of that makes no sense."""
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - as above: a note that is damaged spoils no picture
        return image


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
