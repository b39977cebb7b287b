"""The learning itself: a network learns to tell a customer's parts apart, from photographs made of their buffers.

Each photograph has to find its part among all of the customer's (a cosine classifier over the parts; Wang et al.,
"NormFace", 2017), and its own view of the index among those of the batch. Look-alikes come in the same batch: half of
it are the nearest ones of its other half, by what has been learned so far. Pictures get harder as fast as they are
learned. Captions stay where they were: the pictures of a part are held near what is said of it.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.records import content_id, generator
from tasks.tuning.network import Tuned
from tasks.tuning.pictures import Darkcell

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from blocks.models import Weights
    from tasks.tuning.course import Course
    from tasks.tuning.library import Shelf

SHARP: Final = 24.0  # inverse temperature of the parts' classifier
NEAR: Final = 16.0  # of a photograph among the views of its batch
PAIRED: Final = 0.5  # how much that counts
SAID: Final = 0.1  # how much captions count
ALIKE: Final = 0.5  # share of a batch that are look-alikes of its other parts
SAME: Final = 1e-4  # cosines of captions that say the same are so near to 1
EASY, HARD = 0.7, 0.5  # shares of photographs that are right at which they get harder, and easier
LEAST: Final = 0.3  # strength of the first photographs
STEP: Final = 0.01
FOLLOWED: Final = 0.02  # how quickly the share of photographs that are right follows that of a batch
QUICKER: Final = 3.0  # the classifier learns so much quicker than the network
AVERAGED: Final = 0.995
FEW: Final = 16  # views that say where a part is before anything is learned


class Loop:
    """One learning, and where it stands; `folder` holds its checkpoint. `identity` says of what it is the learning."""

    def __init__(self, weights: Weights, shelf: Shelf, course: Course, folder: Path) -> None:
        import torch

        from tasks.embed import network

        self.course, self.shelf, self.folder = course, shelf, folder
        self.identity = content_id("tuning", weights.digest, shelf.identity, course.model_dump(mode="json"))
        self.step, self.seconds = 0, 0.0
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        model = network(weights)
        self._seen = Tuned(model.visual, course.depth, self.device)
        self._darkcell = Darkcell(shelf.scenes.to(self.device))
        self._said = shelf.said(model, weights, self.device)
        self._first = {name: value.clone() for name, value in self._seen.state().items()}
        self._centres = torch.nn.Parameter(self._middles())
        self.strength, self.right = LEAST, 0.0
        groups = [*self._seen.groups(course.rate), {"params": [self._centres], "weight_decay": 0.0}]
        groups[-1]["rate"] = QUICKER * course.rate
        self._optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98))
        self._average = {name: value.clone() for name, value in self._seen.state().items()}

    @property
    def total(self) -> float:
        """Seconds that the whole learning takes, where no number of steps is given."""
        return self.course.minutes * 60

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1."""
        done = self.step / self.course.steps if self.course.steps else self.seconds / self.total
        return min(done, 1.0)

    def run(self, seconds: float = math.inf, *, until: float = 1.0) -> None:
        """Learn for so many seconds, or until that share of the whole is done, and write a checkpoint."""
        begun, before = time.monotonic(), self.seconds
        while self.share < min(until, 1.0) and time.monotonic() - begun < seconds:
            self._learn()
            self.step += 1
            self.seconds = before + time.monotonic() - begun
        self.save()

    def _learn(self) -> None:
        import torch
        from torch.nn import functional

        pace = self.course.pace(self.share, self.step)
        for group in self._optimiser.param_groups:
            group["lr"] = group["rate"] * pace
        places, views, photographs = self._batch()
        seen = functional.normalize(self._seen(torch.cat([views, photographs])), dim=-1)
        owners = torch.cat([places, places.repeat_interleave(self.course.pictures)])
        guesses = SHARP * seen @ functional.normalize(self._centres, dim=-1).T
        loss = functional.cross_entropy(guesses, owners, label_smoothing=0.05)
        count = len(places)
        among = torch.arange(count, device=self.device).repeat_interleave(self.course.pictures)
        loss = loss + PAIRED * functional.cross_entropy(NEAR * seen[count:] @ seen[:count].T, among)
        if self._said is not None:
            loss = loss + SAID * _told(seen, self._said[owners])
        self._optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        steep = torch.nn.utils.clip_grad_norm_(self._seen.learning, 1.0)
        if not torch.isfinite(steep):  # what was learned before is in the checkpoint, sound
            raise RuntimeError(
                f"The learning fell apart at step {self.step}: its gradient is no number. Start it again with a lower "
                "rate, or another seed."
            )
        self._optimiser.step()
        right = (guesses[count:].argmax(1) == owners[count:]).float().mean().item()
        self.harder(right)
        self._follow()

    def harder(self, right: float) -> None:
        """Let photographs get as hard as the share of them that is `right` allows."""
        self.right += FOLLOWED * (right - self.right)
        change = STEP * ((self.right > EASY) - (self.right < HARD))
        self.strength = min(max(self.strength + change, LEAST), 1.0)

    def _batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """Numbers (p,) of a batch's parts, their views and photographs as the network takes them."""
        import torch

        rng = generator("tuning", self.course.seed, self.step)
        torch.manual_seed(int(rng.integers(2**62)))  # for layers that leave something out by chance
        chosen = self._chosen(rng)
        taken = rng.integers(self.shelf.views, size=(len(chosen), 1 + self.course.pictures))
        some = [self.shelf.buffers(int(place), numbers) for place, numbers in zip(chosen, taken, strict=True)]
        buffers = torch.from_numpy(np.stack(some)).to(self.device)
        self._darkcell.begin(int(rng.integers(2**62)), self._seen.size(coarse=self.share < self.course.coarse))
        views = self._darkcell.indexed(buffers[:, 0])
        photographs = self._darkcell.cut(buffers[:, 1:].flatten(0, 1), self.strength)
        photographs = self.shelf.with_photographs(photographs, chosen, rng)
        return torch.from_numpy(chosen).to(self.device), self._seen.ready(views), self._seen.ready(photographs)

    def _chosen(self, rng: np.random.Generator) -> Any:
        """Numbers (p,) of a batch's parts: some by lot, the others are those that look most like them."""
        many = len(self.shelf.parts)
        most = min(self.course.parts, many)
        first = rng.choice(many, most - int(ALIKE * most), replace=False)
        centres = self._centres.detach()
        centres = (centres / centres.norm(dim=1, keepdim=True)).cpu().numpy()
        alike = centres[first] @ centres.T
        alike[:, first] = -np.inf
        order = np.argsort(-alike, axis=1)[:, :2].T.ravel()  # the nearest of each, then the second nearest
        others = list(dict.fromkeys(int(one) for one in order))[: most - len(first)]
        rest = np.setdiff1d(np.arange(many), np.concatenate([first, others]))
        lacking = most - len(first) - len(others)
        chosen = (
            np.concatenate([first, others, rng.choice(rest, lacking, replace=False)]) if lacking else [*first, *others]
        )
        return np.asarray(chosen, dtype=np.int64)

    def _middles(self) -> Tensor:
        """The mean direction of each part's views before anything is learned, (parts, d)."""
        import torch
        from torch.nn.functional import normalize

        middles = []
        for place in range(len(self.shelf.parts)):
            self._darkcell.begin(0, self._seen.size(coarse=False))
            views = torch.from_numpy(self.shelf.buffers(place, slice(FEW))).to(self.device)
            middles.append(normalize(self._seen.still(self._darkcell.indexed(views)), dim=-1).mean(0))
        return normalize(torch.stack(middles), dim=-1)

    def _follow(self) -> None:
        """Let the kept weights follow the learned ones; quickly at first."""
        import torch

        slow = min(AVERAGED, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self._seen.state().items():
                if value.dtype.is_floating_point:
                    self._average[name].lerp_(value, 1 - slow)
                else:
                    self._average[name].copy_(value)

    def result(self) -> Mapping[str, Tensor]:
        """The weights that differ from those at the start, by their names in open_clip's model."""
        import torch

        return {
            f"visual.{name}": value.detach().cpu()
            for name, value in self._average.items()
            if not torch.equal(value, self._first[name])
        }

    # checkpoints

    def save(self) -> None:
        """Write the checkpoint; a stop while it is written leaves the one before."""
        import torch

        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "identity": self.identity,
            "where": [self.step, self.seconds, self.strength, self.right],
            "state": self._seen.state(),
            "average": self._average,
            "centres": self._centres.detach(),
            "optimiser": self._optimiser.state_dict(),
        }
        torch.save(state, self.folder / "tuning.new")
        (self.folder / "tuning.new").replace(self.folder / "tuning.pt")

    def resume(self) -> float:
        """Go on from the checkpoint in the folder, if there is one of the same learning; returns the share done."""
        import torch

        file = self.folder / "tuning.pt"
        if file.is_file():
            state = torch.load(file, map_location=self.device, weights_only=True)
            if state["identity"] == self.identity:
                step, self.seconds, self.strength, self.right = state["where"]
                self.step = int(step)
                self._seen.load(state["state"])
                self._average = state["average"]
                with torch.no_grad():
                    self._centres.copy_(state["centres"])
                self._optimiser.load_state_dict(state["optimiser"])
        return self.share


def _told(seen: Tensor, said: Tensor) -> Tensor:
    """Loss of captions: each picture (n, d) has to find what is `said` (n, d) of its part, or of one called alike."""
    from torch.nn import functional

    alike = (said @ said.T > 1 - SAME).float()
    return functional.cross_entropy(NEAR * seen @ said.T, alike / alike.sum(1, keepdim=True))
