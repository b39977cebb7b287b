"""The training loop: two pictures of one part close together, siblings apart, words where their parts are."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.generate import spoken
from tasks.records import generator
from tasks.training.course import Course

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    from tasks.records import Bytes
    from tasks.training.library import Shelf

MEAN: Final = (0.48145466, 0.4578275, 0.40821073)  # open_clip's own, as its loader will expect
DEVIATION: Final = (0.26862954, 0.26130258, 0.27577711)
AVERAGED: Final = 0.998  # how slowly the weights that are kept follow those that are trained


class Loop:
    """One training: what is learned, and where it stands. `folder` holds its checkpoint and its log."""

    def __init__(self, model: Any, tokenizer: Any, shelf: Shelf, scenes: Bytes, course: Course, folder: Path) -> None:
        import torch

        from tasks.training.darkroom import Darkroom

        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model = model.to(self.device, memory_format=torch.channels_last)
        self.course, self.shelf, self.folder, self.step = course, shelf, folder, 0
        self.tokenizer, self.scenes, self._books = tokenizer, scenes, shelf.open()
        self.names = sorted({key[0] for key in shelf.parts})
        self.head = torch.nn.Linear(model.visual.head.proj.out_features, len(self.names)).to(self.device)
        torch.nn.init.zeros_(self.head.weight)
        torch.nn.init.zeros_(self.head.bias)
        self.average = {name: value.detach().clone() for name, value in model.state_dict().items()}
        self._optimiser = torch.optim.AdamW(_groups(self.model, self.head), lr=course.rate, betas=(0.9, 0.98))
        self.darkroom = Darkroom(torch.from_numpy(scenes).to(self.device))
        self._designs: dict[tuple[str, int], list[int]] = {}
        for place, (family, series, _) in enumerate(shelf.parts):
            self._designs.setdefault((family, series), []).append(place)

    def run(
        self, told: Callable[[dict[str, float]], None], *, until: int | None = None, save_every: float = 300
    ) -> None:
        """Go on to the last step, or to `until`; `told` hears of every hundredth, checkpoints come every so often."""
        last, since, sums = time.monotonic(), time.monotonic(), np.zeros(4)
        end = self.course.steps if until is None else until
        while self.step < end:
            sums += self._learn()
            self.step += 1
            if self.step % 100 == 0 or self.step == end:
                rate = 100 * 2 * self.course.parts / (time.monotonic() - since)
                names = ("alike", "family", "words", "correct")
                told({"step": self.step, "per_second": rate, **dict(zip(names, (sums / 100).tolist(), strict=True))})
                since, sums = time.monotonic(), np.zeros(4)
            if time.monotonic() - last > save_every or self.step == end:
                self.save()
                last = time.monotonic()

    def _learn(self) -> Any:
        """One step; returns its three losses and the share of pictures whose other one came first."""
        import torch
        from torch.nn import functional

        first, second, families, captions = self._batch()
        for group in self._optimiser.param_groups:
            group["lr"] = self.course.pace(self.step) * group["share"]
        with torch.autocast(self.device, torch.bfloat16):
            seen = self.model.encode_image(torch.cat([first, second])).float()
        said = self.model.encode_text(captions, normalize=True)
        described = len(said)
        guessed = functional.cross_entropy(self.head(seen), families.repeat(2), label_smoothing=0.05)
        seen = functional.normalize(seen, dim=-1)
        scale = self.model.logit_scale.exp().clamp(max=60)
        alike, correct = contrast(seen, scale)
        both = seen.view(2, -1, seen.shape[1])[:, :described].flatten(0, 1)
        words = captioned(both, said, scale)
        fading = 0.4 * (1 - 0.75 * self.step / self.course.steps)
        self._optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(alike + fading * guessed + 0.3 * words)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimiser.step()
        self._follow()
        return np.array([alike.item(), guessed.item(), words.item(), correct])

    def _follow(self) -> None:
        """Let the kept weights follow the trained ones; quickly at first."""
        import torch

        slow = min(AVERAGED, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                if value.dtype.is_floating_point:
                    self.average[name].lerp_(value, 1 - slow)
                else:
                    self.average[name].copy_(value)

    def _batch(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Two pictures of each part, numbers of their families, tokens of the captions of the first ones."""
        import torch

        rng = generator("train", self.course.seed, self.step)
        places = self._chosen(rng)
        pairs = [self._views(place, rng) for place in places]
        size, strength = self.course.size(self.step), self.course.strength(self.step)
        self.darkroom.begin(int(rng.integers(2**62)), size)
        plain = round(self.course.plain * len(places))
        one = [torch.from_numpy(np.stack([pair[side] for pair in pairs])).to(self.device) for side in (0, 1)]
        first = torch.cat([self.darkroom.indexed(one[0][:plain]), self.darkroom.photographed(one[0][plain:], strength)])
        second = self.darkroom.photographed(one[1], strength)
        number = {name: index for index, name in enumerate(self.names)}
        families = torch.tensor([number[self.shelf.parts[place][0]] for place in places], device=self.device)
        described = places[: max(2, round(self.course.described * len(places)))]
        captions = self.tokenizer([spoken(*self.shelf.says[place], rng) for place in described]).to(self.device)
        return ready(first), ready(second), families, captions

    def _chosen(self, rng: np.random.Generator) -> list[int]:
        """Places of a batch's parts: random designs, some siblings of each."""
        designs, siblings = list(self._designs.values()), self.course.siblings
        count = self.course.parts // siblings
        picked = rng.choice(len(designs), count, replace=len(designs) < count)
        places = [int(place) for one in picked for place in rng.choice(designs[int(one)], siblings, replace=False)]
        return [places[int(index)] for index in rng.permutation(len(places))]

    def _views(self, place: int, rng: np.random.Generator) -> tuple[Bytes, Bytes]:
        from tasks.training.library import CHUNK

        views = self._books[place // CHUNK][place % CHUNK]
        one, other = rng.choice(len(views), 2, replace=False)
        return views[one], views[other]

    # checkpoints

    def save(self) -> None:
        """Write the checkpoint; a stop while it is written leaves the one before."""
        import torch

        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "step": self.step,
            "course": self.course.model_dump_json(),
            "model": self.model.state_dict(),
            "head": self.head.state_dict(),
            "average": self.average,
            "optimiser": self._optimiser.state_dict(),
        }
        torch.save(state, self.folder / "checkpoint.new")
        (self.folder / "checkpoint.new").replace(self.folder / "checkpoint.pt")

    def resume(self) -> int:
        """Go on from the checkpoint in the folder, if there is one; returns the step."""
        import torch

        file = self.folder / "checkpoint.pt"
        if file.is_file():
            state = torch.load(file, map_location=self.device, weights_only=True)
            was = json.loads(state["course"])
            if was["seed"] != self.course.seed or was["parts"] != self.course.parts:
                raise ValueError(f"{file} is of another course: give its folder another name, or remove it.")
            self.step = state["step"]
            self.model.load_state_dict(state["model"])
            self.head.load_state_dict(state["head"])
            self.average = state["average"]
            self._optimiser.load_state_dict(state["optimiser"])
        return self.step


