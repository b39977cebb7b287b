"""What a parser may try once a hostile file has taken it over, and that it gets nowhere: with and without Landlock.

Each attempt is a function of attempts.py. Run in a plain process they succeed (the control); in the sandbox each one is
refused by the kernel, or the child is ended at a limit, and the zygote goes on to the next job.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import answers
import attempts
import calls
import pytest

from tasks import confine
from tasks.sandbox import Fault, Limits, Sandbox, describe, nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMITS = Limits(seconds=120, cpu_seconds=8, memory_mb=128, output_mb=8)
SECRET = "planted-7f3a"  # noqa: S105 - it is planted to be looked for
LANDLOCK = confine.landlock_version()
HERE = Path(__file__).parent


@pytest.fixture(scope="module", params=["as it is", "without Landlock"])
def box(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox of this machine, and one of a machine whose kernel has no Landlock."""
    if request.param == "as it is" and not LANDLOCK:
        pytest.skip("this kernel has no Landlock")
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    modules = (
        ["answers", "attempts", "calls"]
        if request.param == "as it is"
        else ["answers", "attempts", "calls", "unfenced"]
    )
    with Sandbox(modules) as opened:
        opened.run(nothing, {}, LIMITS)
        yield opened
        assert opened.run(nothing, {}, LIMITS).data is None
        assert opened.starts == 1, "an attempt ended the zygote"
    patch.undo()


@pytest.fixture(scope="module")
def fenced(box: Sandbox) -> Sandbox:
    """The sandbox with Landlock: only there can no file be read by its path."""
    if not box.run(nothing, {}, LIMITS).protections["files"]:
        pytest.skip("shown with Landlock only")
    return box


