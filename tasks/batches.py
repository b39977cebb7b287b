"""How many pictures are made at once: as many as the memory holds, and half of that when it did not."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from tasks.stages import StageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LARGEST: Final = {"cuda": 16, "cpu": 8}  # beyond that a picture takes no less time
SHARE: Final = 0.7  # of the free memory: the rest is for what does not grow with the batch, and for others
BYTES: Final = {"cuda": 9_000, "cpu": 18_000}  # for each pixel of a picture under way, about
_SIGNS: Final = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")
_log = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batches:
    """Makes things in batches: of `size` at first, of half as many after each time that memory ran out."""

    def __init__(self, size: int) -> None:
        self.size = max(1, size)

    def run(self, items: Sequence[Item], make: Callable[[Sequence[Item]], Sequence[Result]]) -> list[Result]:
        """What `make` makes of all items, in their order.

        Raises StageError when memory does not hold even one.
        """
        found: list[Result] = []
        while len(found) < len(items):
            batch = items[len(found) : len(found) + self.size]
            made = self._tried(batch, make)
            if made is not None:
                found += made
                continue
            forget()
            if len(batch) == 1:
                raise StageError(
                    "The memory does not hold even one picture: make them smaller (setting 'size'), or take a smaller "
                    "model."
                )
            self.size = max(1, min(self.size, len(batch)) // 2)
            _log.warning("Memory ran out at %d pictures at once; from now on %d.", len(batch), self.size)
        return found

    def _tried(
        self, batch: Sequence[Item], make: Callable[[Sequence[Item]], Sequence[Result]]
    ) -> Sequence[Result] | None:
        """What `make` makes of the batch; None when memory ran out, everything that it held let go."""
        try:
            return make(batch)
        except (RuntimeError, MemoryError) as error:
            if not exhausted(error):
                raise
        return None


@contextmanager
def enough(what: str) -> Iterator[None]:
    """Say as a StageError what the memory does not hold, where it runs out."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not exhausted(error):
            raise
        raise StageError(f"The memory does not hold {what}: take a smaller model, or another device.") from error


def exhausted(error: Exception) -> bool:
    """Whether an error says that memory ran out, on a GPU or on the machine."""
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return any(sign in str(error).lower() for sign in _SIGNS)


def forget() -> None:
    """Give memory back that torch keeps for later."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def fitting(device: str, pixels: int) -> int:
    """How many pictures of so many pixels the free memory of `device` ("cuda" or "cpu") seems to hold, 1 at least."""
    room = int(SHARE * free(device) / (BYTES[device] * pixels))
    return max(1, min(LARGEST[device], room))


def free(device: str) -> int:
    """Free bytes of the GPU, or of the machine."""
    import torch

    if device == "cuda":
        kept = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
        return int(torch.cuda.mem_get_info()[0] + kept)
    return min(_machine(), _container())


def _machine() -> int:
    """Bytes that the machine can still give out."""
    file = Path("/proc/meminfo")
    if file.is_file():
        lines = dict(line.split(":", 1) for line in file.read_text(encoding="ascii").splitlines())
        if "MemAvailable" in lines:
            return int(lines["MemAvailable"].split()[0]) * 1024
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)


def _container() -> int:
    """Bytes that are left to this container, where one has a limit."""
    limit, used = (Path(f"/sys/fs/cgroup/memory.{name}") for name in ("max", "current"))
    if limit.is_file() and used.is_file():
        said = limit.read_text(encoding="ascii").strip()
        if said.isdecimal():
            return max(0, int(said) - int(used.read_text(encoding="ascii")))
    return 2**62
