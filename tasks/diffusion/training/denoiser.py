"""UNet and ControlNet learn together: latents under noise, the part's geometry, and words, to what the noise hides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.diffusion.training import networks
from tasks.diffusion.training.autoencoder import pictured
from tasks.diffusion.training.captions import written
from tasks.records import content_id, generator
from tasks.training.learner import Learner

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from tasks.diffusion.training.course import Course
    from tasks.diffusion.training.library import Album
    from tasks.records import Bytes
    from tasks.training.learner import Losses

NAME: Final = "denoiser"
MOST: Final = 5.0  # signal to noise beyond which a clearer picture counts no more (Hang et al., "Min-SNR", 2023)
LEAST: Final = 1.0  # and below which a fainter one counts no less: the first step of all starts from pure noise


class Denoiser:
    """The training of UNet and ControlNet on `latents` (as `tasks.diffusion.training.latents` writes them)."""

    def __init__(
        self, album: Album, latents: list[Any], text: tuple[Any, Any], course: Course, folder: Path, vae: str
    ) -> None:
        from diffusers import DDPMScheduler

        self._album, self._latents, self._course = album, latents, course
        self._conditions = album.conditions()
        encoder, self._tokenizer = text
        unet, control = networks.denoiser(course.shape, encoder.config.hidden_size, course.seed)
        identity = content_id(course.seed, course.shape.model_dump(), vae)
        self.learner = Learner(NAME, {"unet": unet, "controlnet": control}, course.denoiser, folder, identity=identity)
        self._encoder = encoder.to(self.learner.device)
        self._noise = DDPMScheduler(**networks.schedule())

    def losses(self, step: int) -> Losses:
        """How far UNet and ControlNet are from what they should have said, at `step`."""
        import torch

        rng = generator("denoise", self._course.seed, step)
        clear, condition, states = self._batch(rng)
        noise, when = self._hidden(clear, rng)
        cloudy = self._noise.add_noise(clear, noise, when)
        wanted = self._noise.get_velocity(clear, noise, when)
        shaped = torch.from_numpy((rng.random(len(clear)) >= self._course.shapeless).astype(np.float32))
        shaped = shaped.to(clear.device)[:, None, None, None]
        said = self._said(cloudy, when, states, condition, shaped)
        unlike = (said.float() - wanted).square().mean((1, 2, 3))
        loss = (self._weight(when) * unlike).mean()
        return {"loss": loss, "velocity": unlike.mean()}

    def _said(self, cloudy: Tensor, when: Tensor, states: Tensor, condition: Tensor, shaped: Tensor) -> Tensor:
        """Velocity (n, 4, h, w) that the networks tell; where `shaped` is 0 the ControlNet is not heard."""
        nets = self.learner.networks
        downs, middle = nets["controlnet"](cloudy, when, states, condition, return_dict=False)
        told: Tensor = nets["unet"](
            cloudy,
            when,
            states,
            down_block_additional_residuals=tuple(down * shaped for down in downs),
            mid_block_additional_residual=middle * shaped,
            return_dict=False,
        )[0]
        return told

    def _hidden(self, clear: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Noise like `clear`, and how far along it is in each picture: evenly over all there is."""
        import torch

        chance = torch.Generator(clear.device).manual_seed(int(rng.integers(2**62)))
        noise = torch.randn(clear.shape, generator=chance, device=clear.device)
        count, steps = len(clear), self._noise.config.num_train_timesteps
        spread = (np.arange(count) + rng.random()) / count * steps
        return noise, torch.from_numpy(rng.permutation(spread).astype(np.int64)).to(clear.device)

    def _weight(self, when: Tensor) -> Tensor:
        """Weight of each picture's loss: that of the picture behind the velocity, held within bounds."""
        signal = self._noise.alphas_cumprod.to(when.device)[when]
        clearness = signal / (1 - signal)
        weight: Tensor = clearness.clamp(LEAST, MOST) / (clearness + 1)
        return weight

    def _batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Latents (n, 4, h, w), conditions (n, 4, s, s) 0 to 1, hidden states of captions (n, 40, d)."""
        import torch

        places = [int(place) for place in rng.integers(self._album.count, size=self._course.denoiser.batch)]
        flips = rng.random(len(places)) < 0.5
        latents = np.stack(
            [pictured(self._latents, place)[int(flip)] for place, flip in zip(places, flips, strict=True)]
        )
        shapes = [
            mirrored(pictured(self._conditions, place)) if flip else pictured(self._conditions, place)
            for place, flip in zip(places, flips, strict=True)
        ]
        captions = [
            ""
            if rng.random() < self._course.wordless
            else written(*self._album.says[place], self._album.said[place], rng)
            for place in places
        ]
        device = self.learner.device
        clear = torch.from_numpy(latents).to(device).float().contiguous(memory_format=torch.channels_last)
        return clear, conditioned(shapes).to(device), states(captions, self._encoder, self._tokenizer)


def mirrored(condition: Bytes) -> Bytes:
    """Geometry (s, s, 4) uint8 of the mirrored picture: normals look the other way across."""
    found = condition[:, ::-1].copy()
    found[..., 0] = np.where(found[..., 3] > 0, 255 - found[..., 0], 0)
    return found


def conditioned(conditions: Sequence[Bytes]) -> Tensor:
    """Geometry (s, s, 4) uint8 of pictures as a ControlNet takes it: (n, 4, s, s) float32, 0 to 1, channels last."""
    import torch

    stacked = torch.from_numpy(np.stack(conditions)).permute(0, 3, 1, 2)
    return stacked.float().div(255).contiguous(memory_format=torch.channels_last)


def states(captions: Sequence[str], encoder: Any, tokenizer: Any) -> Tensor:
    """Hidden states (n, 40, d) of captions; what is too long is cut."""
    import torch

    tokens = tokenizer(
        list(captions),
        padding="max_length",
        truncation=True,
        max_length=tokenizer.model_max_length,
        return_tensors="pt",
    )
    with torch.no_grad():
        found: Tensor = encoder(tokens.input_ids.to(encoder.device))[0]
    return found
