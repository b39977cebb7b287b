"""How long and how hard the diffusion model that ships is trained, and how large it is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Pace(BaseModel):
    """How quickly one of the networks learns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(ge=1, description="Batches in all.")
    batch: int = Field(ge=1, description="Pictures in a batch.")
    rate: float = Field(gt=0, description="Learning rate between its rise and its fall.")
    warm: int = Field(200, ge=1, description="Steps in which the rate rises.")
    decay: float = Field(0.3, ge=0, le=1, description="Share of the steps at the end in which the rate goes to zero.")

    def at(self, step: int) -> float:
        """Learning rate at `step`."""
        left = (self.steps - step) / max(self.decay * self.steps, 1)
        return self.rate * min(1.0, (step + 1) / self.warm, max(left, 0.0))


class Shape(BaseModel):
    """How large the networks are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(128, ge=32, multiple_of=32, description="Pixels of a picture's side.")
    autoencoder: tuple[int, int, int] = Field((32, 64, 96), description="Channels of the VAE at 1, 1/2 and 1/4 size.")
    unet: tuple[int, int, int] = Field((64, 128, 192), description="Channels of the UNet at 1/4, 1/8 and 1/16 size.")
    condition: tuple[int, int, int] = Field((16, 32, 64), description="Channels through which geometry comes in.")
    layers: int = Field(1, ge=1, le=4, description="Residual blocks at each size on the way down.")
    groups: int = Field(8, ge=1, description="Groups of channels that are normed together.")


class Course(BaseModel):
    """How the diffusion model is trained: pictures, networks, steps."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(1, description="Seed of everything random.")
    pictures: int = Field(16_000, ge=4, description="Pictures to learn from; the first ones stay the same with more.")
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
        Pace(steps=6_000, batch=16, rate=8e-4), description="How the VAE learns to write pictures as latents."
    )
    denoiser: Pace = Field(
        Pace(steps=10_000, batch=32, rate=6e-4, warm=300), description="How UNet and ControlNet learn to paint."
    )
    wordless: float = Field(0.1, ge=0, le=1, description="Share of pictures that are learned without their caption.")
    shapeless: float = Field(0.12, ge=0, le=1, description="Share of pictures that are learned without geometry.")
