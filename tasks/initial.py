"""The weights of the model that ships, until trained ones do: oriented edges, written down by formula.

A network with random weights finds parts less well than 16 x 16 grey pixels do. The same network finds them
better than HOG when its one block computes the energies of Gabor filters: at each of 8 x 8 places and in six
directions an even and an odd filter, and the sum of their magnitudes. Every number comes from a formula or
from `generator`, rounded so that it has the same bits on every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.records import generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLACES = 8  # places across the picture, and down it
DIRECTIONS = 6
WAVELENGTH = 3.0  # pixels
SPREAD = 1.5  # standard deviation of a filter's window, pixels
SHARPNESS = 4.0  # how closely GELU comes to max(0, x): |x| is made of two of them
_GRID = 2.0**12  # weights are multiples of 1/4096: cos and exp differ in the last bit between machines


def gabor(size: int) -> NDArray[np.float32]:
    """Filters of `size` x `size` pixels, (768, size, size) float32: even and odd ones take turns.

    Each has no mean and unit length: a plain background answers nothing, whatever its brightness.
    """
    row, column = np.mgrid[:size, :size] + 0.5
    centres = (np.arange(PLACES) + 0.5) * size / PLACES
    filters = []
    for y in centres:
        for x in centres:
            window = np.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * SPREAD**2))
            for angle in np.pi * np.arange(DIRECTIONS) / DIRECTIONS:
                across = (column - x) * np.cos(angle) + (row - y) * np.sin(angle)
                for phase in (0.0, np.pi / 2):
                    wave = window * np.cos(2 * np.pi * across / WAVELENGTH + phase)
                    wave -= window * wave.sum() / window.sum()
                    filters.append(wave / np.linalg.norm(wave))
    return np.asarray(np.round(np.array(filters) * _GRID) / _GRID, dtype=np.float32)


def fill(model: Any) -> None:
    """Give every weight of an open_clip model of the shipped configuration its value, in place."""
    import torch
    from torch import nn

    with torch.no_grad():
        for name, weight in model.named_parameters():
            seen = name.startswith("visual.")
            weight.copy_(torch.zeros_like(weight) if seen or weight.ndim < 2 else _noise(name, weight))
        for layer in model.modules():
            if isinstance(layer, nn.LayerNorm):
                layer.weight.fill_(1)
        model.logit_scale.fill_(np.log(1 / 0.07))
        _energies(model.visual)


def _energies(visual: Any) -> None:
    """Make the one block of `visual` turn its picture into the magnitudes of Gabor filters.

    Channels hold the answers first, then the energies (zero until the block adds them). The block's hidden
    units are max(0, x) and max(0, -x) of each answer; attention stays zero, for there is one token.
    """
    import torch

    filters = torch.from_numpy(gabor(visual.conv1.kernel_size[0]))
    count = len(filters)
    answers, pairs = torch.arange(count), count + torch.arange(count) // 2
    block = visual.transformer.resblocks[0].mlp
    visual.conv1.weight[:count] = filters[:, None] / 4  # mean of red, green and blue, nearly; exact in binary
    block.c_fc.weight[answers, answers] = SHARPNESS
    block.c_fc.weight[count + answers, answers] = -SHARPNESS
    block.c_proj.weight[pairs, answers] = 1 / SHARPNESS
    block.c_proj.weight[pairs, count + answers] = 1 / SHARPNESS
    visual.proj[count + torch.arange(count // 2), torch.arange(count // 2)] = 1


def _noise(name: str, weight: Any) -> Any:
    """Uniform numbers of the variance that keeps a layer's output as large as its input."""
    import torch

    raw = generator(name).random(tuple(weight.shape), dtype=np.float32)
    width = np.float32(2 * np.sqrt(3 / weight.shape[-1]))
    return torch.from_numpy((raw - np.float32(0.5)) * width)
