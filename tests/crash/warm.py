"""Onboardings in processes of their own that can be killed: started in a moment, ended with all that they started."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Self

SERVER = Path(__file__).with_name("onboarding.py")
QUIET = {"OMP_NUM_THREADS": "1", "PYOPENGL_PLATFORM": "egl", "PYGLET_HEADLESS": "1", "HF_HUB_OFFLINE": "1"}


class Child:
    """An onboarding that was started: in `home` it writes what it does."""

    def __init__(self, warm: Warm, pid: int, home: Path) -> None:
        self._warm, self.pid, self.home = warm, pid, home

    def kill(self) -> None:
        """What the kernel does when the machine has no memory left: nobody is asked."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Its exit status; below zero the signal that ended it. What it left running is ended too."""
        status = int(self._warm.ask({"wait": self.pid})["status"])
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        return status

    def outcome(self) -> dict[str, Any]:
        """The summary, or the error; neither where it was killed."""
        file = self.home / "outcome.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def made(self) -> Counter[str]:
        """How much it has read, rendered and embedded."""
        return _counts(self.home / "work.log")

    def commits(self) -> list[str]:
        """What it has committed, in its order."""
        file = self.home / "commits.log"
        return [line.split(" ", 1)[1] for line in file.read_text().splitlines()] if file.exists() else []


class Warm:
    """The process that the onboardings are forked from."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | QUIET,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def start(self, home: Path, **told: Any) -> Child:
        """Start an onboarding whose own files are in `home`; `told` says of what, into what, and where it ends."""
        return Child(self, int(self.ask({"home": str(home), **told})["pid"]), home)

    def run(self, home: Path, **told: Any) -> tuple[int, Child]:
        """Start one and wait for its end."""
        child = self.start(home, **told)
        return child.wait(), child

    def ask(self, told: dict[str, Any]) -> dict[str, Any]:
        """Say a line and hear one."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        return dict(json.loads(self._process.stdout.readline()))


def _counts(log: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    if log.exists():
        for line in log.read_text().splitlines():
            what, count = line.rsplit(" ", 1)
            found[what] += int(count)
    return found
