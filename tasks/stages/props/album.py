"""Photographs of the customer's own place, read once and kept small."""

from __future__ import annotations

import hashlib
import logging
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from tasks.photograph import SUFFIXES, opened
from tasks.stages.props.noise import Bytes

KEPT_SIDE = 768
KEPT_PHOTOGRAPHS = 128

logger = logging.getLogger(__name__)


def files(folder: str) -> tuple[Path, ...]:
    """Picture files below `folder`, in the order of their names.

    Raises ValueError with a sentence when the folder is missing or holds none.
    """
    place = Path(folder)
    if not place.is_dir():
        raise ValueError(f"{folder} is not a folder: give the folder that holds photographs of the place.")
    found = sorted(path for path in place.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise ValueError(f"{folder} holds no photographs: put JPEG, PNG or WebP files there.")
    return tuple(found)


def fingerprint(folder: str) -> str:
    """A digest of what the folder holds, so that pictures are made anew when it changes."""
    digest = hashlib.blake2b(digest_size=16)
    for path in files(folder):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        known = path.stat()
        digest.update(_content(path, known.st_size, known.st_mtime_ns))
    return digest.hexdigest()


@lru_cache(maxsize=4096)
def _content(path: Path, size: int, changed_ns: int) -> bytes:
    """Digest of a file's bytes; size and time of change only say when to look again."""
    del size, changed_ns
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").digest()


@lru_cache(maxsize=4)
def photographs(folder: str, mark: str) -> tuple[Bytes, ...]:
    """The readable photographs of a folder, (h, w, 3) uint8 each; `mark` is its fingerprint.

    At most 128 are kept (evenly chosen), each at most 768 pixels wide or high. Unreadable files are
    left out with a warning that names them. Raises ValueError when none can be read.
    """
    del mark  # a part of the cache's key alone: a changed folder is read again
    found = files(folder)
    step = max(1, -(-len(found) // KEPT_PHOTOGRAPHS))
    kept = tuple(picture for picture in map(photograph, found[::step]) if picture is not None)
    if not kept:
        raise ValueError(f"None of the {len(found)} photographs in {folder} can be read.")
    return kept


def photograph(path: Path) -> Bytes | None:
    """One photograph, upright and in RGB, or None (with a warning) when it cannot be read."""
    try:
        pixels = opened(path, KEPT_SIDE)
    except (OSError, ValueError) as error:
        logger.warning("A photograph is left out. %s", error)
        return None
    pixels.flags.writeable = False
    return pixels


def crop(picture: Bytes, shape: tuple[int, int], rng: np.random.Generator) -> Bytes:
    """A random part of the photograph, at least half as wide, perhaps mirrored: (h, w, 3) uint8."""
    height, width = picture.shape[:2]
    side = int(min(height, width * shape[0] / shape[1]) * rng.uniform(0.5, 1.0))
    across = max(1, min(width, side * shape[1] // shape[0]))
    down = max(1, min(height, side))
    left, top = int(rng.integers(width - across + 1)), int(rng.integers(height - down + 1))
    part = picture[top : top + down, left : left + across]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    scaled = Image.fromarray(part).resize((shape[1], shape[0]), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return np.asarray(scaled, dtype=np.uint8)
