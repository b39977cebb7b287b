"""Which diffusion model makes pictures: a folder in diffusers' form or a hub repository, pinned, never code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from blocks.models import folders, hub
from blocks.models.adapters import Adapter, adapter

if TYPE_CHECKING:
    from collections.abc import Mapping

SHIPPED: Final = "partsight-sd-small"
Family = Literal["sd", "sd15", "sd21", "sd-turbo", "sdxl", "sdxl-turbo"]
Condition = Literal["depth", "normals", "edges", "geometry"]
_WEIGHTS: Final = Path(__file__).parent.parent / "weights"
_WIDTHS: Final[dict[int, Family]] = {768: "sd15", 1024: "sd21"}  # of the text that a UNet listens to
_NAMED: Final[tuple[tuple[str, Condition], ...]] = (
    ("depth", "depth"),
    ("midas", "depth"),
    ("norm", "normals"),
    ("canny", "edges"),
    ("edge", "edges"),
    ("lineart", "edges"),
    ("hed", "edges"),
)


class ControlNet(BaseModel):
    """A network that holds a diffusion model to a condition."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Name that people see.")
    folder: Path = Field(description="Folder with its configuration and weights.")
    variant: str = Field("", description="Which of several files of weights is read: fp16, or the plain one.")
    channels: int = Field(ge=1, description="Channels of the picture that it reads.")
    width: int = Field(ge=0, description="Width of the text that it listens to; that of its model.")
    condition: Condition | None = Field(None, description="What that picture shows, as far as its name says.")


