"""Buffers of a customer's parts to pictures as a search sees them: photographed, then cut out, not always well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.augment import backdrop
from tasks.training.darkroom import Darkroom
from tasks.training.matcaps import uniform

if TYPE_CHECKING:
    from torch import Tensor

TRAY: Final = 64  # pictures at a time: what is made of them on the way stays in the processor's cache
SPARED: Final = 0.25  # most pictures whose cut-out has holes


class Darkcell(Darkroom):
    """A darkroom whose photographs are cut out of their place and laid on the studio's backdrop, as a search does."""

    def cut(self, views: Tensor, strength: float) -> Tensor:
        """Views (n, s, s, 8) uint8 photographed, and cut out as well as a network does: (n, 3, size, size), 0 to 1."""
        import torch

        return torch.cat([self._cut(some, strength) for some in torch.split(views, TRAY)])

    def _cut(self, views: Tensor, strength: float) -> Tensor:
        count = len(views)
        picture, cover = self._lit(views, strength, near=0.14, far=1 + 0.1 * strength, shift=0.35)
        place = self._places(count, strength) * (1 - self._shadow(cover, strength))
        photograph = self._taken(place + cover * (picture - place), 0.8 * strength)
        mask = self._guessed(cover, strength)
        ground = self._backdrop(views)
        return ground + mask * (photograph - ground)

    def _guessed(self, cover: Tensor, strength: float) -> Tensor:
        """The silhouette `cover` (n, 1, size, size) as somebody guesses it: grown or shrunk, frayed, with holes."""
        from torch.nn import functional

        count, rng = len(cover), self._rng
        soft = functional.avg_pool2d(cover, 5, 1, 2)
        moved = 0.6 * uniform(rng, count, -0.35, 0.35, 1, 1, 1) + 0.175 * self._clouds(count, 10)
        mask = ((soft - 0.5 + strength * (moved + 0.1 * self._clouds(count, 24))) * 6 + 0.5).clamp(0, 1)
        torn = (uniform(rng, count, 0, 1) < SPARED * strength)[:, None, None, None]
        return mask * (1 - ((self._clouds(count, 5) - 1.15) * 8).clamp(0, 1) * torn)

    def _backdrop(self, like: Tensor) -> Tensor:
        """What cut-out parts are laid on, (1, 3, size, size)."""
        import torch

        scene = torch.from_numpy(backdrop(self.size).copy()).to(like.device)
        return scene.permute(2, 0, 1)[None].float() / 255
