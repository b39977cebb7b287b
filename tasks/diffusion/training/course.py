"""How long and how hard the diffusion model that ships is trained, and how large it is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tasks.training.pace import Pace


class Shape(BaseModel):
    """How large the networks are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(64, ge=32, multiple_of=32, description="Pixels of a picture's side.")
    autoencoder: tuple[int, int, int] = Field((24, 48, 64), description="Channels of the VAE at 1, 1/2 and 1/4 size.")
    unet: tuple[int, int, int] = Field((64, 96, 128), description="Channels of the UNet at 1/4, 1/8 and 1/16 size.")
    condition: tuple[int, int, int] = Field((16, 32, 48), description="Channels through which geometry comes in.")
    layers: int = Field(1, ge=1, le=4, description="Residual blocks at each size on the way down.")
    groups: int = Field(8, ge=1, description="Groups of channels that are normed together.")


class Course(BaseModel):
    """How the diffusion model is trained: pictures, networks, steps."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(1, description="Seed of everything random.")
    pictures: int = Field(5_760, ge=4, description="Pictures to learn from; the first ones stay the same with more.")
    traced: float = Field(
        0.9,
        ge=0,
        le=1,
        description="Share of pictures that are path-traced, where that is installed; others are drawn.",
    )
    designs: tuple[int, int, int] = Field(
        (14, 28, 70), description="Designs of each ordinary family, of each printed one, of each freely composed one."
    )
    shape: Shape = Field(Shape(), description="How large the networks are.")
    autoencoder: Pace = Field(
        Pace(steps=3_600, batch=8, rate=1e-3, decay=0.4), description="How the VAE learns to write pictures as latents."
    )
    denoiser: Pace = Field(
        Pace(steps=5_000, batch=32, rate=1e-3, warm=300, decay=0.5),
        description="How UNet and ControlNet learn to paint.",
    )
    wordless: float = Field(0.1, ge=0, le=1, description="Share of pictures that are learned without their caption.")
    shapeless: float = Field(0.12, ge=0, le=1, description="Share of pictures that are learned without geometry.")
