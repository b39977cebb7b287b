"""Buffers of views to pictures as a network sees them, a batch at a time: lit, placed, hidden, photographed.

A picture is new at each step: other light and material, another place, other things about, another camera. How hard
it is grows with `strength`, 0 to 1: with everything from the start a network stays at chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.training.matcaps import matcaps, uniform

if TYPE_CHECKING:
    from torch import Generator, Tensor

SPHERES: Final = 64  # materials in stock for a batch
TRAY: Final = 64  # pictures at a time: what is made of them on the way stays in the processor's cache
STUDIO: Final = 0.3  # share of pictures that keep the studio's own light
HIDDEN: Final = 0.35  # share of pictures in which another part lies over it
CLEARER: Final = 0.15  # the same where it must be plain which part is meant


class Darkroom:
    """Develops pictures; `scenes` (n, h, w, 3) uint8 are places to put parts in, and say on which device to work."""

    def __init__(self, scenes: Tensor) -> None:
        import torch

        self.size = 0
        self._scenes = scenes.permute(0, 3, 1, 2)
        self._rng = torch.Generator(device=scenes.device)

    def begin(self, seed: int, size: int) -> None:
        """Start a batch of pictures of `size` pixels: what comes depends on `seed` alone."""
        self.size = size
        self._rng.manual_seed(seed)
        self._spheres = matcaps(SPHERES, self._rng)

    def indexed(self, views: Tensor) -> Tensor:
        """Views (n, s, s, 8) uint8 as the index has them, any of their sides up: (n, 3, size, size), 0 to 1."""
        import torch

        count, rng = len(views), self._rng
        colours = views[..., :3].permute(0, 3, 1, 2).float() / 255
        quarters = torch.randint(4, (count,), generator=rng, device=rng.device) * (torch.pi / 2)
        angle = quarters + uniform(rng, count, -0.14, 0.14)
        grid = _placed(rng, angle, uniform(rng, count, 0.94, 1.06), self.size, 0.03, None)
        return _sampled(colours, grid, border=True)

    def photographed(self, views: Tensor, strength: float) -> Tensor:
        """Views (n, s, s, 8) uint8 as somebody photographs the part somewhere: (n, 3, size, size), 0 to 1."""
        import torch

        return torch.cat([self._developed(some, strength)[:, :3] for some in torch.split(views, TRAY)])

    def composed(self, views: Tensor, strength: float) -> tuple[Tensor, Tensor]:
        """Like `photographed`, less often hidden, and how much of each pixel is the part's: (n, 1, size, size)."""
        import torch

        made = torch.cat([self._developed(some, strength, CLEARER) for some in torch.split(views, TRAY)])
        return made[:, :3], made[:, 3:]

    def retaken(self, pictures: Tensor, strength: float) -> Tensor:
        """Pictures (n, 3, s, s), 0 to 1, as another camera makes them."""
        return self._taken(pictures, strength)

    def _developed(self, views: Tensor, strength: float, hidden: float = HIDDEN) -> Tensor:
        """Pictures, and what is seen of the parts, (n, 4, size, size)."""
        picture, cover = self._lit(views, strength)
        scene = self._places(len(views), strength)
        scene = self._strewn(scene, picture, cover, 0.6 * strength)
        scene = scene * (1 - self._shadow(cover, strength))
        picture = scene + cover * (picture - scene)
        made = self._hidden(picture, cover, hidden * strength)
        return _joined(self._taken(made[:, :3], strength), made[:, 3:])

    def _lit(
        self, views: Tensor, strength: float, *, near: float = 0.52, far: float = 1.08, shift: float = 0.5
    ) -> tuple[Tensor, Tensor]:
        """Colour (n, 3, size, size) and cover (n, 1, size, size) of the parts, turned and moved.

        At full strength they are as small as 1 - `near`; `far` is the largest, `shift` how far they move at most.
        """
        import torch

        count, rng = len(views), self._rng
        grid, angle = _turned(rng, count, self.size, near=1 - near * strength, far=far, shift=shift)
        buffers = _sampled(views.permute(0, 3, 1, 2).float(), grid)
        cover = buffers[:, 3:4] / 255
        x, y = (buffers[:, 4:6] - 128).div(127 * cover.clamp_min(0.2)).unbind(1)
        cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
        facing = torch.stack([x * cos - y * sin, -(x * sin + y * cos)], dim=-1).clamp(-1, 1)
        chosen = torch.randint(SPHERES, (count,), generator=rng, device=rng.device)
        spheres = self._spheres[chosen].flip(2)
        shaded = _sampled(spheres, facing, border=True) * self._crevices(buffers[:, 7:], cover)
        studio = (uniform(rng, count, 0, 1) < STUDIO)[:, None, None, None]
        picture = torch.where(studio, buffers[:, :3] / 255, shaded)
        worn = uniform(rng, count, 0, 0.22 * strength, 1, 1, 1)
        return picture * (1 + worn * self._clouds(count, 12)), cover

    def _crevices(self, depth: Tensor, cover: Tensor) -> Tensor:
        """How much light gets where the part is deeper than around: (n, 1, size, size), 0.3 to 1."""
        from torch.nn import functional

        small = functional.avg_pool2d(depth, 2) / 255
        inside = functional.avg_pool2d(cover, 2)
        around = functional.avg_pool2d(small, 7, 1, 3) / functional.avg_pool2d(inside, 7, 1, 3).clamp_min(1e-3)
        deeper = (small - around * inside).clamp_min(0)
        strength = uniform(self._rng, len(depth), 1.0, 5.0, 1, 1, 1)
        dark = (1 - strength * deeper).clamp(0.3, 1)
        return functional.interpolate(dark, scale_factor=2, mode="bilinear", align_corners=False)

    def _clouds(self, count: int, cells: int, channels: int = 1) -> Tensor:
        """Soft noise (count, channels, size, size), about -1 to 1."""
        import torch
        from torch.nn import functional

        noise = torch.randn(count, channels, cells, cells, generator=self._rng, device=self._rng.device) * 0.6
        return functional.interpolate(noise, size=(self.size, self.size), mode="bilinear", align_corners=False)

    def _places(self, count: int, strength: float) -> Tensor:
        """What parts lie on: plain, shaded, or one of the scenes; (count, 3, size, size)."""
        import torch

        rng = self._rng
        level = uniform(rng, count, 0.02, 1.0, 1, 1, 1) + uniform(rng, count, -0.08, 0.08, 3, 1, 1)
        places = level + uniform(rng, count, 0, 0.25 * strength, 1, 1, 1) * self._clouds(count, 3)
        rows = (uniform(rng, count, 0, 1) < 0.85 * strength).nonzero()[:, 0]
        if len(rows):
            scene = torch.randint(len(self._scenes), (len(rows),), generator=rng, device=rng.device)
            grid, _ = _turned(rng, len(rows), self.size, near=1.1, far=2.6, shift=0.0)
            placed = _sampled(self._scenes[scene].float() / 255, grid * 0.7, border=True)
            places[rows] = placed * uniform(rng, len(rows), 0.6, 1.3, 1, 1, 1)
        return places.clamp(0, 1)

    def _strewn(self, scene: Tensor, picture: Tensor, cover: Tensor, share: float) -> Tensor:
        """`scene` with other parts of the batch lying about on it, smaller and to the sides."""
        for step in (1, 2):
            scene = self._laid(scene, picture, cover, step, far=0.75, away=(0.55, 1.1), share=share)
        return scene

    def _hidden(self, picture: Tensor, cover: Tensor, share: float) -> Tensor:
        """`picture` with another part of the batch over a side of it, and what that leaves of `cover`: (n, 4, ...)."""
        both = _joined(picture, cover)
        return self._laid(both, picture, cover, 3, far=0.8, away=(0.45, 0.85), share=share)

    def _laid(
        self,
        onto: Tensor,
        picture: Tensor,
        cover: Tensor,
        step: int,
        *,
        far: float,
        away: tuple[float, float],
        share: float,
    ) -> Tensor:
        """`share` of `onto` with another part of the batch, made small and put `away` from the middle.

        Of a fourth channel, what is seen of the part below, nothing is left there.
        """
        rng = self._rng
        rows = (uniform(rng, len(onto), 0, 1) < share).nonzero()[:, 0]
        if not len(rows):
            return onto
        others = (rows + 17 * step) % len(onto)
        grid, _ = _turned(rng, len(rows), self.size, near=0.3, far=far, shift=0.0, away=away)
        layer = _sampled(_joined(picture[others], cover[others]), grid)
        onto = onto.clone()
        onto[rows, :3] += layer[:, 3:] * (layer[:, :3] - onto[rows, :3])
        onto[rows, 3:] *= 1 - layer[:, 3:]
        return onto

    def _shadow(self, cover: Tensor, strength: float) -> Tensor:
        """How dark the ground is beside the parts: soft, to one side."""
        import torch
        from torch.nn import functional

        count, rng = len(cover), self._rng
        small = functional.avg_pool2d(cover, 4)
        soft = functional.avg_pool2d(functional.avg_pool2d(small, 3, 1, 1), 5, 1, 2)
        shift = uniform(rng, count, -0.16, 0.16, 2)
        identity = torch.eye(2, 3, device=rng.device).expand(count, 2, 3).clone()
        identity[:, :, 2] = shift
        grid = functional.affine_grid(identity, [count, 1, self.size, self.size], align_corners=False)
        return _sampled(soft, grid) * uniform(rng, count, 0, 0.3 + 0.5 * strength, 1, 1, 1)

    def _taken(self, picture: Tensor, strength: float) -> Tensor:
        """What the camera makes of it: exposure, white balance, focus, resolution, noise."""
        import torch
        from torch.nn import functional

        count, rng = len(picture), self._rng
        gain = 1 + uniform(rng, count, -0.35, 0.3, 1, 1, 1) * strength
        tint = 1 + uniform(rng, count, -0.14, 0.14, 3, 1, 1) * strength
        gamma = (uniform(rng, count, -0.35, 0.35, 1, 1, 1) * strength).exp()
        picture = (picture * gain * tint).clamp(0.001, 1).pow(gamma)
        blurred = functional.avg_pool2d(functional.pad(picture, (1,) * 4, mode="replicate"), 3, 1)
        coarse = functional.interpolate(
            functional.avg_pool2d(picture, 2), scale_factor=2, mode="bilinear", align_corners=False
        )
        soft = uniform(rng, count, -0.6, 1.0, 1, 1, 1).clamp_min(0) * (0.3 + 0.7 * strength)
        poor = (uniform(rng, count, 0, 1) < 0.3 * strength)[:, None, None, None]
        picture = torch.where(poor, coarse, picture + soft * (blurred - picture))
        grain = torch.randn(picture.shape, generator=rng, device=rng.device)
        return (picture + grain * uniform(rng, count, 0, 0.05 * strength + 0.005, 1, 1, 1)).clamp(0, 1)


