"""A small network that sees which pixels of a picture are the object's; `flows/train_cutout.py` is how it learned.

It learns with batch norms, which are then folded into the convolutions before them: what ships has none.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from torch import Tensor

    from tasks.records import Bytes

SIDE: Final = 128  # pixels of the pictures that it takes
WIDTHS: Final = (24, 48, 80, 120, 120)  # channels at 1/2, 1/4, ... of the picture's side
MIDDLE: Final = 0.45  # of the pictures' brightness, 0 to 1
WEIGHTS: Final = Path(__file__).parents[2] / "blocks" / "weights" / "partsight-cutout.safetensors"

_loading: Final = Lock()


def given(pictures: Bytes) -> Tensor:
    """What the network takes of `pictures` (n, 128, 128, 3) uint8: (n, 3, 128, 128) float32."""
    import torch

    return torch.tensor(pictures).permute(0, 3, 1, 2).float().div(255).sub(MIDDLE)


def trained() -> Any:
    """The network with the weights that ship. Raises ValueError with a sentence where they are missing."""
    with _loading:  # by one thread: the others wait for it
        return _loaded()


@cache
def _loaded() -> Any:
    from safetensors.torch import load_file

    if not WEIGHTS.is_file():
        raise ValueError(f"{WEIGHTS.name} is not part of this installation: install Partsight again.")
    network = created(0, norms=False)
    network.load_state_dict({name: value.float() for name, value in load_file(WEIGHTS).items()})
    return network.eval().requires_grad_(requires_grad=False)


def created(seed: int, *, norms: bool) -> Any:
    """A fresh network, its weights drawn from `seed`: from (n, 3, 128, 128) it makes logits (n, 1, 128, 128).

    With batch norms it learns, without it works: `folded` makes the one of the other.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _kind()(norms).to(memory_format=torch.channels_last)


def folded(network: Any) -> Any:
    """`network` that has learned, without its batch norms: it says the same."""
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    bare = created(0, norms=False)
    for layer, learned in zip(_layers(bare), _layers(network.eval().cpu()), strict=True):
        fused = fuse_conv_bn_eval(learned.convolution, learned.norm)
        layer.convolution.load_state_dict(fused.state_dict())
    others = {name: value for name, value in network.state_dict().items() if name.startswith(("narrow", "last"))}
    bare.load_state_dict(others, strict=False)
    return bare.eval().requires_grad_(requires_grad=False)


def _layers(network: Any) -> list[Any]:
    return [part for part in network.modules() if hasattr(part, "convolution")]


@cache
def _kind() -> Any:
    from torch import nn
    from torch.nn import functional

    class Layer(nn.Module):
        """A convolution of 3 x 3, its norm, and what is above nothing."""

        def __init__(self, before: int, after: int, norms: bool, stride: int = 1) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(before, after, 3, stride, 1, bias=not norms)
            self.norm = nn.BatchNorm2d(after) if norms else nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            return functional.relu(self.norm(self.convolution(x)), inplace=True)

    class Silhouette(nn.Module):
        """Down to 1/32 of the picture's side, where all of it is seen at once, and up again to every pixel."""

        def __init__(self, norms: bool) -> None:
            super().__init__()
            first = WIDTHS[0]
            pairs = list(pairwise(WIDTHS))
            self.stem = nn.Sequential(Layer(12, first, norms), Layer(first, first, norms))
            self.down = nn.ModuleList(nn.Sequential(Layer(a, b, norms, 2), Layer(b, b, norms)) for a, b in pairs)
            self.narrow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairs[::-1])
            self.up = nn.ModuleList(nn.Sequential(Layer(a, a, norms), Layer(a, a, norms)) for a, _ in pairs[::-1])
            self.last = nn.Conv2d(first, 4, 3, 1, 1)

        def forward(self, x: Tensor) -> Tensor:
            levels = [self.stem(functional.pixel_unshuffle(x, 2))]
            for down in self.down:
                levels.append(down(levels[-1]))
            x = levels.pop()
            x = x + x.mean((2, 3), keepdim=True)
            for narrow, up in zip(self.narrow, self.up, strict=True):
                x = up(functional.interpolate(narrow(x), scale_factor=2, mode="nearest") + levels.pop())
            made: Tensor = functional.pixel_shuffle(self.last(x), 2)
            return made

    return Silhouette
