"""Corners of STEP and IGES: assemblies that grow or turn back on themselves, and numbers that are none."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

import formats
from corners import PAYLOAD, Corner, single

if TYPE_CHECKING:
    from collections.abc import Iterator

LEVELS = 40  # of two occurrences each: 2 ** 40 parts in 20 kB

_PRODUCT = """#{p} = PRODUCT('{name}','{name}','',(#{context}));
#{p1} = PRODUCT_DEFINITION_FORMATION('','',#{p});
#{p2} = PRODUCT_DEFINITION('design','',#{p1},#{design});
#{p3} = PRODUCT_DEFINITION_SHAPE('','',#{p2});
#{p4} = SHAPE_REPRESENTATION('',(#{axis}),#{space});
#{p5} = SHAPE_DEFINITION_REPRESENTATION(#{p3},#{p4});
"""
_OCCURRENCE = """#{n} = NEXT_ASSEMBLY_USAGE_OCCURRENCE('{n}','{name}','',#{parent},#{child},$);
#{n1} = PRODUCT_DEFINITION_SHAPE('','',#{n});
#{n2} = ITEM_DEFINED_TRANSFORMATION('','',#{axis},#{axis});
#{n3} = ( REPRESENTATION_RELATIONSHIP('','',#{inner},#{outer}) REPRESENTATION_RELATIONSHIP_WITH_TRANSFORMATION(#{n2})
SHAPE_REPRESENTATION_RELATIONSHIP() );
#{n4} = CONTEXT_DEPENDENT_SHAPE_REPRESENTATION(#{n3},#{n1});
"""


@functools.cache
def _sound() -> dict[str, bytes]:
    return {name: upload.files[upload.name] for name, upload in formats.kernel().items()}


def corners() -> Iterator[Corner]:
    """STEP and IGES corners."""
    part, frame, iges = _sound()["step"], _sound()["step-frame"], _sound()["iges"]
    yield from _assemblies(part)
    yield from _numbers(part)
    yield from _names(part, frame)
    for label, data, words in (
        ("no data", _without_data(part), "holds no solid"),
        ("cut off", part[:9000], "cut off"),
        ("brackets", _with(part, "#900000 = A(" + "(" * 200_000 + ")" * 200_000 + ");"), ""),
        ("brackets alone", _head(part) + b"#1=A(" + b"(" * 1_000_000 + _tail(), ""),
        ("an open text", _with(part, "#900000 = PRODUCT('"), ""),
        ("an entity that is itself", _with(part.replace(b"CLOSED_SHELL('',(#17", b"CLOSED_SHELL('',(#16"), ""), ""),
        ("a curve of a curve", part.replace(b"EDGE_CURVE('',#22,#24,#26", b"EDGE_CURVE('',#22,#24,#21"), ""),
        ("numbers beyond all", part.replace(b"#17 =", b"#99999999999999999999 ="), ""),
        ("every entity number one", re.sub(rb"#\d+", b"#1", part), ""),
        ("zero bytes", part.replace(b"DATA;", b"DATA;" + bytes(100_000)), ""),
        ("other files", _elsewhere(part), "only refers to geometry in other files (secret.step)"),
    ):
        loads = False if words else None
        yield Corner(f"step: {label}", single("part.step", data), loads, words)
    for label, data, words in (
        ("lines of no width", iges.replace(b" ", b""), "does not begin like an IGES file"),
        ("no end", iges[:-81], "cut off"),
        ("a parameter that is none", _fields(iges, rb"186,\d+", b"186,999999999"), ""),
        ("pointers to itself", _fields(iges, rb"514,\d+,\d+", b"514,1,5"), ""),
        ("a count that lies", _fields(iges, rb"514,\d+", b"514,999999999"), ""),
        ("numbers that are none", iges.replace(b"20.", b"nan", 9), ""),
        ("numbers beyond all", iges.replace(b"20.", b"1D9", 9), ""),
    ):
        yield Corner(f"iges: {label}", single("part.igs", data), False if words else None, words)


def _assemblies(part: bytes) -> Iterator[Corner]:
    levels = [f"level {number}" for number in range(LEVELS)]
    doubled = [(above, below) for above, below in zip(levels, [*levels[1:], "post"], strict=True) for _ in range(2)]
    once = list(zip(levels, [*levels[1:], "post"], strict=True))
    deep = [f"deep {number}" for number in range(400)]
    chain = list(zip(deep, [*deep[1:], "post"], strict=True))
    wide = [("top", "post")] * 300
    for label, pairs, loads, words in (
        ("billion laughs", doubled, False, "places more than 200000 parts"),
        ("40 levels", once, True, ""),
        ("400 levels", chain, False, "more than 100 deep"),
        ("300 of one", wide, True, ""),
        ("a circle of two", [("a", "b"), ("b", "a"), ("a", "post")], False, "contains itself"),
        ("a circle of one", [("a", "a"), ("a", "post")], False, "contains itself"),
        ("a part in itself", [("post", "post")], False, "contains itself"),
    ):
        yield Corner(f"step: {label}", single("part.step", assembly(part, pairs)), loads, words)


def assembly(part: bytes, pairs: list[tuple[str, str]]) -> bytes:
    """STEP of assemblies over one part, "post": each pair is an assembly and what occurs in it."""
    given = {"context": _number(part, "PRODUCT_CONTEXT"), "design": _number(part, "PRODUCT_DEFINITION_CONTEXT")}
    given |= {
        "axis": _number(part, "AXIS2_PLACEMENT_3D"),
        "space": re.findall(rb"\(#11,#15\),#(\d+)\)", part)[0].decode(),
    }
    definition = {"post": _number(part, "PRODUCT_DEFINITION")}
    shape = {"post": _number(part, "ADVANCED_BREP_SHAPE_REPRESENTATION")}
    text, number = "", 100_000
    for name in dict.fromkeys(name for pair in pairs for name in pair if name != "post"):
        numbers = {"p": number} | {f"p{index}": number + index for index in range(1, 6)}
        text += _PRODUCT.format(name=name, **given, **numbers)
        definition[name], shape[name] = str(number + 2), str(number + 4)
        number += 10
    for above, below in pairs:
        numbers = {"n": number} | {f"n{index}": number + index for index in range(1, 5)}
        places = {"parent": definition[above], "child": definition[below], "inner": shape[below], "outer": shape[above]}
        text += _OCCURRENCE.format(name=below, axis=given["axis"], **numbers, **places)
        number += 10
    return _with(part, text)


def _numbers(part: bytes) -> Iterator[Corner]:
    point = b"CARTESIAN_POINT('',(-20.,-15.,3.))"
    for label, value, loads in (
        ("a coordinate that is no number", b"NAN", False),
        ("a coordinate without end", b"-INF", False),
        ("a coordinate beyond all", b"1.E400", None),
        ("a coordinate at the rim of the solar system", b"4.5E15", None),
    ):
        data = part.replace(point, point.replace(b"-20.", value))
        yield Corner(f"step: {label}", single("part.step", data), loads)
    for label, unit, loads, words in (
        ("exametres", b"SI_UNIT(.EXA.,.METRE.)", False, ""),  # the kernel does not survive it
        ("kilometres", b"SI_UNIT(.KILO.,.METRE.)", True, ""),
        ("micrometres", b"SI_UNIT(.MICRO.,.METRE.)", True, ""),
        ("a unit that is none", b"SI_UNIT(.MILLI.,.CUBIT.)", None, ""),
    ):
        data = part.replace(b"SI_UNIT(.MILLI.,.METRE.)", unit)
        yield Corner(f"step: {label}", single("part.step", data), loads, words)


def _names(part: bytes, frame: bytes) -> Iterator[Corner]:
    for label, name, shown in (
        ("HTML", PAYLOAD.encode(), PAYLOAD),
        ("a path", b"../../etc/passwd", "../../etc/passwd"),
        ("no letters", b"", ""),
        ("not ASCII", rb"\X2\540D524D\X0\ \X2\00C4\X0\rger", "名前 Ärger"),
        ("half a letter", rb"\X2\D800\X0\x", "x"),
        ("a quote", b"O''Ring", "O'Ring"),
        ("a million letters", b"N" * 1_000_000, None),
        ("a line break", b"a\\X\\0Ab", None),
    ):
        loads, names = (None, None) if shown is None else (True, (shown,))
        data = part.replace(b"PRODUCT('post','post'", b"PRODUCT('%b','%b'" % (name, name))
        yield Corner(f"step: a name of {label}", single("part.step", data), loads, "", None, names)
    same = frame.replace(b"'plate'", b"'pin'")
    yield Corner("step: one name for all", single("part.step", same), True, "", None, ("pin",))


def _number(part: bytes, entity: str) -> str:
    return re.findall(rf"#(\d+) = {entity}\(".encode(), part)[0].decode()


def _space(part: bytes) -> str:
    """The context that its shape is measured in."""
    return re.findall(rb"ADVANCED_BREP_SHAPE_REPRESENTATION\('',\([^)]*\),#(\d+)\)", part)[0].decode()


def _with(part: bytes, text: str) -> bytes:
    """STEP with these entities besides its own."""
    return part.replace(b"ENDSEC;\nEND-ISO", text.encode() + b"ENDSEC;\nEND-ISO")


def _head(part: bytes) -> bytes:
    return part[: part.index(b"DATA;") + 6]


def _tail() -> bytes:
    return b"\nENDSEC;\nEND-ISO-10303-21;\n"


def _without_data(part: bytes) -> bytes:
    return _head(part) + _tail()


def _elsewhere(part: bytes) -> bytes:
    return _head(part) + b"#1=DOCUMENT_FILE('secret.step','','',#2,'',$);\n" + _tail()


def _fields(iges: bytes, pattern: bytes, value: bytes) -> bytes:
    """IGES in which what matches has another value, and every line its 80 columns."""
    return re.sub(pattern, lambda match: value.ljust(len(match[0]))[: max(len(match[0]), 1)], iges)
