"""What plug-ins are tried on: views by arithmetic, as a render gives them, and such as no render should give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tasks import codec
from tasks.records import Camera, Part, View, content_id, generator
from tasks.sinks import Picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tasks.records import Floats

SIZE: Final = 128
DISTANCE: Final = 100.0  # mm from the camera to the part's middle
RADIUS: Final = 20.0  # mm
YFOV: Final = 0.5
PARTS: Final = (
    Part(number="P-100", name="Ball", material="steel", size_mm=(40.0, 40.0, 40.0)),
    Part(number="P-200", name="Ring", description="DIN 471", material="1.4301", size_mm=(40.0, 40.0, 12.0)),
)


def ball(size: int = SIZE) -> View:
    """A steel ball with the soft shadow that the studio lays beneath a part."""
    steps = ((np.arange(size) + 0.5) / size * 2 - 1) * np.tan(YFOV / 2) * DISTANCE
    x, y = np.meshgrid(steps, -steps)
    bulge = RADIUS**2 - x**2 - y**2
    mask = bulge > 0
    z = np.sqrt(np.where(mask, bulge, 0.0))
    normals = np.dstack([x, y, z]) / RADIUS
    depth = np.where(mask, DISTANCE - z, 0.0)
    return _view(PARTS[0], mask, depth.astype(np.float32), np.where(mask[..., None], normals, 0).astype(np.float32))


def ring(size: int = SIZE) -> View:
    """A flat steel ring, tilted a little: it has a hole, and one normal."""
    steps = ((np.arange(size) + 0.5) / size * 2 - 1) * np.tan(YFOV / 2) * DISTANCE
    x, y = np.meshgrid(steps, -steps)
    out = np.hypot(x, 1.2 * y)
    mask = (out < RADIUS) & (out > RADIUS / 2)
    normal = np.array([0.0, 0.55, np.sqrt(1 - 0.55**2)])
    depth = np.where(mask, DISTANCE + 0.4 * y, 0.0)
    normals = np.where(mask[..., None], normal, 0.0)
    return _view(PARTS[1], mask, depth.astype(np.float32), normals.astype(np.float32))


def _view(part: Part, mask: NDArray[np.bool_], depth: Floats, normals: Floats) -> View:
    size = len(mask)
    pose = tuple(tuple(row) for row in np.eye(4).tolist())
    shade = 0.25 + 0.65 * np.clip(normals @ np.array([0.4, 0.7, 0.6]), 0, 1)
    shadow = np.roll(mask, size // 12, axis=0) & ~mask
    return View(
        part=part,
        camera=Camera(pose=pose, yfov=YFOV, size=size),
        image=np.repeat((np.sqrt(shade) * 235 * mask).astype(np.uint8)[..., None], 3, axis=-1),
        alpha=np.where(mask, 1.0, 0.35 * shadow).astype(np.float32),
        mask=mask,
        depth=depth,
        normals=normals,
        rng=generator("subject", part.number),
    )


def sound() -> dict[str, View]:
    """Views as a run has them, by what they show."""
    return {"a ball": ball(), "a ring": ring(), "a ball, 97 px": ball(97)}


def odd() -> dict[str, View]:
    """Views that are rare, and must not stop a run: by what is odd about them."""
    one, size = ball(64), 64
    nothing = np.zeros((size, size), dtype=bool)
    zero = np.zeros((size, size), dtype=np.float32)
    empty = one.replace(mask=nothing, alpha=zero, depth=zero, normals=np.zeros((size, size, 3), dtype=np.float32))
    return {
        "no part in it (an empty mask)": empty,
        "all transparent": one.replace(alpha=zero),
        "all opaque": one.replace(alpha=np.ones_like(zero)),
        "a part a kilometre away": one.replace(depth=(one.depth * np.float32(1e4))),
        "a part a hair away": one.replace(depth=(one.depth * np.float32(1e-4))),
        "a photograph (no depth, no normals, all of it the part)": codec.flat_view(one.image, one.part),
        "7 px": ball(7),
        "1 px": ball(1),
    }


def pictures(count: int, dimension: int = 16) -> Iterator[Picture]:
    """Pictures as a sink gets them, each made when it is asked for: views, and every fourth one a photograph."""
    views = (ball(64), ring(64))
    data = [codec.encode_view(view)["image"] for view in views]
    photo = codec.encode_photograph(views[0].image)
    for place in range(count):
        view, vector = views[place % 2], np.random.default_rng(place).normal(size=dimension).astype(np.float32)
        known = place % 4 != 3
        yield Picture(
            id=content_id("subject", place),
            part=view.part,
            kind="view" if known else "photo",
            place=place,
            data=data[place % 2] if known else photo,
            mask=view.mask if known else None,
            camera=view.camera if known else None,
            vector=vector / np.linalg.norm(vector),
        )
