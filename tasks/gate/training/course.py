"""How long and how hard the network of the check `matter` is trained."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tasks.training.pace import Pace


class Course(BaseModel):
    """How the gate's network is trained: sitters, batches."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(1, description="Seed of everything random.")
    sitters: int = Field(2_400, ge=8, description="Parts before a camera, about nine pictures of each.")
    asked: int = Field(60, ge=8, description="Of other series, to measure with on the way.")
    pace: Pace = Field(
        Pace(steps=4_200, batch=32, rate=2e-3, averaged=0.99, decay=0.5),
        description="Batches in all, and the learning rate.",
    )
