"""Whatever an order does to its process, the others are made, the reason is told, and nothing is left running."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from blocks import scratch
from tasks.workshop import EndedError, Workshop

ERRANDS = """
import ctypes, faulthandler, os, sys, time

def work(order):
    what, _, number = order.partition(" ")
    if what == "hang":
        time.sleep(600)
    if what == "spin":
        while True:
            pass
    if what == "exit":
        os._exit(3)
    if what == "fault":
        ctypes.string_at(0)
    if what == "raise":
        raise ValueError("a broken stage")
    if what == "leave":
        sys.exit("no licence")
    if what == "look":
        return os.environ.get(number)
    if what == "count":
        loaded = [name for name in ("pyrender", "torch", "lancedb") if name in sys.modules]
        return loaded, len(os.listdir(f"/proc/{os.getppid()}/task"))
    return f"made {number}"

def lost(order, reason):
    return f"{order} lost: {reason}"
"""


@pytest.fixture
def errands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What workers do, in a module that their processes find."""
    (tmp_path / "workshop_errands.py").write_text(ERRANDS)
    monkeypatch.syspath_prepend(str(tmp_path))
    import importlib

    return importlib.import_module("workshop_errands")


@pytest.fixture
def workshop(errands: Any) -> Iterator[Callable[..., Workshop]]:
    """A maker of workshops, none of which leaves a process behind."""
    opened: list[Workshop] = []

    def maker(workers: int = 2, seconds: float = 2) -> Workshop:
        opened.append(Workshop(workers, errands.work, errands.lost, seconds=seconds))
        return opened[-1]

    yield maker
    for one in opened:
        one.close()
    assert multiprocessing.active_children() == []


def parent(errands: Any, code: str) -> subprocess.Popen[str]:
    """A process of its own that runs `code`, and finds the errands and us."""
    script = Path(errands.__file__).with_name("parent.py")
    script.write_text(code)
    path = os.pathsep.join([str(script.parent), str(Path(__file__).parents[2])])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, script], env=environment, stdout=subprocess.PIPE, text=True)


def test_an_order_that_hangs_is_ended_and_the_others_are_made(workshop: Callable[..., Workshop]) -> None:
    """The sentence names the limit, the quota that sets it, and where the order stood."""
    start = time.monotonic()
    made = workshop().make(["make 1", "hang 2", "make 3", "make 4"])
    assert [made[0], *made[2:]] == ["made 1", "made 3", "made 4"]
    assert made[1].startswith("hang 2 lost: it took longer than 2 s (`quotas.part_seconds` in the customer's file)")
    assert made[1].endswith("and was ended in workshop_errands.py, line 7, work.")
    assert time.monotonic() - start < 60


def test_an_order_that_never_lets_go_of_the_interpreter_is_ended(workshop: Callable[..., Workshop]) -> None:
    """A busy loop gives no other Python thread a chance: the clock is not one."""
    made = workshop(workers=1, seconds=1).make(["spin 1", "make 2"])
    assert "took longer than 1 s" in made[0]
    assert made[1] == "made 2"


@pytest.mark.parametrize(("order", "where"), [("exit 1", ""), ("fault 1", " in workshop_errands.py, line 14, work")])
def test_an_order_that_ends_its_process_is_named(workshop: Callable[..., Workshop], order: str, where: str) -> None:
    """It is tried again alone, to be sure; a fault says where it was."""
    made = workshop().make([order, "make 2", "make 3"])
    assert made[0].startswith(f"{order} lost: its process was ended{where}: by its mesh")
    assert made[1:] == ["made 2", "made 3"]


def test_what_an_order_raises_is_the_callers(workshop: Callable[..., Workshop]) -> None:
    """An exception passes, as it does without processes."""
    with pytest.raises(ValueError, match="a broken stage"):
        workshop().make(["raise 1"])


def test_an_order_that_exits_does_not_end_who_waits_for_it(workshop: Callable[..., Workshop]) -> None:
    """`sys.exit` in a process of the pool is its failure, not the run's end."""
    with pytest.raises(RuntimeError, match=r"sys\.exit\('no licence'\)"):
        workshop().make(["leave 1"])


def test_without_a_limit_nothing_is_ended(workshop: Callable[..., Workshop], tmp_path: Path) -> None:
    """And what the processes leave word in goes with the workshop."""
    one = workshop(seconds=0)
    assert one.make(["make 1"]) == ["made 1"]
    words = one._words
    assert words
    assert [word.name for word in words.iterdir()] == [scratch.LOCK]
    one.close()
    assert not words.exists()
    assert tmp_path.exists()


def test_a_worker_has_the_environment_of_the_moment_it_is_started(
    workshop: Callable[..., Workshop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not that of the first one, from which the process that is forked has its own."""
    assert workshop(1).make(["look PARTSIGHT_ERRAND", "look OMP_NUM_THREADS"]) == [None, "1"]
    monkeypatch.setenv("PARTSIGHT_ERRAND", "now")
    assert workshop(1).make(["look PARTSIGHT_ERRAND"]) == ["now"]
    monkeypatch.delenv("PARTSIGHT_ERRAND")
    assert workshop(1).make(["look PARTSIGHT_ERRAND"]) == [None]


def test_what_is_forked_has_imported_and_begun_nothing(errands: Any) -> None:
    """A fork of a process with threads, torch or LanceDB in it is broken; of one with pyrender it starts at once."""
    code = (
        "import workshop_errands\n"
        "from tasks.workshop import Workshop\n"
        "if __name__ == '__main__':\n"
        "    with Workshop(1, workshop_errands.work, workshop_errands.lost) as workshop:\n"
        "        print(*workshop.make(['count']))\n"
    )
    with parent(errands, code) as process:
        assert process.communicate()[0] == "(['pyrender'], 1)\n"


def test_whoever_closes_it_at_once_waits_for_nobody(workshop: Callable[..., Workshop]) -> None:
    """As when a run is cancelled: those who wait are told so at once, and an order after it is not begun."""
    place = workshop(seconds=600)
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(place.make, [f"hang {number}"]) for number in range(2)]
        deadline = time.monotonic() + 30
        while len(multiprocessing.active_children()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        start = time.monotonic()
        place.close(at_once=True)
        for one in waiting:
            with pytest.raises(EndedError):
                one.result(20)
    assert time.monotonic() - start < 20
    with pytest.raises(EndedError):
        place.make(["make 1"])


def test_workers_end_with_the_process_that_started_them(errands: Any) -> None:
    """It is killed and can tell nobody: a second later none of its workers is there, be it at an order or idle."""
    code = (
        "import sys\n"
        "from threading import Thread\n"
        "import workshop_errands\n"
        "from tasks.workshop import Workshop\n"
        "if __name__ == '__main__':\n"
        "    workshop = Workshop(2, workshop_errands.work, workshop_errands.lost)\n"
        "    print(*workshop.make(['make 1', 'make 2']), *workshop._pool._processes, flush=True)\n"
        "    workshop.make(['hang'])\n"
    )
    with parent(errands, code) as process:
        assert process.stdout is not None
        *made, one, other = process.stdout.readline().split()
        assert " ".join(made) == "made 1 made 2"
        time.sleep(0.2)
        process.kill()
    workers = [Path("/proc") / pid / "exe" for pid in (one, other)]
    deadline = time.monotonic() + 10
    while any(worker.exists() for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)