def ready(pictures: Tensor) -> Tensor:
    """Pictures (n, 3, s, s), 0 to 1, as the network takes them."""
    import torch

    mean = pictures.new_tensor(MEAN).view(1, 3, 1, 1)
    deviation = pictures.new_tensor(DEVIATION).view(1, 3, 1, 1)
    return pictures.sub(mean).div_(deviation).contiguous(memory_format=torch.channels_last)


def contrast(seen: Tensor, scale: Tensor) -> tuple[Tensor, float]:
    """Loss of pictures `seen` (2n, d), the second half being the first half's other pictures; and how many are right.

    Each picture has to find its other one among all of the batch (NT-Xent; Chen et al., "SimCLR", 2020).
    """
    import torch
    from torch.nn import functional

    count = len(seen)
    logits = scale * seen @ seen.T
    logits = logits - torch.eye(count, device=seen.device) * 1e4
    other = torch.arange(count, device=seen.device).roll(count // 2)
    return functional.cross_entropy(logits, other), float((logits.argmax(1) == other).float().mean())


def captioned(seen: Tensor, said: Tensor, scale: Tensor) -> Tensor:
    """Loss of captions `said` (n, d) against both pictures of each part (CLIP; Radford et al., 2021)."""
    import torch
    from torch.nn import functional

    count = len(said)
    target = torch.arange(count, device=seen.device)
    logits = scale * seen @ said.T
    back = torch.stack([logits[:count], logits[count:]])
    from_words = functional.cross_entropy(back[0].T, target) + functional.cross_entropy(back[1].T, target)
    return (functional.cross_entropy(logits, target.repeat(2)) + from_words / 2) / 2


def _groups(model: Any, head: Any) -> list[dict[str, Any]]:
    """Weights that decay, and those that do not: norms, biases and the temperature."""
    every = [*model.named_parameters(), *head.named_parameters()]
    flat = [value for name, value in every if value.ndim < 2 or "positional" in name]
    names = {id(value) for value in flat}
    deep = [value for _, value in every if id(value) not in names]
    return [{"params": deep, "weight_decay": 0.05, "share": 1.0}, {"params": flat, "weight_decay": 0.0, "share": 1.0}]
