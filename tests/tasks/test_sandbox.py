"""Whatever a parser does to itself, the run goes on: the promises of the sandbox."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tasks.confine import landlock_version
from tasks.sandbox import Fault, Limits, Refusal, Sandbox, describe, nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK = Limits(seconds=20, cpu_seconds=20, memory_mb=512, output_mb=8)
NEEDS_LANDLOCK = pytest.mark.skipif(not landlock_version(), reason="this kernel has no Landlock")


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """One zygote for all tests: that it survives them is part of the promise."""
    with Sandbox([__name__]) as opened:
        yield opened


def doubled(values: list[float]) -> tuple[Any, dict[str, Any]]:
    """A job that does as it should."""
    array = np.array(values)
    return {"count": len(values)}, {
        "twice": array * 2,
        "bytes": np.frombuffer(b"abc", np.uint8),
        "none": np.zeros((0, 3)),
    }


def refusing() -> tuple[Any, dict[str, Any]]:
    """A reader that says what is wrong."""
    raise Refusal("holds no solid")


def failing() -> tuple[Any, dict[str, Any]]:
    """A parser that raises what it likes."""
    raise KeyError("vertices")


def crashing() -> tuple[Any, dict[str, Any]]:
    """A kernel that dereferences nothing."""
    return ctypes.string_at(0), {}


def ending() -> tuple[Any, dict[str, Any]]:
    """A library that calls exit."""
    os._exit(0)


def hanging() -> tuple[Any, dict[str, Any]]:
    """A parser that waits for what never comes."""
    time.sleep(600)
    return None, {}


def spinning() -> tuple[Any, dict[str, Any]]:
    """A parser in an endless loop."""
    while True:
        pass


def hoarding() -> tuple[Any, dict[str, Any]]:
    """A parser that believes a header."""
    return None, {"a": np.ones(2_000_000_000)}


def shouting() -> tuple[Any, dict[str, Any]]:
    """A parser that makes far too much of a file."""
    return None, {"a": np.ones(4_000_000)}


def calling(port: int) -> tuple[Any, dict[str, Any]]:
    """A parser that phones home."""
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        return None, {}


def forking() -> tuple[Any, dict[str, Any]]:
    """A parser that leaves something running."""
    return os.fork(), {}


def starting() -> tuple[Any, dict[str, Any]]:
    """A parser that starts a program."""
    return subprocess.run([sys.executable, "-c", ""], check=True).returncode, {}


def threading_() -> tuple[Any, dict[str, Any]]:
    """A kernel that uses threads, which it may."""
    worker = threading.Thread(target=time.sleep, args=(0,))
    worker.start()
    worker.join()
    return "done", {}


def signalling(pid: int) -> tuple[Any, dict[str, Any]]:
    """A parser that kills another process."""
    os.kill(pid, 9)
    return None, {}


def opening(path: str) -> tuple[Any, dict[str, Any]]:
    """A parser that reads a file."""
    return Path(path).read_text(encoding="utf-8"), {}


def writing(path: str) -> tuple[Any, dict[str, Any]]:
    """A parser that writes a file."""
    return Path(path).write_text("here", encoding="utf-8"), {}


def looking() -> tuple[Any, dict[str, Any]]:
    """A parser that looks for passwords."""
    return dict(os.environ), {}


def lying() -> tuple[Any, dict[str, Any]]:
    """A child that was taken over and announces arrays that it does not send."""
    head = '{"kind": "ok", "message": "", "data": 1, "arrays": {"a": ["<f8", [1000000000000]]}, "protections": {}}'
    Path("answer.json").write_text(head, encoding="utf-8")
    Path("answer.bin").write_bytes(b"")
    os._exit(0)


def deep() -> tuple[Any, dict[str, Any]]:
    """A child that was taken over and answers with JSON that no parser gets to the end of."""
    Path("answer.json").write_text("[" * 1_000_000, encoding="utf-8")
    Path("answer.bin").write_bytes(b"")
    os._exit(0)


def fault(box: Sandbox, function: Any, limits: Limits = QUICK, **arguments: Any) -> Fault:
    """What befell a child that runs `function`."""
    with pytest.raises(Fault) as caught:
        box.run(function, arguments, limits)
    return caught.value


def test_values_and_arrays_come_back(box: Sandbox) -> None:
    """JSON values and arrays of every shape arrive as they were sent, and cannot be changed by accident."""
    answer = box.run(doubled, {"values": [1.0, 2.5]}, QUICK)
    assert answer.data == {"count": 2}
    assert answer.arrays["twice"].tolist() == [2.0, 5.0]
    assert answer.arrays["bytes"].tobytes() == b"abc"
    assert answer.arrays["none"].shape == (0, 3)
    assert not answer.arrays["twice"].flags.writeable


def test_a_refusal_keeps_its_words(box: Sandbox) -> None:
    """What a reader says is wrong reaches the customer as it was said."""
    refused = fault(box, refusing)
    assert (refused.kind, str(refused)) == ("refused", "holds no solid")


def test_any_exception_is_an_answer(box: Sandbox) -> None:
    """An exception that nobody foresaw says its name and does not spread."""
    assert "KeyError" in str(fault(box, failing))


@pytest.mark.parametrize(
    ("function", "limits", "kind", "words"),
    [
        (crashing, {}, "crash", "SIGSEGV"),
        (ending, {}, "garbled", "makes no sense"),
        (hanging, {"seconds": 0.5}, "slow", "0.5 s"),
        (spinning, {"cpu_seconds": 1}, "cpu", "1 s of processor time"),
        (hoarding, {"memory_mb": 200}, "memory", "200 MB of memory"),
        (shouting, {}, "refused", "more than 8 MB"),
        (lying, {}, "garbled", "makes no sense"),
        (deep, {}, "garbled", "makes no sense"),
    ],
)
def test_each_end_has_its_own_sentence(
    box: Sandbox, function: Any, limits: dict[str, Any], kind: str, words: str
) -> None:
    """Crash, silence, hang, endless loop, hoard and lie are told apart, and the limit that was hit is named."""
    found = fault(box, function, QUICK.replace(**limits))
    assert found.kind == kind
    assert words in str(found)


def test_there_is_no_network(box: Sandbox) -> None:
    """Not even a server on this very machine can be reached."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert "Error" in str(fault(box, calling, port=server.getsockname()[1]))


