"""LoRA adapters: found, and checked to be what they say, without loading them."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from blocks.models import folders, hub

_DOWN = (".lora_a.", ".lora.down.", ".lora_down.", "_lora.down.")  # the half of a pair that reads
_TEXT = ("attn2.to_k", "attn2_to_k", "attn2.processor.to_k")  # where a UNet listens to the text


class Adapter(BaseModel):
    """A LoRA adapter and how much of it is added."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Name that people see, and by which it is stacked.")
    file: Path = Field(description="Its weights as a safetensors file.")
    weight: float = Field(ge=-4, le=4, description="How much of it is added; 0 leaves the model as it is.")


def adapter(said: str, weight: float, width: int) -> Adapter:
    """The adapter that `said` names: a file, or "hf-hub:owner/name/file.safetensors@revision".

    `width` is that of the text which the model's UNet listens to. Raises ValueError with a sentence when the file is
    not there, is no LoRA, or is one of another family.
    """
    if abs(weight) > 4:
        raise ValueError(f"The adapter {said!r} has a weight of {weight:g}; it must lie between -4 and 4.")
    file = _file(said)
    shapes = folders.shapes(file)
    if not any("lora" in name.lower() for name in shapes):
        raise ValueError(f"{file.name} is no LoRA adapter: none of its weights is called so.")
    for name, shape in shapes.items():
        low = name.lower()
        if any(place in low for place in _TEXT) and any(half in low for half in _DOWN) and shape[1] != width:
            raise ValueError(
                f"{file.name} is an adapter of another family: it reads texts {shape[1]} wide, the model's are {width}."
            )
    return Adapter(name=file.stem.replace(".", "-"), file=file, weight=weight)


def _file(said: str) -> Path:
    if said.startswith(hub.PREFIX):
        where, _, revision = said.removeprefix(hub.PREFIX).partition("@")
        owner, name, *rest = where.split("/", 2)
        if not (rest and revision):
            raise ValueError(f"The adapter {said!r} must read hf-hub:owner/name/file.safetensors@revision.")
        folders.safe(Path(rest[0]))
        return hub.file(f"{owner}/{name}", rest[0], revision)
    file = Path(said).expanduser()
    folders.safe(file)
    if not file.is_file():
        raise ValueError(f"There is no adapter at {file}: give the path of a safetensors file.")
    return file
