"""An adapter that learns: LoRA on the attention of a UNet, the photographs' noise and the renders' noise to be told.

The loss is DreamBooth's (Ruiz et al., 2023) with LoRA (Hu et al., 2022): photographs with a rare word in their caption,
and beside them what must stay as it is. That is not drawn by the model, as usual, but comes from CAD: renders and their
geometry, heard through the ControlNet that the pictures will be made with. So the word takes the look, and the UNet
goes on doing as the ControlNet says.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from blocks import torchvision_ops
from tasks import arithmetic
from tasks.diffusion import adapters, pipelines
from tasks.diffusion.pipelines import quiet
from tasks.records import Bytes, Floats, Record, generator
from tasks.training.learner import Learner
from tasks.training.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from blocks.models import Pipeline
    from tasks.training.learner import Losses

    Written = tuple[Tensor, str, Bytes | None]  # latents (c, h, w), caption, what the ControlNet reads (c, s, s)

NAME: Final = "lora"
ATTENTION: Final = ("to_q", "to_k", "to_v", "to_out.0")
LARGE: Final = 500_000_000  # weights of a UNet from which on memory is worth more than time
_AT_ONCE: Final = 4  # pictures that the VAE writes at once


class Tuning(BaseModel):
    """How an adapter is trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(800, ge=1, le=100_000, description="Steps of the training.")
    seed: int = Field(1, ge=0, description="Seed of everything random.")
    batch: int = Field(4, ge=1, le=64, description="Photographs in a step, and as many renders.")
    rank: int = Field(16, ge=1, le=256, description="Rank of the adapter: how much it can learn.")
    rate: float = Field(1e-4, gt=0, lt=1, description="Learning rate.")
    prior: float = Field(1.0, ge=0, le=10, description="Weight of the renders beside the photographs.")

    @property
    def pace(self) -> Pace:
        """The same rate after a short rise, so that a training can go on for more steps than were planned."""
        return Pace(steps=self.steps, batch=2 * self.batch, rate=self.rate, warm=20, decay=0.0)


class Lesson(Record):
    """A picture to learn from.

    `pixels` (s, s, 3) uint8 have the size that the model was made for; `condition` (s, s, c) float32, 0 to 1, is what
    the ControlNet reads, None for a photograph.
    """

    pixels: Bytes
    caption: str
    condition: Floats | None = None


