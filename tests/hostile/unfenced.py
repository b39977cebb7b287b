"""Loaded into a zygote, it makes the machine one whose kernel knows no Landlock: what then still holds?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks import confine

if TYPE_CHECKING:
    from collections.abc import Iterable


def _absent(readable: Iterable[str], writable: Iterable[str]) -> bool:  # noqa: ARG001 - the same face
    return False


confine.forbid_files = _absent
