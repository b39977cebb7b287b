"""Finds in the text of a STEP file which product each occurrence is of, and how many there are in the end.

The kernel tells its own name of each alone, and would go through all of them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENTITY = rb"#(\d{1,18})\s*=\s*%b\s*\(((?:[^';]|'[^']*'){0,2000})\)\s*;"
_VALUE = re.compile(rb"'(?:[^']|'')*'|[^,\s]+")
_WIDE = re.compile(r"\\X([24])\\([0-9A-F]{0,4000})\\X0\\")
_NARROW = re.compile(r"\\X\\([0-9A-F]{2})")


def products(data: bytes) -> dict[str, str]:
    """Name of the product of each occurrence in an assembly, by the name of the occurrence, where that is clear.

    Some systems call the occurrences of "gearbox" NAUO1 and NAUO2, others gearbox_1 and gearbox_2.
    """
    if b"NEXT_ASSEMBLY_USAGE_OCCURRENCE" not in data:
        return {}
    names = {number: values[1] or values[0] for number, values in _entities(data, rb"PRODUCT", 2)}
    formations = dict(_references(data, rb"PRODUCT_DEFINITION_FORMATION\w*", 2))
    definitions = dict(_references(data, rb"PRODUCT_DEFINITION(?:_WITH_ASSOCIATED_DOCUMENTS)?", 2))
    found: defaultdict[str, set[str]] = defaultdict(set)
    for _, values in _entities(data, rb"NEXT_ASSEMBLY_USAGE_OCCURRENCE", 5):
        product = names.get(formations.get(definitions.get(values[4].lstrip("#"), ""), ""), "")
        for occurrence in values[:2]:
            found[occurrence].add(product)
    return {occurrence: min(those) for occurrence, those in found.items() if occurrence and len(those) == 1}


def placed(data: bytes) -> int:
    """How many parts the assemblies of a file place, counted without placing them: each level may double them.

    Raises Refusal where an assembly contains itself.
    """
    children: defaultdict[str, list[str]] = defaultdict(list)
    for _, values in _entities(data, rb"NEXT_ASSEMBLY_USAGE_OCCURRENCE", 5):
        children[values[3]].append(values[4])
    counts: dict[str, int] = {}
    try:
        for name in TopologicalSorter(children).static_order():
            counts[name] = sum(counts[child] for child in children.get(name, ())) or 1
    except CycleError as error:
        raise Refusal("has an assembly that contains itself: export it again") from error
    return max(counts.values(), default=1)


def _references(data: bytes, kind: bytes, index: int) -> Iterator[tuple[str, str]]:
    """Numbers of entities of a kind, and the number that their value `index` refers to."""
    for number, values in _entities(data, kind, index + 1):
        yield number, values[index].lstrip("#")


def _entities(data: bytes, kind: bytes, least: int) -> Iterator[tuple[str, list[str]]]:
    """Numbers and values of entities of a kind with at least so many values."""
    for number, inside in re.findall(_ENTITY % kind, data):
        values = [_text(value) for value in _VALUE.findall(inside)]
        if len(values) >= least:
            yield number.decode(), values


def _text(value: bytes) -> str:
    r"""Text of a value; \X\ and \X2\ stand for letters beyond ASCII (ISO 10303-21, 6.4.3)."""
    text = value.decode("utf-8", "replace")
    if not text.startswith("'"):
        return text
    text = _NARROW.sub(lambda match: chr(int(match[1], 16)), text[1:-1].replace("''", "'"))
    return _WIDE.sub(_letters, text).strip()


def _letters(match: re.Match[str]) -> str:
    code = "utf-16-be" if match[1] == "2" else "utf-32-be"
    return bytes.fromhex(match[2] + "0" * (len(match[2]) % 2)).decode(code, "replace")