class Lora:
    """The training of one adapter for the model `found`; checkpoint and log are in `folder`."""

    def __init__(
        self,
        found: Pipeline,
        lessons: tuple[Sequence[Lesson], Sequence[Lesson]],
        tuning: Tuning,
        folder: Path,
        identity: str,
    ) -> None:
        import torch

        self._found, self._tuning, self._folder = found, tuning, folder
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        pipelines.engine.cache_clear()  # what made pictures in this process before needs its memory no more
        pipe, self._control = _loaded(found, self._device)
        self._noise = _noise(pipe)
        self._photographs, self._renders = (_written(pipe, some) for some in lessons)
        self._states = _read(pipe, {lesson.caption for some in lessons for lesson in some})
        grey = torch.zeros(1, 3, found.size, found.size)
        self._blank = _latents(pipe, grey).to(self._device) if found.inpainting else None  # where all is to be filled
        self._unet = pipe.unet
        del pipe  # the text side and the VAE have done their work
        self._names = _add_adapter(self._unet, tuning)
        folder.mkdir(parents=True, exist_ok=True)
        weights = dict(self._unet.named_parameters())
        learned = torch.nn.ParameterList(weights[name] for name in self._names)
        self.learner = Learner(NAME, {NAME: learned}, tuning.pace, folder, identity=identity)

    def losses(self, step: int) -> Losses:
        """How far the UNet is from telling the noise of a few photographs and of a few renders."""
        rng = generator("lora", self._tuning.seed, step)
        photographs = self._unlike(self._photographs, rng)
        if not self._renders or not self._tuning.prior:
            return {"loss": photographs, "photographs": photographs}
        renders = self._unlike(self._renders, rng)
        return {
            "loss": photographs + self._tuning.prior * renders,
            "photographs": photographs,
            "renders": renders,
        }

    def told(self) -> tuple[dict[str, float], ...]:
        """What was logged, by step; what was told twice after a stop counts once."""
        file = self._folder / f"{NAME}.jsonl"
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []
        found = {line["step"]: line for line in lines if line["step"] <= self.learner.step}
        return tuple({key: line[key] for key in line if key != "per_second"} for _, line in sorted(found.items()))

    def write(self, name: str, words: Mapping[str, str]) -> Path:
        """Write the adapter, as diffusers reads it and with its words in the header; returns its file."""
        from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
        from peft.utils import get_peft_model_state_dict
        from safetensors.torch import save_file

        averages = dict(zip(self._names, (weight.detach().cpu() for weight in self.learner.average), strict=True))
        state = get_peft_model_state_dict(self._unet, state_dict=averages)
        kind = StableDiffusionXLPipeline if self._found.xl else StableDiffusionPipeline
        # one key alone: several come in any order, and the same adapter would have another digest each time
        header = {adapters.HEADER: json.dumps(dict(words), sort_keys=True)}
        kind.save_lora_weights(
            self._folder,
            unet_lora_layers=state,
            weight_name=name,
            save_function=lambda weights, file: save_file(weights, file, header),
        )
        return self._folder / name

    def _unlike(self, some: Sequence[Written], rng: np.random.Generator) -> Tensor:
        """Mean square of what the UNet tells wrongly about a few of `some`."""
        import torch

        drawn = [some[int(place)] for place in rng.integers(len(some), size=self._tuning.batch)]
        clear = torch.stack([latents for latents, _, _ in drawn]).to(self._device)
        conditions = [condition for _, _, condition in drawn if condition is not None]
        chance = torch.Generator("cpu").manual_seed(int(rng.integers(2**62)))
        noise = torch.randn(clear.shape, generator=chance).to(self._device)
        count, steps = len(clear), self._noise.config.num_train_timesteps
        spread = (np.arange(count) + rng.random()) / count * steps  # evenly over all there is
        when = torch.from_numpy(rng.permutation(spread).astype(np.int64)).to(self._device)
        cloudy = self._noise.add_noise(clear, noise, when)
        condition = torch.from_numpy(np.stack(conditions)).to(self._device) / 255 if conditions else None
        said = self._said(cloudy, when, [caption for _, caption, _ in drawn], condition)
        return (said.float() - self._wanted(clear, noise, when).float()).square().mean()

    def _wanted(self, clear: Tensor, noise: Tensor, when: Tensor) -> Tensor:
        """What the UNet should say, after the way in which it was trained."""
        kind = self._noise.config.prediction_type
        if kind == "v_prediction":
            velocity: Tensor = self._noise.get_velocity(clear, noise, when)
            return velocity
        return clear if kind == "sample" else noise

    def _said(self, cloudy: Tensor, when: Tensor, captions: Sequence[str], condition: Tensor | None) -> Tensor:
        """What it says; where there is a `condition`, with what the ControlNet says to it."""
        import torch

        dtype = self._unet.dtype
        states = torch.stack([self._states[caption][0] for caption in captions]).to(self._device)
        more: dict[str, Any] = {}
        if self._found.xl:
            pooled = torch.stack([self._states[caption][1] for caption in captions]).to(self._device)
            size = self._found.size
            sizes = torch.tensor([[size, size, 0, 0, size, size]] * len(captions), device=self._device)
            more["added_cond_kwargs"] = {"text_embeds": pooled, "time_ids": sizes.to(dtype)}
        seen = cloudy.to(dtype)
        heard: dict[str, Any] = {}
        if condition is not None and self._control is not None:
            with torch.no_grad():
                downs, middle = self._control(seen, when, states, condition.to(dtype), return_dict=False, **more)
            heard = {"down_block_additional_residuals": downs, "mid_block_additional_residual": middle}
        if self._blank is not None:
            everything = torch.ones_like(seen[:, :1])
            seen = torch.cat([seen, everything, self._blank.expand_as(seen).to(dtype)], dim=1)
        told: Tensor = self._unet(seen, when, states, return_dict=False, **heard, **more)[0]
        return told


