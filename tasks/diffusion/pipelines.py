"""The diffusers pipelines of one model: loaded once in a process, all modes from the same weights."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from pydantic import Field

from blocks import torchvision_ops
from blocks.models.pipelines import Pipeline
from tasks import arithmetic, batches
from tasks.records import Bools, Bytes, Floats, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Mode = Literal["background", "relight", "restyle", "photo", "text"]
Schedule = Literal["own", "lcm", "dpm", "unipc", "euler", "ddim"]
Precision = Literal["best", "float32", "bfloat16", "float16"]
CONTROLLED: Final = frozenset({"relight", "restyle"})  # modes that hold to the geometry, and cannot do without
_SCHEDULERS: Final = {
    "lcm": "LCMScheduler",
    "dpm": "DPMSolverMultistepScheduler",
    "unipc": "UniPCMultistepScheduler",
    "euler": "EulerDiscreteScheduler",
    "ddim": "DDIMScheduler",
}
_KINDS: Final[dict[tuple[Mode, bool], str]] = {
    ("background", False): "Inpaint",
    ("background", True): "ControlNetInpaint",
    ("relight", True): "ControlNetImg2Img",
    ("restyle", True): "ControlNet",
    ("photo", False): "Img2Img",
    ("text", False): "",
}
_TEXTS: Final = 64  # prompts that are read at once
_SLICED: Final = 256 * 256  # pixels from which on pictures are decoded one by one: as fast, and in less memory


class Way(Record):
    """How pictures are made: what is the same for all of them."""

    mode: Mode
    steps: int = Field(ge=1, description="Steps of a whole way from noise to picture.")
    strength: float = Field(1.0, gt=0, le=1, description="Share of that way which is gone.")
    guidance: float = Field(0.0, ge=0, description="Guidance by the prompt; up to 1 is without.")
    control: float = Field(1.0, ge=0, description="How strictly the geometry is kept.")


class Wish(Record):
    """One picture that is asked for. All that is given has the same height and width."""

    prompt: str
    negative: str
    seed: int
    shape: tuple[int, int]
    picture: Bytes | None = Field(None, description="Picture (h, w, 3) uint8 that is changed.")
    repaint: Bools | None = Field(None, description="What of it is painted anew, (h, w) bool.")
    condition: Floats | None = Field(None, description="What the ControlNet reads, (h, w, c) float32 0 to 1.")


@lru_cache(maxsize=1)
def engine(
    found: Pipeline, schedule: Schedule = "own", precision: Precision = "best", compiled: bool = False
) -> Engine:
    """The engine of a model; the one used last stays in this process, so that a batch does not load it again."""
    return Engine(found, schedule, precision, compiled=compiled)


class Engine:
    """One loaded model that makes pictures in every mode."""

    def __init__(self, found: Pipeline, schedule: Schedule, precision: Precision, *, compiled: bool) -> None:
        self._found, self._schedule, self._precision, self._compiled = found, schedule, precision, compiled
        self._batches: dict[int, batches.Batches] = {}
        self._pipes: dict[str, Any] = {}

    def make(self, way: Way, wishes: Sequence[Wish]) -> list[Bytes]:
        """The pictures, (h, w, 3) uint8 each, in the order of the wishes; each depends on its own wish alone."""
        with batches.enough(self._found.name):
            _ = self.pipe(way)
            read = self._read(way, wishes)
        made: dict[int, Bytes] = {}
        for shape in dict.fromkeys(wish.shape for wish in wishes):
            places = [place for place, wish in enumerate(wishes) if wish.shape == shape]
            found = self.batches(shape).run(
                places, lambda some: self._batch(way, [wishes[place] for place in some], read)
            )
            made |= dict(zip(places, found, strict=True))
        return [made[place] for place in range(len(wishes))]

    def batches(self, shape: tuple[int, int]) -> batches.Batches:
        """The batches in which pictures of `shape` (h, w) are made; they stay as small as they once had to be."""
        pixels = shape[0] * shape[1]
        if pixels not in self._batches:
            _ = self.base  # what is free is known when the model is loaded
            self._batches[pixels] = batches.Batches(batches.fitting(self.device, pixels))
        return self._batches[pixels]

    def _batch(self, way: Way, wishes: Sequence[Wish], read: dict[str, Any]) -> list[Bytes]:
        """The pictures of a few wishes of one size, in one go."""
        import torch

        height, width = wishes[0].shape
        # made anew at every try, and of the processor: a picture depends neither on its batch nor on the device
        seeds = [torch.Generator("cpu").manual_seed(wish.seed) for wish in wishes]
        self.base.vae.use_slicing = height * width >= _SLICED  # what enable_slicing sets
        pipe = self.pipe(way)
        given = {**self._prompts(way, wishes, read), **self._pictures(way, wishes)}
        with quiet():
            made = pipe(
                **given,
                num_inference_steps=way.steps,
                guidance_scale=way.guidance,
                generator=seeds,
                output_type="pt",
            ).images
        whole = made.float().mul(255).round().clamp(0, 255).to(torch.uint8)
        return list(whole.permute(0, 2, 3, 1).cpu().numpy())

    def _prompts(self, way: Way, wishes: Sequence[Wish], read: dict[str, Any]) -> dict[str, Any]:
        """The prompts as the pipelines take them: what was read of them, one row for each picture."""
        import torch

        given = {"prompt": [wish.prompt for wish in wishes]}
        if way.guidance > 1:
            given["negative_prompt"] = [wish.negative for wish in wishes]
        found: dict[str, Any] = {}
        for name, texts in given.items():
            found[f"{name}_embeds"] = torch.stack([read[text][0] for text in texts])
            if self._found.xl:
                found[f"{name.replace('prompt', 'pooled_prompt')}_embeds"] = torch.stack([read[t][1] for t in texts])
        return found

    def _pictures(self, way: Way, wishes: Sequence[Wish]) -> dict[str, Any]:
        """What the pipeline of the mode looks at."""
        height, width = wishes[0].shape
        condition = self._stacked([wish.condition for wish in wishes])
        picture = self._stacked([wish.picture for wish in wishes], 255)
        found: dict[str, Any] = {}
        if self.controlled(way):
            found["controlnet_conditioning_scale"] = float(way.control)
        if way.mode in {"restyle", "text"}:
            found |= {"height": height, "width": width}
            return found | ({"image": condition} if way.mode == "restyle" else {})
        found |= {"image": picture, "strength": float(way.strength)}
        if self.controlled(way):
            found |= {"control_image": condition, "height": height, "width": width}
        if way.mode == "background":
            repaint = self._stacked([None if wish.repaint is None else wish.repaint[..., None] for wish in wishes])
            found |= {"mask_image": repaint, "height": height, "width": width}
        return found

    def _stacked(self, arrays: Sequence[Any], highest: int = 1) -> Any:
        """Arrays (h, w, c) as one tensor (n, c, h, w) float32 0 to 1 on the device; None where there are none."""
        import torch

        if any(array is None for array in arrays):
            return None
        stack = np.stack(arrays).astype(np.float32) / highest
        return torch.from_numpy(stack).permute(0, 3, 1, 2).contiguous().to(self.device)

    def _read(self, way: Way, wishes: Sequence[Wish]) -> dict[str, tuple[Any, ...]]:
        """What the text side makes of every prompt that is needed; each is read once."""
        texts = list(dict.fromkeys(wish.prompt for wish in wishes))
        if way.guidance > 1:
            texts += dict.fromkeys(wish.negative for wish in wishes)
        read: dict[str, tuple[Any, ...]] = {}
        for start in range(0, len(texts), _TEXTS):
            some = texts[start : start + _TEXTS]
            with quiet():
                found = self.base.encode_prompt(
                    prompt=some, device=self.device, num_images_per_prompt=1, do_classifier_free_guidance=False
                )
            kinds = [found[0], found[2]] if self._found.xl else [found[0]]
            read |= {text: tuple(kind[row] for kind in kinds) for row, text in enumerate(some)}
        return read

    def controlled(self, way: Way) -> bool:
        """Whether the ControlNet takes part."""
        inside = self._found.controlnet is not None and way.control > 0
        return way.mode in CONTROLLED or (inside and way.mode == "background")

    def pipe(self, way: Way) -> Any:
        """The pipeline of a mode, made of the components that are loaded."""
        diffusers = library()
        kind = _KINDS[way.mode, self.controlled(way)]
        if kind not in self._pipes:
            made = getattr(diffusers, f"StableDiffusion{'XL' if self._found.xl else ''}{kind}Pipeline")
            components = dict(self.base.components)
            if "ControlNet" in kind:
                components["controlnet"] = self._controlnet
            options = {"add_watermarker": False} if self._found.xl else {"requires_safety_checker": False}
            with quiet():
                pipe = made(**components, **options)
            pipe.set_progress_bar_config(disable=True)
            self._pipes[kind] = pipe
        return self._pipes[kind]

    @cached_property
    def base(self) -> Any:
        """The model as a text-to-image pipeline, with adapters and schedule, on its device."""
        diffusers = library()
        options: dict[str, Any] = {**self._options, **self._kind(self._found.variant)}
        options |= {"image_encoder": None, "feature_extractor": None}
        options |= {} if self._found.xl else {"safety_checker": None, "requires_safety_checker": False}
        kind = diffusers.StableDiffusionXLPipeline if self._found.xl else diffusers.StableDiffusionPipeline
        with quiet():
            pipe = kind.from_pretrained(self._found.folder, **options)
            self._adapt(pipe)
        if self._schedule != "own":
            made = getattr(diffusers, _SCHEDULERS[self._schedule])
            pipe.scheduler = made.from_config(pipe.scheduler.config)
        pipe.to(self.device)
        if str(self.dtype) != "torch.float16":  # in which alone SDXL's decoder overflows; elsewhere float32 is waste
            pipe.vae.register_to_config(force_upcast=False)
        pipe.unet = self._quickened(pipe.unet)
        pipe.vae = self._quickened(pipe.vae, compiled=False)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    @cached_property
    def _controlnet(self) -> Any:
        control = self._found.controlnet
        if control is None:
            raise ValueError(f"{self._found.name} has no ControlNet.")
        made = library().ControlNetModel.from_pretrained(control.folder, **self._options, **self._kind(control.variant))
        return self._quickened(made.to(self.device))

    def _adapt(self, pipe: Any) -> None:
        """Stack the LoRA adapters and melt them into the weights, so that they cost nothing later."""
        stack = self._found.adapters
        for place, one in enumerate(stack):
            pipe.load_lora_weights(
                str(one.file.parent),
                weight_name=one.file.name,
                adapter_name=f"{one.name}-{place}",
                local_files_only=True,
                use_safetensors=True,
            )
        if stack:
            names = [f"{one.name}-{place}" for place, one in enumerate(stack)]
            pipe.set_adapters(names, [one.weight for one in stack])
            pipe.fuse_lora(adapter_names=names)
            pipe.unload_lora_weights()

    def _quickened(self, network: Any, compiled: bool = True) -> Any:
        """A network in the form that its device reads fastest."""
        import torch

        network = network.to(memory_format=torch.channels_last).eval().requires_grad_(requires_grad=False)
        if compiled and self._compiled:
            network.compile()
        return network

    def _kind(self, variant: str) -> dict[str, str]:
        return {"variant": variant} if variant else {}

    @property
    def _options(self) -> dict[str, Any]:
        """How anything is loaded: from this machine, never as code."""
        return {"dtype": self.dtype, "use_safetensors": True, "local_files_only": True}

    @cached_property
    def device(self) -> str:
        """Where it runs."""
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"

    @cached_property
    def dtype(self) -> Any:
        """The arithmetic: as said, else what the device does best. SDXL's decoder overflows in float16."""
        import torch

        if self._precision != "best":
            return getattr(torch, self._precision)
        if self.device == "cuda" and not self._found.xl:
            return torch.float16
        if arithmetic.bfloat16(self.device):
            return torch.bfloat16
        return torch.float16 if self.device == "cuda" else torch.float32


def library() -> Any:
    """The module diffusers, ready to be used."""
    torchvision_ops.declare()  # what it loads when it is asked for a pipeline reads torchvision
    import diffusers

    return diffusers


@contextmanager
def quiet() -> Iterator[None]:
    """Keep diffusers from saying what is meant so: that a long prompt is cut, that it uses numpy as it used to be.

    And from drawing bars where somebody else draws one.
    """
    from diffusers.utils import logging as diffusers
    from transformers.utils import logging as transformers

    before = [
        (library, library.get_verbosity(), library.is_progress_bar_enabled()) for library in (diffusers, transformers)
    ]
    for library, _, _ in before:
        library.set_verbosity_error()
        library.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            for kind in (DeprecationWarning, FutureWarning):
                warnings.filterwarnings("ignore", category=kind, module=r"diffusers\.")
            warnings.filterwarnings("ignore", message="Already found a `peft_config`")  # adapters are stacked
            yield
    finally:
        for library, level, bars in before:
            library.set_verbosity(level)
            if bars:
                library.enable_progress_bar()
