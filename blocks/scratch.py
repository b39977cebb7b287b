"""Folders for a while: gone at the end, or when another one is made, should whoever made it have been killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX: Final = "partsight-"
LOCK: Final = ".partsight-lock"  # held as long as the process lives that made the folder: the kernel lets go of it
_held: Final[dict[Path, int]] = {}


@contextmanager
def scratch(name: str, place: Path | None = None) -> Iterator[Path]:
    """A folder of that kind inside the `with` block; in `place` rather than where the machine keeps such."""
    folder = made(name, place)
    try:
        yield folder
    finally:
        removed(folder)


def made(name: str, place: Path | None = None) -> Path:
    """A new, empty folder of that kind, until it is `removed`; those that killed processes left behind go."""
    swept(name, place)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{name}-", dir=place))
    early = folder / f"{LOCK}-early"
    lock = os.open(early, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    early.rename(folder / LOCK)  # under this name it is locked from the beginning
    _held[folder] = lock
    return folder


def removed(folder: Path) -> None:
    """Remove a folder and all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)
    if (lock := _held.pop(folder, None)) is not None:
        os.close(lock)


def swept(name: str, place: Path | None = None) -> list[Path]:
    """Remove the folders of that kind whose makers are no more; returns which these were."""
    found = []
    for lock in sorted((place or Path(tempfile.gettempdir())).glob(f"{PREFIX}{name}-*/{LOCK}")):
        with contextlib.suppress(OSError):  # somebody else's, in use, or removed at this moment by another sweep
            file = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
                found.append(lock.parent)
            finally:
                os.close(file)
    return found
