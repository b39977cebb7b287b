"""What learns step by step: networks, their running average, the optimiser, a checkpoint that resumes, a log."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from tasks.arithmetic import bfloat16
from tasks.training.norms import quickened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor

    from tasks.training.pace import Pace

TOLD: Final = 100  # steps between two lines of the log
DECAY: Final = 0.01
STEEPEST: Final = 1.0  # gradients are never longer

Losses = dict[str, "Tensor"]


class Learner:
    """Networks by name that learn at a pace; `name` is that of their checkpoint and log in `folder`."""

    def __init__(self, name: str, networks: Mapping[str, Any], pace: Pace, folder: Path, *, identity: str) -> None:
        import torch

        self.name, self.pace, self.folder, self.identity, self.step = name, pace, folder, identity, 0
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.networks = {
            key: network.to(self.device, memory_format=torch.channels_last) for key, network in networks.items()
        }
        if self.device == "cpu":
            self.networks = {key: quickened(network) for key, network in self.networks.items()}
        self._weights = [weight for network in self.networks.values() for weight in network.parameters()]
        self.average = [weight.detach().clone() for weight in self._weights]
        self._optimiser = torch.optim.AdamW(
            _groups(self._weights), lr=pace.rate, betas=(0.9, 0.98), eps=1e-7, foreach=True
        )

    def run(
        self,
        losses: Callable[[int], Losses],
        told: Callable[[dict[str, float]], None],
        *,
        until: int | None = None,
        save_every: float = 300,
    ) -> None:
        """Go on to the last step, or to `until`; `losses(step)` gives the sum to lower, under "loss", and its parts.

        `told` hears of every hundredth step, checkpoints come every so many seconds and at the end.
        """
        end = self.pace.steps if until is None else min(until, self.pace.steps)
        saved = since = time.monotonic()
        sums: dict[str, float] = {}
        count = 0
        while self.step < end:
            for name, value in self._learn(losses).items():
                sums[name] = sums.get(name, 0.0) + value
            count += 1
            self.step += 1
            if self.step % TOLD == 0 or self.step == end:
                rate = count * self.pace.batch / (time.monotonic() - since)
                self._tell({"step": self.step, "per_second": rate} | {key: sums[key] / count for key in sums}, told)
                sums, count, since = {}, 0, time.monotonic()
            if time.monotonic() - saved > save_every or self.step == end:
                self.save()
                saved = time.monotonic()

    def _learn(self, losses: Callable[[int], Losses]) -> dict[str, float]:
        """One step; returns its losses. Raises RuntimeError when they are no longer numbers."""
        import torch

        for group in self._optimiser.param_groups:
            group["lr"] = self.pace.at(self.step)
        self._optimiser.zero_grad(set_to_none=True)
        with torch.autocast(self.device, torch.bfloat16, enabled=bfloat16(self.device)):
            found = losses(self.step)
        torch.autograd.backward(found["loss"])
        steep = torch.nn.utils.clip_grad_norm_(self._weights, STEEPEST)
        if not torch.isfinite(steep):
            raise RuntimeError(f"{self.name} fell apart at step {self.step}: its gradient is no number.")
        self._optimiser.step()
        slow = min(self.pace.averaged, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self.average, [weight.detach() for weight in self._weights], 1 - slow)
        return {name: float(value.detach()) for name, value in found.items()} | {"steep": float(steep)}

    def _tell(self, line: dict[str, float], told: Callable[[dict[str, float]], None]) -> None:
        with (self.folder / f"{self.name}.jsonl").open("a") as log:
            log.write(json.dumps({name: float(f"{value:.5g}") for name, value in line.items()}) + "\n")
        told(line)

    def averaged(self) -> dict[str, Any]:
        """The networks with their running averages for weights: copies, ready to be used."""
        import copy

        import torch

        places = iter(self.average)
        made = {}
        for name, network in self.networks.items():
            made[name] = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
            with torch.no_grad():
                for weight in made[name].parameters():
                    weight.copy_(next(places))
        return made

    # checkpoints

    def save(self) -> None:
        """Write the checkpoint; a stop while it is written leaves the one before."""
        import torch

        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "step": self.step,
            "identity": self.identity,
            "weights": [weight.detach() for weight in self._weights],
            "average": self.average,
            "optimiser": self._optimiser.state_dict(),
        }
        torch.save(state, self.folder / f"{self.name}.new")
        (self.folder / f"{self.name}.new").replace(self.folder / f"{self.name}.pt")

    def resume(self) -> int:
        """Go on from the checkpoint in the folder, if there is one; returns the step.

        Raises ValueError with a sentence when it is of other networks.
        """
        import torch

        file = self.folder / f"{self.name}.pt"
        if file.is_file():
            state = torch.load(file, map_location=self.device, weights_only=True)
            if state["identity"] != self.identity:
                raise ValueError(f"{file} is of another course: give its folder another name, or remove it.")
            self.step = state["step"]
            with torch.no_grad():
                for weight, average, was, mean in zip(
                    self._weights, self.average, state["weights"], state["average"], strict=True
                ):
                    weight.copy_(was)
                    average.copy_(mean)
            self._optimiser.load_state_dict(state["optimiser"])
        return self.step


def _groups(weights: list[Any]) -> list[dict[str, Any]]:
    """Weights that decay, and those that do not: norms and biases."""
    flat = [weight for weight in weights if weight.ndim < 2]
    deep = [weight for weight in weights if weight.ndim > 1]
    return [{"params": deep, "weight_decay": DECAY}, {"params": flat, "weight_decay": 0.0}]
