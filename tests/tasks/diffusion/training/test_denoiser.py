"""What UNet and ControlNet are taught."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tasks.diffusion.training import networks
from tasks.diffusion.training.captions import Words
from tasks.diffusion.training.course import Course, Shape
from tasks.diffusion.training.denoiser import Denoiser, conditioned, mirrored, states
from tasks.diffusion.training.library import Album
from tasks.diffusion.training.words import text_side
from tasks.records import Bytes, Floats, generator
from tasks.training.pace import Pace

SMALL = Shape(size=32, unet=(8, 16, 16), condition=(4, 4, 8), groups=4)


def test_mirrored_geometry_is_that_of_the_mirrored_picture() -> None:
    """The silhouette is turned over and normals look the other way across; mirrored twice it is what it was."""
    shape = np.zeros((4, 4, 4), np.uint8)
    shape[1, 0] = (200, 128, 90, 255)
    there = mirrored(shape)
    assert there[1, 3].tolist() == [55, 128, 90, 255]
    assert there[1, 0].tolist() == [0, 0, 0, 0]
    np.testing.assert_array_equal(mirrored(there), shape)


def test_pure_noise_is_learned_as_well() -> None:
    """Noise hides all at its end; pictures there count as much as any, clear ones less."""
    from diffusers import DDPMScheduler

    painter = Denoiser.__new__(Denoiser)
    painter._noise = DDPMScheduler(**networks.schedule())
    assert painter._noise.alphas_cumprod[-1] < 1e-6
    weight = painter._weight(torch.tensor([999, 500, 1]))
    assert torch.isfinite(weight).all()
    assert weight[0] > 0.99
    assert weight[2] < 0.1


def test_a_fresh_controlnet_is_heard() -> None:
    """Other geometry gives another picture from the first step on, and what the geometry says goes everywhere."""
    unet, control = networks.denoiser(SMALL, 16, 1)
    cloudy, words = torch.zeros(1, 4, 8, 8), torch.zeros(1, 5, 16)
    shapes = [np.zeros((32, 32, 4), np.uint8), np.full((32, 32, 4), 200, np.uint8)]
    with torch.no_grad():
        first, second = (control(cloudy, 10, words, conditioned([shape]), return_dict=False) for shape in shapes)
    assert len(first[0]) == len(unet.down_blocks) * 2
    assert all((one - other).abs().max() > 1e-4 for one, other in zip(first[0], second[0], strict=True))


def test_it_learns_to_paint_where_the_geometry_says(tmp_path: Path) -> None:
    """After a few steps the right geometry helps to see through the noise, and another picture's does harm."""
    rng = generator("squares")
    shapes = np.zeros((32, 32, 32, 4), np.uint8)
    for shape in shapes:
        top, left = rng.integers(0, 20, 2)
        shape[top : top + 12, left : left + 12] = (128, 128, 255, 200)
    latents = np.stack([painted(shapes), painted(shapes[:, :, ::-1])], 1).astype(np.float16)
    np.save(tmp_path / "00000.conditions.npy", shapes)
    says = (((("square",), ("flat",)),) * 32, (Words(place="on a steel table"),) * 32)
    album = Album(count=32, names=("squares",), says=says[0], said=says[1], folder=tmp_path)
    course = Course(shape=SMALL, denoiser=Pace(steps=40, batch=16, rate=4e-3, warm=5), shapeless=0.0)
    painter = Denoiser(album, [latents], text_side(tmp_path), course, tmp_path, "vae")
    painter.learner.run(painter.losses, lambda _: None)
    noise = torch.randn(32, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    when = torch.full((32,), 800)
    clear = torch.from_numpy(latents[:, 0]).float()
    wanted = painter._noise.get_velocity(clear, noise, when)
    cloudy = painter._noise.add_noise(clear, noise, when)
    words, heard = states(["square"] * 32, painter._encoder, painter._tokenizer), torch.ones(32, 1, 1, 1)
    with torch.no_grad():
        right, wrong = (
            (painter._said(cloudy, when, words, conditioned(list(shown)), heard) - wanted).square().mean()
            for shown in (shapes, np.roll(shapes, 1, axis=0))
        )
    assert right < 0.7 * wrong


def painted(shapes: Bytes) -> Floats:
    """Latents (n, 4, 8, 8) of pictures that show nothing but their silhouette."""
    seen = (shapes[..., 3] / 100 - 1).reshape(len(shapes), 8, 4, 8, 4).mean((2, 4))
    return np.repeat(seen[:, None], 4, axis=1).astype(np.float32)
