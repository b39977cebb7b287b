"""How well a model finds parts while it is trained: designs that it has not seen, photographed plainly and badly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.generate import spoken
from tasks.records import generator
from tasks.training.loop import ready

if TYPE_CHECKING:
    from torch import Tensor

    from tasks.records import Bytes
    from tasks.training.library import Shelf

INDEXED: Final = 6  # views of each part that are in the index; the others are photographed
ASKED: Final = 2
SEED: Final = 20261123


def exam(model: Any, tokenizer: Any, shelf: Shelf, scenes: Bytes, size: int) -> dict[str, float]:
    """recall@1 and @5 of `model` on the parts of `shelf`: photographed plainly, badly, and described in words."""
    import torch

    from tasks.training.darkroom import Darkroom

    device = next(model.parameters()).device
    darkroom = Darkroom(torch.from_numpy(scenes).to(device))
    views = torch.from_numpy(np.concatenate([np.array(book) for book in shelf.open()])[: len(shelf.parts)])
    owners = torch.arange(len(views), device=device)
    darkroom.begin(SEED, size)
    index = _embedded(model, darkroom.indexed(views[:, :INDEXED].flatten(0, 1).to(device)))
    asked = views[:, INDEXED : INDEXED + ASKED].flatten(0, 1).to(device)
    found: dict[str, float] = {}
    for name, strength in (("plain", 0.0), ("hard", 1.0)):
        queries = _embedded(model, darkroom.photographed(asked, strength))
        found |= _recall(name, queries, index, owners.repeat_interleave(ASKED))
    rng = generator("exam", SEED)
    with torch.inference_mode():
        tokens = tokenizer([spoken(*said, rng) for said in shelf.says]).to(device)
        found |= _recall("words", model.encode_text(tokens, normalize=True).float(), index, owners)
    return found


def _embedded(model: Any, pictures: Tensor) -> Tensor:
    import torch

    with torch.inference_mode(), torch.autocast(pictures.device.type, torch.bfloat16):
        parts = [model.encode_image(ready(some), normalize=True).float() for some in torch.split(pictures, 256)]
    return torch.cat(parts)


def _recall(name: str, queries: Tensor, index: Tensor, owners: Tensor) -> dict[str, float]:
    """Share of `queries` (q, d) whose owner's best picture in `index` (n * views, d) is first, and among five."""
    scores = (queries @ index.T).reshape(len(queries), -1, INDEXED).amax(2)
    order = scores.argsort(1, descending=True)[:, :5] == owners[:, None]
    return {f"{name}@1": float(order[:, :1].any(1).float().mean()), f"{name}@5": float(order.any(1).float().mean())}
