"""A small network that sees where in a picture the part is, and where that differs from what its CAD says.

It is shown the variant, how much each pixel's colour is the part's (`tasks.gate.colours`), and all that is known of the
view: how its render looks, silhouette, normals, depth, and what a stage hides on purpose. `flows/train_gate.py` is how
it learned.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks import codec
from tasks.gate.colours import likely
from tasks.records import Bytes, Floats, Record

if TYPE_CHECKING:
    from tasks.records import Bools, View

SIDE: Final = 256  # pixels of the pictures that it was trained on
GRAIN: Final = 4  # pixels behind one cell of what it answers
CHANNELS: Final = 13  # picture 3; of the view: render 3, silhouette 1, normals 3, depth 1; hidden 1; colours 1
WIDTHS: Final = (16, 32, 64, 96)
GROUPS: Final = 8
WEIGHTS: Final = Path(__file__).parents[2] / "blocks" / "weights" / "partsight-gate.safetensors"


class Seen(Record):
    """What the network says of a picture, cells of 4 x 4 pixels: shares of certainty, (64, 64) float32, 0 to 1.

    `part` is where the part is seen, `differs` where that is not as its CAD says, `fault` the logarithm of the odds
    that the picture as a whole shows another shape.
    """

    part: Floats
    differs: Floats
    fault: float


def sight(variant: View, view: View) -> Seen:
    """What is seen of the part of `view` in `variant`."""
    import torch

    picture, known = _square(variant.image), _square(codec.packed(view))
    hidden = _square((view.mask & ~variant.mask).astype(np.uint8) * 255)
    colours = likely(picture, known[..., 3] > 127, hidden > 127)
    given = stacked(*(one[None] for one in (picture, known, hidden, colours)))
    with torch.inference_mode():  # in single precision, so that all machines say the same
        maps, fault = trained()(given)
    part, differs = maps[0].sigmoid().numpy()
    return Seen(part=part, differs=differs, fault=float(fault[0]))


def stacked(pictures: Bytes, views: Bytes, hidden: Bytes, colours: Bytes) -> Any:
    """What the network takes: (n, 13, s, s) float32, -1 to 1.

    Of `pictures` (n, s, s, 3), `views` (n, s, s, 8) as `tasks.codec.packed` has them, `hidden` (n, s, s), and `colours`
    (n, s/2, s/2) as `tasks.gate.colours.likely` has them, all uint8.
    """
    import torch

    large = colours.repeat(2, axis=1).repeat(2, axis=2)
    whole = torch.from_numpy(np.concatenate([pictures, views, hidden[..., None], large[..., None]], axis=-1))
    return whole.permute(0, 3, 1, 2).float().div(127.5).sub(1)


@cache
def trained() -> Any:
    """The network with the weights that ship. Raises ValueError with a sentence where they are missing."""
    from safetensors.torch import load_file

    if not WEIGHTS.is_file():
        raise ValueError(f"{WEIGHTS.name} is not part of this installation: install Partsight again.")
    network = created(0)
    network.load_state_dict({name: value.float() for name, value in load_file(WEIGHTS).items()})
    return network.eval().requires_grad_(requires_grad=False)


def created(seed: int) -> Any:
    """A fresh network, its weights drawn from `seed`.

    From (n, 13, s, s) it makes maps (n, 2, s/4, s/4) and faults (n,), logits.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _kind()().to(memory_format=torch.channels_last)


@cache
def _kind() -> Any:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional

    def layer(before: int, after: int, stride: int = 1) -> Any:
        convolution = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        return nn.Sequential(convolution, nn.GroupNorm(GROUPS, after), nn.ReLU(inplace=True))

    class Block(nn.Module):
        """Two convolutions, and what came in added."""

        def __init__(self, width: int) -> None:
            super().__init__()
            self.first = layer(width, width)
            self.second = nn.Conv2d(width, width, 3, 1, 1, bias=False)
            self.norm = nn.GroupNorm(GROUPS, width)

        def forward(self, x: Tensor) -> Tensor:
            return functional.relu(x + self.norm(self.second(self.first(x))))

    class Sight(nn.Module):
        """Down to 1/16 of the picture's side and up again to 1/4, and what all of it comes to."""

        def __init__(self) -> None:
            super().__init__()
            first, *widths = WIDTHS
            self.stem = nn.Conv2d(4 * CHANNELS, first, 3, 1, 1)
            pairs = zip(WIDTHS, widths, strict=False)
            self.down = nn.ModuleList(nn.Sequential(layer(a, b, 2), Block(b)) for a, b in pairs)
            steps = list(zip(widths[::-1], widths[-2::-1], strict=False))
            self.narrow = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in steps)
            self.up = nn.ModuleList(layer(b, b) for _, b in steps)
            self.maps = nn.Conv2d(widths[0], 2, 1)
            self.whole = nn.Sequential(nn.Linear(2 * widths[-1] + 6, 64), nn.ReLU(), nn.Linear(64, 1))

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            x = functional.relu(self.stem(functional.pixel_unshuffle(x, 2)))
            levels = []
            for down in self.down:
                x = down(x)
                levels.append(x)
            for narrow, up, level in zip(self.narrow, self.up, levels[-2::-1], strict=True):
                x = up(functional.interpolate(narrow(x), scale_factor=2, mode="nearest") + level)
            maps = self.maps(x)
            deep, near = levels[-1], functional.avg_pool2d(maps, 3, 1, 1)
            told = [deep.mean((2, 3)), deep.amax((2, 3)), maps.amax((2, 3)), near.amax((2, 3))]
            told.append(maps.sigmoid().mean((2, 3)))
            return maps, self.whole(torch.cat(told, 1))[:, 0]

    return Sight


def _square(pixels: Any) -> Any:
    """Pixels (h, w) or (h, w, c) uint8 as the network takes them: (256, 256, …)."""
    from PIL import Image

    if pixels.shape[:2] == (SIDE, SIDE):
        return pixels
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    resized = [
        np.asarray(Image.fromarray(planes[..., at]).resize((SIDE, SIDE), Image.Resampling.BOX))
        for at in range(planes.shape[-1])
    ]
    return resized[0] if pixels.ndim == 2 else np.stack(resized, axis=-1)


def cells(mask: Bools) -> Floats:
    """A mask (h, w) as shares of the network's cells, (64, 64) float32 0 to 1."""
    whole = _square(mask.astype(np.uint8) * 255).astype(np.float32) / 255
    side = SIDE // GRAIN
    return np.asarray(whole.reshape(side, GRAIN, side, GRAIN).mean((1, 3)), dtype=np.float32)