@pytest.mark.parametrize("function", [forking, starting])
def test_nothing_can_be_started(box: Sandbox, function: Any) -> None:
    """A child has no children."""
    assert "Error" in str(fault(box, function))


def test_threads_are_allowed(box: Sandbox) -> None:
    """Kernels use threads, and work inside."""
    assert box.run(threading_, {}, QUICK).data == "done"


def test_other_processes_are_out_of_reach(box: Sandbox) -> None:
    """A child cannot kill a process of the same user."""
    victim = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert "Error" in str(fault(box, signalling, pid=victim.pid))
        assert victim.poll() is None
    finally:
        victim.communicate(b"\n")


@NEEDS_LANDLOCK
def test_only_named_files_can_be_read(box: Sandbox, tmp_path: Path) -> None:
    """The file of a job can be read, another customer's cannot, and neither can be written."""
    (tmp_path / "ours").mkdir()
    (tmp_path / "theirs").mkdir()
    (tmp_path / "ours" / "part.txt").write_text("part", encoding="utf-8")
    (tmp_path / "theirs" / "part.txt").write_text("secret", encoding="utf-8")
    ours, theirs = (str(tmp_path / name / "part.txt") for name in ("ours", "theirs"))
    readable = [str(tmp_path / "ours")]
    assert box.run(opening, {"path": ours}, QUICK, readable).data == "part"
    for function, path in ((opening, theirs), (writing, ours), (writing, theirs), (opening, "/etc/passwd")):
        with pytest.raises(Fault, match="PermissionError"):
            box.run(function, {"path": path}, QUICK, readable)


