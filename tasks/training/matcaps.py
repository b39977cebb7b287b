"""Lit spheres: how a material takes the light of a place, for every direction that its surface may face.

A picture of a sphere holds what any part of that material would show there, but for shadows (Sloan et al., "The
Lit Sphere", 2001): so a part is shaded by looking its normals up, in one step for a whole batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from torch import Generator, Tensor

SIDE: Final = 32  # pixels of a sphere's picture
LAMPS: Final = 5
METALS: Final = ((0.56, 0.57, 0.58), (0.80, 0.81, 0.82), (0.80, 0.62, 0.26), (0.88, 0.50, 0.36), (0.30, 0.30, 0.32))


def matcaps(count: int, rng: Generator) -> Tensor:
    """Pictures of `count` spheres of random materials in random light, (count, 3, 32, 32) float32, sRGB 0 to 1.

    x to the right and y up over -1 to 1; what lies outside of the disc repeats its rim.
    """
    normals = _normals(rng.device)
    reflected = 2 * normals[:, 2:] * normals - normals.new_tensor([0.0, 0.0, 1.0])
    towards, light, ground, sky = _lamps(count, rng)
    roughness = uniform(rng, count, 0.06, 0.75)[:, None, None]
    sharp = 2 / roughness.square().clamp_min(0.01)
    mirrored = _radiance(reflected, towards, light, ground, sky, sharp)
    diffuse = _radiance(normals, towards, light * 0.45, ground, sky, sharp.new_tensor(1.6))
    base, metallic = _bodies(count, rng)
    grazing = (1 - normals[:, 2].clamp(0, 1)).pow(5)[None, :, None]
    coat = 0.04 + 0.5 * grazing * (1 - roughness)
    shiny = base[:, None] + (1 - base[:, None]) * grazing
    radiance = metallic * mirrored * shiny + (1 - metallic) * (diffuse * base[:, None] + coat * mirrored)
    exposure = uniform(rng, count, 0.25, 0.65)[:, None, None] / radiance.mean((1, 2), keepdim=True).clamp_min(1e-3)
    balance = (1 - metallic) * (0.35 + base.amax(1)[:, None, None]) + metallic * 0.8  # black stays dark, white bright
    bright = radiance * exposure * balance
    encoded = (bright * 1.15 / (1 + 0.25 * bright)).clamp(0, 1).pow(1 / 2.2)
    return encoded.transpose(1, 2).reshape(count, 3, SIDE, SIDE).contiguous()


def uniform(rng: Generator, count: int, low: float, high: float, *rest: int) -> Tensor:
    """Random numbers (count, *rest) from `low` to `high`, on the generator's device."""
    import torch

    return torch.rand(count, *rest, generator=rng, device=rng.device) * (high - low) + low


def _normals(device: Any) -> Tensor:
    import torch

    steps = (torch.arange(SIDE, device=device) + 0.5) / SIDE * 2 - 1
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    radius = (x.square() + y.square()).sqrt().clamp_min(1e-6)
    shrink = (0.995 / radius).clamp_max(1)
    x, y = x * shrink, y * shrink
    z = (1 - x.square() - y.square()).clamp_min(0).sqrt()
    return torch.stack([x, y, z], dim=-1).reshape(-1, 3)


def _lamps(count: int, rng: Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Directions (n, k, 3) and light (n, k, 3) of the lamps, and the room's colour below and above (n, 3)."""
    import torch

    towards = torch.randn(count, LAMPS, 3, generator=rng, device=rng.device)
    towards[..., 1] += uniform(rng, count, -0.3, 1.2)[:, None]
    towards[..., 2] += 0.3
    towards = torch.nn.functional.normalize(towards, dim=-1)
    power = uniform(rng, count, 0.0, 1.0, LAMPS).pow(2) * 4
    warmth = uniform(rng, count, -0.18, 0.18, LAMPS)
    light = power[..., None] * torch.stack([1 + warmth, torch.ones_like(warmth), 1 - warmth], dim=-1)
    room = uniform(rng, count, 0.1, 0.9)[:, None]
    tint = 1 + uniform(rng, count, -0.12, 0.12, 3)
    return towards, light, room * uniform(rng, count, 0.2, 0.9)[:, None] * tint, room * tint


def _radiance(ways: Tensor, towards: Tensor, light: Tensor, ground: Tensor, sky: Tensor, sharp: Tensor) -> Tensor:
    """Light from `ways` (p, 3): the room's and each lamp's lobe of sharpness `sharp`; (n, p, 3)."""
    up = (ways[:, 1] * 0.5 + 0.5)[None, :, None]
    room = ground[:, None] * (1 - up) + sky[:, None] * up
    lobes = ((ways @ towards.transpose(1, 2) - 1) * sharp).exp()  # (n, p, k)
    return room + lobes @ light


def _bodies(count: int, rng: Generator) -> tuple[Tensor, Tensor]:
    """Colour (n, 3), linear, and whether it is a metal's (n, 1, 1)."""
    import torch

    metallic = uniform(rng, count, 0, 1) < 0.45
    grey = uniform(rng, count, 0.02, 1.0)[:, None].pow(2).expand(-1, 3)
    hue = uniform(rng, count, 0, 1)[:, None] + torch.tensor([0.0, 1 / 3, 2 / 3], device=rng.device)
    vivid = (0.5 + 0.5 * (2 * torch.pi * hue).cos()).pow(1.5) * uniform(rng, count, 0.1, 0.9)[:, None]
    body = torch.where((uniform(rng, count, 0, 1) < 0.5)[:, None], grey, vivid)
    metals = torch.tensor(METALS, device=rng.device)
    which = torch.randint(len(METALS), (count,), generator=rng, device=rng.device)
    metal = metals[which] * uniform(rng, count, 0.8, 1.1)[:, None]
    return torch.where(metallic[:, None], metal, body), metallic.float()[:, None, None]
