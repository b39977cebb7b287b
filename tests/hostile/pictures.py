"""Pictures of every kind that is taken, and of kinds that pretend to be; damaged at random: `make fuzz-pictures`.

Prints a table and writes build/fuzz-pictures.json: how many damaged pictures of each kind were opened, refused with a
sentence, or anything else, which must be none.
"""

from __future__ import annotations

import argparse
import io
import json
import struct
import time
import zlib
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 25  # no picture may take longer: its limit is 20


def colours(width: int = 48, height: int = 32) -> Image.Image:
    """A picture of four colours, one in each corner: red, green, blue, white."""
    image = Image.new("RGB", (width, height), (255, 255, 255))
    half = width // 2, height // 2
    for box, colour in (((0, 0), (255, 0, 0)), ((half[0], 0), (0, 255, 0)), ((0, half[1]), (0, 0, 255))):
        image.paste(colour, (*box, box[0] + half[0], box[1] + half[1]))
    return image


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Bytes of `image` as a file of that kind."""
    stream = io.BytesIO()
    if frames := options.get("append_images"):
        options["append_images"] = [one.copy() for one in frames]
    image.copy().save(stream, kind, **options)  # copies: Pillow remembers how one was saved before
    return stream.getvalue()


def kinds() -> dict[str, bytes]:
    """A sound picture of each kind and mode that people send, by a name; all of them show `colours`."""
    image, exif = colours(), Image.Exif()
    exif[0x0112] = 1
    ramp = np.asarray(image.convert("L")).astype(np.uint16) * 257
    other = [Image.new("RGB", image.size, (9, 9, 9))] * 2
    frames: dict[str, Any] = {"save_all": True, "append_images": other, "duration": 100}
    clear = image.convert("RGBA")
    clear.putalpha(Image.new("L", image.size, 255))
    return {
        "JPEG": saved(image, "JPEG", quality=95, exif=exif),
        "JPEG progressive": saved(image, "JPEG", quality=95, progressive=True),
        "JPEG grey": saved(image.convert("L"), "JPEG"),
        "JPEG CMYK": saved(image.convert("CMYK"), "JPEG", quality=95),
        "JPEG of two (MPO)": saved(image, "MPO", save_all=True, append_images=other),
        "PNG": saved(image, "PNG"),
        "PNG 1 bit": saved(image.convert("1"), "PNG"),
        "PNG 16 bit grey": saved(Image.fromarray(ramp), "PNG"),
        "PNG 16 bit colour": _png(*image.size, 16, 2, _rows16(image)),
        "PNG palette": saved(image.convert("P", palette=Image.Palette.ADAPTIVE), "PNG"),
        "PNG palette and alpha": saved(image.quantize(8), "PNG", transparency=bytes([255] * 8)),
        "PNG grey and alpha": saved(clear.convert("LA"), "PNG"),
        "PNG alpha": saved(clear, "PNG"),
        "PNG animated": saved(image, "PNG", **frames),
        "PNG rubbish as colour profile": saved(image, "PNG", icc_profile=b"rubbish" * 99),
        "GIF": saved(image, "GIF"),
        "GIF animated": saved(image, "GIF", **frames),
        "WebP": saved(image, "WEBP", quality=95),
        "WebP lossless": saved(clear, "WEBP", lossless=True),
        "WebP animated": saved(image, "WEBP", lossless=True, **frames),
        "BMP": saved(image, "BMP"),
        "TIFF": saved(image, "TIFF"),
        "TIFF CMYK": saved(image.convert("CMYK"), "TIFF"),
        "TIFF LZW": saved(image, "TIFF", compression="tiff_lzw"),
        "TIFF JPEG": saved(image, "TIFF", compression="jpeg", quality=95),
        "TIFF 16 bit grey": saved(Image.fromarray(ramp), "TIFF"),
        "TIFF float": saved(Image.fromarray((ramp / 257).astype(np.float32)), "TIFF"),
        "TIFF LAB": saved(image.convert("YCbCr"), "TIFF"),
        "TIFF of three pages": saved(image, "TIFF", save_all=True, append_images=other),
        "AVIF": saved(image, "AVIF", quality=95),
    }


def _png(width: int, height: int, bits: int, colour: int, raw: bytes, *more: tuple[bytes, bytes]) -> bytes:
    """A PNG whose head says what it likes, with more chunks before the pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    middle = b"".join(chunk(name, data) for name, data in more)
    return b"\x89PNG\r\n\x1a\n" + head + middle + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


def _rows16(image: Image.Image) -> bytes:
    wide = (np.asarray(image).astype(np.uint16) * 257).astype(">u2")
    return b"".join(b"\0" + row.tobytes() for row in wide)


