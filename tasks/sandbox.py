"""Run a function on untrusted bytes in a child process: with limits, without network, and without harm if it crashes.

A small server process (`python -m tasks.sandbox`, the zygote) imports the heavy libraries once and forks a
child per job, which costs milliseconds. The child is not trusted: what it answers comes back as JSON and raw
arrays, never as a pickle, and is checked like anything else from outside.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import math
import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Self

import numpy as np
from pydantic import Field

from tasks import confine
from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

Arrays = dict[str, "NDArray[Any]"]

DTYPES = ("|b1", "|u1", "<i4", "<i8", "<f4", "<f8")
START_SECONDS, GRACE_SECONDS, LOOK_SECONDS = 120.0, 20.0, 5.0
ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/dev/urandom")


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
            shutil.rmtree(folder, ignore_errors=True)

    def interrupt(self) -> None:
        """Kill the zygote and whatever it runs; from any thread: a `run` in another one raises Fault."""
        if (process := self._process) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the zygote and whatever it runs."""
        self._abandon()
        shutil.rmtree(self._folder, ignore_errors=True)

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
                [sys.executable, "-m", "tasks.sandbox", json.dumps(self._preload)],
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


def _answer(folder: Path, outcome: dict[str, Any], limits: Limits) -> Answer:
    """What the child left in `folder`, checked. Raises Fault where that is nothing, or not an answer."""
    if outcome["late"]:
        raise Fault("slow", f"was given up after {limits.seconds:g} s: it takes too long to read")
    if number := outcome["signal"]:
        raise _killed(number, folder, limits)
    try:
        head = json.loads(_bytes(folder / "answer.json", limits))
        raw = _bytes(folder / "answer.bin", limits)
        kind, message = str(head["kind"]), " ".join(str(head["message"]).split())[:500]
        if kind == "ok":
            protections = {str(name): bool(active) for name, active in head["protections"].items()}
            return Answer(head["data"], _arrays(head["arrays"], raw), protections)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, MemoryError) as error:
        raise Fault("garbled", "made the reader give an answer that makes no sense") from error
    if kind == "memory":
        raise Fault(kind, _too_much_memory(limits))
    raise Fault("refused" if kind == "refused" else "error", message)


def _killed(number: int, folder: Path, limits: Limits) -> Fault:
    if number == signal.SIGXCPU:
        return Fault("cpu", f"needs more than {limits.cpu_seconds} s of processor time to read")
    with contextlib.suppress(OSError):
        said = _bytes(folder / "log", limits)[-65536:]
        if b"bad_alloc" in said or b"MemoryError" in said:
            return Fault("memory", _too_much_memory(limits))
    if number == signal.SIGKILL:  # not by us: the system had no memory left
        return Fault("memory", _too_much_memory(limits))
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    return Fault("crash", f"made the reader crash ({name}): the file is damaged or uses what the reader cannot handle")


def _too_much_memory(limits: Limits) -> str:
    return f"needs more than {limits.memory_mb} MB of memory to read"


