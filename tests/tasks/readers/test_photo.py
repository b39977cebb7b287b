"""Photographs arrive upright, in colour and small enough, whatever the camera or the scanner wrote."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from tasks.readers.photo import mean_colour, photograph
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, picture: Image.Image, **options: Any) -> np.ndarray:
    """Pixels that the reader makes of a picture saved at `path`."""
    picture.save(path, **options)
    return np.asarray(Image.open(io.BytesIO(photograph(path))))


def halves(width: int = 200, height: int = 100) -> Image.Image:
    """A picture that is red on the left and blue on the right."""
    picture = Image.new("RGB", (width, height), (200, 0, 0))
    picture.paste((0, 0, 200), (width // 2, 0, width, height))
    return picture


def close(pixel: np.ndarray, colour: tuple[int, int, int]) -> bool:
    """Whether a pixel has a colour, as far as JPEG keeps it."""
    return bool(np.abs(pixel.astype(int) - colour).max() < 12)


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "bmp", "tif", "gif"])
def test_each_format_is_read(tmp_path: Path, kind: str) -> None:
    """The common formats give the same picture."""
    pixels = read(tmp_path / f"a.{kind}", halves())
    assert pixels.shape == (100, 200, 3)
    assert close(pixels[50, 20], (200, 0, 0))
    assert close(pixels[50, 180], (0, 0, 200))


def test_large_pictures_become_smaller(tmp_path: Path) -> None:
    """The longer side has at most 768 pixels, the proportions stay."""
    assert read(tmp_path / "a.jpg", halves(3000, 1500)).shape == (384, 768, 3)
    assert read(tmp_path / "b.png", halves(1500, 3000)).shape == (768, 384, 3)


def test_pictures_stand_upright(tmp_path: Path) -> None:
    """A camera that was held sideways says so, and the picture is turned."""
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = read(tmp_path / "a.jpg", halves(), exif=exif)
    assert pixels.shape == (200, 100, 3)
    assert close(pixels[20, 50], (200, 0, 0))


def test_print_colours_depths_and_transparency(tmp_path: Path) -> None:
    """CMYK becomes RGB, 16 bits become 8, what is transparent becomes white, of a film the first frame counts."""
    assert close(read(tmp_path / "cmyk.jpg", Image.new("CMYK", (50, 50), (0, 255, 255, 0)))[25, 25], (255, 0, 0))
    deep = Image.fromarray(np.full((50, 50), 32768, dtype=np.uint16))
    assert close(read(tmp_path / "deep.png", deep)[25, 25], (128, 128, 128))
    clear = Image.new("RGBA", (50, 50), (0, 0, 0, 0))
    assert close(read(tmp_path / "clear.png", clear)[25, 25], (255, 255, 255))
    frames = [Image.new("RGB", (50, 50), colour) for colour in ("red", "blue")]
    film = read(tmp_path / "film.gif", frames[0], save_all=True, append_images=frames[1:])
    assert close(film[25, 25], (255, 0, 0))
    palette = Image.new("P", (50, 50), 1)
    palette.putpalette([0, 0, 0, 0, 200, 0])
    assert close(read(tmp_path / "palette.png", palette, transparency=0)[25, 25], (0, 200, 0))


def test_what_is_no_picture_says_so(tmp_path: Path) -> None:
    """Other content, a cut-off file, a dot and a bomb each have their sentence."""
    path = tmp_path / "a.png"
    path.write_bytes(b"ISO-10303-21;")
    with pytest.raises(Refusal, match="can't be read as a picture: send a JPEG"):
        photograph(path)
    halves(400, 400).effect_spread(50).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(Refusal, match="can't be read as a picture"):
        photograph(path)
    halves(8, 8).save(path)
    with pytest.raises(Refusal, match="8 x 8 pixels: too small"):
        photograph(path)
    halves(64, 64).save(path)
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 20000, 20000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(data)
    with pytest.raises(Refusal, match="million pixels"):
        photograph(path)


def test_mean_colours(tmp_path: Path) -> None:
    """A texture's mean is half red and half blue; what is none has no colour."""
    halves().save(tmp_path / "a.png")
    assert mean_colour((tmp_path / "a.png").read_bytes()) == pytest.approx((100 / 255, 0, 100 / 255), abs=0.01)
    assert mean_colour(b"nothing") is None
