"""How long and how hard the model that ships is trained."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Course(BaseModel):
    """How long and how hard to train."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(1, description="Seed of everything random.")
    steps: int = Field(5000, ge=1, description="Batches in all.")
    designs: tuple[int, int, int] = Field(
        (14, 28, 70), description="Designs of each ordinary family, of each printed one, of each freely composed one."
    )
    parts: int = Field(160, ge=4, description="Parts in a batch, two pictures of each.")
    siblings: int = Field(4, ge=1, le=4, description="Parts of one design in a batch: the hardest ones to tell apart.")
    sizes: tuple[tuple[float, int], ...] = Field(
        ((0.0, 64), (0.6, 96)), description="From which share of the steps on pictures have which size, in pixels."
    )
    ramp: float = Field(0.3, gt=0, le=1, description="Share of the steps after which pictures are at their hardest.")
    decay: float = Field(0.4, ge=0, le=1, description="Share of the steps at the end in which the rate goes to zero.")
    rate: float = Field(2e-3, gt=0, description="Learning rate before that.")
    warm: int = Field(200, ge=1, description="Steps in which the rate rises to it.")
    plain: float = Field(0.6, ge=0, le=1, description="Share of parts whose one picture is as the index has it.")
    described: float = Field(0.5, gt=0, le=1, description="Share of a batch's parts whose captions are read.")

    def size(self, step: int) -> int:
        """Pixels of a picture at `step`."""
        return [size for share, size in self.sizes if step >= share * self.steps][-1]

    def strength(self, step: int) -> float:
        """How hard pictures are at `step`, 0 to 1."""
        return min(1.0, step / (self.ramp * self.steps))

    def pace(self, step: int) -> float:
        """Learning rate at `step`."""
        left = (self.steps - step) / max(self.decay * self.steps, 1)
        return self.rate * min(1.0, (step + 1) / self.warm, left)