@NEEDS_LANDLOCK
def test_the_environments_of_others_are_out_of_reach(box: Sandbox) -> None:
    """Passwords often stand in the environment of the process that started this one."""
    assert "PermissionError" in str(fault(box, opening, path=f"/proc/{os.getpid()}/environ"))


def test_the_environment_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of ours goes into the sandbox."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with Sandbox([__name__]) as fresh:
        assert set(fresh.run(looking, {}, QUICK).data) <= {"TMPDIR"}


def test_it_survives_all_of_it(box: Sandbox) -> None:
    """After every crash above the same zygote still answers."""
    assert box.run(nothing, {}, QUICK).data is None
    assert box.starts == 1


def test_a_dead_zygote_is_replaced() -> None:
    """A zygote that is killed costs nothing but its start."""
    with Sandbox() as fresh:
        fresh.run(nothing, {}, QUICK)
        assert fresh._process is not None
        fresh._process.kill()
        fresh._process.wait()
        assert fresh.run(nothing, {}, QUICK).data is None
        assert fresh.starts == 2


def test_a_job_ends_with_its_zygote() -> None:
    """Who interrupts a job from another thread gets its Fault at once, and the child is gone."""
    with Sandbox([__name__]) as fresh, ThreadPoolExecutor(1) as pool:
        fresh.run(nothing, {}, QUICK)
        assert fresh._process is not None
        zygote = fresh._process.pid
        job = pool.submit(fresh.run, hanging, {}, QUICK)
        children = Path(f"/proc/{zygote}/task/{zygote}/children")
        while not (found := children.read_text(encoding="ascii").split()):
            time.sleep(0.01)
        while not _alone(int(found[0])):
            time.sleep(0.01)
        fresh.interrupt()
        with pytest.raises(Fault, match="stop answering"):
            job.result()
        _gone(int(found[0]))


def _alone(pid: int) -> bool:
    """Whether a child has left the zygote's session, which it does as it starts."""
    return os.getsid(pid) == pid


def _gone(*pids: int) -> None:
    deadline = time.monotonic() + 20
    while any(map(_alive, pids)):
        assert time.monotonic() < deadline, "a process outlived the one that it worked for"
        time.sleep(0.05)


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """A worker that is killed leaves neither zygote nor child behind."""
    script = tmp_path / "parent.py"
    lines = (
        "from tasks.sandbox import Sandbox, Limits, nothing",
        "from threading import Thread",
        "import sys, time",
        "sys.path.insert(0, sys.argv[1])",
        "import sleeper",
        "box = Sandbox()",
        "box.run(nothing, {})",
        "Thread(target=box.run, args=(sleeper.sleep, {}), daemon=True).start()",
        "time.sleep(0.5)",
        "print(box._process.pid, flush=True)",
        "time.sleep(600)",
    )
    script.write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "sleeper.py").write_text("import time\ndef sleep(): time.sleep(600)\n", encoding="utf-8")
    root = os.pathsep.join([str(Path(__file__).resolve().parents[2]), *filter(None, sys.path)])
    command = [sys.executable, str(script), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": root}) as parent:
        assert parent.stdout is not None
        zygote = int(parent.stdout.readline())
        children = Path(f"/proc/{zygote}/task/{zygote}/children").read_text(encoding="ascii").split()
        assert len(children) == 1
        parent.kill()
    _gone(zygote, *map(int, children))


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] not in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_it_says_what_protects() -> None:
    """`partsight doctor` can name each protection and whether it is active."""
    assert set(describe()) == {"network namespace", "limits", "files", "privileges dropped", "system calls"}
    assert describe()["limits"]
    assert describe()["system calls"]
