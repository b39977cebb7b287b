"""Pictures of parts that need no renderer: a ball and a block, seen by a known camera, by arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.records import Camera, Part, View, generator

DISTANCE = 100.0
YFOV = 0.5
RADIUS = 20.0
BLOCK = np.array([20.0, 13.0, 9.0])

Array = NDArray[np.float64]


class Shown(Protocol):
    """Makes the view of a part."""

    def __call__(self, shape: str = "block", **changes: Any) -> View:
        """View of a "ball" or a "block"; `elevation` and `size` of the picture, else fields of its part."""
        ...


@pytest.fixture
def shown() -> Shown:
    """A maker of views: straight alpha, exact mask, depth in mm and normals in camera space."""
    return _shown


def _shown(shape: str = "block", *, elevation: float = 40, size: int = 128, grey: float = 0.6, **part: Any) -> View:
    pose = _pose(np.radians(elevation), np.radians(30))
    slope = np.tan(YFOV / 2)
    steps = ((np.arange(size) + 0.5) / size * 2 - 1) * slope
    rays = np.stack(np.broadcast_arrays(steps[None], -steps[:, None], -1.0), axis=-1) @ pose[:3, :3].T
    depth, normals = (_ball if shape == "ball" else _block)(pose[:3, 3], rays)
    mask = np.isfinite(depth)
    normals = np.where(mask[..., None], normals, 0) @ pose[:3, :3]
    shade = grey * (0.35 + 0.65 * np.clip(normals @ [0.4, 0.7, 0.6], 0, 1)) * mask
    return View(
        part=Part(number=f"{shape}-1", **part),
        camera=Camera(pose=tuple(tuple(row) for row in pose.tolist()), yfov=YFOV, size=size),
        image=np.repeat((np.sqrt(shade) * 255).astype(np.uint8)[..., None], 3, axis=-1),
        alpha=mask.astype(np.float32),
        mask=mask,
        depth=np.where(mask, depth, 0).astype(np.float32),
        normals=normals.astype(np.float32),
        rng=generator("view", shape),
    )


def _pose(elevation: float, azimuth: float) -> Array:
    back = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    right = np.cross([0, 0, 1], back)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :4] = np.stack([right, np.cross(back, right), back, back * DISTANCE], axis=1)
    return pose


def _ball(eye: Array, rays: Array) -> tuple[Array, Array]:
    square, across = (rays**2).sum(axis=-1), rays @ eye
    with np.errstate(invalid="ignore"):
        depth = (-across - np.sqrt(across**2 - square * (eye @ eye - RADIUS**2))) / square
        return np.where(np.isnan(depth), np.inf, depth), (eye + depth[..., None] * rays) / RADIUS


def _block(eye: Array, rays: Array) -> tuple[Array, Array]:
    near = (-np.sign(rays) * BLOCK - eye) / rays
    far = (np.sign(rays) * BLOCK - eye) / rays
    axis = near.argmax(axis=-1)
    depth = np.where(near.max(axis=-1) < far.min(axis=-1), near.max(axis=-1), np.inf)
    return depth, -np.sign(rays) * np.eye(3)[axis]


class Tiny(Protocol):
    """Makes the folder of a diffusion model that is as small as can be, with random weights."""

    def __call__(self, kind: str = "sd", **changes: Any) -> Path:
        """Folder of an "sd" or "sdxl" model; `controlnet` channels (0 none), `fills` for an inpainting UNet."""
        ...


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A maker of diffusion models of 64 px: each is made once, saved, and loaded by the real code."""
    made: dict[tuple[object, ...], Path] = {}

    def maker(kind: str = "sd", *, controlnet: int = 4, fills: bool = False) -> Path:
        key = (kind, controlnet, fills)
        if key not in made:
            made[key] = _tiny(tmp_path_factory.mktemp("tiny") / f"tiny-{kind}", kind == "sdxl", controlnet, fills)
        return made[key]

    return maker


def _tiny(folder: Path, xl: bool, controlnet: int, fills: bool) -> Path:
    from blocks import torchvision_ops

    torchvision_ops.declare()
    import diffusers
    import torch

    torch.manual_seed(7)
    unet = diffusers.UNet2DConditionModel(in_channels=9 if fills else 4, **(_UNET | _UNET_XL if xl else _UNET))
    vae = diffusers.AutoencoderKL(
        block_out_channels=(8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        norm_num_groups=4,
    )
    steps = diffusers.EulerDiscreteScheduler(beta_schedule="scaled_linear", steps_offset=1)
    text, words = _text_side(xl)
    parts: dict[str, Any] = {"unet": unet, "vae": vae, "scheduler": steps, "text_encoder": text, "tokenizer": words}
    if xl:
        second = dict(zip(("text_encoder_2", "tokenizer_2"), _text_side(xl, projected=True), strict=True))
        diffusers.StableDiffusionXLPipeline(**parts, **second).save_pretrained(folder)
    else:
        none = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
        diffusers.StableDiffusionPipeline(**parts, **none).save_pretrained(folder)
    if controlnet:
        net = diffusers.ControlNetModel.from_unet(
            unet, conditioning_embedding_out_channels=(8, 8, 8), conditioning_channels=controlnet
        )
        for name, weight in net.named_parameters():
            if "controlnet" in name:  # these begin at zero, so that nothing is heard of them
                torch.nn.init.normal_(weight, std=0.3)
        net.save_pretrained(folder / "controlnet")
    return folder


def _text_side(xl: bool, *, projected: bool = False) -> tuple[Any, Any]:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    letters = [chr(code) for code in range(33, 127)]
    vocabulary = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    numbers = {word: number for number, word in enumerate(vocabulary)}
    tokenizer = CLIPTokenizer(vocab=numbers, merges=[], model_max_length=77)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    ends = {"bos_token_id": len(numbers) - 2, "eos_token_id": len(numbers) - 1, "pad_token_id": len(numbers) - 1}
    config = CLIPTextConfig(vocab_size=len(numbers), projection_dim=16, **sizes, **ends)
    return (CLIPTextModelWithProjection if xl and projected else CLIPTextModel)(config), tokenizer


_UNET: dict[str, Any] = {
    "sample_size": 16,
    "block_out_channels": (8, 16),
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "attention_head_dim": 4,
    "cross_attention_dim": 16,
}
_UNET_XL: dict[str, Any] = {
    "cross_attention_dim": 32,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 64,
    "use_linear_projection": True,
}
