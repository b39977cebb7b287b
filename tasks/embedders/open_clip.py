"""The networks of open_clip, and the one that ships: pictures and words in one space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from blocks import models

if TYPE_CHECKING:
    from tasks.embed import Network


class OpenClip(BaseModel):
    """Embed pictures and words with a network of open_clip's, or with the one that ships."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(models.SHIPPED, description="An open_clip model name, or the model that ships.")
    weights: str = Field("", description="An open_clip pretrained tag, the path of a safetensors file, or random.")

    def __call__(self) -> Network:
        """The network: found at once, loaded with the first pictures or words."""
        from tasks.embed import Network

        return Network(models.find(self.model, self.weights))
