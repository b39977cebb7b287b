"""Run a function on untrusted bytes in a child process: with limits, without network, and without harm if it crashes.

A small server process (`python -m tasks.zygote`) imports the heavy libraries once and forks a
child per job, which costs milliseconds. The child is not trusted: what it answers comes back as JSON and raw
arrays, never as a pickle, and is checked like anything else from outside.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from pydantic import Field

from tasks import confine
from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

Arrays = dict[str, "NDArray[Any]"]

DTYPES = ("|b1", "|u1", "<i4", "<i8", "<f4", "<f8")
START_SECONDS, GRACE_SECONDS = 120.0, 20.0
MOST_VALUES, MOST_THREADS = 4_000_000, 512
ROOT = Path(__file__).resolve().parent.parent


class Refusal(ValueError):  # noqa: N818 - not an error of the program: the file is refused, with this reason
    """Says what is wrong with a file, as a clause that follows its name: "holds no solid"."""


class Fault(Exception):  # noqa: N818 - what befell the child, not an error of ours
    """Why there is no answer: `kind` for programs, the message (a clause that follows the file's name) for people."""

    def __init__(self, kind: str, clause: str) -> None:
        super().__init__(clause)
        self.kind = kind


class Limits(Record):
    """What one job may use."""

    seconds: float = Field(120, gt=0, description="Longest time by the clock, in seconds.")
    cpu_seconds: int = Field(120, ge=1, description="Most processor time, in seconds.")
    memory_mb: int = Field(4096, ge=16, description="Most memory beyond what the libraries take, in MB.")
    output_mb: int = Field(1024, ge=1, description="Largest answer, in MB.")


def most_written(output_mb: int) -> int:
    """What a child's files may take together, in MB: an answer and what it was made from."""
    return 2 * output_mb + 64


class Answer(NamedTuple):
    """What a child answered: JSON values, arrays (read-only), and which protections were active around it."""

    data: Any
    arrays: Arrays
    protections: dict[str, bool]


class Sandbox:
    """One zygote; to be used by one thread at a time. It ends with `close` or with this process.

    Should it die it is started again; `starts` counts how often it was.
    """

    def __init__(self, preload: Iterable[str] = ()) -> None:
        self._preload = list(preload)
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="partsight-sandbox-"))
        self._unread = b""
        self._jobs = 0
        self.starts = 0

    def __enter__(self) -> Self:
        """Start using it."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the zygote."""
        self.close()

    def run(
        self,
        function: Callable[..., tuple[Any, Arrays]],
        arguments: Mapping[str, Any],
        limits: Limits = Limits(),  # noqa: B008 - frozen
        readable: Iterable[str] = (),
    ) -> Answer:
        """Call `function(**arguments)` in a child; only files under `readable` are open to it, besides libraries.

        `function` is a module's own, `arguments` are JSON values; it returns JSON values and arrays. Raises Fault.
        """
        self._jobs += 1
        folder = self._folder / str(self._jobs)
        folder.mkdir()
        job = {
            "function": f"{function.__module__}:{function.__qualname__}",
            "arguments": dict(arguments),
            "limits": limits.model_dump(),
            "readable": list(readable),
            "folder": str(folder),
        }
        try:
            outcome = self._outcome(job, limits)
            return _answer(folder, outcome, limits)
        finally:
            with contextlib.suppress(OSError):  # a child that was not seen to end may write still; `close` comes later
                _clear(folder)

    def interrupt(self) -> None:
        """Kill the zygote and whatever it runs; from any thread: a `run` in another one raises Fault."""
        if (process := self._process) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the zygote and whatever it runs."""
        self._abandon()
        with contextlib.suppress(OSError):
            _clear(self._folder)

    def _outcome(self, job: dict[str, Any], limits: Limits) -> dict[str, Any]:
        process = self._started()
        pipe = process.stdin
        assert pipe is not None  # noqa: S101 - it was opened with a pipe
        try:
            pipe.write(json.dumps(job).encode() + b"\n")
            pipe.flush()
            return self._line(process, limits.seconds + GRACE_SECONDS)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            self._abandon()
            raise Fault("crash", "made the process that reads files stop answering") from error

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._abandon()
        self._folder.mkdir(exist_ok=True)
        # nothing of our own environment goes along: it may hold passwords
        environment = {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]), "LANG": "C.UTF-8"}
        environment |= {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HOME": str(self._folder)}
        with (self._folder / "zygote.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tasks.zygote", json.dumps(self._preload), str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self._folder,
                env=environment,
                start_new_session=True,
            )
        self._unread = b""
        self.starts += 1
        try:
            self._line(self._process, START_SECONDS)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            said = (self._folder / "zygote.log").read_text(encoding="utf-8", errors="replace")[-2000:]
            self._abandon()
            raise RuntimeError(f"the process that reads files did not start: {said}") from error
        return self._process

    def _abandon(self) -> None:
        self.interrupt()
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def _line(self, process: subprocess.Popen[bytes], seconds: float) -> dict[str, Any]:
        """Next line that the zygote writes. Raises TimeoutError, EOFError, ValueError."""
        pipe = process.stdout
        assert pipe is not None  # noqa: S101 - it was opened with a pipe
        poll, deadline = select.poll(), time.monotonic() + seconds
        poll.register(pipe, select.POLLIN)
        while b"\n" not in self._unread:
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError
            if not (data := os.read(pipe.fileno(), 65536)):
                raise EOFError
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return dict(json.loads(line))


def describe() -> dict[str, bool]:
    """Which protections are active around a child on this machine, by name, for `partsight doctor`."""
    with Sandbox() as sandbox:
        return sandbox.run(nothing, {}).protections


def nothing() -> tuple[None, Arrays]:
    """Answer nothing: shows that a child can start."""
    return None, {}


def _clear(folder: Path) -> None:
    """Remove what a child left, however deep and whatever it forbade: every folder in a folder is brought up first."""
    number = 0
    while found := list(os.scandir(folder)):
        for entry in found:
            if not entry.is_dir(follow_symlinks=False):
                Path(entry.path).unlink()
                continue
            Path(entry.path).chmod(0o700)
            for inner in list(os.scandir(entry.path)):
                while os.path.lexists(target := folder / f"up-{number}"):
                    number += 1
                if inner.is_dir(follow_symlinks=False):
                    Path(inner.path).chmod(0o700)  # one that may not be written may not be moved
                Path(inner.path).rename(target)
            Path(entry.path).rmdir()
    folder.rmdir()


def _answer(folder: Path, outcome: dict[str, Any], limits: Limits) -> Answer:
    """What the child left in `folder`, checked. Raises Fault where that is nothing, or not an answer."""
    if outcome["late"]:
        raise Fault("slow", f"was given up after {limits.seconds:g} s: it takes too long to read")
    if number := outcome["signal"]:
        raise _killed(number, outcome, folder, limits)
    try:
        head = _values(_bytes(folder / "answer.json", limits))
        raw = _bytes(folder / "answer.bin", limits)
        kind, message = str(head["kind"]), " ".join(str(head["message"]).split())[:500]
        if kind == "ok":
            protections = {str(name): bool(active) for name, active in head["protections"].items()}
            return Answer(head["data"], _arrays(head["arrays"], raw), protections)
    except (OSError, LookupError, ArithmeticError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Fault("garbled", "made the reader give an answer that makes no sense") from error
    if kind == "memory":
        raise Fault(kind, _too_much_memory(limits))
    raise Fault("refused" if kind == "refused" else "error", message)


def _killed(number: int, outcome: Mapping[str, Any], folder: Path, limits: Limits) -> Fault:
    if outcome["excess"] == "disk":
        return Fault("disk", f"makes the reader write more than {most_written(limits.output_mb)} MB to the disk")
    if outcome["excess"] == "threads":
        return Fault("threads", f"makes the reader start more than {MOST_THREADS} threads")
    if number == signal.SIGXCPU or (number == signal.SIGKILL and outcome["cpu_seconds"] >= limits.cpu_seconds):
        return Fault("cpu", f"needs more than {limits.cpu_seconds} s of processor time to read")
    with contextlib.suppress(OSError, ValueError):  # it may have put anything in its place
        said = _bytes(folder / "log", limits)[-65536:]
        if b"bad_alloc" in said or b"MemoryError" in said:
            return Fault("memory", _too_much_memory(limits))
    if number == signal.SIGKILL:  # not by us: the system had no memory left
        return Fault("memory", _too_much_memory(limits))
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    return Fault("crash", f"made the reader crash ({name}): the file is damaged or uses what the reader cannot handle")


def _values(text: bytes) -> Any:
    """JSON of a size that is no danger to who reads it: a value of three bytes can take a hundred in memory."""
    if sum(map(text.count, (b",", b"[", b"{", b":"))) > MOST_VALUES:
        raise ValueError("more values than any file has")
    return json.loads(text)


def _too_much_memory(limits: Limits) -> str:
    return f"needs more than {limits.memory_mb} MB of memory to read"


def _bytes(path: Path, limits: Limits) -> bytes:
    """Content of a plain file of the child's, within the limit; a link or a pipe of its making is not followed."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        state = os.fstat(handle)
        size, most = state.st_size, limits.output_mb * confine.MEGABYTE
        if not stat.S_ISREG(state.st_mode) or state.st_nlink != 1 or size > most:  # a second name is somebody else's
            raise ValueError("not a plain file of a permitted size")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(handle)  # also where it is a folder, of which `fdopen` makes no file


def _arrays(index: Mapping[str, Any], raw: bytes) -> Arrays:
    """Arrays from their dtypes and shapes and their bytes laid end to end: a format with nothing to exploit."""
    arrays, start = {}, 0
    for name, (dtype, shape) in index.items():
        if dtype not in DTYPES or not all(isinstance(side, int) and side >= 0 for side in shape):
            raise ValueError("not an array of ours")
        count = math.prod(shape)
        arrays[str(name)] = np.frombuffer(raw, dtype, count, start).reshape(shape)
        start += count * np.dtype(dtype).itemsize
    return arrays
