"""What finding parts costs nothing to beat: gradients, colours, cut out or not, without anything learned.

Each picture becomes vectors of unit length, so that the cosine compares them all. HOG as Dalal and Triggs (2005)
found it best, from scikit-image; colours as roots of a histogram's shares (Bhattacharyya's measure).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tasks.codec import decode
from tasks.cutout import classic, cropped, rim, square, windows
from tasks.records import bytes_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.records import Bools, Bytes, Floats

HOG = {"64": (64, 8), "96": (96, 8), "64 coarse": (64, 16)}  # pixels of the picture, and of a cell
PLACES = ("whole", "cropped")
NAMES = (*(f"HOG {place} {size}" for place in PLACES for size in HOG), *(f"colours {place}" for place in PLACES))
TURNED = "HOG turned"  # cropped, and each query tried turned by so many angles: more than the issue asks for
ANGLES = 12
VERSION = bytes_id(b"".join(Path(file).read_bytes() for file in (__file__, classic.__file__, windows.__file__)))
BINS = (12, 4, 4)


def described(pictures: Sequence[bytes]) -> dict[str, Floats]:
    """Vectors (n, d) of encoded pictures by the name of the baseline. Runs in a worker process."""
    found: dict[str, list[Floats]] = {name: [] for name in NAMES}
    for data in pictures:
        whole = square(decode(data))
        part, mask = cropped(whole)
        for place, picture in zip(PLACES, (whole, part), strict=True):
            for size, cells in HOG.items():
                found[f"HOG {place} {size}"].append(gradients(picture, *cells))
        found["colours whole"].append(colours(whole, np.ones(whole.shape[:2], dtype=bool)))
        found["colours cropped"].append(colours(part, mask))
    return {name: np.stack(some) for name, some in found.items()}


def turned(pictures: Sequence[bytes]) -> dict[str, Floats]:
    """Vectors (n, ANGLES, d) of encoded pictures, to be compared with "HOG cropped 64". Runs in a worker process."""
    found = []
    for data in pictures:
        part = Image.fromarray(cropped(decode(data))[0])
        ground = tuple(int(value) for value in np.median(rim(np.asarray(part)), axis=0))
        angles = np.arange(ANGLES) * 360 / ANGLES
        views = [part.rotate(angle, Image.Resampling.BILINEAR, fillcolor=ground) for angle in angles]
        found.append(np.stack([gradients(np.asarray(view), *HOG["64"]) for view in views]))
    return {TURNED: np.stack(found)}


def gradients(picture: Bytes, size: int, cell: int) -> Floats:
    """HOG, in cells of `cell` pixels, of the picture (h, w, 3) shrunk to `size` x `size` grey ones: (d,)."""
    from skimage.feature import hog

    grey = np.asarray(Image.fromarray(picture).convert("L").resize((size, size), Image.Resampling.BOX), np.float32)
    sizes = {"pixels_per_cell": (cell, cell), "cells_per_block": (2, 2)}
    return _unit(hog(grey / 255, orientations=9, block_norm="L2-Hys", **sizes))


def colours(picture: Bytes, mask: Bools) -> Floats:
    """Roots of the shares of hues, saturations and values among the pixels in `mask`: (192,) of unit length."""
    pixels = np.asarray(Image.fromarray(picture).convert("HSV"))[mask].astype(np.float64) / 256
    shares, _ = np.histogramdd(pixels, bins=BINS, range=((0, 1),) * 3)
    return _unit(np.sqrt(shares.ravel()))


def _unit(values: Any) -> Floats:
    return np.asarray(values / max(float(np.linalg.norm(values)), 1e-9), dtype=np.float32)
