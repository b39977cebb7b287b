"""How long and how hard the network that cuts queries out is trained."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tasks.training.pace import Pace


class Course(BaseModel):
    """How the cut-out's network is trained: what it sees, batches."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(1, description="Seed of everything random.")
    designs: tuple[int, int, int] = Field(
        (14, 28, 70), description="Designs of each family, of each printed one, and of each freely composed one."
    )
    rendered: int = Field(800, ge=1, description="Parts whose rendered views are laid into places; five views of each.")
    traced: int = Field(240, ge=1, description="Parts that are path-traced; three pictures of each.")
    asked: int = Field(40, ge=1, description="Parts of other designs, path-traced to measure with on the way.")
    scenes: int = Field(400, ge=1, description="Places that views are laid into.")
    hard: int = Field(500, ge=1, description="Steps after which the pictures are as hard as they get.")
    pace: Pace = Field(
        Pace(steps=1_900, batch=32, rate=2e-3, warm=100, averaged=0.998, decay=0.5),
        description="Batches in all, and the learning rate.",
    )
