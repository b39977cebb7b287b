"""A library to learn from that is made in a moment: no tracer, no renderer."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.cutout.training.library import SIDE, SIZE, Album
from tasks.records import Bytes, generator


@pytest.fixture
def album() -> Album:
    """Pictures of a bright block on dark, grainy ground, every other one with a smaller block beside it."""
    images = generator("album").normal(60, 8, (8, SIZE, SIZE, 3)).clip(0, 255).astype(np.uint8)
    covers = np.zeros((8, SIZE, SIZE), np.uint8)
    for number, (image, cover) in enumerate(zip(images, covers, strict=True)):
        rows, columns = slice(40, 90 + number), slice(30 + number, 110)
        image[rows, columns], cover[rows, columns] = 200, 255
        if number % 2:
            image[110:125, 110:130] = 220
    parts = np.array([f"P{number // 2}" for number in range(8)])
    return Album(images=images, covers=covers, cluttered=np.arange(8) % 2 > 0, parts=parts)


@pytest.fixture
def views() -> list[Bytes]:
    """Two chunks of views of a plate with a hole that faces the camera."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2 + 0.5
    on = (np.abs(x) < 50) & (np.abs(y) < 34) & (np.hypot(x, y) > 12)
    view = np.zeros((SIDE, SIDE, 8), np.uint8)
    view[..., :3] = np.where(on[..., None], 60, 235)
    view[..., 3] = on * 255
    view[..., 4:6], view[..., 6], view[..., 7] = 128, np.where(on, 255, 128), on * 100
    return [np.repeat(view[None], count, 0) for count in (3, 2)]


@pytest.fixture
def scenes() -> Bytes:
    """Places of grey noise."""
    return generator("scenes").integers(0, 255, (3, 80, 80, 3), dtype=np.uint8)
