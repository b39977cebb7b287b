"""Worker processes that make pictures, each with one GL context of its own.

A renderer can be killed by a mesh or a driver. Then the pool is made anew and the orders that were
in it are tried again one at a time, so that the part that kills it is found and named.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from tasks.pictures import Made, Order, pictures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def lost(order: Order, reason: str) -> Made:
    """What came of an order whose worker was ended."""
    return Made(part=order.part, failure=f"{order.part.number} cannot be rendered: {reason}")


class Workshop:
    """A pool of `workers` processes, started when first needed; several threads may order from it at once.

    `work` is what is done with an order, and `lost` what to say of one that ends its process, with the reason.
    """

    def __init__(
        self, workers: int, work: Callable[[Any], Any] = pictures, lost: Callable[[Any, str], Any] = lost
    ) -> None:
        self._workers, self._work, self._lost = workers, work, lost
        self._lock = Lock()
        self._alone = Lock()
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)

    def make(self, orders: Sequence[Any]) -> list[Any]:
        """What came of each order, in their order."""
        jobs = [(order, self._submit(order)) for order in orders]
        return [self._result(order, job) for order, job in jobs]

    def _result(self, order: Any, job: Future[Any]) -> Any:
        try:
            return job.result()
        except BrokenProcessPool:
            with self._alone:  # whoever breaks it now, breaks it for himself
                return self._again(order)

    def _again(self, order: Any) -> Any:
        with _pool(1) as pool:
            try:
                return pool.submit(self._work, order).result()
            except BrokenProcessPool:
                return self._lost(order, "the renderer was ended by its mesh.")

    def _submit(self, order: Any) -> Future[Any]:
        with self._lock:
            if self._pool is None:
                self._pool = _pool(self._workers)
            try:
                return self._pool.submit(self._work, order)
            except BrokenProcessPool:
                self._pool = _pool(self._workers)
                return self._pool.submit(self._work, order)


def _pool(workers: int) -> ProcessPoolExecutor:
    # spawn: a forked copy of a process with threads, torch or GL in it is broken
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=one_core)


def one_core() -> None:
    """Make a worker render on one core: there is one worker per core."""
    os.environ["LP_NUM_THREADS"] = "0"  # draw in the thread that asks
    os.environ["OMP_NUM_THREADS"] = "1"
