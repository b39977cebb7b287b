"""What is looked at in a sink: that it writes where it may, what it is given, once, and the same again."""

from __future__ import annotations

import json
import tempfile
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tasks.contract import Finding, form, subjects
from tasks.records import bytes_id
from tasks.sinks import Destination

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.plugins import Plugin
    from tasks.sinks import Picture

COUNT: Final = 200  # pictures
HELD: Final = 100  # of them in memory at once: more, and a large catalogue does not fit


def findings(plugin: Plugin) -> list[Finding]:
    """All that was found about a sink."""
    found = form.findings(plugin)
    if any(one.level == "fail" for one in found) or plugin.settings is None:
        return found
    sink: Any = plugin.settings()
    with tempfile.TemporaryDirectory(prefix="partsight-contract-") as folder:
        start = time.perf_counter()
        first, wrong, held = _written(sink, Path(folder) / "first", COUNT)
        seconds = time.perf_counter() - start
        if wrong:
            mend = (
                "It must take any pictures with its default settings; pictures without silhouette too (mask is None)."
            )
            return [*found, Finding(level="fail", name="types", what=wrong, mend=mend)]
        found.append(
            Finding(level="pass", name="types", what=f"It took {COUNT} pictures and wrote {len(first)} files.")
        )
        found += _where(first, held)
        again, _, _ = _written(sink, Path(folder) / "again", COUNT)
        found += _same(first, again)
        _, wrong, _ = _written(sink, Path(folder) / "none", 0)
    if wrong:
        found.append(
            Finding(level="fail", name="bad input", what=f"No pictures at all: {wrong}", mend="Write an empty export.")
        )
    else:
        found.append(Finding(level="pass", name="bad input", what="No pictures at all is an empty export."))
    found.append(Finding(level="pass", name="speed", what=f"{COUNT / max(seconds, 1e-9):.3g} pictures a second."))
    return found


def _written(sink: Any, folder: Path, count: int) -> tuple[dict[str, str], str, int]:
    """Digests of the files that it wrote, what is wrong, and most pictures that it held at once."""
    folder.mkdir()
    to = Destination(
        customer="contract",
        name="Contract",
        run="r1",
        model="m",
        dimension=16,
        count=count,
        parts=subjects.PARTS,
        folder=folder,
    )
    watch = _Watch(subjects.pictures(count))
    try:
        told = sink(iter(watch), to)
        json.dumps(told or {})
        dict(told or {})
    except Exception as error:  # noqa: BLE001 - a stranger's sink may raise anything
        return {}, f"{type(error).__name__}: {error}", watch.most
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digests = {str(path.relative_to(folder)): bytes_id(path.read_bytes()) for path in files}
    return digests, "" if watch.given == count else f"It took {watch.given} of {count} pictures.", watch.most


class _Watch:
    """Pictures, counting how many have been given and how many are still held."""

    def __init__(self, pictures: Iterator[Picture]) -> None:
        self._pictures = pictures
        self._held = self.given = self.most = 0

    def _gone(self) -> None:
        self._held -= 1

    def __iter__(self) -> Iterator[Picture]:
        for picture in self._pictures:
            weakref.finalize(picture, self._gone).atexit = False
            self._held += 1
            self.given += 1
            self.most = max(self.most, self._held)
            yield picture


def _where(files: dict[str, str], held: int) -> Iterator[Finding]:
    if not files:
        what = "It wrote nothing into to.folder."
        mend = (
            "What is written there takes the place of the former export as one: elsewhere a stopped one leaves halves."
        )
        yield Finding(level="warn", name="place", what=what, mend=mend)
    if held > HELD:
        what, mend = (
            f"It held {held} pictures at once.",
            "Write each as it comes: a catalogue may have a million of them.",
        )
        yield Finding(level="warn", name="memory", what=what, mend=mend)


def _same(first: dict[str, str], again: dict[str, str]) -> Iterator[Finding]:
    other = sorted(name for name in {*first, *again} if first.get(name) != again.get(name))
    if other:
        what = f"The same pictures gave other bytes the second time ({other[0]})."
        mend = "Leave dates, random names and the order of sets out: then a checksum says whether anything changed."
        yield Finding(level="warn", name="determinism", what=what, mend=mend)
    else:
        yield Finding(level="pass", name="determinism", what="The same pictures give the same bytes.")
