"""What a child that was taken over may leave as its answer, for whoever reads it: none of it may be believed."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

Done = tuple[Any, dict[str, Any]]
MEGABYTE = 2**20


def _leave(head: bytes, raw: bytes = b"") -> None:
    Path("answer.bin").write_bytes(raw)
    Path("answer.json").write_bytes(head)
    os._exit(0)


def _head(arrays: dict[str, Any]) -> bytes:
    whole = {"kind": "ok", "message": "", "data": 1, "arrays": arrays, "protections": {}}
    return json.dumps(whole).encode()


def say_nothing() -> Done:
    """Leave no answer, and say that all is well."""
    os._exit(0)


def say_noise() -> Done:
    """Answer with noise."""
    _leave(bytes(range(256)) * 100)
    raise AssertionError


def say_pickle() -> Done:
    """Answer with a pickle, which would be run by who opens it."""
    _leave(pickle.dumps(Path))
    raise AssertionError


def say_depth() -> Done:
    """Answer with brackets in brackets."""
    _leave(b"[" * 1_000_000)
    raise AssertionError


def say_much() -> Done:
    """Answer with six million empty lists: eighteen megabytes that would become half a gigabyte."""
    _leave(b'{"kind": "ok", "data": [' + b"[]," * 2_500_000 + b"[]]}")
    raise AssertionError


def say_more() -> Done:
    """Answer with a file as large as the kernel lets it be, and then claim that it is more."""
    os.truncate(os.open("answer.json", os.O_CREAT | os.O_WRONLY), 8 * MEGABYTE)
    os._exit(0)


def say_numbers(shape: list[int]) -> Done:
    """Announce an array that does not come."""
    _leave(_head({"a": ["<f8", shape]}))
    raise AssertionError


def say_objects() -> Done:
    """Announce an array of Python objects: their addresses would be believed."""
    _leave(_head({"a": ["|O", [1]]}), bytes(8))
    raise AssertionError


def say_link(path: str) -> Done:
    """Answer with somebody else's file, by a link."""
    Path("answer.bin").write_bytes(b"")
    Path("answer.json").symlink_to(path)
    os._exit(0)


def say_second_name(path: str) -> Done:
    """Answer with somebody else's file, under a second name."""
    Path("answer.bin").write_bytes(b"")
    Path("answer.json").hardlink_to(path)
    os._exit(0)


def say_folder() -> Done:
    """Answer with a folder."""
    Path("answer.json").mkdir()
    os._exit(0)


def die_with_two_logs() -> Done:
    """Give what it said a second name, and die: who asks what it died of reads neither."""
    os.link("log", "second")
    os.abort()


def die_with_a_folder() -> Done:
    """Put a folder where what it said should be, and die."""
    Path("log").unlink()
    Path("log").mkdir()
    os.abort()