def _turned(
    rng: Generator,
    count: int,
    size: int,
    *,
    near: float,
    far: float,
    shift: float,
    away: tuple[float, float] | None = None,
) -> tuple[Tensor, Tensor]:
    """The same turned by any angle, and by which; what is small is moved by up to `shift` of the room it leaves."""
    import torch

    angle = uniform(rng, count, -torch.pi, torch.pi)
    return _placed(rng, angle, uniform(rng, count, near, far), size, shift, away), angle


def _placed(
    rng: Generator, angle: Tensor, scale: Tensor, size: int, shift: float, away: tuple[float, float] | None
) -> Tensor:
    import torch
    from torch.nn import functional

    count = len(angle)
    if away is None:
        move = uniform(rng, count, -shift, shift, 2) * (1.1 - scale).clamp_min(0.04)[:, None]
    else:
        around = uniform(rng, count, -torch.pi, torch.pi)
        move = torch.stack([around.cos(), around.sin()], 1) * uniform(rng, count, *away)[:, None]
    cos, sin = angle.cos() / scale, angle.sin() / scale
    turn = torch.stack([torch.stack([cos, sin], 1), torch.stack([-sin, cos], 1)], 1)
    theta = torch.cat([turn, -turn @ move[:, :, None]], dim=2)
    return functional.affine_grid(theta, [count, 1, size, size], align_corners=False)


def _joined(picture: Tensor, cover: Tensor) -> Tensor:
    import torch

    return torch.cat([picture, cover], dim=1)


def _sampled(images: Tensor, grid: Tensor, *, border: bool = False) -> Tensor:
    from torch.nn import functional

    mode = "border" if border else "zeros"
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode=mode, align_corners=False)
