"""Breaks files of any format as disks, mail and malice do: byte by byte, and line by line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Fault = Callable[[bytearray, np.random.Generator], bytes]

NUMBERS = (b"nan", b"inf", b"-1", b"0", b"1e400", b"-1e308", b"1e-320", b"99999999999999999999", b"2147483648", b"1e9")
WORDS = (b"", b"'", b'"', b"(", b")", b";", b"$", b"*", b"\x00", "Ä名".encode(), b"../../x", b"A" * 4000, b"%s%n")

_NUMBER = re.compile(rb"-?\d+\.?\d*(?:[eE][-+]?\d+)?")
_REFERENCE = re.compile(rb"#\d+")


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """A copy of `data` with one to four faults in its bytes: flipped, lost, doubled, foreign or zeroed ones."""
    return _several(data, rng, (_flipped, _cut, _lost, _doubled, _foreign, _zeroed, _renumbered, _swapped))


def lines_mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """A copy of a text with one to four faults in its lines, numbers, references and words."""
    return _several(data, rng, (_swapped, _line_lost, _line_doubled, _odd_number, _reference, _word, _many_lines))


def _several(data: bytes, rng: np.random.Generator, faults: tuple[Fault, ...]) -> bytes:
    for _ in range(rng.integers(1, 5)):
        data = faults[rng.integers(len(faults))](bytearray(data), rng) or data
    return data


def _span(data: bytearray, rng: np.random.Generator) -> slice:
    start = int(rng.integers(max(len(data), 1)))
    return slice(start, start + int(2 ** rng.uniform(0, 9)))


def _flipped(data: bytearray, rng: np.random.Generator) -> bytes:
    for place in rng.integers(max(len(data), 1), size=int(rng.integers(1, 9))):
        data[place : place + 1] = bytes(byte ^ 1 << int(rng.integers(8)) for byte in data[place : place + 1])
    return bytes(data)


def _cut(data: bytearray, rng: np.random.Generator) -> bytes:
    return bytes(data[: int(rng.integers(max(len(data), 1)))])


def _lost(data: bytearray, rng: np.random.Generator) -> bytes:
    del data[_span(data, rng)]
    return bytes(data)


def _doubled(data: bytearray, rng: np.random.Generator) -> bytes:
    span = _span(data, rng)
    return bytes(data[: span.stop] + data[span] + data[span.stop :])


def _foreign(data: bytearray, rng: np.random.Generator) -> bytes:
    span = _span(data, rng)
    data[span] = rng.bytes(span.stop - span.start)
    return bytes(data)


def _zeroed(data: bytearray, rng: np.random.Generator) -> bytes:
    span = _span(data, rng)
    data[span] = bytes(span.stop - span.start)
    return bytes(data)


def _renumbered(data: bytearray, rng: np.random.Generator) -> bytes:
    digits = np.flatnonzero((np.frombuffer(data, np.uint8) >= 48) & (np.frombuffer(data, np.uint8) <= 57)).tolist()
    for place in rng.choice(digits, min(len(digits), 12)) if digits else ():
        data[place] = int(rng.integers(48, 58))
    return bytes(data)


def _swapped(data: bytearray, rng: np.random.Generator) -> bytes:
    lines = bytes(data).split(b"\n")
    first, second = (int(place) for place in rng.integers(len(lines), size=2))
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


def _line_lost(data: bytearray, rng: np.random.Generator) -> bytes:
    lines = bytes(data).split(b"\n")
    del lines[int(rng.integers(len(lines)))]
    return b"\n".join(lines)


def _line_doubled(data: bytearray, rng: np.random.Generator) -> bytes:
    lines = bytes(data).split(b"\n")
    lines.insert(int(rng.integers(len(lines))), lines[int(rng.integers(len(lines)))])
    return b"\n".join(lines)


def _many_lines(data: bytearray, rng: np.random.Generator) -> bytes:
    lines = bytes(data).split(b"\n")
    place = int(rng.integers(len(lines)))
    return b"\n".join([*lines[:place], *[lines[place]] * int(rng.integers(2, 2000)), *lines[place:]])


def _replaced(data: bytearray, rng: np.random.Generator, pattern: re.Pattern[bytes], value: bytes) -> bytes:
    found = list(pattern.finditer(data))
    if not found:
        return bytes(data)
    start, end = found[int(rng.integers(len(found)))].span()
    return bytes(data[:start] + value + data[end:])


def _odd_number(data: bytearray, rng: np.random.Generator) -> bytes:
    return _replaced(data, rng, _NUMBER, NUMBERS[int(rng.integers(len(NUMBERS)))])


def _reference(data: bytearray, rng: np.random.Generator) -> bytes:
    """One reference leads to another entity: a circle, or something of the wrong kind."""
    found = _REFERENCE.findall(data)
    return _replaced(data, rng, _REFERENCE, found[int(rng.integers(len(found)))]) if found else bytes(data)


def _word(data: bytearray, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(len(data) + 1))
    return bytes(data[:place] + WORDS[int(rng.integers(len(WORDS)))] + data[place:])