class World(NamedTuple):
    """What there is to be had: servers that listen, files of others, this process."""

    tcp: int
    udp: int
    unix: str
    abstract: str
    pid: int
    secret: Path
    target: Path
    folder: Path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Everything that an attempt is after, for real."""
    (tmp_path / "catalogue").mkdir()
    for name in ("secret", "target"):
        (tmp_path / "catalogue" / name).write_text("of another customer", encoding="utf-8")
    address, abstract = str(tmp_path / "socket"), f"partsight-{os.getpid()}"
    listening = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(2)]
    listening.append(socket.create_server(("127.0.0.1", 0)))
    for server, name in zip(listening, (address, "\0" + abstract), strict=False):
        server.bind(name)
        server.listen()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))
        ports = listening[2].getsockname()[1], datagrams.getsockname()[1]
        catalogue = tmp_path / "catalogue"
        files = catalogue / "secret", catalogue / "target", catalogue
        yield World(*ports, address, f"@{abstract}", os.getpid(), *files)
    for server in listening:
        server.close()


class Attempt(NamedTuple):
    """One row: what is tried, with what, how it ends in the sandbox, and whether anybody may do it without one."""

    function: Callable[..., Any]
    arguments: Callable[[World], dict[str, Any]] = lambda _: {}
    ends: tuple[str, ...] = ("error",)
    limits: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it
    control: bool = True


def _pid(world: World) -> dict[str, Any]:
    return {"pid": world.pid}


def _target(world: World) -> dict[str, Any]:
    return {"path": str(world.target)}


def _secret(world: World) -> dict[str, Any]:
    return {"path": str(world.secret)}


def _long(_: World) -> dict[str, Any]:
    return {"seconds": 1.5}


def _wait(_: World) -> dict[str, Any]:
    return {"wait": 2}


SMALL = {"output_mb": 4}
ANYWHERE = (  # it holds where there is no Landlock too
    Attempt(attempts.tcp, lambda world: {"port": world.tcp}),
    Attempt(attempts.udp, lambda world: {"port": world.udp}),
    Attempt(attempts.outside),
    Attempt(attempts.unix, lambda world: {"address": world.unix}),
    Attempt(attempts.unix, lambda world: {"address": world.abstract}),
    Attempt(attempts.netlink),
    Attempt(attempts.variables),
    Attempt(attempts.environment),
    Attempt(attempts.environment_of, _pid),
    Attempt(attempts.memory_of, _pid, control=False),
    Attempt(attempts.memory_of_parent, control=False),
    Attempt(attempts.handles_of, _pid),
    Attempt(attempts.handles, control=False),
    Attempt(attempts.lock_away, _target),
    Attempt(attempts.give_away, _target),
    Attempt(attempts.backdate, _target),
    Attempt(attempts.pipe),
    Attempt(attempts.one_huge_file),
    Attempt(attempts.many_files, _wait, ("disk",), SMALL),
    Attempt(attempts.many_small_files, _wait, ("disk",)),
    Attempt(attempts.hidden_files, _wait, ("disk",), SMALL),
    Attempt(attempts.deep_folders, _wait, ("disk",), SMALL),
    Attempt(attempts.hoard, ends=("memory",)),
    Attempt(attempts.hoard_shared, ends=("memory", "error")),
    Attempt(attempts.hoard_unmapped),
    Attempt(attempts.hoard_bytes, ends=("memory",)),
    Attempt(attempts.many_threads, _wait, ("threads", "error")),
    Attempt(attempts.many_threads, _wait, ("threads", "error"), {"memory_mb": 4096}),
    Attempt(attempts.many_handles, ends=("error", "garbled")),
    Attempt(attempts.raise_limits),
    Attempt(attempts.fork),
    Attempt(attempts.start),
    Attempt(attempts.become),
    Attempt(attempts.kill, _pid),
    Attempt(attempts.kill, lambda _: {"pid": -1}),
    Attempt(attempts.interrupt_by_file, _pid),
    Attempt(attempts.outlive),
    Attempt(attempts.be_traced),
    Attempt(attempts.slow_down, _pid),
    Attempt(attempts.become_somebody),
    Attempt(answers.say_nothing, ends=("garbled",)),
    Attempt(answers.say_noise, ends=("garbled",)),
    Attempt(answers.say_pickle, ends=("garbled",)),
    Attempt(answers.say_depth, ends=("garbled",)),
    Attempt(answers.say_much, ends=("garbled",), limits={"output_mb": 64}),
    Attempt(answers.say_more, ends=("garbled",)),
    Attempt(answers.say_numbers, lambda _: {"shape": [10**12]}, ("garbled",)),
    Attempt(answers.say_numbers, lambda _: {"shape": [10**40]}, ("garbled",)),
    Attempt(answers.say_numbers, lambda _: {"shape": [0, 10**40]}, ("garbled",)),
    Attempt(answers.say_numbers, lambda _: {"shape": [1] * 100}, ("garbled",)),
    Attempt(answers.say_numbers, lambda _: {"shape": [-1]}, ("garbled",)),
    Attempt(answers.say_objects, ends=("garbled",)),
    Attempt(answers.say_link, _secret, ("garbled", "error")),
    Attempt(answers.say_second_name, _secret, ("garbled", "error")),
    Attempt(answers.say_folder, ends=("garbled",)),
    Attempt(answers.die_with_two_logs, ends=("crash",)),
    Attempt(answers.die_with_a_folder, ends=("crash",)),
)
TIMED = (  # seconds count alike everywhere
    Attempt(attempts.spin, _long, ("cpu",), {"cpu_seconds": 1}),
    Attempt(attempts.spin_stubbornly, lambda _: {"seconds": 3}, ("cpu",), {"cpu_seconds": 1}),
    Attempt(attempts.spin_on_threads, _long, ("cpu",), {"cpu_seconds": 1}),
    Attempt(attempts.sleep, _long, ("slow",), {"seconds": 0.5}),
)
WITH_LANDLOCK = (  # it is about files that the same user may read or write
    Attempt(attempts.read, _secret),
    Attempt(attempts.read, lambda _: {"path": "/etc/passwd"}, control=False),
    Attempt(attempts.read, lambda _: {"path": "/proc/self/maps"}),
    Attempt(attempts.read, lambda world: {"path": f"/proc/self/root{world.secret}"}),
    Attempt(attempts.read, lambda world: {"path": f"/proc/self/../..{world.secret}"}),
    Attempt(attempts.read, lambda world: {"path": os.path.relpath(world.secret, "/usr/lib").join(["/usr/lib/", ""])}),
    Attempt(attempts.read, lambda _: {"path": f"/proc/{os.getppid()}/cmdline"}),
    Attempt(attempts.listing, lambda world: {"path": str(world.folder)}),
    Attempt(attempts.listing, lambda _: {"path": "/tmp"}),  # noqa: S108 - it is the one that is looked into
    Attempt(attempts.read_by_link, _secret),
    Attempt(attempts.read_by_second_name, _secret),
    Attempt(attempts.write, _target),
    Attempt(attempts.write, lambda world: {"path": str(world.folder / "new")}),
    Attempt(attempts.write, lambda _: {"path": "../outside"}),
    Attempt(attempts.write, lambda _: {"path": str(HERE / "attempts.txt")}, control=False),
    Attempt(attempts.shorten, _target),
    Attempt(attempts.rename, _target),
    Attempt(attempts.remove, _secret),
    Attempt(attempts.make_folder, lambda world: {"path": str(world.folder / "new-folder")}),
    Attempt(attempts.hoard_in_shm),
)


def _name(row: Attempt) -> str:
    return row.function.__name__


def _ended(box: Sandbox, row: Attempt, world: World) -> Fault:
    with pytest.raises(Fault) as caught:
        box.run(row.function, row.arguments(world), LIMITS.replace(**row.limits))
    return caught.value


@pytest.mark.parametrize("row", ANYWHERE, ids=_name)
def test_it_is_stopped(box: Sandbox, world: World, row: Attempt) -> None:
    """Each attempt is refused or ended, whether or not the kernel fences files."""
    handles = len(list(Path("/proc/self/fd").iterdir()))
    found = _ended(box, row, world)
    assert found.kind in row.ends, str(found)
    assert len(list(Path("/proc/self/fd").iterdir())) == handles, "what it left is open still"
    assert world.secret.read_text(encoding="utf-8") == "of another customer"
    assert world.target.stat().st_mode & 0o600 == 0o600
    assert world.target.stat().st_mtime > 10**9


@pytest.mark.parametrize("row", TIMED, ids=_name)
def test_time_runs_out(fenced: Sandbox, world: World, row: Attempt) -> None:
    """Processor time is counted over all threads and whatever signals are ignored, and the clock over all sleep."""
    found = _ended(fenced, row, world)
    assert found.kind in row.ends, str(found)


@pytest.mark.parametrize("row", WITH_LANDLOCK, ids=_name)
def test_files_of_others_are_out_of_reach(fenced: Sandbox, world: World, row: Attempt) -> None:
    """Nothing is read but what the job names, and nothing written but in its folder."""
    found = _ended(fenced, row, world)
    assert found.kind == "error"
    assert "Permission" in str(found) or "cross-device" in str(found), str(found)
    assert sorted(one.name for one in world.folder.iterdir()) == ["secret", "target"]
    assert world.target.read_text(encoding="utf-8") == "of another customer"


def test_the_controls_succeed(world: World, tmp_path: Path) -> None:
    """Every attempt that anybody may make works without the sandbox: what stops it is the sandbox and nothing else."""
    apart = {row.function for row in ANYWHERE if row.function.__module__ == "answers"} | {attempts.kill}
    rows = [row for row in (*ANYWHERE, *WITH_LANDLOCK) if row.control and row.function not in apart]
    jobs = [
        (_name(row), row.arguments(world) | ({"wait": 0} if "wait" in row.arguments(world) else {})) for row in rows
    ]
    jobs.append(("kill", {"pid": world.pid}))
    (tmp_path / "work").mkdir()
    run = subprocess.run(
        [sys.executable, str(HERE / "plain.py")],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path / "work",
        env=os.environ
        | {
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1]), *filter(None, sys.path)]),
            "OPENBLAS_NUM_THREADS": "1",
        },
    )
    assert run.returncode == 0, run.stderr
    failed = {name: reason for name, reason in json.loads(run.stdout) if reason}
    assert failed == {}


@pytest.mark.skipif(platform.machine() not in confine._ARCHITECTURES, reason="its numbers are not known")
def test_every_forbidden_system_call_is_refused(box: Sandbox) -> None:
    """The table is what the kernel does: EPERM for each of it, ENOSYS for what Linux added since 2019."""
    column = confine._ARCHITECTURES[platform.machine()][1]
    numbers = {name: pair[column] for name, pair in confine._FORBIDDEN.items() if pair[column] >= 0}
    said = box.run(calls.answered, {"numbers": numbers}, LIMITS).data
    assert {name: number for name, number in said.items() if number != errno.EPERM} == {}
    recent = [number for number in range(confine._RECENT, 480) if number not in confine._RECENT_ALLOWED]
    said = box.run(calls.answered, {"numbers": {str(number): number for number in recent}}, LIMITS).data
    assert set(said.values()) == {errno.ENOSYS}


def test_what_a_parser_needs_is_there(box: Sandbox, tmp_path: Path) -> None:
    """Its file, its own folder, its libraries, threads: what is forbidden is not in the way."""
    file = tmp_path / "part.stl"
    file.write_bytes(b"part")
    assert box.run(attempts.read, {"path": str(file)}, LIMITS, [str(file)]).data == 4
    assert box.run(attempts.write, {"path": "temporary"}, LIMITS).data == 10
    assert box.run(attempts.spin_on_threads, {"seconds": 0.1}, LIMITS).data == 0


def test_nothing_is_left_of_them(box: Sandbox) -> None:
    """Not even folders so deep that they have no path are left behind."""
    with pytest.raises(Fault):
        box.run(attempts.deep_folders, {}, LIMITS.replace(output_mb=4))
    assert [one.name for one in box._folder.iterdir()] == ["zygote.log"]


def test_a_sandbox_whose_process_is_killed_leaves_no_folder() -> None:
    """Who is killed cannot clear up: the zygote does it."""
    lines = (
        "from tasks.sandbox import Sandbox, nothing; import os",
        "box = Sandbox(); box.run(nothing, {}); print(box._folder, flush=True); os.kill(os.getpid(), 9)",
    )
    run = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    folder = Path(run.stdout.strip())
    assert folder.name.startswith("partsight-sandbox-")
    deadline = time.monotonic() + 20
    while folder.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_doctor_names_what_is_not_there() -> None:
    """A protection that is absent is said to be, as one that is there."""
    with Sandbox(["unfenced"]) as weak:
        assert weak.run(nothing, {}).protections["files"] is False
    assert describe()["files"] is bool(LANDLOCK)
