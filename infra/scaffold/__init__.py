"""A package with a plug-in in it that works at once: what `partsight plugin new` writes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_HERE: Final = Path(__file__).parent
_SAYS: Final = {
    "stage": ("Tint the part's own pixels.", "recipe:\n  stages: [@name@, background, camera]"),
    "check": ("The picture must not be blurred.", "recipe:\n  checks: {@name@: {least: 2.0}}"),
    "sink": ("List the pictures with their vectors.", "sinks:\n  @name@: {}"),
    "reader": (
        "Reads text files of triangles, nine numbers a line.",
        "# nothing to set: files ending in .@suffix@ are read",
    ),
    "embedder": (
        "Compare pictures by how bright they are where.",
        "recipe:\n  embed: {model: @name@, settings: {side: 12}}",
    ),
}


def written(name: str, kind: str, folder: Path) -> list[Path]:
    """Write the package `partsight-<name>` into `folder`; returns its files.

    Raises ValueError with a sentence for a name that is none, FileExistsError where something is in the way.
    """
    if not NAME.fullmatch(name) or len(name) > 40:
        raise ValueError(f"'{name}' is no name for a plug-in: small letters and digits, words joined by a hyphen.")
    words = _words(name, kind)
    root = folder / words["package"]
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise FileExistsError(f"{root} is there already, and is left as it is: choose another name or --out.")
    files = {
        root / "pyproject.toml": "pyproject.toml",
        root / "README.md": "README.md",
        root / f"{words['module']}.py": f"{kind}.py",
        root / "tests" / f"test_{words['plain']}.py": "test.py",
    }
    (root / "tests").mkdir(parents=True, exist_ok=True)
    for path, template in files.items():
        text = (_HERE / f"{template}.txt").read_text(encoding="utf-8")
        path.write_text(_filled(text, words), encoding="utf-8")
    return list(files)


def _words(name: str, kind: str) -> dict[str, str]:
    plain = name.replace("-", "_")
    what, customer = _SAYS[kind]
    words = {
        "name": name,
        "plain": plain,
        "suffix": plain.replace("_", ""),
        "class": "".join(word.capitalize() for word in plain.split("_")),
        "package": f"partsight-{name.replace('_', '-')}",
        "module": f"partsight_{plain}",
        "kind": kind,
        "group": f"partsight.{kind}s",
        "variable": f"PARTSIGHT_{kind.upper()}S",
        "what": what,
    }
    return words | {"customer": _filled(customer, words)}


def _filled(text: str, words: Mapping[str, str]) -> str:
    return re.sub(r"@(\w+)@", lambda found: words[found[1]], text)
