"""Batches fit into the memory that is there; when it runs out they are halved and the work goes on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import torch

from tasks import batches
from tasks.batches import Batches
from tasks.stages import StageError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Device:
    """A device that holds `room` things at once, and says so in its own way when there are more."""

    def __init__(self, room: int, error: Exception) -> None:
        self.room, self.error, self.sizes = room, error, list[int]()

    def __call__(self, items: Sequence[int]) -> list[int]:
        """Twice each of them."""
        self.sizes.append(len(items))
        if len(items) > self.room:
            raise self.error
        return [2 * item for item in items]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried to"),
        MemoryError(),
    ],
)
def test_out_of_memory_halves_the_batch_and_goes_on(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """Everything is made, in order; the batch stays small, now and the next time; one warning tells each halving."""
    device, made = Device(3, error), Batches(8)
    with caplog.at_level(logging.WARNING):
        assert made.run(range(11), device) == [2 * item for item in range(11)]
    assert device.sizes == [8, 4, 2, 2, 2, 2, 2, 1]
    assert len(caplog.records) == 2
    device.sizes.clear()
    made.run(range(4), device)
    assert device.sizes == [2, 2]


def test_one_that_does_not_fit_is_a_sentence() -> None:
    """When not even one picture fits, the way out is named."""
    with pytest.raises(StageError, match="does not hold even one picture: make them smaller"):
        Batches(4).run([1, 2, 3], Device(0, torch.OutOfMemoryError("out of memory")))


def test_a_model_that_does_not_fit_is_a_sentence() -> None:
    """Loading it is not tried again, but said with its name; other errors stay what they are."""
    with pytest.raises(StageError, match="does not hold sdxl: take a smaller model"), batches.enough("sdxl"):
        raise torch.OutOfMemoryError("CUDA out of memory.")
    with pytest.raises(RuntimeError, match="mat1"), batches.enough("sdxl"):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


def test_other_errors_are_not_swallowed() -> None:
    """Only a lack of memory is tried again."""
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        Batches(4).run([1, 2, 3], Device(0, RuntimeError("mat1 and mat2 shapes cannot be multiplied")))


def test_batches_are_sized_to_the_memory_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Larger pictures come in smaller batches, there is always one, and no device gets more than it can use."""
    assert 0 < batches.free("cpu") < 2**50
    monkeypatch.setattr(batches, "free", lambda device: {"cpu": 8e9, "cuda": 40e9}[device])
    sizes = [batches.fitting("cuda", side**2) for side in (128, 512, 1024, 8192)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == batches.LARGEST["cuda"]
    assert 1 < sizes[2] < sizes[1]
    assert sizes[-1] == 1
    assert batches.fitting("cpu", 128**2) == batches.LARGEST["cpu"]
