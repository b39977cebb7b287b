"""Pictures as bytes and back: what is stored is what is embedded and shown.

Views are lossless (their pixels carry the identity that gates check later), variants and
photographs are JPEG. WebP without loss at its fastest setting is smaller and three times faster than PNG.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from tasks.augment import backdrop
from tasks.records import Bools, Bytes, Camera, Floats, View, blend, generator, over

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tasks.records import Part

QUALITY: Final = 92
_STEPS: Final = 65_534  # depth is stored in this many steps between its nearest and farthest pixel


def encode_view(view: View) -> dict[str, bytes]:
    """Columns `image` (RGBA), `depth`, `mask` and `normals` of a rendered view."""
    rgba = np.dstack([view.image, np.rint(view.alpha * 255).astype(np.uint8)])
    normals = np.rint(view.normals * 127 + 128).astype(np.uint8)
    return {
        "image": _webp(rgba),
        "depth": _png(_depth_steps(view)),
        "mask": encode_mask(view.mask),
        "normals": _webp(normals),
    }


def encode_photograph(image: Bytes) -> bytes:
    """A finished picture (h, w, 3) uint8 as JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()


def decode(data: bytes) -> Bytes:
    """The picture (h, w, 3) uint8 of any image row; what is transparent shows the studio's backdrop."""
    with Image.open(io.BytesIO(data)) as opened:
        if opened.mode == "RGBA":
            rgba = np.asarray(opened)
            scene = backdrop(max(opened.size))[: opened.height, : opened.width]
            return blend(rgba[..., :3], rgba[..., 3] * np.float32(1 / 255), scene)
        return np.asarray(opened.convert("RGB"))


def decode_view(row: Mapping[str, Any], part: Part) -> View:
    """The view that was stored as `row` of the table of images, with all that the CAD knows of its pixels.

    Its random numbers are those of its id; what uses it brings others.
    """
    camera, settings = Camera.model_validate_json(row["camera"]), json.loads(row["settings"])
    rgba = _array(row["image"])
    mask = decode_mask(row["mask"])
    normals = (_array(row["normals"]).astype(np.float32) - 128) / 127
    length = np.linalg.norm(normals, axis=2, keepdims=True)
    return View(
        part=part,
        camera=camera,
        image=np.ascontiguousarray(rgba[..., :3], dtype=np.uint8),
        alpha=rgba[..., 3].astype(np.float32) / 255,
        mask=mask,
        depth=decode_depth(row["depth"], settings["near"], settings["far"]),
        normals=np.where(mask[..., None], normals / np.maximum(length, 1e-6), 0).astype(np.float32),
        rng=generator("view", row["id"]),
    )


def flat_view(picture: Bytes, part: Part) -> View:
    """A view of which nothing is known but its picture (s, s, 3): no depth, no normals, all of it the part."""
    side = len(picture)
    pose = tuple(tuple(row) for row in np.eye(4).tolist())
    return View(
        part=part,
        camera=Camera(pose=pose, yfov=0.7, size=side),
        image=picture,
        alpha=np.ones((side, side), np.float32),
        mask=np.ones((side, side), bool),
        depth=np.zeros((side, side), np.float32),
        normals=np.zeros((side, side, 3), np.float32),
        rng=generator("flat view", part.number),
    )


def packed(view: View) -> Bytes:
    """All of a view as a network reads it, (h, w, 8) uint8: colours on the backdrop, silhouette, normals, depth.

    Depth is 1 (nearest) to 255 (farthest) within the part, 0 off it.
    """
    on_part = view.depth[view.mask]
    near, far = (float(on_part.min()), float(on_part.max())) if on_part.size else (0.0, 1.0)
    depth = np.where(view.mask, 1 + (view.depth - near) / max(far - near, 1e-9) * 254, 0)
    return np.dstack(
        [
            over(view, backdrop(len(view.image))),
            view.mask.astype(np.uint8) * 255,
            np.rint(view.normals * 127 + 128).astype(np.uint8),
            depth.astype(np.uint8),
        ]
    )


def decode_depth(data: bytes, near: float, far: float) -> Floats:
    """Depth (h, w) float32 in mm, 0 off the part; `near` and `far` stand in the row's settings."""
    steps = _array(data).astype(np.float32)
    return np.where(steps > 0, near + (steps - 1) / _STEPS * (far - near), 0).astype(np.float32)


def decode_mask(data: bytes) -> Bools:
    """Silhouette (h, w) bool."""
    return _array(data).astype(bool)


def encode_mask(mask: Bools) -> bytes:
    """Silhouette (h, w) bool as a one-bit PNG."""
    return _png(mask)


def depth_range(view: View) -> tuple[float, float]:
    """Nearest and farthest depth on the part, in mm."""
    on_part = view.depth[view.mask]
    return (float(on_part.min()), float(on_part.max())) if on_part.size else (0.0, 0.0)


def _depth_steps(view: View) -> NDArray[np.uint16]:
    near, far = depth_range(view)
    steps = 1 + (view.depth - near) / max(far - near, 1e-9) * _STEPS
    return np.where(view.mask, np.rint(steps), 0).astype(np.uint16)


def _array(data: bytes) -> NDArray[np.generic]:
    with Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened)


def _webp(pixels: Bytes) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=True, quality=0, method=0, exact=True)
    return buffer.getvalue()


def _png(pixels: NDArray[np.generic]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
