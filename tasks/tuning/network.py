"""The side of an open_clip model that looks at pictures, and how much of it learns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

SMALL: Final = 20_000_000  # weights up to which a network learns whole
LARGE: Final = 0.1  # share of the learning rate of a large one
DECAY: Final = 0.05
CHUNK: Final = 64


class Tuned:
    """`visual` of an open_clip model on `device`: a small one learns whole, of a large one the last `depth` blocks."""

    def __init__(self, visual: Any, depth: int, device: str) -> None:
        import torch

        self._visual = visual.to(device, memory_format=torch.channels_last)
        self.small = sum(weight.numel() for weight in visual.parameters()) <= SMALL
        self._visual.requires_grad_(requires_grad=self.small)
        self._places = [self._visual] if self.small else last(self._visual, depth)
        for place in self._places:
            place.requires_grad_(requires_grad=True)
        self.learning = [weight for weight in self._visual.parameters() if weight.requires_grad]
        self._preprocess = dict(visual.preprocess_cfg)
        self._train()

    def _train(self) -> None:
        """Norms that count batches do so only where something is learned."""
        self._visual.eval()
        for place in self._places:
            if hasattr(place, "train"):
                place.train()

    def __call__(self, pictures: Tensor) -> Tensor:
        """Vectors (n, d) of pictures (n, 3, s, s) that are ready, to learn from."""
        from tasks import arithmetic

        with arithmetic.precision(pictures.device.type):
            found = self._visual(pictures)
        vectors: Tensor = found[0] if isinstance(found, tuple) else found  # CoCa gives its tokens as well
        return vectors.float()

    def still(self, pictures: Tensor) -> Tensor:
        """Vectors (n, d) of pictures (n, 3, s, s), 0 to 1, nothing learned from them."""
        import torch

        self._visual.eval()
        with torch.inference_mode():
            found = torch.cat([self(self.ready(some)) for some in torch.split(pictures, CHUNK)])
        self._train()
        return found.clone()

    def size(self, *, coarse: bool) -> int:
        """Pixels of a picture; `coarse` is two thirds of them, where the network takes pictures of any size."""
        size = self._preprocess["size"]
        whole = size if isinstance(size, int) else int(size[0])
        return whole * 2 // 3 // 8 * 8 if coarse and self.small and _any_size(self._visual) else whole

    def ready(self, pictures: Tensor) -> Tensor:
        """Pictures (n, 3, s, s), 0 to 1, as the network takes them."""
        import torch

        mean, deviation = (pictures.new_tensor(self._preprocess[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
        return pictures.sub(mean).div_(deviation).contiguous(memory_format=torch.channels_last)

    def state(self) -> dict[str, Tensor]:
        """All weights and counts by their names."""
        return dict(self._visual.state_dict())

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take the weights of `state`."""
        self._visual.load_state_dict(state)

    def groups(self, rate: float) -> list[dict[str, Any]]:
        """What learns, for an optimiser: weights that decay, and those that do not."""
        own = rate if self.small else LARGE * rate
        deep = [weight for weight in self.learning if weight.ndim > 1]
        flat = [weight for weight in self.learning if weight.ndim < 2]
        return [
            {"params": deep, "weight_decay": DECAY, "rate": own},
            {"params": flat, "weight_decay": 0.0, "rate": own},
        ]


def last(visual: Any, depth: int) -> list[Any]:
    """The last `depth` blocks of a large network, and all that comes after them.

    Blocks are the children of its longest list of layers. Raises ValueError with a sentence where it has none.
    """
    from torch.nn import ModuleList, Parameter, Sequential

    lists = [(name, one) for name, one in visual.named_modules() if isinstance(one, ModuleList | Sequential)]
    name, blocks = max(lists, key=lambda pair: len(pair[1]), default=("", ()))
    if len(blocks) < 2:
        raise ValueError("This network has no blocks in a row, so none of them are its last ones: it can't be tuned.")
    names = [one for one, _ in visual.named_modules()]
    inside = [one for one in names if one == name or one.startswith(f"{name}.")]
    after = names[names.index(inside[-1]) + 1 :]
    parents = tuple(name.split(".")[:level] for level in range(1, name.count(".") + 2))
    outside = [one for one in after if one.split(".") not in parents]
    heads = [getattr(visual, one) for one in ("proj",) if isinstance(getattr(visual, one, None), Parameter)]
    return [*list(blocks)[-depth:], *(visual.get_submodule(one) for one in outside), *heads]


def _any_size(visual: Any) -> bool:
    """Whether it has no places of its own: a network of convolutions takes pictures of any size."""
    return not any("pos" in name for name, _ in visual.named_parameters())
