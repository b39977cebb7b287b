"""Stable Diffusion 1.5 and SDXL-Turbo as their makers built them, with random weights: the speed is the true one.

`small` ones have the same parts in the same order, so that a processor can show the same comparison.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from blocks import torchvision_ops

NAMES: Final = ("sd15", "sdxl-turbo")
_UNETS: Final[dict[str, dict[str, Any]]] = {
    "sd15": {"cross_attention_dim": 768, "attention_head_dim": 8, "sample_size": 64},
    "sdxl-turbo": {
        "cross_attention_dim": 2048,
        "attention_head_dim": (5, 10, 20),
        "sample_size": 64,
        "block_out_channels": (320, 640, 1280),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 10),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    },
}
_SMALL: Final[dict[str, dict[str, Any]]] = {
    "sd15": {"block_out_channels": (32, 64, 128, 128), "sample_size": 16, "cross_attention_dim": 64},
    "sdxl-turbo": {
        "block_out_channels": (32, 64, 128),
        "sample_size": 16,
        "cross_attention_dim": 128,
        "attention_head_dim": (2, 4, 8),
        "transformer_layers_per_block": (1, 1, 2),
        "projection_class_embeddings_input_dim": 6 * 256 + 64,
    },
}
_SCHEDULERS: Final[dict[str, dict[str, Any]]] = {
    "sd15": {"timestep_spacing": "leading"},
    "sdxl-turbo": {"timestep_spacing": "trailing"},
}


def write(name: str, folder: Path, *, small: bool) -> Path:
    """Write the model `name` with a depth ControlNet into `folder`, in half precision; returns the folder."""
    torchvision_ops.declare()
    import diffusers
    import torch

    torch.manual_seed(0)
    xl = name.startswith("sdxl")
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):  # drawing numbers takes minutes on a processor
        unet = diffusers.UNet2DConditionModel(**_UNETS[name] | (_SMALL[name] if small else {}))
        widths = (32, 64, 64, 64) if small else (128, 256, 512, 512)
        vae = diffusers.AutoencoderKL(
            block_out_channels=widths,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=2,
            scaling_factor=0.13025 if xl else 0.18215,
        )
        control = diffusers.ControlNetModel.from_unet(unet)
        text, words = _text(small, projected=False)
        parts = {"unet": unet, "vae": vae, "text_encoder": text, "tokenizer": words}
        if xl:
            second = _text(small, projected=True)
            parts |= {"text_encoder_2": second[0], "tokenizer_2": second[1]}
    step = diffusers.EulerAncestralDiscreteScheduler if xl else diffusers.EulerDiscreteScheduler
    parts["scheduler"] = step(beta_schedule="scaled_linear", steps_offset=1, **_SCHEDULERS[name])
    for part in ("unet", "vae", "text_encoder", "text_encoder_2"):
        if part in parts:
            parts[part] = parts[part].half()
    none = {} if xl else {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    kind = diffusers.StableDiffusionXLPipeline if xl else diffusers.StableDiffusionPipeline
    kind(**parts, **none).save_pretrained(folder)
    control.half().save_pretrained(folder / "controlnet")
    return folder


def _text(small: bool, *, projected: bool) -> tuple[Any, Any]:
    """CLIP's ViT-L text side, or the ViT-bigG one of SDXL, and a tokenizer of single letters."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    letters = [chr(code) for code in range(33, 127)]
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    numbers = {word: number for number, word in enumerate(words)}
    tokenizer = CLIPTokenizer(vocab=numbers, merges=[], model_max_length=77)
    width, layers, heads = (64, 2, 2) if small else (1280, 32, 20) if projected else (768, 12, 12)
    config = CLIPTextConfig(
        vocab_size=49408,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        projection_dim=width,
        bos_token_id=len(words) - 2,
        eos_token_id=len(words) - 1,
        pad_token_id=len(words) - 1,
    )
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config), tokenizer
