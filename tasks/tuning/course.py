"""How long and how hard an embedder learns a customer's own parts."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Course(BaseModel):
    """How long and how hard the embedder learns the customer's parts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: float = Field(30, gt=0, le=24 * 60, description="Minutes that it learns, rendering not counted.")
    steps: int = Field(0, ge=0, description="Batches to learn instead; 0 lets the minutes decide.")
    seed: int = Field(1, description="Seed of everything random.")
    parts: int = Field(32, ge=2, le=512, description="Parts in a batch.")
    pictures: int = Field(3, ge=1, le=16, description="Photographs of each of them, beside a view of the index.")
    depth: int = Field(2, ge=1, le=24, description="Last blocks of a large network that learn; a small one does whole.")
    rate: float = Field(2e-3, gt=0, le=0.1, description="Learning rate of a small network; of a large one a tenth.")
    coarse: float = Field(
        0.4, ge=0, le=1, description="Share of the time that pictures are smaller, where they can be."
    )
    views: int = Field(64, ge=2, le=1000, description="Most views of each part that photographs are made from.")
    render_minutes: float = Field(5, gt=0, description="Minutes that rendering may take: of many parts, fewer views.")

    def pace(self, share: float, step: int) -> float:
        """Learning rate after `share` (0 to 1) of the time, at `step`, as a share of `rate`."""
        return min(1.0, (step + 1) / 50) * min(1.0, (1 - share) / 0.5 + 0.005)
