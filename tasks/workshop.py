"""Worker processes that make pictures, each with one GL context of its own.

A renderer can be killed by a mesh or a driver, and a stage can hang. Whatever ends a process ends the pool: it is made
anew, and the orders that were in it are tried again one at a time, so that the part that kills it is found and named.
An order that outlives its time limit ends its own process, and leaves word of where it stood; it is not tried again.
"""

from __future__ import annotations

import faulthandler
import os
import re
import sysconfig
import weakref
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver, get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from blocks import scratch
from tasks.pictures import Made, Order, pictures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LATE = "Timeout"  # how faulthandler begins what it writes when the time is up


def lost(order: Order, reason: str) -> Made:
    """What came of an order whose worker was ended."""
    return Made(part=order.part, failure=f"{order.part.number} cannot be rendered: {reason}")


class EndedError(Exception):
    """The workshop was closed at once while somebody waited for it: no failure, and nothing to try again."""


class Workshop:
    """A pool of `workers` processes, started when first needed; several threads may order from it at once.

    `work` is what is done with an order, and `lost` what to say of one that ends its process, with the reason. An order
    may take `seconds`, the customer's quota of that `name`; 0 sets no limit. A worker that is `alone` uses all cores.
    """

    def __init__(
        self,
        workers: int,
        work: Callable[[Any], Any] = pictures,
        lost: Callable[[Any, str], Any] = lost,
        *,
        seconds: float = 0,
        name: str = "part_seconds",
        alone: bool = False,
    ) -> None:
        self._workers, self._work, self._lost = workers, work, lost
        self._seconds, self._name, self._prepare = seconds, name, None if alone else one_core
        self._lock = Lock()
        self._alone = Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._pools: weakref.WeakSet[ProcessPoolExecutor] = weakref.WeakSet()
        self._words: Path | None = None
        self._count = 0
        self._over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failure: object, *_: object) -> None:
        self.close(at_once=failure is not None)

    def close(self, *, at_once: bool = False) -> None:
        """End the processes: when they are done with what they are at, or `at_once`, and then for good."""
        with self._lock:
            pool, self._pool = self._pool, None
            words, self._words = self._words, None
            self._over = self._over or at_once
        for one in self._pools if at_once else ():
            for process in list((one._processes or {}).values()):  # noqa: SLF001 the executor cannot end them itself
                process.kill()
        if pool is not None:
            pool.shutdown(cancel_futures=True)
        if words is not None:
            scratch.removed(words)

    def make(self, orders: Sequence[Any]) -> list[Any]:
        """What came of each order, in their order."""
        jobs = [(order, *self._submit(order)) for order in orders]
        return [self._result(order, job, word) for order, job, word in jobs]

    def _result(self, order: Any, job: Future[Any], word: Path) -> Any:
        try:
            return job.result()
        except (BrokenProcessPool, CancelledError) as error:
            if self._over:
                raise EndedError from error
            if _told(word).startswith(_LATE):
                return self._lost(order, self._why(word))
            with self._alone:  # whoever breaks it now, breaks it for himself
                return self._again(order)

    def _again(self, order: Any) -> Any:
        with self._lock:
            call = self._call(order)
        with self._started(1) as pool:
            try:
                return pool.submit(_within, call).result()
            except BrokenProcessPool as error:
                if self._over:
                    raise EndedError from error
                return self._lost(order, self._why(call.word))

    def _why(self, word: Path) -> str:
        """What ended the process that was to leave word, as the end of a sentence."""
        told = _told(word)
        where = f" in {_place(told)}" if told else ""
        if told.startswith(_LATE):
            quota = f" (`quotas.{self._name}` in the customer's file)" if self._name else ""
            return f"it took longer than {self._seconds:g} s{quota} and was ended{where}."
        return f"its process was ended{where}: by its mesh, a driver, a plug-in, or for want of memory."

    def _submit(self, order: Any) -> tuple[Future[Any], Path]:
        with self._lock:
            call = self._call(order)
            if self._pool is None:
                self._pool = self._started(self._workers)
            try:
                return self._pool.submit(_within, call), call.word
            except BrokenProcessPool:
                self._pool = self._started(self._workers)
                return self._pool.submit(_within, call), call.word

    def _started(self, workers: int) -> ProcessPoolExecutor:
        if self._over:
            raise EndedError
        # a forked copy of a process with threads, torch or GL in it is broken: the forks are of one that has none
        forkserver.set_forkserver_preload(["tasks.preload"])
        start = get_context("forkserver"), _begun, (self._prepare, dict(os.environ))
        pool = ProcessPoolExecutor(workers, *start)
        self._pools.add(pool)
        return pool

    def _call(self, order: Any) -> _Call:
        """The order with a file of its own, in which its process says where it stood when its time was up."""
        if self._words is None:
            self._words = scratch.made("workshop")
            weakref.finalize(self, scratch.removed, self._words)  # for one that nobody closes
        self._count += 1
        return _Call(self._work, order, self._seconds, self._words / str(self._count))


class _Call(NamedTuple):
    """What a worker is asked to do, in how many seconds, and where it leaves word if that is not enough."""

    work: Callable[[Any], Any]
    order: Any
    seconds: float
    word: Path


def _within(call: _Call) -> Any:
    """Do the work, or end this process: a thread in C does that, whatever holds the interpreter."""
    with call.word.open("wb") as word:
        faulthandler.enable(word)
        if call.seconds:
            faulthandler.dump_traceback_later(call.seconds, exit=True, file=word)
        try:
            return call.work(call.order)
        except SystemExit as error:  # it would pass through the pool, and end whoever waits for the order
            raise RuntimeError(f"Something in it asked its process to end: sys.exit({error.code!r}).") from error
        finally:
            faulthandler.cancel_dump_traceback_later()
            faulthandler.disable()
            call.word.unlink(missing_ok=True)


def _told(word: Path) -> str:
    """The word that a process left when it was ended; empty when it was done, never began, or was killed."""
    try:
        return word.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _place(told: str) -> str:
    """Where the order stood, as file, line and function: Python's own library is not where the fault is."""
    own = [thread for thread in told.split("\n\n") if "in _within" in thread]
    frames = re.findall(r'File "(.*?)", line (\d+) in (\S+)', own[0] if own else told)
    library = sysconfig.get_path("stdlib")
    theirs = [frame for frame in frames if not frame[0].startswith(library) or "site-packages" in frame[0]]
    file, line, function = (theirs or frames or [("", "", "")])[0]
    return f"{Path(file).name}, line {line}, {function}" if file else "a place that is not known"


def _begun(prepare: Callable[[], None] | None, environment: dict[str, str]) -> None:
    """Prepare a worker, and end it with the process that started it: one that is killed cannot say goodbye.

    The `environment` is that process's own at this moment; the one that is forked has that of its first pool.
    """
    os.environ.clear()
    os.environ.update(environment)
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    if prepare is not None:
        prepare()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def one_core() -> None:
    """Make a worker render on one core: there is one worker per core."""
    os.environ["LP_NUM_THREADS"] = "0"  # draw in the thread that asks
    os.environ["OMP_NUM_THREADS"] = "1"
