"""The VAE: pictures to latents at a quarter of their size and back, then latents of mean 0 and deviation 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from blocks import models
from tasks.diffusion.training import networks
from tasks.embed import network
from tasks.records import content_id, generator
from tasks.training.learner import Learner
from tasks.training.loop import ready

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from tasks.diffusion.training.course import Course
    from tasks.diffusion.training.library import Album
    from tasks.training.learner import Losses

NAME: Final = "autoencoder"
CROP: Final = 64  # pixels: it knows nothing but what is near, so it learns on pieces
ALIKE: Final = 0.2  # weight of what the embedder sees in both, against what each pixel shows
TINTS: Final = 4.0  # weight of the colours of whole patches: without it a rare one, green say, is not written at all
PATCH: Final = 8  # pixels
KL: Final = 3e-4  # weight of how far latents are from plain noise
STAGES: Final = 2  # of the embedder's, from the finest on


class Autoencoder:
    """The training of the VAE on the pictures of `album`."""

    def __init__(self, album: Album, course: Course, folder: Path) -> None:
        self._images, self._course, self._count = album.images(), course, album.count
        vae = networks.autoencoder(course.shape, course.seed)
        identity = content_id(course.seed, course.shape.autoencoder, course.shape.groups)
        self.learner = Learner(NAME, {"vae": vae}, course.autoencoder, folder, identity=identity)
        self._eye = Eye(self.learner.device)

    def losses(self, step: int) -> Losses:
        """How far pictures are from what came back, at `step`."""
        import torch

        pictures = self._batch(step)
        vae = self.learner.networks["vae"]
        spread = vae.encode(pictures).latent_dist
        chance = torch.Generator(self.learner.device).manual_seed(int(generator("noise", step).integers(2**62)))
        noise = torch.randn(spread.mean.shape, generator=chance, device=pictures.device)
        again = vae.decode(spread.mean + spread.std * noise).sample
        apart = (again.float() - pictures).abs().mean()
        tints = (_coarse(again.float()) - _coarse(pictures)).square().mean()
        unlike = self._eye.unlike(again, pictures)
        mean, spread_ = spread.mean.float(), spread.logvar.float()
        kl = 0.5 * (mean.square() + spread_.exp() - 1 - spread_).mean()
        loss = apart + TINTS * tints + ALIKE * unlike + KL * kl
        return {"loss": loss, "apart": apart, "tints": tints, "unlike": unlike, "kl": kl}

    def _batch(self, step: int) -> Tensor:
        """Pieces of pictures (n, 3, c, c), -1 to 1."""
        rng = generator("crop", self._course.seed, step)
        size = self._course.shape.size
        crop = min(CROP, size)
        pieces = []
        for place in rng.integers(self._count, size=self._course.autoencoder.batch):
            picture = pictured(self._images, int(place))
            top, left = rng.integers(size - crop + 1, size=2)
            piece = picture[top : top + crop, left : left + crop]
            pieces.append(piece[:, ::-1] if rng.random() < 0.5 else piece)
        return prepared(np.stack(pieces)).to(self.learner.device)


class Eye:
    """What the embedder that ships sees in a picture, at its finest stages."""

    def __init__(self, device: str) -> None:
        import torch

        model = network(models.find(models.SHIPPED))
        trunk = model.visual.trunk.requires_grad_(requires_grad=False)
        self._trunk = trunk.to(device, memory_format=torch.channels_last)

    def unlike(self, one: Tensor, other: Tensor) -> Tensor:
        """How unlike pictures (n, 3, h, w) look to it, -1 to 1 each; 0 where they are equal."""
        import torch

        with torch.no_grad():
            there = self._seen(other)
        return torch.stack([(a - b).square().sum(1).mean() for a, b in zip(self._seen(one), there, strict=True)]).mean()

    def _seen(self, pictures: Tensor) -> list[Tensor]:
        """Directions of its features (n, c, h, w) in each place."""
        from torch.nn.functional import normalize

        seen = self._trunk.forward_intermediates(
            ready(pictures * 0.5 + 0.5), indices=list(range(STAGES)), intermediates_only=True
        )
        return [normalize(features.float(), dim=1, eps=1e-3) for features in seen]


def _coarse(pictures: Tensor) -> Tensor:
    """Mean colours of patches, for pictures (n, 3, h, w)."""
    from torch.nn.functional import avg_pool2d

    return avg_pool2d(pictures, PATCH)


def prepared(pictures: Any) -> Tensor:
    """Pictures (n, h, w, 3) uint8 as networks take them: (n, 3, h, w) float32, -1 to 1, channels last."""
    import torch

    pixels = torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2)
    return pixels.float().div(127.5).sub(1).contiguous(memory_format=torch.channels_last)


def pictured(books: list[Any], place: int) -> Any:
    """What stands at `place` in books of equal length."""
    length = len(books[0])
    return books[place // length][place % length]


def evened(vae: Any, pictures: Tensor) -> Any:
    """`vae`, changed so that its latents of `pictures` (n, 3, h, w) have mean 0 and deviation 1 in each channel.

    Its 1 x 1 convolutions take that up, so that what comes back is the same.
    """
    import torch

    with torch.no_grad():
        latents = vae.encode(pictures).latent_dist.mean.float()
        mean, deviation = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
        there, back, count = vae.quant_conv, vae.post_quant_conv, len(mean)
        there.bias[:count].sub_(mean).div_(deviation)
        there.weight[:count].div_(deviation[:, None, None, None])
        there.bias[count:].sub_(2 * deviation.log())
        back.bias.add_(back.weight[:, :, 0, 0] @ mean)
        back.weight.mul_(deviation[None, :, None, None])
    return vae