class Pipeline(BaseModel):
    """A diffusion model that is ready to be loaded, what it wants, and by what digest its pictures are known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Name that people see.")
    family: Family = Field(description="Which kind of Stable Diffusion it is.")
    folder: Path = Field(description="Folder in diffusers' form.")
    digest: str = Field(description="Hash of everything that decides its pictures, 32 hex digits.")
    variant: str = Field("", description="Which of several files of weights is read: fp16, or the plain one.")
    size: int = Field(ge=8, description="Width and height of the pictures that it was trained on, in pixels.")
    grain: int = Field(ge=1, description="What the sides of a picture must be a multiple of, in pixels.")
    cell: int = Field(ge=1, description="Width of the square of pixels behind one latent number.")
    steps: int = Field(ge=1, description="Steps that a picture takes when nobody says otherwise.")
    guidance: float = Field(ge=0, description="Guidance by the prompt when nobody says otherwise; 0 is without.")
    inpainting: bool = Field(False, description="Whether its UNet was trained to fill in.")
    controlnet: ControlNet | None = Field(None, description="What holds it to the geometry.")
    adapters: tuple[Adapter, ...] = Field((), description="LoRA adapters that are added to it.")

    @property
    def xl(self) -> bool:
        """Whether it has the two text sides of SDXL."""
        return self.family.startswith("sdxl")


def pipeline(
    model: str = SHIPPED, revision: str = "", controlnet: str = "", adapters: Mapping[str, float] | None = None
) -> Pipeline:
    """The diffusion model that `model` names, with a ControlNet and LoRA adapters (file or repository: weight).

    `model` and `controlnet` are folders in diffusers' form or "hf-hub:owner/name@revision"; `model` may be the one
    that ships. Without `controlnet` it is the folder of that name inside the model, where there is one. An adapter is
    a safetensors file, or "hf-hub:owner/name/file.safetensors@revision". Raises ValueError with a sentence when one
    of them is not there, is of no family that is known, or could run code.
    """
    folder = folders.located(model, revision, _WEIGHTS / SHIPPED if model == SHIPPED else None)
    index = folders.index(folder)
    variant = folders.variant(folder, index)
    inside = folder / "controlnet"
    control = None
    if controlnet or (inside / "config.json").is_file():
        control = _controlnet(folders.located(controlnet, "", None) if controlnet else inside, controlnet or model)
    width = folders.width(folder)
    if control is not None and control.width != width:
        raise ValueError(
            f"{control.name} is a ControlNet of another family: its texts are {control.width} wide, not {width}."
        )
    stack = tuple(adapter(name, weight, width) for name, weight in (adapters or {}).items())
    files = folders.files(folder, index, variant)
    if control is not None:
        files += folders.component(control.folder, control.variant)
    known = folders.hashed(files, *(f"{folders.hashed([one.file])} {one.weight}" for one in stack))
    return Pipeline(
        name=_name(model),
        folder=folder,
        digest=known,
        variant=variant,
        controlnet=control,
        adapters=stack,
        **_described(folder, index),
    )


def shipped() -> bool:
    """Whether the model that ships is part of this installation."""
    return (_WEIGHTS / SHIPPED / folders.INDEX).is_file()


def _described(folder: Path, index: Mapping[str, Any]) -> dict[str, Any]:
    """What the configurations say of a model: family, sizes, steps and guidance."""
    unet, vae, scheduler = (
        folders.parsed(folder / name)
        for name in ("unet/config.json", "vae/config.json", "scheduler/scheduler_config.json")
    )
    cell = 2 ** (len(vae["block_out_channels"]) - 1)
    sample = unet.get("sample_size") or 64
    family = _family(folder, index, unet, scheduler)
    steps, guidance = _pace(family, unet, scheduler)
    found = {
        "family": family,
        "cell": cell,
        "grain": cell * 2 ** (len(unet["block_out_channels"]) - 1),
        "size": cell * (sample if isinstance(sample, int) else max(sample)),
        "steps": steps,
        "guidance": guidance,
        "inpainting": unet["in_channels"] > 2 * vae["latent_channels"],
    }
    advice = folders.advice(folder)
    return {**found, **{key: advice[key] for key in ("steps", "guidance", "size") if key in advice}}


def _family(folder: Path, index: Mapping[str, Any], unet: Mapping[str, Any], scheduler: Mapping[str, Any]) -> Family:
    width = folders.listens(unet)
    turbo = "Euler" in scheduler["_class_name"] and scheduler.get("timestep_spacing") == "trailing"
    if "text_encoder_2" in index:
        if "text_encoder" not in index:
            raise ValueError(f"{folder.name} is a refiner of SDXL, which makes no pictures: name its base model.")
        return "sdxl-turbo" if turbo else "sdxl"
    if turbo and width == max(_WIDTHS):
        return "sd-turbo"
    return _WIDTHS.get(width, "sd")


def _pace(family: Family, unet: Mapping[str, Any], scheduler: Mapping[str, Any]) -> tuple[int, float]:
    """Steps and guidance that such a model was made for."""
    if family.endswith("turbo"):
        return 2, 0.0
    if unet.get("time_cond_proj_dim"):
        return 4, 8.0  # a consistency model that is told the guidance, and needs no second run for it
    if scheduler["_class_name"] == "LCMScheduler":
        return 4, 0.0
    return 25, 6.0


def _controlnet(folder: Path, said: str) -> ControlNet:
    config = folders.parsed(folder / "config.json")
    if config.get("_class_name") != "ControlNetModel":
        raise ValueError(f"{folder.name} is a {config.get('_class_name', 'folder of something else')}, no ControlNet.")
    channels = int(config.get("conditioning_channels", 3))
    name = _name(said)
    shows: Condition | None = "geometry" if channels == 4 else None
    for word, what in _NAMED:
        if shows is None and word in name.lower():
            shows = what
    variant = folders.preferred([folder])
    width = folders.listens(config)
    return ControlNet(name=name, folder=folder, variant=variant, channels=channels, width=width, condition=shows)


def _name(said: str) -> str:
    where, _, revision = said.removeprefix(hub.PREFIX).partition("@")
    short = where if said.startswith(hub.PREFIX) else Path(where).name
    return f"{short}@{revision[:8]}" if revision else short
