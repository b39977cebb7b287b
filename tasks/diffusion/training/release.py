"""The trained networks as a pipeline folder of diffusers': half precision, safetensors, a model card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from blocks.models.folders import ADVICE
from tasks.diffusion.training import networks

if TYPE_CHECKING:
    from collections.abc import Mapping

CARD: Final = "README.md"
STEPS, GUIDANCE = 8, 2.0  # that the pictures of the sheets are made with


def pipeline(made: Mapping[str, Any], text: tuple[Any, Any]) -> Any:
    """StableDiffusionPipeline of the networks `made` (vae, unet) and the text side."""
    from diffusers import StableDiffusionPipeline

    return StableDiffusionPipeline(
        vae=made["vae"],
        unet=made["unet"],
        text_encoder=text[0],
        tokenizer=text[1],
        scheduler=scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def scheduler() -> Any:
    """How pictures are made in a few steps."""
    from diffusers import DDIMScheduler

    return DDIMScheduler(**networks.schedule(), clip_sample=False, set_alpha_to_one=False)


def write(made: Mapping[str, Any], text: tuple[Any, Any], folder: Path) -> Path:
    """Write the pipeline, its ControlNet beside it, into `folder` in half precision; returns the folder."""
    import copy

    half = {name: copy.deepcopy(network).cpu().half() for name, network in made.items()}
    words = copy.deepcopy(text[0]).cpu().half()
    pipeline(half, (words, text[1])).save_pretrained(folder, safe_serialization=True)
    half["controlnet"].save_pretrained(folder / "controlnet", safe_serialization=True)
    advice = {"steps": STEPS, "guidance": GUIDANCE, "size": half["unet"].config.sample_size * 4}
    (folder / CARD).write_text(card(half), encoding="utf-8")
    (folder / ADVICE).write_text(json.dumps(advice, indent=2) + "\n")
    return folder


def card(made: Mapping[str, Any]) -> str:
    """The model card: what it is, what it was trained on, what it can't do."""
    size = made["unet"].config.sample_size * 4
    millions = {name: sum(weight.numel() for weight in network.parameters()) / 1e6 for name, network in made.items()}
    weights = ", ".join(f"{name} {count:.1f}" for name, count in millions.items())
    return f"""# partsight-sd-small

A small latent diffusion model that paints mechanical parts at {size} x {size} pixels where their geometry says, in
diffusers' form: StableDiffusionPipeline, with a ControlNet in `controlnet/` that reads normals (3 channels) and
nearness (1 channel). Weights in millions: {weights}. The text side is that of partsight-small.

## What it was trained on

Nothing but what this project makes: made-up parts of the families of `tasks/generate` (held-out ones left out),
path-traced on benches, floors, cloths and in bins. No photograph, no pretrained weights, no data of anybody else's.
`python -m flows.train_diffusion` makes it again; `docs/train-diffusion.md` says how.

## How to use it

{STEPS} steps of its own schedule, guidance {GUIDANCE:g}; `partsight.json` says so to the stage `diffuse`. It knows the
words of `tasks/diffusion/prompts.py`, and no more than 40 tokens.

## What it can't do

- It has never seen a photograph: its pictures look like those of a path tracer, a little soft.
- Nothing finer than two pixels of {size} is painted reliably: threads, engravings, small holes.
- It knows no people, hands, machines or rooms, and no text. It is no model for anything but parts.
- Without geometry it paints things that look like parts and are none.
"""
