"""Pictures of the library as latents, each as it is and mirrored: written once, since the VAE stays what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.arithmetic import precision
from tasks.diffusion.training.autoencoder import prepared

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.diffusion.training.library import Album


def encoded(album: Album, vae: Any, folder: Path, advance: Callable[[int], None]) -> list[Any]:
    """Memory maps (32, 2, 4, h, w) float16 in `folder`, one for each 32 pictures; only those that it lacks are made.

    The second of the two is the mirrored picture's. `advance` is told how many pictures each new one holds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    books = []
    for name, images in zip(album.names, album.images(), strict=True):
        file = folder / f"{name}.npy"
        if not file.is_file():
            np.save(folder / "new.npy", written(vae, images))
            (folder / "new.npy").replace(file)
            advance(len(images))
        books.append(np.load(file, mmap_mode="r"))
    return books


def written(vae: Any, images: Any) -> Any:
    """Latents (n, 2, 4, h, w) float16 of `images` (n, s, s, 3) uint8, as they are and mirrored."""
    import torch

    device = next(vae.parameters()).device
    pixels = prepared(images).to(device)
    with torch.inference_mode(), precision(device.type):
        sides = [vae.encode(side).latent_dist.mean.float().cpu() for side in (pixels, pixels.flip(3))]
    return torch.stack(sides, 1).numpy().astype(np.float16)
