"""Faults of what an onboarding writes to: a disk that is full, a storage that fails."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING, Any

from faults import KILLED, Bench, Trial, crashed
from manifest import Manifest, manifest

from blocks.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storage import Storage
    from warm import Child


@contextlib.contextmanager
def disk(folder: Path, size: int) -> Iterator[Path | None]:
    """A disk of so many bytes; nothing where this machine lets nobody make one."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    made = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield folder if made else None
    finally:
        if made:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def full(bench: Bench, share: float) -> Trial:
    """The disk holds so much of what an onboarding writes; with room again the next run completes it."""
    place = bench.place()
    whole = sum(file.stat().st_size for file in (bench.folder / "undisturbed" / "tables").rglob("*") if file.is_file())
    size = int(share * whole)
    with disk(place / "disk", size) as small:
        told: dict[str, Any] = {} if small else {"largest": int(share * 60_000)}
        uri = str(place / "disk" / "tables")
        status, child = bench.run(place / "first", uri, **told)
        where = f"{size} bytes of {whole}" if small else f"no file beyond {told['largest']} bytes"
        if small:
            subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
        where += f": {child.outcome().get('error', 'all went in')[:60]}"
        trial = bench.completed("the disk is full", where, place, uri, crashed(status, child))
        return trial._replace(befell=status != 0)


def stored(bench: Bench, storage: Storage, how: str, calls: range, **options: str) -> Trial:
    """The storage fails at some calls of a run; what the run could not do, the next one does."""
    place = bench.place()
    uri = storage.uri(place.name)
    storage.fail(how, calls)
    status, child = bench.run(place / "first", uri, environment=storage.environment, options=options)
    failed = len(storage.failed)
    storage.fail("", range(0))
    more = f"every {calls.step} from there" if calls.step > 1 else f"{len(calls) - 1} more"
    end = "told, run again" if status else "went through"
    where = f"{how} at call {calls.start} and {more}: {failed} failed, {end}"
    trial = Trial(f"storage: {how}", where, tuple(crashed(status, child)), befell=failed > 0)
    return _again(bench, storage, trial, place, uri)


def killed_at_call(bench: Bench, storage: Storage, call: int) -> Trial:
    """Killed while it waits for the storage to answer a call."""
    place = bench.place()
    uri = storage.uri(place.name)
    waiting: list[Child] = []
    storage.fail("kill", range(call, call + 1), lambda: waiting[0].kill())  # noqa: PLW0108 it is not there yet
    waiting.append(bench.start(place / "first", uri, environment=storage.environment))
    status = waiting[0].wait()
    storage.fail("", range(0))
    where = f"at call {call}" if status else f"before call {call} it was done"
    trial = Trial("kill -9 at a call to the storage", where, befell=status == KILLED)
    return _again(bench, storage, trial, place, uri)


def _again(bench: Bench, storage: Storage, trial: Trial, place: Path, uri: str) -> Trial:
    """The run that comes after, with a storage that answers."""
    catalogue = Catalogue(uri=uri, storage_options=storage.direct)
    before: Manifest = manifest(catalogue)
    status, child = bench.run(place / "second", uri, environment=storage.environment)
    ended = [f"the next run ended with {status}: {child.outcome().get('error')}"] if status else []
    return bench.judged(trial._replace(lost=(*trial.lost, *ended)), place, before, manifest(catalogue), child.made())


def asked(bench: Bench, storage: Storage) -> int:
    """How many calls to the storage an undisturbed onboarding makes."""
    place = bench.place()
    storage.fail("", range(0))
    status, child = bench.run(place / "first", storage.uri(place.name), environment=storage.environment)
    assert status == 0, child.outcome()
    return len(storage.calls)
