"""How near the embedder comes to what one core can do: `python pace.py [WEIGHTS]` prints JSON.

The measure is a matrix product of the arithmetic that the embedder works in: one of 2048 x 2048, and one as large as
the network's own largest. Seconds are those of the processor, so that a busy machine shifts the rates and not the
share; pictures are counted from (256, 256, 3) uint8 to finished vectors.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from blocks import models
from blocks.customer import Embed
from tasks.embed import embedder, network
from tasks.records import generator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BATCH = 64
SQUARE = (2048, 2048, 2048)
SECONDS = 4.0
CONVOLUTIONS = {"conv2d", "convolution", "_convolution", "_convolution_pointwise"}
PRODUCTS = {"mm", "addmm", "bmm", "baddbmm", "linear", "matmul"}

Sizes = tuple[int, int, int]


def measured(weights: str) -> dict[str, Any]:
    """Pictures a second on one core, floating-point operations a picture, and what of a matrix product that is."""
    import torch

    torch.set_num_threads(1)
    settings = Embed(weights=weights)
    own = embedder(settings)
    pictures = list(generator("pace").integers(0, 256, (BATCH, 256, 256, 3), dtype=np.uint8))
    arithmetic = used(lambda: own.images(pictures, batch=BATCH))
    found = models.find(settings.model, settings.weights)
    once, largest = counted(network(found))
    flops = once * found.turns
    rate = BATCH / seconds(lambda: own.images(pictures, batch=BATCH))
    products = {"square": product(SQUARE, arithmetic), "own": product(largest, arithmetic)}
    reached = rate * flops / 1e9
    return {
        "model": own.name,
        "arithmetic": arithmetic,
        "pictures_per_second_per_core": round(rate, 1),
        "looks_per_picture": found.turns,
        "gflop_per_picture": round(flops / 1e9, 4),
        "gflop_per_second": round(reached, 2),
        "matmul_gflop_per_second": {name: round(value, 1) for name, value in products.items()},
        "matmul_own_size": list(largest),
        "share": round(reached / max(products.values()), 4),
        "share_own_size": round(reached / products["own"], 4),
        "ideal_pictures_per_second": round(max(products.values()) * 1e9 / flops, 1),
    }


def seconds(call: Callable[[], object], budget: float = SECONDS) -> float:
    """Processor seconds of the quickest of the calls that fit into the budget."""
    call()
    best, end = math.inf, time.process_time() + budget
    while (begun := time.process_time()) < end:
        call()
        best = min(best, time.process_time() - begun)
    return best


def product(sizes: Sizes, arithmetic: str) -> float:
    """Billions of operations a second of a matrix product (m, k) x (k, n)."""
    import torch

    m, k, n = sizes
    kind = getattr(torch, arithmetic)
    left, right = torch.randn(m, k).to(kind), torch.randn(k, n).to(kind)
    return 2 * m * k * n / seconds(lambda: left @ right, SECONDS / 2) / 1e9


def counted(model: Any) -> tuple[float, Sizes]:
    """Operations that a picture costs, and the sizes (m, k, n) of the largest product for a batch of them."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    size = model.visual.preprocess_cfg["size"]
    height, width = (size, size) if isinstance(size, int) else size
    with torch.inference_mode():
        with FlopCounterMode(display=False) as counter:
            model.encode_image(torch.zeros(1, 3, height, width))
        seen = watched(lambda: model.encode_image(torch.zeros(BATCH, 3, height, width)))
    return float(counter.get_total_flops()), max((sizes for _, sizes in seen), key=math.prod)


def used(call: Callable[[], object]) -> str:
    """The number format in which a call does most of its products; float32 where it cannot be watched."""
    work: dict[str, int] = {}
    for kind, sizes in watched(call):
        work[kind] = work.get(kind, 0) + math.prod(sizes)
    return max(work, key=lambda kind: work[kind]) if work else "float32"


def watched(call: Callable[[], object]) -> list[tuple[str, Sizes]]:
    """Number format and sizes (m, k, n) of every product that torch does in a call."""
    from torch.utils._python_dispatch import TorchDispatchMode

    seen: list[tuple[str, Sizes]] = []

    class Watcher(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            name = func._schema.name.rpartition("::")[2]
            if name in PRODUCTS | CONVOLUTIONS:
                left, right = [arg for arg in args if hasattr(arg, "dim") and arg.dim() >= 2][:2]
                sizes = _convolved(right, result) if name in CONVOLUTIONS else _multiplied(name, left, right)
                seen.append((str(left.dtype).removeprefix("torch."), sizes))
            return result

    with Watcher():
        call()
    return seen


def _convolved(weight: Any, result: Any) -> Sizes:
    """The product that a convolution is: places, inputs of one output, channels."""
    return result.numel() // result.shape[1], math.prod(weight.shape[1:]), result.shape[1]


def _multiplied(name: str, left: Any, right: Any) -> Sizes:
    """The sizes of a product; those of a batch count as one."""
    return math.prod(left.shape[:-1]), left.shape[-1], right.shape[-2 if name == "linear" else -1]


def main() -> int:
    """Measure on one core and print."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    sys.stdout.write(json.dumps(measured(sys.argv[1] if len(sys.argv) > 1 else "")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
