"""Whatever picture somebody sends becomes upright RGB pixels, or a sentence."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tasks.photograph import decoded, opened

if TYPE_CHECKING:
    from pathlib import Path


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """Bytes of `image` as a file of that kind."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_a_photograph_on_its_side_is_turned_upright() -> None:
    """The EXIF orientation of a telephone is applied."""
    image = Image.new("RGB", (40, 20), (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = decoded(saved(image, "JPEG", exif=exif, quality=95), "phone.jpg")
    assert pixels.shape == (40, 20, 3)
    assert pixels[5, 10, 0] > 200
    assert pixels[35, 10, 2] > 200


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "LA", "1"])
def test_every_mode_becomes_three_bytes_a_pixel(mode: str) -> None:
    """Grey, palette, print colours and transparency all end as (h, w, 3) uint8."""
    kind = "TIFF" if mode == "CMYK" else "PNG"
    pixels = decoded(saved(Image.new("RGB", (8, 6), (255, 255, 255)).convert(mode), kind), "a")
    assert pixels.shape == (6, 8, 3)
    assert pixels.dtype == np.uint8
    assert pixels.min() > 250


def test_sixteen_bits_keep_their_shades() -> None:
    """A 16 bit scan is scaled, not cut off to white."""
    ramp = np.linspace(0, 65535, 64, dtype=np.uint16).reshape(8, 8)
    pixels = decoded(saved(Image.fromarray(ramp), "PNG"), "scan.png")
    assert pixels[0, 0, 0] == 0
    assert abs(int(pixels[4, 0, 0]) - 130) < 4
    assert pixels[7, 7, 0] == 255


def test_what_is_transparent_lies_on_white() -> None:
    """Hidden colours under full transparency are not seen."""
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert decoded(saved(image, "PNG"), "cut-out.png").min() == 255


def test_of_an_animation_the_first_picture_counts() -> None:
    """A GIF is looked at where it begins."""
    frames = [Image.new("RGB", (8, 8), colour) for colour in ((0, 255, 0), (255, 0, 0))]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert tuple(decoded(data, "a.gif")[4, 4]) == (0, 255, 0)


def test_large_pictures_are_made_small() -> None:
    """The longest side is bounded and the proportions stay."""
    assert decoded(saved(Image.new("RGB", (3000, 1500)), "JPEG"), "big.jpg", side=512).shape == (256, 512, 3)


@pytest.mark.parametrize("size", [(4000, 3), (3, 4000)])
def test_a_picture_as_narrow_as_a_thread_is_opened(size: tuple[int, int]) -> None:
    """Made as small as is wanted, its short side would have no pixel left."""
    height, width, _ = decoded(saved(Image.new("RGB", size), "JPEG"), "thread.jpg", side=512).shape
    assert min(height, width) == 1
    assert max(height, width) <= 512


@pytest.mark.parametrize("side", [10_001, 12_000, 200_000])
def test_a_bomb_is_refused_before_it_is_unpacked(side: int) -> None:
    """A small file that says it has 100 megapixels, or 40 gigapixels, costs a sentence, no memory."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    with pytest.raises(ValueError, match=r"bomb\.png has more than 100 million pixels"):
        decoded(data, "bomb.png")


@pytest.mark.parametrize("data", [b"", b"no picture at all", b"\xff\xd8\xff\xe0broken", b"<svg/>", b"%!PS-Adobe"])
def test_what_is_no_picture_is_a_sentence_with_its_name(data: bytes) -> None:
    """Text, empty and broken files are named; formats that run programs are not even tried."""
    with pytest.raises(ValueError, match=r"odd\.jpg can't be read as a picture"):
        decoded(data, "odd.jpg")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The sentence says which picture is not there."""
    with pytest.raises(ValueError, match=r"There is no picture .*gone\.jpg"):
        opened(tmp_path / "gone.jpg")
