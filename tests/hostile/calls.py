"""Asks the kernel itself for what the filter of system calls forbids."""

from __future__ import annotations

import ctypes
import os
from typing import Any

Done = tuple[Any, dict[str, Any]]


def call(number: int, *arguments: object) -> int:
    """Ask the kernel itself, past every library. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    result = int(libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def answered(numbers: dict[str, int]) -> Done:
    """Ask for each of these system calls, with arguments that make no sense; returns the error's number of each."""
    said: dict[str, int] = {}
    for name, number in numbers.items():
        try:
            call(number, *[ctypes.c_long(-1)] * 6)
        except OSError as error:
            said[name] = error.errno or 0
        else:
            said[name] = 0
    return said, {}
