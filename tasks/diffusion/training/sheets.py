"""Sheets to look at while the model learns: geometry, what it paints there, and what was really there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.arithmetic import precision
from tasks.diffusion.training import release
from tasks.diffusion.training.autoencoder import pictured, prepared
from tasks.diffusion.training.captions import written
from tasks.diffusion.training.denoiser import conditioned, states
from tasks.records import Bytes, generator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tasks.diffusion.training.library import Album

PLACES: Final = (
    "steel, on a wooden workbench, soft daylight from a window",
    "black plastic, on a concrete floor, a bright lamp from the side",
    "brass, in a blue plastic bin, fluorescent workshop light",
)


def painted(
    made: Mapping[str, Any],
    text: tuple[Any, Any],
    captions: Sequence[str],
    conditions: Sequence[Bytes] | None,
    seed: int,
) -> Bytes:
    """Pictures (n, s, s, 3) uint8 of `captions`, with the geometry (s, s, 4) uint8 of each or, with None, without."""
    import torch
    from diffusers import StableDiffusionControlNetPipeline

    device = next(made["unet"].parameters()).device
    plain = release.pipeline(made, text)
    plain.set_progress_bar_config(disable=True)
    asked: dict[str, Any] = {
        "prompt_embeds": states(captions, *text).to(device),
        "negative_prompt_embeds": states([""] * len(captions), *text).to(device),
        "num_inference_steps": release.STEPS,
        "guidance_scale": release.GUIDANCE,
        "generator": [torch.Generator().manual_seed(seed + number) for number in range(len(captions))],
        "output_type": "np",
    }
    with torch.inference_mode(), precision(device.type):
        if conditions is None:
            shown = plain(**asked).images
        else:
            pipe = StableDiffusionControlNetPipeline(
                **plain.components, controlnet=made["controlnet"], requires_safety_checker=False
            )
            pipe.set_progress_bar_config(disable=True)
            shown = pipe(**asked, image=conditioned(conditions).to(device)).images
    return np.asarray(np.rint(shown * 255), np.uint8)


def again(vae: Any, pictures: Bytes) -> Bytes:
    """Pictures (n, s, s, 3) uint8 as they come back from the VAE."""
    import torch

    device = next(vae.parameters()).device
    with torch.inference_mode(), precision(device.type):
        found = vae.decode(vae.encode(prepared(pictures).to(device)).latent_dist.mean).sample.float()
    return np.asarray((found.clamp(-1, 1) * 127.5 + 127.5).round().permute(0, 2, 3, 1).cpu().numpy(), np.uint8)


def sheet(made: Mapping[str, Any], text: tuple[Any, Any], album: Album, count: int = 8) -> Bytes:
    """One picture, a row for each of `count` unseen ones: its normals, itself, and five that are painted.

    They are painted for its own caption, for the three places above and, in the last column, without geometry.
    """
    step = max(1, album.count // count)
    places = [place * step for place in range(min(count, album.count))]
    truth = np.stack([pictured(album.images(), place) for place in places])
    shapes = [np.asarray(pictured(album.conditions(), place)) for place in places]
    names = [album.says[place][0][0] for place in places]
    own = [written(*album.says[place], album.said[place], generator("sheet", place)) for place in places]
    columns = [np.stack(shapes)[..., :3], truth, painted(made, text, own, shapes, 0)]
    columns += [painted(made, text, [f"{name}, {place}" for name in names], shapes, 100) for place in PLACES]
    columns.append(painted(made, text, own, None, 200))
    return tiled(columns)


def tiled(columns: Sequence[Bytes]) -> Bytes:
    """Pictures (n, s, s, 3) of each column beside each other: (n s, columns s, 3) uint8."""
    return np.concatenate([np.concatenate(list(column)) for column in columns], axis=1)


def save(picture: Bytes, file: Path) -> Path:
    """Write a sheet as PNG; returns its file."""
    from PIL import Image

    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(file)
    return file
