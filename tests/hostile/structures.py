"""Breaks files where it hurts: they stay ZIP, XML, JSON or STL on the outside, and lie inside."""

from __future__ import annotations

import json
import math
import struct
from typing import TYPE_CHECKING, Any

import formats
from mutations import lines_mutated, mutated

if TYPE_CHECKING:
    import numpy as np

VALUES: tuple[Any, ...] = (
    *(-1, 0, 1, 2, 3, 255, 2**16, 2**31, 2**32 - 1, 2**63, 10**30, -1e308, 1e400, math.nan, 0.5),
    *("", "x", "../../x", "file:///etc/passwd", "http://127.0.0.1:9/x", "data:;base64,AAAA", "\ud800", "A" * 3000),
    *(None, True, False, [], {}, [[]], [0] * 100, {"": 0}),
)
TEXTS = (
    "",
    "-1",
    "0",
    "1",
    "3",
    "nan",
    "inf",
    "1e400",
    "4294967296",
    "99999999999999999999",
    "../x",
    "#",
    "Ä名",
    "A" * 99,
)
FLOATS = (math.nan, math.inf, -math.inf, 3e38, -3e38, 1e-45, 0.0, 1e9)
HEADERS = (b"solid x facet", b"COLOR=", b"x" * 74 + b"COLOR=", b"solid \xff\nendsolid", b"units: furlongs")
COUNTS = (0, 1, 2**16, 10**9, 2**31, 2**32 - 1)
# fields of a local and a central header of a ZIP archive: where they are, and how wide
LOCAL = ((4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2), (30, 1))
CENTRAL = ((6, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (38, 4), (42, 4), (46, 1))
END = ((4, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2))


def _one(those: Any, rng: np.random.Generator) -> Any:
    return those[int(rng.integers(len(those)))]


def json_mutated(document: Any, rng: np.random.Generator) -> Any:
    """A copy of a JSON value in which one to four values are others, gone, doubled, or stand elsewhere."""
    document = json.loads(json.dumps(document))
    for _ in range(rng.integers(1, 5)):
        places = [(holder, key) for holder in _holders(document) for key in _keys(holder)]
        if not places:
            break
        holder, key = _one(places, rng)
        change = int(rng.integers(5))
        if change == 0:
            del holder[key]
        elif change == 1:
            other, name = _one(places, rng)
            holder[key] = json.loads(json.dumps(other[name])) if name in _keys(other) else None
        elif change == 2 and isinstance(holder, list):
            holder += [holder[key]] * int(rng.integers(1, 50))
        else:
            holder[key] = _one(VALUES, rng)
    return document


def _holders(value: Any) -> list[Any]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = [value] if isinstance(value, (dict, list)) else []
    return own + [found for one in inside for found in _holders(one)]


def _keys(holder: Any) -> list[Any]:
    return list(holder) if isinstance(holder, dict) else list(range(len(holder)))


def glb_mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """A GLB file that is whole on the outside: its description or its buffer is mutated."""
    document, buffer = formats.parts(data)
    if rng.integers(4):
        return formats.glb(json_mutated(document, rng), buffer)
    return formats.glb(document, floats_mutated(buffer, rng, 0, 4))


def gltf_mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """A glTF file whose JSON is valid, or nearly: Python writes NaN and Infinity, which JSON has not."""
    return json.dumps(json_mutated(json.loads(data), rng)).encode()


def floats_mutated(data: bytes, rng: np.random.Generator, start: int, step: int) -> bytes:
    """Numbers at every `step` bytes from `start` are some that no coordinate should be."""
    out = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        place = start + step * int(rng.integers(max(1, (len(out) - start) // step)))
        if place + 4 <= len(out):
            out[place : place + 4] = struct.pack("<f", _one(FLOATS, rng))
    return bytes(out)


def iges_mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """IGES whose lines keep their 80 columns, and what those say of their section and number: other fields differ."""
    lines = data.split(b"\n")
    for _ in range(rng.integers(1, 6)):
        place = int(rng.integers(len(lines)))
        width = 64 if lines[place][72:73] == b"P" else 72
        fields = lines_mutated(lines[place][:width], rng).replace(b"\n", b" ")
        lines[place] = fields[:width].ljust(width) + lines[place][width:]
    return b"\n".join(lines)


def stl_mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """A binary STL whose count lies, whose numbers are none, that has other triangles or another header."""
    change = int(rng.integers(5))
    count = (len(data) - 84) // 50
    if change == 0:
        return data[:80] + struct.pack("<I", _one((*COUNTS, count - 1, count + 1), rng)) + data[84:]
    if change == 1:
        return floats_mutated(data, rng, 84 + 12, 4)
    if change == 2:
        header = _one(
            (b"solid x facet", b"COLOR=", b"x" * 74 + b"COLOR=", b"solid \xff\nendsolid", b"units: furlongs"), rng
        )
        return header.ljust(80, b"\0")[:80] + data[80:]
    if change == 3:
        picks = rng.integers(max(count, 1), size=int(rng.integers(0, 5000))).tolist()
        faces = b"".join(data[84 + 50 * pick : 134 + 50 * pick] for pick in picks)
        return data[:80] + struct.pack("<I", len(faces) // 50) + faces
    inside = mutated(data[84:], rng)
    return data[:80] + struct.pack("<I", len(inside) // 50) + inside


def xml_mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """XML that is well formed, in which elements are gone, doubled or moved, and attributes and texts are others."""
    from lxml import etree

    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False))
    for _ in range(rng.integers(1, 5)):
        elements = [one for one in root.iter() if isinstance(one.tag, str)]
        one, other, change = _one(elements, rng), _one(elements, rng), int(rng.integers(6))
        parent = one.getparent()
        if change == 0 and parent is not None:
            parent.remove(one)
        elif change == 1 and parent is not None:
            for _ in range(rng.integers(1, 40)):
                parent.append(etree.fromstring(etree.tostring(one)))
        elif change == 2:  # an element inside another, and perhaps inside itself
            other.append(etree.fromstring(etree.tostring(one)))
        elif change == 3 and one.attrib:
            _attribute(one, other, rng)
        elif change == 4:
            one.text = _one(TEXTS, rng)
        elif change == 5 and one.text and one.text.strip():
            one.text = lines_mutated(one.text.encode(), rng).decode("latin-1").translate(dict.fromkeys(range(32)))
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _attribute(one: Any, other: Any, rng: np.random.Generator) -> None:
    """Another value for an attribute: an odd one, or another's, which makes circles of references."""
    name = _one(list(one.attrib), rng)
    same = [value for element in other.getroottree().iter() for key, value in element.attrib.items() if "d" in key]
    one.set(name, _one(same, rng) if same and rng.integers(2) else _one(TEXTS, rng))


def package_mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """A 3MF package that is a sound archive, with a model that is mutated as XML or as text."""
    fault = (xml_mutated, lines_mutated, mutated)[int(rng.integers(3))]
    members = formats.unpacked(data).items()
    return formats.packed({name: fault(inside, rng) if name.endswith(".model") else inside for name, inside in members})


def zip_mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """An archive of which one to three fields of its headers lie: method, flags, sizes, checksums, names, places."""
    out = bytearray(data)
    kinds = ((b"PK\3\4", LOCAL), (b"PK\1\2", CENTRAL), (b"PK\5\6", END))
    for _ in range(rng.integers(1, 4)):
        mark, fields = _one(kinds, rng)
        places = [at for at in range(len(out) - 4) if out[at : at + 4] == mark]
        if not places:
            continue
        offset, width = _one(fields, rng)
        start = _one(places, rng) + offset
        if start + width <= len(out):
            value = _one((0, 1, 2, 8, 12, 14, 99, 2**16 - 1, 2**31, 2**32 - 1, len(out), int(rng.integers(2**32))), rng)
            out[start : start + width] = (value % 256**width).to_bytes(width, "little")
    return bytes(out)