def bombs() -> dict[str, bytes]:
    """Small files that say they are huge, or become so."""
    gif = bytearray(saved(colours(), "GIF"))
    gif[6:10] = struct.pack("<HH", 65535, 65535)
    jpeg = bytearray(saved(colours(), "JPEG"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 65500, 65500)
    bmp = bytearray(saved(colours(), "BMP"))
    bmp[18:26] = struct.pack("<ii", 2**31 - 1, 2**31 - 1)
    tiff = bytearray(saved(colours(), "TIFF"))
    for tag in (256, 257):  # width and height
        entry = tiff.index(struct.pack("<HH", tag, 4 if struct.pack("<HH", tag, 4) in tiff else 3))
        tiff[entry : entry + 12] = struct.pack("<HHII", tag, 4, 1, 2_000_000)
    vp8l = struct.pack("<I", 16382 | 16382 << 14)
    webp = b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8L" + struct.pack("<I", 18) + b"\x2f" + vp8l + bytes(13)
    text = b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9)
    return {
        "PNG of 900 million pixels": _png(30000, 30000, 8, 2, b""),
        "PNG of no pixels": _png(0, 0, 8, 2, b""),
        "PNG that is one line": _png(2**31 - 1, 1, 8, 2, b""),
        "PNG with less than it says": _png(9000, 9000, 8, 2, bytes(1000)),
        "PNG with 200 MB of text": _png(8, 8, 8, 0, bytes(72), (b"zTXt", text)),
        "PNG with 200 MB of profile": _png(8, 8, 8, 0, bytes(72), (b"iCCP", b"x\0\0" + text[9:])),
        "GIF of 4 billion pixels": bytes(gif),
        "JPEG of 4 billion pixels": bytes(jpeg),
        "BMP of 10^18 pixels": bytes(bmp),
        "TIFF of 10^12 pixels": bytes(tiff),
        "WebP of 268 million pixels": webp,
    }


def pretenders() -> dict[str, bytes]:
    """What is no picture, or one of a kind that is not taken because its reader runs programs or opens others."""
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(x) (w) file\n%%EOF\n"
    link = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
    return {
        "SVG": link,
        "EPS": eps,
        "EPS in a DOS shell": b"\xc5\xd0\xd3\xc6" + struct.pack("<IIIIII", 32, len(eps), 0, 0, 0, 0) + bytes(4) + eps,
        "WMF": b"\xd7\xcd\xc6\x9a" + bytes(60),
        "EMF": struct.pack("<I", 1) + bytes(36) + b" EMF" + bytes(60),
        "PDF": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF",
        "HTML": b"<!doctype html><script>alert(1)</script>",
        "ELF": b"\x7fELF\x02\x01\x01" + bytes(200),
        "EXE": b"MZ" + bytes(200),
        "ZIP": b"PK\x03\x04" + bytes(200),
        "pickle": b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
        "ICO": saved(colours(32, 32), "ICO"),
        "PPM": saved(colours(), "PPM"),
        "JPEG 2000": saved(colours(), "JPEG2000"),
        "PSD": b"8BPS\0\1" + bytes(200),
        "FITS": b"SIMPLE  =                    T" + bytes(3000),
        "text": b"no picture at all",
        "nothing": b"",
    }


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """The file with bytes changed, a piece cut out or put in twice, or its end missing."""
    raw = bytearray(data)
    how = int(rng.integers(4))
    place, length = int(rng.integers(len(raw))), int(rng.integers(1, 40))
    if how == 0:
        for spot in rng.integers(len(raw), size=int(rng.integers(1, 12))):
            raw[spot] = int(rng.choice([0, 255, 127, 128, int(rng.integers(256))]))
    elif how == 1:
        del raw[place : place + length]
    elif how == 2:
        raw[place:place] = raw[max(0, place - length) : place]
    else:
        del raw[place:]
    return bytes(raw)


def outcomes(folder: Path, count: int, seed: int) -> Iterator[tuple[str, str, float]]:
    """Kind, "opened", "refused" or what else happened, and seconds, of `count` damaged pictures, the kinds in turn."""
    from tasks.photograph import opened
    from tasks.records import generator

    sound = sorted(kinds().items())
    for number in range(count):
        kind, data = sound[number % len(sound)]
        path = folder / "picture.jpg"
        path.write_bytes(damaged(data, generator("damaged picture", seed, number)))
        begun, told = time.perf_counter(), "opened"
        try:
            pixels = opened(path)
            if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
                told = f"{number}: not pixels"
        except ValueError as error:
            told = "refused" if str(error).startswith(str(path)) and str(error).endswith(".") else f"{number}: {error}"
        except Exception as error:  # noqa: BLE001 - that it does not happen is what is counted
            told = f"{number}: {type(error).__name__}: {error}"
        yield kind, told, time.perf_counter() - begun


def main() -> int:
    """Damage, open, count; returns 1 if anything else than a picture or a sentence came of one."""
    from rich.console import Console
    from rich.table import Table

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=3000, help="How many damaged pictures are opened.")
    parser.add_argument("--seed", type=int, default=0, help="Other damage.")
    asked = parser.parse_args()
    counts: dict[str, Counter[str]] = {}
    slowest, bad = 0.0, []
    with TemporaryDirectory() as folder:
        for kind, told, seconds in outcomes(Path(folder), asked.count, asked.seed):
            slowest = max(slowest, seconds)
            known = told if told in {"opened", "refused"} else "else"
            bad += [told] if known == "else" else []
            counts.setdefault(kind, Counter())[known] += 1
    table = Table("kind", "opened", "refused", "else", title=f"{asked.count} damaged pictures, seed {asked.seed}")
    for kind, found in sorted(counts.items()):
        table.add_row(kind, *(str(found[column]) for column in ("opened", "refused", "else")))
    console = Console(width=120)
    console.print(table)
    console.print(f"slowest {slowest:.1f} s; {len(bad)} neither opened nor refused", *bad[:9])
    target = Path(__file__).resolve().parents[2] / "build" / "fuzz-pictures.json"
    target.parent.mkdir(exist_ok=True)
    report = {"count": asked.count, "seed": asked.seed, "slowest": slowest, "else": bad, "kinds": counts}
    target.write_text(json.dumps(report, indent=1))
    return int(bool(bad) or slowest > SECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
