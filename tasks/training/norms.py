"""Group norms that learn quickly on a processor: torch's own go backward at a sixth of a convolution's speed there."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def quickened(network: Any) -> Any:
    """`network` with group norms that say the same and learn two to three times as quickly on a processor."""
    from torch.nn import GroupNorm

    for layer in network.modules():
        if type(layer) is GroupNorm:
            layer.__class__ = _quick()
    return network


@cache
def _quick() -> Any:
    from torch.nn import GroupNorm

    class QuickNorm(GroupNorm):
        """GroupNorm as one scale and one shift of each channel: sums and products that vectorise in any layout."""

        def forward(self, input: Tensor) -> Tensor:  # noqa: A002 # as torch calls it
            """As GroupNorm's of (n, c, h, w)."""
            if input.ndim != 4:
                return super().forward(input)
            count, channels = input.shape[:2]
            each = channels // self.num_groups
            size = input.shape[2] * input.shape[3] * each
            values = input.float()
            mean = values.sum((2, 3)).view(count, self.num_groups, each).sum(2) / size
            square = values.square().sum((2, 3)).view(count, self.num_groups, each).sum(2) / size
            steep = (square - mean.square()).clamp_min(0).add(self.eps).rsqrt()
            scale = steep.repeat_interleave(each, 1) * self.weight.float()
            shift = self.bias.float() - mean.repeat_interleave(each, 1) * scale
            return input * scale[:, :, None, None].to(input.dtype) + shift[:, :, None, None].to(input.dtype)

    return QuickNorm