def _bytes(path: Path, limits: Limits) -> bytes:
    """Content of a plain file of the child's, within the limit; a link or a pipe of its making is not followed."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode) or state.st_size > limits.output_mb * confine.MEGABYTE:
            raise ValueError("not a plain file of a permitted size")
        return file.read(limits.output_mb * confine.MEGABYTE)


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


# Below here: what runs in the zygote and in its children.


def serve(preload: Iterable[str]) -> NoReturn:
    """Be the zygote: fork a child per line of standard input, until it closes."""
    parent, commands = os.getppid(), b""
    offline = confine.leave_network()
    for module in preload:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    _tell({"ready": True})
    while True:
        if select.select([0], [], [], LOOK_SECONDS)[0]:
            data = os.read(0, 1 << 20)
            if not data:
                os._exit(0)
            commands += data
        elif os.getppid() != parent:
            os._exit(0)
        while b"\n" in commands:
            line, _, commands = commands.partition(b"\n")
            _tell(_watched(json.loads(line), offline))


def _tell(message: dict[str, Any]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def _watched(job: dict[str, Any], offline: bool) -> dict[str, Any]:
    """Run one job in a child to its end or its time limit; says how it ended."""
    deadline = time.monotonic() + job["limits"]["seconds"]
    zygote, child = os.getpid(), os.fork()
    if not child:
        _child(job, offline, zygote)
    handle, late, orphaned = os.pidfd_open(child), False, False
    while not (late or orphaned):
        wait = min(LOOK_SECONDS, max(0.0, deadline - time.monotonic()))
        ready = select.select([handle, 0], [], [], wait)[0]
        if handle in ready:
            break
        orphaned = 0 in ready and not os.read(0, 1 << 20)
        late = time.monotonic() >= deadline
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError):
            kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    os.close(handle)
    if orphaned:
        os._exit(0)
    return {"late": late, "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}


def _child(job: dict[str, Any], offline: bool, zygote: int) -> NoReturn:
    """Confine this process, do the job, leave the answer as files, and end without any clean-up."""
    folder = Path(job["folder"])
    code = 1
    try:
        os.setsid()
        confine.die_with_parent()
        if os.getppid() != zygote:  # it died before the kernel was asked
            os._exit(code)
        confine.die_first()
        log = os.open(folder / "log", os.O_CREAT | os.O_WRONLY)
        for standard, handle in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
            os.dup2(handle, standard)
        os.chdir(folder)
        os.environ.clear()
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
        module, name = job["function"].split(":")
        function = getattr(importlib.import_module(module), name)
        protections = {"network namespace": offline, **_confined(job)}
        head, raw = _called(function, job["arguments"])
        if len(raw) > (most := job["limits"]["output_mb"]) * confine.MEGABYTE:
            head, raw = {"kind": "refused", "message": f"yields more than {most} MB of geometry"}, b""
        (folder / "answer.bin").write_bytes(raw)
        (folder / "answer.json").write_text(json.dumps(head | {"protections": protections}), encoding="utf-8")
        code = 0
    finally:
        os._exit(code)


def _confined(job: dict[str, Any]) -> dict[str, bool]:
    limits = Limits(**job["limits"])
    confine.limit(limits.memory_mb, limits.cpu_seconds, limits.output_mb)
    ours = [str(ROOT / "tasks"), str(ROOT / "blocks")]
    python = {sys.prefix, sys.base_prefix, *(path for path in sys.path if path.endswith(("-packages", "lib-dynload")))}
    readable = [*LIBRARIES, *ours, *python, *job["readable"]]
    try:
        fenced = confine.forbid_files(readable, [job["folder"], os.devnull])
    except OSError:  # a container may forbid it, or its file system not take part: `describe` says that it is off
        fenced = False
    return {"limits": True, "files": fenced, "system calls": confine.forbid_system_calls()}


def _called(function: Callable[..., tuple[Any, Arrays]], arguments: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Call it; returns the head of the answer and the bytes of its arrays."""
    try:
        data, arrays = function(**arguments)
        exact = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        index = {name: (array.dtype.str, array.shape) for name, array in exact.items()}
        head = {"kind": "ok", "message": "", "data": data, "arrays": index}
        return head, b"".join(array.tobytes() for array in exact.values())
    except Refusal as refusal:
        return {"kind": "refused", "message": str(refusal)}, b""
    except MemoryError:
        return {"kind": "memory", "message": ""}, b""
    except Exception as error:  # noqa: BLE001 - a parser may raise anything on bytes that nobody vouches for
        return {"kind": "error", "message": f"cannot be read: {type(error).__name__}: {error}"}, b""


if __name__ == "__main__":
    # under the name by which it is known elsewhere, so that there is one Refusal and not two
    importlib.import_module("tasks.sandbox").serve(json.loads(sys.argv[1]))
