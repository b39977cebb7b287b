"""Many pictures in one: contact sheets and thumbnails, small enough to live inside a page."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Final

from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

TILE: Final = 128  # pixels of a picture on a sheet; shown smaller, so that it is sharp on good screens
GAP: Final = 4
COLUMNS: Final = 8
_QUALITY: Final = 74
_FORMATS: Final = ("WEBP", "JPEG", "PNG")  # what catalogues hold
_PAPER: Final = (246, 246, 247)


class Sheet(Record):
    """Pictures side by side as one JPEG; `uri` holds it whole. Width and height in pixels."""

    uri: str
    width: int
    height: int
    count: int


def thumbnail(data: bytes, side: int = TILE) -> Image:
    """Shrink the picture in `data` to RGB, `side` x `side`, all of it visible; a grey square when it can't be read."""
    from PIL import Image as Pillow
    from PIL import ImageOps

    Pillow.init()
    try:
        with Pillow.open(io.BytesIO(data), formats=_FORMATS) as image:
            image.draft("RGB", (side, side))
            small = image.reduce(max(1, min(image.size) // (2 * side))) if image.mode != "P" else image.convert("RGBA")
            flat = _on_paper(small)
    except (OSError, SyntaxError, ValueError, Pillow.DecompressionBombError):
        return Pillow.new("RGB", (side, side), (200, 200, 204))
    return ImageOps.pad(flat, (side, side), Pillow.Resampling.BILINEAR, color=_PAPER)


def sheet(tiles: Sequence[Image], columns: int = COLUMNS) -> Sheet:
    """Lay out `tiles` in rows of `columns`, in their order."""
    from PIL import Image as Pillow

    side = tiles[0].width
    across, down = min(columns, len(tiles)), -(-len(tiles) // columns)
    width, height = across * (side + GAP) - GAP, down * (side + GAP) - GAP
    paper = Pillow.new("RGB", (width, height), (255, 255, 255))
    for place, tile in enumerate(tiles):
        row, column = divmod(place, columns)
        paper.paste(tile, (column * (side + GAP), row * (side + GAP)))
    buffer = io.BytesIO()
    paper.save(buffer, "JPEG", quality=_QUALITY)
    uri = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
    return Sheet(uri=uri, width=width, height=height, count=len(tiles))


def telling(tiles: Sequence[Image]) -> Image:
    """Tile on which there is most to see: the one with most edges."""
    from PIL import ImageFilter, ImageStat

    return max(tiles, key=lambda tile: ImageStat.Stat(tile.convert("L").filter(ImageFilter.FIND_EDGES)).rms[0])


def _on_paper(image: Image) -> Image:
    from PIL import Image as Pillow

    if "A" not in image.getbands():
        return image.convert("RGB")
    paper = Pillow.new("RGBA", image.size, (*_PAPER, 255))
    return Pillow.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
