"""How quickly a network learns, and for how long."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Pace(BaseModel):
    """Batches, and the learning rate at each of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(ge=1, description="Batches in all.")
    batch: int = Field(ge=1, description="Pictures in a batch.")
    rate: float = Field(gt=0, description="Learning rate between its rise and its fall.")
    warm: int = Field(200, ge=1, description="Steps in which the rate rises.")
    averaged: float = Field(0.999, ge=0, lt=1, description="How slowly the weights that are kept follow the others.")
    decay: float = Field(0.3, ge=0, le=1, description="Share of the steps at the end in which the rate goes to zero.")

    def at(self, step: int) -> float:
        """Learning rate at `step`."""
        left = (self.steps - step) / max(self.decay * self.steps, 1)
        return self.rate * min(1.0, (step + 1) / self.warm, max(left, 0.0))
