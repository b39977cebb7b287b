"""Rust that sits on the part: it grows from edges, in patches, flakes and pits, and takes the shine away.

Where a pixel is in space follows from depth and camera, so the noise is one of the surface, not of the picture: a patch
bends with the part, and is as large in millimetres at the far end as at the near one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Floats = NDArray[np.float32]

# from pits through old and middle rust to what bloomed last, sRGB
COLOURS = np.array([[44, 28, 23], [78, 43, 30], [112, 63, 39], [146, 88, 53], [182, 125, 84]], dtype=np.float32)
STEPS = np.array([0.0, 0.3, 0.52, 0.75, 1.0], dtype=np.float32)
BLOOM = np.array([158, 104, 68], dtype=np.float32)  # what runs out of a patch and stains the metal around it
LIGHT = np.array([-0.5, -0.7], dtype=np.float32)  # from the left and above, in pixels right and down


class Rust(BaseModel):
    """Corrode the surface of the part: patches that grow from its edges, flake, pit and stain what is around them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    revision: ClassVar[int] = 0

    amount: float = Field(0.4, ge=0, le=1, description="Largest share of the surface that is rusty.")
    patch: float = Field(0.3, ge=0.05, le=1, description="Size of a patch, as a share of the part.")
    edges: float = Field(0.5, ge=0, le=1, description="How much rust prefers edges and bends.")
    pits: float = Field(0.6, ge=0, le=1, description="How rough and pitted the rust is.")

    def __call__(self, view: Any) -> Iterator[Any]:
        """The same part, rusty: only its own pixels change, and mask, depth and normals stay."""
        share = self.amount * view.rng.uniform(0.35, 1.0)
        if share == 0 or not view.mask.any():
            yield view
            return
        rows, columns = (np.flatnonzero(view.mask.any(axis=axis)) for axis in (1, 0))
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        image = view.image.copy()
        image[box] = self.corroded(view, box, share)
        yield view.replace(image=image)

    def corroded(self, view: Any, box: tuple[slice, slice], share: float) -> NDArray[np.uint8]:
        """The pixels in `box` with rust on a `share` of the part."""
        rng, mask, metal = view.rng, view.mask[box], view.image[box].astype(np.float32)
        places = surface(view, box)[mask] / np.float32(self.patch)
        broad, fine, grit = (layer(places * scale, rng, depth, mask) for scale, depth in ((1, 5), (7, 3), (26, 2)))
        # rust begins where water stands and paint is thin: edges, bends, and what looks down
        wish = broad + 0.22 * fine + 0.55 * self.edges * bends(view.normals[box], mask)
        limit = float(np.quantile(wish[mask], 1 - share))
        cover = ramp(wish + 0.18 * grit, limit - 0.1, limit + 0.16) * mask
        stain = ramp(wish + 0.25 * fine, limit - 0.75, limit + 0.15) * mask

        light = lit(metal, mask)
        height = 0.5 * fine + 0.5 * grit + 0.6 * cover
        rough = 1 + self.pits * relief(height, mask)
        age = 0.56 + 0.16 * broad + 0.17 * fine + 0.13 * grit - 0.22 * np.clip(wish - limit, 0, 1)
        age -= self.pits * 0.3 * ramp(-grit, 0.45, 0.9)  # pits are dark
        rust = palette(age) * (light * rough)[..., None]

        stained = metal * (1 - 0.6 * stain[..., None]) + 0.6 * stain[..., None] * BLOOM * light[..., None]
        mixed = stained * (1 - cover[..., None]) + rust * cover[..., None]
        return np.where(mask[..., None], np.clip(mixed, 0, 255), metal).astype(np.uint8)


def surface(view: Any, box: tuple[slice, slice]) -> Floats:
    """Where each pixel of `box` lies in the world, in sizes of the part: (h, w, 3) float32.

    Where there is no depth (a photograph) the pixels lie in a plane.
    """
    mask, depth = view.mask[box], view.depth[box]
    rows, columns = np.mgrid[box].astype(np.float32)
    if not depth[mask].any():
        return np.dstack([columns, rows, np.zeros_like(rows)]) / np.float32(max(mask.shape))
    focal = 0.5 * view.camera.size / np.tan(0.5 * view.camera.yfov)
    across, down = ((place + 0.5 - view.camera.size / 2) / focal * depth for place in (columns, rows))
    points = np.dstack([across, -down, -depth]) @ np.array(view.camera.pose, dtype=np.float32)[:3, :3].T
    seen = points[mask]
    spread = float(np.linalg.norm(seen.max(axis=0) - seen.min(axis=0)))
    return np.asarray((points - seen.min(axis=0)) / max(spread, 1e-9), dtype=np.float32)


