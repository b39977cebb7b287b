"""Pages that hold all they show: styles and scripts are in them, and nothing else may run."""

from __future__ import annotations

import base64
import hashlib
import os
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PAGE: Final = Path(__file__).with_name("page")


def rendered(template: str, content: Mapping[str, object], styles: Sequence[str], scripts: Sequence[str]) -> str:
    """The page that `template` makes of `content`; `styles` and `scripts` are files beside it, laid inside."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    inline = {
        kind: "".join((_PAGE / name).read_text(encoding="utf-8") for name in names)
        for kind, names in (("css", styles), ("js", scripts))
    }
    hashes = {f"{name}_hash": _source_hash(text) for name, text in inline.items()}
    environment = Environment(
        loader=FileSystemLoader(_PAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    # our own files, not text from a customer: the only values that are not escaped
    ours = {name: Markup(text) for name, text in inline.items()}  # noqa: S704
    return environment.get_template(template).render(**content, **ours, **hashes)


def put(page: str, path: Path) -> Path:
    """Write `page` to `path`, which is returned; an older one is replaced at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(page, encoding="utf-8")
    return aside.replace(path)


def version() -> str:
    """The version of Partsight, empty where it is not installed."""
    try:
        return metadata.version("partsight")
    except metadata.PackageNotFoundError:
        return ""


def _source_hash(text: str) -> str:
    """Name an inline style or script as a content security policy does."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
