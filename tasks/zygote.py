"""The process that forks a child for each job of a sandbox, confines it, and watches it to its end."""

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
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from tasks import confine
from tasks.sandbox import MOST_THREADS, ROOT, Limits, Refusal, most_written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tasks.sandbox import Arrays

LOOK_SECONDS, WATCH_SECONDS, MOST_FILES = 5.0, 0.25, 2000
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/dev/urandom")


def serve(preload: Iterable[str], folder: str) -> NoReturn:
    """Be the zygote: fork a child per line of standard input, until it closes; then nothing is left in `folder`."""
    parent, commands = os.getppid(), b""
    confine.close_to_others()
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
                _end(folder)
            commands += data
        elif os.getppid() != parent:
            _end(folder)
        while b"\n" in commands:
            line, _, commands = commands.partition(b"\n")
            _tell(_watched(json.loads(line), offline, folder))


def _end(folder: str) -> NoReturn:
    """End as the process that started this one has: nobody else clears up."""
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _tell(message: dict[str, Any]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def _watched(job: dict[str, Any], offline: bool, home: str) -> dict[str, Any]:
    """Run one job in a child to its end or its limits of time, disk and threads; says how it ended."""
    deadline = time.monotonic() + job["limits"]["seconds"]
    zygote, child = os.getpid(), os.fork()
    if not child:
        _child(job, offline, zygote)
    handle, late, orphaned, excess = os.pidfd_open(child), False, False, ""
    while not (late or orphaned or excess):
        wait = min(WATCH_SECONDS, max(0.0, deadline - time.monotonic()))
        ready = select.select([handle, 0], [], [], wait)[0]
        if handle in ready:
            break
        orphaned = 0 in ready and not os.read(0, 1 << 20)
        late = time.monotonic() >= deadline
        excess = "" if late or orphaned else _excess(child, job)
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError):
            kill(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    os.close(handle)
    if orphaned:
        _end(home)
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    return {"late": late, "signal": number, "cpu_seconds": used.ru_utime + used.ru_stime, "excess": excess}


def _excess(child: int, job: dict[str, Any]) -> str:
    """What a child takes too much of, where the kernel counts for one file or one user only: disk or threads."""
    process = Path(f"/proc/{child}")
    try:
        if sum(1 for _ in (process / "task").iterdir()) > MOST_THREADS:
            return "threads"
        written = _written(Path(job["folder"])) + _unnamed(process / "fd")
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return ""
    return "disk" if written > most_written(job["limits"]["output_mb"]) * confine.MEGABYTE else ""


def _written(folder: Path) -> float:
    """Bytes that what lies below `folder` takes; infinite where there is too much of it to be counted."""
    waiting, count, size = [folder], 0, 0
    while waiting:
        try:
            for found in os.scandir(waiting.pop()):
                count += 1
                if count > MOST_FILES:
                    return math.inf
                with contextlib.suppress(FileNotFoundError):
                    state = found.stat(follow_symlinks=False)
                    size += state.st_blocks * 512
                    if stat.S_ISDIR(state.st_mode):
                        waiting.append(Path(found.path))
        except FileNotFoundError:  # it has removed it meanwhile
            continue
        except OSError:  # so deep that there is no name for it
            return math.inf
    return float(size)


def _unnamed(handles: Path) -> float:
    """Bytes of the files that are open but have no name any more."""
    size = 0
    with contextlib.suppress(PermissionError):
        for handle in handles.iterdir():
            with contextlib.suppress(FileNotFoundError):
                state = handle.stat()
                if stat.S_ISREG(state.st_mode) and not state.st_nlink:
                    size += state.st_blocks * 512
    return float(size)


def _child(job: dict[str, Any], offline: bool, zygote: int) -> NoReturn:
    """Confine this process, do the job, leave the answer as files, and end without any clean-up."""
    folder = Path(job["folder"])
    code = 1
    try:
        os.setsid()
        confine.open_to_parent()
        confine.die_with_parent()
        if os.getppid() != zygote:  # it died before the kernel was asked
            os._exit(code)
        confine.die_first()
        log = os.open(folder / "log", os.O_CREAT | os.O_WRONLY)
        for standard, handle in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
            os.dup2(handle, standard)
        os.closerange(3, 4096)
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
    dropped = confine.drop_capabilities()
    filtered = confine.forbid_system_calls()  # last: it forbids what the others need
    return {"limits": True, "files": fenced, "privileges dropped": dropped, "system calls": filtered}


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
    serve(json.loads(sys.argv[1]), sys.argv[2])
