"""What is looked at in a reader: the formats that it names, and that files which are no such format are refused.

Whether it reads the right bodies only a file of that format can show, and nobody has one here.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.contract import Finding
from tasks.readers import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.plugins import Plugin

NONSENSE: Final = {
    "an empty file": b"",
    "noise": np.random.default_rng(1).bytes(4096),
    "a text": b"solid nothing\nendsolid nothing\n" * 40,
    "zeros": bytes(4096),
}


def findings(plugin: Plugin) -> list[Finding]:
    """All that was found about a reader."""
    if plugin.settings is None:
        return []
    reader: Any = plugin.settings()
    found = list(_formats(plugin, reader))
    if any(one.level == "fail" for one in found):
        return found
    with tempfile.TemporaryDirectory(prefix="partsight-contract-") as folder:
        wrong = [complaint for suffix in reader.suffixes for complaint in _fed(reader, Path(folder), suffix)]
    mend = (
        "Whatever is no such file ends in an exception, best in tasks.sandbox.Refusal with a sentence for the customer."
    )
    found += [Finding(level="fail", name="bad input", what=one, mend=mend) for one in wrong]
    if not wrong:
        found.append(Finding(level="pass", name="bad input", what="Empty files, noise, texts and zeros are refused."))
    return found


def _formats(plugin: Plugin, reader: Any) -> Iterator[Finding]:
    suffixes = list(reader.suffixes)
    odd = [one for one in suffixes if not (isinstance(one, str) and one.startswith(".") and one == one.lower())]
    if odd or not suffixes:
        mend = "suffixes = ('.abc',): in small letters, with the dot."
        yield Finding(level="fail", name="formats", what=f"It names no formats, or these: {odd}.", mend=mend)
        return
    yield Finding(level="pass", name="formats", what=f"It reads {', '.join(suffixes)}.")
    there = registry().readers
    taken = sorted(
        f"{one} from {there[one].name}" for one in suffixes if one in there and there[one].reference != plugin.target
    )
    if taken:
        yield Finding(level="warn", name="formats", what=f"Installed, it takes over {', '.join(taken)}.")


def _fed(reader: Any, folder: Path, suffix: str) -> Iterator[str]:
    """What is wrong with how it takes files that are none of its own."""
    for name, data in NONSENSE.items():
        path = folder / f"nonsense{suffix}"
        path.write_bytes(data)
        try:
            companions = list(reader.companions(path))
        except (OSError, ValueError, RecursionError):
            companions = []
        except Exception as error:  # noqa: BLE001 - outside the sandbox these end the run
            yield f"{name} as {suffix}: companions() raised {type(error).__name__}: {error}"
            continue
        if not all(isinstance(one, str) for one in companions):
            yield f"{name} as {suffix}: companions() gave {companions!r}, not names."
        try:
            bodies = reader(path)
        except Exception:  # noqa: BLE001, S112 - that is what it should do
            continue
        if any(len(body.faces) for body in bodies):
            yield f"{name} as {suffix}: it read {len(bodies)} bodies in it."