def layer(places: Floats, rng: np.random.Generator, octaves: int, mask: NDArray[np.bool_]) -> Floats:
    """Noise with so many octaves at `places` (n, 3) of the mask's pixels, about -1 to 1: (h, w) float32, 0 off it."""
    total, weight = np.zeros(len(places), dtype=np.float32), 0.0
    for octave in range(octaves):
        total += noise(places * np.float32(2.03**octave) + octave * 17, rng) * 0.55**octave
        weight += 0.55 ** (2 * octave)
    found = np.zeros(mask.shape, dtype=np.float32)
    found[mask] = total / np.sqrt(weight)
    return found


def noise(places: Floats, rng: np.random.Generator) -> Floats:
    """Value noise at `places` (n, 3): smooth, about -1 to 1, with a period of 256: (n,) float32."""
    values = rng.uniform(-1.7, 1.7, 256).astype(np.float32)
    order = rng.permutation(256)
    base = np.floor(places)
    part = places - base
    part = part * part * (3 - 2 * part)
    corner = base.astype(np.int64) & 255
    found = np.zeros(len(places), dtype=np.float32)
    for x in (0, 1):
        for y in (0, 1):
            row = order[(order[(corner[:, 0] + x) & 255] + corner[:, 1] + y) & 255]
            share = np.where(x, part[:, 0], 1 - part[:, 0]) * np.where(y, part[:, 1], 1 - part[:, 1])
            near, far = (values[order[(row + corner[:, 2] + z) & 255]] for z in (0, 1))
            found += share * (near + (far - near) * part[:, 2])
    return found


def bends(normals: Floats, mask: NDArray[np.bool_]) -> Floats:
    """How much the surface bends around each pixel, 0 to 1, softened: edges, holes, fillets: (h, w) float32."""
    turned = np.zeros(mask.shape, dtype=np.float32)
    for axis in (0, 1):
        both = mask & np.roll(mask, 1, axis)
        step = np.linalg.norm(normals - np.roll(normals, 1, axis), axis=2) * both
        turned = np.maximum(turned, np.maximum(step, np.roll(step, -1, axis)))
    turned = np.minimum(turned, 1)
    reach = max(1, max(mask.shape) // 60)
    return np.minimum(1.6 * softened(softened(turned, reach), reach), 1)


def softened(field: Floats, reach: int) -> Floats:
    """The mean over (2 reach + 1)^2 pixels; what lies beyond the border counts as 0."""
    count = 2 * reach + 1
    for _ in (0, 1):  # down the columns, then, turned, along the rows
        sums = np.cumsum(np.pad(field, ((reach + 1, reach), (0, 0))), axis=0, dtype=np.float64)
        field = ((sums[count:] - sums[:-count]) / count).T
    return field.astype(np.float32)


def lit(metal: Floats, mask: NDArray[np.bool_]) -> Floats:
    """How much light falls on each pixel, about 1: rust is dull, so highlights and mirrored darkness are taken back."""
    grey = metal @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    middle = max(float(np.median(grey[mask])), 24.0)
    return np.clip((grey / middle + 0.12) / 1.12, 0.12, 3) ** np.float32(0.62) * np.float32(1.12)


def relief(height: Floats, mask: NDArray[np.bool_]) -> Floats:
    """What the light makes of a rough surface: its slope towards the light, (h, w) float32 about 0."""
    slope = sum(
        direction * (np.roll(height, -1, axis) - np.roll(height, 1, axis))
        for axis, direction in ((1, LIGHT[0]), (0, LIGHT[1]))
    )
    return np.clip(slope * -0.25 * mask, -0.4, 0.4).astype(np.float32)


def palette(age: Floats) -> Floats:
    """The colour of rust, from pits (0) to fresh bloom (1): (h, w, 3) float32."""
    return np.stack([np.interp(age, STEPS, COLOURS[:, channel]) for channel in range(3)], axis=-1).astype(np.float32)


def ramp(field: Floats, low: float, high: float) -> Floats:
    """0 below `low`, 1 above `high`, smooth between: as `field`."""
    part = np.clip((field - low) / (high - low), 0, 1)
    return np.asarray(part * part * (3 - 2 * part), dtype=np.float32)