def _written(pipe: Any, lessons: Sequence[Lesson]) -> list[Written]:
    """The lessons with their pictures as latents, all on the processor."""
    import torch

    found: list[Written] = []
    for start in range(0, len(lessons), _AT_ONCE):
        some = lessons[start : start + _AT_ONCE]
        stack = torch.from_numpy(np.stack([lesson.pixels for lesson in some])).permute(0, 3, 1, 2)
        latents = _latents(pipe, stack.float() / 127.5 - 1)
        found += [(latents[place], lesson.caption, _planes(lesson.condition)) for place, lesson in enumerate(some)]
    return found


def _latents(pipe: Any, pixels: Tensor) -> Tensor:
    """Latents (n, c, h, w) float32 of pixels (n, 3, s, s), -1 to 1; on the processor."""
    import torch

    vae = pipe.vae
    with torch.no_grad():
        written = vae.encode(pixels.to(vae.device))
    mean = written.latent_dist.mean if hasattr(written, "latent_dist") else written.latents
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    latents: Tensor = ((mean.float() - shift) * vae.config.scaling_factor).cpu()
    return latents


def _read(pipe: Any, captions: set[str]) -> dict[str, tuple[Tensor, ...]]:
    """What the text side makes of each caption, and of all of it where it is asked for that; on the processor."""
    import torch

    found = {}
    for caption in sorted(captions):
        with torch.no_grad(), quiet():
            told = pipe.encode_prompt(
                prompt=caption, device=pipe.unet.device, num_images_per_prompt=1, do_classifier_free_guidance=False
            )
        kinds = (told[0], told[2]) if len(told) > 2 else (told[0],)
        found[caption] = tuple(kind[0].cpu() for kind in kinds)
    return found


def _add_adapter(unet: Any, tuning: Tuning) -> list[str]:
    """Add a fresh adapter to the UNet; returns the names of its weights."""
    import torch
    from peft import LoraConfig

    rank = tuning.rank
    config = LoraConfig(r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=list(ATTENTION))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(tuning.seed)
        unet.add_adapter(config)
    learned = {name: weight for name, weight in unet.named_parameters() if weight.requires_grad}
    for weight in learned.values():
        weight.data = weight.data.float()  # steps are too small for bfloat16
    if sum(weight.numel() for weight in unet.parameters()) > LARGE:
        unet.enable_gradient_checkpointing()
        unet.train()
    return list(learned)


def _planes(condition: Floats | None) -> Bytes | None:
    """What a ControlNet reads as (c, h, w) uint8: a hundred of them stay in memory."""
    return None if condition is None else np.rint(condition * 255).astype(np.uint8).transpose(2, 0, 1)


def _noise(pipe: Any) -> Any:
    """The noise that the model was trained with."""
    from diffusers import DDPMScheduler

    with quiet():
        return DDPMScheduler.from_config(pipe.scheduler.config)


def _loaded(found: Pipeline, device: str) -> tuple[Any, Any]:
    """The model's pipeline, frozen and without adapters, and its ControlNet, None where it has none."""
    torchvision_ops.declare()
    import diffusers
    import torch

    dtype = torch.bfloat16 if device == "cuda" and arithmetic.bfloat16(device) else torch.float32
    options: dict[str, Any] = {"use_safetensors": True, "local_files_only": True}
    kinds = {"default": dtype, "vae": torch.float32}  # in less its encoder loses what makes a photograph one
    left_out: dict[str, Any] = {"image_encoder": None, "feature_extractor": None}
    left_out |= {} if found.xl else {"safety_checker": None, "requires_safety_checker": False}
    kind = diffusers.StableDiffusionXLPipeline if found.xl else diffusers.StableDiffusionPipeline
    with quiet():
        pipe = kind.from_pretrained(found.folder, torch_dtype=kinds, **options, **_variant(found.variant), **left_out)
        control = None
        if found.controlnet is not None:
            control = diffusers.ControlNetModel.from_pretrained(
                found.controlnet.folder, torch_dtype=dtype, **options, **_variant(found.controlnet.variant)
            )
    pipe.to(device)
    for network in (pipe.unet, pipe.vae, pipe.text_encoder, getattr(pipe, "text_encoder_2", None), control):
        if network is not None:
            network.to(device).requires_grad_(requires_grad=False)
            network.eval()
    return pipe, control


def _variant(kind: str) -> dict[str, str]:
    return {"variant": kind} if kind else {}
