"""The networks of the diffusion model that ships, in diffusers' own classes, and the schedule of its noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from blocks import torchvision_ops

if TYPE_CHECKING:
    from tasks.diffusion.training.course import Shape

LATENTS: Final = 4
CONDITIONS: Final = 4  # normals and depth
HEADS: Final = 4
OPEN: Final = 0.3  # how far a ControlNet's outlets, shut in a fresh one, are opened, as a share of the usual


def schedule() -> dict[str, Any]:
    """Noise of the training: Stable Diffusion's, brought down to no signal at all (Lin et al., 2023)."""
    return {
        "num_train_timesteps": 1000,
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "prediction_type": "v_prediction",
        "rescale_betas_zero_snr": True,
        "timestep_spacing": "trailing",
        "steps_offset": 1,
    }


def autoencoder(shape: Shape, seed: int) -> Any:
    """A fresh AutoencoderKL that writes pictures at a quarter of their size, in four channels."""
    torchvision_ops.declare()
    from diffusers import AutoencoderKL

    levels = len(shape.autoencoder)
    return _seeded(
        seed,
        AutoencoderKL,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=shape.autoencoder,
        layers_per_block=1,
        latent_channels=LATENTS,
        norm_num_groups=shape.groups,
        sample_size=shape.size,
        scaling_factor=1.0,
        force_upcast=False,
        mid_block_add_attention=False,
    )


def denoiser(shape: Shape, width: int, seed: int) -> tuple[Any, Any]:
    """A fresh UNet2DConditionModel that reads hidden states of `width` numbers, and its ControlNetModel.

    The UNet looks around (attention), and reads, at a quarter of the latents' size alone: there it costs little.
    """
    torchvision_ops.declare()
    from diffusers import ControlNetModel, UNet2DConditionModel

    both = {
        "in_channels": LATENTS,
        "block_out_channels": shape.unet,
        "layers_per_block": shape.layers,
        "norm_num_groups": shape.groups,
        "cross_attention_dim": width,
        "attention_head_dim": HEADS,
    }
    unet = _seeded(
        seed,
        UNet2DConditionModel,
        **both,
        sample_size=shape.size // 4,
        out_channels=LATENTS,
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
    )
    control = _seeded(
        seed + 1,
        ControlNetModel,
        **both,
        conditioning_channels=CONDITIONS,
        down_block_types=("DownBlock2D",) * 3,
        mid_block_type="UNetMidBlock2D",
        conditioning_embedding_out_channels=shape.condition,
    )
    _open(control, seed + 2)
    return unet, control


def _open(control: Any, seed: int) -> None:
    """Let a ControlNet that is trained along with its UNet hear the geometry, and say something, from the start."""
    import torch

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for layer in control.controlnet_cond_embedding.modules():
            if isinstance(layer, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        for outlet in [control.controlnet_mid_block, *control.controlnet_down_blocks]:
            torch.nn.init.kaiming_uniform_(outlet.weight, a=5**0.5)
            outlet.weight.mul_(OPEN)


def _seeded(seed: int, kind: Any, **settings: Any) -> Any:
    """A network of class `kind`, its weights drawn from `seed`; random numbers elsewhere are left as they were."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind(**settings)
