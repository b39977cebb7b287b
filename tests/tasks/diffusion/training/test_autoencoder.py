"""Latents of the VAE."""

from __future__ import annotations

import numpy as np
import torch

from tasks.diffusion.training import networks
from tasks.diffusion.training.autoencoder import Eye, evened, prepared
from tasks.diffusion.training.course import Shape
from tasks.records import generator

SMALL = Shape(size=32, autoencoder=(8, 8, 8), groups=4)


def test_evened_latents_come_back_as_the_same_picture() -> None:
    """Latents get mean 0 and deviation 1 in each channel, the decoder gives what it gave before."""
    pictures = prepared(generator("pictures").integers(0, 256, (4, 32, 32, 3)).astype(np.uint8))
    vae = networks.autoencoder(SMALL, 1).eval()
    with torch.no_grad():
        before = vae.encode(pictures).latent_dist
        shown = vae.decode(before.mean).sample
        evened(vae, pictures)
        after = vae.encode(pictures).latent_dist
        assert torch.allclose(after.mean.mean((0, 2, 3)), torch.zeros(4), atol=1e-3)
        assert torch.allclose(after.mean.std((0, 2, 3)), torch.ones(4), atol=1e-3)
        assert torch.allclose(vae.decode(after.mean).sample, shown, atol=1e-3)
        assert torch.allclose(
            after.std / after.std.mean((0, 2, 3), keepdim=True).clamp_min(1e-9),
            before.std / before.std.mean((0, 2, 3), keepdim=True),
            atol=1e-3,
        )


def test_the_embedder_sees_a_blur() -> None:
    """A picture is like itself; blurred it is less so, another picture is quite unlike."""
    eye = Eye("cpu")
    pictures = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    soft = torch.nn.functional.avg_pool2d(pictures, 3, 1, 1)
    same, blurred, other = (float(eye.unlike(one, pictures)) for one in (pictures, soft, pictures.flip(0)))
    assert same < 1e-6
    assert blurred > 0.01
    assert blurred < 2 * other


def test_networks_depend_on_their_seed_alone() -> None:
    """The same seed gives the same weights, and random numbers elsewhere go on as they were."""
    torch.manual_seed(3)
    first = networks.autoencoder(SMALL, 1).state_dict()
    torch.manual_seed(4)
    after = torch.rand(1)
    torch.manual_seed(4)
    second = networks.autoencoder(SMALL, 1).state_dict()
    assert torch.equal(after, torch.rand(1))
    assert all(torch.equal(first[name], second[name]) for name in first)
