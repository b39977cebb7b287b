"""Pictures as a sink gets them, and a folder to write to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tasks import codec
from tasks.records import Camera, Part, View, content_id, generator
from tasks.sinks import Destination, Picture

PARTS = tuple(Part(number=f"B-{n}", name=f"Bracket {n}", material="steel") for n in range(3))
POSE = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 9.0), (0.0, 0.0, 0.0, 1.0))
SIZE = 48


def ring(place: int) -> np.ndarray:
    """A silhouette with a hole in it, elsewhere for each place, and one pixel by itself."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    distance = np.hypot(rows - 20 - place, columns - 22)
    mask = (distance < 14) & (distance > 6)
    mask[-3, -4] = True
    return mask


def picture(place: int) -> Picture:
    """The picture at a place: views, and every third one a photograph."""
    rng = np.random.default_rng(place)
    mask, part = ring(place), PARTS[place % len(PARTS)]
    image = np.kron(rng.integers(40, 220, (6, 6, 3), dtype=np.uint8), np.ones((8, 8, 1), dtype=np.uint8))
    vector = rng.normal(size=8).astype(np.float32)
    vector /= np.linalg.norm(vector)
    name = content_id("picture", place)
    if place % 3 == 2:
        return Picture(id=name, part=part, kind="photo", data=codec.encode_photograph(image), vector=vector)
    camera = Camera(pose=POSE, yfov=0.5, size=SIZE)
    view = View(
        part=part,
        camera=camera,
        image=image,
        alpha=mask.astype(np.float32),
        mask=mask,
        depth=mask.astype(np.float32),
        normals=np.zeros((SIZE, SIZE, 3), dtype=np.float32),
        rng=generator(place),
    )
    data = codec.encode_view(view)["image"]
    return Picture(id=name, part=part, kind="view", data=data, mask=mask, camera=camera, vector=vector)


@pytest.fixture
def pictures() -> Callable[[int], list[Picture]]:
    """A maker of so many pictures."""
    return lambda count: [picture(place) for place in range(count)]


@pytest.fixture
def to(tmp_path: Path) -> Destination:
    """Where they go."""
    folder = tmp_path / "out"
    folder.mkdir()
    return Destination(customer="acme", name="Acme", run="r1", model="a model", dimension=8, parts=PARTS, folder=folder)
