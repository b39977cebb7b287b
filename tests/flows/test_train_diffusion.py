"""Training from pictures that are made up to a pipeline that diffusers loads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from prefect.logging import disable_run_logger

from blocks import torchvision_ops
from flows.train_diffusion import compress, encode, paint, stock
from tasks.diffusion.training.course import Course, Shape
from tasks.training.pace import Pace

SHAPE = Shape(size=32, autoencoder=(8, 8, 8), unet=(8, 16, 16), condition=(4, 4, 8), groups=4)
COURSE = Course(
    pictures=32,
    traced=0.1,
    designs=(1, 0, 0),
    shape=SHAPE,
    autoencoder=Pace(steps=2, batch=2, rate=1e-3),
    denoiser=Pace(steps=2, batch=2, rate=1e-3),
)


@pytest.mark.slow
def test_a_short_training_gives_a_pipeline_that_resumes_and_loads(tmp_path: Path) -> None:
    """The flow's steps end in a folder that diffusers loads, with and without geometry; more steps go on from there."""
    with disable_run_logger():
        album, unseen = stock.fn(tmp_path, COURSE, 1)
        assert (album.count, unseen.count) == (32, 32)
        vae = compress.fn(tmp_path, COURSE, album, unseen)
        latents = encode.fn(tmp_path, album, vae)
        paint.fn(tmp_path, COURSE, album, unseen, vae, latents)
        longer = COURSE.model_copy(update={"denoiser": Pace(steps=3, batch=2, rate=1e-3)})
        pipeline = paint.fn(tmp_path, longer, album, unseen, vae, latents)
    steps = [json.loads(line)["step"] for line in (tmp_path / "denoiser.jsonl").read_text().splitlines()]
    assert steps == [2, 3]
    assert {file.name for file in (tmp_path / "sheets").iterdir()} == {"vae-000002.png", "000002.png", "000003.png"}

    torchvision_ops.declare()
    from diffusers import ControlNetModel, StableDiffusionControlNetPipeline, StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(pipeline, local_files_only=True, dtype=torch.float32)
    asked = {"prompt": "hex bolt, on a steel table", "num_inference_steps": 2, "output_type": "np"}
    pipe.set_progress_bar_config(disable=True)
    plain = pipe(**asked, generator=torch.Generator().manual_seed(1)).images
    assert plain.shape == (1, 32, 32, 3)
    control = ControlNetModel.from_pretrained(pipeline / "controlnet", local_files_only=True)
    held = StableDiffusionControlNetPipeline(**pipe.components, controlnet=control, requires_safety_checker=False)
    held.set_progress_bar_config(disable=True)
    shape = torch.from_numpy(np.array(album.conditions()[0][:1])).permute(0, 3, 1, 2).float() / 255
    shown = held(**asked, image=shape, generator=torch.Generator().manual_seed(1)).images
    assert np.isfinite(shown).all()
    assert np.abs(shown - plain).max() > 1e-4
    weights = list(pipeline.rglob("*.safetensors"))
    assert len(weights) == 4
    assert json.loads((pipeline / "partsight.json").read_text())["size"] == 32
